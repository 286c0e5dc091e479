//! `relevance_tests`.

use rayon::prelude::*;

use super::feature_rows::{EXCLUDE, FEATURES, FeatureRows, unnested};
use super::gather::{Gather, Gathered, NON_NUMERIC, OverFeatures};
use crate::call::{Call, quote_name};
use crate::definition::{Accepts, Argument, Category, Kind, OptionKey, Signature, Table};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::statistics::hypothesis::{FalseDiscovery, fisher_exact, ks_two_sample, mann_whitney};
use crate::statistics::kendall_pair::kendall_tau_b;
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct RelevanceTests;

static SIGNATURE: Signature = Signature {
    name: "relevance_tests",
    aliases: &[],
    category: Category::Screening,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        Argument::required(
            "target",
            Kind::ColumnName,
            "what the features may have to do with",
        ),
        FEATURES,
        EXCLUDE,
        Argument::optional(
            "fdr",
            Kind::Text,
            "'by'",
            "how the rate of false discoveries is kept: by (Benjamini-Yekutieli, under any dependence of the \
             tests), bh (Benjamini-Hochberg, for independent or positively dependent ones)",
        ),
        Argument::optional(
            "level",
            Kind::Double,
            "0.05",
            "the expected share of irrelevant features among those accepted, between 0 and 1",
        ),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "NULL and NaN are missing; a feature is tested in the rows in which it and the target are present \
            (pairwise-complete). Infinity is an error. No rows: no rows.",
    docs: "Which features have anything to do with the target, by a test per feature.\n\n\
           Returns one row per feature: `feature` (VARCHAR), `test` (VARCHAR), `statistic` (DOUBLE), `p_value` \
           (DOUBLE, two-sided), `q_value` (DOUBLE, the lowest level at which the feature is accepted), `cutoff` \
           (DOUBLE, the largest accepted p-value, the same in every row; NULL if none is), `relevant` (BOOLEAN, \
           p_value <= cutoff), `n` (BIGINT, the rows tested) and `status` (VARCHAR): 'ok', 'irrelevant: constant' \
           (the feature), 'target is constant', 'no rows'. Where status is not 'ok' there was no test: test, \
           statistic, p_value and q_value are NULL, relevant is false, and the number of tests does not count it.\n\n\
           A column is binary if it has exactly two distinct values in the rows tested, and real if it has more. \
           The test follows from the types as in tsfresh (Christ, Kempa-Liehr and Feindt, arXiv:1610.07717, \
           section 2.2): target and feature binary: `fisher`, Fisher's exact test, the statistic being the odds \
           ratio (Infinity where a cell of its denominator is empty); target binary, feature real: \
           `mann_whitney`, U of the rows with the larger target value (U divided by the product of the two counts \
           is the area under the ROC curve); target real, feature binary: `kolmogorov_smirnov`, the greatest \
           distance of the target's two distribution functions; both real: `kendall`, tau-b. p-values are those \
           of SciPy's fisher_exact, mannwhitneyu, ks_2samp and kendalltau with their defaults: exact for small \
           samples, approximations for large ones (ks_2samp: exact up to 10,000 values in the larger sample). \
           q-values: Benjamini and Hochberg (1995), Benjamini and Yekutieli (2001).\n\n\
           Rows must be independent for the p-values to mean what they say: overlapping returns make them too \
           small. Keeps 8 bytes per value; O(n log n) per feature.",
    example: "SELECT feature, test, relevant FROM relevance_tests(\
              '(SELECT i % 7 AS a, i % 2 AS b, (i % 7) * (i % 7) + i % 3 AS y FROM range(200) r(i))', 'y') \
              ORDER BY feature",
};

const FIELDS: &[&str] = &[
    "feature",
    "test",
    "statistic",
    "p_value",
    "q_value",
    "cutoff",
    "relevant",
    "n",
    "status",
];

