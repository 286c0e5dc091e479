//! Tests of a script: comments above a statement that say what it must return.
//!
//! ```text
//! -- expect: no rows
//! -- expect: rows
//! -- expect: 50 rows
//! -- expect: rows >= 10                 also <=, <, >, =, <>
//! -- expect(warn): no rows AS 'each bar is there once'
//! -- severity: warn                     for every test of the statement
//! ```

use std::fmt;

use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Whitespace};

/// What a failed test does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Severity {
    /// It is said.
    Warn,
    /// Nothing later runs, and the run fails.
    #[default]
    Error,
}

impl Severity {
    /// As it is written in scripts and in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    fn find(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "warn" => Ok(Self::Warn),
            "error" => Ok(Self::Error),
            other => Err(format!("the severity is warn or error, not '{other}'")),
        }
    }
}

/// How the number of rows is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Other,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// How many rows a statement must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowTest {
    comparison: Comparison,
    count: u64,
}

impl RowTest {
    /// Whether so many rows are right.
    pub fn holds(self, rows: u64) -> bool {
        match self.comparison {
            Comparison::Equal => rows == self.count,
            Comparison::Other => rows != self.count,
            Comparison::Less => rows < self.count,
            Comparison::AtMost => rows <= self.count,
            Comparison::More => rows > self.count,
            Comparison::AtLeast => rows >= self.count,
        }
    }

    /// Whether the rows that are there are the ones that should not be.
    pub fn is_about_too_many(self) -> bool {
        matches!(
            self.comparison,
            Comparison::Equal | Comparison::Less | Comparison::AtMost
        )
    }
}

impl fmt::Display for RowTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match (self.comparison, self.count) {
            (Comparison::Equal, 0) => return write!(f, "no rows"),
            (Comparison::AtLeast, 1) => return write!(f, "rows"),
            (Comparison::Equal, 1) => return write!(f, "1 row"),
            (Comparison::Equal, count) => return write!(f, "{count} rows"),
            (Comparison::Other, _) => "<>",
            (Comparison::Less, _) => "<",
            (Comparison::AtMost, _) => "<=",
            (Comparison::More, _) => ">",
            (Comparison::AtLeast, _) => ">=",
        };
        write!(f, "rows {sign} {}", self.count)
    }
}

/// A comment test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// What must hold.
    pub test: RowTest,
    /// What a failure does.
    pub severity: Severity,
    /// What it means, in the words of the script.
    pub message: Option<String>,
    /// Where the comment stands.
    pub start: Location,
}

/// What the comments above a statement ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectations {
    /// The comment tests, in order.
    pub tests: Vec<Expectation>,
    /// `-- severity: ...`, which an assertion has, too.
    pub severity: Option<Severity>,
}

/// Something wrong with a comment: what, and where.
pub type Wrong = (String, Location);

/// What to write instead.
pub const GRAMMAR: &str = "write '-- expect: no rows', '-- expect: rows', '-- expect: 50 rows', \
                           '-- expect: rows >= 10' or '-- expect(warn): ... AS 'message'', on a \
                           line of its own above the statement";

/// Reads the comments of one statement: the tokens from the last semicolon to the
/// next. `first`: the file begins with them.
pub fn of(tokens: &[TokenWithSpan], first: bool) -> Result<Expectations, Wrong> {
    let mut found = Expectations::default();
    let mut own_line = first;
    let mut before = true;
    for token in tokens {
        match &token.token {
            Token::Whitespace(Whitespace::Newline) => own_line = true,
            Token::Whitespace(Whitespace::SingleLineComment { comment, .. }) => {
                let at = token.span.start;
                if let Some(line) = line(comment).map_err(|message| (message, at))? {
                    if !own_line || !before {
                        let message = "a test stands on a line of its own above its statement";
                        return Err((message.to_owned(), at));
                    }
                    found.add(line, at)?;
                }
                // The comment ends with its line.
                own_line = true;
            }
            Token::Whitespace(_) => {}
            _ => before = false,
        }
    }
    if let (true, Some(test)) = (before, found.tests.first()) {
        return Err((
            "there is no statement below this test".to_owned(),
            test.start,
        ));
    }
    if let Some(severity) = found.severity {
        for test in &mut found.tests {
            test.severity = severity;
        }
    }
    Ok(found)
}

