//! Nearest neighbours: predictions from the training rows that are most alike
//! (Fix and Hodges 1951; Hastie, Tibshirani and Friedman, The Elements of
//! Statistical Learning, 2nd ed., sections 2.3.2 and 13.3).

mod blocks;
pub mod options;
mod search;
mod tree;

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use self::search::{Neighbor, Search};
use crate::error::{Error, Result};
use crate::models::Body;
use crate::models::canonical_rows::CanonicalRows;
use crate::models::classes;
use crate::models::scaling::Scaling;
use crate::models::training::{Algorithm, Fitted, Training};
use crate::options::Options;

/// `knn`.
pub static KNN: Algorithm = Algorithm {
    name: "knn",
    options: options::KNN,
    takes_missing: false,
    takes_categories: false,
    fit,
};

/// The training rows and how they are asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KNearest {
    /// How many rows a prediction is made of.
    pub neighbors: u32,
    /// Whether a row counts by the inverse of its distance.
    pub by_distance: bool,
    /// How features are measured.
    pub scaling: Scaling,
    /// The scaled features, row after row, in the order of [`CanonicalRows`].
    pub coordinates: Vec<f64>,
    /// The target of each row; the place among the classes if there are any.
    pub targets: Vec<f64>,
    /// The values that are told apart, ascending; empty for regression.
    pub classes: Vec<f64>,
    /// Made when first asked.
    #[serde(skip)]
    search: OnceLock<Search>,
}

fn fit(training: &Training<'_>, options: &Options) -> Result<Fitted> {
    if training.weights.is_some() {
        return Err(Error::argument(
            "fit",
            "weight",
            "given",
            "knn does not weigh rows; leave the argument out, or use another algorithm",
        ));
    }
    let rows = CanonicalRows::of(training);
    let neighbors = options.integer("neighbors");
    if neighbors as usize > rows.len() {
        return Err(Error::argument(
            "fit",
            "neighbors",
            neighbors,
            format!("knn has {} training rows; pass at most as many", rows.len()),
        ));
    }
    let scaling = Scaling::of(&rows.columns, options.flag("standardize"));
    let features: Vec<&[f64]> = rows.columns.iter().map(Vec::as_slice).collect();
    let coordinates = scaling.rows(&features, rows.len(), features.len());
    let (classes, targets) = match options.text("task") {
        "classification" => {
            let classes = classes::classes("knn", &rows.target)?;
            let codes = classes::codes(&classes, &rows.target);
            (classes, codes.into_iter().map(f64::from).collect())
        }
        _ => (Vec::new(), rows.target),
    };
    Ok(Fitted {
        body: Body::KNearest(KNearest {
            neighbors: neighbors as u32,
            by_distance: options.text("neighbor_weights") == "distance",
            scaling,
            coordinates,
            targets,
            classes,
            search: OnceLock::new(),
        }),
        status: "ok".to_owned(),
        metrics: Vec::new(),
    })
}

impl KNearest {
    /// A prediction per row; a slice per feature.
    pub fn predict(&self, features: &[&[f64]], rows: usize) -> Vec<f64> {
        if self.classes.is_empty() {
            return self.ask(features, rows, |nearest| self.mean(nearest));
        }
        self.ask(features, rows, |nearest| {
            let votes = self.votes(nearest);
            let mut best = 0;
            for (class, vote) in votes.iter().enumerate() {
                if *vote > votes[best] {
                    best = class;
                }
            }
            self.classes[best]
        })
    }

    /// The share of each class, row after row; none of a regression.
    pub fn probabilities(&self, features: &[&[f64]], rows: usize) -> Option<Vec<f64>> {
        if self.classes.is_empty() {
            return None;
        }
        let shares = self.ask(features, rows, |nearest| {
            let mut votes = self.votes(nearest);
            let total: f64 = votes.iter().sum();
            votes.iter_mut().for_each(|vote| *vote /= total);
            votes
        });
        Some(shares.concat())
    }

    fn ask<T: Send>(
        &self,
        features: &[&[f64]],
        rows: usize,
        answer: impl Fn(&[Neighbor]) -> T + Sync,
    ) -> Vec<T> {
        let dimensions = self.scaling.centers.len();
        let count = self.neighbors as usize;
        let search = self
            .search
            .get_or_init(|| Search::of(&self.coordinates, dimensions, count));
        let mut queries = self.scaling.rows(features, rows, dimensions + 1);
        search.nearest(&mut queries, dimensions, count, answer)
    }

    fn mean(&self, nearest: &[Neighbor]) -> f64 {
        let (mut sum, mut weights) = (0.0, 0.0);
        for (weight, target) in self.weighed(nearest) {
            sum += weight * target;
            weights += weight;
        }
        sum / weights
    }

    fn votes(&self, nearest: &[Neighbor]) -> Vec<f64> {
        let mut votes = vec![0.0; self.classes.len()];
        for (weight, class) in self.weighed(nearest) {
            votes[class as usize] += weight;
        }
        votes
    }

