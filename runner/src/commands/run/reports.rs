//! Results for other programs: JUnit XML, and a summary in Markdown.

use std::fmt::Write as _;

use super::results::{Results, State, StepResult};
use crate::error::{Error, Status};
use crate::printer::{duration, rows};

/// JUnit XML: a suite per script, a case per step and per gate.
pub(super) fn junit(results: &Results, error: Option<&Error>) -> String {
    let mut files: Vec<&str> = Vec::new();
    for step in &results.steps {
        if !files.contains(&step.file.as_str()) {
            files.push(&step.file);
        }
    }
    let mut suites = Vec::new();
    for file in files {
        let cases: Vec<Case> = results
            .steps
            .iter()
            .filter(|step| step.file == file && step.state != State::Deselected)
            .flat_map(cases)
            .collect();
        suites.push((file.to_owned(), cases));
    }
    // An error that belongs to no step: a script that cannot be read, ...
    let told = results.steps.iter().any(|step| step.message.is_some());
    if let (Some(error), false) = (error, told || has_failed_gate(results)) {
        let case = Case {
            name: "lagrange".to_owned(),
            seconds: 0.0,
            outcome: Some(("error", error.message().into_owned(), error.render("error"))),
        };
        suites.push(("lagrange".to_owned(), vec![case]));
    }
    let all = || suites.iter().flat_map(|(_, cases)| cases);
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a String cannot fail.
    let _ = writeln!(xml, "<testsuites name=\"lagrange\"{}>", totals(all()));
    for (file, cases) in &suites {
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\"{}>",
            escaped(file),
            totals(cases.iter())
        );
        for case in cases {
            let _ = write!(
                xml,
                "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
                escaped(file),
                escaped(&case.name),
                case.seconds
            );
            match &case.outcome {
                None => xml.push_str("/>\n"),
                Some((kind, message, text)) => {
                    let _ = write!(
                        xml,
                        ">\n      <{kind} message=\"{}\">{}</{kind}>\n    </testcase>\n",
                        escaped(message),
                        escaped(text)
                    );
                }
            }
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn has_failed_gate(results: &Results) -> bool {
    let mut gates = results.steps.iter().flat_map(|step| &step.gates);
    gates.any(|gate| gate.stops())
}

struct Case {
    name: String,
    seconds: f64,
    /// The element, its message and its text.
    outcome: Option<(&'static str, String, String)>,
}

fn totals<'a>(cases: impl Iterator<Item = &'a Case>) -> String {
    let (mut tests, mut failures, mut errors, mut skipped, mut seconds) = (0, 0, 0, 0, 0.0);
    for case in cases {
        tests += 1;
        seconds += case.seconds;
        match case.outcome.as_ref().map(|(kind, ..)| *kind) {
            Some("failure") => failures += 1,
            Some("error") => errors += 1,
            Some("skipped") => skipped += 1,
            _ => {}
        }
    }
    format!(
        " tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" \
         time=\"{seconds:.3}\""
    )
}

fn cases(step: &StepResult) -> Vec<Case> {
    let mut cases = Vec::new();
    let message = || step.message.clone().unwrap_or_default();
    // An assertion is its gate.
    if step.kind != "assert" || step.gates.is_empty() {
        let outcome = match step.state {
            State::Failed if !step.gates.iter().any(|gate| gate.stops()) => {
                Some(("error", message(), message()))
            }
            State::Killed => Some(("error", "killed".to_owned(), message())),
            State::Skipped => Some(("skipped", message(), String::new())),
            State::Kept => Some(("skipped", "unchanged".to_owned(), String::new())),
            _ => None,
        };
        cases.push(Case {
            name: format!("[{}] {}", step.index, step.description),
            seconds: step.seconds.unwrap_or_default(),
            outcome,
        });
    }
    for gate in &step.gates {
        let detail = gate.detail.clone().unwrap_or_default();
        let place = format!("{}:{}", step.file, gate.line);
        let name = format!("[{}] gate: {}", step.index, gate.title());
        let outcome = (!gate.held).then(|| match gate.status() {
            "warned" => (
                "system-out",
                String::new(),
                format!("warning at {place}\n{detail}"),
            ),
            _ => ("failure", gate.title(), format!("{place}\n{detail}")),
        });
        let seconds = match step.kind.as_str() {
            "assert" => step.seconds.unwrap_or_default(),
            _ => 0.0,
        };
        cases.push(Case {
            name,
            seconds,
            outcome,
        });
    }
    cases
}

/// Text in XML, without what XML cannot hold.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' | '\r' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('?'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A summary for GitHub's page of a run.
pub(super) fn markdown(results: &Results, status: Status, error: Option<&Error>) -> String {
    let (sign, word) = match status {
        Status::Success => ("✅", "succeeded"),
        Status::Interrupted => ("⚠️", "was interrupted"),
        _ => ("❌", "failed"),
    };
    let about = &results.about;
    let scripts: Vec<&str> = about
        .scripts
        .iter()
        .map(|(file, _)| file.as_str())
        .collect();
    let mut text = format!(
        "### {sign} lagrange {} {}: {word}\n\n",
        about.command,
        cell(&scripts.join(" "))
    );
    if let Some(error) = error {
        let _ = writeln!(
            text,
            "```\n{}\n```\n",
            error.render("error").replace("```", "'''")
        );
    }
    if results.steps.is_empty() {
        return text;
    }
    text.push_str("| | Step | Place | Rows | Time |\n|---|---|---|--:|--:|\n");
    for step in &results.steps {
        let sign = match step.state {
            State::Done => "✅",
            State::Kept => "♻️",
            State::Failed | State::Killed => "❌",
            State::Skipped | State::Deselected => "⏭️",
        };
        let _ = writeln!(
            text,
            "| {sign} {} | {} | {}:{} | {} | {} |",
            step.state.name(),
            cell(&step.description),
            cell(&step.file),
            step.line,
            step.rows.map(rows).unwrap_or_default(),
            step.seconds.map(duration).unwrap_or_default()
        );
        for gate in &step.gates {
            let sign = match gate.status() {
                "passed" => "✅",
                "warned" => "⚠️",
                _ => "❌",
            };
            let _ = writeln!(
                text,
                "| {sign} {} | gate: {} | {}:{} | | |",
                gate.status(),
                cell(&gate.title()),
                cell(&step.file),
                gate.line
            );
        }
    }
    let _ = writeln!(text, "\n{}\n", results.total("ended"));
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_fits_into_xml() {
        assert_eq!(
            escaped("a<b & \"c\"\u{1}\n"),
            "a&lt;b &amp; &quot;c&quot;?\n"
        );
    }
}
