//! `feature_correlation`.

use super::feature_rows::{EXCLUDE, FEATURES, FeatureRows, unnested};
use crate::call::{Call, quote_name, quote_text};
use crate::definition::{Argument, Category, Kind, Signature, Table};
use crate::error::Result;
use crate::statistics::correlations::Method;
use crate::value::Type;

/// See the signature.
pub struct FeatureCorrelation;

/// `method`.
pub(super) const METHOD: Argument = Argument::optional(
    "method",
    Kind::Text,
    "'pearson'",
    "which coefficient: pearson, spearman or kendall",
);

static SIGNATURE: Signature = Signature {
    name: "feature_correlation",
    aliases: &[],
    category: Category::Correlation,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        FEATURES,
        METHOD,
        EXCLUDE,
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "As corr_matrix: pairwise-complete.",
    docs: "The table of correlations of all pairs of features.\n\n\
           Returns `feature_x`, `feature_y`, `correlation` (DOUBLE, from -1 to 1), `n` (BIGINT, the rows in which \
           both are present) and `p_value` (DOUBLE, two-sided, against independence), one row per unordered pair; \
           see corr_matrix for the methods, for where these are NULL and for the memory. A feature that was named \
           and is no number is an error; patterns and NULL find numbers only. No rows: no pairs.",
    example: "SELECT * FROM feature_correlation(\
              '(SELECT 1.0 AS a, 2.0 AS b UNION ALL SELECT 2.0, 4.0 UNION ALL SELECT 3.0, 5.0)')",
};

impl Table for FeatureCorrelation {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let method = call.choice("method", Method::NAMES)?;
        let rows = FeatureRows::of(call, &[])?;
        let pairs = unnested(
            &["feature_x", "feature_y", "correlation", "n", "p_value"],
            &format!(
                "corr_matrix({}, {{'method': '{method}', 'non_numeric': '{}'}})",
                rows.features, rows.non_numeric
            ),
            "lagrange_rows",
        );
        Ok(format!(
            "WITH lagrange_rows AS ({}) {pairs}",
            rows.rows(&[], "")
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

#[cfg(test)]
mod tests {
    use super::{FeatureCorrelation, SIGNATURE};
    use crate::call::{Call, Literal, SourceColumn, Target};
    use crate::definition::Table;

    #[test]
    fn the_columns_go_to_corr_matrix() {
        let columns = ["a", "b", "g"].map(|name| SourceColumn {
            name: name.to_owned(),
            numeric: name != "g",
        });
        let sql = |target| {
            let arguments = vec![Literal::Text("t".into())];
            let named = vec![("exclude".to_owned(), Literal::Text("b*".into()))];
            let call = Call::resolve(&SIGNATURE, arguments, named, target);
            FeatureCorrelation.sql(&call.expect("a call")).expect("SQL")
        };
        let start = "WITH lagrange_rows AS (SELECT \"a\" FROM \"t\" ) SELECT lagrange_row['feature_x'] AS \"feature_x\", ";
        let text = sql(Target::DataFusion(&columns));
        assert!(text.starts_with(start), "{text}");
        let call = "corr_matrix({'a': \"a\"}, {'method': 'pearson', 'non_numeric': 'skip'})";
        assert!(text.contains(call), "{text}");
        let call = "corr_matrix(lagrange_rows, {'method': 'pearson', 'non_numeric': 'skip'})";
        let text = sql(Target::DuckDb);
        assert!(text.contains(call), "{text}");
    }
}
