//! A model as JSON, for people and other programs. The schema is in the docs of
//! `model_to_json`.

use serde_json::{Map, Value as Json, json};

use super::trees::{Link, Rule, Tree, Trees};
use super::{Body, Coefficient, Linear, Model};

/// The version of the schema.
const SCHEMA: u32 = 1;

impl Model {
    /// The whole model; `None` if its parameters have no such form.
    pub fn to_json(&self) -> Option<Json> {
        let header = self.header();
        let (key, body) = if let Some(linear) = self.body().linear() {
            let mut body = linear_json(linear, &header.features);
            if !self.classes().is_empty() {
                body["link"] = json!("logistic");
                body["classes"] = json!(self.classes());
            }
            if let Body::LinearPath(path) = self.body() {
                body["path"] = json!(path.steps);
            }
            ("linear", body)
        } else if let Some(trees) = self.body().trees() {
            ("trees", trees_json(trees, &header.features))
        } else {
            return None;
        };
        let types = self.body().feature_types(header.features.len());
        let features = header.features.iter().zip(types).enumerate();
        let features = features.map(|(i, (name, kind))| {
            let mut feature = json!({ "name": name, "type": kind });
            let trees = self.body().trees();
            if let Some(Some(names)) = trees.and_then(|trees| trees.categories.get(i)) {
                feature["categories"] = json!(names);
            }
            feature
        });
        Some(json!({
            "schema": SCHEMA,
            "algorithm": header.algorithm,
            "target": header.target,
            "features": features.collect::<Vec<_>>(),
            "parameters": header.parameters,
            "rows_used": header.rows_used,
            "rows_skipped": header.rows_skipped,
            "preparation": header.preparation,
            "window": header.window,
            "metrics": header.metrics,
            "status": header.status,
            "library": header.library,
            key: body,
        }))
    }
}

fn linear_json(linear: &Linear, features: &[String]) -> Json {
    let coefficient = |of: &Coefficient| {
        json!({
            "value": of.value,
            "standardized": of.standardized,
            "standard_error": of.standard_error,
        })
    };
    let named = features.iter().zip(&linear.coefficients).map(|(name, of)| {
        let mut entry = coefficient(of);
        entry["feature"] = json!(name);
        entry
    });
    json!({
        "intercept": coefficient(&linear.intercept),
        "coefficients": named.collect::<Vec<_>>(),
        "residual_deviation": linear.residual_deviation,
        "r2": linear.r2,
        "degrees_of_freedom": linear.degrees_of_freedom,
    })
}

fn trees_json(trees: &Trees, features: &[String]) -> Json {
    let link = match trees.link {
        Link::Identity => "identity",
        Link::Logistic => "logistic",
        Link::Softmax => "softmax",
        Link::Log => "log",
        Link::Share => "share",
    };
    let all = trees.trees.iter().enumerate().map(|(i, tree)| {
        let (splits, leaves) = tree_json(tree, trees, features);
        json!({ "output": i % trees.outputs as usize, "splits": splits, "leaves": leaves })
    });
    json!({
        "link": link,
        "base": trees.base,
        "classes": trees.classes,
        "trees": all.collect::<Vec<_>>(),
    })
}

fn tree_json(tree: &Tree, trees: &Trees, features: &[String]) -> (Vec<Json>, Vec<Json>) {
    let child = |child: i32| match child {
        0.. => json!({ "split": child }),
        _ => json!({ "leaf": !child }),
    };
    let splits = tree.splits.iter().map(|split| {
        let feature = split.feature as usize;
        let mut entry = Map::new();
        entry.insert("feature".to_owned(), json!(features.get(feature)));
        match &split.rule {
            Rule::AtMost(threshold) => entry.insert("at_most".to_owned(), json!(threshold)),
            Rule::In(codes) => entry.insert("in".to_owned(), json!(trees.names(feature, codes))),
        };
        let more = json!({
            "missing": if split.missing_left { "left" } else { "right" },
            "left": child(split.left),
            "right": child(split.right),
            "gain": split.gain,
            "cover": split.cover,
            "value": split.value,
        });
        if let Json::Object(more) = more {
            entry.extend(more);
        }
        Json::Object(entry)
    });
    let leaves = tree.leaves.iter();
    let leaves = leaves.map(|leaf| json!({ "value": leaf.value, "cover": leaf.cover }));
    (splits.collect(), leaves.collect())
}
