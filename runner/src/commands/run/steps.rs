//! The loop: step after step on one engine.

use std::sync::Arc;
use std::time::Instant;

use super::publish;
use super::report::{Report, StepReport};
use crate::engines::{Engine, Outcome};
use crate::error::{Error, Result};
use crate::parameters::Step;
use crate::printer::{Printer, rows};
use crate::registry::{Registry, Saved};
use crate::script::Action;
use crate::tracking::Tracker;
use crate::trials::TrialFiles;

/// A run under way.
pub(super) struct Run<'a> {
    pub engine: Box<dyn Engine>,
    pub registry: Registry,
    pub tracker: Box<dyn Tracker>,
    pub trials: Arc<TrialFiles>,
    pub printer: &'a Printer,
    pub report: &'a mut Report,
}

impl Run<'_> {
    /// Runs the steps in their order.
    ///
    /// # Errors
    /// The first step that fails, with its place.
    pub async fn steps(&mut self, steps: &[Step]) -> Result<()> {
        for (i, step) in steps.iter().enumerate() {
            let label = format!("[{}/{}] {}", i + 1, steps.len(), step.description);
            self.printer.start(&label);
            let start = Instant::now();
            let outcome = self.step(step).await;
            self.trials.step_ended();
            self.report.interrupted = self.trials.was_interrupted();
            let seconds = start.elapsed().as_secs_f64();
            self.printer.stop();
            let mut report = StepReport::of(i, step, "done");
            report.seconds = Some(seconds);
            match outcome {
                Ok((outcome, saved)) => {
                    report.rows = outcome.rows;
                    self.show(&label, &outcome, seconds);
                    report.result = outcome.shown.map(|shown| shown.to_json());
                    self.tracker
                        .step(&step.description.to_string(), outcome.rows, seconds);
                    self.report.steps.push(report);
                    self.report.models.extend(saved);
                }
                Err(error) => {
                    report.status = "failed";
                    self.report.steps.push(report);
                    return Err(failure(error, step, i, steps.len()));
                }
            }
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<(Outcome, Vec<Saved>)> {
        let outcome = self.engine.execute(step).await?;
        let saved = match step.description.action {
            Action::CreateTable { temporary: false } => {
                publish::models(self.engine.as_mut(), &self.registry, step).await?
            }
            _ => Vec::new(),
        };
        Ok((outcome, saved))
    }

    fn show(&self, label: &str, outcome: &Outcome, seconds: f64) {
        let count = outcome.rows.map(rows).unwrap_or_default();
        self.printer
            .progress(&format!("{label:<50} {count:>18} {seconds:>9.2} s"));
        if let (Some(shown), true) = (&outcome.shown, self.printer.is_text()) {
            self.printer.result(&format!("{shown}\n"));
        }
    }
}

/// Says which step failed, where it stands and how it reads.
fn failure(error: Box<Error>, step: &Step, i: usize, count: usize) -> Box<Error> {
    let headline = format!("step {}/{count} ({}) failed", i + 1, step.description);
    error
        .headline(headline)
        .at(step.source.place(step.start))
        .excerpt(step.source.lines(step.start, &step.text))
}
