//! Runs the trials of a search.
//!
//! Trials run in parallel in batches. What a trial does depends on its number
//! and on the batches before its own, never on which of its own batch ends
//! first, so a search is the same whatever the number of threads.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::halving::Bracket;
use super::ledger::{self, Ledger};
use super::space::Space;
use super::tpe;
use crate::error::{Error, Result};
use crate::models::validation::scores::{METRICS, Metric};
use crate::models::validation::{Recipe, Rows, TrainingRows, mean_and_deviation};
use crate::time::row_folds::RowFold;

/// How values are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Every combination.
    Grid,
    /// At random.
    Random,
    /// Where earlier trials were good.
    Tpe,
    /// At random; the better ones go on with more rows.
    SuccessiveHalving,
    /// The same from several shares of rows.
    Hyperband,
}

/// How a search goes.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How values are chosen.
    pub method: Method,
    /// At most so many trials; a grid may have all of them.
    pub trials: Option<usize>,
    /// Trials that run without knowledge of each other.
    pub batch: usize,
    /// Whether a trial stops that is worse than the median of earlier ones.
    pub prune: bool,
    /// One in so many goes on at each rung of halving.
    pub factor: usize,
    /// Of what is drawn.
    pub seed: u64,
    /// No trial starts after so many seconds.
    pub seconds: Option<f64>,
    /// Threads; none: as many as the process has.
    pub workers: Option<usize>,
}

/// How a trial ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// Scored on every fold, with every row.
    Complete,
    /// Given up, and why.
    Pruned(String),
    /// What went wrong.
    Failed(String),
}

/// One choice of options and what it came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// From 1.
    pub number: u64,
    /// The options that were searched.
    pub parameters: Map<String, Json>,
    /// The place of its metric among all.
    pub metric: usize,
    /// Per fold, as far as it got.
    pub scores: Vec<f64>,
    /// The share of the training times of each fold that trained.
    pub share: f64,
    /// Wall-clock time.
    pub seconds: f64,
    /// How it ended.
    pub outcome: Outcome,
}

impl Trial {
    /// The mean over the folds it got to.
    pub fn mean(&self) -> Option<f64> {
        mean_and_deviation(&self.scores).0
    }

    /// Less is better.
    fn cost(&self) -> f64 {
        let mean = self.mean().unwrap_or(f64::NAN);
        if METRICS[self.metric].rises {
            -mean
        } else {
            mean
        }
    }

    fn is_complete(&self) -> bool {
        self.outcome == Outcome::Complete
    }
}

/// What is searched, on which rows.
pub struct Study<'a> {
    /// The function that people called.
    pub function: &'static str,
    /// Names the rows, the options and the space: the same name, the same trials.
    /// It reads every row, and is asked for only where trials are kept.
    pub key: &'a (dyn Fn() -> String + Sync),
    /// The rows.
    pub rows: &'a Rows,
    /// How they are cut.
    pub folds: &'a [RowFold],
    /// Options that are not searched.
    pub base: &'a Recipe,
    /// The options of a trial, checked.
    pub recipe: &'a (dyn Fn(&Map<String, Json>) -> Result<Recipe> + Sync),
    /// What is searched.
    pub space: &'a Space,
    /// The place of the metric among all; none: the usual one of the task.
    pub metric: Option<usize>,
}

/// Of so many earlier trials the median is known.
const KNOWN: usize = 5;

