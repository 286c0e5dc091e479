//! Vertex AI's Model Registry, in which a version of ours becomes a version of theirs.

use serde_json::{Value as Json, json};

use super::request::{TOOL, label};
use super::service::{Vertex, number};
use crate::cloud::google::{Call, Failure};
use crate::error::{Error, Result};
use crate::files::sha256;
use crate::registry::manifest::Manifest;

/// The longest name of a model there, in their URLs.
const MODEL_ID: usize = 63;
/// Digits that tell apart names which are the same without the signs that are not
/// allowed there.
const DIGITS: usize = 8;
/// How often a registration is looked at before it is left to itself.
const LOOKS: u32 = 40;
/// How often an upload is sent in all.
const ATTEMPTS: u32 = 5;
/// Versions on a page of a list.
const PAGE: &str = "100";

/// What is registered.
#[derive(Debug)]
pub struct Upload {
    /// The name of the model there.
    pub id: String,
    /// What the version is called there.
    alias: String,
    body: Json,
}

/// What became of it.
#[derive(Debug)]
pub struct Registered {
    /// The whole name of the model there.
    pub model: String,
    /// The version there.
    pub version: String,
    /// Whether it was there before.
    pub known: bool,
}

impl Upload {
    /// Of a version whose files are in a folder of a bucket. `image` is the container
    /// that reads them: Vertex AI asks for one.
    pub fn new(manifest: &Manifest, folder: &str, image: &str) -> Self {
        let id = model_id(&manifest.name);
        let alias = format!("lagrange-{}", manifest.version);
        let mut labels = serde_json::Map::new();
        for (key, value) in [
            TOOL,
            ("algorithm", &manifest.algorithm),
            ("target", &manifest.target),
        ] {
            labels.insert(key.to_owned(), json!(label(value)));
        }
        let body = json!({
            "displayName": manifest.name,
            "description": format!(
                "{} of {}, by Lagrange {}", manifest.algorithm, manifest.target, manifest.library
            ),
            "versionDescription": format!(
                "Version {} in Lagrange's registry, trained on {} rows, SHA-256 {}",
                manifest.version, manifest.rows_used, manifest.content
            ),
            "versionAliases": [alias],
            "artifactUri": folder,
            "containerSpec": { "imageUri": image },
            "labels": labels,
        });
        Self { id, alias, body }
    }

    /// The request, for a model that is there already or for one that is not.
    pub fn request(&self, parent: Option<&str>) -> Json {
        match parent {
            Some(parent) => json!({ "parentModel": parent, "model": self.body }),
            None => json!({ "modelId": self.id, "model": self.body }),
        }
    }
}

/// The name of a model as Vertex AI takes it: small letters, digits, dashes and
/// underscores, and a letter first.
fn model_id(name: &str) -> String {
    let plain = format!("lagrange-{}", label(name));
    if plain.strip_prefix("lagrange-") == Some(name) && plain.len() <= MODEL_ID {
        return plain;
    }
    let digest = &sha256(name.as_bytes())[..DIGITS];
    let most = MODEL_ID - DIGITS - 1;
    format!("{}-{digest}", &plain[..plain.len().min(most)])
}

impl Vertex {
    /// Registers a version. One that is there already is found by its alias, so doing
    /// it twice does nothing, and an answer that is lost does no harm.
    ///
    /// # Errors
    /// A request that is refused, a service that does not answer.
    pub async fn register(&self, upload: &Upload) -> Result<Registered> {
        let mut attempt = 0;
        loop {
            let versions = self.versions(&upload.id).await?;
            if let Some(found) = versions.iter().flatten().find(|it| has(it, &upload.alias)) {
                return Ok(registered(found, true));
            }
            let parent = format!("{}/models/{}", self.parent(), upload.id);
            let body = upload.request(versions.is_some().then_some(parent.as_str()));
            let url = format!("{}/{}/models:upload", self.address(), self.parent());
            let call = Call {
                repeatable: false,
                ..Call::post(url, &body)
            };
            let failure = match self.google.call(&call).await {
                Ok(operation) => return self.finished(operation, upload).await,
                Err(failure) => failure,
            };
            attempt += 1;
            if !failure.is_passing || attempt >= ATTEMPTS {
                return Err(failure.error("register the model"));
            }
            tokio::time::sleep(self.google.patience.look(attempt)).await;
        }
    }

    /// The versions of a model; `None` if there is no such model.
    async fn versions(&self, id: &str) -> Result<Option<Vec<Json>>> {
        let url = format!(
            "{}/{}/models/{id}:listVersions",
            self.address(),
            self.parent()
        );
        let query = [("pageSize", PAGE.to_owned())];
        match self.pages(&url, &query, "models", usize::MAX).await {
            Ok(versions) => Ok(Some(versions)),
            Err(failure) if failure.is(404) => Ok(None),
            Err(failure) => Err(failure.error("look for the model")),
        }
    }

    /// Waits until an operation is over.
    async fn finished(&self, mut operation: Json, upload: &Upload) -> Result<Registered> {
        let name = operation["name"].as_str().unwrap_or_default().to_owned();
        for look in 0..LOOKS {
            if operation["done"] == true {
                let error = operation["error"]["message"].as_str();
                return match error {
                    Some(message) => Err(Error::failed(format!(
                        "Vertex AI has not registered the model {}",
                        upload.id
                    ))
                    .detail(message)),
                    None => Ok(registered(&operation["response"], false)),
                };
            }
            tokio::time::sleep(self.google.patience.look(look)).await;
            let call = Call::get(format!("{}/{name}", self.address()));
            let asked = self.google.call(&call).await;
            let doing = |failure: Failure| failure.error("look at the registration");
            operation = asked.map_err(doing)?;
        }
        Err(Error::failed(format!(
            "Vertex AI is still registering the model {}: operation {}",
            upload.id,
            number(&name)
        ))
        .hint("run the same command again later: what is there is not registered twice"))
    }
}

fn has(version: &Json, alias: &str) -> bool {
    let aliases = version["versionAliases"].as_array();
    aliases.is_some_and(|aliases| aliases.iter().any(|it| it == alias))
}

/// The name and the number, from a version in a list or the answer of an upload.
fn registered(version: &Json, known: bool) -> Registered {
    let text = |key: &str| version[key].as_str();
    let name = text("name").or(text("model")).unwrap_or_default();
    // A name may end with its version.
    let (model, suffix) = name.split_once('@').unwrap_or((name, ""));
    let number = text("versionId").or(text("modelVersionId"));
    Registered {
        model: model.to_owned(),
        version: number.unwrap_or(suffix).to_owned(),
        known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_vertex_takes() {
        assert_eq!(model_id("forward_return"), "lagrange-forward_return");
        let upper = model_id("Forward");
        assert!(upper.starts_with("lagrange-forward-"), "{upper}");
        assert_ne!(model_id("a.b"), model_id("a_b"));
        let long = model_id(&"x".repeat(200));
        assert_eq!(long.len(), MODEL_ID);
        assert_ne!(long, model_id(&"x".repeat(201)));
    }
}
