//! Arguments that say how long a row's label looks ahead, and the SQL for it.
//! Shared by the functions that must know which labels overlap.

use super::entity_order::EntityOrder;
use crate::call::{Call, Literal, Target, quote_name, quote_text};
use crate::definition::{Argument, Kind};
use crate::error::{Error, Result};

/// `horizon`.
pub const HORIZON: Argument = Argument::optional(
    "horizon",
    Kind::Integer,
    "NULL",
    "rows of the entity that labels look ahead, at least 1: a label ends at the time of the entity's own row so \
     many later; NULL: `label_end`",
);

/// `label_end`.
pub const LABEL_END: Argument = Argument::optional(
    "label_end",
    Kind::ColumnNames,
    "NULL",
    "the time at which the label is known, of several the latest; NULL: the columns `target_time` and `target_end` \
     that shift_target and prepare_training_data write",
);

/// Where shift_target records when its target is known, by default.
const TARGET_TIME: &str = "target_time";

/// Where prepare_training_data does. Another name, so that a relation may go
/// through both.
pub const TARGET_END: &str = "target_end";

/// What a DuckDB relation has in any case: NULL, of the time's type.
const NO_COLUMN: &str = "lagrange_none";

/// The spans of the labels of a call.
pub struct LabelSpans {
    /// Entities and the time.
    pub order: EntityOrder,
    /// The relation, as it stands after FROM.
    relation: String,
    /// Its rows with a recorded end, real or NULL.
    source: String,
    /// The end of a row's label.
    end: String,
    /// The recorded end, where another was passed that must not be earlier.
    recorded: Option<String>,
    /// Whether there is a recorded end at all, where nothing else was passed.
    is_recorded: Option<String>,
    /// Whether the end is the time of a row of the relation.
    ends_at_row: bool,
    /// Whether an entity may have only one row of a time: where labels end at
    /// later rows, the order of the rows decides.
    unique: bool,
    function: &'static str,
    /// For messages: the argument that set the end, and its value.
    set_by: (&'static str, String),
}

impl LabelSpans {
    /// From the arguments; `purge` is false where labels are taken to end with
    /// their own rows.
    ///
    /// # Errors
    /// Both `horizon` and `label_end`, no single time column, or nothing that
    /// says where labels end.
    pub fn of(call: &Call<'_>, purge: bool) -> Result<Self> {
        let order = EntityOrder::of(call)?;
        let [time] = order.order.as_slice() else {
            let fix = "pass one column: labels end at a time";
            let given = call.literal("order_by");
            return Err(Error::argument(call.function(), "order_by", given, fix));
        };
        let horizon = match call.literal("horizon") {
            Literal::Null => None,
            _ => Some(call.integer("horizon", 1)?),
        };
        let label_end = call.columns("label_end")?;
        let relation = call.relation()?;
        let recorded = Recorded::of(call, &relation, time);
        let mut spans = Self {
            relation,
            source: recorded.source,
            end: time.clone(),
            recorded: None,
            is_recorded: None,
            ends_at_row: true,
            unique: horizon.is_some(),
            function: call.function(),
            set_by: ("horizon", call.literal("horizon").to_string()),
            order,
        };
        match (horizon, label_end) {
            (Some(_), Some(_)) => {
                let given = call.literal("label_end");
                let fix = "pass either horizon or label_end";
                return Err(Error::argument(spans.function, "label_end", given, fix));
            }
            (None, None) if !purge => {}
            _ if !purge => {
                let fix = "leave out horizon and label_end, which say what to purge";
                return Err(Error::argument(spans.function, "purge", "false", fix));
            }
            (Some(horizon), None) => {
                let time = &spans.order.order[0];
                spans.end = format!("lead({time}, {horizon}) OVER ({})", spans.order.window());
                spans.recorded = recorded.end;
            }
            (None, Some(columns)) => {
                let columns: Vec<String> = columns.iter().map(|name| quote_name(name)).collect();
                spans.end = match columns.as_slice() {
                    [one] => one.clone(),
                    many => format!("greatest({})", many.join(", ")),
                };
                spans.recorded = recorded.end;
                spans.ends_at_row = false;
                spans.set_by = ("label_end", call.literal("label_end").to_string());
            }
            (None, None) => {
                spans.end = recorded
                    .end
                    .ok_or_else(|| Error::data(spans.function, no_end()))?;
                spans.is_recorded = recorded.exists;
                spans.ends_at_row = false;
            }
        }
        Ok(spans)
    }

