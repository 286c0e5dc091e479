//! What must not be shown or recorded: passwords in addresses, values whose name says
//! that they are secret, and those values wherever they occur in a text.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// What stands in the place of a secret.
pub const MASK: &str = "****";
/// Words in the name of a setting or parameter whose value is a secret.
const WORDS: [&str; 6] = [
    "password",
    "passwd",
    "secret",
    "token",
    "credential",
    "apikey",
];
/// And those of parameters in addresses.
const QUERY_WORDS: [&str; 2] = ["signature", "sig"];
/// Shorter values are not looked for in texts: they would be found everywhere.
const SHORTEST: usize = 4;
/// Environment variables whose values are secrets.
const VARIABLES: [&str; 2] = ["MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"];

/// Whether a name is that of a secret: `api_token`, `client-secret`, `AccessKey`, `key`.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    WORDS.iter().any(|word| name.contains(word)) || name.ends_with("key")
}

/// The value of a setting or parameter as it may be shown.
pub fn shown<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if is_secret(name) && !value.is_empty() {
        Cow::Borrowed(MASK)
    } else {
        masked(value)
    }
}

/// Text without the passwords of the addresses in it: `https://me:****@host`.
pub fn masked(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = rest.find("://") {
        let (before, after) = rest.split_at(found + 3);
        shown.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || "'\"<>`|\\".contains(c))
            .unwrap_or(after.len());
        let (address, next) = after.split_at(end);
        push_address(&mut shown, address);
        rest = next;
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// `user:password@host/path?token=...` without what is secret.
fn push_address(shown: &mut String, address: &str) {
    // A password may hold a slash, but then it has to be written as %2F.
    let authority = address.find(['/', '?', '#']).unwrap_or(address.len());
    let (authority, rest) = address.split_at(authority);
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            if let Some((name, _)) = user.split_once(':') {
                shown.push_str(name);
                shown.push(':');
            }
            shown.push_str(MASK);
            shown.push('@');
            shown.push_str(host);
        }
        None => shown.push_str(authority),
    }
    let Some((path, query)) = rest.split_once('?') else {
        shown.push_str(rest);
        return;
    };
    shown.push_str(path);
    for (i, pair) in query.split('&').enumerate() {
        shown.push(if i == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if is_secret_in_query(name) => {
                shown.push_str(name);
                shown.push('=');
                shown.push_str(MASK);
            }
            _ => shown.push_str(pair),
        }
    }
}

fn is_secret_in_query(name: &str) -> bool {
    let lower = name.to_lowercase();
    is_secret(name) || QUERY_WORDS.iter().any(|word| lower.contains(word))
}

/// Secret values that are known, so that they are found wherever they occur.
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
                let declared = declared.then(|| before.split_whitespace().nth(1)).flatten();
                if words.next().is_some_and(is_secret) || declared.is_some_and(is_secret) {
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
        let mut text = masked(text).into_owned();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_addresses_go() {
        for (text, expected) in [
            (
                "cannot reach https://me:pa:ss@host:5000/a?b=1",
                "cannot reach https://me:****@host:5000/a?b=1",
            ),
            ("http://ghp_abc@host", "http://****@host"),
            (
                "read 'https://host/a?X-Amz-Signature=ab&part=1' now",
                "read 'https://host/a?X-Amz-Signature=****&part=1' now",
            ),
            ("gs://bucket/a@b", "gs://bucket/a@b"),
            ("a: b", "a: b"),
            ("no address, a@b, x://", "no address, a@b, x://"),
            ("x://a:b@c y://d:e@f", "x://a:****@c y://d:****@f"),
            (
                "https://me:pass@word@host/a?b='s3://k:v@b/c'",
                "https://me:****@host/a?b='s3://k:****@b/c'",
            ),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn names_tell() {
        for name in [
            "API_TOKEN",
            "mlflow.password",
            "client-secret",
            "key",
            "access_key",
        ] {
            assert_eq!(shown(name, "abc"), MASK, "{name}");
        }
        for name in ["horizon", "keys_per_day", "signature_days"] {
            assert_eq!(shown(name, "5"), "5", "{name}");
        }
        assert_eq!(shown("uri", "http://a:b@c"), "http://a:****@c");
    }

    #[test]
    fn secret_values_are_found_in_texts() {
        let mut secrets = Secrets::default();
        assert_eq!(secrets.value("db_password", "hunter22"), MASK);
        assert_eq!(secrets.value("API-Key", "abc"), MASK);
        assert_eq!(secrets.value("horizon", "5"), "5");
        assert_eq!(secrets.clean("it is hunter22, abc"), "it is ****, abc");
        secrets.learn(
            "CREATE SECRET s (TYPE s3, SCOPE 'public', SECRET 'private');\n\
             SELECT f('plain', token => 'tokentoken')\n\
             DECLARE api_token STRING DEFAULT 'declared';",
        );
        assert_eq!(
            secrets.clean("public private plain tokentoken declared"),
            "public **** plain **** ****"
        );
        let json = serde_json::json!({"a": ["x hunter22"], "n": 1});
        assert_eq!(
            secrets.clean_json(json),
            serde_json::json!({"a": ["x ****"], "n": 1})
        );
    }
}
