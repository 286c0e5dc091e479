//! What predictions of held rows are worth, by every metric that fits the task.

use crate::error::{Error, Result};
use crate::statistics::evaluation::{Measured, binary, multiclass, regression};

/// What a model predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Numbers.
    Numbers,
    /// One of two classes.
    Binary,
    /// One of several classes.
    Classes,
}

impl Task {
    /// Of a model that tells these classes apart.
    pub fn of(classes: &[f64]) -> Self {
        match classes.len() {
            0 => Self::Numbers,
            1 | 2 => Self::Binary,
            _ => Self::Classes,
        }
    }

    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Numbers => "a model of numbers",
            Self::Binary => "a model of two classes",
            Self::Classes => "a model of several classes",
        }
    }
}

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// As the aggregates of the catalogue are called.
    pub name: &'static str,
    /// Whether more is better.
    pub rises: bool,
    tasks: &'static [Task],
}

const NUMBERS: &[Task] = &[Task::Numbers];
const BINARY: &[Task] = &[Task::Binary];
const ANY_CLASSES: &[Task] = &[Task::Binary, Task::Classes];

const fn metric(name: &'static str, rises: bool, tasks: &'static [Task]) -> Metric {
    Metric { name, rises, tasks }
}

/// Every metric, in the order of [`Scores`].
pub static METRICS: [Metric; 13] = [
    metric("rmse", false, NUMBERS),
    metric("mae", false, NUMBERS),
    metric("r2", true, NUMBERS),
    metric("ic", true, NUMBERS),
    metric("rank_ic", true, NUMBERS),
    metric("hit_rate", true, NUMBERS),
    metric("log_loss", false, ANY_CLASSES),
    metric("auc", true, BINARY),
    metric("pr_auc", true, BINARY),
    metric("brier", false, BINARY),
    metric("accuracy", true, ANY_CLASSES),
    metric("f1", true, BINARY),
    metric("mcc", true, BINARY),
];

impl Metric {
    /// The place of that name among [`METRICS`].
    pub fn place(name: &str) -> Option<usize> {
        METRICS.iter().position(|metric| metric.name == name)
    }

    /// Whether it says something of such a model.
    fn fits(&self, task: Task) -> bool {
        self.tasks.contains(&task)
    }

    /// The metric that such a model is judged by where nobody says.
    fn usual(task: Task) -> usize {
        let name = match task {
            Task::Numbers => "rmse",
            Task::Binary | Task::Classes => "log_loss",
        };
        Self::place(name).unwrap_or_default()
    }

    /// The place of the metric that a model of these classes is judged by: the
    /// named one, or the usual one.
    ///
    /// # Errors
    /// The named one does not fit; says which do.
    pub fn judging(function: &str, named: Option<usize>, classes: &[f64]) -> Result<usize> {
        let task = Task::of(classes);
        let place = named.unwrap_or_else(|| Self::usual(task));
        let metric = &METRICS[place];
        if metric.fits(task) {
            return Ok(place);
        }
        let fix = format!("{} has {}", task.name(), Self::of(task).join(", "));
        let given = format!("'{}'", metric.name);
        Err(Error::argument(function, "metric", given, fix))
    }

    /// Those that fit, for messages.
    fn of(task: Task) -> Vec<&'static str> {
        let fitting = METRICS.iter().filter(|metric| metric.fits(task));
        fitting.map(|metric| metric.name).collect()
    }
}

/// A value per metric; none where it does not fit or is undefined.
pub type Scores = [Option<f64>; METRICS.len()];

/// What a model said of rows.
#[derive(Debug, Clone)]
pub struct Predictions {
    /// Per row: a number, or the most probable class.
    pub values: Vec<f64>,
    /// Of classes their probabilities, row after row; none if the model has none.
    pub probabilities: Option<Vec<f64>>,
}

impl Predictions {
    /// The number that ranks rows: of two classes the probability of the upper.
    pub fn score(&self, row: usize, classes: usize) -> f64 {
        match &self.probabilities {
            Some(probabilities) if classes == 2 => probabilities[2 * row + 1],
            _ => self.values[row],
        }
    }
}

/// The metrics of `predictions` of rows whose targets are `actual`; `classes` are
/// those that the model tells apart.
///
/// The definitions are those of the aggregates of the same names. Of two classes
/// the upper one is what is looked for. A class that the model has never seen was
/// given no probability. Undefined are r2, ic and rank_ic where a side is
/// constant, auc and pr_auc without both classes.
pub fn scores(actual: &[f64], predictions: &Predictions, classes: &[f64]) -> Scores {
    let mut scores = [None; METRICS.len()];
    if actual.is_empty() {
        return scores;
    }
    let measured = match Task::of(classes) {
        Task::Numbers => regression(actual, &predictions.values, None),
        Task::Binary => of_two_classes(actual, predictions, classes),
        Task::Classes => of_classes(actual, predictions, classes),
    };
    let task = Task::of(classes);
    for found in measured {
        if let Some(place) = Metric::place(found.metric)
            && METRICS[place].fits(task)
        {
            scores[place] = found.value.filter(|value| value.is_finite());
        }
    }
    scores
}

