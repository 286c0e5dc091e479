//! Several machines: Ballista's scheduler and executors with the functions of the
//! catalogue, and the client that runs plans on them.
//!
//! - [`scheduler`], [`executor`]: the processes.
//! - [`client`]: a plan's way there and its rows' way back.
//! - [`session`]: what schedulers and executors know: functions, versions, stores.
//! - [`codec`]: our own operators on the wire; [`shards`] is the one there is.
//!
//! The runner plans, as it does for one machine, and sends the finished plan; the
//! scheduler cuts it into stages where rows change places. So a plan is the same
//! wherever it runs, and the parts of an aggregate that merge are merged by the same
//! code.

pub mod client;
mod codec;
pub mod executor;
pub mod scheduler;
mod session;
mod shards;

pub use session::store_address;

use ballista_core::error::BallistaError;

use crate::error::{Error, Result};

/// Where the scheduler listens, if nobody says.
pub const PORT: u16 = 50050;
/// Plans and rows that are sent in one piece: a model may be large.
const MESSAGE_BYTES: u32 = 512 << 20;

/// Where a scheduler is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Name or number of the machine.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl std::str::FromStr for Address {
    type Err = String;

    /// `HOST` or `HOST:PORT`.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let text = text.trim_end_matches('/');
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => {
                let port = port.parse().ok().filter(|port| *port > 0);
                (host, port.ok_or(format!("{text}: not a port"))?)
            }
            None => (text, PORT),
        };
        let odd = |c: char| c.is_whitespace() || matches!(c, '/' | '@' | '?' | '#');
        if host.is_empty() || host.contains(odd) {
            return Err(format!("'{text}': not HOST:PORT"));
        }
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

/// An error of a process that does not come up or ends.
fn process_error(what: &str, error: &BallistaError) -> Box<Error> {
    Error::failed(format!("{what}: {error}"))
}

/// What the processes say goes to standard error.
fn log_to_standard_error(verbose: bool) {
    let filter = match verbose {
        true => "info",
        // A shutdown that was asked for is no news.
        false => "warn,ballista_executor::executor_process=error",
    };
    // Only a test starts two in one process.
    let _ = env_logger::Builder::new()
        .parse_filters(filter)
        .format_target(false)
        .try_init();
}

/// Listening on an address that other machines reach.
fn warn_if_open(host: &str) -> Result<()> {
    let address: std::net::IpAddr = host.parse().map_err(|_| {
        Error::usage(format!("--bind {host}: not an address"))
            .hint("write 127.0.0.1, 0.0.0.0 or the address of a network card")
    })?;
    if !address.is_loopback() {
        eprintln!(
            "warning: anyone who reaches {host} can read and write what this process can: \
             keep it inside a private network"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let address = |text: &str| text.parse::<Address>().map(|address| address.to_string());
        assert_eq!(address("host").as_deref(), Ok("host:50050"));
        assert_eq!(address("10.0.0.1:7/").as_deref(), Ok("10.0.0.1:7"));
        assert!(address("host:0").is_err());
        assert!(address("").is_err());
        assert!(address("a b:1").is_err());
    }
}
