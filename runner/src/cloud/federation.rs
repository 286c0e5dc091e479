//! Workload identity federation: another provider of identities, such as that of a CI
//! service, vouches for us, and Google gives a token for it (AIP-4117).

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::google::{Failure, chain};
use super::login::{Token, answer};

/// What the token is for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// How long a token of an account lasts that we act as, if nothing is said.
const LASTS: u64 = 3600;

/// The way to a token.
#[derive(Debug)]
pub struct Federation {
    audience: String,
    subject_type: String,
    exchange: String,
    source: Source,
    /// The member of a document that holds the proof; `None`: the proof is the whole
    /// text.
    field: Option<String>,
    /// Gives tokens of the account that we act as.
    account: Option<String>,
    /// How long those last, in seconds.
    lasts: u64,
}

/// Where the proof of who we are comes from.
#[derive(Debug)]
enum Source {
    File(PathBuf),
    Address {
        url: String,
        headers: Vec<(String, String)>,
    },
}

impl Federation {
    /// From a file of credentials.
    ///
    /// # Errors
    /// What is missing, or not known here.
    pub fn read(json: &Json) -> Result<Self, String> {
        let text = |json: &Json, name: &str| json[name].as_str().map(str::to_owned);
        let needed = |name: &str| text(json, name).ok_or(format!("no {name}"));
        let from = &json["credential_source"];
        let source = match (text(from, "file"), text(from, "url")) {
            (Some(file), _) => Source::File(PathBuf::from(file)),
            (None, Some(_)) if from["environment_id"].is_string() => {
                return Err("credential_source is of AWS, which is not supported".to_owned());
            }
            (None, Some(url)) => {
                let headers = from["headers"].as_object().into_iter().flatten();
                let headers = headers
                    .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
                Source::Address {
                    url,
                    headers: headers.collect(),
                }
            }
            (None, None) => {
                return Err("credential_source has neither a file nor a url".to_owned());
            }
        };
        let format = &from["format"];
        let field = match format["type"].as_str() {
            Some("json") => Some(
                text(format, "subject_token_field_name")
                    .ok_or("credential_source.format has no subject_token_field_name")?,
            ),
            None | Some("text") => None,
            Some(other) => return Err(format!("credential_source.format is {other}")),
        };
        let options = &json["service_account_impersonation"];
        Ok(Self {
            audience: needed("audience")?,
            subject_type: needed("subject_token_type")?,
            exchange: needed("token_url")?,
            source,
            field,
            account: text(json, "service_account_impersonation_url"),
            lasts: options["token_lifetime_seconds"].as_u64().unwrap_or(LASTS),
        })
    }

    /// A new token.
    ///
    /// # Errors
    /// No proof, or one that is not accepted.
    pub async fn token(&self, http: &reqwest::Client) -> Result<Token, Failure> {
        let form = [
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ),
            ("audience", &self.audience),
            ("scope", SCOPE),
            (
                "requested_token_type",
                "urn:ietf:params:oauth:token-type:access_token",
            ),
            ("subject_token_type", &self.subject_type),
            ("subject_token", &self.proof(http).await?),
        ];
        let exchanged = answer(http.post(&self.exchange).form(&form).send().await).await?;
        let Some(bearer) = exchanged["access_token"].as_str() else {
            return Err(Failure::stranger(format!(
                "no token from {}",
                self.exchange
            )));
        };
        let Some(account) = &self.account else {
            let seconds = exchanged["expires_in"].as_u64().unwrap_or(LASTS);
            return Ok(Token::lasting(bearer, seconds));
        };
        let wanted = json!({ "scope": [SCOPE], "lifetime": format!("{}s", self.lasts) });
        let asked = http.post(account).bearer_auth(bearer).json(&wanted);
        let given = answer(asked.send().await).await?;
        match given["accessToken"].as_str() {
            Some(bearer) => Ok(Token::lasting(bearer, self.lasts)),
            None => Err(Failure::stranger(format!("no token from {account}"))),
        }
    }

    async fn proof(&self, http: &reqwest::Client) -> Result<String, Failure> {
        let text = match &self.source {
            Source::File(path) => std::fs::read_to_string(path).map_err(|error| {
                Failure::stranger(format!("cannot read {}: {error}", path.display()))
            })?,
            Source::Address { url, headers } => {
                let mut request = http.get(url).timeout(Duration::from_secs(30));
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                let sent = request.send().await.and_then(|it| it.error_for_status());
                let response = sent.map_err(|error| Failure::stranger(chain(&error)))?;
                let text = response.text().await;
                text.map_err(|error| Failure::lost(&error))?
            }
        };
        let Some(field) = &self.field else {
            return Ok(text.trim().to_owned());
        };
        let json: Json = serde_json::from_str(&text).unwrap_or_default();
        match json[field].as_str() {
            Some(proof) => Ok(proof.to_owned()),
            None => Err(Failure::stranger(format!(
                "what vouches for us has no member '{field}'"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_credentials() {
        let mut json = json!({
            "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/ci",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": "https://sts.googleapis.com/v1/token",
            "credential_source": { "file": "token.txt" },
        });
        Federation::read(&json).unwrap();
        json["credential_source"] = json!({ "executable": { "command": "x" } });
        assert!(Federation::read(&json).unwrap_err().contains("neither"));
        json["credential_source"] = json!({ "environment_id": "aws1", "url": "http://x" });
        assert!(Federation::read(&json).unwrap_err().contains("AWS"));
        json["credential_source"] = json!({ "url": "http://x", "format": { "type": "json" } });
        let error = Federation::read(&json).unwrap_err();
        assert!(error.contains("subject_token_field_name"), "{error}");
    }
}