impl Table for RelevanceTests {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let target = call.column("target")?.ok_or_else(|| {
            Error::argument(
                call.function(),
                "target",
                "NULL",
                "pass the target's column name",
            )
        })?;
        let fdr = call.choice("fdr", &["by", "bh"])?;
        let level = call.double("level", 0.0, 1.0)?;
        if level == 0.0 || level == 1.0 {
            return Err(Error::argument(
                call.function(),
                "level",
                call.literal("level"),
                "pass a number between 0 and 1, such as 0.05",
            ));
        }
        let target_sql = quote_name(&target);
        let rows = FeatureRows::of(call, &[target])?;
        let call = format!(
            "lagrange_relevance(lagrange_target, {}, {{'fdr': '{fdr}', 'level': {level:?}, 'non_numeric': '{}'}})",
            rows.features, rows.non_numeric
        );
        Ok(format!(
            "WITH lagrange_rows AS ({}) {}",
            rows.rows(&[(&target_sql, "lagrange_target")], ""),
            unnested(FIELDS, &call, "lagrange_rows")
        ))
    }
}

/// The kernel of `relevance_tests`.
pub struct Relevance;

/// See the signature.
pub static LAGRANGE_RELEVANCE: Gather<Relevance> = Gather(Relevance);

static KERNEL: Signature = Signature {
    name: "lagrange_relevance",
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required("target", Kind::Number, "the target"),
        Argument::required("features", Kind::Features, "one field per feature"),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        OptionKey {
            name: "fdr",
            accepts: Accepts::Choice(&["by", "bh"]),
            default: "\"by\"",
            docs: "see relevance_tests",
        },
        OptionKey {
            name: "level",
            accepts: Accepts::Number(0.0, 1.0),
            default: "0.05",
            docs: "see relevance_tests",
        },
        NON_NUMERIC,
    ],
    returns: Type::Rows(&[
        ("feature", Type::Text),
        ("test", Type::Text),
        ("statistic", Type::Double),
        ("p_value", Type::Double),
        ("q_value", Type::Double),
        ("cutoff", Type::Double),
        ("relevant", Type::Boolean),
        ("n", Type::Integer),
        ("status", Type::Text),
    ]),
    nulls: "See relevance_tests. No rows: NULL.",
    docs: "The tests of relevance_tests.\n\n\
           One entry per feature, in the order of the struct. Keeps 8 bytes per value.",
    example: "SELECT lagrange_relevance(y, {'x': x}) AS tests FROM \
              (SELECT 1.0 AS x, 3.0 AS y UNION ALL SELECT 2.0, 5.0 UNION ALL SELECT 3.0, 7.0) t",
};

impl OverFeatures for Relevance {
    fn signature(&self) -> &'static Signature {
        &KERNEL
    }

    fn caller(&self) -> &'static str {
        SIGNATURE.name
    }

    fn finish(&self, gathered: &Gathered<'_>, options: &Options) -> Result<Value> {
        let target = &gathered.numbers[0];
        let outcomes: Vec<Outcome> = gathered
            .columns
            .par_iter()
            .map(|feature| test(target, feature))
            .collect();
        let fdr = match options.text("fdr") {
            "bh" => FalseDiscovery::BenjaminiHochberg,
            _ => FalseDiscovery::BenjaminiYekutieli,
        };
        let p_values: Vec<Option<f64>> = outcomes.iter().map(Outcome::p_value).collect();
        let cutoff = fdr.cutoff(&p_values, options.number("level"));
        let relevant = |p: &Option<f64>| Some(matches!((p, cutoff), (Some(p), Some(c)) if *p <= c));
        let text = |text: &str| Some(text.to_owned());
        Ok(Value::Rows(vec![
            Column::Text(gathered.names.iter().cloned().map(Some).collect()),
            Column::Text(
                outcomes
                    .iter()
                    .map(|o| o.tested.as_ref().ok().and_then(|tested| text(tested.name)))
                    .collect(),
            ),
            Column::Double(
                outcomes
                    .iter()
                    .map(|o| o.tested.as_ref().ok().map(|tested| tested.statistic))
                    .collect(),
            ),
            Column::Double(p_values.clone()),
            Column::Double(fdr.q_values(&p_values)),
            Column::Double(vec![cutoff; outcomes.len()]),
            Column::Boolean(p_values.iter().map(relevant).collect()),
            Column::Integer(outcomes.iter().map(|o| Some(o.n as i64)).collect()),
            Column::Text(
                outcomes
                    .iter()
                    .map(|o| text(o.tested.as_ref().err().copied().unwrap_or("ok")))
                    .collect(),
            ),
        ]))
    }
}

