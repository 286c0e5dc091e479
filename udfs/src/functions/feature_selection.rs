//! The aggregate behind `select_features`.

use super::gather::{Gather, Gathered, NON_NUMERIC, OverFeatures};
use super::prepare_training_data::PREFIX;
use crate::definition::{Accepts, Argument, Category, Kind, OptionKey, Signature};
use crate::error::{Error, Result};
use crate::models::infinite_feature;
use crate::options::Options;
use crate::statistics::selection::boruta::Boruta;
use crate::statistics::selection::forward::{Forward, Metric};
use crate::statistics::selection::mrmr::{Criterion, Measure};
use crate::statistics::selection::{Refusal, Sample, Verdict, filter, mrmr};
use crate::statistics::shadow_forest::ShadowForest;
use crate::time::folds::Scheme;
use crate::value::{Column, Type, Value};

/// The methods by name.
pub const METHODS: &[&str] = &["filter", "mrmr", "boruta", "forward"];
/// The ways to cut rows into folds.
pub const SCHEMES: &[&str] = &["purged_kfold", "walk_forward"];
/// The scores of forward selection.
pub const METRICS: &[&str] = &["ic", "r2"];
/// The scores of mRMR.
pub const CRITERIA: &[&str] = &["mid", "miq"];
/// What mRMR means by sharing.
pub const MEASURES: &[&str] = &["correlation", "mutual_information"];
/// The filters of the method `filter`, if none are named.
pub const DEFAULT_FILTERS: &str = "missing,constant,correlation";

/// The columns of the result.
pub const FIELDS: &[&str] = &[
    "step",
    "feature",
    "selected",
    "criterion",
    "score",
    "score_std",
    "redundant_with",
    "n",
    "status",
];

/// See the signature.
pub struct Select;

/// See [`Select`].
pub static SELECT: Gather<Select> = Gather(Select);

static SIGNATURE: Signature = Signature {
    name: "lagrange_select",
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required("target", Kind::Number, "what the features are chosen for"),
        Argument::required(
            "start",
            Kind::Number,
            "where the label begins: the row's time as its place among the distinct times",
        ),
        Argument::required(
            "end",
            Kind::Number,
            "where the label ends, in the same unit",
        ),
        Argument::required(
            "position",
            Kind::Number,
            "the row's place in the order of time, unique",
        ),
        Argument::required("features", Kind::Features, "the candidates"),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        NON_NUMERIC,
        OptionKey::new(
            "method",
            Accepts::Choice(METHODS),
            "\"mrmr\"",
            "see select_features",
        ),
        OptionKey::new(
            "k",
            Accepts::Integer(1, i64::MAX),
            "10",
            "features selected, at most",
        ),
        OptionKey::new(
            "filters",
            Accepts::Text,
            "\"missing,constant,correlation\"",
            "filters in order, with commas between",
        ),
        OptionKey::new(
            "max_missing",
            Accepts::Number(0.0, 1.0),
            "0.35",
            "of filter and forward",
        ),
        OptionKey::new(
            "max_correlation",
            Accepts::Number(0.0, 1.0),
            "0.8",
            "of filter",
        ),
        OptionKey::new("criterion", Accepts::Choice(CRITERIA), "\"mid\"", "of mrmr"),
        OptionKey::new(
            "measure",
            Accepts::Choice(MEASURES),
            "\"correlation\"",
            "of mrmr",
        ),
        OptionKey::new(
            "bins",
            Accepts::Integer(2, 250),
            "10",
            "of mrmr with mutual_information",
        ),
        OptionKey::new(
            "iterations",
            Accepts::Integer(1, 10_000),
            "100",
            "of boruta, at most",
        ),
        OptionKey::new(
            "significance",
            Accepts::Number(1e-12, 0.5),
            "0.05",
            "of boruta",
        ),
        OptionKey::new(
            "block",
            Accepts::Integer(1, 1_000_000_000),
            "1",
            "of boruta: rows that stay together",
        ),
        OptionKey::new(
            "trees",
            Accepts::Integer(1, 10_000),
            "100",
            "of boruta: trees of a forest",
        ),
        OptionKey::new(
            "depth",
            Accepts::Integer(1, 30),
            "7",
            "of boruta: splits from root to leaf, at most",
        ),
        OptionKey::new(
            "tree_rows",
            Accepts::Integer(10, 1_000_000_000),
            "20000",
            "of boruta: rows of a tree, at most",
        ),
        OptionKey::new("seed", Accepts::Integer(0, i64::MAX), "42", "of boruta"),
        OptionKey::new("folds", Accepts::Integer(1, 1_000), "5", "of forward"),
        OptionKey::new(
            "scheme",
            Accepts::Choice(SCHEMES),
            "\"purged_kfold\"",
            "of forward",
        ),
        OptionKey::new(
            "embargo",
            Accepts::Integer(0, 1_000_000_000),
            "0",
            "of forward: distinct times",
        ),
        OptionKey::new(
            "alpha",
            Accepts::Number(0.0, 1e300),
            "0",
            "of forward: the penalty of ridge",
        ),
        OptionKey::new("metric", Accepts::Choice(METRICS), "\"ic\"", "of forward"),
        OptionKey::new("min_gain", Accepts::Number(0.0, 1e300), "0", "of forward"),
    ],
    returns: Type::Rows(&[
        ("step", Type::Integer),
        ("feature", Type::Text),
        ("selected", Type::Boolean),
        ("criterion", Type::Text),
        ("score", Type::Double),
        ("score_std", Type::Double),
        ("redundant_with", Type::Text),
        ("n", Type::Integer),
        ("status", Type::Text),
    ]),
    nulls: "Rows in which the target, start or end is NULL or NaN are left out. Infinity is an error. No row: NULL.",
    docs: "The selection of select_features, which describes methods and fields.\n\n\
           Fields that begin with base_w or lagrange_ are no candidates. Keeps 8 bytes per value, and works in as much again \
           at most, beside matrices of candidates × candidates.",
    example: "SELECT unnest(lagrange_select(y, i, i + 1, i, {'a': a, 'b': b}, {'method': 'mrmr', 'k': 1})) AS row FROM \
              (SELECT i, i % 7 AS a, i % 3 AS b, 2 * (i % 7) + (i % 3) AS y FROM range(50) r(i)) t",
};

