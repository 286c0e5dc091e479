//! `lagrange models`: the registry, one verb per file.

mod delete;
mod diff;
mod export;
mod import;
mod list;
mod promote;
mod register;
mod rollback;
mod show;
mod verify;

use serde_json::Value as Json;

use super::answer::{self, answered};
use crate::cli::ModelsArgs;
use crate::cli::models::ModelsVerb;
use crate::error::{Error, Result, Status};
use crate::printer::Printer;
use crate::registry::Registry;
use crate::settings::Settings;
use crate::tracking::mlflow;

/// What a verb found or did.
struct Answer {
    answer: answer::Answer,
    /// The aliases that were changed, and what they stand for now.
    aliases: Vec<Alias>,
}

/// An alias of a model, and the version that it stands for.
struct Alias {
    name: String,
    alias: String,
    version: Option<u64>,
}

impl Answer {
    fn new(text: impl Into<String>, json: Json) -> Self {
        Self {
            answer: answer::Answer::new(text, json),
            aliases: Vec::new(),
        }
    }

    /// With what is wrong all the same.
    fn but(mut self, error: Option<Box<Error>>) -> Self {
        self.answer.error = error;
        self
    }

    /// With an alias that was changed.
    fn aliased(mut self, name: &str, alias: &str, version: Option<u64>) -> Self {
        self.aliases.push(Alias {
            name: name.to_owned(),
            alias: alias.to_owned(),
            version,
        });
        self
    }
}

/// Runs the command.
pub fn models(args: &ModelsArgs) -> Status {
    let printer = Printer::new(args.verb.registry().output);
    answered(&printer, async || {
        let answer = verb(&args.verb, &printer).await?;
        Ok(answer.answer)
    })
}

async fn verb(verb: &ModelsVerb, printer: &Printer) -> Result<Answer> {
    let place = verb.registry();
    let settings = Settings::resolve(&place.settings())?;
    let location = place.registry.as_ref().unwrap_or(&settings.model_registry);
    let registry = Registry::open(location)?;
    let answer = match verb {
        ModelsVerb::List(args) => list::list(&registry, args).await,
        ModelsVerb::Show(args) => show::show(&registry, args).await,
        ModelsVerb::Diff(args) => diff::diff(&registry, args).await,
        ModelsVerb::Promote(args) => promote::promote(&registry, args).await,
        ModelsVerb::Rollback(args) => rollback::rollback(&registry, args).await,
        ModelsVerb::Export(args) => export::export(&registry, args).await,
        ModelsVerb::Import(args) => import::import(&registry, args).await,
        ModelsVerb::Delete(args) => delete::delete(&registry, args).await,
        ModelsVerb::Verify(args) => verify::verify(&registry, args).await,
        ModelsVerb::Register(args) => register::register(&registry, &settings, args).await,
    }?;
    // Of another registry the server of these settings knows nothing.
    if *location == settings.model_registry {
        tell_server(&settings, &answer.aliases, printer).await;
    }
    Ok(answer)
}

/// The tracking server hears of aliases; if it does not, the registry's hold all the
/// same.
async fn tell_server(settings: &Settings, aliases: &[Alias], printer: &Printer) {
    for changed in aliases {
        let Alias {
            name,
            alias,
            version,
        } = changed;
        if let Err(reason) = mlflow::mirror(settings, name, alias, *version).await {
            printer.notice(&format!(
                "the tracking server has not heard of it: {reason}; the same command tells it again"
            ));
            return;
        }
    }
}

/// Lines of `name  value`, the values below each other.
fn aligned(lines: &[(String, String)]) -> String {
    let width = lines
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for (name, value) in lines {
        let line = format!("{name:<width$}  {value}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Of which version an alias was and is, in words.
fn from_to(from: Option<u64>, to: Option<u64>) -> String {
    let shown = |version: Option<u64>| {
        version.map_or_else(
            || "no version".to_owned(),
            |version| format!("version {version}"),
        )
    };
    match from {
        Some(_) => format!("{} (was {})", shown(to), shown(from)),
        None => shown(to),
    }
}
