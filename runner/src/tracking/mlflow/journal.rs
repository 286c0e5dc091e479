//! What the server has of a run: a line per call that was done, in a file beside
//! the record. A line that a crash has cut off is a call that is made again; those
//! that must not be are looked for on the server first.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::runs::RunFolder;

/// What the file is called.
pub const JOURNAL: &str = "mlflow.jsonl";

/// The calls that were done at one server.
#[derive(Debug)]
pub struct Journal {
    file: PathBuf,
    server: String,
    done: BTreeMap<String, Json>,
    /// Whether the last line was cut off.
    ragged: bool,
}

impl Journal {
    /// Reads the journal of a run.
    pub fn open(folder: &RunFolder, server: &str) -> Self {
        let file = folder.file(JOURNAL);
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let mut done = BTreeMap::new();
        for line in text.lines() {
            let json: Json = serde_json::from_str(line).unwrap_or_default();
            // What another server has, this one does not.
            if json["server"] == server
                && let Some(call) = json["call"].as_str()
            {
                done.insert(call.to_owned(), json["result"].clone());
            }
        }
        Self {
            file,
            server: server.to_owned(),
            done,
            ragged: !text.is_empty() && !text.ends_with('\n'),
        }
    }

    /// The result of a call, if it was done.
    pub fn result(&self, call: &str) -> Option<&Json> {
        self.done.get(call)
    }

    /// The calls that begin so, and their results.
    pub fn beginning(&self, with: &'static str) -> impl Iterator<Item = &Json> {
        let calls = self.done.iter();
        calls
            .filter(move |(call, _)| call.starts_with(with))
            .map(|(_, result)| result)
    }

    /// Whether a call was done.
    pub fn has(&self, call: &str) -> bool {
        self.done.contains_key(call)
    }

    /// Notes a call. A line that cannot be written costs a call that is made again.
    pub fn note(&mut self, call: &str, result: Json) {
        let line = json!({ "server": self.server, "call": call, "result": result });
        let before = if self.ragged { "\n" } else { "" };
        let written = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.file)
            .and_then(|mut file| file.write_all(format!("{before}{line}\n").as_bytes()));
        self.ragged &= written.is_err();
        self.done.insert(call.to_owned(), result);
    }
}

/// Whether everything of a run that has ended was uploaded, to any server.
pub fn is_whole(folder: &RunFolder) -> bool {
    let text = std::fs::read_to_string(folder.file(JOURNAL)).unwrap_or_default();
    text.lines().any(|line| {
        let json: Json = serde_json::from_str(line).unwrap_or_default();
        json["call"] == "whole"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_kept_per_server_and_broken_lines_are_none() {
        let place = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(place.path().to_owned());
        let mut journal = Journal::open(&folder, "http://a");
        journal.note("run", json!({"run_id": "1"}));
        let mut file = OpenOptions::new()
            .append(true)
            .open(folder.file(JOURNAL))
            .unwrap();
        file.write_all(b"{\"server\": \"http://a\", \"call\": \"tags\", \"re")
            .unwrap();
        let mut journal = Journal::open(&folder, "http://a");
        journal.note("after", json!(1));
        let journal = Journal::open(&folder, "http://a");
        assert!(journal.has("after"));
        assert_eq!(journal.result("run").unwrap()["run_id"], "1");
        assert!(!journal.has("tags"));
        assert!(!Journal::open(&folder, "http://b").has("run"));
        assert!(!is_whole(&folder));
    }
}
