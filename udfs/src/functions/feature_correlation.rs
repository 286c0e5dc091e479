//! `feature_correlation`.

use crate::call::{Call, Target, quote_name, quote_text};
use crate::definition::{Argument, Category, Kind, Signature, Table};
use crate::error::Result;
use crate::value::Type;

/// See the signature.
pub struct FeatureCorrelation;

static SIGNATURE: Signature = Signature {
    name: "feature_correlation",
    aliases: &[],
    category: Category::Correlation,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        Argument::optional(
            "features",
            Kind::ColumnNames,
            "NULL",
            "the columns to correlate; NULL: every numeric one",
        ),
        Argument::optional(
            "method",
            Kind::Text,
            "'pearson'",
            "which coefficient: pearson",
        ),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "As corr_matrix: pairwise-complete.",
    docs: "The table of correlations of all pairs of features.\n\n\
           Returns `feature_x`, `feature_y`, `correlation` (DOUBLE) and `n` (BIGINT, the rows in which both are \
           present), one row per unordered pair; see corr_matrix.",
    example: "SELECT * FROM feature_correlation(\
              '(SELECT 1.0 AS a, 2.0 AS b UNION ALL SELECT 2.0, 4.0 UNION ALL SELECT 3.0, 5.0)')",
};

impl Table for FeatureCorrelation {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let relation = call.relation()?;
        let method = call.choice("method", &["pearson"])?;
        let features = call.columns("features")?.map(|names| struct_of(&names));
        let (features, from) = match (features, call.target()) {
            (Some(features), _) => (features, format!("{relation} AS lagrange_rows")),
            // The alias of a subquery is its row as a struct.
            (None, Target::DuckDb) => (
                "lagrange_rows".to_owned(),
                format!("(SELECT * FROM {relation}) AS lagrange_rows"),
            ),
            (None, Target::DataFusion(columns)) => {
                let names: Vec<_> = columns
                    .iter()
                    .filter(|c| c.numeric)
                    .map(|c| c.name.clone())
                    .collect();
                (struct_of(&names), format!("{relation} AS lagrange_rows"))
            }
        };
        Ok(format!(
            "SELECT lagrange_pair['feature_x'] AS feature_x, lagrange_pair['feature_y'] AS feature_y, \
             lagrange_pair['correlation'] AS correlation, lagrange_pair['n'] AS n FROM (SELECT unnest(\
             corr_matrix({features}, {{'method': '{method}', 'non_numeric': 'skip'}})) AS lagrange_pair FROM {from})",
        ))
    }
}

/// The columns as a struct literal.
pub(super) fn struct_of(names: &[String]) -> String {
    let fields: Vec<String> = names
        .iter()
        .map(|name| format!("{}: {}", quote_text(name), quote_name(name)))
        .collect();
    format!("{{{}}}", fields.join(", "))
}
