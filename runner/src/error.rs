//! The one error type of the runner: what went wrong, where in which file, and
//! what to do about it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Value as Json, json};

use crate::secrets::masked;

/// How a command ends; the number is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Everything asked for was done.
    Success = 0,
    /// A statement, a check or a gate failed.
    Failed = 1,
    /// The command line, the configuration or the script is wrong.
    Usage = 2,
    /// The runner is wrong.
    Internal = 3,
    /// The user has interrupted it.
    Interrupted = 130,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// A place in a file; lines and columns count from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as the user named it.
    pub file: String,
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    status: Status,
    message: String,
    place: Option<Place>,
    excerpt: Option<String>,
    detail: Option<String>,
    hint: Option<String>,
}

/// A result of the runner. The error is boxed because it is large and rare.
pub type Result<T> = std::result::Result<T, Box<Error>>;

impl Error {
    fn new(status: Status, message: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            status,
            message: message.into(),
            place: None,
            excerpt: None,
            detail: None,
            hint: None,
        })
    }

    /// The command line, the configuration or a script is wrong.
    pub fn usage(message: impl Into<String>) -> Box<Self> {
        Self::new(Status::Usage, message)
    }

    /// A statement, a check or a gate failed.
    pub fn failed(message: impl Into<String>) -> Box<Self> {
        Self::new(Status::Failed, message)
    }

    /// The runner is wrong.
    pub fn internal(message: impl Into<String>) -> Box<Self> {
        Self::new(Status::Internal, message)
    }

    /// Reading or writing `what` failed.
    pub fn io(what: impl std::fmt::Display, error: &std::io::Error) -> Box<Self> {
        Self::failed(format!("{what}: {error}"))
    }

    /// Says where. The first place given is the most precise one and stays.
    pub fn at(mut self: Box<Self>, place: Place) -> Box<Self> {
        self.place.get_or_insert(place);
        self
    }

    /// Shows lines of the file below the message.
    pub fn excerpt(mut self: Box<Self>, excerpt: impl Into<String>) -> Box<Self> {
        self.excerpt.get_or_insert(excerpt.into());
        self
    }

    /// Shows a longer text, such as an engine's message, below the excerpt.
    pub fn detail(mut self: Box<Self>, detail: impl Into<String>) -> Box<Self> {
        self.detail = Some(detail.into());
        self
    }

    /// Says what to do about it.
    pub fn hint(mut self: Box<Self>, hint: impl Into<String>) -> Box<Self> {
        self.hint.get_or_insert(hint.into());
        self
    }

    /// Like [`Error::hint`], if there is one.
    pub fn hint_if(self: Box<Self>, hint: Option<String>) -> Box<Self> {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// Puts `headline` first: the message so far becomes the detail.
    pub fn headline(mut self: Box<Self>, headline: impl Into<String>) -> Box<Self> {
        let message = std::mem::replace(&mut self.message, headline.into());
        self.detail = Some(match self.detail.take() {
            Some(detail) => format!("{message}\n{detail}"),
            None => message,
        });
        self
    }

    /// Says that something else is to blame for how the command ends.
    pub fn with_status(mut self: Box<Self>, status: Status) -> Box<Self> {
        self.status = status;
        self
    }

    /// What went wrong, in a line, without secrets.
    pub fn message(&self) -> Cow<'_, str> {
        masked(&self.message)
    }

    /// How the command ends.
    pub fn status(&self) -> Status {
        self.status
    }

    /// All of it as text, without secrets. `label` is "error", perhaps in colour.
    pub fn render(&self, label: &str) -> String {
        let mut text = format!("{label}: ");
        // Writing to a String cannot fail.
        if let Some(Place { file, line, column }) = &self.place {
            let _ = write!(text, "{file}:{line}:{column}: ");
        }
        text.push_str(&self.message);
        for part in [&self.excerpt, &self.detail].into_iter().flatten() {
            let _ = write!(text, "\n{}", part.trim_end());
        }
        if let Some(hint) = &self.hint {
            let _ = write!(text, "\nhint: {hint}");
        }
        match masked(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(masked) => masked,
        }
    }

    /// All of it where there is room for one sentence, such as in an engine's message.
    pub fn in_a_line(&self) -> String {
        let mut text = self.message.clone();
        if let Some(detail) = &self.detail {
            let _ = write!(text, ": {}", detail.trim().replace('\n', "; "));
        }
        if let Some(hint) = &self.hint {
            let _ = write!(text, " ({hint})");
        }
        text
    }

    /// All of it for `--output json`.
    pub fn to_json(&self) -> Json {
        json!({
            "message": masked(&self.message),
            "detail": self.detail.as_deref().map(masked),
            "file": self.place.as_ref().map(|place| &place.file),
            "line": self.place.as_ref().map(|place| place.line),
            "column": self.place.as_ref().map(|place| place.column),
            "hint": self.hint.as_deref().map(masked),
        })
    }
}

impl From<lagrange_udfs::Error> for Box<Error> {
    fn from(error: lagrange_udfs::Error) -> Self {
        if error.is_internal() {
            Error::internal(error.to_string())
        } else {
            Error::failed(error.to_string())
        }
    }
}

/// "did you mean 'x'?", for the one of `known` that is near `name`.
pub fn did_you_mean(name: &str, known: &[&str]) -> Option<String> {
    lagrange_udfs::error::nearest(name, known).map(|near| format!("did you mean '{near}'?"))
}
