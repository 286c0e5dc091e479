//! Whole transcripts of what a person sees, good and bad.
//!
//! A file in `transcripts/` holds the files of a project (`=== name`), the commands
//! (`=== $ lagrange ...`) and after each what it printed (`--- stdout`, `--- stderr`)
//! and how it ended (`--- exit N`). With LAGRANGE_REWRITE=transcripts in the environment the
//! test writes the outputs instead of comparing them; look at the difference before
//! you commit it.

use std::path::{Path, PathBuf};

use crate::project::Project;

const REWRITE: &str = "LAGRANGE_REWRITE";

#[test]
fn transcripts_are_as_they_were() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/end-to-end/transcripts");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 20, "{files:?}");
    let rewrite = std::env::var_os(REWRITE).is_some_and(|what| what == "transcripts");
    let mut different = Vec::new();
    for file in files {
        let expected = std::fs::read_to_string(&file).unwrap();
        let found = replayed(&expected);
        if found == expected {
            continue;
        }
        if rewrite {
            std::fs::write(&file, &found).unwrap();
        } else {
            different.push(format!(
                "{}\n{}",
                file.display(),
                difference(&expected, &found)
            ));
        }
    }
    assert!(
        different.is_empty(),
        "{}\n{REWRITE}=transcripts writes them anew",
        different.join("\n\n")
    );
}

/// A transcript as it would be now.
fn replayed(text: &str) -> String {
    let project = Project::new();
    let mut now = String::new();
    for section in text.split("=== ") {
        let Some((title, body)) = section.split_once('\n') else {
            now.push_str(section);
            continue;
        };
        if now.is_empty() && !text.starts_with("=== ") {
            // What the transcript is about.
            now.push_str(section);
            continue;
        }
        let Some(command) = title.strip_prefix("$ lagrange ") else {
            project.file(title, body);
            now.push_str(&format!("=== {title}\n{body}"));
            continue;
        };
        let arguments: Vec<&str> = command.split(' ').collect();
        let run = project.lagrange(&arguments, &[("COLUMNS", "100")]);
        now.push_str(&format!("=== $ lagrange {command}\n"));
        for (stream, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
            let text = normalised(text, &project);
            if !text.is_empty() {
                now.push_str(&format!("--- {stream}\n{text}"));
            }
        }
        now.push_str(&format!("--- exit {}\n\n", run.code.unwrap()));
    }
    format!("{}\n", now.trim_end())
}

/// Without what differs from run to run.
fn normalised(text: &str, project: &Project) -> String {
    let folder = project.path("");
    let folder = folder.to_str().unwrap().trim_end_matches('/');
    let mut lines = String::new();
    for line in text.lines() {
        // A server may be there or not.
        if line.contains("tracking server") {
            continue;
        }
        let line = line.replace(folder, "FOLDER");
        lines.push_str(without_numbers_of_the_run(&line).trim_end());
        lines.push('\n');
    }
    lines
}

/// Times are T, hashes H, processes P.
fn without_numbers_of_the_run(line: &str) -> String {
    let words: Vec<&str> = line.split_inclusive(' ').collect();
    let bare = |i: usize| {
        words
            .get(i)
            .map_or("", |word| word.trim_end_matches([' ', ';']))
    };
    let is_hash = |word: &str| {
        let stem = word
            .rsplit('/')
            .next()
            .unwrap_or(word)
            .trim_end_matches(".model");
        stem.len() >= 16 && stem.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let mut text = String::new();
    for (i, word) in words.iter().enumerate() {
        let seconds = bare(i).parse::<f64>().is_ok() && bare(i).contains('.');
        if seconds && bare(i + 1) == "s" {
            // As wide as before, if it stands in a column.
            let in_column = i > 0 && words[i - 1] == " ";
            let width = if in_column { bare(i).len() } else { 1 };
            text.push_str(&word.replace(bare(i), &format!("{:>width$}", "T")));
        } else if is_hash(bare(i)) {
            let stem = bare(i).rsplit('/').next().unwrap_or_default();
            text.push_str(&word.replace(stem, "H.model"));
        } else {
            text.push_str(word);
        }
    }
    text
}

/// The first lines that differ.
fn difference(expected: &str, found: &str) -> String {
    let pairs = expected.lines().zip(found.lines());
    let same = pairs.take_while(|(a, b)| a == b).count();
    let shown = |text: &str| {
        let lines: Vec<&str> = text.lines().skip(same).take(12).collect();
        lines.join("\n")
    };
    format!(
        "line {}: expected\n{}\nfound\n{}",
        same + 1,
        shown(expected),
        shown(found)
    )
}
