//! Metrics of predicted classes: `accuracy`, `f1`, `mcc`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{NULLS, pairs};
use crate::definition::{Accepts, Aggregate, Argument, Category, Kind, OptionKey, Signature};
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::options::Options;
use crate::value::{Type, Value};

/// A metric of how often each class was predicted as which.
pub struct Classes {
    signature: &'static Signature,
    finish: fn(&Counts, &Options) -> Option<f64>,
}

/// How many pairs of labels (by their bits) there are, and the options as JSON
/// text.
#[derive(Default, Serialize, Deserialize)]
pub struct Counts {
    pairs: BTreeMap<(u64, u64), u64>,
    options: Option<String>,
}

/// More than this are no classes.
const MOST_PAIRS: usize = 10_000;

const CLASSES: &[Argument] = &[
    Argument::required("actual", Kind::Number, "the class that was: any number"),
    Argument::required("predicted", Kind::Number, "the class that was predicted"),
];

const fn of(name: &'static str, docs: &'static str, example: &'static str) -> Signature {
    Signature {
        name,
        aliases: &[],
        category: Category::Evaluation,
        arguments: CLASSES,
        options: &[],
        returns: Type::Double,
        nulls: NULLS,
        docs,
        example,
    }
}

/// See the signature.
pub static ACCURACY: Classes = Classes {
    signature: &of(
        "accuracy",
        "Share of predictions that are the class that was.\n\nFrom 0 to 1. With rare classes it says little: \
         always predicting the common one scores its share; see mcc.",
        "SELECT accuracy(a, p) AS accuracy FROM (SELECT 1 AS a, 1 AS p UNION ALL SELECT 0, 1) t",
    ),
    finish: |counts, _| {
        let right = counts.sum(|actual, predicted| actual == predicted);
        let all = counts.sum(|_, _| true);
        (all > 0.0).then(|| right / all)
    },
};

/// See the signature.
pub static F1: Classes = Classes {
    signature: &Signature {
        arguments: &[
            CLASSES[0],
            CLASSES[1],
            Argument::optional("options", Kind::Options, "NULL", "see the options"),
        ],
        options: &[OptionKey {
            name: "positive",
            accepts: Accepts::Number(f64::MIN, f64::MAX),
            default: "1",
            docs: "the class whose precision and recall count",
        }],
        ..of(
            "f1",
            "Harmonic mean of precision and recall of a class.\n\n2 TP / (2 TP + FP + FN), from 0 to 1, of the class \
             `positive`. NULL where it neither was nor was predicted.",
            "SELECT f1(a, p) AS f1 FROM (SELECT 1 AS a, 1 AS p UNION ALL SELECT 0, 1 UNION ALL SELECT 0, 0) t",
        )
    },
    finish: |counts, options| {
        let positive = options.number("positive");
        let both = counts.sum(|actual, predicted| actual == positive && predicted == positive);
        let either =
            counts.sum(|actual, predicted| (actual == positive) != (predicted == positive));
        (both + either > 0.0).then(|| 2.0 * both / (2.0 * both + either))
    },
};

/// See the signature.
pub static MCC: Classes = Classes {
    signature: &of(
        "mcc",
        "Matthews correlation coefficient.\n\nThe correlation of predicted and actual classes, from -1 to 1, fair to rare \
         classes; 0 is what a coin says. Of more than two classes it is Gorodkin's (Computational Biology and Chemistry 28, \
         2004). NULL where either side has one class only (scikit-learn says 0).",
        "SELECT mcc(a, p) AS mcc FROM (SELECT 1 AS a, 1 AS p UNION ALL SELECT 0, 1 UNION ALL SELECT 0, 0) t",
    ),
    finish: |counts, _| {
        let all = counts.sum(|_, _| true);
        let right = counts.sum(|actual, predicted| actual == predicted);
        let mut sides: BTreeMap<u64, [f64; 2]> = BTreeMap::new();
        for (&(actual, predicted), &count) in &counts.pairs {
            sides.entry(actual).or_default()[0] += count as f64;
            sides.entry(predicted).or_default()[1] += count as f64;
        }
        let product = |i: usize, j: usize| sides.values().map(|s| s[i] * s[j]).sum::<f64>();
        let spread = (all * all - product(0, 0)) * (all * all - product(1, 1));
        (spread > 0.0).then(|| (right * all - product(0, 1)) / spread.sqrt())
    },
};

impl Counts {
    fn sum(&self, counts: impl Fn(f64, f64) -> bool) -> f64 {
        let chosen = self
            .pairs
            .iter()
            .filter(|((a, p), _)| counts(f64::from_bits(*a), f64::from_bits(*p)));
        chosen.map(|(_, &count)| count as f64).sum()
    }

    fn add(&mut self, function: &str, pair: (u64, u64), count: u64) -> Result<()> {
        *self.pairs.entry(pair).or_default() += count;
        if self.pairs.len() <= MOST_PAIRS {
            return Ok(());
        }
        Err(Error::argument(
            function,
            "predicted",
            f64::from_bits(pair.1),
            "pass classes, not scores: CAST(probability >= 0.5 AS INTEGER)",
        ))
    }
}

impl Aggregate for Classes {
    type State = Counts;

    fn signature(&self) -> &'static Signature {
        self.signature
    }

    fn start(&self) -> Counts {
        Counts::default()
    }

    fn update(&self, state: &mut Counts, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        if let (None, Some(first)) = (&state.options, rows.first()) {
            let options = Options::parse(self.signature, &inputs.options(2, first)?)?;
            state.options = Some(options.to_json().to_string());
        }
        let (actual, predicted) = pairs(self.signature, inputs, rows)?;
        for (a, p) in actual.into_iter().zip(predicted) {
            // 0.0 is added so that -0.0 is no class of its own.
            let pair = ((a + 0.0).to_bits(), (p + 0.0).to_bits());
            state.add(self.signature.name, pair, 1)?;
        }
        Ok(())
    }

    fn merge(&self, into: &mut Counts, from: &Counts) -> Result<()> {
        if into.options.is_none() {
            into.options.clone_from(&from.options);
        }
        for (&pair, &count) in &from.pairs {
            into.add(self.signature.name, pair, count)?;
        }
        Ok(())
    }

    fn finish(&self, state: &Counts) -> Result<Value> {
        let Some(options) = &state.options else {
            return Ok(Value::Null);
        };
        let given = serde_json::from_str(options)
            .map_err(|error| Error::internal(self.signature.name, error.to_string()))?;
        Ok((self.finish)(state, &Options::parse(self.signature, &given)?).into())
    }

    fn size(&self, state: &Counts) -> usize {
        state.pairs.len() * 3 * size_of::<u64>()
    }
}
