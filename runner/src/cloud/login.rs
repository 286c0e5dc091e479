//! Who we are to Google Cloud: the key file of GOOGLE_APPLICATION_CREDENTIALS, what
//! `gcloud auth application-default login` left, or the account of the machine. Tokens
//! are got by Google's own library.
//!
//! That library would find the file, too, but it does not know CLOUDSDK_CONFIG, does
//! not read the quota project of every kind of file, keeps a token that was revoked,
//! and fails for seconds after a token could not be got once; those are here.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use google_cloud_auth::build_errors::Error as BuildError;
use google_cloud_auth::credentials::{
    AccessTokenCredentials, CacheableResource, CredentialsProvider, external_account,
    external_account_authorized_user, impersonated, mds, service_account, user_account,
};
use google_cloud_auth::errors::CredentialsError;
use http::{Extensions, HeaderMap};
use object_store::CredentialProvider;
use object_store::gcp::GcpCredential;
use serde_json::Value as Json;
use tokio::runtime::{Handle, Id as RuntimeId};
use tokio::time::timeout;

use super::failure::chain;
use crate::error::{Error, Result};

/// How long a token may take, whose clients have no limits of their own.
const LIMIT: Duration = Duration::from_secs(30);
/// Kinds of files that buckets know themselves.
const SERVICE_ACCOUNT: &str = "service_account";
const PERSON: &str = "authorized_user";
/// Kinds of files.
const KINDS: [&str; 5] = [
    SERVICE_ACCOUNT,
    PERSON,
    "external_account",
    "external_account_authorized_user",
    "impersonated_service_account",
];
/// What to do where we are not known.
pub const LOG_IN: &str = "run gcloud auth application-default login, or set \
    GOOGLE_APPLICATION_CREDENTIALS to the key file of a service account";

/// What a file of credentials gives.
type Made = std::result::Result<AccessTokenCredentials, BuildError>;
/// What credentials give.
type Given<T> = std::result::Result<T, CredentialsError>;

/// An identity and its tokens. Copies share them.
#[derive(Debug, Clone)]
pub struct Login {
    /// `None`: the account of the machine.
    file: Option<Arc<KeyFile>>,
    held: Arc<Mutex<Option<Held>>>,
}

/// What has a token, and gets the next one before its end.
#[derive(Debug)]
struct Held {
    credentials: AccessTokenCredentials,
    since: Instant,
    /// Where the next one is got; it ends with it.
    runtime: RuntimeId,
}

impl Login {
    /// Of this machine and its variables.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn find() -> Result<Self> {
        Ok(Self::of(KeyFile::find()?))
    }

    fn of(file: Option<KeyFile>) -> Self {
        // Google's libraries come without cryptography of their own. It is chosen once;
        // saying it again changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            file: file.map(Arc::new),
            held: Arc::default(),
        }
    }

    /// Gets the first token on the way, within a runtime.
    ///
    /// # Errors
    /// A file of a kind that is not known, or that lacks something.
    pub fn check(&self) -> Result<()> {
        self.credentials().map(drop).map_err(|error| {
            // The library says first that it cannot parse the file.
            let what = std::error::Error::source(&error).map_or(chain(&error), chain);
            match &self.file {
                Some(file) => file.wrong(&what),
                None => Error::internal(format!("no account of the machine: {what}")),
            }
        })
    }

    /// Whether it is the account of the machine, if that has one.
    pub fn is_of_the_machine(&self) -> bool {
        self.file.is_none()
    }

    /// Replaces a token that is no longer accepted; `false`: it was replaced since.
    pub fn renew(&self, since: Instant) -> bool {
        let mut held = self.held();
        let old = held.as_ref().is_none_or(|held| held.since <= since);
        if old {
            *held = None;
        }
        old
    }

    /// Asks for another token at the next call.
    pub fn forget(&self) {
        *self.held() = None;
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn credentials(&self) -> Made {
        let runtime = Handle::current().id();
        let mut held = self.held();
        if let Some(held) = held.as_ref()
            && held.runtime == runtime
        {
            return Ok(held.credentials.clone());
        }
        let credentials = match &self.file {
            Some(file) => file.credentials()?,
            None => mds::Builder::default().build_access_token_credentials()?,
        };
        *held = Some(Held {
            credentials: credentials.clone(),
            since: Instant::now(),
            runtime,
        });
        Ok(credentials)
    }

    /// The credentials, for a client.
    fn usable(&self) -> Given<AccessTokenCredentials> {
        let made = self.credentials();
        made.map_err(|error| CredentialsError::from_source(false, error))
    }
}

/// What credentials give, in time.
async fn timely<T>(asked: impl Future<Output = Given<T>>) -> Given<T> {
    match timeout(LIMIT, asked).await {
        Ok(given) => given,
        Err(_) => Err(CredentialsError::from_msg(true, "no token in time")),
    }
}

impl CredentialsProvider for Login {
    async fn headers(&self, extensions: Extensions) -> Given<CacheableResource<HeaderMap>> {
        let credentials = self.usable()?;
        timely(credentials.headers(extensions)).await
    }

    async fn universe_domain(&self) -> Option<String> {
        let credentials = self.usable().ok()?;
        let asked = timeout(LIMIT, credentials.universe_domain()).await;
        asked.ok().flatten()
    }
}

/// A file of credentials.
struct KeyFile {
    path: PathBuf,
    json: Json,
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyFile({})", self.path.display())
    }
}

