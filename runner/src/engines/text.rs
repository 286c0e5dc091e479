//! Syntax trees back to SQL.

use std::ops::ControlFlow;

use sqlparser::ast::{Value, ValueWithSpan, VisitMut, VisitorMut};

/// The tree as SQL text.
///
/// The parser's own printer takes two quotes in a row, and a quote after a
/// backslash, for escaped ones and leaves them alone, so a text such as `\'`
/// would end early. Doubled beforehand, every quote comes out doubled.
pub fn sql<T: VisitMut + Clone + std::fmt::Display>(tree: &T) -> String {
    let mut tree = tree.clone();
    let ControlFlow::Continue(()) = tree.visit(&mut DoubleQuotes);
    tree.to_string()
}

struct DoubleQuotes;

impl VisitorMut for DoubleQuotes {
    type Break = std::convert::Infallible;

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<Self::Break> {
        if let Value::SingleQuotedString(text) = &mut value.value
            && text.contains('\'')
        {
            *text = text.replace('\'', "''");
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse_query;

    #[test]
    fn every_quote_survives() {
        for text in [
            "it''s",
            "''''",
            "a''''b",
            r"\''",
            r"\''; DROP TABLE t; --",
            "",
        ] {
            let query = format!("SELECT '{text}' AS a");
            assert_eq!(sql(&parse_query(&query).unwrap()), query);
        }
    }
}
