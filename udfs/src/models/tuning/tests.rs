use std::sync::{Arc, Mutex};

use serde_json::{Map, Value as Json, json};

use super::{Ledger, Method, Outcome, Plan, Space, Study, Trial, keep_trials_in, ranks};
use crate::functions::{fit_keys, fit_recipe};
use crate::models::validation::{Column, Rows};
use crate::time::row_folds::{Cut, RowFold};

/// The ledger is one per process: tests that run trials take turns.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> std::sync::MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A step in `a`, noise in `b`.
fn rows(count: u32) -> Rows {
    let noise = |i: u32, by: u32| f64::from(i * by % 101) / 101.0;
    let a: Vec<f64> = (0..count).map(|i| noise(i, 37)).collect();
    Rows {
        names: vec!["a".to_owned(), "b".to_owned()],
        target: (0..count)
            .zip(&a)
            .map(|(i, a)| f64::from(u8::from(*a > 0.5)) + noise(i, 59) / 5.0)
            .collect(),
        columns: vec![
            Column::Numbers(a),
            Column::Numbers((0..count).map(|i| noise(i, 83)).collect()),
        ],
        weights: None,
        times: None,
        calendar: false,
        start: (1..=count).collect(),
        stop: (2..=count + 1).collect(),
    }
}

fn folds(rows: &Rows) -> Vec<RowFold> {
    let cut = Cut::WalkForward { folds: 3 };
    cut.folds(&rows.start, &rows.stop, 0).unwrap()
}

fn plan(method: Method, trials: Option<usize>) -> Plan {
    Plan {
        method,
        trials,
        batch: 4,
        prune: false,
        factor: 3,
        seed: 42,
        seconds: None,
        workers: None,
    }
}

fn run(rows: &Rows, space: &Json, plan: &Plan) -> Result<Vec<Trial>, String> {
    let base = Map::from_iter([
        ("algorithm".to_owned(), json!("gbdt")),
        ("trees".to_owned(), json!(10)),
        ("min_data_in_leaf".to_owned(), json!(5)),
    ]);
    let recipe = |parameters: &Map<String, Json>| {
        let mut options = base.clone();
        options.extend(parameters.clone());
        fit_recipe(&Json::Object(options))
    };
    let space = Space::parse("tune_model", space, fit_keys()).unwrap();
    let study = Study {
        function: "tune_model",
        key: &|| "test".to_owned(),
        rows,
        folds: &folds(rows),
        base: &recipe(&Map::new()).unwrap(),
        recipe: &recipe,
        space: &space,
        metric: None,
    };
    study.run(plan).map_err(|error| error.to_string())
}

/// All but the seconds.
fn timeless(trials: &[Trial]) -> Vec<Trial> {
    let timeless = |trial: &Trial| Trial {
        seconds: 0.0,
        ..trial.clone()
    };
    trials.iter().map(timeless).collect()
}

fn space() -> Json {
    json!({
        "learning_rate": {"low": 0.001, "high": 0.5, "log": true},
        "max_leaves": {"low": 2, "high": 31},
    })
}

#[test]
fn trials_do_not_depend_on_the_number_of_threads() {
    let _turn = turn();
    let rows = rows(200);
    for method in [
        Method::Tpe,
        Method::Random,
        Method::SuccessiveHalving,
        Method::Hyperband,
    ] {
        let with = |workers: usize, prune: bool| {
            let plan = Plan {
                workers: Some(workers),
                prune,
                ..plan(method, Some(24))
            };
            timeless(&run(&rows, &space(), &plan).unwrap())
        };
        let (one, three) = (with(1, true), with(3, true));
        assert_eq!(one, three);
        assert_eq!(one.len(), 24);
        let numbers: Vec<u64> = one.iter().map(|trial| trial.number).collect();
        assert_eq!(numbers, (1..=24).collect::<Vec<u64>>());
        // Some are given up, and these are not among the ranks.
        let given_up = one
            .iter()
            .filter(|trial| matches!(trial.outcome, Outcome::Pruned(_)));
        let ranked = ranks(&one).1.iter().flatten().count();
        assert!(given_up.clone().count() > 0);
        assert_eq!(given_up.count() + ranked, 24);
    }
}

#[test]
fn the_best_of_a_grid_is_the_best_of_its_fits() {
    let _turn = turn();
    let rows = rows(150);
    let space = json!({"learning_rate": [0.01, 0.3], "max_leaves": [2, 4]});
    let trials = run(&rows, &space, &plan(Method::Grid, None)).unwrap();
    assert_eq!(trials.len(), 4);
    let (best, ranks) = ranks(&trials);
    let best = best.unwrap();
    assert_eq!(ranks[best], Some(1));
    assert_eq!(trials[best].parameters["learning_rate"], json!(0.3));
    assert!(
        trials
            .iter()
            .all(|trial| trial.mean() >= trials[best].mean())
    );
    assert_eq!(trials[best].scores.len(), 3);
}

#[test]
fn where_all_fail_the_first_cause_is_the_error() {
    let _turn = turn();
    let mut rows = rows(60);
    rows.target = vec![-1.0; 60];
    let space = json!({"objective": ["poisson"], "trees": [3, 5]});
    let error = run(&rows, &space, &plan(Method::Grid, None)).unwrap_err();
    assert!(
        error.contains("all 2 trials failed; the first, number 1"),
        "{error}"
    );
    assert!(error.contains("poisson takes values from 0"), "{error}");
    let plan = Plan {
        seconds: Some(0.0),
        ..plan(Method::Random, Some(3))
    };
    let error = run(&rows, &json!({"trees": [3, 5]}), &plan).unwrap_err();
    assert!(error.contains("pass more"), "{error}");
}

/// Stops after some trials, and keeps them.
#[derive(Default)]
struct Memory {
    trials: Mutex<Vec<Trial>>,
    most: Mutex<usize>,
    closed: Mutex<bool>,
}

impl Ledger for Memory {
    fn finished(&self, study: &str) -> Vec<Trial> {
        assert_eq!(study, "test");
        self.trials.lock().unwrap().clone()
    }

    fn record(&self, _: &str, trial: &Trial, _: Option<f64>, planned: usize) {
        assert_eq!(planned, 12);
        self.trials.lock().unwrap().push(trial.clone());
    }

    fn close(&self, _: &str) {
        *self.closed.lock().unwrap() = true;
    }

    fn stopped(&self) -> bool {
        self.trials.lock().unwrap().len() >= *self.most.lock().unwrap()
    }
}

#[test]
fn an_interrupted_search_goes_on_where_it_stopped() {
    let _turn = turn();
    let rows = rows(150);
    let plan = plan(Method::Tpe, Some(12));
    let whole = timeless(&run(&rows, &space(), &plan).unwrap());
    let memory = Arc::new(Memory::default());
    *memory.most.lock().unwrap() = 5;
    keep_trials_in(Some(memory.clone()));
    let stopped = run(&rows, &space(), &plan);
    *memory.most.lock().unwrap() = usize::MAX;
    let kept = memory.trials.lock().unwrap().len();
    let again = run(&rows, &space(), &plan);
    keep_trials_in(None);
    let error = stopped.unwrap_err();
    assert!(
        error.contains("interrupted after") && error.contains("of 12 trials"),
        "{error}"
    );
    assert!((5..12).contains(&kept), "{kept}");
    assert_eq!(timeless(&again.unwrap()), whole);
    assert_eq!(memory.trials.lock().unwrap().len(), 12);
    assert!(*memory.closed.lock().unwrap());
}
