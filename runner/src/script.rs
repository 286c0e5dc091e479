//! A training script: one text, parsed into statements that know where they
//! stand, and the parameters that it declares.

mod dialect;
mod expect;

use std::path::Path;
use std::sync::Arc;

use sqlparser::ast::{
    Expr, ObjectName, ObjectType, Query, SetExpr, Statement, TableObject, Value as Literal,
};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};

pub use dialect::ScriptDialect;
pub use expect::{Expectations, Severity};

use crate::error::{Error, Place, Result};
use crate::parameters::{ParameterType, Value};

/// How deep expressions may nest.
const RECURSION_LIMIT: usize = 256;
/// How deep files may include each other.
const INCLUDE_LIMIT: usize = 8;
/// How many lines of a statement an error shows.
const EXCERPT_LINES: usize = 6;

/// A script, parsed.
#[derive(Debug)]
pub struct Script {
    /// Its text, and the name that the user gave it.
    pub source: Arc<Source>,
    /// Its parameters, from the leading `DECLARE name TYPE [DEFAULT value];`.
    pub declarations: Vec<Declaration>,
    /// Its statements in order.
    pub statements: Vec<Parsed>,
    /// Every file that was read, this one first.
    pub files: Vec<Arc<Source>>,
}

/// The text of a script.
#[derive(Debug)]
pub struct Source {
    /// The file as the user named it.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// A statement and where it stands.
#[derive(Debug)]
pub struct Parsed {
    /// The file: the script, or one that it includes.
    pub source: Arc<Source>,
    /// The syntax tree.
    pub statement: Statement,
    /// Where it starts.
    pub start: Location,
    /// As it is written, without the semicolon.
    pub text: String,
    /// What the comments above it ask for.
    pub expectations: Expectations,
}

/// `DECLARE name TYPE [DEFAULT value]`, as BigQuery writes it.
#[derive(Debug)]
pub struct Declaration {
    /// The name, without the dollar sign.
    pub name: String,
    /// The type that every value must have.
    pub kind: ParameterType,
    /// The value if none is given.
    pub default: Option<Value>,
    /// Where the name stands.
    pub start: Location,
}

impl Source {
    /// A place in this file.
    pub fn place(&self, at: Location) -> Place {
        Place {
            file: self.file.clone(),
            line: at.line.max(1),
            column: at.column.max(1),
        }
    }

    /// Completes `error` with the place and the line, marked with a caret.
    pub fn locate(&self, error: Box<Error>, at: Location) -> Box<Error> {
        error.at(self.place(at)).excerpt(self.caret(at))
    }

    /// The line of `at`, marked with a caret.
    fn caret(&self, at: Location) -> String {
        const BEFORE: usize = 80;
        const WIDTH: usize = 110;
        let line = at.line.max(1) as usize;
        let column = at.column.max(1) as usize - 1;
        let text = self.text.lines().nth(line - 1).unwrap_or_default();
        let skipped = column.saturating_sub(BEFORE);
        let shown: String = text
            .chars()
            .skip(skipped)
            .take(WIDTH)
            .map(|c| if c == '\t' { ' ' } else { c })
            .collect();
        let margin = line.to_string().len();
        format!(
            "{:margin$} |\n{line} | {}\n{:margin$} | {:>caret$}",
            "",
            shown.trim_end(),
            "",
            "^",
            caret = column - skipped + 1
        )
    }

