//! Weights of rows whose labels overlap: `label_uniqueness`,
//! `sequential_bootstrap`, `time_decay_weights`.

use super::entity_order::{ORDER_BY, PARTITION_BY};
use super::feature_rows::unnested;
use super::label_spans::{HORIZON, LABEL_END, LabelSpans};
use super::lag_features::refuse_existing;
use crate::call::{Call, Literal};
use crate::definition::{Argument, Category, Kind, Signature, Table};
use crate::error::{Error, Result};
use crate::value::Type;

const ROWS: Argument = Argument::required("tbl", Kind::Relation, "the rows, in any order");

const NULLS: &str = "A row whose label has no known end (the last `horizon` rows of an entity, NULL in `label_end`) has the \
     weight NULL, but is a bar that other labels may cover. A NULL time is an error.";

/// A table function that adds weights.
pub struct LabelWeights {
    signature: &'static Signature,
    /// The options of the kernel, and what else than `weight` is returned.
    options: fn(&Call<'_>) -> Result<String>,
    gained: &'static [&'static str],
}

/// See the signature.
pub static LABEL_UNIQUENESS: LabelWeights = LabelWeights {
    signature: &Signature {
        name: "label_uniqueness",
        aliases: &[],
        category: Category::Alignment,
        arguments: &[ROWS, PARTITION_BY, ORDER_BY, HORIZON, LABEL_END],
        options: &[],
        returns: Type::Rows(&[]),
        nulls: NULLS,
        docs: "Weights rows by how much of their label is their own.\n\n\
               A label covers the bars of its entity (the times at which it has rows) from the row's own to the label's \
               end. Its average uniqueness is the mean over these bars of 1 by the number of labels of the entity that \
               cover the bar: 1 if nothing overlaps, about 1 / (horizon + 1) where every row has a label (López de Prado, \
               Advances in Financial Machine Learning, 2018, sections 4.3 and 4.4). Labels of different entities do not \
               overlap in this sense. Returns every column of `tbl`, `weight` (DOUBLE, more than 0 to 1) and \
               `concurrency` (BIGINT), the labels that cover the row's own bar. Two rows of one entity with the same \
               `order_by`, and a label that ends before its row, are errors. Keeps 8 bytes per row.",
        example: "SELECT t, label_end, round(weight, 4) AS weight, concurrency FROM label_uniqueness(\
                  '(SELECT 0 AS t, 2 AS label_end UNION ALL SELECT 1, NULL UNION ALL SELECT 2, 3 UNION ALL SELECT 3, NULL \
                  UNION ALL SELECT 4, 5 UNION ALL SELECT 5, NULL)', NULL, 't', NULL, 'label_end') ORDER BY t",
    },
    options: |_| Ok("{'kind': 'uniqueness'}".to_owned()),
    gained: &["weight", "concurrency"],
};

/// See the signature.
pub static SEQUENTIAL_BOOTSTRAP: LabelWeights = LabelWeights {
    signature: &Signature {
        name: "sequential_bootstrap",
        aliases: &[],
        category: Category::Alignment,
        arguments: &[
            ROWS,
            PARTITION_BY,
            ORDER_BY,
            HORIZON,
            LABEL_END,
            Argument::optional(
                "draws",
                Kind::Integer,
                "NULL",
                "draws per entity, at least 1; NULL: as many as it has labels",
            ),
            Argument::optional("seed", Kind::Integer, "42", "of the draws"),
        ],
        options: &[],
        returns: Type::Rows(&[]),
        nulls: NULLS,
        docs: "Draws rows with replacement so that their labels overlap little.\n\n\
               The chance of a label in a draw is proportional to the average uniqueness that it would have among the \
               labels drawn so far: the mean over its bars of 1 by one more than the number of drawn labels that cover \
               the bar (López de Prado, Advances in Financial Machine Learning, 2018, section 4.5). Each entity is drawn \
               from by itself. Returns every column of `tbl` and `weight` (DOUBLE): how often the row was drawn, 0 or \
               more. The draws depend on the seed and on the entities and times, not on the order of rows or threads. \
               A draw takes time in proportion to the bars that overlapping labels cover. Errors as label_uniqueness. \
               Keeps 8 bytes per row.",
        example: "SELECT t, weight FROM sequential_bootstrap(\
                  '(SELECT i AS t FROM range(8) r(i))', NULL, 't', 2) ORDER BY t",
    },
    options: |call| {
        let draws = match call.literal("draws") {
            Literal::Null => 0,
            _ => call.integer("draws", 1)?,
        };
        let seed = call.integer("seed", 0)?;
        Ok(format!(
            "{{'kind': 'bootstrap', 'draws': {draws}, 'seed': {seed}}}"
        ))
    },
    gained: &["weight"],
};

