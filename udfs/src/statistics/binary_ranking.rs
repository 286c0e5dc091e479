//! How well scores rank outcomes of which there are two kinds.

/// The number of outcomes of each kind at one score, scores falling.
struct Step {
    ones: f64,
    zeros: f64,
}

/// The steps of the scores from the highest; pairs that share a score share a
/// step, whatever their order.
fn steps(is_one: &[bool], score: &[f64]) -> Vec<Step> {
    let mut order: Vec<u32> = (0..score.len() as u32).collect();
    order.sort_unstable_by(|&a, &b| score[b as usize].total_cmp(&score[a as usize]));
    let mut steps: Vec<Step> = Vec::new();
    let mut last = None;
    for i in order {
        let i = i as usize;
        // -0.0 and 0.0 are one score.
        if last != Some(score[i]) {
            steps.push(Step {
                ones: 0.0,
                zeros: 0.0,
            });
            last = Some(score[i]);
        }
        if let Some(step) = steps.last_mut() {
            if is_one[i] {
                step.ones += 1.0;
            } else {
                step.zeros += 1.0;
            }
        }
    }
    steps
}

/// The area under the receiver operating characteristic: the chance that a 1
/// scores above a 0, ties counting half (Mann and Whitney 1947). `None` without
/// both kinds.
pub fn roc_area(is_one: &[bool], score: &[f64]) -> Option<f64> {
    let steps = steps(is_one, score);
    let (mut ones, mut zeros, mut won) = (0.0, 0.0, 0.0);
    for step in steps {
        won += step.zeros * (ones + step.ones / 2.0);
        ones += step.ones;
        zeros += step.zeros;
    }
    (ones > 0.0 && zeros > 0.0).then(|| won / (ones * zeros))
}

/// Average precision: the sum over falling thresholds of the gain in recall
/// times the precision there, without interpolation. `None` without a 1.
pub fn average_precision(is_one: &[bool], score: &[f64]) -> Option<f64> {
    let steps = steps(is_one, score);
    let (mut ones, mut seen, mut sum) = (0.0, 0.0, 0.0);
    for step in steps {
        ones += step.ones;
        seen += step.ones + step.zeros;
        sum += step.ones * (ones / seen);
    }
    (ones > 0.0).then(|| sum / ones)
}

#[cfg(test)]
mod tests {
    use super::{average_precision, roc_area};

    /// sklearn.metrics.roc_auc_score and average_precision_score, scikit-learn
    /// 1.9.1; see tests/python/metrics_reference.py.
    #[test]
    fn ties_count_half_and_share_a_threshold() {
        let ones = [false, false, true, true, true, false, true, false];
        let scores = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.9, 0.2];
        let auc = roc_area(&ones, &scores).unwrap();
        assert!((auc - 0.8125).abs() < 1e-15, "{auc}");
        let ap = average_precision(&ones, &scores).unwrap();
        assert!((ap - 0.816_666_666_666_666_7).abs() < 1e-15, "{ap}");
        assert_eq!(roc_area(&[true], &[0.5]), None);
        assert_eq!(average_precision(&[false], &[0.5]), None);
        assert_eq!(roc_area(&[true, false], &[0.0, -0.0]), Some(0.5));
    }
}
