//! What earlier runs have done, so that `--resume` does not repeat it: a file beside
//! the database.
//!
//! A step is known by a hash of its statement with every parameter in place, of the
//! files that it reads, and of the steps that made the tables it reads. A table that
//! no script has made counts by its rows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::select::{self, Work};
use crate::cli::EngineName;
use crate::engines::inputs;
use crate::engines::{Choice, Engine, text};
use crate::error::{Error, Result};
use crate::files::{hex, write_aside};
use crate::flow::{self, Flow};
use crate::script::Action;

/// The version of the file.
const VERSION: u64 = 1;

/// What is kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    version: u64,
    /// By which step each table was last written.
    tables: BTreeMap<String, String>,
    /// By the scripts that ran.
    runs: BTreeMap<String, Known>,
}

/// What is known of the last run of scripts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Known {
    /// The steps that have ended well.
    finished: BTreeSet<String>,
    /// The tables that it read before it wrote them, as they were.
    before: BTreeMap<String, String>,
}

/// The memory of one run.
pub(super) struct Memory {
    /// `None`: a database that ends with the process.
    file: Option<PathBuf>,
    state: State,
    scripts: String,
    /// The hash of each step; `None` if something it reads cannot be known.
    hashes: Vec<Option<String>>,
}

/// What happens to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Run,
    Keep,
    LeaveOut,
}

