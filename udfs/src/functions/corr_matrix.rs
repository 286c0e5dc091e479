//! `corr_matrix`.

use super::correlation_state::{CorrelationState, METHOD, Of};
use super::gather::NON_NUMERIC;
use serde_json::Value as Json;

use crate::definition::{Aggregate, Argument, Category, Kind, Signature};
use crate::error::Result;
use crate::input::{Inputs, Rows};
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
    options: &[METHOD, NON_NUMERIC],
    returns: Type::Rows(&[
        ("feature_x", Type::Text),
        ("feature_y", Type::Text),
        ("correlation", Type::Double),
        ("n", Type::Integer),
        ("p_value", Type::Double),
    ]),
    nulls: "NULL and NaN are missing; a pair counts the rows in which both are present (pairwise-complete), and \
            ranks are ranks among these. Infinity is an error that names the feature. No rows: NULL.",
    docs: "Correlations of all pairs of features in one pass.\n\n\
           Returns one entry per unordered pair, in the order of the struct: the coefficient, from -1 to 1, the \
           number of rows in which both features are present, and the two-sided p-value against independence. \
           The coefficient is NULL where either feature is constant in these rows or n < 2; so is its p-value, \
           and for pearson and spearman where n < 3.\n\
           pearson: r; p by Student's t with n - 2 degrees of freedom. Space is O(features²), whatever the number \
           of rows, and blocks are centred on their own mean (Chan, Golub and LeVeque 1979), so data far from \
           zero lose no digits.\n\
           spearman: r of average ranks; p as of pearson. kendall: tau-b (Knight, JASA 61, 1966), O(n log n) per \
           pair; p exact for up to 33 rows without ties, or with at most one discordant (or one concordant) \
           pair, otherwise normal with the variance for ties (Kendall, Rank Correlation Methods, 4th ed., \
           chapters 4 and 5). As scipy.stats.pearsonr, spearmanr and kendalltau. Both keep 8 bytes per value, \
           and up to 28 at the end.",
    example: "SELECT corr_matrix({'a': a, 'b': b}) AS pairs \
              FROM (SELECT 1.0 AS a, 2.0 AS b UNION ALL SELECT 2.0, 4.0 UNION ALL SELECT 3.0, 5.0) t",
};

const OF: Of = Of(&SIGNATURE, SIGNATURE.name);

impl Aggregate for CorrMatrix {
    type State = CorrelationState;

    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn start(&self) -> CorrelationState {
        CorrelationState::default()
    }

    fn update(
        &self,
        state: &mut CorrelationState,
        inputs: &Inputs<'_>,
        rows: Rows<'_>,
    ) -> Result<()> {
        state.update(OF, inputs, rows)
    }

    fn merge(&self, into: &mut CorrelationState, from: &CorrelationState) -> Result<()> {
        into.merge(OF, from)
    }

    fn finish(&self, state: &CorrelationState) -> Result<Value> {
        let Some(correlated) = state.finish(OF, true)? else {
            return Ok(Value::Null);
        };
        let (names, pairs) = (correlated.names, correlated.matrix.pairs());
        let mut x = Vec::with_capacity(pairs.len());
        let mut y = Vec::with_capacity(pairs.len());
        for (i, name) in names.iter().enumerate() {
            for other in &names[i + 1..] {
                x.push(Some(name.clone()));
                y.push(Some(other.clone()));
            }
        }
        Ok(Value::Rows(vec![
            Column::Text(x),
            Column::Text(y),
            Column::Double(pairs.iter().map(|pair| pair.r).collect()),
            Column::Integer(pairs.iter().map(|pair| Some(pair.n as i64)).collect()),
            Column::Double(pairs.iter().map(|pair| pair.p_value).collect()),
        ]))
    }

    fn size(&self, state: &CorrelationState) -> usize {
        state.size()
    }

    fn keeps_rows(&self, options: &Json) -> bool {
        let method = options.get("method").and_then(Json::as_str);
        method.is_some_and(|method| method != "pearson")
    }
}
