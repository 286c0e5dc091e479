//! Parameters of scripts: `$name` in the text becomes a typed literal in the
//! syntax tree, so no value can change the shape of a statement.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use sqlparser::ast::{
    self, Array, ArrayElemTypeDef, DataType, Expr, TypedString, UnaryOperator, ValueWithSpan,
    VisitMut, VisitorMut,
};
use sqlparser::tokenizer::{Location, Span};

use crate::error::{Error, Place, Result, did_you_mean};
use crate::script::{Declaration, Description, Expectations, Script, Source, parse_constant};

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL of any type.
    Null,
    /// True or false.
    Boolean(bool),
    /// A 64-bit integer.
    Integer(i64),
    /// A number with a fraction, digits as given.
    Decimal(String),
    /// A finite double.
    Double(f64),
    /// Text.
    Text(String),
    /// `YYYY-MM-DD`
    Date(String),
    /// `YYYY-MM-DD hh:mm:ss`
    Timestamp(String),
    /// A list.
    List(Vec<Value>),
}

/// The type that a declaration gives a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterType {
    /// `INT64`, `BIGINT`, `INTEGER`, ...
    Integer,
    /// `FLOAT64`, `DOUBLE`, `REAL`, ...
    Double,
    /// `NUMERIC`, `DECIMAL`
    Decimal,
    /// `BOOL`, `BOOLEAN`
    Boolean,
    /// `STRING`, `VARCHAR`, `TEXT`
    Text,
    /// `DATE`
    Date,
    /// `TIMESTAMP`, `DATETIME`
    Timestamp,
    /// `ARRAY<T>`, `T[]`
    List(Box<ParameterType>),
}

impl fmt::Display for ParameterType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer => write!(f, "INTEGER"),
            Self::Double => write!(f, "DOUBLE"),
            Self::Decimal => write!(f, "DECIMAL"),
            Self::Boolean => write!(f, "BOOLEAN"),
            Self::Text => write!(f, "TEXT"),
            Self::Date => write!(f, "DATE"),
            Self::Timestamp => write!(f, "TIMESTAMP"),
            Self::List(element) => write!(f, "ARRAY<{element}>"),
        }
    }
}

impl ParameterType {
    /// From the type's name in BigQuery or in SQL.
    pub fn from_sql(data_type: &DataType) -> Option<Self> {
        if let DataType::Array(element) = data_type {
            return match element {
                ArrayElemTypeDef::AngleBracket(element)
                | ArrayElemTypeDef::SquareBracket(element, _)
                | ArrayElemTypeDef::Parenthesis(element) => {
                    Some(Self::List(Box::new(Self::from_sql(element)?)))
                }
                ArrayElemTypeDef::None => None,
            };
        }
        let text = data_type.to_string().to_uppercase();
        let name = text.split(['(', ' ']).next().unwrap_or_default();
        Some(match name {
            "INT64" | "INT" | "INTEGER" | "BIGINT" | "SMALLINT" | "TINYINT" | "INT8" | "INT4"
            | "INT2" | "INT32" | "INT16" | "LONG" => Self::Integer,
            "FLOAT64" | "DOUBLE" | "FLOAT" | "REAL" | "FLOAT8" | "FLOAT4" | "FLOAT32" => {
                Self::Double
            }
            "NUMERIC" | "DECIMAL" | "BIGNUMERIC" | "BIGDECIMAL" | "DEC" => Self::Decimal,
            "BOOL" | "BOOLEAN" => Self::Boolean,
            "STRING" | "VARCHAR" | "TEXT" | "CHAR" | "CHARACTER" => Self::Text,
            "DATE" => Self::Date,
            "TIMESTAMP" | "DATETIME" => Self::Timestamp,
            _ => return None,
        })
    }

    /// A value of this type from text as `--set` gives it.
    fn parse(&self, text: &str) -> Option<Value> {
        if *self == Self::Text {
            return Some(Value::Text(text.to_owned()));
        }
        let text = text.trim();
        if text.eq_ignore_ascii_case("null") {
            return Some(Value::Null);
        }
        match self {
            Self::List(_) => self.convert(Value::from_expr(&parse_constant(text)?)?),
            Self::Boolean => match Value::infer(text) {
                Value::Boolean(value) => Some(Value::Boolean(value)),
                _ => None,
            },
            Self::Date | Self::Timestamp => self.convert(Value::Text(text.to_owned())),
            _ => self.convert(Value::infer(text)),
        }
    }

