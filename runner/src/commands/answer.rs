//! How commands answer that find or do one thing: as text or as JSON, and with what is
//! wrong all the same.

use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

use crate::error::{Error, Result, Status};
use crate::printer::Printer;

/// Threads for what waits: stores, servers, engines.
///
/// # Errors
/// The system has none left.
pub(super) fn threads() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::internal(format!("cannot start threads: {error}")))
}

/// What a command found or did.
pub(super) struct Answer {
    /// For people.
    pub text: String,
    /// For `--output json`.
    pub json: Json,
    /// What is wrong all the same.
    pub error: Option<Box<Error>>,
}

impl Answer {
    /// Nothing is wrong.
    pub fn new(text: impl Into<String>, json: Json) -> Self {
        Self {
            text: text.into(),
            json,
            error: None,
        }
    }
}

/// Runs a command and prints what it answers.
pub(super) fn answered(printer: &Printer, command: impl AsyncFnOnce() -> Result<Answer>) -> Status {
    let outcome = threads().and_then(|runtime| runtime.block_on(command()));
    printer.stop();
    let (text, mut json, error) = match outcome {
        Ok(answer) => (answer.text, answer.json, answer.error),
        Err(error) => (String::new(), json!({}), Some(error)),
    };
    if !printer.is_text() {
        if let (Some(error), Json::Object(document)) = (&error, &mut json) {
            document.insert("error".to_owned(), error.to_json());
        }
        printer.result(&format!("{json:#}"));
    } else if !text.is_empty() {
        printer.result(&text);
    }
    match error {
        Some(error) => {
            printer.error(&error);
            error.status()
        }
        None => Status::Success,
    }
}
