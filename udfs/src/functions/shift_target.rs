//! `shift_target`.

use super::entity_order::{EntityOrder, ORDER_BY, PARTITION_BY};
use super::lag_features::refuse_existing;
use crate::call::{Call, quote_name};
use crate::definition::{Argument, Category, Kind, Signature, Table};
use crate::error::{Error, Result};
use crate::value::Type;

/// See the signature.
pub struct ShiftTarget;

static SIGNATURE: Signature = Signature {
    name: "shift_target",
    aliases: &[],
    category: Category::Alignment,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        Argument::required("price", Kind::ColumnName, "the column to look ahead in"),
        Argument::required(
            "horizon",
            Kind::Integer,
            "rows between entry and exit, at least 1",
        ),
        PARTITION_BY,
        ORDER_BY,
        Argument::optional(
            "entry_lag",
            Kind::Integer,
            "0",
            "rows between the features and the entry, at least 0; 1 means: trade on the next bar",
        ),
        Argument::optional(
            "kind",
            Kind::Text,
            "'return'",
            "return: exit/entry - 1; log_return: ln(exit/entry); difference: exit - entry; \
             direction: 1 if exit > entry, else 0; value: exit",
        ),
        Argument::optional("name", Kind::Text, "'target'", "the name of the new column"),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "The target is NULL in the last rows of an entity, whose future is not known yet, and where \
            either price is NULL or an entry price is not positive for the returns.",
    docs: "Adds what a model is to predict: the entity's own future.\n\n\
           Returns every column of `tbl`, the target (DOUBLE), and `<name>_time`, the `order_by` value of the \
           exit row: the time at which the target is known. A training row may be used for a test that \
           starts at T only if its `<name>_time` is before T (purge). The label spans the rows from \
           `entry_lag` to `entry_lag + horizon` ahead; rows are counted within the entity. Two rows of \
           one entity with the same `order_by`, and a NULL in it, are errors.",
    example: "SELECT * FROM shift_target(\
              '(SELECT 1 AS t, 10.0 AS price UNION ALL SELECT 2, 11.0 UNION ALL SELECT 3, 12.1)', \
              'price', 1, NULL, 't') ORDER BY t",
};

const KINDS: &[&str] = &["return", "log_return", "difference", "direction", "value"];

impl Table for ShiftTarget {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let relation = call.relation()?;
        let price = call.column("price")?.ok_or_else(|| {
            Error::argument(
                call.function(),
                "price",
                "NULL",
                "pass the column to look ahead in",
            )
        })?;
        let horizon = call.integer("horizon", 1)?;
        let entry_lag = call.integer("entry_lag", 0)?;
        let kind = call.choice("kind", KINDS)?;
        let name = call.text("name")?.unwrap_or("target");
        let order = EntityOrder::of(call)?;
        let time_name = format!("{name}_time");
        refuse_existing(call, name)?;
        refuse_existing(call, &time_name)?;

        let price = format!("CAST({} AS DOUBLE)", quote_name(&price));
        let exit = format!("lead({price}, {}) OVER w", entry_lag + horizon);
        let entry = match entry_lag {
            0 => price.clone(),
            _ => format!("lead({price}, {entry_lag}) OVER w"),
        };
        let target = match kind {
            "return" => format!("CASE WHEN {entry} > 0 THEN {exit} / ({entry}) - 1 END"),
            "log_return" => {
                format!("CASE WHEN {entry} > 0 AND {exit} > 0 THEN ln({exit}) - ln({entry}) END")
            }
            "difference" => format!("{exit} - ({entry})"),
            "direction" => {
                format!("CASE WHEN {exit} > {entry} THEN 1.0 WHEN {exit} <= {entry} THEN 0.0 END")
            }
            _ => exit,
        };
        Ok(format!(
            "SELECT *, CAST({target} AS DOUBLE) AS {}, lead({}, {}) OVER w AS {} \
             FROM {relation} WINDOW w AS ({}) QUALIFY {}",
            quote_name(name),
            order.order[0],
            entry_lag + horizon,
            quote_name(&time_name),
            order.window(),
            order.check(call),
        ))
    }
}
