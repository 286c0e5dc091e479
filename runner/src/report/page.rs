//! The page around the parts.

use super::html::escape;
use super::sections::Part;
use super::style::{DRAWING, PAGE};
use crate::runs::{Run, RunStatus};

/// The page.
pub fn page(run: &Run, parts: &[Part]) -> String {
    let title = format!("{} · {}", run.name, run.id);
    let links: String = parts
        .iter()
        .map(|part| {
            format!(
                "<li><a href=\"#{}\">{}</a></li>",
                part.id,
                escape(part.title)
            )
        })
        .collect();
    let body: String = parts
        .iter()
        .map(|part| {
            format!(
                "<section id=\"{id}\" aria-labelledby=\"{id}-title\"><h2 id=\"{id}-title\">{}</h2>{}</section>\n",
                escape(part.title),
                part.body,
                id = part.id,
            )
        })
        .collect();
    // Nothing from elsewhere: not even the icon that browsers ask for.
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\
         <link rel=\"icon\" href=\"data:,\"><title>{title}</title><style>{DRAWING}{PAGE}</style></head>\n<body>\
         <a class=\"skip\" href=\"#content\">Skip to the content</a>\n<header>{}</header>\n\
         <nav aria-label=\"Parts of this page\"><ul>{links}</ul></nav>\n<main id=\"content\">\n{body}</main>\n\
         <footer>Written by lagrange {} from the record of run {}.</footer></body></html>\n",
        head(run),
        escape(env!("CARGO_PKG_VERSION")),
        escape(&run.id),
        title = escape(&title),
    )
}

fn head(run: &Run) -> String {
    let (class, word) = match run.status {
        RunStatus::Finished => ("good", "finished"),
        RunStatus::Failed => ("bad", "failed"),
        RunStatus::Killed => ("bad", "killed"),
        RunStatus::Running => ("open", "running"),
    };
    let version = run.engine.version.as_deref().unwrap_or_default();
    let mut facts = vec![
        ("Run", run.id.clone()),
        ("Started", format!("{} UTC", run.started_at.plain())),
    ];
    let took = run.seconds().map(|seconds| format!("{seconds:.1} s"));
    facts.extend(took.map(|took| ("Took", took)));
    facts.push(("Engine", format!("{} {version}", run.engine.name)));
    facts.push(("Database", run.engine.database.clone()));
    facts.push(("Environment", run.environment.clone()));
    if let Some(git) = &run.git {
        let dirty = if git.dirty {
            ", and files that differ"
        } else {
            ""
        };
        facts.push(("Commit", format!("{}{dirty}", git.commit)));
    }
    if let Some(guard) = &run.guard {
        facts.push(("Check", guard.verdict.clone()));
    }
    let listed: String = facts
        .iter()
        .map(|(name, value)| format!("<dt>{}</dt><dd>{}</dd>", escape(name), escape(value)))
        .collect();
    let error = run.error.as_ref().map_or_else(String::new, |error| {
        let parts =
            ["message", "detail", "hint"].map(|part| error[part].as_str().unwrap_or_default());
        let text: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!(
            "<p class=\"error\" role=\"note\">{}</p>",
            escape(&text.join("\n"))
        )
    });
    format!(
        "<h1>{}</h1><p><span class=\"badge {class}\">{word}</span></p><dl class=\"facts\">{listed}</dl>{error}",
        escape(&run.name)
    )
}
