//! A client of MLflow's server: what a record says, in its calls.
//!
//! - [`address`]: where the server is, and who we are; [`client`]: calls with
//!   retries.
//! - [`names`]: what the server takes as names, and how much at once.
//! - [`journal`]: the calls that were done, beside the record.
//! - [`aliases`]: what the registry calls its versions.
//! - [`upload`]: the run; [`trials`]: its children; [`models`]: its models;
//!   [`mlmodel`]: the files that tell MLflow's Python how to load them.

mod address;
mod aliases;
mod client;
mod journal;
mod mlmodel;
mod models;
mod names;
mod trials;
mod upload;

pub use self::aliases::mirror;
pub use self::journal::is_whole;
pub use self::upload::Uploader;
use crate::settings::Settings;

/// Reaches for the server of the settings.
///
/// # Errors
/// Why there is none, for people.
pub async fn connect(settings: &Settings) -> Result<Uploader, String> {
    let address = address::Address::of(&settings.tracking_uri)?;
    address.reach().await?;
    let client = client::Client::new(address)?;
    Ok(Uploader::new(client))
}
