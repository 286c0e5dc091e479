//! `lagrange models import`: publishes a model file, or one of another library.

use bytes::Bytes;
use lagrange_udfs::models::import::import as foreign;
use lagrange_udfs::models::is_model;
use serde_json::json;

use super::Answer;
use crate::cli::models::ImportArgs;
use crate::error::{Error, Result};
use crate::files::sha256;
use crate::registry::manifest::Lineage;
use crate::registry::{Draft, Registry};

/// Runs the verb.
pub async fn import(registry: &Registry, args: &ImportArgs) -> Result<Answer> {
    let file = args.file.display().to_string();
    let bytes = std::fs::read(&args.file)
        .map_err(|error| Error::usage(format!("cannot read {file}: {error}")))?;
    let failed = |error: lagrange_udfs::Error| Error::failed(format!("{file}: {error}"));
    let digest = sha256(&bytes);
    let model = if is_model(&bytes) {
        if let Some(format) = &args.format {
            let message = format!("{file} is a model of Lagrange, not of {format}");
            return Err(Error::usage(message).hint("leave out --format"));
        }
        // Says what is wrong with it, and with which file.
        lagrange_udfs::models::Model::read(&bytes).map_err(failed)?;
        bytes
    } else {
        let text = String::from_utf8(bytes).map_err(|_| {
            let message = format!("{file} is neither a model of Lagrange nor text");
            Error::failed(message)
                .hint("LightGBM: save_model as text; XGBoost: save_model with a name in .json")
        })?;
        let model = foreign("models import", &text, args.format.as_deref()).map_err(failed)?;
        model.write().map_err(failed)?
    };
    let draft = Draft {
        lineage: Lineage {
            script: Some(file),
            script_sha256: Some(digest),
            ..Lineage::default()
        },
        ..Draft::new(args.name.clone(), Bytes::from(model))
    };
    let mut published = registry.publish(vec![draft]).await?;
    let Some(published) = published.pop() else {
        return Err(Error::internal("nothing was published"));
    };
    let manifest = &published.manifest;
    let json = json!({
        "name": manifest.name,
        "version": manifest.version,
        "path": published.path,
        "new": published.new,
    });
    let features = match manifest.features.len() {
        1 => "1 feature".to_owned(),
        n => format!("{n} features"),
    };
    let known = if published.new { "" } else { "  (unchanged)" };
    let text = format!(
        "{} version {}: {} with {features}  {}{known}",
        manifest.name, manifest.version, manifest.algorithm, published.path
    );
    Ok(Answer::new(text, json))
}
