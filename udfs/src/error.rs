//! The one error type of the crate.

use std::fmt::Display;

/// What went wrong in a function of the catalogue.
///
/// The text always names the function, what was wrong with which value, and
/// what to do about it, because it is all that a SQL client shows.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{function}: {kind}")]
pub struct Error {
    function: String,
    kind: Kind,
}

#[derive(Debug, Clone, thiserror::Error)]
enum Kind {
    #[error("argument '{argument}' is {value}; {fix}")]
    Argument {
        argument: String,
        value: String,
        fix: String,
    },
    #[error("no argument or option '{name}'{hint}; it takes {known}")]
    Unknown {
        name: String,
        hint: String,
        known: String,
    },
    #[error("{0}")]
    Data(String),
    #[error("{0}; this is a defect of Lagrange, please report it")]
    Internal(String),
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A wrong argument or option: `value` as the caller wrote it, `fix` as an
    /// instruction ("pass at least 1").
    pub fn argument(
        function: impl Into<String>,
        argument: impl Into<String>,
        value: impl Display,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            function: function.into(),
            kind: Kind::Argument {
                argument: argument.into(),
                value: value.to_string(),
                fix: fix.into(),
            },
        }
    }

    /// A name that the function does not take, with the nearest of `known`.
    pub fn unknown(function: impl Into<String>, name: impl Into<String>, known: &[&str]) -> Self {
        let name = name.into();
        let hint = nearest(&name, known)
            .map(|near| format!(", did you mean '{near}'?"))
            .unwrap_or_default();
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        Self {
            function: function.into(),
            kind: Kind::Unknown { name, hint, known },
        }
    }

    /// Data that the function cannot work with.
    pub fn data(function: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            function: function.into(),
            kind: Kind::Data(message.into()),
        }
    }

    /// Something that cannot happen unless this crate is wrong.
    pub fn internal(function: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            function: function.into(),
            kind: Kind::Internal(message.into()),
        }
    }

    /// Whether the caller can do nothing about it.
    pub fn is_internal(&self) -> bool {
        matches!(self.kind, Kind::Internal(_))
    }
}

/// The one of `known` that `name` most likely meant, if any is close.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .iter()
        .map(|candidate| {
            (
                strsim::jaro_winkler(&name, &candidate.to_lowercase()),
                *candidate,
            )
        })
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
