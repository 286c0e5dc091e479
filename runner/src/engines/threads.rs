//! The threads on which functions compute.

use std::num::NonZero;
use std::thread::available_parallelism;

/// Functions, such as those that train models, compute on so many threads from now on,
/// as the engine does; not on more than there are cores, which an engine may be told to
/// cut its rows for. The first call of a process counts.
pub fn limit(threads: usize) {
    let cores = available_parallelism().map_or(threads, NonZero::get);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.min(cores));
    // An error says that the threads are there already.
    let _ = pool.build_global();
}
