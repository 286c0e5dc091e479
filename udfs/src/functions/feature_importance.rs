//! `feature_importance`.

use super::entity_order::{EntityOrder, ORDER_BY, PARTITION_BY};
use super::feature_correlation::struct_of;
use crate::call::{Call, quote_name, quote_text};
use crate::definition::{Argument, Category, Kind, Signature, Table};
use crate::error::{Error, Result};
use crate::value::Type;

/// See the signature.
pub struct FeatureImportance;

static SIGNATURE: Signature = Signature {
    name: "feature_importance",
    aliases: &[],
    category: Category::Importance,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        Argument::required("target", Kind::ColumnName, "what the model predicts"),
        Argument::required("features", Kind::ColumnNames, "what it predicts it from"),
        ORDER_BY,
        PARTITION_BY,
        Argument::optional(
            "horizon",
            Kind::Integer,
            "1",
            "rows that the target looks ahead; training rows whose label reaches the holdout are purged",
        ),
        Argument::optional(
            "train_share",
            Kind::Double,
            "0.7",
            "the share of distinct times before the holdout, between 0 and 1",
        ),
        Argument::optional("algorithm", Kind::Text, "'ridge'", "of fit: ols, ridge"),
        Argument::optional("alpha", Kind::Double, "1.0", "of fit: the penalty of ridge"),
        Argument::optional(
            "metric",
            Kind::Text,
            "'mse'",
            "of permutation_importance: mse, ic",
        ),
        Argument::optional("repeats", Kind::Integer, "5", "permutations per feature"),
        Argument::optional(
            "block",
            Kind::Integer,
            "1",
            "rows that stay together in a permutation",
        ),
        Argument::optional("seed", Kind::Integer, "42", "of the permutations"),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "Rows in which the target or a feature is missing are left out, in training and in the holdout.",
    docs: "Which features a model uses, measured on rows that lie after its training.\n\n\
           The distinct times of `order_by` are cut at `train_share`: a model is fitted on rows whose label ends before \
           the first time of the holdout (purged by time, across all entities), and each feature is shuffled in the \
           holdout only. Returns one row per feature: `feature`, `standardized_coefficient`, \
           `permutation_importance` (see permutation_importance for the metrics), `permutation_std`, `rank`, \
           `train_rows`, `test_rows` (complete ones), `train_end` (the last training time), `test_start` and \
           `status`. An empty training set or holdout gives no rows.",
    example: "SELECT feature, rank FROM feature_importance(\
              '(SELECT i AS t, i % 7 AS a, i % 3 AS b, 2 * (i % 7) + (i % 3) + (i % 5) AS y FROM range(200) r(i))', \
              'y', ['a', 'b'], 't') ORDER BY rank",
};

impl Table for FeatureImportance {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let relation = call.relation()?;
        let missing =
            |name: &str| Error::argument(call.function(), name, "NULL", "pass column names");
        let target = quote_name(&call.column("target")?.ok_or_else(|| missing("target"))?);
        let features = struct_of(
            &call
                .columns("features")?
                .ok_or_else(|| missing("features"))?,
        );
        let order = EntityOrder::of(call)?;
        let horizon = call.integer("horizon", 1)?;
        let share = call.double("train_share", 0.0, 1.0)?;
        let algorithm = call.choice("algorithm", &["ols", "ridge"])?;
        let alpha = call.double("alpha", 0.0, 1e300)?;
        let metric = call.choice("metric", &["mse", "ic"])?;
        let repeats = call.integer("repeats", 1)?;
        let block = call.integer("block", 1)?;
        let seed = call.integer("seed", 0)?;
        let [time] = order.order.as_slice() else {
            return Err(Error::argument(
                call.function(),
                "order_by",
                call.literal("order_by"),
                "pass one time column",
            ));
        };
        let window = order.window();
        let check = order.check(call);
        let by_time: Vec<&str> = std::iter::once(time)
            .chain(&order.partition)
            .map(String::as_str)
            .collect();
        let by_time = by_time.join(", ");
        let target_name = quote_text(target.trim_matches('"'));
        Ok(format!(
            "WITH lagrange_rows AS (\
               SELECT {target} AS lagrange_target, {features} AS lagrange_features, {time} AS lagrange_time, \
                      lead({time}, {horizon}) OVER w AS lagrange_label_end, \
                      row_number() OVER (ORDER BY {by_time}) AS lagrange_position \
               FROM {relation} WINDOW w AS ({window}) QUALIFY {check}), \
             lagrange_times AS (\
               SELECT lagrange_time, row_number() OVER (ORDER BY lagrange_time) AS place, count(*) OVER () AS places \
               FROM (SELECT DISTINCT lagrange_time FROM lagrange_rows) AS lagrange_distinct), \
             lagrange_cut AS (\
               SELECT min(lagrange_time) AS test_start FROM lagrange_times WHERE place > places * {share:?}), \
             lagrange_model AS (\
               SELECT fit(lagrange_target, lagrange_features, \
                          {{'algorithm': '{algorithm}', 'alpha': {alpha:?}, 'target': {target_name}}}) AS model, \
                      max(lagrange_time) AS train_end \
               FROM lagrange_rows CROSS JOIN lagrange_cut WHERE lagrange_label_end < test_start), \
             lagrange_scores AS (\
               SELECT permutation_importance(model, lagrange_target, lagrange_features, lagrange_position, \
                        {{'metric': '{metric}', 'repeats': {repeats}, 'block': {block}, 'seed': {seed}}}) AS scores, \
                      min(test_start) AS test_start, min(train_end) AS train_end, min(model) AS model \
               FROM lagrange_rows CROSS JOIN lagrange_cut CROSS JOIN lagrange_model WHERE lagrange_time >= test_start) \
             SELECT score['feature'] AS feature, score['standardized'] AS standardized_coefficient, \
                    score['importance'] AS permutation_importance, score['deviation'] AS permutation_std, \
                    score['rank'] AS rank, model_info(model)['rows_used'] AS train_rows, \
                    score['rows_used'] AS test_rows, train_end, test_start, model_info(model)['status'] AS status \
             FROM (SELECT unnest(scores) AS score, test_start, train_end, model FROM lagrange_scores) AS lagrange_unnested",
        ))
    }
}