impl Expectations {
    /// All that they ask for, wherever they stand.
    pub fn canonical(&self) -> String {
        let tests = self.tests.iter().map(|test| {
            let message = test.message.as_deref().unwrap_or_default();
            format!("{} {} {message}\n", test.test, test.severity.name())
        });
        let severity = self.severity.map_or("", Severity::name);
        tests.chain([severity.to_owned()]).collect()
    }

    fn add(&mut self, line: Line, start: Location) -> Result<(), Wrong> {
        match line {
            Line::Severity(_) if self.severity.is_some() => {
                return Err(("the severity is given twice".to_owned(), start));
            }
            Line::Severity(severity) => self.severity = Some(severity),
            Line::Expect {
                severity,
                test,
                message,
            } => self.tests.push(Expectation {
                test,
                severity,
                message,
                start,
            }),
        }
        Ok(())
    }
}

enum Line {
    Severity(Severity),
    Expect {
        severity: Severity,
        test: RowTest,
        message: Option<String>,
    },
}

/// A comment, if it is one for us.
fn line(comment: &str) -> Result<Option<Line>, String> {
    let comment = comment.trim();
    if let Some(rest) = after(comment, "severity") {
        return match rest.strip_prefix(':') {
            Some(severity) => Severity::find(severity).map(Line::Severity).map(Some),
            None => Ok(None),
        };
    }
    let Some(rest) = after(comment, "expect") else {
        return Ok(None);
    };
    let (severity, rest) = match rest.strip_prefix('(') {
        Some(rest) => {
            let Some((severity, rest)) = rest.split_once(')') else {
                return Ok(None);
            };
            (Some(severity), rest.trim_start())
        }
        None => (None, rest),
    };
    let Some(rest) = rest.strip_prefix(':') else {
        // A sentence that begins with this word.
        return Ok(None);
    };
    let severity = severity.map_or(Ok(Severity::default()), Severity::find)?;
    let (test, message) = split_message(rest.trim())?;
    let test = row_test(test).ok_or_else(|| format!("'{test}' is not a test"))?;
    Ok(Some(Line::Expect {
        severity,
        test,
        message,
    }))
}

/// What follows a word at the beginning.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let start = text.get(..word.len())?;
    start
        .eq_ignore_ascii_case(word)
        .then(|| text[word.len()..].trim_start())
}

/// Takes `AS 'message'` off the end.
fn split_message(text: &str) -> Result<(&str, Option<String>), String> {
    let Some(quote) = text.find('\'') else {
        return Ok((text, None));
    };
    let wrong = || "the message is text in single quotes after AS".to_owned();
    let test = text[..quote].trim_end();
    let cut = test.len().checked_sub(2).ok_or_else(wrong)?;
    let keyword = test.get(cut..).ok_or_else(wrong)?;
    let message = text[quote + 1..].strip_suffix('\'').ok_or_else(wrong)?;
    if !keyword.eq_ignore_ascii_case("as") || message.replace("''", "").contains('\'') {
        return Err(wrong());
    }
    Ok((test[..cut].trim_end(), Some(message.replace("''", "'"))))
}

