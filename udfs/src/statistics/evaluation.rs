//! How good predictions are: the metrics that fit what was predicted.

use crate::statistics::binary_ranking::{average_precision, roc_area};
use crate::statistics::confusion::Confusion;
use crate::statistics::groups::Groups;
use crate::statistics::information_coefficient::{
    Coefficients, GroupedTarget, SeriesSummary, coefficients, summary,
};
use crate::statistics::pair_moments::PairMoments;
use crate::statistics::ranks::average_ranks;
use crate::statistics::sum::Sum;

/// The loss, in nats, of having given a probability to what happened or to what
/// did not; probabilities are kept 2^-52 away from 0 and 1.
pub fn log_loss(happened: bool, probability: f64) -> f64 {
    let probability = probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
    if happened {
        -probability.ln()
    } else {
        -(-probability).ln_1p()
    }
}

/// What a model predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Numbers.
    Regression,
    /// One of two classes.
    Binary,
    /// One of more.
    Multiclass,
}

impl Task {
    /// Of a model that tells so many classes apart.
    pub fn of(classes: usize) -> Self {
        match classes {
            0 => Self::Regression,
            1 | 2 => Self::Binary,
            _ => Self::Multiclass,
        }
    }

    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::Binary => "binary",
            Self::Multiclass => "multiclass",
        }
    }

    /// The metrics that fit, in order; the last two of regression need dates.
    pub fn metrics(self) -> &'static [&'static str] {
        match self {
            Self::Regression => &[
                "rmse",
                "mae",
                "r2",
                "hit_rate",
                "ic",
                "rank_ic",
                "icir",
                "rank_icir",
            ],
            Self::Binary => &[
                "log_loss", "auc", "pr_auc", "brier", "accuracy", "f1", "mcc",
            ],
            Self::Multiclass => &["log_loss", "accuracy", "f1", "mcc"],
        }
    }
}

/// The metrics that are better the lower they are.
pub const LOSSES: [&str; 4] = ["rmse", "mae", "log_loss", "brier"];

/// The metrics that need dates.
pub const OF_DATES: [&str; 2] = ["icir", "rank_icir"];

/// A metric, and what there is to say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The metric.
    pub metric: &'static str,
    /// `None` where it is not defined.
    pub value: Option<f64>,
    /// `ok`, or why there is no value.
    pub status: String,
}

fn measured(metric: &'static str, value: Option<f64>, otherwise: &str) -> Measured {
    let status = if value.is_some() { "ok" } else { otherwise };
    Measured {
        metric,
        value,
        status: status.to_owned(),
    }
}

/// Of predicted numbers, complete pairs in a fixed order. With `dates`, a number
/// per pair, `ic` and `rank_ic` are means over dates.
pub fn regression(actual: &[f64], predicted: &[f64], dates: Option<&[f64]>) -> Vec<Measured> {
    let none = "no complete row";
    if actual.is_empty() {
        let fitting = Task::Regression.metrics().iter();
        return fitting.map(|metric| measured(metric, None, none)).collect();
    }
    let moments = PairMoments::of(actual, predicted);
    let r2 = 1.0 - moments.squared_error / moments.squares[0];
    let mut all = vec![
        measured(
            "rmse",
            Some((moments.squared_error / moments.n).sqrt()),
            none,
        ),
        measured("mae", Some(moments.absolute_error / moments.n), none),
        measured(
            "r2",
            (moments.squares[0] > 0.0).then_some(r2),
            "the actual values are constant",
        ),
        measured(
            "hit_rate",
            (moments.signed > 0.0).then(|| moments.hits / moments.signed),
            "either side is zero in every row",
        ),
    ];
    let Some(dates) = dates else {
        let ranks = PairMoments::of(&average_ranks(actual), &average_ranks(predicted));
        let constant = if moments.squares[0] > 0.0 {
            "the predictions are constant"
        } else {
            "the actual values are constant"
        };
        all.push(measured("ic", moments.correlation(), constant));
        all.push(measured("rank_ic", ranks.correlation(), constant));
        for metric in OF_DATES {
            all.push(measured(metric, None, "without dates"));
        }
        return all;
    };
    let position: Vec<f64> = (0..actual.len()).map(|row| row as f64).collect();
    let groups = Groups::of(dates, &position);
    let found = coefficients(predicted, &GroupedTarget::of(actual, &groups));
    let series = summary(&found, 0);
    let mean = |metric, summary: SeriesSummary| Measured {
        metric,
        value: summary.mean,
        status: of_dates(&found, groups.len()),
    };
    let ratio = |metric, summary: SeriesSummary| {
        let otherwise = if found.ic.len() < 2 {
            "fewer than two dates with a coefficient"
        } else {
            "the coefficients of all dates are equal"
        };
        measured(metric, summary.ratio, otherwise)
    };
    all.extend([
        mean("ic", series.ic),
        mean("rank_ic", series.rank_ic),
        ratio("icir", series.ic),
        ratio("rank_icir", series.rank_ic),
    ]);
    all
}

