//! What must not be shown: passwords in addresses, and values whose key says that
//! they are secret.

use std::borrow::Cow;

/// What stands in the place of a secret.
pub const MASK: &str = "****";

/// Words that make a key secret.
const WORDS: [&str; 4] = ["token", "password", "secret", "key"];
/// And those of parameters in addresses.
const QUERY_WORDS: [&str; 3] = ["signature", "credential", "sig"];

/// Whether the value of a setting or parameter is secret.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    WORDS.iter().any(|word| key.contains(word))
}

/// The value of a key as it may be shown.
pub fn shown<'a>(key: &str, value: &'a str) -> Cow<'a, str> {
    if is_secret(key) && !value.is_empty() {
        Cow::Borrowed(MASK)
    } else {
        masked(value)
    }
}

/// Text without the passwords of the addresses in it.
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
            .find(|c: char| c.is_whitespace() || "'\"<>`".contains(c))
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
            ("x://a:b@c y://d:e@f", "x://a:****@c y://d:****@f"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn keys_tell() {
        for key in ["API_TOKEN", "mlflow.password", "client_secret", "key"] {
            assert_eq!(shown(key, "abc"), MASK, "{key}");
        }
        assert_eq!(shown("horizon", "5"), "5");
        assert_eq!(shown("uri", "http://a:b@c"), "http://a:****@c");
    }
}