    /// The first lines of a statement, with line numbers.
    pub fn lines(&self, start: Location, statement: &str) -> String {
        let first = start.line.max(1) as usize;
        let count = statement.lines().count().max(1);
        let shown = if count > EXCERPT_LINES {
            EXCERPT_LINES - 1
        } else {
            count
        };
        let margin = (first + shown).to_string().len();
        let mut lines: Vec<String> = self
            .text
            .lines()
            .enumerate()
            .skip(first - 1)
            .take(shown)
            .map(|(i, line)| format!("{:>margin$} | {}", i + 1, line.trim_end()))
            .collect();
        if count > shown {
            let more = count - shown;
            lines.push(format!("{:margin$} | ... {more} more lines", ""));
        }
        lines.join("\n")
    }
}

impl Source {
    /// From a comment above a statement to the first lines of it, with line numbers.
    pub fn between(&self, comment: Location, start: Location, statement: &str) -> String {
        let above = start.line.saturating_sub(comment.line);
        if above == 0 || above >= EXCERPT_LINES as u64 {
            return self.lines(start, statement);
        }
        let lines = usize::try_from(above).unwrap_or_default() + statement.lines().count();
        // Only the number of lines counts.
        self.lines(comment, &"\n".repeat(lines))
    }
}

/// Reads and parses a script.
///
/// # Errors
/// A file that cannot be read or is not UTF-8, and syntax errors with place.
pub fn read(file: &str) -> Result<Script> {
    parse(file, text_of(file)?)
}

/// The first statement of a file that cannot be read, if it is one of SQL.
pub fn unreadable(file: &str) -> Option<String> {
    let source = Source {
        file: file.to_owned(),
        text: text_of(file).ok()?,
    };
    let mut tokens = Vec::new();
    Tokenizer::new(&ScriptDialect, &source.text)
        .tokenize_with_location_into_buf(&mut tokens)
        .ok()?;
    let offsets = Offsets::new(&source.text);
    tokens
        .split_inclusive(|token| token.token == Token::SemiColon)
        .filter_map(Piece::new)
        .filter(|piece| !piece.is_preamble())
        .find(|piece| piece.statement(&source).is_err())
        .map(|piece| source.text[offsets.at(piece.start)..offsets.at(piece.end)].to_owned())
}

fn text_of(file: &str) -> Result<String> {
    let bytes = std::fs::read(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::usage(format!("script not found: {file}")),
        _ => Error::usage(format!("cannot read script {file}: {error}")),
    })?;
    String::from_utf8(bytes).map_err(|_| Error::usage(format!("script {file} is not UTF-8 text")))
}

/// Parses the text of a script, and the files that it includes.
///
/// # Errors
/// See [`read`].
pub fn parse(file: &str, text: String) -> Result<Script> {
    let source = Arc::new(Source {
        file: file.to_owned(),
        text,
    });
    let mut script = Script {
        source: Arc::clone(&source),
        declarations: Vec::new(),
        statements: Vec::new(),
        files: Vec::new(),
    };
    script.add(source, 0)?;
    if script.statements.is_empty() {
        return Err(Error::usage(format!("script {file} has no statements")));
    }
    Ok(script)
}

impl Script {
    /// Adds what stands in `source`, which is included `depth` files deep.
    fn add(&mut self, source: Arc<Source>, depth: usize) -> Result<()> {
        self.files.push(Arc::clone(&source));
        let mut tokens = Vec::new();
        Tokenizer::new(&ScriptDialect, &source.text)
            .tokenize_with_location_into_buf(&mut tokens)
            .map_err(|error| source.locate(Error::usage(error.message), error.location))?;
        let offsets = Offsets::new(&source.text);
        let pieces = tokens.split_inclusive(|token| token.token == Token::SemiColon);
        for (i, tokens) in pieces.enumerate() {
            let expectations = expect::of(tokens, i == 0).map_err(|(message, at)| {
                source.locate(Error::usage(message).hint(expect::GRAMMAR), at)
            })?;
            let Some(piece) = Piece::new(tokens) else {
                continue;
            };
            if let (true, Some(test)) = (piece.is_preamble(), expectations.tests.first()) {
                let error = Error::usage("DECLARE and INCLUDE return no rows to test");
                return Err(source.locate(error.hint(expect::GRAMMAR), test.start));
            }
            if piece.starts_with(Keyword::DECLARE) {
                self.declare(&piece, &source, depth)?;
            } else if piece.starts_with(Keyword::INCLUDE) {
                self.include(&piece, &source, depth)?;
            } else {
                self.statements.push(Parsed {
                    statement: piece.statement(&source)?,
                    start: piece.start,
                    text: source.text[offsets.at(piece.start)..offsets.at(piece.end)].to_owned(),
                    source: Arc::clone(&source),
                    expectations,
                });
            }
        }
        Ok(())
    }

    fn declare(&mut self, piece: &Piece, source: &Source, depth: usize) -> Result<()> {
        let declaration = piece.declaration(source)?;
        if depth > 0 {
            let hint = format!("declare '{}' in {}", declaration.name, self.source.file);
            let error = Error::usage("an included file declares no parameters").hint(hint);
            return Err(source.locate(error, piece.start));
        }
        if !self.statements.is_empty() {
            let error = Error::usage("DECLARE must stand before the first statement");
            return Err(source.locate(error, piece.start));
        }
        if self.declarations.iter().any(|d| d.name == declaration.name) {
            let error = Error::usage(format!("'{}' is declared twice", declaration.name));
            return Err(source.locate(error, declaration.start));
        }
        self.declarations.push(declaration);
        Ok(())
    }

