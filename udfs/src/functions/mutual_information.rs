//! `mutual_information`.

use rayon::prelude::*;

use super::feature_rows::{EXCLUDE, FEATURES, FeatureRows, unnested};
use super::gather::{Gather, Gathered, NON_NUMERIC, OverFeatures};
use crate::call::{Call, quote_name};
use crate::definition::{Accepts, Argument, Category, Kind, OptionKey, Signature, Table};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::statistics::mutual_information::{Classes, MOST_CLASSES, ksg};
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct MutualInformation;

const METHODS: &[&str] = &["ksg", "bins", "discrete"];
const MOST_NEIGHBORS: i64 = 1000;
const MOST_BINS: i64 = 1000;

static SIGNATURE: Signature = Signature {
    name: "mutual_information",
    aliases: &[],
    category: Category::Correlation,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        Argument::required(
            "target",
            Kind::ColumnName,
            "what the features may tell about",
        ),
        FEATURES,
        EXCLUDE,
        Argument::optional(
            "method",
            Kind::Text,
            "'ksg'",
            "ksg: nearest neighbours, for continuous columns; bins: equal-frequency bins, faster and \
             coarser; discrete: every distinct value a class, exact",
        ),
        Argument::optional(
            "neighbors",
            Kind::Integer,
            "3",
            "of ksg, from 1 to 1000: few for little bias, many for little variance",
        ),
        Argument::optional(
            "bins",
            Kind::Integer,
            "10",
            "of bins, from 2 to 1000, for each column",
        ),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "NULL and NaN are missing; a feature counts the rows in which it and the target are present \
            (pairwise-complete). Infinity is an error. No rows: no rows.",
    docs: "How much each feature tells about the target, whatever the form of the dependence.\n\n\
           Returns one row per feature: `feature` (VARCHAR), `mutual_information` (DOUBLE, in nats, never below \
           0), `n` (BIGINT, the rows counted) and `status` (VARCHAR): 'ok'; 'constant' and 'target is constant', \
           where it is 0; 'no rows' and 'too few rows' (ksg needs more rows than neighbors), where it is NULL.\n\n\
           `ksg` is the first estimator of Kraskov, Stögbauer and Grassberger (Physical Review E 69, 066138, \
           2004), each column divided by its standard deviation, as scikit-learn's mutual_info_regression; like \
           that it breaks ties by noise of 1e-10 standard deviations, but by the same noise every time, so results \
           repeat, and agree where nothing is tied. `bins` cuts \
           each column at its own quantiles (interpolated linearly; a value equal to an edge belongs to the bin \
           below; ties are never split) and takes the frequencies for probabilities, which adds about \
           (bins - 1)² / 2n. `discrete` takes the frequencies of the values, as scikit-learn's \
           mutual_info_score; more than 1000 distinct values are an error.\n\n\
           Keeps 8 bytes per value, and ksg about 100 bytes per row of a feature being computed; O(n log n) per \
           feature.",
    example: "SELECT feature, mutual_information > 0.5 AS tells FROM mutual_information(\
              '(SELECT i % 17 AS a, i % 5 AS b, (i % 17) * (i % 17) AS y FROM range(200) r(i))', \
              'y', NULL, NULL, 'discrete') ORDER BY feature",
};

const FIELDS: &[&str] = &["feature", "mutual_information", "n", "status"];

impl Table for MutualInformation {
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
        let method = call.choice("method", METHODS)?;
        let neighbors = integer_up_to(call, "neighbors", 1, MOST_NEIGHBORS)?;
        let bins = integer_up_to(call, "bins", 2, MOST_BINS)?;
        let target_sql = quote_name(&target);
        let rows = FeatureRows::of(call, &[target])?;
        let call = format!(
            "lagrange_mutual_information(lagrange_target, {}, {{'method': '{method}', 'neighbors': {neighbors}, \
             'bins': {bins}, 'non_numeric': '{}'}})",
            rows.features, rows.non_numeric
        );
        Ok(format!(
            "WITH lagrange_rows AS ({}) {}",
            rows.rows(&[(&target_sql, "lagrange_target")], ""),
            unnested(FIELDS, &call, "lagrange_rows")
        ))
    }
}

fn integer_up_to(call: &Call<'_>, name: &str, least: i64, most: i64) -> Result<i64> {
    let value = call.integer(name, least)?;
    if value > most {
        return Err(Error::argument(
            call.function(),
            name,
            value,
            format!("pass an integer from {least} to {most}"),
        ));
    }
    Ok(value)
}

/// The kernel of `mutual_information`.
pub struct Information;

/// See the signature.
pub static LAGRANGE_MUTUAL_INFORMATION: Gather<Information> = Gather(Information);