    /// The same where rows of one entity and time are an error in any case.
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// A query of the rows: `items`, then `lagrange_time` and `lagrange_end`.
    fn rows(&self, call: &Call<'_>, items: &[String]) -> String {
        let mut items = items.to_vec();
        items.push(format!("{} AS lagrange_time", self.order.order[0]));
        items.push(format!("{} AS lagrange_end", self.end));
        if let Some(recorded) = &self.recorded {
            items.push(format!("{recorded} AS lagrange_recorded"));
        }
        if let Some(exists) = &self.is_recorded {
            items.push(format!("{exists} AS lagrange_is_recorded"));
        }
        let tail = if self.unique {
            format!(" QUALIFY {}", self.order.check(call))
        } else {
            String::new()
        };
        format!("SELECT {} FROM {}{tail}", items.join(", "), self.source)
    }

    /// Common table expressions, of which `lagrange_positions` holds the rows
    /// with their labels as positions: `lagrange_start` counts the distinct
    /// times up to the row's, `lagrange_stop` those up to its label's end (0 if
    /// that is not known), `lagrange_reach` those up to the end and `embargo`
    /// after it, and `lagrange_part` is `part`. `lagrange_times` has the time of
    /// each position.
    pub fn positions(
        &self,
        call: &Call<'_>,
        kept: &[String],
        embargo: Option<&str>,
        part: &str,
    ) -> String {
        let rows = self.rows(call, kept);
        // Times are few next to rows: numbering them and joining is cheaper than
        // a rank over all rows.
        let times = format!(
            "SELECT lagrange_time, row_number() OVER (ORDER BY lagrange_time) AS lagrange_position FROM \
             (SELECT DISTINCT {} AS lagrange_time FROM {}) AS lagrange_distinct WHERE lagrange_time IS NOT NULL",
            self.order.order[0], self.relation,
        );
        let reach = embargo.map(|embargo| format!("lagrange_end + {embargo}"));
        let ends = self.ends(reach.as_deref());
        let (reach, reach_join) = match &reach {
            Some(reach) => (
                "lagrange_reaches.lagrange_position",
                format!(
                    " LEFT JOIN lagrange_ends AS lagrange_reaches ON lagrange_rows.{reach} = lagrange_reaches.lagrange_time"
                ),
            ),
            None => ("NULL", String::new()),
        };
        format!(
            "lagrange_rows AS ({rows}), lagrange_times AS ({times}), lagrange_ends AS ({ends}), \
             lagrange_positions AS (\
             SELECT lagrange_rows.*, lagrange_times.lagrange_position AS lagrange_start, \
             coalesce(lagrange_stops.lagrange_position, 0) AS lagrange_stop, \
             CAST({reach} AS BIGINT) AS lagrange_reach, CAST({part} AS BIGINT) AS lagrange_part \
             FROM lagrange_rows \
             LEFT JOIN lagrange_times ON lagrange_rows.lagrange_time = lagrange_times.lagrange_time \
             LEFT JOIN lagrange_ends AS lagrange_stops ON lagrange_rows.lagrange_end = lagrange_stops.lagrange_time\
             {reach_join} WHERE {})",
            self.check(),
        )
    }

    /// How many distinct times are not after each end of a label (and of an
    /// embargo). A label may end between the times of the relation.
    fn ends(&self, reach: Option<&str>) -> String {
        if self.ends_at_row && reach.is_none() {
            return "SELECT lagrange_time, lagrange_position FROM lagrange_times".to_owned();
        }
        let label = (!self.ends_at_row).then_some("lagrange_end");
        let others: Vec<String> = label
            .into_iter()
            .chain(reach)
            .map(|end| format!(" UNION ALL SELECT DISTINCT {end}, NULL FROM lagrange_rows"))
            .collect();
        format!(
            "SELECT lagrange_time, max(lagrange_position) AS lagrange_position FROM (\
             SELECT lagrange_time, max(lagrange_position) OVER (ORDER BY lagrange_time) AS lagrange_position FROM (\
             SELECT lagrange_time, lagrange_position FROM lagrange_times{}) AS lagrange_events \
             WHERE lagrange_time IS NOT NULL) AS lagrange_reached GROUP BY lagrange_time",
            others.concat()
        )
    }