impl KeyFile {
    fn find() -> Result<Option<Self>> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let named = variable("GOOGLE_APPLICATION_CREDENTIALS").map(PathBuf::from);
        let left = variable("CLOUDSDK_CONFIG").map(PathBuf::from).or_else(|| {
            let home = PathBuf::from(variable("HOME")?);
            Some(home.join(".config").join("gcloud"))
        });
        let left = left
            .map(|folder| folder.join("application_default_credentials.json"))
            .filter(|file| file.is_file());
        let Some(path) = named.or(left) else {
            return Ok(None);
        };
        let mut file = Self {
            path,
            json: Json::Null,
        };
        let text = std::fs::read_to_string(&file.path);
        let text = text.map_err(|error| file.wrong(&error.to_string()))?;
        let json = serde_json::from_str(&text);
        file.json = json.map_err(|error| file.wrong(&error.to_string()))?;
        match KINDS.contains(&file.kind()) {
            true => Ok(Some(file)),
            false => Err(file.wrong(&format!("they are of type {}", file.kind()))),
        }
    }

    fn kind(&self) -> &str {
        self.json["type"].as_str().unwrap_or(SERVICE_ACCOUNT)
    }

    fn credentials(&self) -> Made {
        let json = self.json.clone();
        let quota = self.json["quota_project_id"].as_str().into_iter();
        match self.kind() {
            PERSON => user_account::Builder::new(json).build_access_token_credentials(),
            "impersonated_service_account" => {
                impersonated::Builder::new(json).build_access_token_credentials()
            }
            "external_account_authorized_user" => {
                external_account_authorized_user::Builder::new(json)
                    .build_access_token_credentials()
            }
            // These two do not look for the quota project themselves.
            "external_account" => quota
                .fold(external_account::Builder::new(json), |builder, project| {
                    builder.with_quota_project_id(project)
                })
                .build_access_token_credentials(),
            _ => quota
                .fold(service_account::Builder::new(json), |builder, project| {
                    builder.with_quota_project_id(project)
                })
                .build_access_token_credentials(),
        }
    }

    fn wrong(&self, what: &str) -> Box<Error> {
        let shown = self.path.display();
        Error::usage(format!("cannot read the credentials {shown}: {what}")).hint(LOG_IN)
    }
}

/// The login for buckets, where it is one that the store itself does not know; `None`:
/// the store finds its own.
///
/// # Errors
/// Credentials that cannot be read.
pub fn for_buckets() -> Result<Option<Arc<dyn CredentialProvider<Credential = GcpCredential>>>> {
    // What is said to the store alone goes before.
    let told = [
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT_PATH",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        "SERVICE_ACCOUNT",
    ];
    if told.iter().any(|name| std::env::var_os(name).is_some()) {
        return Ok(None);
    }
    let login = Login::find()?;
    match login.file.as_ref().map(|file| file.kind()) {
        None | Some(SERVICE_ACCOUNT | PERSON) => Ok(None),
        Some(_) => Ok(Some(Arc::new(Buckets(login)))),
    }
}

/// A login as stores ask for it.
#[derive(Debug)]
struct Buckets(Login);

#[async_trait]
impl CredentialProvider for Buckets {
    type Credential = GcpCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<GcpCredential>> {
        let token = async { timely(self.0.usable()?.access_token()).await };
        match token.await {
            Ok(token) => Ok(Arc::new(GcpCredential {
                bearer: token.token,
            })),
            Err(error) => {
                self.0.forget();
                Err(object_store::Error::Unauthenticated {
                    path: String::new(),
                    source: chain(&error).into(),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A login of a file, and what its check says.
    fn checked(json: Json) -> (Login, Result<()>) {
        let path = PathBuf::from("key.json");
        let login = Login::of(Some(KeyFile { path, json }));
        let checked = login.check();
        (login, checked)
    }

    fn in_a_runtime(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(test);
    }

    fn person() -> Json {
        json!({
            "type": PERSON,
            "client_id": "client",
            "client_secret": "secret",
            "refresh_token": "refresh",
            "token_uri": "http://127.0.0.1:9/token",
        })
    }

    #[test]
    fn files_of_credentials() {
        in_a_runtime(async {
            let mut federated = json!({
                "type": "external_account",
                "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/ci",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": "http://127.0.0.1:9/sts",
            });
            for source in [
                json!({ "file": "token.txt" }),
                json!({ "url": "http://127.0.0.1:9", "headers": { "a": "b" } }),
                json!({ "environment_id": "aws1", "url": "http://127.0.0.1:9" }),
                json!({ "executable": { "command": "x" } }),
            ] {
                federated["credential_source"] = source;
                checked(federated.clone()).1.unwrap();
            }
            federated["credential_source"] = json!({});
            let error = checked(federated).1.unwrap_err();
            assert!(error.message().contains("key.json"), "{error}");
            let mut person = person();
            checked(person.clone()).1.unwrap();
            person["client_secret"] = Json::Null;
            let error = checked(person).1.unwrap_err();
            assert!(error.message().contains("key.json"), "{error}");
        });
    }

    #[test]
    fn a_token_is_replaced_once() {
        in_a_runtime(async {
            let (login, checked) = checked(person());
            checked.unwrap();
            let call = Instant::now();
            assert!(login.renew(call));
            login.check().unwrap();
            assert!(!login.renew(call));
            assert!(login.renew(Instant::now()));
        });
    }
}
