//! `vif`.

use serde::{Deserialize, Serialize};

use super::complete_rows::complete_rows;
use super::feature_rows::{EXCLUDE, FEATURES, FeatureRows, unnested};
use super::gather::{NON_NUMERIC, chosen_features};
use crate::call::Call;
use crate::definition::{Aggregate, Argument, Category, Kind, Signature, Table};
use crate::error::Result;
use crate::input::{Inputs, Numbers, Rows};
use crate::options::Options;
use crate::statistics::triangle::Triangle;
use crate::statistics::vif::from_triangle;
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct Vif;

static SIGNATURE: Signature = Signature {
    name: "vif",
    aliases: &[],
    category: Category::Correlation,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        FEATURES,
        EXCLUDE,
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "NULL and NaN are missing; rows in which any feature is missing are left out, as the factor is about all \
            features at once. Infinity is an error that names the feature. No rows: no rows.",
    docs: "Variance inflation factors: how much of each feature the other features explain.\n\n\
           Returns one row per feature: `feature` (VARCHAR), `vif` (DOUBLE, at least 1: 1 / (1 - r2), by which the \
           variance of the feature's coefficient grows because of the others; above 5 or 10 is usually called too \
           much), `r2` (DOUBLE, from 0 to 1, of the regression of the feature on the others and a constant), `n` \
           (BIGINT, complete rows) and `status` (VARCHAR): 'ok'; 'collinear: infinite' (a linear combination of \
           other features: vif is NULL, r2 is 1); 'constant' (vif and r2 NULL; it counts as no feature for the \
           others); 'too few rows' (no more complete rows than features that vary, so any feature fits any other; \
           NULL), 'no rows' (no complete row; NULL). A feature that varies alone has vif 1.\n\n\
           Features without a part in a linear combination keep their finite factor when others are collinear. \
           The rows are reduced to a triangular factor as they arrive (TSQR), in O(features²) space, whatever \
           their number, and the factors are the diagonal of the inverse of the correlations (Belsley, Kuh and Welsch, \
           Regression Diagnostics, 1980, section 3.2); as statsmodels' variance_inflation_factor with a constant \
           among the features.",
    example: "SELECT feature, round(vif, 6) AS vif FROM vif(\
              '(SELECT i % 7 AS a, i % 5 AS b, i % 7 + i % 2 AS c FROM range(200) r(i))') ORDER BY feature",
};

const FIELDS: &[&str] = &["feature", "vif", "r2", "n", "status"];

impl Table for Vif {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let rows = FeatureRows::of(call, &[])?;
        let call = format!(
            "lagrange_vif({}, {{'non_numeric': '{}'}})",
            rows.features, rows.non_numeric
        );
        Ok(format!(
            "WITH lagrange_rows AS ({}) {}",
            rows.rows(&[], ""),
            unnested(FIELDS, &call, "lagrange_rows")
        ))
    }
}

/// The kernel of `vif`.
pub struct LagrangeVif;

static KERNEL: Signature = Signature {
    name: "lagrange_vif",
    aliases: &[],
    category: Category::Internal,
    arguments: &[
        Argument::required("features", Kind::Features, "one field per feature"),
        Argument::optional("options", Kind::Options, "NULL", "see the options"),
    ],
    options: &[NON_NUMERIC],
    returns: Type::Rows(&[
        ("feature", Type::Text),
        ("vif", Type::Double),
        ("r2", Type::Double),
        ("n", Type::Integer),
        ("status", Type::Text),
    ]),
    nulls: "See vif. No rows: NULL.",
    docs: "The factors of vif.\n\n\
           One entry per feature, in the order of the struct. Space is O(features²).",
    example: "SELECT lagrange_vif({'a': a, 'b': b}) AS factors FROM (SELECT 1.0 AS a, 3.0 AS b \
              UNION ALL SELECT 2.0, 5.0 UNION ALL SELECT 3.0, 6.0 UNION ALL SELECT 4.0, 5.0) t",
};

