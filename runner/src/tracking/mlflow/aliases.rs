//! Aliases of the registry, for those who load a model from the server.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::client::{Answer, Body, Client, Failure, api};
use super::{address, names};
use crate::runs::results::plain;
use crate::settings::Settings;

/// The tag of a version that has its number in the registry.
pub const VERSION_TAG: &str = "lagrange.version";

/// Gives the version of the registry the same alias on the server; `None`: takes the
/// alias away. A server that does not know the version is left alone.
///
/// # Errors
/// Why the server has not changed, for people.
pub async fn mirror(
    settings: &Settings,
    name: &str,
    alias: &str,
    version: Option<u64>,
) -> Result<(), String> {
    let address = address::Address::of(&settings.tracking_uri)?;
    address.reach().await?;
    let client = Client::new(address)?;
    let answer = change(&client, &names::registered_model(name), alias, version).await;
    answer.map_err(|failure| failure.to_string())
}

async fn change(client: &Client, name: &str, alias: &str, version: Option<u64>) -> Answer<()> {
    let Some(version) = version else {
        let query = json!({ "name": name, "alias": alias });
        let path = api("registered-models/alias");
        return match client.say(Method::DELETE, &path, Body::Json(query)).await {
            Ok(_) | Err(Failure::Refused { .. }) => Ok(()),
            Err(failure) => Err(failure),
        };
    };
    let Some(known) = find(client, name, version).await? else {
        return Ok(());
    };
    let body = json!({ "name": name, "alias": alias, "version": known });
    client.post("registered-models/alias", body).await?;
    Ok(())
}

/// The server's number of a version: the latest, if it was uploaded by several runs.
async fn find(client: &Client, name: &str, version: u64) -> Answer<Option<String>> {
    let filter = format!("name = '{name}' AND tags.`{VERSION_TAG}` = '{version}'");
    let path = api("model-versions/search");
    let found = client.get(&path, &[("filter", &filter)]).await?;
    let versions = found["model_versions"].as_array().into_iter().flatten();
    let versions = versions.filter(|json| json["name"] == name && has_tag(json, version));
    let number = |json: &Json| plain(&json["version"]).parse::<u64>().ok();
    Ok(versions.filter_map(number).max().map(|n| n.to_string()))
}

fn has_tag(json: &Json, version: u64) -> bool {
    let mut tags = json["tags"].as_array().into_iter().flatten();
    tags.any(|tag| tag["key"] == VERSION_TAG && tag["value"] == version.to_string().as_str())
}