/// By the probability of the class that was: none of a class that the model has
/// never seen.
fn of_classes(actual: &[f64], predictions: &Predictions, classes: &[f64]) -> Vec<Measured> {
    let given: Vec<f64> = match &predictions.probabilities {
        None => vec![f64::NAN; actual.len()],
        Some(probabilities) => {
            let rows = probabilities.chunks_exact(classes.len());
            rows.zip(actual)
                .map(|(row, actual)| {
                    let class = classes.iter().position(|class| class == actual);
                    class.map_or(0.0, |class| row[class])
                })
                .collect()
        }
    };
    multiclass(actual, &predictions.values, &given)
}

/// What tells the upper class from the rest, and the metrics of any classes.
fn of_two_classes(actual: &[f64], predictions: &Predictions, classes: &[f64]) -> Vec<Measured> {
    let Some(&upper) = classes.last() else {
        return Vec::new();
    };
    let is_upper = |values: &[f64]| -> Vec<f64> {
        let place = |value: &f64| f64::from(u8::from(*value == upper));
        values.iter().map(place).collect()
    };
    let probability: Vec<f64> = match predictions.probabilities {
        None => vec![f64::NAN; actual.len()],
        Some(_) => (0..actual.len())
            .map(|row| predictions.score(row, classes.len()))
            .collect(),
    };
    let mut measured = binary(
        &is_upper(actual),
        &is_upper(&predictions.values),
        &probability,
    );
    // A class that was never seen is not the lower one.
    let any = of_classes(actual, predictions, classes).into_iter();
    measured.extend(any.filter(|found| ["log_loss", "accuracy"].contains(&found.metric)));
    measured
}

#[cfg(test)]
mod tests {
    use super::{METRICS, Metric, Predictions, scores};

    fn value(scores: &super::Scores, name: &str) -> Option<f64> {
        scores[Metric::place(name).unwrap()]
    }

    fn close(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} is not {expected}"
        );
    }

    /// tests/python/training_reference.py (scikit-learn 1.9.1, SciPy).
    #[test]
    fn numbers_are_scored_as_elsewhere() {
        let predictions = Predictions {
            values: vec![2.5, 0.0, 2.0, 8.0],
            probabilities: None,
        };
        let found = scores(&[3.0, -0.5, 2.0, 7.0], &predictions, &[]);
        close(value(&found, "rmse"), 0.612_372_435_695_794_5);
        close(value(&found, "mae"), 0.5);
        close(value(&found, "r2"), 0.948_608_137_044_967_9);
        close(value(&found, "ic"), 0.984_869_618_448_270_3);
        close(value(&found, "rank_ic"), 1.0);
        assert_eq!(value(&found, "log_loss"), None);
    }

    /// The same script.
    #[test]
    fn classes_are_scored_as_elsewhere() {
        let one = [0.1, 0.4, 0.35, 0.8];
        let predictions = Predictions {
            values: one.iter().map(|&p| f64::from(u8::from(p > 0.5))).collect(),
            probabilities: Some(one.iter().flat_map(|p| [1.0 - p, *p]).collect()),
        };
        let found = scores(&[0.0, 0.0, 1.0, 1.0], &predictions, &[0.0, 1.0]);
        close(value(&found, "auc"), 0.75);
        close(value(&found, "pr_auc"), 0.833_333_333_333_333_3);
        close(value(&found, "log_loss"), 0.472_287_953_809_176_15);
        close(value(&found, "brier"), 0.158_125);
        close(value(&found, "accuracy"), 0.75);
        close(value(&found, "f1"), 0.666_666_666_666_666_6);
        close(value(&found, "mcc"), 0.577_350_269_189_625_8);
        assert_eq!(value(&found, "rmse"), None);
    }

    #[test]
    fn several_classes_have_two_metrics() {
        let predictions = Predictions {
            values: vec![1.0, 2.0, 5.0],
            probabilities: Some(vec![0.5, 0.3, 0.2, 0.1, 0.8, 0.1, 0.25, 0.25, 0.5]),
        };
        // The last class is one that the model has never seen.
        let found = scores(&[1.0, 2.0, 7.0], &predictions, &[1.0, 2.0, 5.0]);
        let expected = -(0.5_f64.ln() + 0.8_f64.ln() + f64::EPSILON.ln()) / 3.0;
        close(value(&found, "log_loss"), expected);
        close(value(&found, "accuracy"), 2.0 / 3.0);
        assert_eq!(found.iter().flatten().count(), 2);
        assert_eq!(METRICS.len(), found.len());
    }
}
