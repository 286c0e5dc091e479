//! Who we are to Google Cloud: the key file of GOOGLE_APPLICATION_CREDENTIALS, what
//! `gcloud auth application-default login` left, or the account of the machine.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use object_store::CredentialProvider;
use object_store::gcp::{GcpCredential, GoogleCloudStorage, GoogleCloudStorageBuilder};
use serde_json::Value as Json;

use super::federation::Federation;
use super::google::{Failure, chain, client};
use crate::error::{Error, Result};

/// How long before its end a token is replaced.
const SPARE: Duration = Duration::from_secs(120);
/// Where a person's tokens come from, unless the key file says otherwise.
const TOKENS: &str = "https://oauth2.googleapis.com/token";
/// What to do where we are not known.
pub const LOG_IN: &str = "run gcloud auth application-default login, or set \
    GOOGLE_APPLICATION_CREDENTIALS to the key file of a service account";

/// What is shown to a service, and until when.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token.
    pub bearer: String,
    /// `None`: it does not end.
    pub until: Option<Instant>,
}

impl Token {
    /// A token that ends in so many seconds.
    pub fn lasting(bearer: &str, seconds: u64) -> Self {
        let lasts = Duration::from_secs(seconds).saturating_sub(SPARE);
        Self {
            bearer: bearer.to_owned(),
            until: Some(Instant::now() + lasts),
        }
    }
}

/// Who we are.
enum Identity {
    /// A person, as `gcloud auth application-default login` leaves it.
    Person {
        tokens: String,
        form: [(&'static str, String); 4],
    },
    /// Someone whom another provider of identities vouches for.
    Federated(Federation),
    /// A service account, or the account of the machine: the store's own way.
    Account(Box<GoogleCloudStorage>),
}

/// An identity and its token.
pub struct Login {
    http: reqwest::Client,
    identity: Identity,
    /// The project whose quota is used.
    pub quota: Option<String>,
    token: Mutex<Option<Token>>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login")
    }
}

impl Login {
    /// Of this machine and its variables.
    ///
    /// # Errors
    /// Credentials that cannot be read, or of a kind that is not known.
    pub fn find(http: reqwest::Client) -> Result<Self> {
        let (identity, quota) = match KeyFile::find()? {
            Some(file) => (file.identity()?, file.field("quota_project_id")),
            None => (account(None)?, None),
        };
        Ok(Self::new(http, identity, quota))
    }

    fn new(http: reqwest::Client, identity: Identity, quota: Option<String>) -> Self {
        Self {
            http,
            identity,
            quota,
            token: Mutex::new(None),
        }
    }

    /// A token that is accepted, as far as we know. Empty: none is needed.
    ///
    /// # Errors
    /// Nobody is logged in, or the service that gives tokens does not.
    pub async fn bearer(&self) -> std::result::Result<String, Failure> {
        let known = self
            .token
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(token) = known
            && token.until.is_none_or(|until| Instant::now() < until)
        {
            return Ok(token.bearer);
        }
        let token = match &self.identity {
            Identity::Person { tokens, form } => self.refreshed(tokens, form).await?,
            Identity::Federated(federation) => federation.token(&self.http).await?,
            Identity::Account(store) => {
                let asked = store.credentials().get_credential().await;
                let credential = asked.map_err(|error| Failure::stranger(chain(&error)))?;
                Token {
                    bearer: credential.bearer.clone(),
                    // The store keeps it, and knows when it ends.
                    until: Some(Instant::now()),
                }
            }
        };
        let bearer = token.bearer.clone();
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        Ok(bearer)
    }

    /// The token is no longer accepted.
    pub fn forget(&self) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn refreshed(
        &self,
        tokens: &str,
        form: &[(&'static str, String); 4],
    ) -> std::result::Result<Token, Failure> {
        let sent = self.http.post(tokens).form(form).send().await;
        let json = answer(sent).await?;
        let Some(bearer) = json["access_token"].as_str() else {
            return Err(Failure::stranger("no token".to_owned()));
        };
        Ok(Token::lasting(
            bearer,
            json["expires_in"].as_u64().unwrap_or(3600),
        ))
    }
}

/// What a service that gives tokens answers.
///
/// # Errors
/// It refuses, or does not answer.
pub async fn answer(
    sent: std::result::Result<reqwest::Response, reqwest::Error>,
) -> std::result::Result<Json, Failure> {
    let response = sent.map_err(|error| Failure::lost(&error))?;
    let status = response.status();
    let text = response
        .text()
        .await
        .map_err(|error| Failure::lost(&error))?;
    let json: Json = serde_json::from_str(&text).unwrap_or_default();
    if status.is_success() {
        return Ok(json);
    }
    let said = json["error_description"].as_str();
    let said = said.or(json["error"]["message"].as_str()).unwrap_or(&text);
    Err(match status.is_server_error() {
        true => Failure::refused(status, said),
        false => Failure::stranger(said.to_owned()),
    })
}

/// The store that knows service accounts and machines.
fn account(key: Option<&KeyFile>) -> Result<Identity> {
    // No object of this bucket is asked for.
    let mut builder = GoogleCloudStorageBuilder::new().with_bucket_name("none");
    if let Some(key) = key {
        builder = builder.with_service_account_path(key.path.display().to_string());
    }
    let store = builder.build().map_err(|error| {
        Error::usage("cannot read the credentials of Google Cloud")
            .detail(chain(&error))
            .hint(LOG_IN)
    })?;
    Ok(Identity::Account(Box::new(store)))
}

/// A file of credentials.
struct KeyFile {
    path: PathBuf,
    json: Json,
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
        Ok(Some(file))
    }

    fn wrong(&self, what: &str) -> Box<Error> {
        let shown = self.path.display();
        Error::usage(format!("cannot read the credentials {shown}: {what}")).hint(LOG_IN)
    }

    fn field(&self, name: &str) -> Option<String> {
        self.json[name].as_str().map(str::to_owned)
    }

    fn identity(&self) -> Result<Identity> {
        let needed = |name: &str| {
            self.field(name)
                .ok_or_else(|| self.wrong(&format!("no {name}")))
        };
        match self.json["type"].as_str() {
            Some("authorized_user") => Ok(Identity::Person {
                tokens: self.field("token_uri").unwrap_or_else(|| TOKENS.to_owned()),
                form: [
                    ("grant_type", "refresh_token".to_owned()),
                    ("client_id", needed("client_id")?),
                    ("client_secret", needed("client_secret")?),
                    ("refresh_token", needed("refresh_token")?),
                ],
            }),
            Some("external_account") => {
                let federation = Federation::read(&self.json);
                Ok(Identity::Federated(
                    federation.map_err(|what| self.wrong(&what))?,
                ))
            }
            Some("service_account") | None => account(Some(self)),
            Some(other) => Err(self.wrong(&format!("they are of type {other}"))),
        }
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
    let Some(file) = KeyFile::find()? else {
        return Ok(None);
    };
    if file.json["type"] != "external_account" {
        return Ok(None);
    }
    let login = Login::new(client(None)?, file.identity()?, None);
    Ok(Some(Arc::new(Buckets(login))))
}

/// A login as stores ask for it.
#[derive(Debug)]
struct Buckets(Login);

#[async_trait]
impl CredentialProvider for Buckets {
    type Credential = GcpCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<GcpCredential>> {
        let bearer = self.0.bearer().await;
        let bearer = bearer.map_err(|failure| object_store::Error::Unauthenticated {
            path: String::new(),
            source: failure.to_string().into(),
        })?;
        Ok(Arc::new(GcpCredential { bearer }))
    }
}
