//! What the server takes as names and values, and how much of it at once.

use serde_json::{Value as Json, json};

use crate::runs::record::{Metric, not_finite};

/// The longest name of a metric, a parameter or a tag.
const LONGEST_KEY: usize = 250;
/// The longest value of a parameter.
const LONGEST_PARAMETER: usize = 6_000;
/// The longest value of a tag.
const LONGEST_TAG: usize = 5_000;
/// How many metrics go with one call, and parameters or tags.
pub const METRICS_AT_ONCE: usize = 1_000;
/// See [`METRICS_AT_ONCE`].
pub const OTHERS_AT_ONCE: usize = 100;

/// A name of a metric, a parameter or a tag: the server takes letters, digits and
/// `_-. :/`, and no path such as `a//b` or `../a`.
pub fn key(name: &str) -> String {
    let plain = |c: char| {
        if c.is_alphanumeric() || "_-. :/".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = name.chars().map(plain).collect();
    let parts = name.split('/').map(|part| match part.trim() {
        "" | "." | ".." => "_",
        part => part,
    });
    cut(&parts.collect::<Vec<_>>().join("/"), LONGEST_KEY)
}

/// A name of a logged model, which may not have `/:.%"'`.
pub fn logged_model(name: &str) -> String {
    replaced(name, "/:.%\"'")
}

/// A name of a registered model, which may not have `/` and `:`.
pub fn registered_model(name: &str) -> String {
    replaced(name, "/:")
}

fn replaced(name: &str, refused: &str) -> String {
    let plain = |c: char| {
        if refused.contains(c) || c.is_control() {
            '_'
        } else {
            c
        }
    };
    let name: String = name.chars().map(plain).collect();
    let name = cut(name.trim(), LONGEST_KEY);
    if name.is_empty() {
        "model".to_owned()
    } else {
        name
    }
}

/// A parameter.
pub fn parameter(name: &str, value: &str) -> Json {
    json!({ "key": key(name), "value": cut(value, LONGEST_PARAMETER) })
}

/// A tag.
pub fn tag(name: &str, value: &str) -> Json {
    json!({ "key": cut(name, LONGEST_KEY), "value": cut(value, LONGEST_TAG) })
}

/// A metric of a run, or of a model.
pub fn metric(metric: &Metric, model: Option<&str>) -> Json {
    let mut json = json!({
        "key": key(&metric.key),
        "value": number(metric.value),
        "timestamp": metric.at.0,
        "step": metric.step,
    });
    if let Some(model) = model {
        json["model_id"] = Json::from(model);
    }
    json
}

/// A number as the server takes it.
pub fn number(value: f64) -> Json {
    if value.is_finite() {
        Json::from(value)
    } else {
        Json::from(not_finite(value))
    }
}

/// As many characters as there may be.
pub fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(longest - 1).collect();
    cut.push('…');
    cut
}

/// A path of a file in an address.
pub fn path(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_the_server_takes() {
        assert_eq!(
            key("model_metrics/ridge/test/rank_ic"),
            "model_metrics/ridge/test/rank_ic"
        );
        assert_eq!(key("a*b$c"), "a_b_c");
        assert_eq!(key("/a//b/../c"), "_/a/_/b/_/c");
        assert_eq!(key(&"x".repeat(300)).chars().count(), 250);
        assert_eq!(logged_model("a/b:c.d"), "a_b_c_d");
        assert_eq!(registered_model("a/b:c.d"), "a_b_c.d");
        assert_eq!(registered_model(" "), "model");
        assert_eq!(number(f64::NEG_INFINITY), "-Infinity");
        assert_eq!(path("a b/ü"), "a%20b/%C3%BC");
    }
}