fn of_dates(found: &Coefficients, dates: usize) -> String {
    match found.skipped() {
        0 => "ok".to_owned(),
        skipped if skipped < dates => format!(
            "ok, {skipped} of {dates} dates have fewer than three rows or a constant side and do not count"
        ),
        _ => "no date has three rows that differ on both sides".to_owned(),
    }
}

/// Of predicted classes, of which there are two: complete rows in a fixed order.
/// `actual` and `predicted` are places among the classes; `probability` is that of
/// the second, NaN throughout if the model has none.
pub fn binary(actual: &[f64], predicted: &[f64], probability: &[f64]) -> Vec<Measured> {
    let ones: Vec<bool> = actual.iter().map(|&place| place == 1.0).collect();
    let known = is_known(probability);
    let rows = actual.len() as f64;
    let mean = |of: fn(bool, f64) -> f64| {
        known.then(|| {
            let mut sum = Sum::default();
            let pairs = ones.iter().zip(probability);
            pairs.for_each(|(&one, &probability)| sum.add(of(one, probability)));
            sum.total() / rows
        })
    };
    let unknown = no_probability(actual);
    let ranked = |value: Option<f64>| known.then_some(value).flatten();
    let one_class = if known { "one class only" } else { unknown };
    let mut all = vec![
        measured("log_loss", mean(log_loss), unknown),
        measured("auc", ranked(roc_area(&ones, probability)), one_class),
        measured(
            "pr_auc",
            ranked(average_precision(&ones, probability)),
            one_class,
        ),
        measured(
            "brier",
            mean(|one, probability| (probability - f64::from(u8::from(one))).powi(2)),
            unknown,
        ),
    ];
    let confusion = Confusion::of(actual, predicted);
    all.extend(of_classes(&confusion, confusion.f1(1.0)));
    all
}

/// Of predicted classes, of which there are more: as [`binary`], but
/// `probability` is that of the class that was.
pub fn multiclass(actual: &[f64], predicted: &[f64], probability: &[f64]) -> Vec<Measured> {
    let loss = is_known(probability).then(|| {
        let mut sum = Sum::default();
        let losses = probability.iter();
        losses.for_each(|&probability| sum.add(log_loss(true, probability)));
        sum.total() / actual.len() as f64
    });
    let confusion = Confusion::of(actual, predicted);
    let mut all = vec![measured("log_loss", loss, no_probability(actual))];
    all.extend(of_classes(&confusion, confusion.macro_f1()));
    all
}

fn is_known(probability: &[f64]) -> bool {
    !probability.is_empty() && !probability.iter().any(|value| value.is_nan())
}

fn no_probability(actual: &[f64]) -> &'static str {
    if actual.is_empty() {
        "no complete row"
    } else {
        "the model has no probabilities"
    }
}

