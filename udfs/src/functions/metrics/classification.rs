//! Metrics of predicted classes: `accuracy`, `f1`, `mcc`.

use serde::{Deserialize, Serialize};

use super::{NULLS, pairs};
use crate::definition::{Accepts, Aggregate, Argument, Category, Kind, OptionKey, Signature};
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::options::Options;
use crate::statistics::confusion::Confusion;
use crate::value::{Type, Value};

/// A metric of how often each class was predicted as which.
pub struct Classes {
    signature: &'static Signature,
    finish: fn(&Confusion, &Options) -> Option<f64>,
}

/// How many pairs of classes there are, and the options as JSON text.
#[derive(Default, Serialize, Deserialize)]
pub struct Counts {
    confusion: Confusion,
    options: Option<String>,
}

/// More pairs than this are of no classes.
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
    finish: |confusion, _| confusion.accuracy(),
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
    finish: |confusion, options| confusion.f1(options.number("positive")),
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
    finish: |confusion, _| confusion.mcc(),
};

/// Whether these are classes; `predicted` is one of them.
///
/// # Errors
/// There are too many.
pub fn refuse_scores(function: &str, confusion: &Confusion, predicted: f64) -> Result<()> {
    if confusion.distinct() <= MOST_PAIRS {
        return Ok(());
    }
    Err(Error::argument(
        function,
        "predicted",
        predicted,
        "pass classes, not scores: CAST(probability >= 0.5 AS INTEGER)",
    ))
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
            state.confusion.add(a, p, 1);
            refuse_scores(self.signature.name, &state.confusion, p)?;
        }
        Ok(())
    }

    fn merge(&self, into: &mut Counts, from: &Counts) -> Result<()> {
        if into.options.is_none() {
            into.options.clone_from(&from.options);
        }
        for (a, p, count) in from.confusion.pairs() {
            into.confusion.add(a, p, count);
            refuse_scores(self.signature.name, &into.confusion, p)?;
        }
        Ok(())
    }

    fn finish(&self, state: &Counts) -> Result<Value> {
        let Some(options) = &state.options else {
            return Ok(Value::Null);
        };
        let given = serde_json::from_str(options)
            .map_err(|error| Error::internal(self.signature.name, error.to_string()))?;
        let options = Options::parse(self.signature, &given)?;
        Ok((self.finish)(&state.confusion, &options).into())
    }

    fn size(&self, state: &Counts) -> usize {
        state.confusion.distinct() * 3 * size_of::<u64>()
    }
}
