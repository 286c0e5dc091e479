//! The loop: step after step on one engine.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::gates::{self, Gate};
use super::memory::{Decision, Memory};
use super::publish;
use super::results::{Results, State, StepResult};
use super::settle;
use crate::engines::fingerprint::Fingerprints;
use crate::engines::{Engine, Outcome, text};
use crate::error::{Error, Result, Status};
use crate::flow::Flow;
use crate::interrupt::{Cause, Interrupt};
use crate::parameters::Step;
use crate::printer::{Printer, duration, rows};
use crate::registry::{Registry, Saved};
use crate::script::Action;
use crate::tracking::{Published, StepEnd, Tracking};
use crate::trials::TrialFiles;

/// How wide the description of a step is shown.
const LABEL: usize = 50;

/// A run under way.
pub(super) struct Run<'a> {
    pub engine: Box<dyn Engine>,
    pub registry: Registry,
    /// None where only gates are asked.
    pub tracking: Option<&'a mut Tracking>,
    pub trials: Arc<TrialFiles>,
    pub printer: &'a Printer,
    pub interrupt: Arc<Interrupt>,
    pub results: &'a Mutex<Results>,
    pub memory: Memory,
    pub steps: &'a [Step],
    pub flows: &'a [Flow],
    pub decisions: Vec<Decision>,
    pub failure: OnFailure,
}

/// What happens after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// Nothing runs any more.
    Stop,
    /// What does not depend on it runs.
    LeaveOutDependents,
    /// Everything runs.
    GoOn,
}

/// What a step did, if nothing went wrong.
struct Done {
    outcome: Outcome,
    saved: Vec<Saved>,
    models: Vec<Published>,
    gates: Vec<Gate>,
    /// What it reads, as it looks.
    fingerprints: Fingerprints,
}

