//! Which columns of a relation are its features, by name or by pattern, and the
//! SQL that passes them to an aggregate. Shared by the functions that look at
//! many features at once.

use super::feature_correlation::struct_of;
use super::gather::no_feature;
use crate::call::{Call, Target, quote_name, quote_text};
use crate::definition::{Argument, Kind};
use crate::error::{Error, Result};

/// `features`.
pub const FEATURES: Argument = Argument::optional(
    "features",
    Kind::ColumnPatterns,
    "NULL",
    "the features, as names or patterns in which * stands for any characters and ? for one; \
     NULL: every numeric column that is no target and no key (`target` and `target_*` hold the future: \
     no pattern finds them)",
);

/// `exclude`.
pub const EXCLUDE: Argument = Argument::optional(
    "exclude",
    Kind::ColumnPatterns,
    "NULL",
    "columns that are no features, as names or patterns",
);

/// What no pattern finds: columns that hold the future, as shift_target and
/// prepare_training_data name them.
const TARGETS: [&str; 2] = ["target", "target_*"];

/// What [`prepare_training_data`](super::prepare_training_data) turns into
/// targets.
const PATTERN_FEATURES: &str = "base_w*";

/// The features of a call and how SQL passes them.
pub struct FeatureRows {
    /// The features as a struct, of rows that [`Self::rows`] selects under the
    /// alias `lagrange_rows`.
    pub features: String,
    /// The option `non_numeric` that fits how the features were chosen: columns
    /// that were named must be numbers, others are taken if they are.
    pub non_numeric: &'static str,
    relation: String,
    columns: String,
}

impl FeatureRows {
    /// From the arguments `features` and `exclude`; `others` are columns that
    /// are never features: targets, times, entities.
    pub fn of(call: &Call<'_>, others: &[String]) -> Result<Self> {
        Self::without(call, others, &[])
    }

    /// As [`Self::of`], for what looks at the inputs of a model.
    ///
    /// # Errors
    /// The name of a pattern feature.
    pub fn of_model(call: &Call<'_>, others: &[String]) -> Result<Self> {
        let named = call.patterns("features")?.unwrap_or_default();
        let is_pattern_feature = |name: &&String| !is_pattern(name) && like(PATTERN_FEATURES, name);
        if let Some(name) = named.iter().find(is_pattern_feature) {
            let fix = "pattern features (base_w*) become targets and are never inputs of a model; leave it out";
            let name = quote_text(name);
            return Err(Error::argument(call.function(), "features", name, fix));
        }
        Self::without(call, others, &[PATTERN_FEATURES])
    }

    /// As [`Self::of`]; columns that match `never` are features only if each
    /// feature is named.
    pub fn without(call: &Call<'_>, others: &[String], never: &[&str]) -> Result<Self> {
        let relation = call.relation()?;
        let wanted = call.patterns("features")?;
        let mut unwanted = call.patterns("exclude")?.unwrap_or_default();
        let named = wanted
            .as_ref()
            .filter(|wanted| unwanted.is_empty() && !wanted.iter().any(|name| is_pattern(name)));
        unwanted.extend(never.iter().map(|pattern| (*pattern).to_owned()));
        let listed = match (named, call.target()) {
            (Some(names), _) => names.clone(),
            (None, Target::DataFusion(columns)) => {
                let is_feature = |name: &str| {
                    let matches = |patterns: &[String]| patterns.iter().any(|p| like(p, name));
                    let by_name = wanted.as_ref().is_some_and(|wanted| {
                        wanted.iter().any(|known| known.eq_ignore_ascii_case(name))
                    });
                    wanted.as_ref().is_none_or(|wanted| matches(wanted))
                        && (by_name || !TARGETS.iter().any(|pattern| like(pattern, name)))
                        && !matches(&unwanted)
                        && !others.iter().any(|other| other == name)
                };
                columns
                    .iter()
                    .filter(|column| column.numeric && is_feature(&column.name))
                    .map(|column| column.name.clone())
                    .collect()
            }
            // DuckDB expands the columns itself, and a row is a struct.
            (None, Target::DuckDb) => {
                return Ok(Self {
                    features: "lagrange_rows".to_owned(),
                    non_numeric: "skip",
                    relation,
                    columns: columns_expression(wanted.as_deref(), &unwanted, others),
                });
            }
        };
        if listed.is_empty() {
            return Err(no_feature(call.function()));
        }
        let columns: Vec<String> = listed.iter().map(|name| quote_name(name)).collect();
        Ok(Self {
            features: struct_of(&listed),
            non_numeric: if named.is_some() { "error" } else { "skip" },
            relation,
            columns: columns.join(", "),
        })
    }