impl Memory {
    /// Remembers what earlier runs on this database have done.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn open(choice: &Choice, scripts: &[String]) -> Result<Self> {
        let file = (choice.database.to_str() != Some(":memory:")).then(|| {
            choice.beside(match choice.engine {
                EngineName::DuckDb => "duckdb.steps.json",
                EngineName::DataFusion => "datafusion.steps.json",
            })
        });
        let state = match &file {
            Some(file) => read(file)?,
            None => State::default(),
        };
        Ok(Self {
            file,
            state,
            scripts: scripts.join("\n"),
            hashes: Vec::new(),
        })
    }

    /// Looks at all that the steps read, and decides which of the selected steps
    /// run.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn decide(
        &mut self,
        engine: &mut dyn Engine,
        work: &Work<'_>,
        resume: bool,
    ) -> Result<Vec<Decision>> {
        let Work {
            steps,
            flows,
            selected,
            ..
        } = *work;
        let known = match resume {
            true => self.state.runs.get(&self.scripts).cloned(),
            false => None,
        }
        .unwrap_or_default();
        let mut before = BTreeMap::new();
        self.hashes = self.hash(engine, work, &known, &mut before).await?;
        let mut kept: Vec<bool> = (0..steps.len())
            .map(|i| {
                let hash = self.hashes[i].as_ref();
                let finished = hash.is_some_and(|hash| known.finished.contains(hash));
                selected[i] && finished && !flows[i].session
            })
            .collect();
        self.forget_lost(engine, work, &mut kept).await?;
        let mut runs: Vec<bool> = (0..steps.len()).map(|i| selected[i] && !kept[i]).collect();
        select::complete(&mut runs, &kept, work);
        let mut finished = known.finished;
        for hash in (0..steps.len())
            .filter(|i| runs[*i])
            .filter_map(|i| self.hashes[i].as_ref())
        {
            finished.remove(hash);
        }
        let run = Known { finished, before };
        self.state.runs.insert(self.scripts.clone(), run);
        Ok((0..steps.len())
            .map(|i| match (runs[i], kept[i]) {
                (true, _) => Decision::Run,
                (false, true) => Decision::Keep,
                (false, false) => Decision::LeaveOut,
            })
            .collect())
    }

    /// A table that vanished, or that something else has written since, is made
    /// again.
    async fn forget_lost(
        &self,
        engine: &mut dyn Engine,
        work: &Work<'_>,
        kept: &mut [bool],
    ) -> Result<()> {
        let Work { steps, flows, .. } = *work;
        let tables: BTreeSet<&String> = flows.iter().flat_map(|flow| &flow.writes).collect();
        for table in tables {
            let writers: Vec<usize> = (0..steps.len())
                .filter(|i| kept[*i] && flows[*i].writes.contains(table))
                .collect();
            let Some(last) = writers.last() else {
                continue;
            };
            if flow::is_volatile(&steps[*last], work.engine) {
                continue;
            }
            let ours = self.state.tables.get(table) == self.hashes[*last].as_ref();
            let dropped = steps[*last].description.action == Action::Drop;
            let there = match &steps[*last].description.target {
                Some(target) => !engine.columns(&flow::exact(target)).await?.is_empty(),
                None => !engine.columns(table).await?.is_empty(),
            };
            if !(dropped || ours && there) {
                for i in writers {
                    kept[i] = false;
                }
            }
        }
        Ok(())
    }

    /// The hashes of the steps, as they will be when each has run.
    async fn hash(
        &self,
        engine: &mut dyn Engine,
        work: &Work<'_>,
        known: &Known,
        before: &mut BTreeMap<String, String>,
    ) -> Result<Vec<Option<String>>> {
        let Work {
            steps,
            flows,
            selected,
            engine: name,
        } = *work;
        let mut written: BTreeMap<&str, Option<String>> = BTreeMap::new();
        let mut exported: BTreeSet<&str> = BTreeSet::new();
        let mut globals = Sha256::new();
        let mut files: BTreeMap<&str, Option<String>> = BTreeMap::new();
        let mut hashes = Vec::with_capacity(steps.len());
        for (i, (step, flow)) in steps.iter().zip(flows).enumerate() {
            let sql = text::sql(&step.statement);
            if flow.global {
                field(&mut globals, &sql);
            }
            let mut hasher = Sha256::new();
            field(&mut hasher, &format!("{name:?}"));
            field(&mut hasher, &sql);
            field(&mut hasher, &step.expectations.canonical());
            field(&mut hasher, &hex(&globals.clone().finalize()));
            let mut complete = !flow.unknown;
            for table in &flow.reads {
                let hash = match written.get(table.as_str()) {
                    Some(hash) => hash.clone(),
                    None => {
                        if !before.contains_key(table) {
                            let found = self.outside(engine, table, known).await?;
                            before.extend(found.map(|hash| (table.clone(), hash)));
                        }
                        before.get(table).cloned()
                    }
                };
                complete &= hash.is_some();
                field(&mut hasher, table);
                field(&mut hasher, hash.as_deref().unwrap_or_default());
            }
            for path in &flow.files {
                field(&mut hasher, path);
                if exported.contains(path.as_str()) {
                    // As the step makes it that writes it, which is hashed with its text.
                    continue;
                }
                let hash = files
                    .entry(path.as_str())
                    .or_insert_with(|| inputs::digest(&inputs::files(path).ok()?).ok());
                complete &= hash.is_some();
                field(&mut hasher, hash.as_deref().unwrap_or_default());
            }
            for source in exporters(flows, i) {
                field(&mut hasher, &format!("{:?}", hashes.get(source)));
            }
            let hash = complete.then(|| hex(&hasher.finalize()));
            if selected[i] {
                for table in &flow.writes {
                    written.insert(table.as_str(), hash.clone());
                }
                exported.extend(flow.exports.iter().map(String::as_str));
            }
            hashes.push(hash);
        }
        Ok(hashes)
    }

    /// A table that the selected steps have not written yet.
    async fn outside(
        &self,
        engine: &mut dyn Engine,
        table: &str,
        known: &Known,
    ) -> Result<Option<String>> {
        match self.state.tables.get(table) {
            // It was changed by the run that is resumed, after it was read.
            Some(hash) if known.finished.contains(hash) => {
                Ok(known.before.get(table).cloned().or(Some(hash.clone())))
            }
            Some(hash) => Ok(Some(hash.clone())),
            // What cannot be read, such as a view on files that have gone, is not known.
            None => Ok(engine.digest(table).await.unwrap_or_default()),
        }
    }

    /// Nothing is kept of what follows.
    pub fn sleep(&mut self) {
        self.file = None;
    }

    /// The hash of a step.
    pub fn hash_of(&self, i: usize) -> Option<&String> {
        self.hashes.get(i).and_then(Option::as_ref)
    }

    /// A step begins: until it has ended, nobody knows what it writes. Returns what
    /// was known, for [`Memory::undo`].
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn begin(&mut self, flow: &Flow) -> Result<Vec<(String, String)>> {
        let tables = &mut self.state.tables;
        let known: Vec<(String, String)> = flow
            .writes
            .iter()
            .filter_map(|table| tables.remove_entry(table))
            .collect();
        if !known.is_empty() {
            self.save()?;
        }
        Ok(known)
    }

    /// A step has failed: it has changed nothing.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn undo(&mut self, known: Vec<(String, String)>) -> Result<()> {
        if known.is_empty() {
            return Ok(());
        }
        self.state.tables.extend(known);
        self.save()
    }

    /// A step has ended well.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(&mut self, i: usize, flow: &Flow) -> Result<()> {
        if let Some(hash) = self.hashes.get(i).and_then(Clone::clone) {
            for table in &flow.writes {
                self.state.tables.insert(table.clone(), hash.clone());
            }
            let run = self.state.runs.entry(self.scripts.clone()).or_default();
            run.finished.insert(hash);
        }
        self.save()
    }

    /// Writes what is known.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&mut self) -> Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        self.state.version = VERSION;
        let text = serde_json::to_string_pretty(&self.state)
            .map_err(|error| Error::internal(error.to_string()))?;
        write_aside(file, text.as_bytes())
            .map_err(|error| Error::io(format!("cannot write {}", file.display()), &error))
    }
}

/// A field of what is hashed, with its length, so that no two lists look alike.
fn field(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}

/// The earlier steps that write files which a step reads.
fn exporters(flows: &[Flow], i: usize) -> Vec<usize> {
    (0..i)
        .filter(|earlier| !flows[*earlier].exports.is_disjoint(&flows[i].files))
        .collect()
}

fn read(file: &Path) -> Result<State> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(State::default()),
        Err(error) => {
            return Err(Error::io(format!("cannot read {}", file.display()), &error));
        }
    };
    // Of another version, or spoilt: nothing is known, and everything is run.
    let state: State = serde_json::from_str(&text).unwrap_or_default();
    Ok(match state.version {
        VERSION => state,
        _ => State::default(),
    })
}
