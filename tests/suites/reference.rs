//! The book in `docs`: the pages of functions are what the list says, with what
//! their examples return on both engines, and every page is in its table of contents.
//!
//! `LAGRANGE_WRITE_DOCS=1 cargo test --release --test reference` writes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lagrange_tests::{Table, engines, serve_example};
use lagrange_udfs::reference;

const BEGIN: &str = "<!-- functions:begin -->\n";
const END: &str = "<!-- functions:end -->";

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn writing() -> bool {
    std::env::var_os("LAGRANGE_WRITE_DOCS").is_some()
}

/// What each page of a function should be, by its file's name.
fn pages() -> BTreeMap<String, String> {
    serve_example();
    let mut engines = engines();
    reference::functions()
        .map(|function| {
            let signature = function.signature();
            let tables: Vec<Table> = engines
                .iter_mut()
                .map(|engine| {
                    let table = engine.query(signature.example);
                    table.unwrap_or_else(|error| panic!("{}: {error}", signature.name))
                })
                .collect();
            assert!(
                tables.iter().all(|table| *table == tables[0]),
                "{}: {tables:#?}",
                signature.name
            );
            let name = format!("{}.md", signature.name);
            (name, reference::page(function, &text(&tables[0])))
        })
        .collect()
}

/// Columns as wide as their widest value.
fn text(table: &Table) -> String {
    let mut rows = vec![table.names.clone()];
    rows.extend(table.rows.iter().cloned());
    let widths: Vec<usize> = (0..table.names.len())
        .map(|i| {
            rows.iter()
                .map(|row| row[i].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    rows.insert(1, widths.iter().map(|&width| "-".repeat(width)).collect());
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths);
            let line: Vec<String> = cells
                .map(|(cell, &width)| format!("{cell:<width$}"))
                .collect();
            line.join("  ").trim_end().to_owned() + "\n"
        })
        .collect()
}

/// The pages that are there.
fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md"))
        .collect();
    names.sort();
    names
}

#[test]
fn the_page_of_every_function_is_current() {
    let folder = docs().join("functions");
    let pages = pages();
    if writing() {
        fs::create_dir_all(&folder).unwrap();
        for name in files(&folder) {
            fs::remove_file(folder.join(name)).unwrap();
        }
        for (name, page) in &pages {
            fs::write(folder.join(name), page).unwrap();
        }
    }
    let stale: Vec<&String> = pages
        .iter()
        .filter(|(name, page)| fs::read_to_string(folder.join(name)).ok().as_ref() != Some(page))
        .map(|(name, _)| name)
        .collect();
    assert!(
        stale.is_empty(),
        "stale in docs/functions: {stale:?}; run LAGRANGE_WRITE_DOCS=1 cargo test --release --test reference"
    );
    let expected: Vec<&String> = pages.keys().collect();
    assert_eq!(files(&folder).iter().collect::<Vec<_>>(), expected);
}

#[test]
fn the_table_of_contents_has_every_page() {
    let path = docs().join("SUMMARY.md");
    let mut summary = fs::read_to_string(&path).unwrap();
    let begin = summary.find(BEGIN).expect("the mark of the functions") + BEGIN.len();
    let end = summary.find(END).expect("the mark of their end");
    let list = format!("\n{}\n", reference::summary());
    if writing() {
        summary.replace_range(begin..end, &list);
        fs::write(&path, &summary).unwrap();
    } else {
        assert_eq!(
            summary[begin..end],
            list,
            "docs/SUMMARY.md is stale; run LAGRANGE_WRITE_DOCS=1 cargo test --release --test reference"
        );
    }
    for name in files(&docs()).iter().filter(|name| *name != "SUMMARY.md") {
        assert!(
            summary.contains(&format!("]({name})")),
            "docs/SUMMARY.md has no {name}"
        );
    }
}

/// `[text](file.md)` and `[text](file.md#place)` lead to a file of the book.
#[test]
fn links_lead_somewhere() {
    let docs = docs();
    let functions = files(&docs.join("functions"));
    let pages = files(&docs).into_iter().chain(
        functions
            .into_iter()
            .map(|name| format!("functions/{name}")),
    );
    for page in pages {
        let path = docs.join(&page);
        let text = fs::read_to_string(&path).unwrap();
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = target.split('#').next().unwrap_or_default();
            if file.ends_with(".md") && !file.contains("://") {
                let linked = path.with_file_name("").join(file);
                assert!(linked.is_file(), "docs/{page} links to {target}");
            }
        }
    }
}
