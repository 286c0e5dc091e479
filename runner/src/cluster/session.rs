//! What schedulers and executors know: the functions, which versions go together, and
//! where objects are.

use std::sync::{Arc, LazyLock};

use ballista_core::extension::SessionConfigExt;
use ballista_core::registry::BallistaFunctionRegistry;
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, exec_err};
use datafusion::config::ConfigExtension;
use datafusion::execution::SessionState;
use datafusion::execution::object_store::{DefaultObjectStoreRegistry, ObjectStoreRegistry};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use object_store::ObjectStore;
use reqwest::Url;

use super::SCHEME;
use crate::cloud::storage::known::Known;
use crate::files::sha256;
use crate::registry::Place;

/// Digits of the digest of the functions that versions show.
const DIGITS: usize = 8;

/// The version of the runner and a digest of the functions: a kernel may have changed
/// when a signature has, and a signature need not change the version.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut known = String::new();
    for function in lagrange_udfs::functions::all() {
        known.push_str(&format!("{:?}\n", function.signature()));
    }
    let digest = &sha256(known.as_bytes())[..DIGITS];
    format!("{} (functions {digest})", env!("CARGO_PKG_VERSION"))
});

datafusion::common::extensions_options! {
    /// What a client tells about itself.
    pub struct Client {
        /// Its version; empty for a client that is not ours.
        pub version: String, default = String::new()
    }
}

impl ConfigExtension for Client {
    const PREFIX: &'static str = "lagrange";
}

/// The settings with which a client plans.
pub fn of_client(config: SessionConfig) -> SessionConfig {
    let client = Client {
        version: VERSION.clone(),
    };
    config
        .upgrade_for_ballista()
        .with_option_extension(client)
        .with_ballista_grpc_client_max_message_size(super::process::MESSAGE_BYTES as usize)
}

/// The settings that take those of a client.
pub fn of_process() -> SessionConfig {
    SessionConfig::new_with_ballista()
        .with_option_extension(Client::default())
        .with_ballista_grpc_client_max_message_size(super::process::MESSAGE_BYTES as usize)
}

/// Two versions may compute different numbers.
///
/// # Errors
/// The client is another version of Lagrange than this process.
pub fn check(process: &str, config: &SessionConfig) -> Result<()> {
    let client = config.options().extensions.get::<Client>();
    match client.map(|client| client.version.as_str()) {
        None | Some("") => Ok(()),
        Some(version) if version == *VERSION => Ok(()),
        Some(version) => exec_err!(
            "the {process} is lagrange {}, and the client is lagrange {version}: \
             start the same version everywhere",
            *VERSION
        ),
    }
}

/// A session with every function, for the plans of one client.
///
/// # Errors
/// As [`check`].
pub fn state(config: SessionConfig) -> Result<SessionState> {
    check("scheduler", &config)?;
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config)
        .with_runtime_env(environment()?)
        .build();
    let context = SessionContext::new_with_state(state);
    lagrange_udfs::datafusion::register_portable(&context)
        .map_err(|error| DataFusionError::Configuration(error.to_string()))?;
    Ok(context.state())
}

/// Every function, for the plans that executors decode.
pub fn functions() -> Result<BallistaFunctionRegistry> {
    Ok(BallistaFunctionRegistry::from(&state(of_process())?))
}

/// What an executor runs the tasks of a client with.
///
/// # Errors
/// As [`check`].
pub fn runtime(config: &SessionConfig) -> Result<Arc<RuntimeEnv>> {
    check("executor", config)?;
    environment()
}

/// What finds stores: executors read from them, and the scheduler, which decodes the
/// plans, asks whether they are there.
fn environment() -> Result<Arc<RuntimeEnv>> {
    RuntimeEnvBuilder::new()
        .with_object_store_registry(Arc::new(Stores::default()))
        .build_arc()
}

/// The location in an address, and the digest of the export's manifest.
fn location(url: &Url) -> Option<(String, &str)> {
    let (digits, manifest) = url.host_str()?.split_once('.')?;
    let pair = |i: usize| u8::from_str_radix(digits.get(i..i + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(pair).collect();
    Some((String::from_utf8(bytes?).ok()?, manifest))
}

/// Opens stores when a plan asks for them, with the credentials of this machine.
#[derive(Debug, Default)]
struct Stores {
    opened: DefaultObjectStoreRegistry,
}

impl ObjectStoreRegistry for Stores {
    fn register_store(
        &self,
        url: &Url,
        store: Arc<dyn ObjectStore>,
    ) -> Option<Arc<dyn ObjectStore>> {
        self.opened.register_store(url, store)
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        if let Ok(store) = self.opened.get_store(url) {
            return Ok(store);
        }
        let unknown = || exec_datafusion_err!("{url}: not a store that an executor knows");
        let location = (url.scheme() == SCHEME).then(|| location(url)).flatten();
        let (location, manifest) = location.ok_or_else(unknown)?;
        let place = Place::of("storage.artifacts", &location);
        let store = place
            .and_then(|place| place.reading())
            .map_err(|error| DataFusionError::Execution(error.message().into_owned()))?;
        let store: Arc<dyn ObjectStore> = Arc::new(Known::export(store, manifest));
        self.opened.register_store(url, Arc::clone(&store));
        Ok(store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_refused() {
        let same = of_client(SessionConfig::new());
        check("executor", &same).unwrap();
        state(same).unwrap();
        let mut other = of_process();
        check("executor", &other).unwrap();
        other
            .options_mut()
            .set("lagrange.version", "0.0.1")
            .unwrap();
        for refused in [
            runtime(&other).map(drop).unwrap_err(),
            state(other.clone()).map(drop).unwrap_err(),
        ] {
            let text = refused.to_string();
            assert!(text.contains("the client is lagrange 0.0.1"), "{text}");
            assert!(text.contains(VERSION.as_str()), "{text}");
        }
    }

    #[test]
    fn stores_are_opened_by_their_address() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let address = Url::parse(&super::super::store_address(path, "3f")).unwrap();
        assert_eq!(location(&address), Some((path.to_owned(), "3f")));
        let stores = Stores::default();
        stores.get_store(&address).unwrap();
        let unknown = Url::parse("ftp://host/").unwrap();
        assert!(stores.get_store(&unknown).is_err());
    }

    #[test]
    fn executors_know_every_function() {
        use datafusion::execution::FunctionRegistry;
        let functions = functions().unwrap();
        functions.udaf("fit").unwrap();
        functions.udf("predict").unwrap();
    }
}
