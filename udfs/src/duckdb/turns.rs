//! Which thread computes what an aggregate makes of many rows.
//!
//! DuckDB gives that to the thread that asks first. A caller's thread, while it waits for
//! one of DuckDB's own, asks on and on, and so takes a core from those that train a model:
//! on two cores, half as much time again. So DuckDB's own threads, once their rows are
//! merged, let the caller ask first.

use std::cell::Cell;
use std::fs::read_link;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes of a state from which on what follows may take long enough to be worth it.
const LARGE: usize = 16 << 20;
/// How long a caller gets for each byte of the state, in nanoseconds: it may have some
/// rows of its own left. To train takes many times as long.
const TURN: u64 = 1;

/// How many times a thread has begun with what an aggregate makes of a large state.
static BEGUN: Mutex<u64> = Mutex::new(0);
static BEGINS: Condvar = Condvar::new();

thread_local! {
    /// The bytes of a large state into which this thread has merged its rows, and
    /// `BEGUN` then.
    static MERGED: Cell<Option<(usize, u64)>> = const { Cell::new(None) };
}

fn begun() -> MutexGuard<'static, u64> {
    BEGUN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes that this thread has merged rows into a state that has so many bytes now.
pub(super) fn merged(bytes: usize) {
    if bytes >= LARGE {
        MERGED.set(Some((bytes, *begun())));
    }
}

/// Lets the caller go first, where this thread has merged its rows and is not the
/// caller's. Call it when what was merged is gone.
pub(super) fn give_way() {
    if let Some((bytes, before)) = MERGED.take()
        && !is_callers()
    {
        let turn = Duration::from_nanos(TURN * bytes as u64);
        let nobody = |begun: &mut u64| *begun == before;
        drop(BEGINS.wait_timeout_while(begun(), turn, nobody));
    }
}

/// Notes that this thread begins with what an aggregate makes of so many bytes.
pub(super) fn begin(bytes: usize) {
    if bytes >= LARGE {
        *begun() += 1;
        BEGINS.notify_all();
    }
}

/// Whether this thread may be one that waits for a statement: it has a name, which those
/// of DuckDB have not, or is the first of the process.
fn is_callers() -> bool {
    let is_first = || {
        let place = read_link("/proc/thread-self").ok()?;
        let thread = place.file_name()?.to_str()?.parse().ok();
        Some(thread == Some(std::process::id()))
    };
    std::thread::current().name().is_some() || is_first() == Some(true)
}