impl OverFeatures for Select {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn caller(&self) -> &'static str {
        "select_features"
    }

    fn finish(&self, gathered: &Gathered<'_>, options: &Options) -> Result<Value> {
        let sample = self.sample(gathered)?;
        let count = |name: &str| options.integer(name) as usize;
        let verdicts = match options.text("method") {
            "filter" => {
                let limits = filter::Limits {
                    missing: options.number("max_missing"),
                    correlation: options.number("max_correlation"),
                    k: count("k"),
                };
                let names: Vec<&str> = options.text("filters").split(',').map(str::trim).collect();
                let names = checked_filters(self.caller(), &names)?;
                filter::select(&sample, &names, &limits)
            }
            "boruta" => {
                let forest = ShadowForest {
                    trees: count("trees"),
                    depth: count("depth"),
                    rows: count("tree_rows"),
                };
                let boruta = Boruta {
                    iterations: count("iterations"),
                    significance: options.number("significance"),
                    block: count("block"),
                    seed: options.integer("seed") as u64,
                };
                Ok(boruta.select(&sample, &forest))
            }
            "forward" => {
                let forward = Forward {
                    k: count("k"),
                    scheme: match options.text("scheme") {
                        "walk_forward" => Scheme::WalkForward,
                        _ => Scheme::PurgedKFold,
                    },
                    folds: count("folds"),
                    embargo: options.number("embargo"),
                    alpha: options.number("alpha"),
                    metric: match options.text("metric") {
                        "r2" => Metric::R2,
                        _ => Metric::Ic,
                    },
                    min_gain: options.number("min_gain"),
                    max_missing: options.number("max_missing"),
                    max_correlation: options.number("max_correlation"),
                };
                forward.select(&sample)
            }
            _ => {
                let criterion = match options.text("criterion") {
                    "miq" => Criterion::Quotient,
                    _ => Criterion::Difference,
                };
                let measure = match options.text("measure") {
                    "mutual_information" => {
                        Measure::MutualInformation(options.integer("bins") as u8)
                    }
                    _ => Measure::Correlation,
                };
                mrmr::select(&sample, count("k"), criterion, measure)
            }
        };
        let verdicts = verdicts.map_err(|refusal| self.refused(refusal, &sample))?;
        Ok(rows(&sample, &verdicts))
    }
}

impl Select {
    /// The rows with a known label, in the order of their position, so that
    /// the order of arrival does not matter.
    fn sample<'a>(&self, gathered: &'a Gathered<'_>) -> Result<Sample<'a>> {
        let [target, start, end, position] = gathered.numbers else {
            return Err(Error::internal(self.caller(), "columns are missing"));
        };
        let candidates = || {
            let names = gathered.names.iter().zip(gathered.columns);
            names.filter(|(name, _)| !is_pattern_feature(name))
        };
        if candidates().next().is_none() {
            return Err(Error::data(
                self.caller(),
                format!(
                    "every numeric column begins with {PREFIX}: such pattern features are targets, never features"
                ),
            ));
        }
        let known = |row: &u32| {
            let row = *row as usize;
            !(target[row].is_nan() || start[row].is_nan() || end[row].is_nan())
        };
        let mut rows: Vec<u32> = (0..gathered.rows as u32).filter(known).collect();
        let at = |row: u32| position[row as usize];
        rows.sort_by(|&a, &b| at(a).total_cmp(&at(b)));
        if let Some(pair) = rows.windows(2).find(|pair| at(pair[0]) == at(pair[1])) {
            return Err(Error::argument(
                self.caller(),
                "position",
                at(pair[0]),
                "pass a number that no other row of the group has, such as row_number()",
            ));
        }
        Ok(Sample {
            names: candidates().map(|(name, _)| name.as_str()).collect(),
            columns: candidates().map(|(_, values)| values.as_slice()).collect(),
            target,
            start,
            end,
            rows,
        })
    }

