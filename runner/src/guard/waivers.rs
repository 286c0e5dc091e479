//! What comments tell the check: waivers, times and entities.
//!
//! ```sql
//! -- lagrange: allow(LA001) the label of a study, never a feature
//! -- lagrange: time known_since
//! -- lagrange: entity account
//! ```

use super::lineage::Site;
use super::rules::Rule;

/// A waiver.
#[derive(Debug, Clone)]
pub(super) struct Waiver {
    /// The rule, if it is one.
    pub rule: Option<Rule>,
    /// What was written as the rule.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Where the comment stands.
    pub line: u64,
    pub column: u64,
    /// The lines that it waives.
    pub lines: (u64, u64),
    pub used: bool,
}

/// The comments of a file that speak to the check.
#[derive(Debug, Default)]
pub(super) struct Comments {
    pub waivers: Vec<Waiver>,
    pub times: Vec<String>,
    pub entities: Vec<String>,
}

impl Comments {
    /// Reads them.
    pub fn of(text: &str) -> Self {
        let mut comments = Self::default();
        let lines: Vec<&str> = text.lines().collect();
        for (i, line) in lines.iter().enumerate() {
            let Some((code, comment)) = line.split_once("--") else {
                continue;
            };
            let Some(order) = comment.trim().strip_prefix("lagrange:") else {
                continue;
            };
            let order = order.trim();
            let number = i as u64 + 1;
            let column = code.chars().count() as u64 + 1;
            if let Some(rest) = order.strip_prefix("time ") {
                comments.times.extend(names(rest));
            } else if let Some(rest) = order.strip_prefix("entity ") {
                comments.entities.extend(names(rest));
            } else if let Some(rest) = order.strip_prefix("allow") {
                let rest = rest.trim();
                let (name, reason) = match rest.strip_prefix('(').and_then(|r| r.split_once(')')) {
                    Some((name, reason)) => (name, reason),
                    None => rest.split_once(' ').unwrap_or((rest, "")),
                };
                // On a line of its own it speaks of the next line with SQL.
                let alone = code.trim().is_empty();
                let last = if alone {
                    lines[i + 1..]
                        .iter()
                        .position(|next| {
                            let next = next.trim();
                            !next.is_empty() && !next.starts_with("--")
                        })
                        .map_or(number, |skipped| number + 1 + skipped as u64)
                } else {
                    number
                };
                for name in name.split(',') {
                    comments.waivers.push(Waiver {
                        rule: Rule::find(name),
                        name: name.trim().to_owned(),
                        reason: reason.trim_start_matches([':', '-', ' ']).trim().to_owned(),
                        line: number,
                        column,
                        lines: (number, last),
                        used: false,
                    });
                }
            }
        }
        comments
    }
}

impl Waiver {
    /// Whether it waives a finding of the rule at the place.
    pub fn covers(&self, rule: Rule, site: &Site) -> bool {
        self.rule == Some(rule)
            && !self.reason.is_empty()
            && site.line <= self.lines.1
            && site.end_line.max(site.line) >= self.lines.0
    }
}

fn names(text: &str) -> Vec<String> {
    text.split([',', ' '])
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect()
}
