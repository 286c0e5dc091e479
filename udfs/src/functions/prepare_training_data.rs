//! `prepare_training_data`.

use super::entity_order::{EntityOrder, ORDER_BY, PARTITION_BY};
use super::label_spans::TARGET_END;
use super::lag_features::refuse_existing;
use crate::call::{Call, Literal, Target, quote_name, quote_text};
use crate::definition::{Argument, Category, Kind, Signature, Table};
use crate::error::{Error, Result};
use crate::value::Type;

/// See the signature.
pub struct PrepareTrainingData;

static SIGNATURE: Signature = Signature {
    name: "prepare_training_data",
    aliases: &[],
    category: Category::Alignment,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        Argument::required(
            "pattern_window",
            Kind::Integer,
            "the W of base_wW_sS_name, at least 1",
        ),
        Argument::required(
            "std_dev",
            Kind::Double,
            "the S of base_wW_sS_name, more than 0",
        ),
        Argument::required(
            "target_lag",
            Kind::Integer,
            "how many rows ahead the target lies, at least 1",
        ),
        PARTITION_BY,
        ORDER_BY,
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "Targets are NULL in the last `target_lag` rows of an entity: training drops them, inference keeps them.",
    docs: "Turns pattern features into targets and keeps them out of the features.\n\n\
           Columns `base_w<window>_s<std_dev>_<name>` are pattern features as of their own row. Returns every \
           column that does not start with `base_w` and, for each pattern of exactly this window and \
           width, `target_<name>`: its value `target_lag` rows ahead within the entity; then `target_end`, the \
           `order_by` value of that row, the time at which the targets are known. time_folds purges by it. The whole token \
           counts: window 20 and width 2 take `base_w20_s2_x`, not `base_w20_s2.5_x` or \
           `base_w200_s2_x`. Two rows of one entity with the same `order_by`, and a NULL in it, are errors, \
           as is a relation without a matching column.",
    example: "SELECT * FROM prepare_training_data(\
              '(SELECT 1 AS t, 0.5 AS x, 0 AS base_w20_s2_up UNION ALL SELECT 2, 0.7, 1)', \
              20, 2, 1, NULL, 't') ORDER BY t",
};

/// How the names of pattern features begin.
pub(super) const PREFIX: &str = "base_w";

impl Table for PrepareTrainingData {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let relation = call.relation()?;
        let window = call.integer("pattern_window", 1)?;
        let width = call.double("std_dev", f64::MIN_POSITIVE, 1e6)?;
        let ahead = call.integer("target_lag", 1)?;
        let order = EntityOrder::of(call)?;
        let (kept, targets) = match call.target() {
            Target::DuckDb => {
                let pattern = duckdb_pattern(window, width);
                (
                    format!("COLUMNS(lambda c: NOT starts_with(c, '{PREFIX}'))"),
                    format!(
                        "lead(COLUMNS({}), {ahead}) OVER w AS 'target_\\1'",
                        quote_text(&pattern)
                    ),
                )
            }
            Target::DataFusion(columns) => {
                let mut kept = Vec::new();
                let mut targets = Vec::new();
                let mut patterns = Vec::new();
                for column in columns {
                    let name = quote_name(&column.name);
                    if !column.name.starts_with(PREFIX) {
                        kept.push(name);
                        continue;
                    }
                    patterns.push(column.name.as_str());
                    if let Some(rest) = pattern_name(&column.name, window, width) {
                        let target = format!("target_{rest}");
                        refuse_existing(call, &target)?;
                        targets.push(format!(
                            "lead({name}, {ahead}) OVER w AS {}",
                            quote_name(&target)
                        ));
                    }
                }
                if targets.is_empty() {
                    let has = if patterns.is_empty() {
                        "none".into()
                    } else {
                        patterns.join(", ")
                    };
                    return Err(Error::data(
                        call.function(),
                        format!(
                            "no column base_w{window}_s{}_<name>; the pattern columns are: {has}",
                            call.literal("std_dev")
                        ),
                    ));
                }
                (kept.join(", "), targets.join(", "))
            }
        };
        refuse_existing(call, TARGET_END)?;
        Ok(format!(
            "SELECT {kept}, {targets}, lead({}, {ahead}) OVER w AS {TARGET_END} FROM {relation} \
             WINDOW w AS ({}) QUALIFY {}",
            order.order[0],
            order.window(),
            order.check(call),
        ))
    }
}

/// The name in `base_w<window>_s<width>_<name>`, if the column is one of this
/// window and width. Widths are compared as numbers: 2 and 2.0 are the same.
fn pattern_name(column: &str, window: i64, width: f64) -> Option<&str> {
    let (found, rest) = column.strip_prefix(PREFIX)?.split_once("_s")?;
    let (deviations, name) = rest.split_once('_')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let matches = digits(found)
        && digits(deviations)
        && found.parse() == Ok(window)
        && deviations.parse() == Ok(width);
    (matches && !name.is_empty()).then_some(name)
}

/// [`pattern_name`] as a regular expression.
fn duckdb_pattern(window: i64, width: f64) -> String {
    let width = if width.fract() == 0.0 {
        format!(r"{width}(?:\.0*)?")
    } else {
        format!(
            "{}0*",
            Literal::Double(width).to_string().replace('.', r"\.")
        )
    };
    format!("^{PREFIX}0*{window}_s0*{width}_(.+)$")
}

#[cfg(test)]
mod tests {
    use super::pattern_name;

    #[test]
    fn only_the_whole_token_matches() {
        assert_eq!(pattern_name("base_w20_s2_x", 20, 2.0), Some("x"));
        assert_eq!(pattern_name("base_w20_s2.0_x_y", 20, 2.0), Some("x_y"));
        assert_eq!(pattern_name("base_w20_s2.5_x", 20, 2.5), Some("x"));
        assert_eq!(pattern_name("base_w20_s2.5_x", 20, 2.0), None);
        assert_eq!(pattern_name("base_w200_s2_x", 20, 2.0), None);
        assert_eq!(pattern_name("base_w20_s2_", 20, 2.0), None);
        assert_eq!(pattern_name("base_w_s2_x", 20, 2.0), None);
    }
}
