//! `corr_matrix`.

use serde::{Deserialize, Serialize};

use crate::definition::{Accepts, Aggregate, Argument, Category, Kind, OptionKey, Signature};
use crate::error::{Error, Result};
use crate::input::{Features, Inputs, Numbers, Rows};
use crate::models::infinite_feature;
use crate::options::Options;
use crate::statistics::cross_moments::{CrossMoments, Infinite};
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct CorrMatrix;

static SIGNATURE: Signature = Signature {
    name: "corr_matrix",
    aliases: &[],
    category: Category::Correlation,
    arguments: &[
        Argument::required("features", Kind::Features, "one field per feature"),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[
        OptionKey {
            name: "method",
            accepts: Accepts::Choice(&["pearson"]),
            default: "\"pearson\"",
            docs: "which coefficient",
        },
        OptionKey {
            name: "non_numeric",
            accepts: Accepts::Choice(&["error", "skip"]),
            default: "\"error\"",
            docs: "what a field that is no number does",
        },
    ],
    returns: Type::Rows(&[
        ("feature_x", Type::Text),
        ("feature_y", Type::Text),
        ("correlation", Type::Double),
        ("n", Type::Integer),
    ]),
    nulls: "NULL and NaN are missing; a pair counts the rows in which both are present (pairwise-complete). \
            Infinity is an error that names the feature. No rows: NULL.",
    docs: "Correlations of all pairs of features in one pass.\n\n\
           Returns one entry per unordered pair, in the order of the struct: Pearson's r and the number of rows \
           in which both features are present. r is NULL where either is constant in these rows or n < 2. \
           Space is O(features²), whatever the number of rows, and blocks are centred on their own mean \
           (Chan, Golub and LeVeque 1979), so data far from zero lose no digits.",
    example: "SELECT corr_matrix({'a': a, 'b': b}) AS pairs \
              FROM (SELECT 1.0 AS a, 2.0 AS b UNION ALL SELECT 2.0, 4.0 UNION ALL SELECT 3.0, 5.0) t",
};

/// The moments, once the features are known.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    names: Vec<String>,
    skip_non_numeric: bool,
    moments: Option<CrossMoments>,
}

impl State {
    fn infinite(&self, Infinite(column): Infinite) -> Error {
        infinite_feature(SIGNATURE.name, &self.names[column])
    }

    fn columns<'f, 'a>(&self, features: &'f Features<'a>) -> Result<Vec<&'f Numbers<'a>>> {
        if self.skip_non_numeric {
            Ok(features
                .fields
                .iter()
                .filter_map(|field| field.numbers.as_ref())
                .collect())
        } else {
            features.numeric(SIGNATURE.name)
        }
    }
}

impl Aggregate for CorrMatrix {
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
        let features = inputs.features(0)?;
        if state.moments.is_none() {
            let options = Options::parse(&SIGNATURE, &inputs.options(1, first)?)?;
            state.skip_non_numeric = options.text("non_numeric") == "skip";
            state.names = features
                .fields
                .iter()
                .filter(|field| !state.skip_non_numeric || field.numbers.is_some())
                .map(|field| field.name.clone())
                .collect();
        }
        let columns = state.columns(features)?;
        let moments = state
            .moments
            .get_or_insert_with(|| CrossMoments::new(columns.len()));
        let updated = moments.update(&columns, rows);
        updated.map_err(|infinite| state.infinite(infinite))
    }

    fn merge(&self, into: &mut State, from: &State) -> Result<()> {
        let Some(other) = &from.moments else {
            return Ok(());
        };
        if into.moments.is_none() {
            into.names.clone_from(&from.names);
            into.skip_non_numeric = from.skip_non_numeric;
        }
        let moments = into
            .moments
            .get_or_insert_with(|| CrossMoments::new(other.columns()));
        let merged = moments.merge(other);
        merged.map_err(|infinite| into.infinite(infinite))
    }

    fn finish(&self, state: &State) -> Result<Value> {
        let Some(moments) = &state.moments else {
            return Ok(Value::Null);
        };
        let mut moments = moments.clone();
        moments
            .flush()
            .map_err(|infinite| state.infinite(infinite))?;
        let names = &state.names;
        let pairs = names.len() * names.len().saturating_sub(1) / 2;
        let mut x = Vec::with_capacity(pairs);
        let mut y = Vec::with_capacity(pairs);
        let mut correlation = Vec::with_capacity(pairs);
        let mut n = Vec::with_capacity(pairs);
        for i in 0..names.len() {
            for j in i + 1..names.len() {
                let pair = moments.pair(i, j);
                x.push(Some(names[i].clone()));
                y.push(Some(names[j].clone()));
                correlation.push(pair.correlation());
                n.push(Some(pair.n as i64));
            }
        }
        Ok(Value::Rows(vec![
            Column::Text(x),
            Column::Text(y),
            Column::Double(correlation),
            Column::Integer(n),
        ]))
    }

    fn size(&self, state: &State) -> usize {
        state.moments.as_ref().map_or(0, CrossMoments::size)
    }
}