    /// The columns, as they stand in a select list; none where there is none.
    pub fn columns(&self) -> Option<&str> {
        (!self.columns.is_empty()).then_some(&self.columns)
    }

    /// A query of the features and of `beside`, pairs of an expression and its
    /// name, which begins with `lagrange_`. `tail` follows the relation: WHERE,
    /// WINDOW, QUALIFY.
    pub fn rows(&self, beside: &[(&str, &str)], tail: &str) -> String {
        self.rows_of(&self.relation, beside, tail)
    }

    /// The same of another relation that has these columns.
    pub fn rows_of(&self, relation: &str, beside: &[(&str, &str)], tail: &str) -> String {
        let beside = beside.iter().map(|(sql, name)| format!("{sql} AS {name}"));
        let items: Vec<String> = std::iter::once(self.columns.clone())
            .filter(|columns| !columns.is_empty())
            .chain(beside)
            .collect();
        let items = if items.is_empty() {
            "1 AS lagrange_none".to_owned()
        } else {
            items.join(", ")
        };
        format!("SELECT {items} FROM {relation} {tail}")
    }
}

/// A query that makes a table of `call`, an aggregate that returns rows with
/// these fields, over `from`.
pub fn unnested(fields: &[&str], call: &str, from: &str) -> String {
    let items: Vec<String> = fields
        .iter()
        .map(|field| format!("lagrange_row['{field}'] AS {}", quote_name(field)))
        .collect();
    format!(
        "SELECT {} FROM (SELECT unnest({call}) AS lagrange_row FROM {from})",
        items.join(", ")
    )
}

fn columns_expression(wanted: Option<&[String]>, unwanted: &[String], others: &[String]) -> String {
    let matches = |pattern: &str| {
        let pattern = glob(&pattern.to_lowercase());
        format!("lower(c) GLOB {}", quote_text(&pattern))
    };
    let any = |patterns: &[String]| {
        let tests: Vec<String> = patterns.iter().map(|pattern| matches(pattern)).collect();
        format!("({})", tests.join(" OR "))
    };
    let wanted = wanted.unwrap_or_default();
    let named: Vec<String> = wanted
        .iter()
        .filter(|name| !is_pattern(name))
        .cloned()
        .collect();
    let targets: Vec<String> = TARGETS.iter().map(|&pattern| pattern.to_owned()).collect();
    let mut conditions = vec![format!("NOT {}", any(&targets))];
    if !named.is_empty() {
        conditions[0] = format!("({} OR {})", conditions[0], any(&named));
    }
    if !wanted.is_empty() {
        conditions.push(any(wanted));
    }
    if !unwanted.is_empty() {
        conditions.push(format!("NOT {}", any(unwanted)));
    }
    if !others.is_empty() {
        conditions.push(format!("NOT {}", any(others)));
    }
    format!("COLUMNS(lambda c: {})", conditions.join(" AND "))
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// The pattern as DuckDB's GLOB, where brackets mean a set.
fn glob(pattern: &str) -> String {
    pattern.replace('[', "[[]")
}

/// Whether `name` matches the pattern, in any case.
fn like(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    // Where the last star stood, and how much of the name it has taken.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, n));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((at, taken)) = star {
            (p, n) = (at + 1, taken + 1);
            star = Some((at, taken + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn patterns_match_whole_names() {
        assert!(like("*", "x"));
        assert!(like("mom_*", "MOM_5"));
        assert!(like("*_lag?", "x_lag1_lag3"));
        assert!(like("a*b*c", "a_b_b_c"));
        assert!(!like("mom", "mom_5"));
        assert!(!like("?", ""));
        assert!(!like("a*b", "a_c"));
    }
}