    /// The columns that [`Self::positions`] adds.
    pub fn added(&self) -> Vec<&'static str> {
        let mut names = vec![
            "lagrange_time",
            "lagrange_end",
            "lagrange_start",
            "lagrange_stop",
            "lagrange_reach",
            "lagrange_part",
        ];
        names.extend(self.recorded.as_ref().map(|_| "lagrange_recorded"));
        names.extend(self.is_recorded.as_ref().map(|_| "lagrange_is_recorded"));
        names
    }

    /// Every column of the relation, to be kept.
    pub fn star(&self, call: &Call<'_>) -> String {
        match call.target() {
            Target::DuckDb => format!("* EXCLUDE ({NO_COLUMN})"),
            Target::DataFusion(_) => "*".to_owned(),
        }
    }

    /// A condition on the rows that is always true and fails the query
    /// where a time is missing, a label ends before its row, or the labels that
    /// the relation records end later than those of the call.
    fn check(&self) -> String {
        let function = self.function;
        let at = "coalesce(CAST(lagrange_rows.lagrange_time AS VARCHAR), 'NULL')";
        let mut cases = vec![format!(
            "WHEN lagrange_rows.lagrange_time IS NULL THEN {}",
            quote_text(&format!(
                "{function}: a row has no order_by value; filter those rows out"
            ))
        )];
        if self.is_recorded.is_some() {
            cases.push(format!(
                "WHEN NOT lagrange_is_recorded THEN {}",
                quote_text(&format!("{function}: {}", no_end()))
            ));
        }
        cases.push(format!(
            "WHEN lagrange_end < lagrange_rows.lagrange_time THEN {} || {at} || ' ends at ' || CAST(lagrange_end AS VARCHAR) \
             || '); a label ends no earlier than its row'",
            quote_text(&format!(
                "{function}: a label ends before it starts (that of the row at "
            ))
        ));
        if self.recorded.is_some() {
            let (argument, value) = &self.set_by;
            let before = format!(
                "{function}: argument '{argument}' is {value}; the labels of the relation end later, its column \
                 {TARGET_TIME} or {TARGET_END} says (the row at "
            );
            cases.push(format!(
                "WHEN lagrange_recorded > lagrange_end THEN {} || {at} || ' has its target at ' || \
                 CAST(lagrange_recorded AS VARCHAR) || '), and purging less would leak: leave the argument out'",
                quote_text(&before)
            ));
        }
        format!("lagrange_fail(CASE {} END) IS NULL", cases.join(" "))
    }
}

fn no_end() -> String {
    format!(
        "nothing says where labels end: pass horizon or label_end, or a relation with the column {TARGET_TIME} or \
         {TARGET_END} that shift_target and prepare_training_data write"
    )
}

/// The end that the relation records.
struct Recorded {
    source: String,
    end: Option<String>,
    exists: Option<String>,
}

impl Recorded {
    fn of(call: &Call<'_>, relation: &str, time: &str) -> Self {
        match call.target() {
            Target::DataFusion(columns) => {
                let known: Vec<String> = columns
                    .iter()
                    .filter(|column| [TARGET_TIME, TARGET_END].contains(&column.name.as_str()))
                    .map(|column| quote_name(&column.name))
                    .collect();
                Self {
                    source: relation.to_owned(),
                    end: (!known.is_empty()).then(|| format!("greatest({})", known.join(", "))),
                    exists: None,
                }
            }
            // DuckDB expands the columns later. A column more is there whether or
            // not the relation records an end.
            Target::DuckDb => {
                let columns = format!(
                    "*COLUMNS(lambda c: lower(c) IN ('{TARGET_TIME}', '{TARGET_END}', '{NO_COLUMN}'))"
                );
                Self {
                    source: format!(
                        "(SELECT *, CASE WHEN false THEN {time} END AS {NO_COLUMN} FROM {relation}) AS lagrange_source"
                    ),
                    end: Some(format!("greatest({columns})")),
                    exists: Some(format!("len([{columns}]) > 1")),
                }
            }
        }
    }
}
