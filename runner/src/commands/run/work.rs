//! The thread that has the engine, and the one that can stop it.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::gates;
use super::memory::{Decision, Memory};
use super::results::Results;
use super::select::Work;
use super::steps::{self, OnFailure, Run};
use super::track;
use super::upload::Upload;
use crate::cli::EngineName;
use crate::commands::answer::threads;
use crate::engines::Choice;
use crate::error::{Error, Result};
use crate::flow::{self, Flow};
use crate::interrupt::{Cause, Interrupt, LOOK};
use crate::parameters::Step;
use crate::printer::Printer;
use crate::registry::Registry;
use crate::script::Action;
use crate::settings::Settings;
use crate::tracking::Tracking;
use crate::trials::TrialFiles;

/// Bytes of stack of the engine's thread: a plan is as deep as its query. Pages that
/// are not touched cost nothing.
const STACK: usize = 64 << 20;

/// What is to be done with the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Run {
        resume: bool,
        keep_going: bool,
    },
    /// Only the gates.
    Test,
}

/// What is to be done.
pub(super) struct Order {
    pub scripts: Vec<String>,
    pub choice: Choice,
    pub settings: Settings,
    pub steps: Vec<Step>,
    pub flows: Vec<Flow>,
    pub selected: Vec<bool>,
    pub mode: Mode,
    pub timeout: Option<Duration>,
    pub registry: Registry,
    /// The record, and whether the server is required; none where only gates are asked.
    pub tracking: Option<(Tracking, bool)>,
    /// What is left for others when everything has run.
    pub upload: Option<Upload>,
}

/// Does it: on a thread of its own, so that this one can cancel what runs there, and
/// end without it if it does not listen.
///
/// # Errors
/// What goes wrong, and what stopped it.
pub(super) fn work(
    order: Order,
    printer: &Arc<Printer>,
    results: &Arc<Mutex<Results>>,
) -> Result<()> {
    let interrupt = Interrupt::new();
    let ticker = printer.ticker();
    interrupt.listen(move |text| ticker.line(text));
    let deadline = order.timeout.map(|limit| (Instant::now() + limit, limit));
    let (send, receive) = mpsc::channel();
    let thread = {
        let (printer, results) = (Arc::clone(printer), Arc::clone(results));
        let interrupt = Arc::clone(&interrupt);
        std::thread::Builder::new()
            .name("engine".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                let outcome = engine_thread(order, &printer, &results, interrupt);
                // The receiver may have given up.
                let _ = send.send(outcome);
            })
            .map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?
    };
    loop {
        match receive.recv_timeout(LOOK) {
            Ok(outcome) => return outcome,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                // The panic hook has printed the message.
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => return Err(Error::internal("the engine ended without an answer")),
            },
        }
        if let Some((end, limit)) = deadline
            && Instant::now() >= end
        {
            interrupt.raise(Cause::Timeout(limit));
        }
        if interrupt.press()
            && let Some(cause) = interrupt.cause()
        {
            // Nothing is half done: a statement's table is put in place at its end.
            return Err(steps::stopped(cause, None)
                .detail("a function that computes does not notice; its step was left behind"));
        }
    }
}

fn engine_thread(
    order: Order,
    printer: &Printer,
    results: &Mutex<Results>,
    interrupt: Arc<Interrupt>,
) -> Result<()> {
    let runtime = threads()?;
    let outcome = runtime.block_on(recorded(order, printer, results, interrupt));
    // Tasks of a statement that was cancelled may still compute.
    runtime.shutdown_background();
    outcome
}

/// Does it, and ends the record whatever happens.
async fn recorded(
    mut order: Order,
    printer: &Printer,
    results: &Mutex<Results>,
    interrupt: Arc<Interrupt>,
) -> Result<()> {
    let Some((mut tracking, required)) = order.tracking.take() else {
        return begin(order, None, printer, results, interrupt).await;
    };
    track::connect(&mut tracking, &order.settings, required, printer).await?;
    let cause = Arc::clone(&interrupt);
    let outcome = begin(order, Some(&mut tracking), printer, results, interrupt).await;
    let interrupted = matches!(cause.cause(), Some(Cause::Signal));
    track::end(&mut tracking, &outcome, interrupted, printer).await;
    outcome
}

async fn begin(
    mut order: Order,
    tracking: Option<&mut Tracking>,
    printer: &Printer,
    results: &Mutex<Results>,
    interrupt: Arc<Interrupt>,
) -> Result<()> {
    let beside = order.choice.beside("trials");
    let trials = TrialFiles::keep(beside, printer.ticker(), Arc::clone(&interrupt));
    let mut engine = order.choice.open(&order.settings).await?;
    let mut memory = Memory::open(&order.choice, &order.scripts)?;
    let (decisions, failure) = match order.mode {
        Mode::Run { resume, keep_going } => {
            let work = Work {
                steps: &order.steps,
                flows: &order.flows,
                selected: &order.selected,
                engine: order.choice.engine,
            };
            interrupt.begin(engine.canceller());
            let decisions = memory.decide(engine.as_mut(), &work, resume).await;
            interrupt.end();
            let decisions = decisions?;
            let failure = match keep_going {
                true => OnFailure::LeaveOutDependents,
                false => OnFailure::Stop,
            };
            (decisions, failure)
        }
        Mode::Test => {
            memory.sleep();
            (only_gates(&mut order), OnFailure::GoOn)
        }
    };
    let mut run = Run {
        engine,
        registry: order.registry,
        tracking,
        trials,
        printer,
        interrupt,
        results,
        memory,
        steps: &order.steps,
        flows: &order.flows,
        decisions,
        failure,
    };
    run.run().await?;
    let Some(upload) = &order.upload else {
        return Ok(());
    };
    let made: Vec<&Flow> = order
        .flows
        .iter()
        .zip(&order.selected)
        .filter_map(|(flow, selected)| selected.then_some(flow))
        .collect();
    upload.leave(run.engine.as_mut(), &made, printer).await
}

/// Of a script, the gates: an assertion and a tested query as they are, the test of
/// a table as a question to the table that is there. A view of DataFusion lasts as
/// long as the session, and is made for the gates that read it.
fn only_gates(order: &mut Order) -> Vec<Decision> {
    let views: Vec<usize> = (0..order.steps.len())
        .filter(|i| {
            let step = &order.steps[*i];
            order.choice.engine == EngineName::DataFusion
                && step.description.action == Action::CreateView
                && flow::is_volatile(step, order.choice.engine)
        })
        .collect();
    let mut wanted = order.selected.clone();
    loop {
        let read = |i: usize| {
            let flows = &order.flows;
            (i + 1..flows.len())
                .any(|later| wanted[later] && !flows[later].reads.is_disjoint(&flows[i].writes))
        };
        let Some(view) = views.iter().copied().find(|i| !wanted[*i] && read(*i)) else {
            break;
        };
        wanted[view] = true;
    }
    order.steps = std::mem::take(&mut order.steps)
        .into_iter()
        .zip(&mut order.flows)
        .map(|(step, flow)| gates::of_table(step, flow))
        .collect();
    wanted
        .iter()
        .map(|wanted| match wanted {
            true => Decision::Run,
            false => Decision::LeaveOut,
        })
        .collect()
}
