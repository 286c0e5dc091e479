//! `relevance_tests`.

use rayon::prelude::*;

use super::feature_rows::{EXCLUDE, FEATURES, FeatureRows, unnested};
use super::gather::{Gather, Gathered, NON_NUMERIC, OverFeatures};
use crate::call::{Call, quote_name};
use crate::definition::{Accepts, Argument, Category, Kind, OptionKey, Signature, Table};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::statistics::hypothesis::FalseDiscovery;
use crate::statistics::relevance::{Tested, relevance};
use crate::value::{Column, Type, Value};

const NAME: &str = "relevance_tests";
const AGGREGATE: &str = "lagrange_relevance_tests";

/// See the signature.
pub struct RelevanceTests;

static SIGNATURE: Signature = Signature {
    name: NAME,
    aliases: &[],
    category: Category::Screening,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        Argument::required("target", Kind::ColumnName, "what the features are to tell"),
        FEATURES,
        EXCLUDE,
        Argument::optional(
            "fdr",
            Kind::Text,
            "'by'",
            "how p-values become q-values: by (Benjamini-Yekutieli, tests may depend on each other), bh (Benjamini-Hochberg)",
        ),
        Argument::optional(
            "level",
            Kind::Double,
            "0.05",
            "the share of false discoveries that is accepted, 0 to 1",
        ),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "NULL and NaN are missing: each feature is tested on the rows in which it and the target are present. \
            Infinity is an error.",
    docs: "Which features have to do with the target, by a test that fits their types.\n\n\
           A column with exactly two distinct values is binary. Binary target and feature: Fisher's exact test (statistic: \
           the odds ratio); binary target, real feature: Mann and Whitney's U, of the rows with the greater target; real \
           target, binary feature: Kolmogorov and Smirnov's two-sample test; real ones: Kendall's tau-b. All two-sided, as \
           SciPy computes them. Returns one row per feature: `feature`, `test`, `statistic`, `p_value`, `q_value`, \
           `cutoff` (the largest p-value accepted at `level`, NULL if none is), `relevant` (BOOLEAN), `n` (pairs) and \
           `status`; a constant feature has no p-value, is not counted as a test and is `irrelevant: constant`. Rows \
           count as independent: overlapping labels and panels make p-values too small. Keeps 8 bytes per value. \
           Benjamini and Yekutieli, Annals of Statistics 29 (2001).",
    example: "SELECT feature, test, relevant FROM relevance_tests(\
              '(SELECT (i * 7) % 11 AS a, i % 2 AS b, 1 AS c, (i * 7) % 11 + (i * 5) % 17 AS y FROM range(100) r(i))', 'y') \
              ORDER BY feature",
};

impl Table for RelevanceTests {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let target = call
            .column("target")?
            .ok_or_else(|| Error::argument(NAME, "target", "NULL", "pass a column name"))?;
        let fdr = call.choice("fdr", &["by", "bh"])?;
        let level = call.double("level", 0.0, 1.0)?;
        let rows = FeatureRows::of(call, std::slice::from_ref(&target))?;
        let aggregate = format!(
            "{AGGREGATE}(lagrange_target, {}, {{'non_numeric': '{}', 'fdr': '{fdr}', 'level': {level:?}}})",
            rows.features, rows.non_numeric
        );
        let fields: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        Ok(format!(
            "WITH lagrange_rows AS ({}) {}",
            rows.rows(&[(&quote_name(&target), "lagrange_target")], ""),
            unnested(&fields, &aggregate, "lagrange_rows")
        ))
    }
}

const FIELDS: &[(&str, Type)] = &[
    ("feature", Type::Text),
    ("test", Type::Text),
    ("statistic", Type::Double),
    ("p_value", Type::Double),
    ("q_value", Type::Double),
    ("cutoff", Type::Double),
    ("relevant", Type::Boolean),
    ("n", Type::Integer),
    ("status", Type::Text),
];

/// See the signature.
pub static TESTS: Gather<Tests> = Gather(Tests);

/// What is made of the rows.
pub struct Tests;

static AGGREGATE_SIGNATURE: Signature = Signature {
    name: AGGREGATE,
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required("target", Kind::Number, "the target"),
        Argument::required("features", Kind::Features, "the features"),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        NON_NUMERIC,
        OptionKey {
            name: "fdr",
            accepts: Accepts::Choice(&["by", "bh"]),
            default: "\"by\"",
            docs: "how p-values become q-values",
        },
        OptionKey {
            name: "level",
            accepts: Accepts::Number(0.0, 1.0),
            default: "0.05",
            docs: "the share of false discoveries that is accepted",
        },
    ],
    returns: Type::Rows(FIELDS),
    nulls: "See relevance_tests. No row: NULL.",
    docs: "The rows of relevance_tests.\n\nKeeps 8 bytes per value.",
    example: "SELECT unnest(lagrange_relevance_tests(y, {'a': a})) AS row FROM \
              (SELECT (i * 7) % 11 AS a, (i * 5) % 17 AS y FROM range(50) r(i)) t",
};

/// The method of an option `fdr`.
pub(super) fn false_discovery(options: &Options) -> FalseDiscovery {
    match options.text("fdr") {
        "bh" => FalseDiscovery::BenjaminiHochberg,
        _ => FalseDiscovery::BenjaminiYekutieli,
    }
}

impl OverFeatures for Tests {
    fn signature(&self) -> &'static Signature {
        &AGGREGATE_SIGNATURE
    }

    fn caller(&self) -> &'static str {
        NAME
    }

    fn finish(&self, gathered: &Gathered<'_>, options: &Options) -> Result<Value> {
        let [target] = gathered.numbers else {
            return Err(Error::internal(NAME, "one number was expected"));
        };
        let tested: Vec<Tested> = gathered
            .columns
            .par_iter()
            .map(|column| relevance(column, target))
            .collect();
        let p_values: Vec<Option<f64>> = tested.iter().map(|tested| tested.p_value).collect();
        let method = false_discovery(options);
        let cutoff = method.cutoff(&p_values, options.number("level"));
        let accepted = |p: Option<f64>| p.zip(cutoff).is_some_and(|(p, cutoff)| p <= cutoff);
        let rows = tested.len();
        let names = gathered.names.iter().cloned().map(Some);
        let text = |of: fn(&Tested) -> Option<&'static str>| {
            Column::Text(tested.iter().map(|t| of(t).map(str::to_owned)).collect())
        };
        Ok(Value::Rows(vec![
            Column::Text(names.collect()),
            text(|tested| tested.test),
            Column::Double(tested.iter().map(|tested| tested.statistic).collect()),
            Column::Double(p_values.clone()),
            Column::Double(method.q_values(&p_values)),
            Column::Double(vec![cutoff; rows]),
            Column::Boolean(p_values.iter().map(|p| Some(accepted(*p))).collect()),
            Column::Integer(tested.iter().map(|tested| Some(tested.n as i64)).collect()),
            text(|tested| Some(tested.status)),
        ]))
    }
}
