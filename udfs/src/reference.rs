//! The reference pages of the book in `docs`, made from the list.

use std::fmt::Write;

use crate::catalogue::{accepts, by_category, call_syntax};
use crate::definition::{Function, Signature};

/// The functions that have a page: those that people call, in the order of the catalogue.
pub fn functions() -> impl Iterator<Item = Function> {
    by_category().into_iter().flat_map(|(_, list)| list)
}

/// The page of a function. `result` is what its example returns, as text.
pub fn page(function: Function, result: &str) -> String {
    let signature = function.signature();
    let (summary, details) = parts(signature);
    let mut out = format!("# {}\n\n{}\n\n", signature.name, prose(summary));
    let returns = match function {
        Function::Table(_) => String::new(),
        _ => format!(" -> {}", signature.returns),
    };
    let _ = writeln!(out, "```text\n{}{returns}\n```\n", call_syntax(signature));
    let _ = write!(
        out,
        "A function of the kind *{}*, in the group *{}*.",
        function.kind(),
        signature.category.title()
    );
    if !signature.aliases.is_empty() {
        let _ = write!(out, " Also called `{}`.", signature.aliases.join("`, `"));
    }
    let _ = writeln!(out, "\n\n{}", prose(details));
    arguments(&mut out, signature);
    options(&mut out, signature);
    let _ = writeln!(out, "\n## Missing values\n\n{}", prose(signature.nulls));
    let _ = writeln!(
        out,
        "\n## Example\n\n```sql\n{}\n```\n\n```text\n{}\n```\n\nThe same on DuckDB and on DataFusion.",
        signature.example,
        result.trim_end()
    );
    out
}

/// The list of pages for SUMMARY.md, a chapter per group.
pub fn summary() -> String {
    let mut out = String::new();
    for (category, list) in by_category() {
        let _ = writeln!(out, "- [{}]()", category.title());
        for function in list {
            let name = function.signature().name;
            let _ = writeln!(out, "  - [{name}](functions/{name}.md)");
        }
    }
    out
}

/// The first line of the docs, and the rest.
fn parts(signature: &Signature) -> (&str, &str) {
    let docs = signature.docs.trim();
    let (summary, details) = docs.split_once('\n').unwrap_or((docs, ""));
    (summary.trim(), details.trim())
}

fn arguments(out: &mut String, signature: &Signature) {
    out.push_str("\n## Arguments\n\n| Name | What it is | Type | Default |\n|---|---|---|---|\n");
    for argument in signature.arguments {
        let default = match argument.default {
            Some(default) => format!("`{default}`"),
            None => "required".to_owned(),
        };
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {default} |",
            argument.name,
            cell(argument.docs),
            argument.kind.name()
        );
    }
}

fn options(out: &mut String, signature: &Signature) {
    if signature.options.is_empty() {
        return;
    }
    out.push_str("\n## Options\n\n| Name | What it is | Accepts | Default |\n|---|---|---|---|\n");
    for key in signature.options {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | `{}` |",
            key.name,
            cell(key.docs),
            cell(&accepts(key.accepts)),
            key.default
        );
    }
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    prose(text).replace('|', "\\|")
}

/// Text in which only what stands between backticks is code, and nothing is HTML.
fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut code = false;
    for letter in text.chars() {
        code ^= letter == '`';
        match letter {
            '<' if !code => out.push_str("&lt;"),
            '*' if !code => out.push_str("\\*"),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{cell, functions, page, prose, summary};

    #[test]
    fn text_is_neither_html_nor_emphasis() {
        assert_eq!(prose("a < b, `x<y>` and *"), "a &lt; b, `x<y>` and \\*");
        assert_eq!(cell("|a|"), "\\|a\\|");
    }

    #[test]
    fn every_page_is_whole_and_listed() {
        let list = summary();
        for function in functions() {
            let signature = function.signature();
            let text = page(function, "result\n1");
            for part in [
                signature.example,
                "## Arguments",
                "## Missing values",
                "result\n1",
            ] {
                assert!(text.contains(part), "{}: no {part}", signature.name);
            }
            assert!(list.contains(&format!("(functions/{}.md)", signature.name)));
        }
    }
}
