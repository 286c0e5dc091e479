//! `permutation_importance`.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::definition::{Accepts, Aggregate, Argument, Category, Kind, OptionKey, Signature};
use crate::error::{Error, Result};
use crate::input::{Inputs, Rows};
use crate::models::{Model, infinite_feature};
use crate::options::Options;
use crate::statistics::pair_moments::PairMoments;
use crate::statistics::random::Random;
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct PermutationImportance;

static SIGNATURE: Signature = Signature {
    name: "permutation_importance",
    aliases: &[],
    category: Category::Importance,
    arguments: &[
        Argument::required("model", Kind::Blob, "the model, the same in every row"),
        Argument::required("target", Kind::Number, "what happened"),
        Argument::required("features", Kind::Features, "the model's features, by name"),
        Argument::required(
            "position",
            Kind::Number,
            "the row's place in the order of time, unique: makes the result independent of the order of rows",
        ),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        OptionKey {
            name: "metric",
            accepts: Accepts::Choice(&["mse", "ic"]),
            default: "\"mse\"",
            docs: "mse: relative increase of the mean squared error; ic: drop of the information coefficient",
        },
        OptionKey {
            name: "repeats",
            accepts: Accepts::Integer(1, 1000),
            default: "5",
            docs: "permutations per feature",
        },
        OptionKey {
            name: "block",
            accepts: Accepts::Integer(1, 1_000_000_000),
            default: "1",
            docs: "rows that stay together, in the order of position, for autocorrelated features",
        },
        OptionKey {
            name: "seed",
            accepts: Accepts::Integer(0, i64::MAX),
            default: "42",
            docs: "of the permutations",
        },
    ],
    returns: Type::Rows(&[
        ("feature", Type::Text),
        ("standardized", Type::Double),
        ("importance", Type::Double),
        ("deviation", Type::Double),
        ("rank", Type::Integer),
        ("rows_used", Type::Integer),
        ("rows_skipped", Type::Integer),
    ]),
    nulls: "Rows in which the target or a feature is NULL or NaN are left out and counted. A NULL model or no \
            complete row: NULL. Infinity is an error.",
    docs: "How much worse a model predicts when one feature is shuffled.\n\n\
           One entry per feature of the model, in its order: the mean and standard deviation over the repeats of the \
           loss by the metric, its rank (1 is the most important; ties by the order of the features) and \
           the model's own `standardized` coefficient. Pass rows that the model has not seen. Keeps 8 bytes \
           per value. Breiman, Random Forests, Machine Learning 45 (2001), section 10.",
    example: "SELECT unnest(permutation_importance(model, y, {'x': x}, x)) AS row FROM \
              (SELECT fit(y, {'x': x}) AS model FROM (SELECT 1.0 AS x, 3.0 AS y UNION ALL SELECT 2.0, 5.0) t) m \
              CROSS JOIN (SELECT 3.0 AS x, 7.0 AS y UNION ALL SELECT 4.0, 9.5 UNION ALL SELECT 5.0, 11.0) h",
};

/// The rows seen so far, row after row: position, target, features in the
/// order of the model.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    setup: Option<Setup>,
    rows: Vec<f64>,
    rows_skipped: u64,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Setup {
    model: Vec<u8>,
    by_ic: bool,
    repeats: u64,
    block: usize,
    seed: u64,
}

impl Aggregate for PermutationImportance {
    type State = State;

    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn start(&self) -> State {
        State::default()
    }

