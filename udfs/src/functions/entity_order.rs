//! Arguments that say which rows belong together and in which order, and the
//! SQL for them. Shared by the functions that look along time.

use crate::call::{Call, Target, quote_name, quote_text};
use crate::definition::{Argument, Kind};
use crate::error::{Error, Result};

/// `partition_by`.
pub const PARTITION_BY: Argument = Argument::optional(
    "partition_by",
    Kind::ColumnNames,
    "NULL",
    "the entity, such as the symbol; rows of different entities never meet; NULL: one entity",
);

/// `order_by`.
pub const ORDER_BY: Argument = Argument::optional(
    "order_by",
    Kind::ColumnNames,
    "NULL",
    "the time, unique within an entity and never NULL; must be passed",
);

/// How rows follow each other.
pub struct EntityOrder {
    /// Entity columns, quoted.
    pub partition: Vec<String>,
    /// Time columns, quoted.
    pub order: Vec<String>,
}

impl EntityOrder {
    /// From the arguments `partition_by` and `order_by`.
    pub fn of(call: &Call<'_>) -> Result<Self> {
        let quoted = |columns: Vec<String>| columns.iter().map(|c| quote_name(c)).collect();
        let order = call.columns("order_by")?.ok_or_else(|| {
            Error::argument(call.function(), "order_by", "NULL", "pass the time column")
        })?;
        Ok(Self {
            partition: quoted(call.columns("partition_by")?.unwrap_or_default()),
            order: quoted(order),
        })
    }

    /// The inside of OVER (...).
    pub fn window(&self) -> String {
        let order = self.order.join(", ");
        if self.partition.is_empty() {
            format!("ORDER BY {order}")
        } else {
            format!(
                "PARTITION BY {} ORDER BY {order}",
                self.partition.join(", ")
            )
        }
    }

    /// A condition, for QUALIFY, that is always true and fails the query where
    /// two rows of an entity share a time or a time is NULL: the rows' order,
    /// and with it every lag, would be arbitrary.
    ///
    /// The text is what decides, not a branch that is never reached: engines
    /// are free to evaluate the branches of a boolean CASE on any row.
    pub fn check(&self, call: &Call<'_>) -> String {
        let function = call.function();
        let window = self.window();
        let null: Vec<String> = self.order.iter().map(|c| format!("{c} IS NULL")).collect();
        // DataFusion does not know the names of windows in QUALIFY.
        let same: Vec<String> = self
            .order
            .iter()
            .map(|c| format!("{c} = lag({c}) OVER ({window})"))
            .collect();
        let shown: Vec<String> = self
            .partition
            .iter()
            .chain(&self.order)
            .map(|c| {
                let label = quote_text(&format!("{} = ", c.trim_matches('"')));
                format!("{label} || coalesce(CAST({c} AS VARCHAR), 'NULL')")
            })
            .collect();
        let shown = shown.join(" || ', ' || ");
        let begin = |text: &str| quote_text(&format!("{function}: {text} ("));
        // A frame without an end makes DataFusion shift whole entities at once:
        // row by row, as it does otherwise, takes several times as long.
        let at_once = match call.target() {
            Target::DuckDb => String::new(),
            Target::DataFusion(_) => format!(
                " AND count(*) OVER ({window} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) > 0"
            ),
        };
        format!(
            "lagrange_fail(CASE \
             WHEN {null} THEN {null_text} || {shown} || '); filter those rows out' \
             WHEN {same} THEN {same_text} || {shown} || '); aggregate them to one, or add a column that tells them apart' \
             END) IS NULL{at_once}",
            null = null.join(" OR "),
            same = same.join(" AND "),
            null_text = begin("a row has no order_by value"),
            same_text = begin("two rows share partition_by and order_by"),
        )
    }
}