    fn refused(&self, refusal: Refusal, sample: &Sample<'_>) -> Error {
        let message = match refusal {
            Refusal::Infinite(column) => {
                let name = sample.names.get(column).copied().unwrap_or("target");
                return infinite_feature(self.caller(), name);
            }
            Refusal::NoTrainingRows(fold) => format!(
                "fold {fold} has no training row whose label ends before its test rows or begins after them; \
                 pass fewer folds, a smaller embargo or horizon, or more rows"
            ),
            Refusal::TooFewTimes { times, parts } => format!(
                "rows in which the label and every candidate are known have {times} distinct times, \
                 which cannot be cut into {parts} parts; pass fewer folds or more rows"
            ),
        };
        Error::data(self.caller(), message)
    }
}

/// Whether a column is a pattern feature, which is what targets are made of.
pub fn is_pattern_feature(name: &str) -> bool {
    name.get(..PREFIX.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(PREFIX))
}

/// The filters, in the words of [`filter::NAMES`].
///
/// # Errors
/// A name that is no filter or comes twice.
pub fn checked_filters(function: &str, names: &[&str]) -> Result<Vec<&'static str>> {
    let mut checked: Vec<&'static str> = Vec::with_capacity(names.len());
    for name in names {
        let known = filter::NAMES
            .iter()
            .find(|known| known.eq_ignore_ascii_case(name));
        match known {
            Some(known) if !checked.contains(known) => checked.push(*known),
            _ => {
                return Err(Error::argument(
                    function,
                    "filters",
                    format!("'{name}'"),
                    format!("pass any of {}, each once", filter::NAMES.join(", ")),
                ));
            }
        }
    }
    Ok(checked)
}

