//! `lagrange models export`: the files of a version, in a folder.

use serde_json::json;

use super::Answer;
use crate::cli::models::{ExportArgs, Form};
use crate::error::{Error, Result};
use crate::files::write_aside;
use crate::registry::Registry;
use crate::registry::manifest::{CARD, JSON, MODEL, ONNX};
use crate::registry::names::Reference;

/// What can be exported: the file in the registry, and how that of ours ends.
const FORMS: [(Form, &str, &str); 4] = [
    (Form::Native, MODEL, "bin"),
    (Form::Onnx, ONNX, "onnx"),
    (Form::Json, JSON, "json"),
    (Form::Card, CARD, "md"),
];

/// Runs the verb.
pub async fn export(registry: &Registry, args: &ExportArgs) -> Result<Answer> {
    let manifest = registry.find_any(&Reference::parse(&args.model)?).await?;
    let (name, version) = (&manifest.name, manifest.version);
    let mut files = Vec::new();
    for (form, file, extension) in FORMS {
        let asked = args.form.contains(&form);
        let by_default = args.form.is_empty() && manifest.files.contains_key(file);
        if !(asked || by_default) {
            continue;
        }
        if file == ONNX && !manifest.files.contains_key(file) {
            let message = format!(
                "version {version} of {name}, a model of {}, has no ONNX form",
                manifest.algorithm
            );
            return Err(Error::failed(message).hint("lagrange models show --card says why"));
        }
        let path = args.to.join(format!("{name}-{version}.{extension}"));
        if path.exists() && !args.force {
            let message = format!("{} is there already", path.display());
            return Err(
                Error::usage(message).hint("--force replaces it, --to names another folder")
            );
        }
        files.push((path, registry.file(&manifest, file).await?));
    }
    std::fs::create_dir_all(&args.to)
        .map_err(|error| Error::io(format!("cannot create {}", args.to.display()), &error))?;
    let mut written = Vec::new();
    for (path, bytes) in files {
        write_aside(&path, &bytes)
            .map_err(|error| Error::io(format!("cannot write {}", path.display()), &error))?;
        written.push(path.display().to_string());
    }
    let json = json!({ "name": name, "version": version, "files": written });
    let lines: Vec<String> = written
        .iter()
        .map(|path| format!("{path} written"))
        .collect();
    Ok(Answer::new(lines.join("\n"), json))
}