    /// `INCLUDE 'file';`: the statements of a file, which may use the parameters
    /// of this script. Its path is relative to the file that includes it.
    fn include(&mut self, piece: &Piece, source: &Source, depth: usize) -> Result<()> {
        let path = piece.included(source)?;
        let file = Path::new(&source.file).with_file_name(path);
        let file = file.to_string_lossy().into_owned();
        if depth == INCLUDE_LIMIT {
            let message = format!("INCLUDE nests more than {INCLUDE_LIMIT} files deep");
            let error = Error::usage(message).hint(format!("does {file} include itself?"));
            return Err(source.locate(error, piece.start));
        }
        let text = text_of(&file).map_err(|error| source.locate(error, piece.start))?;
        self.add(Arc::new(Source { file, text }), depth + 1)
    }
}

/// Parses one query that the runner itself has written.
///
/// # Errors
/// Text that is not one query, which is a defect.
pub fn parse_query(sql: &str) -> Result<Query> {
    Parser::new(&ScriptDialect)
        .with_recursion_limit(RECURSION_LIMIT)
        .try_with_sql(sql)
        .and_then(|mut parser| {
            let query = parser.parse_query()?;
            parser.expect_token(&Token::EOF)?;
            Ok(*query)
        })
        .map_err(|error| Error::internal(format!("generated SQL: {error}")).detail(sql))
}

/// Parses one constant, such as the text of a list parameter.
pub fn parse_constant(text: &str) -> Option<Expr> {
    let mut parser = Parser::new(&ScriptDialect).try_with_sql(text).ok()?;
    let expr = parser.parse_expr().ok()?;
    parser.expect_token(&Token::EOF).ok()?;
    Some(expr)
}

/// The tokens of one statement.
struct Piece {
    tokens: Vec<TokenWithSpan>,
    start: Location,
    end: Location,
}

impl Piece {
    /// `None` if there is nothing but space, comments and the semicolon.
    fn new(tokens: &[TokenWithSpan]) -> Option<Self> {
        let significant = |token: &&TokenWithSpan| {
            !matches!(
                token.token,
                Token::Whitespace(_) | Token::SemiColon | Token::EOF
            )
        };
        let start = tokens.iter().find(significant)?.span.start;
        let end = tokens.iter().rfind(significant)?.span.end;
        let mut tokens: Vec<TokenWithSpan> = tokens
            .iter()
            .filter(|token| token.token != Token::SemiColon)
            .cloned()
            .collect();
        // So that "found: EOF" has a place.
        tokens.push(TokenWithSpan::new(Token::EOF, Span::new(end, end)));
        Some(Self { tokens, start, end })
    }

    fn words(&self) -> impl Iterator<Item = &TokenWithSpan> {
        self.tokens
            .iter()
            .filter(|token| !matches!(token.token, Token::Whitespace(_)))
    }

    fn starts_with(&self, keyword: Keyword) -> bool {
        matches!(self.words().next().map(|token| &token.token),
            Some(Token::Word(word)) if word.keyword == keyword)
    }

    /// Whether it is for the runner alone.
    fn is_preamble(&self) -> bool {
        self.starts_with(Keyword::DECLARE) || self.starts_with(Keyword::INCLUDE)
    }

