//! What the user sees: progress on standard error, results on standard output.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::error::Error;
use crate::secrets::masked;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON document on standard output.
    Json,
}

/// How much is said while something runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Verbosity {
    /// Results, warnings and errors.
    Quiet,
    /// And a line per step.
    #[default]
    Normal,
    /// And what each step reads, writes and runs.
    Verbose,
}

/// `--quiet` and `--verbose`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct VerbosityArgs {
    /// Print results, warnings and errors only.
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print what each step reads, writes and runs.
    #[arg(short, long)]
    pub verbose: bool,
}

impl VerbosityArgs {
    fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }
}

/// How far a run is: the steps that are over, the one that runs, and for how long.
const BAR: &str = "{spinner} {bar:16} {msg} {elapsed}";

/// Whether `--no-color` was given.
static PLAIN: AtomicBool = AtomicBool::new(false);

/// No colours from here on.
pub fn without_colours() {
    PLAIN.store(true, Ordering::Relaxed);
}

fn colours(terminal: bool) -> bool {
    let asked = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    terminal && !asked && !PLAIN.load(Ordering::Relaxed)
}

/// Prints.
#[derive(Debug)]
pub struct Printer {
    output: Output,
    verbosity: Verbosity,
    colour: bool,
    /// On a terminal: the line that shows what runs.
    progress: Option<ProgressBar>,
}

impl Printer {
    /// A printer for this process.
    pub fn new(output: Output) -> Self {
        Self::with(output, &VerbosityArgs::default())
    }

    /// A printer that says as much as it is asked to.
    pub fn with(output: Output, verbosity: &VerbosityArgs) -> Self {
        let verbosity = verbosity.verbosity();
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let terminal = std::io::stderr().is_terminal();
        let animated = terminal && !set("CI") && verbosity > Verbosity::Quiet;
        let progress = animated.then(|| {
            let bar = ProgressBar::new_spinner();
            // The template is constant; without it the default shows as much.
            if let Ok(style) = ProgressStyle::with_template(BAR) {
                bar.set_style(style.progress_chars("━╸ "));
            }
            bar
        });
        Self {
            output,
            verbosity,
            colour: colours(terminal),
            progress,
        }
    }

    /// Whether standard output takes colours.
    pub fn colours_results(&self) -> bool {
        colours(std::io::stdout().is_terminal())
    }

    /// Whether results are for people.
    pub fn is_text(&self) -> bool {
        self.output == Output::Text
    }

    /// Shows that `label` runs, and that `done` of `all` are over.
    pub fn start(&self, label: &str, done: usize, all: usize) {
        if let Some(bar) = &self.progress {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
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
        if self.verbosity > Verbosity::Quiet {
            self.on_stderr(&masked(line));
        }
    }

    /// What only those want to know who ask for it.
    pub fn detail(&self, text: impl FnOnce() -> String) {
        if self.verbosity == Verbosity::Verbose {
            self.on_stderr(&masked(&text()));
        }
    }

    /// Whether only results, warnings and errors are printed.
    pub fn is_quiet(&self) -> bool {
        self.verbosity == Verbosity::Quiet
    }

    /// Shows how far the step is that runs, from any thread.
    pub fn ticker(&self) -> Ticker {
        Ticker {
            progress: self.progress.clone(),
            quiet: self.is_quiet(),
        }
    }

    /// Something the user should know that is not an error.
    pub fn notice(&self, text: &str) {
        if !self.is_quiet() {
            let label = self.label("notice", "33");
            self.on_stderr(&format!("{label}: {}", masked(text)));
        }
    }

    /// What went wrong and does not stop anything.
    pub fn warning(&self, error: &Error) {
        let label = self.label("warning", "1;33");
        self.on_stderr(&error.render(&label));
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
    quiet: bool,
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
            None if worth_a_line && !self.quiet => self.line(text),
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

/// `0.42 s`, `1 min 05 s`, `2 h 03 min`
pub fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.2} s");
    }
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

/// `12 bytes`, `3.4 kB`, `1.2 MB`, `5.6 GB`, `7.8 TB`
pub fn amount(bytes: u64) -> String {
    let size = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", size / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", size / 1e6),
        1_000_000_000..1_000_000_000_000 => format!("{:.1} GB", size / 1e9),
        _ => format!("{:.1} TB", size / 1e12),
    }
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

    #[test]
    fn durations_are_read_at_a_glance() {
        assert_eq!(duration(0.004), "0.00 s");
        assert_eq!(duration(65.2), "1 min 05 s");
        assert_eq!(duration(7380.0), "2 h 03 min");
    }
}