    /// The same value in this type, if nothing is lost.
    pub fn convert(&self, value: Value) -> Option<Value> {
        Some(match (self, value) {
            (_, Value::Null) => Value::Null,
            (Self::Integer, value @ Value::Integer(_))
            | (Self::Boolean, value @ Value::Boolean(_))
            | (Self::Text, value @ Value::Text(_))
            | (Self::Date, value @ Value::Date(_))
            | (Self::Decimal, value @ (Value::Integer(_) | Value::Decimal(_))) => value,
            (Self::Timestamp, Value::Timestamp(text)) => Value::Timestamp(text),
            (Self::Double, Value::Integer(value)) => Value::Double(value as f64),
            (Self::Double, Value::Decimal(digits)) => {
                Value::Double(digits.parse().ok().filter(|x: &f64| x.is_finite())?)
            }
            (Self::Double, Value::Double(value)) => Value::Double(value),
            (Self::Date, Value::Text(text)) if is_date(&text) => Value::Date(text),
            (Self::Timestamp, Value::Text(text) | Value::Date(text)) if is_timestamp(&text) => {
                Value::Timestamp(text)
            }
            (Self::List(element), Value::List(values)) => Value::List(
                values
                    .into_iter()
                    .map(|value| element.convert(value))
                    .collect::<Option<_>>()?,
            ),
            _ => return None,
        })
    }
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    let number = |text: &str, width: usize| {
        (text.len() == width && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u32>().ok())
            .flatten()
    };
    number(year, 4).is_some()
        && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
}

fn is_timestamp(text: &str) -> bool {
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    is_date(date)
        && time
            .bytes()
            .all(|b| b.is_ascii_digit() || b":.+-Zz ".contains(&b))
}

/// Whether the text is a decimal number, perhaps with an exponent.
fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
        && text.bytes().any(|b| b.is_ascii_digit())
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
}

impl Value {
    /// The value that undeclared text most likely means.
    pub fn infer(text: &str) -> Self {
        let trimmed = text.trim();
        if trimmed.eq_ignore_ascii_case("true") {
            Self::Boolean(true)
        } else if trimmed.eq_ignore_ascii_case("false") {
            Self::Boolean(false)
        } else if trimmed.eq_ignore_ascii_case("null") {
            Self::Null
        } else if let Ok(value) = trimmed.parse() {
            Self::Integer(value)
        } else if is_number(trimmed) {
            Self::Decimal(trimmed.trim_start_matches('+').to_owned())
        } else {
            Self::Text(text.to_owned())
        }
    }

    /// The value of a constant expression.
    pub fn from_expr(expr: &Expr) -> Option<Self> {
        match expr {
            Expr::Value(value) => match &value.value {
                ast::Value::Null => Some(Self::Null),
                ast::Value::Boolean(value) => Some(Self::Boolean(*value)),
                ast::Value::Number(digits, _) => Some(Self::infer(digits)),
                ast::Value::SingleQuotedString(text) => Some(Self::Text(text.clone())),
                _ => None,
            },
            Expr::Nested(inner) => Self::from_expr(inner),
            Expr::UnaryOp {
                op: UnaryOperator::Plus,
                expr,
            } => Self::from_expr(expr),
            Expr::UnaryOp {
                op: UnaryOperator::Minus,
                expr,
            } => match Self::from_expr(expr)? {
                Self::Integer(value) => Some(Self::Integer(value.checked_neg()?)),
                Self::Decimal(digits) => Some(Self::Decimal(format!("-{digits}"))),
                _ => None,
            },
            Expr::Array(array) => Some(Self::List(
                array
                    .elem
                    .iter()
                    .map(Self::from_expr)
                    .collect::<Option<_>>()?,
            )),
            Expr::TypedString(TypedString {
                data_type, value, ..
            }) => {
                let text = Self::Text(value.value.clone().into_string()?);
                ParameterType::from_sql(data_type)?.convert(text)
            }
            _ => None,
        }
    }