    fn parser(&self) -> Parser<'static> {
        Parser::new(&ScriptDialect)
            .with_recursion_limit(RECURSION_LIMIT)
            .with_tokens_with_locations(self.tokens.clone())
    }

    fn statement(&self, source: &Source) -> Result<Statement> {
        let mut parser = self.parser();
        let statement = parser
            .parse_statement()
            .and_then(|statement| match parser.peek_token_ref() {
                token if token.token == Token::EOF => Ok(statement),
                _ => parser.expected_ref("end of statement", parser.peek_token_ref()),
            })
            .map_err(|error| self.syntax_error(source, error))?;
        match &statement {
            Statement::Assert {
                message: Some(message),
                ..
            } if text_of_message(message).is_none() => {
                let error = Error::usage("the message of ASSERT must be text in single quotes")
                    .hint("write ASSERT condition AS 'message'");
                Err(source.locate(error, self.start))
            }
            _ => Ok(statement),
        }
    }

    fn declaration(&self, source: &Source) -> Result<Declaration> {
        let mut parser = self.parser();
        let syntax = |error| self.syntax_error(source, error);
        // DECLARE itself; the caller has seen it.
        parser.next_token();
        let name = parser.parse_identifier().map_err(syntax)?;
        let at = parser.peek_token_ref().span.start;
        let data_type = parser.parse_data_type().map_err(syntax)?;
        let kind = ParameterType::from_sql(&data_type).ok_or_else(|| {
            let message = format!("no parameter can be of type {data_type}");
            let hint = "use INT64, FLOAT64, BOOL, STRING, DATE, TIMESTAMP or an ARRAY of these";
            source.locate(Error::usage(message).hint(hint), at)
        })?;
        let mut default = None;
        if parser.parse_keyword(Keyword::DEFAULT) {
            let at = parser.peek_token_ref().span.start;
            let expr = parser.parse_expr().map_err(syntax)?;
            let value = Value::from_expr(&expr).and_then(|value| kind.convert(value));
            default = Some(value.ok_or_else(|| {
                let message = format!("the default {expr} is not a constant of type {kind}");
                source.locate(Error::usage(message), at)
            })?);
        }
        parser.expect_token(&Token::EOF).map_err(|error| {
            let hint = "a declaration is DECLARE name TYPE [DEFAULT value];";
            syntax(error).hint(hint)
        })?;
        Ok(Declaration {
            name: name.value,
            kind,
            default,
            start: name.span.start,
        })
    }

    fn included(&self, source: &Source) -> Result<String> {
        let mut parser = self.parser();
        // INCLUDE itself; the caller has seen it.
        parser.next_token();
        parser
            .parse_literal_string()
            .and_then(|path| parser.expect_token(&Token::EOF).map(|_| path))
            .map_err(|error| {
                self.syntax_error(source, error)
                    .hint("write INCLUDE 'file.sql';")
            })
    }

    fn syntax_error(&self, source: &Source, error: ParserError) -> Box<Error> {
        let (message, at) = match error {
            ParserError::ParserError(text) | ParserError::TokenizerError(text) => {
                split_location(&text).unwrap_or((text, self.start))
            }
            ParserError::RecursionLimitExceeded => {
                ("the statement nests too deeply".to_owned(), self.start)
            }
        };
        let at = if at.line == 0 { self.end } else { at };
        let hint = message.contains("identifier, found: $").then(|| {
            "a parameter is a value, not a name; pass the table's name as text to a table \
             function, and a file with read_table($name)"
                .to_owned()
        });
        source.locate(
            Error::usage(format!("syntax error: {message}")).hint_if(hint),
            at,
        )
    }
}

/// The message of an assertion.
fn text_of_message(message: &Expr) -> Option<&str> {
    match message {
        Expr::Value(value) => match &value.value {
            Literal::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Takes " at Line: 3, Column: 7" off the parser's message.
fn split_location(text: &str) -> Option<(String, Location)> {
    let (message, place) = text.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    let location = Location::new(line.parse().ok()?, column.parse().ok()?);
    Some((message.to_owned(), location))
}

/// Byte offsets of lines, to turn locations into slices.
struct Offsets<'a> {
    text: &'a str,
    lines: Vec<usize>,
}

impl<'a> Offsets<'a> {
    fn new(text: &'a str) -> Self {
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(i, _)| i + 1))
            .collect();
        Self { text, lines }
    }

    fn at(&self, location: Location) -> usize {
        let line = (location.line.max(1) - 1) as usize;
        let start = self.lines.get(line).copied().unwrap_or(self.text.len());
        self.text[start..]
            .char_indices()
            .nth((location.column.max(1) - 1) as usize)
            .map_or(self.text.len(), |(i, _)| start + i)
    }
}

/// What a statement does, as the runner needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `CREATE TABLE t AS query`
    CreateTable {
        /// Gone when the run ends.
        temporary: bool,
    },
    /// `CREATE VIEW`
    CreateView,
    /// `DROP TABLE`, `DROP VIEW`
    Drop,
    /// Returns a table to show.
    Query,
    /// Changes rows: `INSERT`, `UPDATE`, `DELETE`, `COPY`.
    Change,
    /// `ASSERT condition AS 'message'`
    Assert,
    /// Anything else.
    Other,
}

