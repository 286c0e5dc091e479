//! Vertex AI's Model Registry, in which a version of ours becomes a version of theirs.

use google_cloud_aiplatform_v1::model::{
    Model, ModelContainerSpec, UploadModelRequest, UploadModelResponse,
};
use google_cloud_gax::error::Error as GaxError;
use google_cloud_gax::options::RequestOptionsBuilder;
use google_cloud_gax::paginator::ItemPaginator;
use google_cloud_gax::polling_error_policy::PollingErrorPolicyExt;
use google_cloud_lro::{Poller, PollingResult};

use super::request::{TOOL, label};
use super::service::Vertex;
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
const PAGE: i32 = 100;

/// What is registered.
#[derive(Debug)]
pub struct Upload {
    /// The name of the model there.
    pub id: String,
    /// What the version is called there.
    alias: String,
    model: Model,
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
        let labels = [
            TOOL,
            ("algorithm", &manifest.algorithm),
            ("target", &manifest.target),
        ];
        let model = Model::new()
            .set_display_name(&manifest.name)
            .set_description(format!(
                "{} of {}, by Lagrange {}",
                manifest.algorithm, manifest.target, manifest.library
            ))
            .set_version_description(format!(
                "Version {} in Lagrange's registry, trained on {} rows, SHA-256 {}",
                manifest.version, manifest.rows_used, manifest.content
            ))
            .set_version_aliases([&alias])
            .set_artifact_uri(folder)
            .set_container_spec(ModelContainerSpec::new().set_image_uri(image))
            .set_labels(labels.map(|(key, value)| (key, label(value))));
        Self { id, alias, model }
    }

    /// The request, for a model that is there already or for one that is not.
    pub fn request(&self, parent: Option<&str>) -> UploadModelRequest {
        let request = UploadModelRequest::new().set_model(self.model.clone());
        match parent {
            Some(parent) => request.set_parent_model(parent),
            None => request.set_model_id(&self.id),
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
            let mut known = versions.iter().flatten();
            if let Some(found) = known.find(|it| it.version_aliases.contains(&upload.alias)) {
                return Ok(registered(&found.name, &found.version_id, true));
            }
            let parent = format!("{}/models/{}", self.parent(), upload.id);
            let request = upload.request(versions.is_some().then_some(parent.as_str()));
            let mut operation = self
                .models
                .upload_model()
                .with_request(request.set_parent(self.parent()))
                .with_idempotency(false)
                .with_polling_error_policy(self.google.policy().with_attempt_limit(LOOKS))
                .poller();
            let failure = match operation.poll().await {
                Some(PollingResult::Completed(Err(error))) if !is_verdict(&error) => {
                    self.google.failure(error)
                }
                Some(PollingResult::Completed(done)) => return self.finished(done, upload),
                _ => return self.finished(operation.until_done().await, upload),
            };
            attempt += 1;
            if !failure.is_passing || attempt >= ATTEMPTS {
                return Err(failure.error("register the model"));
            }
            tokio::time::sleep(self.google.patience.look(attempt)).await;
        }
    }

    /// The versions of a model; `None` if there is no such model.
    async fn versions(&self, id: &str) -> Result<Option<Vec<Model>>> {
        let asked = self.models.list_model_versions();
        let asked = asked.set_name(format!("{}/models/{id}", self.parent()));
        let mut items = asked.set_page_size(PAGE).by_item();
        let mut found = Vec::new();
        loop {
            let next = async { items.next().await.transpose() };
            match self.google.call(next).await {
                Ok(Some(version)) => found.push(version),
                Ok(None) => return Ok(Some(found)),
                Err(failure) if failure.is(404) => return Ok(None),
                Err(failure) => return Err(failure.error("look for the model")),
            }
        }
    }

    /// What an operation that is over has done.
    fn finished(
        &self,
        done: std::result::Result<UploadModelResponse, GaxError>,
        upload: &Upload,
    ) -> Result<Registered> {
        let error = match done {
            Ok(done) => return Ok(registered(&done.model, &done.model_version_id, false)),
            Err(error) => error,
        };
        let id = &upload.id;
        if is_verdict(&error) {
            let message = error.status().map_or("", |status| &status.message);
            let failed = Error::failed(format!("Vertex AI has not registered the model {id}"));
            return Err(failed.detail(message));
        }
        if error.is_exhausted() {
            let message = format!("Vertex AI is still registering the model {id}");
            return Err(Error::failed(message)
                .detail(error.to_string())
                .hint("run the same command again later: what is there is not registered twice"));
        }
        Err(self.google.failure(error).error("look at the registration"))
    }
}

/// Whether an error is what became of an operation, and not of a call.
fn is_verdict(error: &GaxError) -> bool {
    error.status().is_some() && error.http_status_code().is_none()
}

/// The name and the number of a version.
fn registered(name: &str, version: &str, known: bool) -> Registered {
    // A name may end with its version.
    let (model, suffix) = name.split_once('@').unwrap_or((name, ""));
    let version = if version.is_empty() { suffix } else { version };
    Registered {
        model: model.to_owned(),
        version: version.to_owned(),
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
