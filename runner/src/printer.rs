//! What the user sees: progress on standard error, results on standard output.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::error::Error;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON document on standard output.
    Json,
}

/// Prints.
#[derive(Debug)]
pub struct Printer {
    output: Output,
    colour: bool,
    /// On a terminal: the line that shows what runs.
    progress: Option<ProgressBar>,
}

impl Printer {
    /// A printer for this process.
    pub fn new(output: Output) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let terminal = std::io::stderr().is_terminal();
        let progress = (terminal && !set("CI")).then(|| {
            let bar = ProgressBar::new_spinner();
            // The template is constant; without it the default shows as much.
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
                bar.set_style(style);
            }
            bar
        });
        Self {
            output,
            colour: terminal && !set("NO_COLOR"),
            progress,
        }
    }

    /// Whether standard output takes colours.
    pub fn colours_results(&self) -> bool {
        std::io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    /// Whether results are for people.
    pub fn is_text(&self) -> bool {
        self.output == Output::Text
    }

    /// Shows that `label` runs.
    pub fn start(&self, label: &str) {
        if let Some(bar) = &self.progress {
            bar.reset_elapsed();
            bar.set_message(label.to_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
        }
    }

    /// Nothing runs any more.
    pub fn stop(&self) {
        if let Some(bar) = &self.progress {
            bar.disable_steady_tick();
            bar.finish_and_clear();
        }
    }

    /// A line of progress.
    pub fn progress(&self, line: &str) {
        self.on_stderr(line);
    }

    /// Shows how far the step is that runs, from any thread.
    pub fn ticker(&self) -> Ticker {
        Ticker {
            progress: self.progress.clone(),
        }
    }

    /// Something the user should know that is not an error.
    pub fn notice(&self, text: &str) {
        let label = self.label("notice", "33");
        self.on_stderr(&format!("{label}: {text}"));
    }

    /// What went wrong.
    pub fn error(&self, error: &Error) {
        let label = self.label("error", "1;31");
        self.on_stderr(&error.render(&label));
    }

    /// A result, on standard output. A reader that has gone away is no error.
    pub fn result(&self, text: &str) {
        let print = || {
            let mut out = std::io::stdout().lock();
            let _ = writeln!(out, "{}", text.trim_end());
            let _ = out.flush();
        };
        match &self.progress {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn on_stderr(&self, line: &str) {
        let print = || {
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        };
        match &self.progress {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn label(&self, word: &str, code: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{word}\x1b[0m")
        } else {
            word.to_owned()
        }
    }
}

/// Shows how far a step is.
#[derive(Debug, Clone)]
pub struct Ticker {
    progress: Option<ProgressBar>,
}

impl Ticker {
    /// On a terminal it replaces what was shown before; elsewhere it is a line, if
    /// it is worth one.
    pub fn tick(&self, text: &str, worth_a_line: bool) {
        match &self.progress {
            Some(bar) => {
                let message = bar.message();
                let label = message.split(SEPARATOR).next().unwrap_or_default();
                bar.set_message(format!("{label}{SEPARATOR}{text}"));
            }
            None if worth_a_line => self.line(text),
            None => {}
        }
    }

    /// A line that stays.
    pub fn line(&self, text: &str) {
        let print = || {
            let _ = writeln!(std::io::stderr().lock(), "      {text}");
        };
        match &self.progress {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

/// Between a step and how far it is.
const SEPARATOR: &str = ": ";

/// `1234567` as `1,234,567`.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2 rows`
pub fn rows(count: u64) -> String {
    format!(
        "{} row{}",
        thousands(count),
        if count == 1 { "" } else { "s" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(rows(1), "1 row");
    }
}