impl Study<'_> {
    /// Every trial by number.
    ///
    /// # Errors
    /// No trial could be scored, or the search was interrupted.
    pub fn run(&self, plan: &Plan) -> Result<Vec<Trial>> {
        match plan.workers {
            None => self.search(plan),
            Some(workers) => {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(workers)
                    .build()
                    .map_err(|error| Error::data(self.function, error.to_string()))?;
                pool.install(|| self.search(plan))
            }
        }
    }

    fn search(&self, plan: &Plan) -> Result<Vec<Trial>> {
        let ledger = ledger::current();
        let key = ledger.as_ref().map_or_else(String::new, |_| (self.key)());
        let kept = ledger.iter().flat_map(|ledger| ledger.finished(&key));
        let mut search = Search {
            study: self,
            kept: kept.map(|trial| (trial.number, trial)).collect(),
            key,
            plan,
            ledger,
            begun: Instant::now(),
            out_of_time: AtomicBool::new(false),
            best: Mutex::new(None),
            trials: Vec::new(),
            planned: 0,
        };
        match plan.method {
            Method::Grid => {
                let mut grid = self.space.grid(self.function)?;
                grid.truncate(plan.trials.unwrap_or(usize::MAX));
                search.planned = grid.len();
                search.batches(|_, number| grid[number as usize - 1].clone())?;
            }
            Method::Random => {
                search.planned = plan.trials.unwrap_or(DEFAULT_TRIALS);
                search.batches(|_, number| self.space.draw(plan.seed, number))?;
            }
            Method::Tpe => {
                search.planned = plan.trials.unwrap_or(DEFAULT_TRIALS);
                search
                    .batches(|known, number| tpe::suggest(self.space, known, plan.seed, number))?;
            }
            Method::SuccessiveHalving => {
                search.planned = plan.trials.unwrap_or(DEFAULT_TRIALS);
                let bracket = Bracket::successive_halving(search.planned, plan.factor);
                search.brackets(&[bracket])?;
            }
            Method::Hyperband => {
                search.planned = plan.trials.unwrap_or(DEFAULT_TRIALS);
                search.brackets(&Bracket::hyperband(search.planned, plan.factor))?;
            }
        }
        search.end()
    }

    /// The training rows of each fold: the latest `share` of their times.
    fn training(&self, share: f64) -> Vec<Result<TrainingRows<'_>>> {
        let folds = self.folds.par_iter().map(|fold| {
            let latest = latest(&fold.train, &self.rows.start, share);
            TrainingRows::new(self.rows, &latest, self.base)
        });
        folds.collect()
    }
}

/// Where nobody says.
pub const DEFAULT_TRIALS: usize = 50;

/// The rows at the latest `share` of their distinct times, at least one time.
fn latest(rows: &[u32], start: &[u32], share: f64) -> Vec<u32> {
    if share >= 1.0 {
        return rows.to_vec();
    }
    let mut times: Vec<u32> = rows.iter().map(|&row| start[row as usize]).collect();
    times.sort_unstable();
    times.dedup();
    let kept = ((times.len() as f64 * share).ceil() as usize).max(1);
    let from = times[times.len().saturating_sub(kept)];
    let is_late = |row: &u32| start[*row as usize] >= from;
    rows.iter().copied().filter(is_late).collect()
}

/// A search under way.
struct Search<'s, 'a> {
    study: &'s Study<'a>,
    /// Of the study, where trials are kept.
    key: String,
    plan: &'s Plan,
    ledger: Option<Arc<dyn Ledger>>,
    /// Of an earlier run.
    kept: HashMap<u64, Trial>,
    begun: Instant,
    out_of_time: AtomicBool,
    /// The cost and the mean of the best trial so far, to be shown.
    best: Mutex<Option<(f64, f64)>>,
    trials: Vec<Trial>,
    planned: usize,
}

type Known<'k> = [&'k Map<String, Json>];