    /// The literal that stands for it in a syntax tree.
    fn to_expr(&self, span: Span) -> Expr {
        let plain = |value: ast::Value| Expr::Value(ValueWithSpan { value, span });
        let number = |digits: &str| match digits.strip_prefix('-') {
            Some(digits) => Expr::UnaryOp {
                op: UnaryOperator::Minus,
                expr: Box::new(plain(ast::Value::Number(digits.to_owned(), false))),
            },
            None => plain(ast::Value::Number(digits.to_owned(), false)),
        };
        let typed = |data_type: DataType, text: &str| {
            Expr::TypedString(TypedString {
                data_type,
                value: ValueWithSpan {
                    value: ast::Value::SingleQuotedString(text.to_owned()),
                    span,
                },
                uses_odbc_syntax: false,
            })
        };
        match self {
            Self::Null => plain(ast::Value::Null),
            Self::Boolean(value) => plain(ast::Value::Boolean(*value)),
            Self::Integer(value) => number(&value.to_string()),
            Self::Decimal(digits) => number(digits),
            // With an exponent, both engines read a DOUBLE and not a DECIMAL.
            Self::Double(value) => number(&format!("{value:e}")),
            Self::Text(text) => plain(ast::Value::SingleQuotedString(text.clone())),
            Self::Date(text) => typed(DataType::Date, text),
            Self::Timestamp(text) => {
                typed(DataType::Timestamp(None, ast::TimezoneInfo::None), text)
            }
            Self::List(values) => Expr::Array(Array {
                elem: values.iter().map(|value| value.to_expr(span)).collect(),
                named: false,
            }),
        }
    }
}

impl fmt::Display for Value {
    /// As a literal of SQL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_expr(Span::empty()))
    }
}

/// A value that the user gave, before its declared type is known.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// Text of `--set` and of environment variables.
    Text(String),
    /// A typed value of a configuration file.
    Value(Value),
}

impl Given {
    /// Without the quotes of a literal.
    pub fn plain(&self) -> String {
        match self {
            Self::Text(text) | Self::Value(Value::Text(text)) => text.clone(),
            Self::Value(_) => self.to_string(),
        }
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text}"),
            Self::Value(value) => write!(f, "{}", value.to_expr(Span::empty())),
        }
    }
}

/// A statement that is ready to run.
#[derive(Debug)]
pub struct Step {
    /// The file that it stands in.
    pub source: Arc<Source>,
    /// Where it starts.
    pub start: Location,
    /// As it is written.
    pub text: String,
    /// The syntax tree, with every parameter replaced.
    pub statement: ast::Statement,
    /// Whether the tree differs from the text.
    pub bound: bool,
    /// What it does.
    pub description: Description,
    /// What the comments above it ask for.
    pub expectations: Expectations,
}

/// A parameter as a run has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// The script that uses it.
    pub script: String,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Where the value comes from.
    pub origin: ParameterOrigin,
}

/// Where a parameter's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterOrigin {
    /// `--set`
    Flag,
    /// The section `parameters` of the settings.
    Settings,
    /// Its declaration.
    Declaration(Place),
}

/// Puts the parameters into the scripts, and says which there are. `set` beats `config`, `config` beats
/// the defaults of the declarations.
///
/// # Errors
/// A parameter without a value or with one of the wrong type, a `--set` that no
/// script uses, a declaration that its script does not use.
pub fn bind(
    scripts: Vec<Script>,
    set: &BTreeMap<String, String>,
    config: &BTreeMap<String, Given>,
) -> Result<(Vec<Step>, Vec<Parameter>)> {
    put(scripts, set, config, false)
}

/// As [`bind`], for a look at scripts that are not run: a parameter without a
/// value stays what it is, as do files that only others include.
///
/// # Errors
/// A value of the wrong type.
pub fn bind_known(
    scripts: Vec<Script>,
    set: &BTreeMap<String, String>,
    config: &BTreeMap<String, Given>,
) -> Result<Vec<Step>> {
    put(scripts, set, config, true).map(|(steps, _)| steps)
}