fn row_test(text: &str) -> Option<RowTest> {
    let new = |comparison, count| Some(RowTest { comparison, count });
    let text = text.to_ascii_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["no", "rows"] => return new(Comparison::Equal, 0),
        ["rows"] => return new(Comparison::AtLeast, 1),
        [count, "row" | "rows"] if count.starts_with(|c: char| c.is_ascii_digit()) => {
            return new(Comparison::Equal, number(count)?);
        }
        _ => {}
    }
    let text = text.strip_prefix("n ").unwrap_or(&text).trim_start();
    let rest = text.strip_prefix("rows")?.trim_start();
    let signs = [
        (">=", Comparison::AtLeast),
        ("<=", Comparison::AtMost),
        ("<>", Comparison::Other),
        ("!=", Comparison::Other),
        ("==", Comparison::Equal),
        ("=", Comparison::Equal),
        ("<", Comparison::Less),
        (">", Comparison::More),
    ];
    signs
        .into_iter()
        .find_map(|(sign, comparison)| Some((comparison, rest.strip_prefix(sign)?)))
        .and_then(|(comparison, count)| new(comparison, number(count.trim())?))
}

/// `10000`, `10_000` or `10,000`.
fn number(text: &str) -> Option<u64> {
    text.replace(['_', ','], "").parse().ok()
}

#[cfg(test)]
mod tests {
    use sqlparser::tokenizer::Tokenizer;

    use super::*;
    use crate::script::ScriptDialect;

    fn read(text: &str) -> Result<Expectations, Wrong> {
        let mut tokens = Vec::new();
        Tokenizer::new(&ScriptDialect, text)
            .tokenize_with_location_into_buf(&mut tokens)
            .unwrap();
        of(&tokens, true)
    }

    #[test]
    fn the_grammar() {
        for (text, shown, good, bad) in [
            ("no rows", "no rows", 0, 1),
            ("ROWS", "rows", 1, 0),
            ("50 rows", "50 rows", 50, 49),
            ("1 row", "1 row", 1, 2),
            ("rows >= 1,000", "rows >= 1000", 1000, 999),
            ("n rows>=10", "rows >= 10", 10, 9),
            ("rows < 5", "rows < 5", 4, 5),
            ("rows <> 0", "rows <> 0", 1, 0),
            ("rows = 3", "3 rows", 3, 4),
        ] {
            let found = read(&format!("-- expect: {text}\nSELECT 1")).unwrap();
            let test = found.tests[0].test;
            assert_eq!(test.to_string(), shown);
            assert!(test.holds(good) && !test.holds(bad), "{text}");
        }
    }

    #[test]
    fn severities_and_messages() {
        let found = read(
            "-- expect(warn): no rows AS 'it''s once'\n-- expect: rows\nSELECT 1 -- expect nothing",
        )
        .unwrap();
        let told: Vec<_> = found
            .tests
            .iter()
            .map(|test| (test.severity, test.message.as_deref()))
            .collect();
        assert_eq!(
            told,
            [(Severity::Warn, Some("it's once")), (Severity::Error, None)]
        );
        let found = read("-- severity: warn\n\n-- why\n-- expect: rows\nSELECT 1").unwrap();
        assert_eq!(found.tests[0].severity, Severity::Warn);
        assert_eq!(
            read("-- expect a lot: rows\nSELECT 1"),
            Ok(Expectations::default())
        );
    }

    #[test]
    fn a_test_that_would_not_be_run_is_an_error() {
        for text in [
            "SELECT 1 -- expect: rows",
            "SELECT 1; -- expect: rows\nSELECT 2",
            "-- expect: many rows\nSELECT 1",
            "-- expect: no rows 'message'\nSELECT 1",
            "-- expect(fatal): no rows\nSELECT 1",
            "-- expect: rows",
            "-- severity: loud\nSELECT 1",
        ] {
            let mut wrong = false;
            let mut tokens = Vec::new();
            Tokenizer::new(&ScriptDialect, text)
                .tokenize_with_location_into_buf(&mut tokens)
                .unwrap();
            for (i, piece) in tokens
                .split_inclusive(|token| token.token == Token::SemiColon)
                .enumerate()
            {
                wrong |= of(piece, i == 0).is_err();
            }
            assert!(wrong, "{text}");
        }
    }
}
