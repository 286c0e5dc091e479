//! Parameters as results and plans show them.

use serde_json::{Map, Value as Json};

use crate::parameters::{Parameter, ParameterOrigin};
use crate::secrets;
use crate::settings::Settings;

/// Parameters as they stand in results; secrets are masked.
pub fn to_json(parameter: &Parameter, settings: &Settings) -> Json {
    let (value, origin) = described(parameter, settings);
    let mut json = Map::new();
    json.insert("script".to_owned(), Json::from(parameter.script.clone()));
    json.insert("name".to_owned(), Json::from(parameter.name.clone()));
    json.insert(
        "value".to_owned(),
        Json::from(secrets::shown(&parameter.name, &value).into_owned()),
    );
    json.insert("origin".to_owned(), Json::from(origin));
    Json::Object(json)
}

/// The value of a parameter as SQL, and where it comes from.
pub fn described(parameter: &Parameter, settings: &Settings) -> (String, String) {
    let origin = match &parameter.origin {
        ParameterOrigin::Flag => "--set".to_owned(),
        ParameterOrigin::Settings => settings
            .origin(&format!("parameters.{}", parameter.name))
            .map_or_else(|| "settings".to_owned(), ToString::to_string),
        ParameterOrigin::Declaration(place) => format!("{}:{}", place.file, place.line),
    };
    (parameter.value.to_string(), origin)
}