impl Search<'_, '_> {
    /// Batch after batch, all rows. `choose` has the parameters of the trials of
    /// earlier batches, the best first, and a trial's number.
    fn batches(&mut self, choose: impl Fn(&Known<'_>, u64) -> Map<String, Json>) -> Result<()> {
        let training = self.study.training(1.0);
        while self.trials.len() < self.planned {
            let first = self.trials.len() as u64 + 1;
            let last = (first + self.plan.batch as u64 - 1).min(self.planned as u64);
            let mut known: Vec<&Trial> = self
                .trials
                .iter()
                .filter(|trial| !matches!(trial.outcome, Outcome::Failed(_)))
                .collect();
            // A trial that was given up is worse than any that was not.
            known.sort_by(|a, b| {
                let complete = b.is_complete().cmp(&a.is_complete());
                complete.then(a.cost().total_cmp(&b.cost()))
            });
            let known: Vec<&Map<String, Json>> =
                known.iter().map(|trial| &trial.parameters).collect();
            let batch: Vec<(u64, Map<String, Json>)> = (first..=last)
                .map(|number| (number, choose(&known, number)))
                .collect();
            let medians = self.medians();
            let ended: Vec<Option<Trial>> = batch
                .into_par_iter()
                .with_max_len(1)
                .map(|(number, parameters)| {
                    self.trial(number, parameters, (1.0, &training), &medians)
                })
                .collect();
            let wanted = ended.len();
            self.trials.extend(ended.into_iter().flatten());
            if (self.trials.len() as u64) < first + wanted as u64 - 1 {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Bracket after bracket, rung after rung.
    fn brackets(&mut self, brackets: &[Bracket]) -> Result<()> {
        let mut first = 1;
        for bracket in brackets {
            let numbers = first..first + bracket.trials as u64;
            first = numbers.end;
            let seed = self.plan.seed;
            let mut running: Vec<(u64, Map<String, Json>)> = numbers
                .map(|number| (number, self.study.space.draw(seed, number)))
                .collect();
            for (rung, &share) in bracket.shares.iter().enumerate() {
                let training = self.study.training(share);
                let started = running.len();
                let mut ended: Vec<Trial> = running
                    .into_par_iter()
                    .with_max_len(1)
                    .filter_map(|(number, parameters)| {
                        self.trial(number, parameters, (share, &training), &[])
                    })
                    .collect();
                if ended.len() < started {
                    self.trials.extend(ended);
                    return Ok(());
                }
                if rung + 1 == bracket.shares.len() {
                    self.trials.extend(ended);
                    break;
                }
                let (mut scored, failed): (Vec<Trial>, Vec<Trial>) =
                    ended.drain(..).partition(Trial::is_complete);
                self.trials.extend(failed);
                scored.sort_by(|a, b| a.cost().total_cmp(&b.cost()).then(a.number.cmp(&b.number)));
                let survivors = Bracket::survivors(started, self.plan.factor).min(scored.len());
                let dropped = scored.split_off(survivors);
                let of = scored.len() + dropped.len();
                self.trials.extend(dropped.into_iter().map(|trial| Trial {
                    outcome: Outcome::Pruned(format!(
                        "not among the best {survivors} of {of} with {:.3} of the training times",
                        share
                    )),
                    ..trial
                }));
                running = scored
                    .into_iter()
                    .map(|trial| (trial.number, trial.parameters))
                    .collect();
            }
        }
        Ok(())
    }

    /// Of the trials so far: the median mean cost after one fold, two, and so on.
    fn medians(&self) -> Vec<f64> {
        if !self.plan.prune {
            return Vec::new();
        }
        let folds = self.study.folds.len();
        let medians = (1..=folds).map_while(|count| {
            let long = self
                .trials
                .iter()
                .filter(|trial| trial.scores.len() >= count);
            let mut costs: Vec<f64> = long
                .map(|trial| {
                    let mean = trial.scores[..count].iter().sum::<f64>() / count as f64;
                    if METRICS[trial.metric].rises {
                        -mean
                    } else {
                        mean
                    }
                })
                .collect();
            costs.sort_by(f64::total_cmp);
            (costs.len() >= KNOWN).then(|| costs[costs.len() / 2])
        });
        medians.collect()
    }

    /// Runs a trial; none if the search is to stop.
    fn trial(
        &self,
        number: u64,
        parameters: Map<String, Json>,
        (share, training): (f64, &[Result<TrainingRows<'_>>]),
        medians: &[f64],
    ) -> Option<Trial> {
        if let Some(kept) = self.kept.get(&number)
            && kept.parameters == parameters
            && kept.share == share
        {
            return Some(kept.clone());
        }
        if self.ledger.as_ref().is_some_and(|ledger| ledger.stopped()) {
            return None;
        }
        let late = |limit: f64| self.begun.elapsed().as_secs_f64() > limit;
        if self.plan.seconds.is_some_and(late) {
            self.out_of_time.store(true, Ordering::Relaxed);
            return None;
        }
        let begun = Instant::now();
        let mut trial = Trial {
            number,
            parameters,
            metric: self.study.metric.unwrap_or_default(),
            scores: Vec::new(),
            share,
            seconds: 0.0,
            outcome: Outcome::Complete,
        };
        trial.outcome = match self.scored(&mut trial, training, medians) {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Failed(error.to_string()),
        };
        trial.seconds = begun.elapsed().as_secs_f64();
        if let Some(ledger) = &self.ledger {
            ledger.record(&self.key, &trial, self.best_with(&trial), self.planned);
        }
        Some(trial)
    }

    /// The mean of the best trial so far, this one included.
    fn best_with(&self, trial: &Trial) -> Option<f64> {
        let mut best = self
            .best
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if let (true, Some(mean)) = (trial.is_complete(), trial.mean())
            && best.is_none_or(|(cost, _)| trial.cost() < cost)
        {
            *best = Some((trial.cost(), mean));
        }
        best.map(|(_, mean)| mean)
    }

    /// Fits and scores the trial on fold after fold.
    fn scored(
        &self,
        trial: &mut Trial,
        training: &[Result<TrainingRows<'_>>],
        medians: &[f64],
    ) -> Result<Outcome> {
        let study = self.study;
        let recipe = (study.recipe)(&trial.parameters)?;
        for (i, (fold, training)) in study.folds.iter().zip(training).enumerate() {
            let training = training.as_ref().map_err(Clone::clone)?;
            let model = training.fit(&recipe, 0)?;
            let place = Metric::judging(study.function, study.metric, model.classes())?;
            trial.metric = place;
            let Some(score) = study.rows.scores(&model, &fold.test)[place] else {
                let reason = format!(
                    "{} is undefined in fold {}: a constant prediction or target, or one class only",
                    METRICS[place].name,
                    i + 1
                );
                return Ok(Outcome::Failed(reason));
            };
            trial.scores.push(score);
            let is_last = i + 1 == study.folds.len();
            if let Some(&median) = medians.get(i)
                && !is_last
                && trial.cost() > median
            {
                let reason = format!(
                    "worse than the median of earlier trials after {} of {} folds",
                    i + 1,
                    study.folds.len()
                );
                return Ok(Outcome::Pruned(reason));
            }
        }
        Ok(Outcome::Complete)
    }

    /// The trials by number, if one is of use.
    fn end(mut self) -> Result<Vec<Trial>> {
        let function = self.study.function;
        if let Some(ledger) = &self.ledger {
            if ledger.stopped() {
                let ended = self.trials.len();
                let message = format!(
                    "interrupted after {ended} of {} trials, which are kept: run it again to go on",
                    self.planned
                );
                return Err(Error::data(function, message));
            }
            ledger.close(&self.key);
        }
        self.trials.sort_by_key(|trial| trial.number);
        if let Some(metric) = self
            .trials
            .iter()
            .find(|t| t.is_complete())
            .map(|t| t.metric)
        {
            for trial in &mut self.trials {
                if trial.metric != metric && trial.is_complete() {
                    trial.outcome = Outcome::Failed(format!(
                        "it is scored by {}, others by {}; name the metric",
                        METRICS[trial.metric].name, METRICS[metric].name
                    ));
                }
            }
            return Ok(self.trials);
        }
        let failed = self.trials.iter().find_map(|trial| match &trial.outcome {
            Outcome::Failed(cause) => Some((trial, cause)),
            _ => None,
        });
        Err(match failed {
            Some((trial, cause)) => Error::data(
                function,
                format!(
                    "all {} trials failed; the first, number {} with {}, because of: {cause}",
                    self.trials.len(),
                    trial.number,
                    Json::from(trial.parameters.clone()),
                ),
            ),
            None if self.out_of_time.into_inner() => Error::argument(
                function,
                "seconds",
                self.plan.seconds.unwrap_or_default(),
                "no trial ended in that time; pass more",
            ),
            None => Error::data(function, "there was no trial"),
        })
    }
}

/// The place of the best trial, and each trial's rank: 1 is the best, only
/// complete ones have one, equals by number.
pub fn ranks(trials: &[Trial]) -> (Option<usize>, Vec<Option<usize>>) {
    let mut order: Vec<usize> = (0..trials.len())
        .filter(|&i| trials[i].is_complete())
        .collect();
    order.sort_by(|&a, &b| {
        trials[a]
            .cost()
            .total_cmp(&trials[b].cost())
            .then(a.cmp(&b))
    });
    let mut ranks = vec![None; trials.len()];
    for (rank, &place) in order.iter().enumerate() {
        ranks[place] = Some(rank + 1);
    }
    (order.first().copied(), ranks)
}
