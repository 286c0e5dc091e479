//! Names of models and aliases, and references such as `model@champion`.
//!
//! A name becomes a folder on every store, so it is made of few characters; what a
//! table may be called besides is turned into such a name by [`registered`].

use std::fmt;

use crate::error::{Error, Result};
use crate::files::sha256;

/// The alias that serves when a reference names no version.
pub const CHAMPION: &str = "champion";
/// The alias of the version that wants to serve.
pub const CHALLENGER: &str = "challenger";

/// How long a name may be.
const LONGEST: usize = 128;
/// Digits of the hash that tells names apart which were made to fit.
const SUFFIX_DIGITS: usize = 8;
/// What Windows keeps for itself, with any extension.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
/// The same, with a digit.
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

/// A version of a model, as people write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The model.
    pub name: String,
    /// Which of its versions; `None` where only the name was written.
    pub selector: Option<Selector>,
}

/// Which version of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// By number.
    Version(u64),
    /// By alias.
    Alias(String),
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "{version}"),
            Self::Alias(alias) => f.write_str(alias),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.selector {
            Some(selector) => write!(f, "{}@{selector}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl Reference {
    /// `name`, `name@3` or `name@champion`.
    ///
    /// # Errors
    /// A name or an alias that cannot be one.
    pub fn parse(text: &str) -> Result<Self> {
        let (name, selector) = match text.split_once('@') {
            Some((name, selector)) => (name, Some(Selector::parse(selector)?)),
            None => (text, None),
        };
        check_name(name)?;
        Ok(Self {
            name: name.to_owned(),
            selector,
        })
    }
}

impl Selector {
    /// `3` or `champion`; a leading `@` or `v3` is understood.
    ///
    /// # Errors
    /// What is neither a version nor an alias.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim_start_matches('@');
        let digits = text.strip_prefix('v').unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return match digits.parse() {
                Ok(version) if version > 0 => Ok(Self::Version(version)),
                _ => Err(Error::usage(format!(
                    "'{text}' is not a version; versions count from 1"
                ))),
            };
        }
        check_alias(text)?;
        Ok(Self::Alias(text.to_owned()))
    }
}

/// Whether a text can be the name of a model.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_name(name: &str) -> Result<()> {
    check("model name", name)
}

/// Whether a text can be an alias.
///
/// # Errors
/// Says what is wrong with it.
pub fn check_alias(alias: &str) -> Result<()> {
    check("alias", alias)?;
    let number = alias.strip_prefix(['v', 'V']).unwrap_or(alias);
    if alias.eq_ignore_ascii_case("latest") || number.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = format!("'{alias}' cannot be an alias: it reads like a version");
        return Err(Error::usage(message).hint("use a word such as champion or challenger"));
    }
    Ok(())
}

fn check(what: &str, name: &str) -> Result<()> {
    let Some(wrong) = fault(name) else {
        return Ok(());
    };
    // What cannot be printed is shown as Rust writes it.
    let shown: String = name.escape_debug().take(LONGEST).collect();
    let message = format!("'{shown}' cannot be a {what}: {wrong}");
    Err(Error::usage(message).hint(
        "names are letters a-z, digits, '_', '-' and '.', begin with a letter, a digit or '_', \
         and end in one",
    ))
}

/// What is wrong with a name, if anything.
fn fault(name: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() {
        return Some("it is empty".to_owned());
    }
    if name.len() > LONGEST {
        return Some(format!(
            "it has {} characters, {LONGEST} are allowed",
            name.len()
        ));
    }
    if let Some(wrong) = name.chars().find(|c| !plain(*c) && !"-.".contains(*c)) {
        return Some(format!("it has '{}'", wrong.escape_debug()));
    }
    if name.contains("..") {
        return Some("it has '..'".to_owned());
    }
    if !name.starts_with(plain) || !name.ends_with(plain) {
        return Some("it begins or ends in '-' or '.'".to_owned());
    }
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    let numbered = |device: &&str| {
        let digit = stem.strip_prefix(*device);
        digit.is_some_and(|digit| digit.len() == 1 && digit.bytes().all(|b| b.is_ascii_digit()))
    };
    if DEVICES.contains(&stem.as_str()) || NUMBERED_DEVICES.iter().any(numbered) {
        return Some("Windows keeps it for a device".to_owned());
    }
    None
}

/// The name that a text is registered under: itself if it can be a name, otherwise
/// one made of it, and told apart from those of other texts by a hash.
pub fn registered(text: &str) -> String {
    if fault(text).is_none() {
        return text.to_owned();
    }
    let fitting = |c: char| {
        if c.is_ascii_alphanumeric() || "_-.".contains(c) {
            c
        } else {
            '_'
        }
    };
    let mut name: String = text.chars().map(fitting).collect();
    while name.contains("..") {
        name = name.replace("..", "._.");
    }
    let hash = sha256(text.as_bytes());
    name.truncate(LONGEST - SUFFIX_DIGITS - 2);
    format!("_{name}-{}", &hash[..SUFFIX_DIGITS])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_paths_or_devices_are_refused() {
        for good in [
            "model",
            "model.AAPL",
            "model.BRK.B",
            "a-b_c.1",
            "_x",
            "M",
            "comet",
            "com10",
        ] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "x".repeat(LONGEST + 1);
        for bad in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\b",
            "a..b",
            ".hidden",
            "end.",
            "-x",
            "a\0b",
            "a\nb",
            "a b",
            "a@b",
            "é",
            "C:",
            "con",
            "NUL",
            "aux.model",
            "com1",
            "LPT9.x",
            "a%2e",
            "a:b",
            "a*",
            "a#1",
            &long,
        ] {
            let error = check_name(bad).expect_err(bad);
            assert_eq!(error.status(), crate::error::Status::Usage, "{bad:?}");
            assert!(!error.to_string().contains('\0'), "{bad:?}");
        }
        assert!(check_name(&long[1..]).is_ok());
    }

    #[test]
    fn aliases_do_not_read_like_versions() {
        for good in ["champion", "challenger", "prod-eu", "v2x"] {
            assert!(check_alias(good).is_ok(), "{good}");
        }
        for bad in ["latest", "LATEST", "3", "v2", "V10", "../x", ""] {
            assert!(check_alias(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn references_are_taken_apart() {
        let parse = |text| Reference::parse(text).map(|r| (r.name, r.selector));
        let version = Some(Selector::Version(3));
        assert_eq!(parse("m").unwrap(), ("m".to_owned(), None));
        assert_eq!(parse("m@3").unwrap(), ("m".to_owned(), version.clone()));
        assert_eq!(parse("m@v3").unwrap(), ("m".to_owned(), version));
        let alias = Some(Selector::Alias("champion".to_owned()));
        assert_eq!(parse("m.A@champion").unwrap(), ("m.A".to_owned(), alias));
        for bad in [
            "",
            "@3",
            "m@",
            "m@0",
            "m@../x",
            "m@1@2",
            "m@99999999999999999999",
            "m@latest",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_text_has_a_name_of_its_own() {
        let texts = [
            "my model",
            "my_model",
            "my-model",
            "../../etc",
            "..",
            "",
            "é",
            "ê",
            "con",
            "a..b",
            "a/b",
            "A b",
        ];
        let mut names = Vec::new();
        for text in texts {
            let name = registered(text);
            assert!(check_name(&name).is_ok(), "{text} gives {name}");
            assert!(!names.contains(&name), "{text} gives {name}");
            names.push(name);
        }
        assert!(check_name(&registered(&"y".repeat(500))).is_ok());
        assert_eq!(registered("model.AAPL"), "model.AAPL");
    }
}