/// See the signature.
pub static TIME_DECAY_WEIGHTS: LabelWeights = LabelWeights {
    signature: &Signature {
        name: "time_decay_weights",
        aliases: &[],
        category: Category::Alignment,
        arguments: &[
            ROWS,
            PARTITION_BY,
            ORDER_BY,
            HORIZON,
            LABEL_END,
            Argument::optional(
                "last_weight",
                Kind::Double,
                "0.5",
                "the weight towards which the oldest rows go: 1 is no decay, 0 is linear to nothing, -0.25 gives the \
                 oldest quarter none; more than -1, at most 1",
            ),
        ],
        options: &[],
        returns: Type::Rows(&[]),
        nulls: NULLS,
        docs: "Weights rows by age, counted in what their labels tell.\n\n\
               Weights fall linearly from 1, that of the newest label of an entity, over the accumulated average \
               uniqueness of its labels (see label_uniqueness), so that many overlapping labels age as fast as few that \
               do not overlap (López de Prado, Advances in Financial Machine Learning, 2018, section 4.7). Returns \
               every column of `tbl` and `weight` (DOUBLE, from 0 to 1). Multiply it by the weight of label_uniqueness \
               to have both. Errors as label_uniqueness. Keeps 8 bytes per row.",
        example: "SELECT t, round(weight, 4) AS weight FROM time_decay_weights(\
                  '(SELECT i AS t FROM range(8) r(i))', NULL, 't', 2, NULL, 0.0) ORDER BY t",
    },
    options: |call| {
        let last = call.double("last_weight", -1.0, 1.0)?;
        if last == -1.0 {
            let fix = "pass more than -1: -1 gives no row a weight";
            let given = call.literal("last_weight");
            return Err(Error::argument(call.function(), "last_weight", given, fix));
        }
        Ok(format!("{{'kind': 'decay', 'last_weight': {last:?}}}"))
    },
    gained: &["weight"],
};

impl Table for LabelWeights {
    fn signature(&self) -> &'static Signature {
        self.signature
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let options = (self.options)(call)?;
        for name in self.gained {
            refuse_existing(call, name)?;
        }
        let spans = LabelSpans::of(call, true)?.unique();
        let entity = match spans.order.partition.as_slice() {
            [] => "1".to_owned(),
            columns => format!("dense_rank() OVER (ORDER BY {})", columns.join(", ")),
        };
        let kept = [spans.star(call), format!("{entity} AS lagrange_entity")];
        let positions = spans.positions(call, &kept, None, "NULL");
        let aggregate = format!(
            "lagrange_label_weights(lagrange_entity, lagrange_start, lagrange_stop, {options})"
        );
        let weights = unnested(
            &["entity", "start", "weight", "concurrency"],
            &aggregate,
            "lagrange_positions GROUP BY lagrange_entity",
        );
        let gained: Vec<String> = self
            .gained
            .iter()
            .map(|name| format!("lagrange_weights.{name}"))
            .collect();
        Ok(format!(
            "WITH {positions}, lagrange_weights AS ({weights}) \
             SELECT lagrange_positions.* EXCLUDE (lagrange_entity, {}), {} FROM lagrange_positions \
             LEFT JOIN lagrange_weights ON lagrange_entity = lagrange_weights.\"entity\" \
             AND lagrange_start = lagrange_weights.\"start\"",
            spans.added().join(", "),
            gained.join(", "),
        ))
    }
}
