//! What must not be in a record, a tag, a log or an error: passwords, tokens, and
//! the user of an address such as `https://user:password@host`.

use std::collections::BTreeSet;

/// What stands for a secret.
pub const MASK: &str = "***";
/// Words in the name of a setting or parameter whose value is a secret.
const WORDS: [&str; 9] = [
    "password",
    "passwd",
    "secret",
    "token",
    "credential",
    "private_key",
    "api_key",
    "access_key",
    "apikey",
];
/// Shorter values are not looked for in texts: they would be found everywhere.
const SHORTEST: usize = 4;
/// Environment variables whose values are secrets.
const VARIABLES: [&str; 2] = ["MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"];

/// Secret values that are known.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    values: BTreeSet<String>,
}

impl Secrets {
    /// Those of the environment.
    pub fn of_environment() -> Self {
        let mut secrets = Self::default();
        for name in VARIABLES {
            if let Ok(value) = std::env::var(name) {
                secrets.add(&value);
            }
        }
        secrets
    }

    /// A value that must not be seen.
    pub fn add(&mut self, value: &str) {
        if value.len() >= SHORTEST {
            self.values.insert(value.to_owned());
        }
    }

    /// Learns the secrets that a script spells out: `SECRET 'x'`, `password => 'x'`,
    /// `DECLARE token STRING DEFAULT 'x'`.
    pub fn learn(&mut self, script: &str) {
        for line in script.lines() {
            let mut parts = line.split('\'');
            let mut before = parts.next().unwrap_or_default();
            while let (Some(literal), after) = (parts.next(), parts.next()) {
                let named = |c: char| !(c.is_alphanumeric() || c == '_');
                let mut words = before.rsplit(named).filter(|word| !word.is_empty());
                let declared = before.trim_start().to_uppercase().starts_with("DECLARE");
                if words.next().is_some_and(is_secret) || (declared && is_secret(before)) {
                    self.add(literal);
                }
                before = after.unwrap_or_default();
            }
        }
    }

    /// The value of a setting or parameter, if it may be seen.
    pub fn value(&mut self, name: &str, value: &str) -> String {
        if is_secret(name) && !value.is_empty() {
            self.add(value);
            return MASK.to_owned();
        }
        self.clean(value)
    }

    /// A text without secrets.
    pub fn clean(&self, text: &str) -> String {
        let mut text = without_users(text);
        // Longer ones first: one may be a part of another.
        let mut values: Vec<&String> = self.values.iter().collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        for value in values {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), MASK);
            }
        }
        text
    }

    /// A document without secrets.
    pub fn clean_json(&self, json: serde_json::Value) -> serde_json::Value {
        use serde_json::Value as Json;
        match json {
            Json::String(text) => Json::String(self.clean(&text)),
            Json::Array(values) => values.into_iter().map(|v| self.clean_json(v)).collect(),
            Json::Object(map) => Json::Object(
                map.into_iter()
                    .map(|(key, value)| (key, self.clean_json(value)))
                    .collect(),
            ),
            other => other,
        }
    }
}

/// Whether a name is that of a secret.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase().replace('-', "_");
    WORDS.iter().any(|word| name.contains(word))
}

/// A text whose addresses name no user: `scheme://***@host`.
pub fn without_users(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        cleaned.push_str(before);
        let ends = |c: char| c.is_whitespace() || "/?#'\"<>`|\\".contains(c);
        let end = after.find(ends).unwrap_or(after.len());
        let authority = &after[..end];
        match authority.rfind('@') {
            Some(user) => {
                cleaned.push_str(MASK);
                cleaned.push_str(&authority[user..]);
            }
            None => cleaned.push_str(authority),
        }
        rest = &after[end..];
    }
    cleaned.push_str(rest);
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_of_addresses_are_masked() {
        let cleaned = without_users(
            "GET https://me:pass@word@host:5000/a?b='s3://k:v@b/c' and http://plain/x@y",
        );
        assert_eq!(
            cleaned,
            "GET https://***@host:5000/a?b='s3://***@b/c' and http://plain/x@y"
        );
        assert_eq!(
            without_users("no address, a@b, x://"),
            "no address, a@b, x://"
        );
    }

    #[test]
    fn secret_values_are_found_in_texts() {
        let mut secrets = Secrets::default();
        assert_eq!(secrets.value("db_password", "hunter22"), MASK);
        assert_eq!(secrets.value("API-Key", "abc"), MASK);
        assert_eq!(secrets.value("horizon", "5"), "5");
        assert_eq!(secrets.clean("it is hunter22, abc"), "it is ***, abc");
        secrets.learn("CREATE SECRET s (TYPE s3, KEY_ID 'public', SECRET 'private');\nSELECT f('plain', token => 'tokentoken')");
        assert_eq!(
            secrets.clean("public private plain tokentoken"),
            "public *** plain ***"
        );
        let json = serde_json::json!({"a": ["x hunter22"], "n": 1});
        assert_eq!(
            secrets.clean_json(json),
            serde_json::json!({"a": ["x ***"], "n": 1})
        );
    }
}