/// Selected ones in order, then the others in the order of the candidates.
fn rows(sample: &Sample<'_>, verdicts: &[Verdict]) -> Value {
    let mut order: Vec<usize> = (0..verdicts.len()).collect();
    order.sort_by_key(|&i| verdicts[i].step.unwrap_or(usize::MAX));
    let name = |i: usize| Some(sample.names[i].to_owned());
    let ordered = || order.iter().map(|&i| &verdicts[i]);
    Value::Rows(vec![
        Column::Integer(ordered().map(|v| v.step.map(|step| step as i64)).collect()),
        Column::Text(order.iter().map(|&i| name(i)).collect()),
        Column::Boolean(ordered().map(|v| Some(v.step.is_some())).collect()),
        Column::Text(ordered().map(|v| Some(v.criterion.to_owned())).collect()),
        Column::Double(ordered().map(|v| v.score).collect()),
        Column::Double(ordered().map(|v| v.deviation).collect()),
        Column::Text(ordered().map(|v| v.redundant_with.and_then(name)).collect()),
        Column::Integer(ordered().map(|v| Some(v.rows as i64)).collect()),
        Column::Text(ordered().map(|v| Some(v.status.clone())).collect()),
    ])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::SELECT;
    use crate::definition::Aggregate;
    use crate::error::Result;
    use crate::input::{Feature, Features, Input, Inputs, Numbers, OptionsColumn, Rows};
    use crate::value::{Column, Value};

    struct Constant(Json);

    impl OptionsColumn for Constant {
        fn read(&self, _: usize) -> Result<Json> {
            Ok(self.0.clone())
        }
    }

    const ROWS: usize = 200;

    fn mixed(row: usize, a: usize, m: usize) -> f64 {
        ((row * a) % m) as f64
    }

    /// Target, start, end, position and five features, the last of which is a
    /// pattern feature, of a row.
    fn value(column: usize, row: usize) -> f64 {
        match column {
            0 if row.is_multiple_of(9) => f64::NAN,
            0 => 3.0 * mixed(row, 7919, 101) + mixed(row, 31, 17) + mixed(row, 5, 7),
            1 | 3 => row as f64,
            2 if row + 2 >= ROWS => f64::NAN,
            2 => row as f64 + 2.0,
            4 => mixed(row, 7919, 101),
            5 => mixed(row, 31, 17),
            6 => mixed(row, 13, 29),
            7 if row % 5 == 1 => f64::NAN,
            7 => mixed(row, 7919, 101) + mixed(row, 17, 13),
            _ => 3.0 * mixed(row, 7919, 101),
        }
    }

    const NAMES: [&str; 5] = ["a", "b", "c", "d", "Base_w20_s2_x"];

    /// The result of rows that arrive in `parts`, each in its own state.
    fn select(options: &Json, parts: &[Vec<usize>]) -> Result<Value> {
        let mut whole = SELECT.start();
        for rows in parts {
            let column = |i: usize| {
                let values: Vec<f64> = rows.iter().map(|&row| value(i, row)).collect();
                Numbers::new(values, None)
            };
            let feature = |(i, name): (usize, &&str)| Feature {
                name: (*name).to_owned().into(),
                type_name: "DOUBLE".into(),
                numbers: Some(column(4 + i)),
                texts: None,
            };
            let mut columns: Vec<Input<'_>> = (0..4).map(|i| Input::Numbers(column(i))).collect();
            let fields = NAMES.iter().enumerate().map(feature).collect();
            columns.push(Input::Features(Features { fields }));
            columns.push(Input::Options(Box::new(Constant(options.clone()))));
            let inputs = Inputs {
                rows: rows.len(),
                columns,
            };
            let mut state = SELECT.start();
            SELECT.update(&mut state, &inputs, Rows::All(rows.len()))?;
            SELECT.merge(&mut whole, &state)?;
        }
        SELECT.finish(&whole)
    }

    fn texts(value: &Value, column: usize) -> Vec<String> {
        match value {
            Value::Rows(columns) => match &columns[column] {
                Column::Text(texts) => texts.iter().flatten().cloned().collect(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_method_depends_on_the_order_of_rows() {
        let all: Vec<usize> = (0..ROWS).collect();
        let mixed_up: Vec<usize> = (0..ROWS).map(|i| i * 77 % ROWS).collect();
        let (even, odd): (Vec<usize>, Vec<usize>) = all.iter().partition(|&row| row % 2 == 0);
        for method in ["filter", "mrmr", "boruta", "forward"] {
            let options = json!({"method": method, "iterations": 20, "trees": 10});
            let found = select(&options, std::slice::from_ref(&all)).unwrap();
            assert_eq!(
                found,
                select(&options, std::slice::from_ref(&mixed_up)).unwrap()
            );
            assert_eq!(
                found,
                select(&options, &[odd.clone(), even.clone()]).unwrap()
            );
            let mut names = texts(&found, 1);
            names.sort();
            assert_eq!(names, ["a", "b", "c", "d"], "{method}");
        }
    }

    #[test]
    fn only_rows_with_a_known_label_count() {
        let all: Vec<usize> = (0..ROWS).collect();
        let found = select(&json!({"method": "mrmr"}), &[all]).unwrap();
        let Value::Rows(columns) = &found else {
            panic!("{found:?}");
        };
        // 23 rows have no target; the label of the last two, one of which is
        // among those, has no end.
        let known = (0..ROWS - 2).filter(|row| row % 9 != 0);
        let both = known.clone().filter(|row| row % 5 != 1).count() as i64;
        let known = known.count() as i64;
        let Column::Integer(n) = &columns[7] else {
            panic!("{columns:?}");
        };
        for (name, n) in texts(&found, 1).iter().zip(n) {
            assert_eq!(*n, Some(if name == "d" { both } else { known }));
        }
    }

    #[test]
    fn errors_name_the_function_that_people_call() {
        let all: Vec<usize> = (0..ROWS).collect();
        let message = |options: Json, rows: &[usize]| {
            let error = select(&options, &[rows.to_vec()]).unwrap_err();
            error.to_string()
        };
        assert_eq!(
            message(
                json!({"method": "filter", "filters": "missing,corelation"}),
                &all
            ),
            "select_features: argument 'filters' is 'corelation'; pass any of missing, constant, duplicate, correlation, relevance, each once"
        );
        assert!(
            message(json!({"method": "forward"}), &[1, 2, 3, 4])
                .starts_with("select_features: rows in which the label and every candidate are known have 3 distinct times")
        );
        assert!(
            message(
                json!({"method": "forward", "embargo": 500, "folds": 2}),
                &all
            )
            .starts_with("select_features: fold 1 has no training row")
        );
        assert!(
            message(json!({}), &[2, 2]).starts_with("select_features: argument 'position' is 2;")
        );
    }

    #[test]
    fn one_row_and_no_label_have_a_status() {
        for method in ["mrmr", "boruta", "forward"] {
            let one = select(&json!({"method": method}), &[vec![1]]).unwrap();
            assert_eq!(texts(&one, 8), ["constant target"; 4], "{method}");
            let none = select(&json!({"method": method}), &[vec![0, 9]]).unwrap();
            assert_eq!(texts(&none, 8), ["no rows"; 4], "{method}");
        }
        assert_eq!(SELECT.finish(&SELECT.start()).unwrap(), Value::Null);
    }
}
