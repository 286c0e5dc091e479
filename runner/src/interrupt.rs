//! What ends a run before its time: an interrupt, or a time limit.
//!
//! The first interrupt cancels the statement that runs; during a search of
//! parameters it waits for the trials that run, so that they are kept. A second
//! one ends the process at once, which is as safe as a kill: every table is put in
//! place whole.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// What shells expect of a process that SIGINT ended.
pub const INTERRUPTED: i32 = 130;
/// How often those who wait look.
pub const LOOK: Duration = Duration::from_millis(20);
/// How long a statement may take to end once it is cancelled; a long computation
/// within one function does not notice.
const GRACE: Duration = Duration::from_secs(5);

/// Why a run ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The user, or whoever runs the process, wants it.
    Signal,
    /// The time that was given is over.
    Timeout(Duration),
}

/// Cancels the statement of an engine, from any thread.
pub type Canceller = Arc<dyn Fn() + Send + Sync>;

/// Whether and why to stop.
#[derive(Default)]
pub struct Interrupt {
    cause: OnceLock<Cause>,
    /// Whether a search of parameters is under way.
    searching: AtomicBool,
    /// Whether a statement runs, and what cancels it.
    running: Mutex<Running>,
    /// Since when a statement that runs should have ended.
    since: Mutex<Option<Instant>>,
    /// Wakes those who wait. A timer would not do: it needs a thread of the runtime,
    /// and a statement may keep them all busy.
    wake: Notify,
}

#[derive(Default)]
struct Running {
    statement: bool,
    canceller: Option<Canceller>,
}

impl Interrupt {
    /// Nothing has happened yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Listens to SIGINT and SIGTERM from now on; `say` is told about the first.
    pub fn listen(self: &Arc<Self>, say: impl Fn(&str) + Send + 'static) {
        let interrupt = Arc::clone(self);
        // A thread of its own: the engine may hold all others.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let Ok(runtime) = runtime else {
                return;
            };
            runtime.block_on(async {
                let Ok(mut signals) = Signals::new() else {
                    return;
                };
                while signals.next().await {
                    if !interrupt.raise(Cause::Signal) {
                        std::process::exit(INTERRUPTED);
                    }
                    say(if interrupt.is_searching() {
                        "interrupted: waiting for the trials that run; once more ends at once"
                    } else {
                        "interrupted: cancelling what runs; once more ends at once"
                    });
                }
            });
        });
    }

    /// Stops the run; `false` if it is being stopped already.
    pub fn raise(&self, cause: Cause) -> bool {
        self.cause.set(cause).is_ok()
    }

    /// Why to stop, if so.
    pub fn cause(&self) -> Option<Cause> {
        self.cause.get().copied()
    }

    /// A search begins or ends.
    pub fn set_searching(&self, searching: bool) {
        self.searching.store(searching, Ordering::SeqCst);
    }

    fn is_searching(&self) -> bool {
        self.searching.load(Ordering::SeqCst)
    }

    /// A statement begins; what cancels it, where its engine has such a thing.
    pub fn begin(&self, canceller: Option<Canceller>) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.statement = true;
        running.canceller = canceller;
    }

    /// The statement has ended.
    pub fn end(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running = Running::default();
    }

    /// Returns when the statement that runs is to be dropped.
    pub async fn wait(&self) {
        loop {
            let woken = self.wake.notified();
            if self.cause().is_some() && !self.is_searching() {
                return;
            }
            woken.await;
        }
    }

    /// Cancels the statement that runs, if it is time to. It is called again and
    /// again, because an engine may forget what it is told between two phases of
    /// a query. Returns whether waiting for it any longer is of no use.
    pub fn press(&self) -> bool {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if self.cause().is_none() || self.is_searching() {
            *since = None;
            return false;
        }
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if !running.statement {
            *since = None;
            return false;
        }
        if let Some(cancel) = &running.canceller {
            cancel();
        }
        self.wake.notify_waiters();
        since.get_or_insert_with(Instant::now).elapsed() > GRACE
    }
}

/// The signals that end a process.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one; `false` if none can come.
    async fn next(&mut self) -> bool {
        tokio::select! {
            received = self.interrupt.recv() => received.is_some(),
            received = self.terminate.recv() => received.is_some(),
        }
    }
}

/// The signals that end a process.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    /// Waits for the next one; `false` if none can come.
    async fn next(&mut self) -> bool {
        tokio::signal::ctrl_c().await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn the_first_cause_stays_and_a_search_is_waited_for() {
        let interrupt = Interrupt::new();
        let cancelled = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&cancelled);
        interrupt.begin(Some(Arc::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        })));
        assert!(!interrupt.press());
        interrupt.set_searching(true);
        assert!(interrupt.raise(Cause::Timeout(LOOK)));
        assert!(!interrupt.raise(Cause::Signal));
        assert!(!interrupt.press());
        assert_eq!(cancelled.load(Ordering::SeqCst), 0);
        interrupt.set_searching(false);
        assert!(!interrupt.press(), "it has time to end");
        assert_eq!(cancelled.load(Ordering::SeqCst), 1);
        interrupt.end();
        interrupt.press();
        assert_eq!(cancelled.load(Ordering::SeqCst), 1);
        assert_eq!(interrupt.cause(), Some(Cause::Timeout(LOOK)));
    }
}
