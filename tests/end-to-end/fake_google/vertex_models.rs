//! Vertex AI's Model Registry.

use serde_json::{Value as Json, json};

use super::{Reply, Request, asked, must, only, refusal};

const PARENT: &str = "projects/development/locations/europe-west4";
/// How many versions a page of a list has at most.
const PAGE: usize = 2;
/// What an upload gives in the end.
const RESPONSE: &str = "type.googleapis.com/google.cloud.aiplatform.v1.UploadModelResponse";

/// The service.
#[derive(Default)]
pub struct Models {
    /// Versions: the id of the model, and what was sent.
    pub versions: Vec<(String, Json)>,
    /// Looks at an operation before it is done.
    looks: usize,
    /// What the next operation fails with.
    pub error: Option<String>,
}

impl Models {
    /// What follows the parent in the path; `None`: not about models.
    pub fn answer(&mut self, request: &Request) -> Option<Result<Reply, String>> {
        let method = request.method.as_str();
        // Google's interface has this first address for what takes long.
        if let Some(rest) = request.path.strip_prefix(&format!("/ui/{PARENT}/models/")) {
            return Some(match (method, rest.split_once('/')) {
                ("GET", Some((id, "operations/7"))) => Ok(self.look(id)),
                _ => Err("no such operation".to_owned()),
            });
        }
        let rest = request.path.strip_prefix(&format!("/v1/{PARENT}/"))?;
        if rest == "models:upload" {
            return Some(match method {
                "POST" => self.upload(&request.body),
                _ => Err("models:upload is a POST".to_owned()),
            });
        }
        let id = rest
            .strip_prefix("models/")?
            .strip_suffix(":listVersions")?;
        let words = asked(request, &["pageSize", "pageToken", "filter", "orderBy"]);
        Some(words.map(|()| self.list(id, request)))
    }

    fn numbered(&self, id: &str) -> Vec<(usize, &Json)> {
        let of = self.versions.iter().filter(|(model, _)| model == id);
        of.enumerate().map(|(i, (_, body))| (i + 1, body)).collect()
    }

    fn list(&self, id: &str, request: &Request) -> Reply {
        let all = self.numbered(id);
        if all.is_empty() {
            return refusal(404, "NOT_FOUND", "The Model does not exist.");
        }
        let token = request.query.get("pageToken").map_or("", String::as_str);
        let from: usize = token.parse().unwrap_or(0);
        let page: Vec<Json> = all
            .iter()
            .skip(from)
            .take(PAGE)
            .map(|(number, body)| {
                let mut version = (*body).clone();
                version["name"] = json!(format!("{PARENT}/models/{id}"));
                version["versionId"] = json!(number.to_string());
                version
            })
            .collect();
        let next = from + page.len();
        let mut reply = json!({ "models": page });
        if next < all.len() {
            reply["nextPageToken"] = json!(next.to_string());
        }
        (200, reply)
    }

    fn upload(&mut self, body: &Json) -> Result<Reply, String> {
        only(body, &["modelId", "parentModel", "model"], "the upload")?;
        let model = &body["model"];
        let known = [
            "displayName",
            "description",
            "versionDescription",
            "versionAliases",
            "artifactUri",
            "containerSpec",
            "labels",
        ];
        only(model, &known, "the model")?;
        must(model["containerSpec"]["imageUri"].is_string(), "imageUri")?;
        let artifacts = model["artifactUri"].as_str().unwrap_or_default();
        must(artifacts.starts_with("gs://"), "artifactUri")?;
        let aliases = model["versionAliases"].as_array().ok_or("no aliases")?;
        for alias in aliases {
            let alias = alias.as_str().unwrap_or_default();
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let letter = alias.starts_with(|c: char| c.is_ascii_lowercase());
            must(letter && alias.chars().all(plain), "versionAliases")?;
        }
        let parent = body["parentModel"].as_str();
        let parent = parent.and_then(|name| name.strip_prefix(&format!("{PARENT}/models/")));
        let id = body["modelId"].as_str();
        let id = match (parent, id) {
            (Some(id), None) => {
                must(!self.numbered(id).is_empty(), "no such parentModel")?;
                id
            }
            (None, Some(id)) => {
                must(id.len() <= 63, "modelId")?;
                if !self.numbered(id).is_empty() {
                    return Ok(refusal(409, "ALREADY_EXISTS", "The Model exists."));
                }
                id
            }
            _ => return Err("either modelId or parentModel".to_owned()),
        };
        self.versions.push((id.to_owned(), model.clone()));
        self.looks = 1;
        let name = format!("{PARENT}/models/{id}/operations/7");
        Ok((200, json!({ "name": name })))
    }

    fn look(&mut self, id: &str) -> Reply {
        let name = format!("{PARENT}/models/{id}/operations/7");
        let mut operation = json!({ "name": name });
        if self.looks > 0 {
            self.looks -= 1;
            return (200, operation);
        }
        operation["done"] = json!(true);
        if let Some(message) = self.error.take() {
            self.versions.pop();
            operation["error"] = json!({ "code": 3, "message": message });
            return (200, operation);
        }
        let (id, _) = self.versions.last().expect("an upload was before");
        let number = self.numbered(id).len();
        operation["response"] = json!({
            "@type": RESPONSE,
            "model": format!("{PARENT}/models/{id}"),
            "modelVersionId": number.to_string(),
        });
        (200, operation)
    }
}