    /// How much each neighbour counts, and its target.
    fn weighed<'a>(&'a self, nearest: &'a [Neighbor]) -> impl Iterator<Item = (f64, f64)> + 'a {
        let touches = nearest.first().is_some_and(|first| first.0 == 0.0);
        nearest.iter().map(move |&(square, row)| {
            let weight = match (self.by_distance, touches) {
                (false, _) => 1.0,
                (true, true) => f64::from(u8::from(square == 0.0)),
                (true, false) => 1.0 / square.sqrt(),
            };
            (weight, self.targets[row as usize])
        })
    }

    /// What is wrong with a model from outside, if anything.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn check(&self, features: usize) -> std::result::Result<(), String> {
        self.scaling.check(features)?;
        classes::check(&self.classes)?;
        let rows = self.targets.len();
        if features == 0 || self.coordinates.len() != rows * features {
            return Err(format!(
                "{rows} rows of {features} features have {} numbers",
                self.coordinates.len()
            ));
        }
        if self.neighbors == 0 || self.neighbors as usize > rows {
            return Err(format!("{} neighbours of {rows} rows", self.neighbors));
        }
        let classes = self.classes.len() as f64;
        let is_class = |code: &f64| code.fract() == 0.0 && (0.0..classes).contains(code);
        if !self.classes.is_empty() && !self.targets.iter().all(is_class) {
            return Err("a row is of a class that the model does not know".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    //! Expected values: tests/python/breadth_reference.py.

    use serde_json::json;

    use crate::models::reference_rows::{AT, ReferenceRows, assert_close};

    #[test]
    fn predictions_are_those_of_scikit_learn() {
        let rows = ReferenceRows::new();
        let uniform = (
            [
                3.3533019817717338,
                6.034586435744909,
                4.597291285293086,
                2.6960329945503427,
            ],
            [0.0, 1.0, 0.0, 0.0],
            [
                0.7142857142857143,
                0.2857142857142857,
                0.0,
                0.0,
                0.5714285714285714,
                0.42857142857142855,
                0.5714285714285714,
                0.2857142857142857,
                0.14285714285714285,
                0.8571428571428571,
                0.14285714285714285,
                0.0,
            ],
        );
        let distance = (
            [
                3.3790760318441153,
                6.488249750627951,
                4.577314255936005,
                -2.0,
            ],
            [0.0, 4.0, 0.0, 0.0],
            [
                0.7499210492884215,
                0.25007895071157843,
                0.0,
                0.0,
                0.36952131668316385,
                0.6304786833168362,
                0.5678803630712916,
                0.3060568784180739,
                0.1260627585106344,
                1.0,
                0.0,
                0.0,
            ],
        );
        for (weights, expected) in [("uniform", uniform), ("distance", distance)] {
            let options = |task| json!({"algorithm": "knn", "neighbors": 7, "neighbor_weights": weights, "task": task});
            let numbers = rows.model(options("regression"), &rows.y, None);
            assert_close(&numbers.predict_complete(&AT, 4), &expected.0, 1e-14);
            assert!(numbers.probabilities(&AT, 4).is_none());
            let classes = rows.model(options("classification"), &rows.grade, None);
            assert_eq!(classes.predict_complete(&AT, 4), expected.1);
            assert_close(&classes.probabilities(&AT, 4).unwrap(), &expected.2, 1e-14);
        }
        let raw = json!({"algorithm": "knn", "neighbors": 3, "standardize": false});
        let raw = rows.model(raw, &rows.y, None);
        assert_close(
            &raw.predict_complete(&AT, 4),
            &[
                4.541813016326418,
                5.503935374069466,
                7.285851649392491,
                3.093371801232008,
            ],
            1e-14,
        );
    }

    #[test]
    fn neither_order_nor_company_changes_a_prediction() {
        let rows = ReferenceRows::new();
        let options = json!({"algorithm": "knn", "neighbor_weights": "distance"});
        let reversed = rows.reversed();
        let model = rows.model(options.clone(), &rows.y, None);
        assert_eq!(model, reversed.model(options, &reversed.y, None));
        let together = model.predict_complete(&AT, 4);
        for i in 0..4 {
            let alone = AT.map(|column| &column[i..=i]);
            assert_eq!(model.predict_complete(&alone, 1), together[i..=i]);
        }
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let rows = ReferenceRows::new();
        let refused = |options, target: &[f64], weights| {
            let error = rows.fit(options, target, weights);
            error.unwrap_err().to_string()
        };
        let many = json!({"algorithm": "knn", "neighbors": 61});
        assert!(refused(many, &rows.y, None).contains("knn has 60 training rows"));
        let knn = json!({"algorithm": "knn"});
        assert!(refused(knn, &rows.y, Some(&rows.weight)).contains("knn does not weigh rows"));
        let classes = json!({"algorithm": "knn", "task": "classification"});
        assert!(refused(classes, &[1.0; 60], None).contains("knn needs two classes"));
    }
}
