//! Where the server is and who we are, as MLflow's own clients are told:
//! `MLFLOW_TRACKING_USERNAME` and `_PASSWORD`, `MLFLOW_TRACKING_TOKEN`, the user of
//! the address, or `~/.mlflow/credentials`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::secrets::masked;

/// How long the server may take to answer; a local run waits for it once.
const PATIENCE: Duration = Duration::from_secs(2);

/// A server.
#[derive(Clone)]
pub struct Address {
    /// Without a user and a slash at the end.
    pub base: String,
    host: String,
    port: u16,
    /// Who we are.
    pub login: Option<Login>,
}

/// Who we are.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// A name and a password.
    Basic(String, String),
    /// A token.
    Bearer(String),
}

/// Secrets stay where they are.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic(..) => write!(f, "Basic(***)"),
            Self::Bearer(_) => write!(f, "Bearer(***)"),
        }
    }
}

impl Address {
    /// From the setting `mlflow.tracking_uri` and the environment.
    ///
    /// # Errors
    /// What is no address of a server.
    pub fn of(uri: &str) -> Result<Self, String> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let credentials = variable("HOME")
            .map(|home| PathBuf::from(home).join(".mlflow/credentials"))
            .and_then(|file| read_credentials(&file));
        Self::from(uri, &variable, credentials)
    }

    fn from(
        uri: &str,
        variable: &dyn Fn(&str) -> Option<String>,
        credentials: Option<(String, String)>,
    ) -> Result<Self, String> {
        let wrong = || {
            let uri = masked(uri).into_owned();
            format!("tracking server '{uri}' is not an address such as http://localhost:5000")
        };
        let (scheme, rest) = uri.trim().split_once("://").ok_or_else(wrong)?;
        let default_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return Err(wrong()),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, authority),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (place, default_port),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(wrong());
        }
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let in_address = user.map(|user| {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            (decoded(name), decoded(password))
        });
        let both = variable("MLFLOW_TRACKING_USERNAME").zip(variable("MLFLOW_TRACKING_PASSWORD"));
        let token = || variable("MLFLOW_TRACKING_TOKEN").map(Login::Bearer);
        let basic = |(name, password)| Login::Basic(name, password);
        let login = both
            .map(basic)
            .or_else(token)
            .or_else(|| in_address.map(basic))
            .or_else(|| credentials.map(basic));
        Ok(Self {
            base: format!("{scheme}://{place}{}", path.trim_end_matches('/')),
            host: host.to_owned(),
            port,
            login,
        })
    }

    /// Opens and closes a connection.
    pub async fn reach(&self) -> Result<(), String> {
        // Behind a proxy the server's own name may mean nothing here.
        let proxied = [
            "https_proxy",
            "HTTPS_PROXY",
            "http_proxy",
            "HTTP_PROXY",
            "ALL_PROXY",
        ];
        if proxied.iter().any(|name| std::env::var_os(name).is_some()) {
            return Ok(());
        }
        let base = &self.base;
        match timeout(
            PATIENCE,
            TcpStream::connect((self.host.as_str(), self.port)),
        )
        .await
        {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(format!("tracking server {base} cannot be reached: {error}")),
            Err(_) => Err(format!(
                "tracking server {base} cannot be reached: no answer in {} s",
                PATIENCE.as_secs()
            )),
        }
    }
}

/// `%40` as `@`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The section `[mlflow]` of `~/.mlflow/credentials`.
fn read_credentials(file: &Path) -> Option<(String, String)> {
    let text = std::fs::read_to_string(file).ok()?;
    let value = |key: &str| {
        text.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            (name.trim() == key).then(|| value.trim().to_owned())
        })
    };
    Some((
        value("mlflow_tracking_username")?,
        value("mlflow_tracking_password")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str, variables: &[(&str, &str)]) -> Result<Address, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Address::from(uri, &variable, None)
    }

    #[test]
    fn addresses_are_taken_apart() {
        let parts = |uri| of(uri, &[]).map(|a| format!("{} {} {}", a.base, a.host, a.port));
        let expected = |text: &str| Ok(text.to_owned());
        assert_eq!(
            parts("http://localhost:5000/"),
            expected("http://localhost:5000 localhost 5000")
        );
        assert_eq!(
            parts("https://host/path/"),
            expected("https://host/path host 443")
        );
        assert_eq!(
            parts("http://[::1]:80/"),
            expected("http://[::1]:80 ::1 80")
        );
        for wrong in [
            "file:///tmp",
            "localhost:5000",
            "http://",
            "http://host:port",
        ] {
            assert!(parts(wrong).is_err(), "{wrong}");
        }
        let error = parts("ftp://me:hunter22@host").unwrap_err();
        assert!(!error.contains("hunter22"), "{error}");
    }

    #[test]
    fn who_we_are_comes_from_the_environment_first() {
        let basic = |name: &str, password: &str| Some(Login::Basic(name.into(), password.into()));
        let uri = "http://me:p%40ss@host";
        assert_eq!(of(uri, &[]).unwrap().login, basic("me", "p@ss"));
        assert_eq!(of(uri, &[]).unwrap().base, "http://host");
        let both = [
            ("MLFLOW_TRACKING_USERNAME", "u"),
            ("MLFLOW_TRACKING_PASSWORD", "p"),
        ];
        assert_eq!(of(uri, &both).unwrap().login, basic("u", "p"));
        let token = [("MLFLOW_TRACKING_TOKEN", "t")];
        assert_eq!(
            of(uri, &token).unwrap().login,
            Some(Login::Bearer("t".into()))
        );
        assert_eq!(of("http://host", &[]).unwrap().login, None);
    }
}
