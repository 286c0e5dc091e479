//! A model as JSON, for people and other programs. The schema is in the docs of
//! `model_to_json`. It is written as it is made: a forest of a gigabyte has four of it.

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};

use super::trees::{Leaf, Link, Rule, Split, Tree, Trees};
use super::{Body, Coefficient, Header, Linear, Model};

/// The version of the schema.
const SCHEMA: u32 = 1;

/// A model to be written as JSON.
pub struct ModelJson<'a> {
    model: &'a Model,
    parameters: Parameters<'a>,
}

enum Parameters<'a> {
    Linear(Json),
    Trees(&'a Trees),
}

impl Model {
    /// The whole model; `None` if its parameters have no such form.
    pub fn to_json(&self) -> Option<ModelJson<'_>> {
        let parameters = if let Some(linear) = self.body().linear() {
            let mut body = linear_json(linear, &self.header().features);
            if !self.classes().is_empty() {
                body["link"] = json!("logistic");
                body["classes"] = json!(self.classes());
            }
            if let Body::LinearPath(path) = self.body() {
                body["path"] = json!(path.steps);
            }
            Parameters::Linear(body)
        } else {
            Parameters::Trees(self.body().trees()?)
        };
        Some(ModelJson {
            model: self,
            parameters,
        })
    }
}

impl Serialize for ModelJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let model = self.model;
        let Header {
            algorithm,
            target,
            features,
            parameters,
            rows_used,
            rows_skipped,
            preparation,
            window,
            metrics,
            status,
            library,
            ..
        } = model.header();
        let types = model.body().feature_types(features.len());
        let described = features.iter().zip(types).enumerate();
        let described = described.map(|(i, (name, kind))| {
            let mut feature = json!({ "name": name, "type": kind });
            let trees = model.body().trees();
            if let Some(Some(names)) = trees.and_then(|trees| trees.categories.get(i)) {
                feature["categories"] = json!(names);
            }
            feature
        });
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("schema", &SCHEMA)?;
        map.serialize_entry("algorithm", algorithm)?;
        map.serialize_entry("target", target)?;
        map.serialize_entry("features", &described.collect::<Vec<_>>())?;
        map.serialize_entry("parameters", parameters)?;
        map.serialize_entry("rows_used", rows_used)?;
        map.serialize_entry("rows_skipped", rows_skipped)?;
        map.serialize_entry("preparation", preparation)?;
        map.serialize_entry("window", window)?;
        map.serialize_entry("metrics", metrics)?;
        map.serialize_entry("status", status)?;
        map.serialize_entry("library", library)?;
        match &self.parameters {
            Parameters::Linear(body) => map.serialize_entry("linear", body)?,
            Parameters::Trees(trees) => {
                map.serialize_entry("trees", &TreesJson { trees, features })?;
            }
        }
        map.end()
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

/// Trees, or a part of them, and what their numbers stand for.
struct TreesJson<'a> {
    trees: &'a Trees,
    features: &'a [String],
}

impl Serialize for TreesJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let link = match self.trees.link {
            Link::Identity => "identity",
            Link::Logistic => "logistic",
            Link::Softmax => "softmax",
            Link::Log => "log",
            Link::Share => "share",
        };
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("link", link)?;
        map.serialize_entry("base", &self.trees.base)?;
        map.serialize_entry("classes", &self.trees.classes)?;
        let trees = self.trees.trees.iter().enumerate();
        let trees = Listed(trees.map(|(i, tree)| TreeJson {
            output: i % self.trees.outputs as usize,
            tree,
            of: self,
        }));
        map.serialize_entry("trees", &trees)?;
        map.end()
    }
}

/// A list that is written as it is made.
struct Listed<I>(I);

impl<I: Iterator<Item: Serialize> + Clone> Serialize for Listed<I> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(None)?;
        for item in self.0.clone() {
            list.serialize_element(&item)?;
        }
        list.end()
    }
}

struct TreeJson<'a> {
    output: usize,
    tree: &'a Tree,
    of: &'a TreesJson<'a>,
}

impl Serialize for TreeJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let splits = self.tree.splits.iter();
        let splits = splits.map(|split| SplitJson { split, of: self.of });
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("output", &self.output)?;
        map.serialize_entry("splits", &Listed(splits))?;
        map.serialize_entry("leaves", &Listed(self.tree.leaves.iter().map(LeafJson::of)))?;
        map.end()
    }
}

struct SplitJson<'a> {
    split: &'a Split,
    of: &'a TreesJson<'a>,
}

impl Serialize for SplitJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (split, feature) = (self.split, self.split.feature as usize);
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("feature", &self.of.features.get(feature))?;
        match &split.rule {
            Rule::AtMost(threshold) => map.serialize_entry("at_most", threshold)?,
            Rule::In(codes) => map.serialize_entry("in", &self.of.trees.names(feature, codes))?,
        }
        let missing = if split.missing_left { "left" } else { "right" };
        map.serialize_entry("missing", missing)?;
        map.serialize_entry("left", &Child::of(split.left))?;
        map.serialize_entry("right", &Child::of(split.right))?;
        map.serialize_entry("gain", &split.gain)?;
        map.serialize_entry("cover", &split.cover)?;
        map.serialize_entry("value", &split.value)?;
        map.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Child {
    Split(i32),
    Leaf(i32),
}

impl Child {
    fn of(child: i32) -> Self {
        match child {
            0.. => Self::Split(child),
            _ => Self::Leaf(!child),
        }
    }
}

#[derive(Serialize)]
struct LeafJson {
    value: f64,
    cover: f64,
}

impl LeafJson {
    fn of(leaf: &Leaf) -> Self {
        Self {
            value: leaf.value,
            cover: leaf.cover,
        }
    }
}
