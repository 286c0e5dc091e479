//! What schedulers and executors share as processes.

use ballista_core::error::BallistaError;

use crate::error::{Error, Result};

/// Plans and rows that are sent in one piece: a model may be large.
pub const MESSAGE_BYTES: u32 = 512 << 20;

/// An error of a process that does not come up or ends.
pub fn process_error(what: &str, error: &BallistaError) -> Box<Error> {
    Error::failed(format!("{what}: {error}"))
}

/// What the libraries say goes to standard error.
struct StandardError;

static LOGGER: StandardError = StandardError;

impl log::Log for StandardError {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let level = record.level().as_str().to_lowercase();
            eprintln!("{level}: {}", record.args());
        }
    }

    fn flush(&self) {}
}

/// Has the libraries say what goes wrong, or everything.
pub fn log_to_standard_error(verbose: bool) {
    // A second call changes the level only.
    let _ = log::set_logger(&LOGGER);
    log::set_max_level(match verbose {
        true => log::LevelFilter::Info,
        false => log::LevelFilter::Warn,
    });
}

/// Warns where other machines reach an address.
///
/// # Errors
/// What is none.
pub fn warn_if_open(host: &str) -> Result<()> {
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