/// What a statement does and to what, for people.
#[derive(Debug, Clone)]
pub struct Description {
    /// For the runner.
    pub action: Action,
    /// `create table`, `query`, ...
    pub kind: String,
    /// The table or view, if it names one.
    pub target: Option<ObjectName>,
    /// The message of an assertion.
    pub message: Option<String>,
}

impl Description {
    /// Describes a statement.
    pub fn of(statement: &Statement) -> Self {
        let new = |action, kind: &str, target: Option<ObjectName>| Self {
            action,
            kind: kind.to_owned(),
            target,
            message: None,
        };
        match statement {
            Statement::CreateTable(create) if create.query.is_some() => {
                let temporary = create.temporary;
                let kind = if temporary {
                    "create temporary table"
                } else {
                    "create table"
                };
                new(
                    Action::CreateTable { temporary },
                    kind,
                    Some(create.name.clone()),
                )
            }
            Statement::CreateTable(create) => {
                new(Action::Other, "create table", Some(create.name.clone()))
            }
            Statement::CreateView(create) => {
                new(Action::CreateView, "create view", Some(create.name.clone()))
            }
            Statement::Drop {
                object_type, names, ..
            } => {
                let action = match object_type {
                    ObjectType::Table | ObjectType::View => Action::Drop,
                    _ => Action::Other,
                };
                let kind = format!("drop {}", object_type.to_string().to_lowercase());
                new(action, &kind, names.first().cloned())
            }
            Statement::Query(query) => match query.body.as_ref() {
                SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) => {
                    new(Action::Change, "change", None)
                }
                _ => new(Action::Query, "query", None),
            },
            Statement::Explain { .. } | Statement::ExplainTable { .. } => {
                new(Action::Query, "explain", None)
            }
            Statement::ShowTables { .. }
            | Statement::ShowColumns { .. }
            | Statement::ShowVariable { .. }
            | Statement::ShowViews { .. } => new(Action::Query, "show", None),
            Statement::Insert(insert) => {
                let target = match &insert.table {
                    TableObject::TableName(name) => Some(name.clone()),
                    _ => None,
                };
                new(Action::Change, "insert", target)
            }
            Statement::Update(_) => new(Action::Change, "update", None),
            Statement::Delete(_) => new(Action::Change, "delete", None),
            Statement::Copy { .. } => new(Action::Change, "copy", None),
            Statement::Assert { message, .. } => Self {
                message: message
                    .as_ref()
                    .and_then(text_of_message)
                    .map(str::to_owned),
                ..new(Action::Assert, "assert", None)
            },
            other => {
                let text = other.to_string();
                let words: Vec<&str> = text.split_whitespace().take(2).collect();
                new(Action::Other, &words.join(" ").to_lowercase(), None)
            }
        }
    }

    /// The target as text.
    pub fn target_name(&self) -> Option<String> {
        self.target.as_ref().map(ObjectName::to_string)
    }
}

impl std::fmt::Display for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.target, &self.message) {
            (Some(target), _) => write!(f, "{} {target}", self.kind),
            (None, Some(message)) => write!(f, "{} '{message}'", self.kind),
            (None, None) => write!(f, "{}", self.kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_know_their_place_and_text() {
        let text =
            "-- title\nDECLARE n INT64 DEFAULT -5;\n\nSELECT 'ü;' AS a; /* x */ SELECT\n 2;;";
        let script = parse("a.sql", text.into()).unwrap();
        assert_eq!(script.declarations[0].default, Some(Value::Integer(-5)));
        let found: Vec<(u64, u64, &str)> = script
            .statements
            .iter()
            .map(|s| (s.start.line, s.start.column, s.text.as_str()))
            .collect();
        assert_eq!(found, [(4, 1, "SELECT 'ü;' AS a"), (4, 27, "SELECT\n 2")]);
    }

    #[test]
    fn included_files_bring_statements() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_string_lossy().into_owned()
        };
        let inner = file("inner.sql", "SELECT 2");
        let script = file("a.sql", "SELECT 1; INCLUDE 'inner.sql'; SELECT 3");
        let script = read(&script).unwrap();
        let found: Vec<&str> = script.statements.iter().map(|s| s.text.as_str()).collect();
        assert_eq!(found, ["SELECT 1", "SELECT 2", "SELECT 3"]);
        assert_eq!(script.statements[1].source.file, inner);

