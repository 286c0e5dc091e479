//! The options argument, checked against the signature.

use serde_json::{Map, Value as Json};

use crate::definition::{Accepts, OptionKey, Signature};
use crate::error::{Error, Result};

/// Options with defaults filled in, every value within its documented range.
#[derive(Debug, Clone)]
pub struct Options {
    keys: &'static [OptionKey],
    values: Map<String, Json>,
}

impl Options {
    /// Checks the options of a call. NULL stands for no options.
    ///
    /// # Errors
    /// Unknown keys (with the nearest name) and values out of range.
    pub fn parse(signature: &'static Signature, given: &Json) -> Result<Self> {
        let function = signature.name;
        let given = match given {
            Json::Null => Map::new(),
            Json::Object(map) => map.clone(),
            other => {
                return Err(Error::argument(
                    function,
                    "options",
                    other,
                    "pass a struct such as {'key': value}, or JSON text of an object",
                ));
            }
        };
        let names: Vec<&str> = signature.options.iter().map(|key| key.name).collect();
        if let Some(name) = given.keys().find(|name| !names.contains(&name.as_str())) {
            return Err(Error::unknown(function, name, &names));
        }
        let mut values = Map::new();
        for key in signature.options {
            let value = match given.get(key.name) {
                None | Some(Json::Null) => serde_json::from_str(key.default).map_err(|_| {
                    Error::internal(
                        function,
                        format!("the default of '{}' is not JSON", key.name),
                    )
                })?,
                Some(value) => check(function, key, value.clone())?,
            };
            values.insert(key.name.to_owned(), value);
        }
        Ok(Self {
            keys: signature.options,
            values,
        })
    }

    fn get(&self, name: &str) -> &Json {
        debug_assert!(
            self.keys.iter().any(|key| key.name == name),
            "no key {name}"
        );
        self.values.get(name).unwrap_or(&Json::Null)
    }

    /// Of `Accepts::Number`.
    pub fn number(&self, name: &str) -> f64 {
        self.get(name).as_f64().unwrap_or(f64::NAN)
    }

    /// Of `Accepts::Number` with the default null, which stands for `default`.
    pub fn number_or(&self, name: &str, default: f64) -> f64 {
        self.get(name).as_f64().unwrap_or(default)
    }

    /// Of `Accepts::Integer` with the default null, which stands for `default`.
    pub fn integer_or(&self, name: &str, default: i64) -> i64 {
        self.get(name).as_i64().unwrap_or(default)
    }

    /// Of `Accepts::Flag` with the default null, which stands for `default`.
    pub fn flag_or(&self, name: &str, default: bool) -> bool {
        self.get(name).as_bool().unwrap_or(default)
    }

    /// Of `Accepts::Choice` and `Accepts::Text` with the default null.
    pub fn text_if_any(&self, name: &str) -> Option<&str> {
        self.get(name).as_str()
    }

    /// Of `Accepts::Integer`.
    pub fn integer(&self, name: &str) -> i64 {
        self.get(name).as_i64().unwrap_or_default()
    }

    /// Of `Accepts::Flag`.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).as_bool().unwrap_or_default()
    }

    /// Of `Accepts::Choice` and `Accepts::Text`.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).as_str().unwrap_or_default()
    }

    /// Every option by name, for the record.
    pub fn to_json(&self) -> Json {
        Json::Object(self.values.clone())
    }

    /// The options of these names, without those that are null.
    pub fn some_to_json(&self, names: &[&str]) -> Json {
        let chosen = self
            .values
            .iter()
            .filter(|(name, value)| names.contains(&name.as_str()) && !value.is_null());
        Json::Object(
            chosen
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    }
}

fn check(function: &str, key: &OptionKey, value: Json) -> Result<Json> {
    let wrong = |fix: String| Err(Error::argument(function, key.name, &value, fix));
    match key.accepts {
        Accepts::Choice(words) => match value.as_str() {
            Some(text) => match words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
                Some(word) => Ok(Json::from(*word)),
                None => wrong(format!(
                    "{}pass one of {}",
                    crate::error::nearest(text, words)
                        .map(|near| format!("did you mean '{near}'? "))
                        .unwrap_or_default(),
                    words.join(", ")
                )),
            },
            None => wrong(format!("pass one of {}", words.join(", "))),
        },
        Accepts::Number(least, most) => match value.as_f64() {
            Some(x) if x >= least && x <= most => Ok(Json::from(x)),
            _ => wrong(format!("pass a number from {least} to {most}")),
        },
        Accepts::Integer(least, most) => {
            let whole = value.as_i64().or_else(|| {
                value
                    .as_f64()
                    .filter(|x| x.fract() == 0.0)
                    .map(|x| x as i64)
            });
            match whole {
                Some(x) if x >= least && x <= most => Ok(Json::from(x)),
                _ => wrong(format!("pass a whole number from {least} to {most}")),
            }
        }
        Accepts::Flag if value.is_boolean() => Ok(value),
        Accepts::Flag => wrong("pass true or false".into()),
        Accepts::Text if value.is_string() => Ok(value),
        Accepts::Text => wrong("pass text".into()),
    }
}