static KERNEL: Signature = Signature {
    name: "lagrange_mutual_information",
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required("target", Kind::Number, "the target"),
        Argument::required("features", Kind::Features, "one field per feature"),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        OptionKey {
            name: "method",
            accepts: Accepts::Choice(METHODS),
            default: "\"ksg\"",
            docs: "see mutual_information",
        },
        OptionKey {
            name: "neighbors",
            accepts: Accepts::Integer(1, MOST_NEIGHBORS),
            default: "3",
            docs: "see mutual_information",
        },
        OptionKey {
            name: "bins",
            accepts: Accepts::Integer(2, MOST_BINS),
            default: "10",
            docs: "see mutual_information",
        },
        NON_NUMERIC,
    ],
    returns: Type::Rows(&[
        ("feature", Type::Text),
        ("mutual_information", Type::Double),
        ("n", Type::Integer),
        ("status", Type::Text),
    ]),
    nulls: "See mutual_information. No rows: NULL.",
    docs: "The estimates of mutual_information.\n\n\
           One entry per feature, in the order of the struct. Keeps 8 bytes per value.",
    example: "SELECT lagrange_mutual_information(y, {'x': x}, {'method': 'discrete'}) AS estimates FROM \
              (SELECT 1.0 AS x, 3.0 AS y UNION ALL SELECT 2.0, 5.0 UNION ALL SELECT 3.0, 7.0) t",
};

impl OverFeatures for Information {
    fn signature(&self) -> &'static Signature {
        &KERNEL
    }

    fn caller(&self) -> &'static str {
        SIGNATURE.name
    }

    fn finish(&self, gathered: &Gathered<'_>, options: &Options) -> Result<Value> {
        let target = Target::new(&gathered.numbers[0], options)?;
        let estimates: Vec<Estimate> = gathered
            .names
            .par_iter()
            .zip(gathered.columns)
            .map(|(name, feature)| target.about(name, feature))
            .collect::<Result<_>>()?;
        Ok(Value::Rows(vec![
            Column::Text(gathered.names.iter().cloned().map(Some).collect()),
            Column::Double(estimates.iter().map(|e| e.information).collect()),
            Column::Integer(estimates.iter().map(|e| Some(e.n as i64)).collect()),
            Column::Text(
                estimates
                    .iter()
                    .map(|e| Some(e.status.to_owned()))
                    .collect(),
            ),
        ]))
    }
}

struct Estimate {
    information: Option<f64>,
    n: usize,
    status: &'static str,
}

#[derive(Clone, Copy)]
enum Method {
    Neighbors(usize),
    Bins(usize),
    Discrete,
}

impl Method {
    /// The classes of a column, unless the method has none.
    fn classes(self, name: &str, values: &[f64]) -> Result<Option<Classes>> {
        match self {
            Self::Neighbors(_) => Ok(None),
            Self::Bins(bins) => Ok(Some(Classes::of_bins(values, bins))),
            Self::Discrete => Classes::of_values(values).map(Some).map_err(|count| {
                Error::data(
                    SIGNATURE.name,
                    format!(
                        "{name} has {count} distinct values, and the method 'discrete' takes at most \
                         {MOST_CLASSES}; use the method 'bins' or 'ksg'"
                    ),
                )
            }),
        }
    }
}

/// The target, classed once for all features that are complete.
struct Target<'a> {
    values: &'a [f64],
    present: usize,
    method: Method,
    classes: Option<Classes>,
}

impl<'a> Target<'a> {
    const NAME: &'static str = "the target";

    fn new(values: &'a [f64], options: &Options) -> Result<Self> {
        let method = match options.text("method") {
            "bins" => Method::Bins(options.integer("bins") as usize),
            "discrete" => Method::Discrete,
            _ => Method::Neighbors(options.integer("neighbors") as usize),
        };
        let present: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
        Ok(Self {
            values,
            present: present.len(),
            method,
            classes: method.classes(Self::NAME, &present)?,
        })
    }