/// The factor of `[1 X]` of the complete rows, once the features are known.
#[derive(Default, Serialize, Deserialize)]
pub struct State {
    skip_non_numeric: bool,
    names: Vec<String>,
    triangle: Option<Triangle>,
    /// The first complete row, and which features ever differed from it: this
    /// tells constants exactly.
    first: Vec<f64>,
    varies: Vec<bool>,
    rows: u64,
}

impl Aggregate for LagrangeVif {
    type State = State;

    fn signature(&self) -> &'static Signature {
        &KERNEL
    }

    fn start(&self) -> State {
        State::default()
    }

    fn update(&self, state: &mut State, inputs: &Inputs<'_>, rows: Rows<'_>) -> Result<()> {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let features = inputs.features(0)?;
        if state.triangle.is_none() {
            let options = Options::parse(&KERNEL, &inputs.options(1, first)?)?;
            state.skip_non_numeric = options.text(NON_NUMERIC.name) == "skip";
        }
        let chosen = chosen_features(SIGNATURE.name, features, state.skip_non_numeric)?;
        if state.triangle.is_none() {
            state.names = chosen.iter().map(|(name, _)| (*name).to_owned()).collect();
            state.varies = vec![false; chosen.len()];
        }
        let columns: Vec<&Numbers<'_>> = chosen.into_iter().map(|(_, numbers)| numbers).collect();
        let triangle = state
            .triangle
            .get_or_insert_with(|| Triangle::new(columns.len() + 1));
        let complete = complete_rows(SIGNATURE.name, &columns, rows, |i| {
            state.names.get(i).cloned()
        })?;
        let rows = complete.as_deref().map_or(rows, Rows::Some);
        let Some(first) = rows.first() else {
            return Ok(());
        };
        if state.rows == 0 {
            state.first = columns
                .iter()
                .map(|column| column.values()[first])
                .collect();
        }
        for ((column, first), varies) in columns.iter().zip(&state.first).zip(&mut state.varies) {
            *varies = *varies || rows.iter().any(|row| column.values()[row] != *first);
        }
        state.rows += rows.len() as u64;
        if triangle.takes_block(rows.len()) {
            triangle.push_block(rows.len(), |i, out| match i {
                0 => out.extend(std::iter::repeat_n(1.0, rows.len())),
                i => columns[i - 1].copy_rows(rows, out),
            });
        } else {
            for row in rows.iter() {
                let values = columns.iter().map(|column| column.values()[row]);
                triangle.push(std::iter::once(1.0).chain(values));
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut State, from: &State) -> Result<()> {
        let Some(more) = &from.triangle else {
            return Ok(());
        };
        let Some(triangle) = &mut into.triangle else {
            into.skip_non_numeric = from.skip_non_numeric;
            into.names.clone_from(&from.names);
            into.triangle = Some(more.clone());
            into.first.clone_from(&from.first);
            into.varies.clone_from(&from.varies);
            into.rows = from.rows;
            return Ok(());
        };
        triangle.merge(more);
        if into.rows == 0 {
            into.first.clone_from(&from.first);
        }
        for (i, varies) in into.varies.iter_mut().enumerate() {
            let differs = from.rows > 0 && from.first[i] != into.first[i];
            *varies = *varies || from.varies[i] || differs;
        }
        into.rows += from.rows;
        Ok(())
    }

    fn finish(&self, state: &State) -> Result<Value> {
        let Some(triangle) = &state.triangle else {
            return Ok(Value::Null);
        };
        let varying: Vec<usize> = (0..state.names.len())
            .filter(|i| state.varies[*i])
            .collect();
        let enough = state.rows > varying.len() as u64;
        let mut factors = if enough {
            from_triangle(triangle, &varying)
        } else {
            Vec::new()
        }
        .into_iter();
        let mut vif = Vec::with_capacity(state.names.len());
        let mut r2 = Vec::with_capacity(state.names.len());
        let mut status = Vec::with_capacity(state.names.len());
        for varies in &state.varies {
            let (factor, share, text) = if state.rows == 0 {
                (None, None, "no rows")
            } else if !varies {
                (None, None, "constant")
            } else if !enough {
                (None, None, "too few rows")
            } else {
                match factors.next().flatten() {
                    Some(factor) => (Some(factor), Some(1.0 - 1.0 / factor), "ok"),
                    None => (None, Some(1.0), "collinear: infinite"),
                }
            };
            vif.push(factor);
            r2.push(share);
            status.push(Some(text.to_owned()));
        }
        Ok(Value::Rows(vec![
            Column::Text(state.names.iter().cloned().map(Some).collect()),
            Column::Double(vif),
            Column::Double(r2),
            Column::Integer(vec![Some(state.rows as i64); state.names.len()]),
            Column::Text(status),
        ]))
    }

    fn size(&self, state: &State) -> usize {
        state.triangle.as_ref().map_or(0, Triangle::size)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::LagrangeVif;
    use crate::functions::aggregate_run::run;
    use crate::value::{Column, Value};

    /// What comes out for features of 300 rows: vif, r2, n, status.
    fn factors(features: &[(&str, Vec<f64>)]) -> Vec<(Option<f64>, Option<f64>, i64, String)> {
        match run(&LagrangeVif, &[], features, &json!({})).unwrap() {
            Value::Rows(columns) => match columns.as_slice() {
                [
                    _,
                    Column::Double(vif),
                    Column::Double(r2),
                    Column::Integer(n),
                    Column::Text(status),
                ] => {
                    let row = |i: usize| (vif[i], r2[i], n[i].unwrap(), status[i].clone().unwrap());
                    (0..vif.len()).map(row).collect()
                }
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    fn rows(multiplier: u64, modulus: u64) -> Vec<f64> {
        (0..300)
            .map(|k| (k * multiplier % modulus) as f64)
            .collect()
    }

    /// statsmodels 0.15.0, see tests/python/relevance_reference.py.
    #[test]
    fn factors_of_states_that_merge() {
        let (a, b, c) = (rows(7919, 101), rows(31, 17), rows(13, 29));
        let sum = |k: usize| match k % 10 {
            0 => f64::NAN,
            _ => a[k] + b[k] / 4.0,
        };
        let combined: Vec<f64> = (0..300).map(sum).collect();
        let features = [
            ("a", a),
            ("b", b),
            ("c", c),
            ("combined", combined),
            ("constant", vec![0.1; 300]),
        ];
        let factors = factors(&features);
        for i in [0, 1, 3] {
            assert_eq!(
                factors[i],
                (None, Some(1.0), 270, "collinear: infinite".to_owned())
            );
        }
        let (vif, r2, n, status) = &factors[2];
        assert!((vif.unwrap() - 1.001_926_326).abs() < 1e-9);
        assert!((r2.unwrap() - 0.001_922_622_771).abs() < 1e-12);
        assert_eq!((*n, status.as_str()), (270, "ok"));
        assert_eq!(factors[4], (None, None, 270, "constant".to_owned()));
    }

    #[test]
    fn edge_cases() {
        let nothing = |n, status: &str| (None, None, n, status.to_owned());
        let (a, b) = (rows(7919, 101), rows(31, 17));
        let few = |column: &[f64], n| column[..n].to_vec();
        assert_eq!(
            factors(&[("a", few(&a, 2)), ("b", few(&b, 2))]),
            vec![nothing(2, "too few rows"); 2]
        );
        assert_eq!(
            factors(&[("a", a.clone())]),
            [(Some(1.0), Some(0.0), 300, "ok".to_owned())]
        );
        assert_eq!(factors(&[("a", few(&a, 1))]), [nothing(1, "constant")]);
        assert_eq!(
            factors(&[("a", a), ("none", vec![f64::NAN; 300])]),
            vec![nothing(0, "no rows"); 2]
        );
        let infinite = [("x", vec![f64::INFINITY; 3])];
        let error = run(&LagrangeVif, &[], &infinite, &json!({})).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("vif: feature 'x' holds an infinite value")
        );
    }
}
