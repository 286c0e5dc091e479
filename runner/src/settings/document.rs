//! A YAML file as a list of `a.b.c: value` entries that know their line.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::error::{Error, Place, Result};
use crate::parameters::Value;

/// A scalar of the file.
#[derive(Debug)]
pub struct Entry {
    /// The path of keys, joined by dots.
    pub key: String,
    /// The scalar, or `None` for a list.
    pub value: Option<Value>,
    /// Where the last key stands.
    pub place: Place,
}

/// Reads the scalars of a YAML document in order.
///
/// # Errors
/// Text that is not YAML, or not a mapping.
pub fn entries(file: &str, text: &str) -> Result<Vec<Entry>> {
    let place = |location: Location| Place {
        file: file.to_owned(),
        line: location.line(),
        column: location.column(),
    };
    let document: Node = serde_saphyr::from_str(text).map_err(|error| {
        let error = error.without_snippet();
        let usage = Error::usage(format!("not valid YAML: {error}"));
        match error.location() {
            Some(location) => usage.at(place(location)),
            None => usage.detail(file),
        }
    })?;
    let mut entries = Vec::new();
    match document {
        Node::Map(map) => flatten("", map, &place, &mut entries),
        _ => {
            return Err(Error::usage(format!(
                "{file} must be a mapping of settings"
            )));
        }
    }
    Ok(entries)
}

fn flatten(
    prefix: &str,
    map: Vec<(Spanned<String>, Node)>,
    place: &dyn Fn(Location) -> Place,
    entries: &mut Vec<Entry>,
) {
    for (name, node) in map {
        let key = format!("{prefix}{}", name.value);
        match node {
            Node::Map(map) => flatten(&format!("{key}."), map, place, entries),
            Node::Scalar(value) => entries.push(Entry {
                key,
                value: Some(value),
                place: place(name.referenced),
            }),
            Node::List => entries.push(Entry {
                key,
                value: None,
                place: place(name.referenced),
            }),
        }
    }
}

/// Any YAML node.
enum Node {
    Scalar(Value),
    List,
    Map(Vec<(Spanned<String>, Node)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value or a mapping")
    }

    fn visit_unit<E>(self) -> std::result::Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Node, E> {
        Ok(Node::Scalar(Value::Boolean(value)))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Node, E> {
        Ok(Node::Scalar(Value::Integer(value)))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Node, E> {
        Ok(Node::Scalar(match i64::try_from(value) {
            Ok(value) => Value::Integer(value),
            Err(_) => Value::Decimal(value.to_string()),
        }))
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Node, E> {
        Ok(Node::Scalar(if value.is_finite() {
            Value::Decimal(value.to_string())
        } else {
            Value::Text(value.to_string())
        }))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Node, E> {
        Ok(Node::Scalar(Value::Text(value.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Node, A::Error> {
        while list.next_element::<Node>()?.is_some() {}
        Ok(Node::List)
    }
}