/// What came out for a feature.
struct Outcome {
    n: usize,
    /// Or why there was no test.
    tested: std::result::Result<Tested, &'static str>,
}

struct Tested {
    name: &'static str,
    statistic: f64,
    p_value: f64,
}

impl Outcome {
    fn p_value(&self) -> Option<f64> {
        self.tested.as_ref().ok().map(|tested| tested.p_value)
    }
}

/// How many distinct values a column has.
enum Distinct {
    One,
    /// The smaller and the larger.
    Two(f64, f64),
    More,
}

fn distinct(values: &[f64]) -> Distinct {
    let Some(&first) = values.first() else {
        return Distinct::One;
    };
    let Some(&second) = values.iter().find(|value| **value != first) else {
        return Distinct::One;
    };
    match values
        .iter()
        .all(|value| *value == first || *value == second)
    {
        true => Distinct::Two(first.min(second), first.max(second)),
        false => Distinct::More,
    }
}

fn test(target: &[f64], feature: &[f64]) -> Outcome {
    let (target, feature): (Vec<f64>, Vec<f64>) = target
        .iter()
        .zip(feature)
        .filter(|(target, feature)| !target.is_nan() && !feature.is_nan())
        .unzip();
    let tested = |name, (statistic, p_value)| {
        Ok(Tested {
            name,
            statistic,
            p_value,
        })
    };
    let outcome = match (distinct(&target), distinct(&feature)) {
        _ if target.is_empty() => Err("no rows"),
        (_, Distinct::One) => Err("irrelevant: constant"),
        (Distinct::One, _) => Err("target is constant"),
        (Distinct::Two(_, target_high), Distinct::Two(_, feature_high)) => {
            let mut counts = [[0; 2]; 2];
            for (target, feature) in target.iter().zip(&feature) {
                let [row, column] = [*target == target_high, *feature == feature_high];
                counts[usize::from(row)][usize::from(column)] += 1;
            }
            tested("fisher", fisher_exact(counts))
        }
        (Distinct::Two(_, high), Distinct::More) => {
            let (with, without) = sorted_by_class(&feature, &target, high);
            tested("mann_whitney", mann_whitney(&with, &without))
        }
        (Distinct::More, Distinct::Two(_, high)) => {
            let (with, without) = sorted_by_class(&target, &feature, high);
            tested("kolmogorov_smirnov", ks_two_sample(&with, &without))
        }
        // Neither is constant, so there is a coefficient.
        (Distinct::More, Distinct::More) => match kendall_tau_b(&target, &feature) {
            Some(kendall) => tested("kendall", (kendall.tau, kendall.p_value)),
            None => Err("irrelevant: constant"),
        },
    };
    Outcome {
        n: target.len(),
        tested: outcome,
    }
}

