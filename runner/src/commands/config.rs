//! `lagrange config`: the settings as a run would use them.

use serde_json::{Map, Value as Json, json};

use crate::cli::{ConfigAction, ConfigArgs};
use crate::error::Status;
use crate::printer::Printer;
use crate::secrets;
use crate::settings::Settings;

/// Runs the command.
pub fn config(args: &ConfigArgs) -> Status {
    let args = match &args.action {
        Some(ConfigAction::Show(args)) => args,
        None => &args.show,
    };
    let printer = Printer::new(args.output);
    match Settings::resolve(&args.settings) {
        Ok(settings) if printer.is_text() => {
            printer.result(&text(&settings));
            Status::Success
        }
        Ok(settings) => {
            printer.result(&format!("{:#}", to_json(&settings)));
            Status::Success
        }
        Err(error) => {
            printer.error(&error);
            error.status()
        }
    }
}

fn text(settings: &Settings) -> String {
    let lines = settings.values.iter().map(|(key, (value, origin))| {
        let value = value.plain();
        format!("{key:<34} {:<44} {origin}", secrets::shown(key, &value))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn to_json(settings: &Settings) -> Json {
    let entries = settings.values.iter().map(|(key, (value, origin))| {
        let value = value.plain();
        let entry = json!({ "value": secrets::shown(key, &value), "origin": origin.to_string() });
        (key.clone(), entry)
    });
    Json::Object(entries.collect::<Map<_, _>>())
}