fn put(
    scripts: Vec<Script>,
    set: &BTreeMap<String, String>,
    config: &BTreeMap<String, Given>,
    lenient: bool,
) -> Result<(Vec<Step>, Vec<Parameter>)> {
    let mut steps = Vec::new();
    let mut parameters = Vec::new();
    let mut known = BTreeSet::new();
    for script in scripts {
        let mut values = Values {
            script: Arc::clone(&script.source),
            source: Arc::clone(&script.source),
            declarations: &script.declarations,
            set,
            config,
            used: BTreeMap::new(),
        };
        for parsed in script.statements {
            values.source = Arc::clone(&parsed.source);
            let mut binder = Binder {
                values: &mut values,
                bound: false,
                lenient,
            };
            let mut statement = parsed.statement;
            if let ControlFlow::Break(error) = statement.visit(&mut binder) {
                return Err(error);
            }
            steps.push(Step {
                source: parsed.source,
                start: parsed.start,
                text: parsed.text,
                bound: binder.bound,
                description: Description::of(&statement),
                statement,
                expectations: parsed.expectations,
            });
        }
        for declaration in script.declarations.iter().filter(|_| !lenient) {
            if !values.used.contains_key(&declaration.name) {
                let message = format!("parameter '{}' is declared but not used", declaration.name);
                let hint = format!("write ${} where it belongs", declaration.name);
                let error = Error::usage(message).hint(hint);
                return Err(script.source.locate(error, declaration.start));
            }
        }
        for (name, (value, origin)) in values.used {
            known.insert(name.clone());
            parameters.push(Parameter {
                script: script.source.file.clone(),
                name,
                value,
                origin,
            });
        }
    }
    for name in set.keys().filter(|_| !lenient) {
        if !known.contains(name) {
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            let hint = did_you_mean(name, &names).unwrap_or_else(|| match names.as_slice() {
                [] => "the scripts have no parameters".to_owned(),
                _ => format!("the scripts use {}", names.join(", ")),
            });
            let message = format!("--set {name}: no script uses ${name}");
            return Err(Error::usage(message).hint(hint));
        }
    }
    Ok((steps, parameters))
}

/// The values of one script's parameters.
struct Values<'a> {
    /// The file of the declarations.
    script: Arc<Source>,
    /// The file of the statement that is bound: the script, or one it includes.
    source: Arc<Source>,
    declarations: &'a [Declaration],
    set: &'a BTreeMap<String, String>,
    config: &'a BTreeMap<String, Given>,
    used: BTreeMap<String, (Value, ParameterOrigin)>,
}

impl Values<'_> {
    /// Whether a placeholder has a value.
    fn has(&self, placeholder: &str) -> bool {
        let name = placeholder.trim_start_matches('$');
        self.set.contains_key(name)
            || self.config.contains_key(name)
            || self
                .declarations
                .iter()
                .any(|declared| declared.name == name && declared.default.is_some())
    }

    fn get(&mut self, placeholder: &str, at: Location) -> Result<Value> {
        let Some(name) = placeholder
            .strip_prefix('$')
            .filter(|name| !name.is_empty())
        else {
            let message = format!("'{placeholder}' is not a parameter");
            let error = Error::usage(message).hint("write $name and pass --set name=value");
            return Err(self.source.locate(error, at));
        };
        if let Some((value, _)) = self.used.get(name) {
            return Ok(value.clone());
        }
        let (value, origin) = self.resolve(name, at)?;
        self.used.insert(name.to_owned(), (value.clone(), origin));
        Ok(value)
    }

    fn resolve(&self, name: &str, at: Location) -> Result<(Value, ParameterOrigin)> {
        let declaration = self.declarations.iter().find(|d| d.name == name);
        let (given, told, origin) = if let Some(text) = self.set.get(name) {
            let told = format!("--set {name}={text}");
            (Given::Text(text.clone()), told, ParameterOrigin::Flag)
        } else if let Some(given) = self.config.get(name) {
            let told = format!("parameters.{name}: {given}");
            (given.clone(), told, ParameterOrigin::Settings)
        } else if let Some((declared, value)) =
            declaration.and_then(|d| Some((d, d.default.clone()?)))
        {
            let place = self.script.place(declared.start);
            return Ok((value, ParameterOrigin::Declaration(place)));
        } else {
            return Err(self.missing(name, at));
        };
        let Some(Declaration { kind, start, .. }) = declaration else {
            let value = match given {
                Given::Text(text) => Value::infer(&text),
                Given::Value(value) => value,
            };
            return Ok((value, origin));
        };
        let value = match given {
            Given::Text(text) => kind.parse(&text),
            Given::Value(value) => kind.convert(value),
        };
        value.map(|value| (value, origin)).ok_or_else(|| {
            let message = format!("{told}: '{name}' is declared as {kind}");
            self.script.locate(Error::usage(message), *start)
        })
    }

    fn missing(&self, name: &str, at: Location) -> Box<Error> {
        let error = Error::usage(format!("parameter ${name} has no value"));
        let mut known: Vec<&str> = self.declarations.iter().map(|d| d.name.as_str()).collect();
        let misspelt = |given: &&String| {
            !known.contains(&given.as_str()) && did_you_mean(given, &[name]).is_some()
        };
        if let Some(given) = self.set.keys().find(misspelt) {
            let hint = format!(
                "did you mean '{given}', which --set gives? Otherwise pass --set {name}=..."
            );
            return self.source.locate(error.hint(hint), at);
        }
        known.extend(self.config.keys().map(String::as_str));
        known.retain(|known| *known != name);
        let hint = did_you_mean(name, &known)
            .map_or_else(String::new, |near| format!("{near} Otherwise "));
        let hint = format!("{hint}pass --set {name}=...");
        self.source.locate(error.hint(hint), at)
    }
}