        for (text, expected) in [
            ("INCLUDE 'b.sql'", "INCLUDE nests more than 8 files deep"),
            ("SELECT 1;\n INCLUDE 'none.sql'", "script not found"),
            (
                "INCLUDE none",
                "syntax error: Expected: literal string, found: none",
            ),
            (
                "INCLUDE 'declares.sql'",
                "an included file declares no parameters",
            ),
        ] {
            file("declares.sql", "DECLARE n INT64; SELECT $n");
            let error = read(&file("b.sql", text)).unwrap_err().render("error");
            assert!(error.contains(expected), "{error}");
            assert!(error.contains(".sql:"), "{error}");
        }
    }

    #[test]
    fn the_language_of_scripts() {
        for sql in [
            "SELECT fit(y, {'a': a, 'b b': b}, {'algorithm': 'ols', 'lags': [1, 2]}) FROM t",
            "SELECT * FROM lag_features('t', columns => ['a'], lags => [1, 2])",
            "SELECT * FROM lag_features('t', columns := ['a'])",
            "SELECT * FROM vif('t', features => ['x_*'], exclude => 'x_1')",
            "SELECT feature, cluster, top, view, sort, FROM t GROUP BY feature, cluster ORDER BY a, cluster",
            "SELECT * EXCLUDE (a, b), * REPLACE (a + 1 AS a) FROM t",
            "SELECT t.* EXCLUDE (a), a EXCLUDE FROM t",
            "SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1",
            "SELECT sum(a) OVER w, avg(b) OVER (w ROWS 2 PRECEDING) FROM t WINDOW w AS (ORDER BY b)",
            "SELECT lag(a, 1) IGNORE NULLS OVER (ORDER BY b) FROM t",
            "CREATE OR REPLACE TEMP TABLE x AS FROM t",
            "CREATE OR REPLACE VIEW x AS FROM read_table($prices) SELECT a",
            "COPY (SELECT 1) TO 'file.parquet' (FORMAT parquet)",
            "SELECT median(x) FILTER (WHERE y > 1) FROM t GROUP BY ALL ORDER BY ALL",
            "SELECT list_transform([1, 2], lambda x: x + 1)",
            "SELECT a::DOUBLE, 1e0, x['a'], s.a, l[1], 7 // 2, a NOTNULL FROM t",
            "SELECT * FROM (VALUES (1, 2)) AS v(a, b), range(10) g(i) LIMIT $n",
            "SELECT corr(a, b) OVER (ORDER BY t RANGE BETWEEN INTERVAL 1 DAY PRECEDING AND CURRENT ROW) FROM t",
            "SELECT sum(CASE WHEN a = 1 THEN 1 END), count(a = b) FROM t",
            "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r",
            "INSERT INTO x SELECT * FROM y",
            "DROP TABLE IF EXISTS x",
            "SHOW TABLES",
            "DESCRIBE t",
            "SELECT DATE '2020-01-01', TIMESTAMP '2020-01-01', INTERVAL '1 day', EXTRACT(year FROM d)",
        ] {
            if let Err(error) = parse("a.sql", sql.into()) {
                panic!("{}", error.render("error"));
            }
        }
    }

    #[test]
    fn errors_are_marked() {
        let error = parse("a.sql", "SELECT 1;\n  SELECT\tFROM x y z;".into()).unwrap_err();
        let text = error.render("error");
        assert!(text.starts_with("error: a.sql:2:"), "{text}");
        let caret = text
            .lines()
            .find(|line| line.trim_end().ends_with('^'))
            .unwrap();
        let line = text.lines().find(|line| line.starts_with("2 | ")).unwrap();
        assert_eq!(&line[caret.len() - 1..caret.len()], "z", "{text}");
    }

    #[test]
    fn declarations_come_first() {
        for (sql, part) in [
            (
                "SELECT 1; DECLARE a INT64; SELECT $a",
                "before the first statement",
            ),
            (
                "DECLARE a INT64; DECLARE a INT64; SELECT $a",
                "declared twice",
            ),
            ("DECLARE a BLOB; SELECT $a", "type BLOB"),
            ("DECLARE a INT64 = 5; SELECT $a", "DECLARE name TYPE"),
            ("SELECT * FROM $a", "a parameter is a value"),
        ] {
            let text = parse("a.sql", sql.into()).unwrap_err().render("error");
            assert!(text.contains(part), "{text}");
        }
    }
}
