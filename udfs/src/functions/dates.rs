//! Rows with the number of their date and of their entity, for kernels that look
//! along time and across names.

use super::entity_order::EntityOrder;
use crate::call::{Call, quote_text};
use crate::error::Result;

/// The number of a row's date, from 1 in the order of time.
pub const DATE: &str = "lagrange_date";
/// The number of its entity, from 1.
pub const ENTITY: &str = "lagrange_entity";
/// Its time.
pub const TIME: &str = "lagrange_time";

/// What a date has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uniqueness {
    /// An entity once; without `partition_by` there is one entity.
    OneRowPerEntity,
    /// The same, but without `partition_by` every row is an entity of its own.
    CrossSection,
}

/// A query of `items`, the row's time and the numbers of its date and entity.
///
/// It fails where a time is missing or an entity has two rows of one time.
pub fn dated(call: &Call<'_>, items: &str, uniqueness: Uniqueness) -> Result<String> {
    let order = EntityOrder::of(call)?;
    dated_by(call, items, uniqueness, &order, &order.partition)
}

/// The same where `order` tells more apart than the entity, whose columns are
/// `entity`.
pub fn dated_by(
    call: &Call<'_>,
    items: &str,
    uniqueness: Uniqueness,
    order: &EntityOrder,
    entity: &[String],
) -> Result<String> {
    let time = order.order.join(", ");
    let entity = match entity {
        [] => "1".to_owned(),
        partition => format!("dense_rank() OVER (ORDER BY {})", partition.join(", ")),
    };
    let check = if uniqueness == Uniqueness::CrossSection && order.partition.is_empty() {
        let message = format!(
            "{}: a row has no order_by value; filter those rows out",
            call.function()
        );
        format!(
            "WHERE lagrange_fail(CASE WHEN {time} IS NULL THEN {} END) IS NULL",
            quote_text(&message)
        )
    } else {
        format!("QUALIFY {}", order.check(call))
    };
    Ok(format!(
        "SELECT {items}, {time} AS {TIME}, dense_rank() OVER (ORDER BY {time}) AS {DATE}, {entity} AS {ENTITY} \
         FROM {} {check}",
        call.relation()?
    ))
}

/// Which time each date is: a query that reads only the time of the relation.
pub fn times(call: &Call<'_>) -> Result<String> {
    let order = EntityOrder::of(call)?;
    numbered(call, &order.order.join(", "), TIME, DATE)
}

/// The distinct values of an expression that are not NULL, as `name`, and the
/// `number` that dense_rank gives each.
pub fn numbered(call: &Call<'_>, value: &str, name: &str, number: &str) -> Result<String> {
    Ok(format!(
        "SELECT {name}, CAST(row_number() OVER (ORDER BY {name}) AS BIGINT) AS {number} FROM \
         (SELECT DISTINCT {value} AS {name} FROM {}) AS lagrange_distinct WHERE {name} IS NOT NULL",
        call.relation()?
    ))
}