/// Replaces placeholders in a syntax tree.
struct Binder<'a, 'b> {
    values: &'a mut Values<'b>,
    bound: bool,
    /// Whether parameters may stay without a value.
    lenient: bool,
}

impl Binder<'_, '_> {
    fn replace(&mut self, placeholder: &str, at: Location) -> ControlFlow<Box<Error>, Value> {
        match self.values.get(placeholder, at) {
            Ok(value) => {
                self.bound = true;
                ControlFlow::Continue(value)
            }
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl VisitorMut for Binder<'_, '_> {
    type Break = Box<Error>;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if let Expr::Value(ValueWithSpan {
            value: ast::Value::Placeholder(placeholder),
            span,
        }) = expr
        {
            if self.lenient && !self.values.has(placeholder) {
                return ControlFlow::Continue(());
            }
            let value = self.replace(placeholder, span.start)?;
            *expr = value.to_expr(*span);
        }
        ControlFlow::Continue(())
    }

    /// Placeholders in places that take a plain value and no expression.
    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<Self::Break> {
        if let ast::Value::Placeholder(placeholder) = &value.value {
            if self.lenient && !self.values.has(placeholder) {
                return ControlFlow::Continue(());
            }
            let at = value.span.start;
            match self.replace(placeholder, at)?.to_expr(value.span) {
                Expr::Value(plain) => *value = plain,
                other => {
                    let message = format!("a plain value must stand here, not {other}");
                    let error = self.values.source.locate(Error::usage(message), at);
                    return ControlFlow::Break(error);
                }
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undeclared_text_is_inferred() {
        assert_eq!(Value::infer("5"), Value::Integer(5));
        assert_eq!(Value::infer("-2.5"), Value::Decimal("-2.5".into()));
        assert_eq!(Value::infer("1e-3"), Value::Decimal("1e-3".into()));
        assert_eq!(Value::infer("TRUE"), Value::Boolean(true));
        assert_eq!(Value::infer("null"), Value::Null);
        assert_eq!(Value::infer("inf"), Value::Text("inf".into()));
        assert_eq!(Value::infer("2020-01-01"), Value::Text("2020-01-01".into()));
    }

    #[test]
    fn declared_types_are_kept() {
        assert_eq!(ParameterType::Double.parse("1"), Some(Value::Double(1.0)));
        assert_eq!(ParameterType::Integer.parse("1.5"), None);
        assert_eq!(ParameterType::Date.parse("2020-13-01"), None);
        let lags = ParameterType::List(Box::new(ParameterType::Integer));
        let two = Value::List(vec![Value::Integer(1), Value::Integer(2)]);
        assert_eq!(lags.parse("[1, 2]"), Some(two));
        assert_eq!(lags.parse("[1, 'a']"), None);
        assert_eq!(
            ParameterType::Text.parse("null"),
            Some(Value::Text("null".into()))
        );
    }

    #[test]
    fn doubles_are_written_as_doubles() {
        let text = |x: f64| Value::Double(x).to_expr(Span::empty()).to_string();
        assert_eq!(text(1.0), "1e0");
        assert_eq!(text(-0.25), "-2.5e-1");
    }
}
