//! `correlation_clusters`.

use super::clusters::{FIELDS, LINKAGES};
use super::feature_correlation::METHOD;
use super::feature_rows::{EXCLUDE, FEATURES, FeatureRows, unnested};
use crate::call::{Call, quote_name, quote_text};
use crate::definition::{Argument, Category, Kind, Signature, Table};
use crate::error::{Error, Result};
use crate::statistics::correlations::Method;
use crate::value::Type;

/// See the signature.
pub struct CorrelationClusters;

static SIGNATURE: Signature = Signature {
    name: "correlation_clusters",
    aliases: &[],
    category: Category::Correlation,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        FEATURES,
        EXCLUDE,
        Argument::optional(
            "target",
            Kind::ColumnName,
            "NULL",
            "what the features are to predict: of each cluster, the feature most correlated with it is kept; \
             never a feature itself",
        ),
        METHOD,
        Argument::optional(
            "linkage",
            Kind::Text,
            "'greedy'",
            "how clusters come about: greedy or average",
        ),
        Argument::optional(
            "threshold",
            Kind::Double,
            "0.8",
            "the |r| above which features repeat each other, from 0 to 1",
        ),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "As corr_matrix: each correlation is of the rows in which both are present. A correlation that is \
            undefined counts as 0, so a constant feature, or one without values, is a cluster of its own. No rows: \
            no clusters.",
    docs: "Groups of features that repeat each other, and one of each group to keep.\n\n\
           Returns one row per feature: `feature`; `cluster` (BIGINT, from 1); `representative`, the feature that \
           stands for the cluster; `is_representative` (BOOLEAN); `size` (BIGINT, features in the cluster); \
           `correlation_with_representative` (DOUBLE; 1 for itself, NULL where undefined); \
           `correlation_with_target` (DOUBLE; NULL without a target or where undefined); `n` (BIGINT, rows in \
           which the feature is present); `status`: ok, constant (one row is), no values.\n\
           greedy: features are taken by |correlation with the target|, greatest first (without a target, in the \
           order of columns); each joins the first representative with which |r| is strictly above the threshold, \
           or becomes one. Clusters are numbered in that order.\n\
           average: hierarchical clusters by average linkage on 1 - |r|, cut at the distance 1 - threshold \
           (Murtagh, The Computer Journal 26, 1983), as scipy.cluster.hierarchy's linkage(method='average') and \
           fcluster(criterion='distance'), numbered by their first member. The representative is the member with \
           the greatest |correlation with the target|, without a target the one with the greatest mean |r| to the \
           others.\n\
           Ties go to the first column; correlations that agree in twelve decimals are ties. Space is \
           O(features²) for pearson; 8 bytes per value, and up to 28 at the end, for spearman and kendall. \
           Choosing features is part of training: pass training rows only.",
    example: "SELECT feature, \"cluster\", representative, size FROM correlation_clusters(\
              '(SELECT i % 7 AS a, i % 7 + i % 2 AS b, i % 5 AS c FROM range(200) r(i))') ORDER BY feature",
};

impl Table for CorrelationClusters {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let method = call.choice("method", Method::NAMES)?;
        let linkage = call.choice("linkage", LINKAGES)?;
        let threshold = call.double("threshold", 0.0, 1.0)?;
        let target = call.column("target")?;
        let is_target = |name: &String| Some(name) == target.as_ref();
        if call
            .patterns("features")?
            .is_some_and(|names| names.iter().any(is_target))
        {
            return Err(Error::argument(
                call.function(),
                "features",
                call.literal("features"),
                "leave the target out",
            ));
        }
        let others: Vec<String> = target.iter().cloned().collect();
        let rows = FeatureRows::of(call, &others)?;
        let beside = match &target {
            Some(target) => quote_name(target),
            None => "CAST(NULL AS DOUBLE)".to_owned(),
        };
        let fields: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        let clusters = unnested(
            &fields,
            &format!(
                "lagrange_clusters(lagrange_target, {}, {{'method': {}, 'linkage': {}, 'threshold': {threshold:?}, \
                 'has_target': {}, 'non_numeric': '{}'}})",
                rows.features,
                quote_text(method),
                quote_text(linkage),
                target.is_some(),
                rows.non_numeric
            ),
            "lagrange_rows",
        );
        Ok(format!(
            "WITH lagrange_rows AS ({}) {clusters}",
            rows.rows(&[(&beside, "lagrange_target")], "")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::{CorrelationClusters, SIGNATURE};
    use crate::call::{Call, Literal, Target};
    use crate::definition::Table;
    use crate::error::Result;

    fn sql(named: &[(&str, &str)]) -> Result<String> {
        let text = |text: &str| Literal::Text(text.to_owned());
        let named = named
            .iter()
            .map(|(name, value)| ((*name).to_owned(), text(value)));
        let call = Call::resolve(&SIGNATURE, vec![text("t")], named.collect(), Target::DuckDb)?;
        CorrelationClusters.sql(&call)
    }

    #[test]
    fn the_target_goes_beside_the_features() {
        let text = sql(&[("features", "a"), ("target", "y")]).expect("SQL");
        let rows =
            "WITH lagrange_rows AS (SELECT \"a\", \"y\" AS lagrange_target FROM \"t\" ) SELECT ";
        assert!(text.starts_with(rows), "{text}");
        let call = "lagrange_clusters(lagrange_target, {'a': \"a\"}, {'method': 'pearson', 'linkage': 'greedy', \
                    'threshold': 0.8, 'has_target': true, 'non_numeric': 'error'})";
        assert!(text.contains(call), "{text}");
        let text = sql(&[("linkage", "AVERAGE")]).expect("SQL");
        assert!(
            text.contains("CAST(NULL AS DOUBLE) AS lagrange_target"),
            "{text}"
        );
        assert!(text.contains("'linkage': 'average'"), "{text}");
        assert!(text.contains("'has_target': false"), "{text}");
    }

    #[test]
    fn a_target_is_no_feature() {
        let error = sql(&[("features", "y"), ("target", "y")]).expect_err("no SQL");
        let message = error.to_string();
        assert!(message.contains("leave the target out"), "{message}");
    }
}
