//! Several machines: Ballista's scheduler and executors with the functions of the
//! catalogue, and the client that runs plans on them.
//!
//! - `scheduler`, `executor`: the processes.
//! - [`replicas`]: the machines of a job of Vertex AI as a cluster.
//! - [`client`]: a plan's way there; `job`: until its rows are back.
//! - `session`: what schedulers and executors know: functions, versions, stores.
//! - `codec`: our own operators on the wire; `shards` is the one there is.
//!
//! All of it but addresses is in the feature `cluster`, which a build may leave out.
//!
//! The runner plans, as it does for one machine, and sends the finished plan; the
//! scheduler cuts it into stages where rows change places. So a plan is the same
//! wherever it runs, and the parts of an aggregate that merge are merged by the same
//! code.

#[cfg_attr(not(feature = "cluster"), path = "absent.rs")]
pub mod client;
#[cfg(feature = "cluster")]
mod codec;
#[cfg(feature = "cluster")]
pub mod executor;
#[cfg(feature = "cluster")]
mod job;
#[cfg(feature = "cluster")]
mod process;
pub mod replicas;
#[cfg(feature = "cluster")]
pub mod scheduler;
#[cfg(feature = "cluster")]
mod session;
#[cfg(feature = "cluster")]
mod shards;

use crate::error::{Error, Result};
use crate::files::hex;

/// Where the scheduler listens, if nobody says.
pub const PORT: u16 = 50050;
/// How plans address the objects of a bucket or folder.
const SCHEME: &str = "lagrange";

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

/// How plans address an export in a bucket or folder, so that another machine can open
/// it: a folder from the root, because executors start elsewhere. The digest is that of
/// its manifest.
pub fn store_address(location: &str, digest: &str) -> String {
    let folder = location.strip_prefix("file://").unwrap_or(location);
    let whole = match folder.contains("://") {
        true => location.to_owned(),
        // It cannot fail: the folder has a name.
        false => std::path::absolute(folder)
            .map_or_else(|_| folder.to_owned(), |path| path.display().to_string()),
    };
    format!("{SCHEME}://{}.{digest}", hex(whole.as_bytes()))
}

/// Whether this program has the cluster in it.
///
/// # Errors
/// It was built without.
pub fn check() -> Result<()> {
    if cfg!(feature = "cluster") {
        return Ok(());
    }
    Err(Error::usage("this lagrange was built without the cluster")
        .hint("build it with its default features"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_addressed_from_the_root() {
        let here = std::env::current_dir().unwrap();
        let here = here.join("artifacts").display().to_string();
        for location in ["artifacts", "file://artifacts"] {
            let address = store_address(location, "1a");
            assert_eq!(address, format!("lagrange://{}.1a", hex(here.as_bytes())));
        }
        let address = store_address("gs://bucket/folder", "00");
        assert_eq!(
            address,
            format!("lagrange://{}.00", hex(b"gs://bucket/folder"))
        );
    }

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