impl Run<'_> {
    /// Runs the steps in their order.
    ///
    /// # Errors
    /// The first step that fails, with its place; of several, how many.
    pub async fn run(&mut self) -> Result<()> {
        let mut failures: Vec<Box<Error>> = Vec::new();
        // Tables that are not what they should be, because something failed.
        let mut spoilt: BTreeSet<String> = BTreeSet::new();
        for i in 0..self.steps.len() {
            let flow = self.flows[i].clone();
            match self.decisions[i] {
                Decision::LeaveOut => {
                    self.leave(i, State::Deselected, None);
                    continue;
                }
                Decision::Keep => {
                    self.printer.progress(&format!(
                        "{:<LABEL$} {:>18}",
                        self.label(i),
                        "unchanged"
                    ));
                    if settle::counts(&self.steps[i], self.registry.origin.gates)
                        && let Err(error) = self.publish_again(i).await
                    {
                        failures.push(error);
                    }
                    self.leave(i, State::Kept, None);
                    continue;
                }
                Decision::Run => {}
            }
            let depends = || flow.reads.iter().find(|table| spoilt.contains(*table));
            let reason = if self.interrupt.cause().is_some() {
                Some("the run was stopped".to_owned())
            } else if !failures.is_empty() && self.failure == OnFailure::Stop {
                Some("an earlier step failed".to_owned())
            } else {
                depends().map(|table| format!("it reads {table}, which failed"))
            };
            if let Some(reason) = reason {
                if self.failure != OnFailure::Stop && self.interrupt.cause().is_none() {
                    let label = self.label(i);
                    self.printer
                        .progress(&format!("{label:<LABEL$} {:>18}  {reason}", "skipped"));
                }
                spoilt.extend(flow.writes);
                self.leave(i, State::Skipped, Some(reason));
                continue;
            }
            match self.step(i).await {
                Ok(()) => {
                    // What failed before is made anew.
                    spoilt.retain(|table| !flow.writes.contains(table));
                }
                Err(error) if self.failure == OnFailure::GoOn => failures.push(error),
                Err(error) => {
                    spoilt.extend(if flow.writes.is_empty() {
                        flow.reads
                    } else {
                        flow.writes
                    });
                    failures.push(error);
                }
            }
        }
        let whole = failures.is_empty() && self.interrupt.cause().is_none();
        match self.settle(whole).await {
            Err(error) if whole => return Err(error),
            Err(error) => self.printer.warning(&error),
            Ok(()) => {}
        }
        if let Some(cause) = self.interrupt.cause() {
            return Err(stopped(cause, failures.pop()));
        }
        if failures.len() > 1 {
            let count = failures.len();
            for error in failures {
                self.printer.error(&error);
            }
            let message = format!("{count} of {} steps failed", self.steps.len());
            return Err(Error::failed(message));
        }
        failures.pop().map_or(Ok(()), Err)
    }

    /// The models of a table that is kept are models of this run.
    async fn publish_again(&mut self, i: usize) -> Result<()> {
        let step = &self.steps[i];
        let mut fingerprints = Fingerprints::default();
        let engine = self.engine.as_mut();
        let published = publish::models(engine, &self.registry, step, &mut fingerprints).await;
        let (saved, _) = published.map_err(|error| failure(error, step, i, self.steps.len()))?;
        self.results().models.extend(saved);
        Ok(())
    }

    /// What the gates say stands with the models; where all went well, they get their
    /// aliases.
    async fn settle(&mut self, whole: bool) -> Result<()> {
        if self.tracking.is_none() {
            return Ok(());
        }
        let (models, verdict) = {
            let results = self.results();
            let verdict = settle::verdict(self.steps, &results);
            (results.models.clone(), verdict)
        };
        let enrol = whole && self.registry.origin.guard.is_checked();
        let models = settle::settle(&self.registry, models, verdict, enrol).await?;
        if let Some(tracking) = self.tracking.as_deref_mut() {
            tracking.settled(&models);
        }
        self.results().models = models;
        Ok(())
    }

    fn results(&self) -> MutexGuard<'_, Results> {
        lock(self.results)
    }

    /// Notes a step that does not run.
    fn leave(&self, i: usize, state: State, message: Option<String>) {
        let mut result = StepResult::new(i, &self.steps[i], &self.flows[i], state);
        result.hash = self.memory.hash_of(i).cloned();
        result.message = message;
        self.results().steps.push(result);
    }

    fn label(&self, i: usize) -> String {
        format!(
            "[{}/{}] {}",
            i + 1,
            self.steps.len(),
            self.steps[i].description
        )
    }

    async fn step(&mut self, i: usize) -> Result<()> {
        let steps = self.steps;
        let step = &steps[i];
        let label = self.label(i);
        self.printer.detail(|| told(step, &self.flows[i]));
        self.printer.start(&label, i, steps.len());
        let start = Instant::now();
        let mut result = StepResult::new(i, step, &self.flows[i], State::Done);
        result.hash = self.memory.hash_of(i).cloned();
        self.results().running = Some(StepResult::new(i, step, &self.flows[i], State::Killed));
        let known = self.memory.begin(&self.flows[i])?;
        let outcome = self.execute(step).await;
        self.trials.step_ended();
        let seconds = start.elapsed().as_secs_f64();
        self.printer.stop();
        result.seconds = Some(seconds);
        let ended = match outcome {
            Ok(done) => {
                result.rows = done.outcome.rows;
                result.gates = done.gates;
                let stopping = result.gates.iter().find(|gate| gate.stops());
                let error = stopping.map(|gate| gate.error(step));
                self.show(&label, step, &done.outcome, &result.gates, seconds);
                let end = StepEnd {
                    index: i + 1,
                    step,
                    done: error.is_none(),
                    rows: done.outcome.rows,
                    seconds,
                    models: done.models,
                    flow: &self.flows[i],
                    fingerprints: done.fingerprints,
                };
                self.track(end).await;
                self.results().models.extend(done.saved);
                result.result = done.outcome.shown.map(|shown| shown.to_json());
                match error {
                    Some(error) => {
                        result.state = State::Failed;
                        // The table is there; it only does not count as finished.
                        self.memory.save().and(Err(error))
                    }
                    None => self.memory.finish(i, &self.flows[i]),
                }
            }
            Err(error) => {
                result.state = match self.interrupt.cause() {
                    Some(_) => State::Killed,
                    None => State::Failed,
                };
                result.message = Some(error.message().into_owned());
                let (state, took) = (result.state.name(), duration(seconds));
                self.printer
                    .progress(&format!("{label:<LABEL$} {state:>18} {took:>11}"));
                let end = StepEnd {
                    index: i + 1,
                    step,
                    done: false,
                    rows: None,
                    seconds,
                    models: Vec::new(),
                    flow: &self.flows[i],
                    fingerprints: Fingerprints::default(),
                };
                self.track(end).await;
                let error = failure(error, step, i, steps.len());
                self.memory.undo(known).and(Err(error))
            }
        };
        let mut results = self.results();
        results.running = None;
        results.steps.push(result);
        ended
    }

    /// The record hears of a step.
    async fn track(&mut self, end: StepEnd<'_>) {
        if let Some(tracking) = self.tracking.as_deref_mut() {
            tracking.step(end, self.engine.as_mut()).await;
            tracking.tell(self.printer);
        }
    }

    /// Runs a statement, its tests, and publishes its models.
    async fn execute(&mut self, step: &Step) -> Result<Done> {
        self.interrupt.begin(self.engine.canceller());
        let interrupt = Arc::clone(&self.interrupt);
        let asked = async {
            match step.description.action {
                Action::Assert => {
                    let gate = gates::assertion(self.engine.as_mut(), step).await?;
                    Ok::<_, Box<Error>>((Outcome::default(), vec![gate]))
                }
                _ => {
                    let outcome = self.engine.execute(step).await?;
                    let gates = gates::expectations(step, &outcome);
                    Ok((outcome, gates))
                }
            }
        };
        let asked = tokio::select! {
            biased;
            asked = asked => asked,
            () = interrupt.wait() => Err(Error::failed("cancelled")),
        };
        self.interrupt.end();
        let (outcome, gates) = asked?;
        // A table that a gate refuses publishes nothing.
        let refused = gates.iter().any(Gate::stops);
        let mut fingerprints = Fingerprints::default();
        let (saved, models) = match step.description.action {
            Action::CreateTable { temporary: false } if !refused => {
                let engine = self.engine.as_mut();
                publish::models(engine, &self.registry, step, &mut fingerprints).await?
            }
            _ => Default::default(),
        };
        Ok(Done {
            outcome,
            saved,
            models,
            gates,
            fingerprints,
        })
    }

    fn show(&self, label: &str, step: &Step, outcome: &Outcome, gates: &[Gate], seconds: f64) {
        let told = match (step.description.action == Action::Assert, gates.first()) {
            (true, Some(gate)) => gate.status().to_owned(),
            _ => outcome.rows.map(rows).unwrap_or_default(),
        };
        let seconds = duration(seconds);
        self.printer
            .progress(&format!("{label:<LABEL$} {told:>18} {seconds:>11}"));
        if step.description.action != Action::Assert {
            for gate in gates {
                let line = format!("      gate: {}", gate.title());
                self.printer
                    .progress(&format!("{line:<LABEL$} {:>18}", gate.status()));
            }
        }
        for gate in gates.iter().filter(|gate| !gate.held && !gate.stops()) {
            self.printer.warning(&gate.error(step));
        }
        // What is tested is not shown.
        let is_shown = self.printer.is_text() && step.expectations.tests.is_empty();
        if let (Some(shown), true) = (&outcome.shown, is_shown) {
            self.printer.result(&format!("{shown}\n"));
        }
    }
}

