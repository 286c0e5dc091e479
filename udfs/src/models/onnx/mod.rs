//! Models as ONNX files: one input per feature, by its name, so that a column of
//! a table feeds each.

mod graph;
mod message;
mod trees;

use graph::{Graph, int};
use message::TensorProto;

use super::{Linear, Model};
use crate::error::{Error, Result};

/// The output every model has.
const PREDICTION: &str = "prediction";
/// The output of models that tell classes apart.
const PROBABILITIES: &str = "probabilities";
/// How names of our own values begin.
const RESERVED: &str = "lagrange_";

/// The model as an ONNX file.
///
/// # Errors
/// An algorithm that ONNX has no operators for, and names that would clash.
pub fn export(function: &str, model: &Model) -> Result<Vec<u8>> {
    let header = model.header();
    for name in &header.features {
        if name.starts_with(RESERVED) || [PREDICTION, PROBABILITIES].contains(&name.as_str()) {
            return Err(Error::data(
                function,
                format!("feature '{name}' has a name that the file uses itself; rename it"),
            ));
        }
    }
    if !header.preparation.is_empty() {
        return Err(Error::data(
            "to_onnx",
            "the model prepares its features (option 'prepare'), which is not exported; fit it without",
        ));
    }
    if header.features.is_empty() {
        return Err(Error::data(
            function,
            "the model has no features, and an ONNX file needs an input",
        ));
    }
    let mut graph = Graph::default();
    if let Some(linear) = model.body().linear() {
        let sums = add_linear(&mut graph, linear, &header.features);
        add_outcome(&mut graph, &sums, model.classes());
    } else if let Some(ensemble) = model.body().trees() {
        trees::add(&mut graph, ensemble, &header.features);
    } else {
        return Err(Error::data(
            function,
            format!(
                "a model of {} cannot be written as ONNX; linear models and trees can",
                header.algorithm
            ),
        ));
    }
    Ok(graph.finish(&[
        ("lagrange.algorithm", header.algorithm.clone()),
        ("lagrange.target", header.target.clone()),
    ]))
}

/// The given columns side by side.
fn matrix(graph: &mut Graph, columns: &[String]) -> String {
    let axis = graph.integers(&[1]);
    let columns: Vec<String> = columns
        .iter()
        .map(|column| graph.node("Unsqueeze", &[column, &axis], vec![]))
        .collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    graph.node("Concat", &columns, vec![int("axis", 1)])
}

/// The weighted sum of each row.
fn add_linear(graph: &mut Graph, linear: &Linear, features: &[String]) -> String {
    for name in features {
        graph.input(name, TensorProto::DOUBLE);
    }
    let rows = matrix(graph, features);
    let values: Vec<f64> = linear.coefficients.iter().map(|c| c.value).collect();
    let weights = graph.doubles(&[values.len() as i64, 1], &values);
    let intercept = graph.doubles(&[1], &[linear.intercept.value]);
    graph.node("Gemm", &[&rows, &weights, &intercept], vec![])
}

/// What the sums stand for: numbers, or the log odds of the second class.
fn add_outcome(graph: &mut Graph, sums: &str, classes: &[f64]) {
    graph.output(PREDICTION, &[]);
    if classes.is_empty() {
        let axis = graph.integers(&[1]);
        graph.named_node("Squeeze", &[sums, &axis], vec![], PREDICTION);
    } else {
        add_second_class(graph, classes, sums, 0.0);
        add_both_probabilities(graph, sums);
    }
}

/// The probabilities of two classes by the log odds of the second.
fn add_both_probabilities(graph: &mut Graph, sums: &str) {
    let other = graph.node("Neg", &[sums], vec![]);
    let both = [
        graph.node("Sigmoid", &[&other], vec![]),
        graph.node("Sigmoid", &[sums], vec![]),
    ];
    let axis = vec![int("axis", 1)];
    graph.named_node("Concat", &[&both[0], &both[1]], axis, PROBABILITIES);
    graph.output(PROBABILITIES, &[2]);
}

/// The prediction: the second class's value where the sum is above the limit.
fn add_second_class(graph: &mut Graph, classes: &[f64], sums: &str, limit: f64) {
    let limit = graph.doubles(&[1, 1], &[limit]);
    let second = graph.node("Greater", &[sums, &limit], vec![]);
    let one = |i: usize| [classes.get(i).copied().unwrap_or(i as f64)];
    let values = [
        graph.doubles(&[1, 1], &one(1)),
        graph.doubles(&[1, 1], &one(0)),
    ];
    let class = graph.node("Where", &[&second, &values[0], &values[1]], vec![]);
    let axis = graph.integers(&[1]);
    graph.named_node("Squeeze", &[&class, &axis], vec![], PREDICTION);
}
