//! `lagrange models register`: a version in Vertex AI's Model Registry.

use serde_json::json;

use super::Answer;
use crate::cli::models::RegisterArgs;
use crate::cloud::vertex::models::Upload;
use crate::cloud::vertex::request::shown;
use crate::cloud::vertex::service::{Home, Vertex};
use crate::error::{Error, Result};
use crate::registry::Registry;
use crate::registry::names::Reference;
use crate::settings::Settings;

/// Runs the verb.
pub async fn register(
    registry: &Registry,
    settings: &Settings,
    args: &RegisterArgs,
) -> Result<Answer> {
    let place = registry.location();
    if !place.starts_with("gs://") {
        let message = format!("the registry {place} is not in a bucket of Google Cloud");
        return Err(Error::usage(message)
            .hint("Vertex AI reads models from gs://: set storage.model_registry to one"));
    }
    let image = args
        .image
        .clone()
        .or_else(|| settings.optional("vertex.image"));
    let image = image.ok_or_else(|| {
        Error::usage("Vertex AI asks for the container that reads the model")
            .hint("set vertex.image, or pass --image")
    })?;
    let manifest = registry.find(&Reference::parse(&args.model)?).await?;
    let (name, version) = (&manifest.name, manifest.version);
    let folder = format!("{place}/{name}/{version}");
    let upload = Upload::new(&manifest, &folder, &image);
    let home = Home::of(settings)?;
    if args.dry_run {
        let request = shown(&upload.request(None))?;
        return Ok(Answer::new(
            format!("{request:#}"),
            json!({ "request": request }),
        ));
    }
    let done = Vertex::connect(&home).await?.register(&upload).await?;
    let state = if done.known { "is" } else { "is now" };
    let text = format!(
        "version {version} of {name} {state} version {} of {}",
        done.version, done.model
    );
    let json = json!({
        "name": name,
        "version": version,
        "vertex_model": done.model,
        "vertex_version": done.version,
        "known": done.known,
    });
    Ok(Answer::new(text, json))
}
