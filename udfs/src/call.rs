//! The call of a table function: its arguments as constants, and what is known
//! of the relation that it reads.

use std::fmt;

use serde_json::Value as Json;

use crate::definition::{Kind, Signature};
use crate::error::{Error, Result};

/// A constant argument of a table function.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// NULL of any type.
    Null,
    /// True or false.
    Boolean(bool),
    /// Any integer.
    Integer(i64),
    /// Any other number.
    Double(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Literal>),
    /// A struct.
    Struct(Vec<(String, Literal)>),
}

impl From<Literal> for Json {
    /// A number that JSON does not know becomes text.
    fn from(literal: Literal) -> Self {
        match literal {
            Literal::Null => Self::Null,
            Literal::Boolean(value) => value.into(),
            Literal::Integer(value) => value.into(),
            Literal::Double(value) if value.is_finite() => value.into(),
            Literal::Double(value) => value.to_string().into(),
            Literal::Text(text) => text.into(),
            Literal::List(values) => values.into_iter().map(Self::from).collect(),
            Literal::Struct(fields) => fields
                .into_iter()
                .map(|(name, value)| (name, Self::from(value)))
                .collect(),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => write!(f, "NULL"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Double(value) => write!(f, "{value:?}"),
            Self::Text(value) => write!(f, "{}", quote_text(value)),
            Self::List(values) => {
                write!(f, "[")?;
                for (i, value) in values.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{value}")?;
                }
                write!(f, "]")
            }
            Self::Struct(fields) => {
                write!(f, "{{")?;
                for (i, (name, value)) in fields.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{}: {value}", quote_text(name))?;
                }
                write!(f, "}}")
            }
        }
    }
}

/// A column of the relation that a table function reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceColumn {
    /// Its name, exactly.
    pub name: String,
    /// Whether its type is an integer, decimal, floating or boolean one.
    pub numeric: bool,
}

/// Which SQL the generator writes, and what it can know while writing it.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// DuckDB expands `COLUMNS(...)` itself, after the text is produced, so the
    /// columns are not known yet.
    DuckDb,
    /// DataFusion plans the text with the columns known beforehand.
    DataFusion(&'a [SourceColumn]),
}

/// The arguments of a call, one per argument of the signature.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    signature: &'static Signature,
    values: Vec<Literal>,
    target: Target<'a>,
}

impl<'a> Call<'a> {
    /// Puts positional and named arguments in the order of the signature and
    /// fills in the defaults.
    ///
    /// # Errors
    /// Too many, unknown, doubled or missing arguments.
    pub fn resolve(
        signature: &'static Signature,
        positional: Vec<Literal>,
        named: Vec<(String, Literal)>,
        target: Target<'a>,
    ) -> Result<Self> {
        let function = signature.name;
        let names: Vec<&str> = signature.arguments.iter().map(|a| a.name).collect();
        if positional.len() > names.len() {
            return Err(Error::data(
                function,
                format!(
                    "{} arguments were passed; it takes {}: {}",
                    positional.len(),
                    names.len(),
                    names.join(", ")
                ),
            ));
        }
        let mut values: Vec<Option<Literal>> = positional.into_iter().map(Some).collect();
        values.resize(names.len(), None);
        for (name, value) in named {
            let Some(i) = names.iter().position(|n| n.eq_ignore_ascii_case(&name)) else {
                return Err(Error::unknown(function, name, &names));
            };
            if values[i].is_some() {
                return Err(Error::argument(function, name, value, "pass it once"));
            }
            values[i] = Some(value);
        }
        let values = values
            .into_iter()
            .zip(signature.arguments)
            .map(|(value, argument)| match (value, argument.default) {
                (Some(Literal::Null) | None, None) => Err(Error::argument(
                    function,
                    argument.name,
                    "missing",
                    format!("pass {} => {}", argument.name, argument.kind.name()),
                )),
                (Some(value), _) => Ok(value),
                (None, Some(default)) => Ok(default_literal(default)),
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            signature,
            values,
            target,
        })
    }