/// The values whose class is `class`, and the others, each ascending.
fn sorted_by_class(values: &[f64], classes: &[f64], class: f64) -> (Vec<f64>, Vec<f64>) {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for (value, of) in values.iter().zip(classes) {
        if *of == class {
            with.push(*value);
        } else {
            without.push(*value);
        }
    }
    with.sort_unstable_by(f64::total_cmp);
    without.sort_unstable_by(f64::total_cmp);
    (with, without)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{LAGRANGE_RELEVANCE, SIGNATURE};
    use crate::call::{Call, Literal, SourceColumn, Target};
    use crate::definition::Table;
    use crate::functions::aggregate_run::run;
    use crate::value::{Column, Value};

    fn rows(multiplier: u64, modulus: u64) -> Vec<f64> {
        (0..200)
            .map(|k| (k * multiplier % modulus) as f64)
            .collect()
    }

    fn columns(value: Value) -> Vec<Column> {
        match value {
            Value::Rows(columns) => columns,
            other => panic!("{other:?}"),
        }
    }

    fn doubles(column: &Column) -> Vec<Option<f64>> {
        match column {
            Column::Double(values) => values.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn texts(column: &Column) -> Vec<&str> {
        match column {
            Column::Text(values) => values
                .iter()
                .map(|v| v.as_deref().unwrap_or("NULL"))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    /// The table of tests/slt/relevance_tests.slt.
    fn table() -> (Vec<f64>, Vec<(&'static str, Vec<f64>)>) {
        let (a, b, c) = (rows(7, 101), rows(31, 17), rows(13, 29));
        let y = a.iter().zip(c).map(|(a, c)| a + c).collect();
        let flag = a.iter().map(|a| f64::from(u8::from(*a > 50.0))).collect();
        let gap = |k: usize| {
            if k.is_multiple_of(3) {
                f64::NAN
            } else {
                b[k] + a[k] / 10.0
            }
        };
        let gaps = (0..200).map(gap).collect();
        let features = vec![
            ("a", a),
            ("b", b),
            ("constant", vec![5.0; 200]),
            ("f", rows(1, 2)),
            ("g", flag),
            ("gaps", gaps),
            ("none", vec![f64::NAN; 200]),
        ];
        (y, features)
    }

    fn check(value: Value, expected: [(&str, f64, f64, f64, bool); 5], cutoff: f64) {
        let columns = columns(value);
        let names = texts(&columns[0]);
        let tests = texts(&columns[1]);
        assert_eq!(names, ["a", "b", "constant", "f", "g", "gaps", "none"]);
        let [statistic, p, q, cut] = [2, 3, 4, 5].map(|i| doubles(&columns[i]));
        let Column::Boolean(relevant) = &columns[6] else {
            panic!("relevant");
        };
        for (i, (test, s, p_value, q_value, accepted)) in [0, 1, 3, 4, 5].into_iter().zip(expected)
        {
            assert_eq!(tests[i], test, "{}", names[i]);
            for (actual, expected) in [
                (statistic[i], s),
                (p[i], p_value),
                (q[i], q_value),
                (cut[i], cutoff),
            ] {
                let error = (actual.unwrap() / expected - 1.0).abs();
                assert!(error < 1e-9, "{}: {actual:?} against {expected}", names[i]);
            }
            assert_eq!(relevant[i], Some(accepted));
        }
        assert_eq!([p[2], q[2], p[6], statistic[6]], [None; 4]);
        assert_eq!([relevant[2], relevant[6]], [Some(false); 2]);
        assert_eq!(
            columns[7],
            Column::Integer([200, 200, 200, 200, 200, 133, 0].map(Some).into())
        );
        let status = texts(&columns[8]);
        assert_eq!(
            status,
            [
                "ok",
                "ok",
                "irrelevant: constant",
                "ok",
                "ok",
                "ok",
                "no rows"
            ]
        );
    }

    /// SciPy 1.17.1 and statsmodels 0.15.0, see
    /// tests/python/relevance_reference.py.
    #[test]
    fn tests_are_chosen_by_type_and_agree_with_scipy() {
        let (y, features) = table();
        let of = |target: &[f64], fdr: &str| {
            run(
                &LAGRANGE_RELEVANCE,
                &[target],
                &features,
                &json!({"fdr": fdr}),
            )
            .unwrap()
        };
        check(
            of(&y, "by"),
            [
                (
                    "kendall",
                    0.833_943_501_5,
                    3.211_113_254e-68,
                    3.666_020_965e-67,
                    true,
                ),
                ("kendall", -0.020_509_917_53, 0.675_001_848_2, 1.0, false),
                ("kolmogorov_smirnov", 0.03, 1.0, 1.0, false),
                (
                    "kolmogorov_smirnov",
                    0.828_531_412_6,
                    4.019_310_691e-35,
                    2.294_356_519e-34,
                    true,
                ),
                (
                    "kendall",
                    0.285_583_884_1,
                    1.155_214_278e-6,
                    4.396_232_115e-6,
                    true,
                ),
            ],
            1.155_214_278e-6,
        );
        let up: Vec<f64> = y.iter().map(|y| f64::from(u8::from(*y > 60.0))).collect();
        check(
            of(&up, "bh"),
            [
                (
                    "mann_whitney",
                    9754.5,
                    6.054_412_737e-32,
                    1.513_603_184e-31,
                    true,
                ),
                (
                    "mann_whitney",
                    5192.0,
                    0.568_569_153_5,
                    0.710_711_441_8,
                    false,
                ),
                (
                    "fisher",
                    0.886_018_237_1,
                    0.776_503_606,
                    0.776_503_606,
                    false,
                ),
                ("fisher", 99.975, 3.400_494_925e-33, 1.700_247_463e-32, true),
                (
                    "mann_whitney",
                    3322.5,
                    3.684_706_459e-7,
                    6.141_177_431e-7,
                    true,
                ),
            ],
            3.684_706_459e-7,
        );
    }

    #[test]
    fn few_rows_and_constant_targets_are_no_test() {
        for (target, status) in [
            (vec![1.0, 1.0, 1.0], "target is constant"),
            (vec![f64::NAN; 3], "no rows"),
            (vec![f64::NAN, 2.0, f64::NAN], "irrelevant: constant"),
        ] {
            let features = [("x", vec![1.0, 2.0, 3.0])];
            let value = run(&LAGRANGE_RELEVANCE, &[&target], &features, &json!({})).unwrap();
            let columns = columns(value);
            assert_eq!(texts(&columns[8]), [status]);
            assert_eq!(doubles(&columns[5]), [None]);
        }
        let infinite = [("x", vec![1.0, 2.0, f64::INFINITY])];
        let error = run(
            &LAGRANGE_RELEVANCE,
            &[&[1.0, 2.0, 3.0]],
            &infinite,
            &json!({}),
        );
        let text = error.unwrap_err().to_string();
        assert!(
            text.starts_with("relevance_tests: feature 'x' holds an infinite"),
            "{text}"
        );
    }

    #[test]
    fn sql_for_both_engines() {
        let column = |name: &str, numeric| SourceColumn {
            name: name.to_owned(),
            numeric,
        };
        let known = [column("a", true), column("y", true), column("g", false)];
        let sql = |target| {
            let arguments = vec![Literal::Text("t".into()), Literal::Text("y".into())];
            let call = Call::resolve(&SIGNATURE, arguments, Vec::new(), target).unwrap();
            super::RelevanceTests.sql(&call).unwrap()
        };
        assert!(sql(Target::DataFusion(&known)).starts_with(
            "WITH lagrange_rows AS (SELECT \"a\", \"y\" AS lagrange_target FROM \"t\" ) \
             SELECT lagrange_row['feature'] AS feature, "
        ));
        assert!(sql(Target::DataFusion(&known)).contains(
            "lagrange_relevance(lagrange_target, {'a': \"a\"}, {'fdr': 'by', 'level': 0.05, 'non_numeric': 'skip'})"
        ));
        assert!(
            sql(Target::DuckDb)
                .contains("COLUMNS(lambda c: lower(c) NOT IN ('y')), \"y\" AS lagrange_target")
        );
    }

    #[test]
    fn wrong_arguments() {
        let error = |named: Vec<(&str, Literal)>| {
            let arguments = vec![Literal::Text("t".into()), Literal::Text("y".into())];
            let named = named
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            let call = Call::resolve(&SIGNATURE, arguments, named, Target::DuckDb).unwrap();
            super::RelevanceTests.sql(&call).unwrap_err().to_string()
        };
        assert_eq!(
            error(vec![("fdr", Literal::Text("bonferroni".into()))]),
            "relevance_tests: argument 'fdr' is 'bonferroni'; pass one of by, bh"
        );
        assert_eq!(
            error(vec![("level", Literal::Integer(1))]),
            "relevance_tests: argument 'level' is 1; pass a number between 0 and 1, such as 0.05"
        );
    }
}
