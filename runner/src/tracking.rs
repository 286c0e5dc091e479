//! Where runs are recorded. This is the seam for the MLflow client: commands
//! know only [`Tracker`], and [`connect`] decides which one they get.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Duration;

use crate::settings::Settings;

/// How long the server may take to answer; a local run waits for it once.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Records what a run does.
pub trait Tracker: Send {
    /// A step has ended: its description, its rows and its seconds.
    fn step(&mut self, description: &str, rows: Option<u64>, seconds: f64);
}

/// Records nothing.
#[derive(Debug)]
struct Untracked;

impl Tracker for Untracked {
    fn step(&mut self, _description: &str, _rows: Option<u64>, _seconds: f64) {}
}

/// A tracker that records nothing.
pub fn none() -> Box<dyn Tracker> {
    Box::new(Untracked)
}

/// A tracker, and what the user should know about it.
pub struct Connection {
    /// Records the run, or nothing.
    pub tracker: Box<dyn Tracker>,
    /// Why the server cannot be reached.
    pub unreachable: Option<String>,
}

/// Reaches for the tracking server of the settings.
pub fn connect(settings: &Settings) -> Connection {
    Connection {
        tracker: Box::new(Untracked),
        unreachable: reach(&settings.tracking_uri).err(),
    }
}

/// Opens and closes a connection to the server.
fn reach(uri: &str) -> Result<(), String> {
    let (host, port) = address(uri).ok_or_else(|| {
        format!("tracking server '{uri}' is not an address such as http://localhost:5000")
    })?;
    let (send, receive) = mpsc::channel();
    // On a thread of its own, because looking up a name has no time limit.
    std::thread::spawn(move || {
        let answer = (host.as_str(), port)
            .to_socket_addrs()
            .and_then(|mut addresses| {
                let none = || std::io::Error::other("the host has no address");
                let mut last = Err(none());
                addresses.any(|address| {
                    last = TcpStream::connect_timeout(&address, TIMEOUT).map(drop);
                    last.is_ok()
                });
                last
            });
        // The receiver may have given up.
        let _ = send.send(answer);
    });
    match receive.recv_timeout(TIMEOUT) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("tracking server {uri} cannot be reached: {error}")),
        Err(_) => Err(format!(
            "tracking server {uri} cannot be reached: no answer in {} s",
            TIMEOUT.as_secs()
        )),
    }
}

/// Host and port of an http address.
fn address(uri: &str) -> Option<(String, u16)> {
    let (scheme, rest) = uri.split_once("://")?;
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let authority = rest.split(['/', '?']).next()?;
    let authority = authority.rsplit('@').next()?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (authority, default_port),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let parts = |uri| address(uri).map(|(host, port)| format!("{host} {port}"));
        assert_eq!(
            parts("http://localhost:5000").as_deref(),
            Some("localhost 5000")
        );
        assert_eq!(parts("https://host/path").as_deref(), Some("host 443"));
        assert_eq!(parts("http://[::1]:80/").as_deref(), Some("::1 80"));
        assert_eq!(parts("file:///tmp"), None);
        assert_eq!(parts("localhost:5000"), None);
    }
}