    fn update(&self, state: &mut State, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let Some(bytes) = inputs.bytes(0)?[first] else {
            return Ok(());
        };
        let target = inputs.numbers(1)?;
        let features = inputs.features(2)?;
        let position = inputs.numbers(3)?;
        let model = Model::read_cached(bytes)?;
        match &state.setup {
            None => {
                let options = Options::parse(&SIGNATURE, &inputs.options(4, first)?)?;
                state.setup = Some(Setup {
                    model: bytes.to_vec(),
                    by_ic: options.text("metric") == "ic",
                    repeats: options.integer("repeats") as u64,
                    block: options.integer("block") as usize,
                    seed: options.integer("seed") as u64,
                });
            }
            Some(setup) if setup.model != bytes => return Err(two_models()),
            Some(_) => {}
        }
        let encoded = model.encode(SIGNATURE.name, features, rows)?;
        for (place, row) in rows.iter().enumerate() {
            let (Some(position), Some(target)) = (position.get(row), target.get(row)) else {
                state.rows_skipped += 1;
                continue;
            };
            for (value, name) in [(position, "position"), (target, "target")] {
                if value.is_infinite() {
                    return Err(infinite_feature(SIGNATURE.name, name));
                }
            }
            match encoded.row(place) {
                None => state.rows_skipped += 1,
                Some(values) => {
                    state.rows.extend([position, target]);
                    state.rows.extend(values);
                }
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut State, from: &State) -> Result<()> {
        match (&into.setup, &from.setup) {
            (Some(a), Some(b)) if a.model != b.model => return Err(two_models()),
            (None, Some(setup)) => into.setup = Some(setup.clone()),
            _ => {}
        }
        into.rows.extend_from_slice(&from.rows);
        into.rows_skipped += from.rows_skipped;
        Ok(())
    }

    fn finish(&self, state: &State) -> Result<Value> {
        match &state.setup {
            Some(setup) if !state.rows.is_empty() => permute(setup, state),
            _ => Ok(Value::Null),
        }
    }

    fn size(&self, state: &State) -> usize {
        state.rows.capacity() * size_of::<f64>()
    }

    fn keeps_rows(&self, _options: &Json) -> bool {
        true
    }
}

fn two_models() -> Error {
    Error::data(
        SIGNATURE.name,
        "a group holds rows of two models; add the model's key to GROUP BY",
    )
}

fn permute(setup: &Setup, state: &State) -> Result<Value> {
    let model = Model::read_cached(&setup.model)?;
    let names = &model.header().features;
    let width = names.len() + 2;
    let mut rows: Vec<&[f64]> = state.rows.chunks_exact(width).collect();
    rows.sort_by(|a, b| a[0].total_cmp(&b[0]));
    if let Some(pair) = rows.windows(2).find(|pair| pair[0][0] == pair[1][0]) {
        return Err(Error::argument(
            SIGNATURE.name,
            "position",
            pair[0][0],
            "pass a number that no other row of the group has, such as row_number()",
        ));
    }
    let count = rows.len();
    let column = |i: usize| -> Vec<f64> { rows.iter().map(|row| row[i]).collect() };
    let target = column(1);
    let mut features: Vec<Vec<f64>> = (2..width).map(column).collect();

    let score = |features: &[Vec<f64>]| {
        let slices: Vec<&[f64]> = features.iter().map(Vec::as_slice).collect();
        let moments = PairMoments::of(&target, &model.predict_complete(&slices, count));
        if setup.by_ic {
            moments.correlation().unwrap_or(0.0)
        } else {
            moments.squared_error / moments.n
        }
    };
    let base = score(&features);
    let loss = |permuted: f64| match setup.by_ic {
        true => Some(base - permuted),
        false => (base > 0.0).then(|| permuted / base - 1.0),
    };
    let mut importance = Vec::with_capacity(names.len());
    let mut deviation = Vec::with_capacity(names.len());
    for (i, name) in names.iter().enumerate() {
        let original = features[i].clone();
        let mut losses = Vec::with_capacity(setup.repeats as usize);
        for repeat in 0..setup.repeats {
            let mut random = Random::stream(setup.seed, name, repeat);
            shuffle_blocks(&original, setup.block, &mut random, &mut features[i]);
            losses.extend(loss(score(&features)));
        }
        features[i] = original;
        let (mean, spread) = mean_and_deviation(&losses);
        importance.push(mean);
        deviation.push(spread);
    }
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|&a, &b| {
        let key = |i: usize| importance[i].unwrap_or(f64::NEG_INFINITY);
        key(b).total_cmp(&key(a))
    });
    let mut rank = vec![None; names.len()];
    for (place, &i) in order.iter().enumerate() {
        rank[i] = Some(place as i64 + 1);
    }
    let linear = model.body().linear();
    let standardized = (0..names.len())
        .map(|i| linear.map(|linear| linear.coefficients[i].standardized))
        .collect();
    Ok(Value::Rows(vec![
        Column::Text(names.iter().cloned().map(Some).collect()),
        Column::Double(standardized),
        Column::Double(importance),
        Column::Double(deviation),
        Column::Integer(rank),
        Column::Integer(vec![Some(count as i64); names.len()]),
        Column::Integer(vec![Some(state.rows_skipped as i64); names.len()]),
    ]))
}

/// Writes the blocks of `values` to `out` in random order.
fn shuffle_blocks(values: &[f64], block: usize, random: &mut Random, out: &mut Vec<f64>) {
    out.clear();
    for i in random.permutation(values.len().div_ceil(block)) {
        let start = i * block;
        out.extend_from_slice(&values[start..(start + block).min(values.len())]);
    }
}

/// The mean and the sample standard deviation (none for one value).
fn mean_and_deviation(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let n = values.len() as f64;
    if values.is_empty() {
        return (None, None);
    }
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (Some(mean), (n > 1.0).then(|| (squares / (n - 1.0)).sqrt()))
}