/// The results, whatever has happened to those who held them.
pub(super) fn lock(results: &Mutex<Results>) -> MutexGuard<'_, Results> {
    results.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a run says that was stopped.
pub(super) fn stopped(cause: Cause, failure: Option<Box<Error>>) -> Box<Error> {
    let (message, status) = match cause {
        Cause::Signal => ("interrupted".to_owned(), Status::Interrupted),
        Cause::Timeout(limit) => (
            format!("timed out after {}", duration(limit.as_secs_f64())),
            Status::Failed,
        ),
    };
    let error = match failure {
        Some(error) => error.headline(message),
        None => Error::failed(message),
    };
    let error = error.with_status(status);
    match cause {
        Cause::Signal => error.hint("lagrange run --resume goes on with the step that was stopped"),
        Cause::Timeout(_) => error.hint(
            "give it more with --timeout; lagrange run --resume goes on with the step that was \
             stopped",
        ),
    }
}

/// What `--verbose` says about a step.
fn told(step: &Step, flow: &Flow) -> String {
    let list = |names: &BTreeSet<String>| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.join(", ")
    };
    let mut lines = vec![format!("      {}:{}", step.source.file, step.start.line)];
    for (word, names) in [
        ("reads", &flow.reads),
        ("files", &flow.files),
        ("writes", &flow.writes),
        ("exports", &flow.exports),
    ] {
        if !names.is_empty() {
            lines.push(format!("      {word:<8} {}", list(names)));
        }
    }
    let sql = match step.bound {
        true => text::sql(&step.statement),
        false => step.text.clone(),
    };
    lines.extend(sql.lines().map(|line| format!("      | {line}")));
    lines.join("\n")
}

/// Says which step failed, where it stands and how it reads.
fn failure(error: Box<Error>, step: &Step, i: usize, count: usize) -> Box<Error> {
    let headline = format!("step {}/{count} ({}) failed", i + 1, step.description);
    error
        .headline(headline)
        .at(step.source.place(step.start))
        .excerpt(step.source.lines(step.start, &step.text))
}