    /// What the feature of that name tells.
    fn about(&self, name: &str, feature: &[f64]) -> Result<Estimate> {
        let (target, feature): (Vec<f64>, Vec<f64>) = self
            .values
            .iter()
            .zip(feature)
            .filter(|(target, feature)| !target.is_nan() && !feature.is_nan())
            .unzip();
        let n = target.len();
        let estimate = |information, status| {
            Ok(Estimate {
                information,
                n,
                status,
            })
        };
        let is_constant = |values: &[f64]| values.iter().all(|value| *value == values[0]);
        if n == 0 {
            return estimate(None, "no rows");
        }
        if is_constant(&feature) {
            return estimate(Some(0.0), "constant");
        }
        if is_constant(&target) {
            return estimate(Some(0.0), "target is constant");
        }
        if let Method::Neighbors(k) = self.method {
            let information = ksg(&feature, &target, k);
            return estimate(information, information.map_or("too few rows", |_| "ok"));
        }
        let label = format!("feature '{name}'");
        let feature = self.method.classes(&label, &feature)?;
        let fewer = if n == self.present {
            None
        } else {
            self.method.classes(Self::NAME, &target)?
        };
        let information = match (&feature, fewer.as_ref().or(self.classes.as_ref())) {
            (Some(feature), Some(target)) => feature.information(target),
            _ => None,
        };
        estimate(information, "ok")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::LAGRANGE_MUTUAL_INFORMATION;
    use crate::functions::aggregate_run::run;
    use crate::value::{Column, Value};

    /// The table of tests/slt/mutual_information.slt.
    fn table() -> (Vec<f64>, Vec<(&'static str, Vec<f64>)>) {
        let rows = |multiplier: u64, modulus: u64| -> Vec<f64> {
            (0..200)
                .map(|k| (k * multiplier % modulus) as f64)
                .collect()
        };
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
            ("f", rows(1, 2)),
            ("g", flag),
            ("gaps", gaps),
            ("constant", vec![5.0; 200]),
            ("none", vec![f64::NAN; 200]),
        ];
        (y, features)
    }

    /// scikit-learn 1.9.1's mutual_info_score for bins and discrete, NumPy for
    /// ksg; see tests/python/relevance_reference.py.
    #[test]
    fn agrees_with_the_reference() {
        let (y, features) = table();
        for (method, expected) in [
            ("ksg", [2.015_462_508, 0.0, 0.0, 0.524_641_857, 0.0]),
            (
                "bins",
                [
                    1.301_493_159,
                    0.163_585_786_4,
                    0.001_491_219_229,
                    0.548_580_454_9,
                    0.389_349_966_7,
                ],
            ),
            (
                "discrete",
                [
                    4.008_010_85,
                    2.228_462_412,
                    0.165_302_562_6,
                    0.566_346_174,
                    4.403_010_505,
                ],
            ),
        ] {
            let options = json!({"method": method});
            let value = run(&LAGRANGE_MUTUAL_INFORMATION, &[&y], &features, &options).unwrap();
            let Value::Rows(columns) = value else {
                panic!("rows");
            };
            let Column::Double(information) = &columns[1] else {
                panic!("doubles");
            };
            for (actual, expected) in information.iter().zip(expected) {
                let error = actual.unwrap() - expected;
                assert!(
                    error.abs() < 1e-9,
                    "{method}: {actual:?} against {expected}"
                );
            }
            assert_eq!(information[5..], [Some(0.0), None]);
            assert_eq!(
                columns[2],
                Column::Integer([200, 200, 200, 200, 133, 200, 0].map(Some).into())
            );
            let status = ["ok", "ok", "ok", "ok", "ok", "constant", "no rows"];
            assert_eq!(
                columns[3],
                Column::Text(status.map(|s| Some(s.to_owned())).into())
            );
        }
    }

    #[test]
    fn edge_cases() {
        let status = |x: Vec<f64>, y: Vec<f64>, options| {
            let value = run(&LAGRANGE_MUTUAL_INFORMATION, &[&y], &[("x", x)], &options);
            match value.map_err(|error| error.to_string())? {
                Value::Rows(columns) => {
                    Ok::<_, String>(format!("{:?} {:?}", columns[1], columns[3]))
                }
                other => panic!("{other:?}"),
            }
        };
        let count = |n: u32| -> Vec<f64> { (0..n).map(f64::from).collect() };
        assert_eq!(
            status(count(3), count(3), json!({})).unwrap(),
            "Double([None]) Text([Some(\"too few rows\")])"
        );
        assert_eq!(
            status(count(30), vec![1.0; 30], json!({})).unwrap(),
            "Double([Some(0.0)]) Text([Some(\"target is constant\")])"
        );
        let discrete = || json!({"method": "discrete"});
        let few = |n: u32| count(n).iter().map(|x| x % 2.0).collect::<Vec<_>>();
        assert_eq!(
            status(count(1001), few(1001), discrete()).unwrap_err(),
            "mutual_information: feature 'x' has 1001 distinct values, and the method 'discrete' takes at most \
             1000; use the method 'bins' or 'ksg'"
        );
        let target = status(few(1001), count(1001), discrete()).unwrap_err();
        assert!(
            target.starts_with("mutual_information: the target has 1001 distinct"),
            "{target}"
        );
    }
}
