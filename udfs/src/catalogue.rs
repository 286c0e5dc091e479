//! The catalogue of functions as people read it, made from the list.

use std::fmt::Write;

use crate::definition::{Accepts, Argument, Category, Function, Signature};
use crate::error::{Error, Result};
use crate::functions;

/// The whole catalogue, or everything about one function.
///
/// # Errors
/// A name that is not in the list, with the nearest.
pub fn text(name: Option<&str>) -> Result<String> {
    let Some(name) = name else {
        return Ok(overview());
    };
    let function = functions::find(name).ok_or_else(|| {
        let names: Vec<&str> = functions::all()
            .iter()
            .map(|f| f.signature().name)
            .collect();
        Error::unknown("functions", name, &names)
    })?;
    Ok(page(function))
}

/// Functions that people call, by category, in the order of the list.
pub(crate) fn by_category() -> Vec<(Category, Vec<Function>)> {
    let mut groups: Vec<(Category, Vec<Function>)> = Vec::new();
    for function in functions::all() {
        let category = function.signature().category;
        if category == Category::Internal {
            continue;
        }
        match groups.iter_mut().find(|(known, _)| *known == category) {
            Some((_, list)) => list.push(*function),
            None => groups.push((category, vec![*function])),
        }
    }
    groups
}

fn overview() -> String {
    let mut out = String::new();
    for (category, list) in by_category() {
        let _ = writeln!(out, "{}", category.title());
        for function in list {
            let signature = function.signature();
            let _ = writeln!(out, "  {:<24} {}", signature.name, signature.summary());
        }
        out.push('\n');
    }
    out.push_str("lagrange functions NAME prints everything about one.\n");
    out
}

/// The table in the README.
pub fn markdown_table() -> String {
    let mut out = String::from("| Group | Function | Kind | What it does |\n|---|---|---|---|\n");
    for (category, list) in by_category() {
        for function in list {
            let signature = function.signature();
            let _ = writeln!(
                out,
                "| {} | `{}` | {} | {} |",
                category.title(),
                call_syntax(signature),
                function.kind(),
                signature.summary()
            );
        }
    }
    out
}

/// `name(a, b [, c])`.
pub fn call_syntax(signature: &Signature) -> String {
    let names = |arguments: &[Argument]| {
        let names: Vec<&str> = arguments.iter().map(|argument| argument.name).collect();
        names.join(", ")
    };
    let (required, optional) = signature.arguments.split_at(signature.required());
    match (required.is_empty(), optional.is_empty()) {
        (_, true) => format!("{}({})", signature.name, names(required)),
        (true, false) => format!("{}([{}])", signature.name, names(optional)),
        (false, false) => format!(
            "{}({} [, {}])",
            signature.name,
            names(required),
            names(optional)
        ),
    }
}

fn page(function: Function) -> String {
    let signature = function.signature();
    let mut out = String::new();
    let _ = write!(out, "{}", call_syntax(signature));
    if !matches!(function, Function::Table(_)) {
        let _ = write!(out, " -> {}", signature.returns);
    }
    let _ = writeln!(
        out,
        "\n{} function, {}",
        function.kind(),
        signature.category.title()
    );
    if !signature.aliases.is_empty() {
        let _ = writeln!(out, "Also called {}.", signature.aliases.join(", "));
    }
    let _ = writeln!(out, "\n{}\n\nArguments", signature.docs);
    for argument in signature.arguments {
        let default = match argument.default {
            Some(default) => format!(", default {default}"),
            None => String::new(),
        };
        let _ = writeln!(
            out,
            "  {:<16} {} ({}{default})",
            argument.name,
            argument.docs,
            argument.kind.name()
        );
    }
    if !signature.options.is_empty() {
        let _ = writeln!(out, "\nOptions");
        for key in signature.options {
            let _ = writeln!(
                out,
                "  {:<16} {} ({}, default {})",
                key.name,
                key.docs,
                accepts(key.accepts),
                key.default
            );
        }
    }
    let _ = writeln!(out, "\nMissing values\n  {}", signature.nulls);
    let _ = writeln!(out, "\nExample\n  {}", signature.example);
    out
}

pub(crate) fn accepts(accepts: Accepts) -> String {
    match accepts {
        Accepts::Choice(words) => format!("one of {}", words.join(", ")),
        Accepts::Number(least, most) => format!("a number from {least} to {most:e}"),
        Accepts::Integer(least, most) => format!("a whole number from {least} to {most}"),
        Accepts::Flag => "true or false".to_owned(),
        Accepts::Text => "text".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{functions, page};

    #[test]
    fn every_function_is_whole() {
        let mut names = HashSet::new();
        for function in functions::all() {
            let signature = function.signature();
            for name in std::iter::once(&signature.name).chain(signature.aliases) {
                assert!(names.insert(*name), "two functions are called {name}");
            }
            assert!(
                signature.docs.contains("\n\n"),
                "{} has no docs",
                signature.name
            );
            assert!(!signature.nulls.is_empty(), "{}: nulls", signature.name);
            assert!(!signature.example.is_empty(), "{}: example", signature.name);
            let defaults = signature.arguments.iter().skip(signature.required());
            assert!(
                defaults
                    .into_iter()
                    .all(|argument| argument.default.is_some()),
                "{}: a required argument follows an optional one",
                signature.name
            );
            for key in signature.options {
                assert!(
                    serde_json::from_str::<serde_json::Value>(key.default).is_ok(),
                    "{}: the default of {} is not JSON",
                    signature.name,
                    key.name
                );
            }
            assert!(page(*function).contains(signature.example));
        }
    }
}