    /// The function's name.
    pub fn function(&self) -> &'static str {
        self.signature.name
    }

    /// Which SQL to write.
    pub fn target(&self) -> Target<'a> {
        self.target
    }

    /// The argument as it was passed.
    pub fn literal(&self, name: &str) -> &Literal {
        let i = self.signature.arguments.iter().position(|a| a.name == name);
        i.map_or(&Literal::Null, |i| &self.values[i])
    }

    fn wrong(&self, name: &str, fix: impl Into<String>) -> Error {
        Error::argument(self.function(), name, self.literal(name), fix)
    }

    /// Text, or `None` for NULL.
    pub fn text(&self, name: &str) -> Result<Option<&str>> {
        match self.literal(name) {
            Literal::Null => Ok(None),
            Literal::Text(text) => Ok(Some(text)),
            _ => Err(self.wrong(name, "pass text")),
        }
    }

    /// One of `words`, in any case.
    pub fn choice(&self, name: &str, words: &[&'static str]) -> Result<&'static str> {
        let text = self.text(name)?.unwrap_or_default();
        words
            .iter()
            .find(|word| word.eq_ignore_ascii_case(text))
            .copied()
            .ok_or_else(|| {
                let near = near(text, words);
                self.wrong(name, format!("{near}pass one of {}", words.join(", ")))
            })
    }

    /// One of `words` or a list of them, in any case, none twice; `None` for NULL.
    pub fn choices(&self, name: &str, words: &[&'static str]) -> Result<Option<Vec<&'static str>>> {
        let list = match self.literal(name) {
            Literal::Null => return Ok(None),
            Literal::List(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut chosen = Vec::with_capacity(list.len());
        for value in list {
            let text = match value {
                Literal::Text(text) => text.as_str(),
                _ => "",
            };
            let known = words.iter().find(|word| word.eq_ignore_ascii_case(text));
            match known {
                Some(word) if !chosen.contains(word) => chosen.push(*word),
                Some(_) => return Err(self.wrong(name, format!("pass {value} once"))),
                None => {
                    let near = near(text, words);
                    return Err(Error::argument(
                        self.function(),
                        name,
                        value,
                        format!("{near}pass one of {}, or a list of them", words.join(", ")),
                    ));
                }
            }
        }
        if chosen.is_empty() {
            return Err(self.wrong(name, format!("pass one of {}", words.join(", "))));
        }
        Ok(Some(chosen))
    }

    /// An integer of at least `least`.
    pub fn integer(&self, name: &str, least: i64) -> Result<i64> {
        match self.literal(name) {
            Literal::Integer(value) if *value >= least => Ok(*value),
            _ => Err(self.wrong(name, format!("pass an integer of at least {least}"))),
        }
    }

    /// An integer of at least `least` or a list of them, none twice.
    pub fn integers(&self, name: &str, least: i64) -> Result<Vec<i64>> {
        let fix = format!("pass integers of at least {least}, each once");
        let list = match self.literal(name) {
            Literal::List(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut values = Vec::with_capacity(list.len());
        for value in list {
            match value {
                Literal::Integer(value) if *value >= least && !values.contains(value) => {
                    values.push(*value);
                }
                _ => return Err(self.wrong(name, fix)),
            }
        }
        if values.is_empty() {
            return Err(self.wrong(name, fix));
        }
        Ok(values)
    }

    /// A finite number with `least <= x <= most`.
    pub fn double(&self, name: &str, least: f64, most: f64) -> Result<f64> {
        let value = match self.literal(name) {
            Literal::Integer(value) => *value as f64,
            Literal::Double(value) => *value,
            _ => f64::NAN,
        };
        if value.is_finite() && value >= least && value <= most {
            Ok(value)
        } else {
            Err(self.wrong(name, format!("pass a number from {least} to {most}")))
        }
    }

    /// A struct, or JSON text of an object; JSON null for NULL.
    pub fn options(&self, name: &str) -> Result<Json> {
        let options = match self.literal(name) {
            Literal::Text(text) => serde_json::from_str(text).ok(),
            other => Some(Json::from(other.clone())),
        };
        match options {
            Some(options @ (Json::Null | Json::Object(_))) => Ok(options),
            _ => Err(self.wrong(
                name,
                "pass a struct such as {'key': value}, or JSON text of an object",
            )),
        }
    }

    /// True or false.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.literal(name) {
            Literal::Boolean(value) => Ok(*value),
            _ => Err(self.wrong(name, "pass true or false")),
        }
    }

    /// A column name, or `None` for NULL.
    ///
    /// # Errors
    /// A name that the relation does not have, where its columns are known.
    pub fn column(&self, name: &str) -> Result<Option<String>> {
        match self.columns(name)? {
            Some(columns) if columns.len() == 1 => Ok(columns.into_iter().next()),
            Some(_) => Err(self.wrong(name, "pass one column name")),
            None => Ok(None),
        }
    }

    /// A column name or a list of them, or `None` for NULL.
    ///
    /// # Errors
    /// An empty list, a name twice, or one that the relation does not have.
    pub fn columns(&self, name: &str) -> Result<Option<Vec<String>>> {
        let fix = "pass a column name or a list of them, each once";
        let list = match self.literal(name) {
            Literal::Null => return Ok(None),
            Literal::List(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut columns: Vec<String> = Vec::with_capacity(list.len());
        for value in list {
            match value {
                Literal::Text(column) if !columns.contains(column) => {
                    self.check_column(name, column)?;
                    columns.push(column.clone());
                }
                _ => return Err(self.wrong(name, fix)),
            }
        }
        if columns.is_empty() {
            return Err(self.wrong(name, fix));
        }
        Ok(Some(columns))
    }

    /// Column names and patterns (`*` any characters, `?` one), or `None` for
    /// NULL.
    ///
    /// # Errors
    /// An empty list, a name twice, or a name without a wildcard that the
    /// relation does not have.
    pub fn patterns(&self, name: &str) -> Result<Option<Vec<String>>> {
        let fix = "pass a column name, a pattern such as 'x_*', or a list of them, each once";
        let list = match self.literal(name) {
            Literal::Null => return Ok(None),
            Literal::List(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut patterns: Vec<String> = Vec::with_capacity(list.len());
        for value in list {
            match value {
                Literal::Text(pattern) if !pattern.is_empty() && !patterns.contains(pattern) => {
                    if !pattern.contains(['*', '?']) {
                        self.check_column(name, pattern)?;
                    }
                    patterns.push(pattern.clone());
                }
                _ => return Err(self.wrong(name, fix)),
            }
        }
        if patterns.is_empty() {
            return Err(self.wrong(name, fix));
        }
        Ok(Some(patterns))
    }

    /// A time as SQL, to be compared with a time column: text as a timestamp, a
    /// number as it is. `None` for NULL.
    pub fn time(&self, name: &str) -> Result<Option<String>> {
        match self.literal(name) {
            Literal::Null => Ok(None),
            Literal::Text(text) => Ok(Some(format!("CAST({} AS TIMESTAMP)", quote_text(text)))),
            number @ (Literal::Integer(_) | Literal::Double(_)) => Ok(Some(number.to_string())),
            _ => Err(self.wrong(name, "pass a date or time as text, or a number")),
        }
    }

    fn check_column(&self, argument: &str, column: &str) -> Result<()> {
        let Target::DataFusion(known) = self.target else {
            return Ok(());
        };
        if known.iter().any(|source| source.name == column) {
            return Ok(());
        }
        let names: Vec<&str> = known.iter().map(|source| source.name.as_str()).collect();
        let fix = match crate::error::nearest(column, &names) {
            Some(near) => format!("the relation has no such column, did you mean '{near}'?"),
            None => format!(
                "the relation has no such column; it has {}",
                names.join(", ")
            ),
        };
        Err(Error::argument(
            self.function(),
            argument,
            quote_text(column),
            fix,
        ))
    }

    /// The relation, as it stands after FROM.
    ///
    /// # Errors
    /// Neither a name nor a query in parentheses.
    pub fn relation(&self) -> Result<String> {
        let argument = self
            .signature
            .arguments
            .iter()
            .find(|argument| argument.kind == Kind::Relation);
        let name = argument.map_or("", |argument| argument.name);
        match self.text(name)? {
            Some(text) => relation_sql(text).ok_or_else(|| {
                self.wrong(
                    name,
                    "pass the name of a table, view or CTE, or a query in parentheses",
                )
            }),
            None => Err(self.wrong(name, "pass the name of a relation")),
        }
    }
}

/// The word that may have been meant, as the beginning of a fix.
fn near(text: &str, words: &[&str]) -> String {
    crate::error::nearest(text, words)
        .map(|near| format!("did you mean '{near}'? "))
        .unwrap_or_default()
}

/// `text` as a relation after FROM: a query in parentheses as it stands, a name
/// (dots separate catalog, schema and table) quoted. `None` if it is empty.
pub fn relation_sql(text: &str) -> Option<String> {
    let text = text.trim();
    if text.starts_with('(') && text.ends_with(')') {
        return Some(text.to_owned());
    }
    if text.contains('"') {
        return Some(text.to_owned());
    }
    if text.is_empty() || text.split('.').any(str::is_empty) {
        return None;
    }
    Some(
        text.split('.')
            .map(quote_name)
            .collect::<Vec<_>>()
            .join("."),
    )
}

/// The name as a quoted SQL identifier.
pub fn quote_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The text as a SQL string literal.
pub fn quote_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The literal that a default of a signature stands for. Defaults are plain
/// (NULL, true, numbers, quoted text), which a test of the list checks.
fn default_literal(sql: &str) -> Literal {
    match sql {
        "NULL" => Literal::Null,
        "true" => Literal::Boolean(true),
        "false" => Literal::Boolean(false),
        _ => {
            if let Ok(value) = sql.parse() {
                Literal::Integer(value)
            } else if let Ok(value) = sql.parse() {
                Literal::Double(value)
            } else {
                Literal::Text(sql.trim_matches('\'').to_owned())
            }
        }
    }
}
