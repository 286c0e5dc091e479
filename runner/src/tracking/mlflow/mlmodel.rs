//! The files beside a model that tell MLflow's Python how to load it: `MLmodel`
//! with the signature, and the environments that it needs.

use serde_json::{Value as Json, json};

use crate::runs::Run;
use crate::runs::record::Model;

/// What the input example is called.
pub const EXAMPLE: &str = "input_example.json";
/// What ONNX Runtime in Python needs; opset 21 came with 1.20.
const REQUIREMENTS: [&str; 5] = [
    "mlflow>=3.0",
    "numpy",
    "pandas",
    "onnx>=1.17",
    "onnxruntime>=1.20",
];
/// The Python of the environments.
const PYTHON: &str = "3.11";
/// The version of the form of these files.
const MLFLOW: &str = "3.0.0";

/// Where the model is.
pub struct Place<'a> {
    /// The run that made it.
    pub run: &'a Run,
    /// That run on the server.
    pub run_id: &'a str,
    /// The logged model.
    pub model_id: &'a str,
    /// Its folder.
    pub uri: &'a str,
}

/// The files, by name.
pub fn files(model: &Model, place: &Place<'_>) -> Vec<(&'static str, Vec<u8>)> {
    let requirements = REQUIREMENTS.join("\n") + "\n";
    let python = format!(
        "python: \"{PYTHON}\"\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n"
    );
    let listed: String = REQUIREMENTS
        .iter()
        .map(|line| format!("  - {line}\n"))
        .collect();
    let conda = format!(
        "channels:\n- conda-forge\ndependencies:\n- python={PYTHON}\n- pip\n- pip:\n{listed}name: mlflow-env\n"
    );
    let about = format!("{:#}\n", model.header);
    vec![
        ("MLmodel", ml_model(model, place).into_bytes()),
        ("requirements.txt", requirements.into_bytes()),
        ("python_env.yaml", python.into_bytes()),
        ("conda.yaml", conda.into_bytes()),
        ("model.json", about.into_bytes()),
    ]
}

fn ml_model(model: &Model, place: &Place<'_>) -> String {
    let mut text = format!("artifact_path: {}\n", quoted(place.uri));
    text.push_str("flavors:\n");
    text.push_str(&format!(
        "  lagrange:\n    data: model.bin\n    lagrange_version: {}\n    algorithm: {}\n",
        quoted(&place.run.lagrange),
        quoted(&crate::runs::results::plain(&model.header["algorithm"])),
    ));
    // Without ONNX there is nothing that Python could load.
    if model.onnx.is_some() {
        text.push_str(&format!(
            "  onnx:\n    data: model.onnx\n    onnx_version: 1.17.0\n    providers:\n    - CPUExecutionProvider\n  \
             python_function:\n    data: model.onnx\n    env:\n      conda: conda.yaml\n      virtualenv: python_env.yaml\n    \
             loader_module: mlflow.onnx\n    python_version: {PYTHON}.0\n"
        ));
    }
    text.push_str(&format!(
        "mlflow_version: {MLFLOW}\nmodel_id: {id}\nmodel_uuid: {id}\nprompts: null\nrun_id: {}\n",
        place.run_id,
        id = place.model_id,
    ));
    if model.example.is_some() {
        text.push_str(&format!(
            "saved_input_example_info:\n  artifact_path: {EXAMPLE}\n  pandas_orient: split\n  type: dataframe\n"
        ));
    }
    let (inputs, outputs) = signature(model);
    text.push_str(&format!(
        "signature:\n  inputs: {}\n  outputs: {}\n  params: null\n",
        quoted(&inputs.to_string()),
        quoted(&outputs.to_string())
    ));
    let created = place.run.started_at.plain();
    text.push_str(&format!("utc_time_created: {}\n", quoted(&created)));
    text
}

/// What it takes and gives. Numbers are doubles: other columns of the frame are
/// ignored, and their order does not matter.
fn signature(model: &Model) -> (Json, Json) {
    let types = model.header["feature_types"].as_array();
    let features = model.header["features"].as_array().into_iter().flatten();
    let inputs = features
        .enumerate()
        .map(|(i, name)| {
            let is_text = types
                .and_then(|types| types.get(i))
                .is_some_and(|kind| kind == "text");
            let kind = if is_text { "string" } else { "double" };
            json!({ "type": kind, "name": name, "required": true })
        })
        .collect();
    let outputs = json!([{ "type": "double", "name": "prediction", "required": true }]);
    (inputs, outputs)
}

/// Text in YAML.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
