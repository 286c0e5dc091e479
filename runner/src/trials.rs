//! Keeps the trials of a search while it runs, and shows how far it is.
//!
//! Trials are lines of JSON in a file per study, beside the database. A search
//! that is interrupted, or whose process is killed, goes on from there when the
//! same call is made on the same rows; one that ends takes its file away.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use lagrange_udfs::models::tuning::{Ledger, Trial, keep_trials_in};
use lagrange_udfs::models::validation::scores::METRICS;

use crate::interrupt::Interrupt;
use crate::printer::Ticker;

/// Where trials are kept during a run.
pub struct TrialFiles {
    folder: PathBuf,
    ticker: Ticker,
    /// Trials of the search under way that have ended.
    ended: AtomicUsize,
    interrupt: Arc<Interrupt>,
    /// One line at a time.
    writing: Mutex<()>,
}

impl TrialFiles {
    /// Keeps trials in `folder` from now on, which is made when there is one; an
    /// interrupt then ends a search after the trials that run.
    pub fn keep(folder: PathBuf, ticker: Ticker, interrupt: Arc<Interrupt>) -> Arc<Self> {
        let files = Arc::new(Self {
            folder,
            ticker,
            ended: AtomicUsize::new(0),
            interrupt,
            writing: Mutex::new(()),
        });
        keep_trials_in(Some(files.clone()));
        files
    }

    /// A step has ended, and with it any search.
    pub fn step_ended(&self) {
        self.interrupt.set_searching(false);
    }

    fn file(&self, study: &str) -> PathBuf {
        self.folder.join(format!("{study}.jsonl"))
    }

    fn write(&self, study: &str, trial: &Trial) -> std::io::Result<()> {
        let mut line = serde_json::to_string(trial)?;
        line.push('\n');
        let _one = self
            .writing
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        std::fs::create_dir_all(&self.folder)?;
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.file(study))?;
        file.write_all(line.as_bytes())
    }
}

impl Ledger for TrialFiles {
    fn finished(&self, study: &str) -> Vec<Trial> {
        self.ended.store(0, Ordering::SeqCst);
        self.interrupt.set_searching(true);
        let text = std::fs::read_to_string(self.file(study)).unwrap_or_default();
        // A line that a kill has cut off is no trial.
        let trials: Vec<Trial> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        if !trials.is_empty() {
            let kept = trials.len();
            self.ticker
                .line(&format!("{kept} trials of an earlier run are kept"));
        }
        trials
    }

    fn record(&self, study: &str, trial: &Trial, best: Option<f64>, planned: usize) {
        if let Err(error) = self.write(study, trial) {
            let file = self.file(study);
            self.ticker.line(&format!(
                "trials cannot be kept in {}: {error}",
                file.display()
            ));
        }
        let ended = self.ended.fetch_add(1, Ordering::SeqCst) + 1;
        let metric = METRICS.get(trial.metric).map_or("", |metric| metric.name);
        let best = best.map_or_else(String::new, |best| format!(", best {metric} {best:.6}"));
        self.ticker.tick(
            &format!("trial {ended} of {planned}{best}"),
            ended * 10 / planned.max(1) > (ended - 1) * 10 / planned.max(1),
        );
    }

    fn close(&self, study: &str) {
        self.interrupt.set_searching(false);
        let _ = std::fs::remove_file(self.file(study));
        // Only an empty folder goes.
        let _ = std::fs::remove_dir(&self.folder);
    }

    fn stopped(&self) -> bool {
        self.interrupt.cause().is_some()
    }
}
