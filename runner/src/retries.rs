//! When and how fast a call of a server is tried again: the same for all servers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Whether an answer of this status may be another one later.
pub fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// A wait, but not exactly: clients that were turned away together should not come back
/// together. From half of it to half as much again.
pub fn jittered(wait: Duration) -> Duration {
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    wait.mul_f64(0.5 + f64::from(nanos % 1000) / 1000.0)
}
