//! The values of a target that are told apart.

use crate::error::{Error, Result};

/// More values than this are no classes.
pub const MOST: usize = 1000;

/// The distinct values, ascending; `None` if there are more than [`MOST`].
pub fn distinct(target: &[f64]) -> Option<Vec<f64>> {
    let mut classes: Vec<f64> = Vec::new();
    for &value in target {
        let place = classes.partition_point(|class| *class < value);
        if classes.get(place) != Some(&value) {
            classes.insert(place, value);
        }
        if classes.len() > MOST {
            return None;
        }
    }
    Some(classes)
}

/// The distinct values of `target`, ascending: two or more.
///
/// # Errors
/// One value, or too many; `algorithm` is named.
pub fn classes(algorithm: &str, target: &[f64]) -> Result<Vec<f64>> {
    let Some(classes) = distinct(target) else {
        return Err(Error::data(
            "fit",
            format!(
                "the target has more than {MOST} values; {algorithm} tells classes apart: \
                 cut it into classes, or use an algorithm that predicts numbers"
            ),
        ));
    };
    if classes.len() < 2 {
        let only = classes.first().copied().unwrap_or_default();
        return Err(Error::data(
            "fit",
            format!("the target is {only} in every row; {algorithm} needs two classes or more"),
        ));
    }
    Ok(classes)
}

/// The place of each value of `target` among `classes`.
pub fn codes(classes: &[f64], target: &[f64]) -> Vec<u32> {
    let place = |value: &f64| classes.partition_point(|class| class < value) as u32;
    target.iter().map(place).collect()
}

/// What is wrong with the classes of a model from outside, if anything.
///
/// # Errors
/// Says what is wrong.
pub fn check(classes: &[f64]) -> std::result::Result<(), String> {
    if classes.is_sorted_by(|a, b| a < b) {
        return Ok(());
    }
    Err("the classes are not in order".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{classes, codes};

    #[test]
    fn classes_ascend_and_are_at_least_two() {
        let found = classes("svc", &[3.0, -1.0, 3.0]).unwrap();
        assert_eq!(found, [-1.0, 3.0]);
        assert_eq!(codes(&found, &[3.0, -1.0]), [1, 0]);
        let error = classes("svc", &[3.0, 3.0]).unwrap_err().to_string();
        assert!(error.contains("3 in every row; svc"), "{error}");
        let many: Vec<f64> = (0..1001).map(f64::from).collect();
        assert!(classes("svc", &many).is_err());
    }
}