fn of_classes(confusion: &Confusion, f1: Option<f64>) -> [Measured; 3] {
    let otherwise = |why| {
        if confusion.rows() == 0 {
            "no complete row"
        } else {
            why
        }
    };
    [
        measured("accuracy", confusion.accuracy(), otherwise("")),
        measured(
            "f1",
            f1,
            otherwise("the class neither was nor was predicted"),
        ),
        measured(
            "mcc",
            confusion.mcc(),
            otherwise("one class only, on either side"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::{Measured, Task, binary, multiclass, regression};

    fn value(all: &[Measured], metric: &str) -> Option<f64> {
        let found = all.iter().find(|measured| measured.metric == metric);
        found.unwrap().value
    }

    fn names(all: &[Measured]) -> Vec<&'static str> {
        all.iter().map(|measured| measured.metric).collect()
    }

    const PROBABILITY: [f64; 8] = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.9, 0.2];

    /// scikit-learn 1.9.1, SciPy 1.17.1; see tests/python/evaluation_reference.py.
    #[test]
    fn classes_agree_with_scikit_learn() {
        let actual = [0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0];
        let predicted = PROBABILITY.map(|p| f64::from(u8::from(p >= 0.4)));
        let found = binary(&actual, &predicted, &PROBABILITY);
        assert_eq!(names(&found), Task::Binary.metrics());
        for (metric, expected) in [
            ("log_loss", 0.455_596_529_731_110_8),
            ("auc", 0.8125),
            ("pr_auc", 0.816_666_666_666_666_7),
            ("brier", 0.150_312_5),
            ("accuracy", 0.625),
            ("f1", 0.666_666_666_666_666_6),
            ("mcc", 0.258_198_889_747_161_1),
        ] {
            let value = value(&found, metric).unwrap();
            assert!((value - expected).abs() < 1e-14, "{metric}: {value}");
        }
        let actual = [0.0, 1.0, 2.0, 1.0, 0.0, 2.0, 1.0, 0.0];
        let predicted = [0.0, 2.0, 2.0, 1.0, 0.0, 1.0, 1.0, 0.0];
        let found = multiclass(&actual, &predicted, &PROBABILITY);
        assert_eq!(names(&found), Task::Multiclass.metrics());
        let loss = value(&found, "log_loss").unwrap();
        assert!((loss - 1.004_902_674_065_166).abs() < 1e-14, "{loss}");
    }

    #[test]
    fn what_is_not_defined_says_why() {
        let found = binary(&[1.0, 1.0], &[1.0, 1.0], &[0.5, 0.75]);
        assert_eq!(value(&found, "auc"), None);
        assert_eq!(found[1].status, "one class only");
        assert_eq!(value(&found, "pr_auc"), Some(1.0));
        let found = binary(&[1.0, 0.0], &[1.0, 1.0], &[f64::NAN; 2]);
        assert_eq!(found[0].status, "the model has no probabilities");
        assert_eq!(value(&found, "accuracy"), Some(0.5));
        for found in [
            regression(&[], &[], None),
            binary(&[], &[], &[]),
            multiclass(&[], &[], &[]),
        ] {
            assert!(found.iter().all(|m| m.value.is_none()), "{found:?}");
            assert!(found.iter().all(|m| m.status == "no complete row"));
        }
        let found = regression(&[1.0; 3], &[0.0, 1.0, 2.0], None);
        assert_eq!(value(&found, "r2"), None);
        assert_eq!(value(&found, "rank_ic"), None);
    }

    /// Three names on three dates, the last of which has two rows only.
    #[test]
    fn coefficients_are_means_over_dates() {
        let dates = [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0];
        let actual = [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 9.0, 8.0];
        let predicted = [1.0, 2.0, 3.0, 2.0, 1.0, 3.0, 1.0, 2.0];
        let found = regression(&actual, &predicted, Some(&dates));
        assert_eq!(names(&found), Task::Regression.metrics());
        assert_eq!(value(&found, "rank_ic"), Some(0.75));
        let ratio = value(&found, "rank_icir").unwrap();
        assert!((ratio - 0.75 / 0.125_f64.sqrt()).abs() < 1e-14);
        assert!(found[4].status.starts_with("ok, 1 of 3 dates"));
        let pooled = regression(&actual, &predicted, None);
        assert!(value(&pooled, "ic").unwrap() < 0.5);
        assert_eq!(value(&pooled, "icir"), None);
    }
}
