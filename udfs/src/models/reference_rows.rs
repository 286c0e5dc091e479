//! The rows of tests/python/breadth_reference.py and models of them.

use serde_json::{Map, Value as Json};

use crate::error::Result;
use crate::functions::fit_options;
use crate::models::training::{FeatureColumn, Fitted, Training};
use crate::models::{Body, Header, Model};

/// Rows in any order.
#[derive(Clone)]
pub struct ReferenceRows {
    pub a: Vec<f64>,
    pub b: Vec<f64>,
    pub c: Vec<f64>,
    pub y: Vec<f64>,
    pub grade: Vec<f64>,
    pub weight: Vec<f64>,
}

/// Where models are asked, a slice per feature.
pub const AT: [&[f64]; 3] = [
    &[10.25, 50.5, 30.125, 0.0],
    &[55.5, -120.25, 300.0, -200.0],
    &[0.3, 1.7, 0.9, 0.0],
];

impl ReferenceRows {
    pub fn new() -> Self {
        let rows = 0..60_u32;
        let a: Vec<f64> = rows.clone().map(|i| f64::from(i * 37 % 61)).collect();
        let b: Vec<f64> = rows
            .clone()
            .map(|i| f64::from(i * 23 % 59) * 10.0 - 200.0)
            .collect();
        let c: Vec<f64> = rows
            .clone()
            .map(|i| f64::from(i * 11 % 31) / 16.0)
            .collect();
        let target = |i: usize| 0.1 * a[i] + 0.01 * b[i] + (i as f64).sin() + c[i] * c[i];
        let y: Vec<f64> = (0..60).map(target).collect();
        let grade = |y: &f64| match *y {
            y if y < 4.0 => 0.0,
            y if y < 6.0 => 1.0,
            _ => 4.0,
        };
        Self {
            grade: y.iter().map(grade).collect(),
            weight: rows.map(|i| f64::from(1 + i % 3)).collect(),
            a,
            b,
            c,
            y,
        }
    }

    /// The rows from last to first.
    pub fn reversed(&self) -> Self {
        let mut reversed = self.clone();
        let Self {
            a,
            b,
            c,
            y,
            grade,
            weight,
        } = &mut reversed;
        for column in [a, b, c, y, grade, weight] {
            column.reverse();
        }
        reversed
    }

    /// The first rows.
    pub fn first(&self, rows: usize) -> Self {
        let mut first = self.clone();
        let Self {
            a,
            b,
            c,
            y,
            grade,
            weight,
        } = &mut first;
        for column in [a, b, c, y, grade, weight] {
            column.truncate(rows);
        }
        first
    }

    /// A fit of `target` to all three features.
    pub fn fit(&self, options: Json, target: &[f64], weights: Option<&[f64]>) -> Result<Fitted> {
        self.fit_in_time(options, target, weights, None)
    }

    /// The same, of rows that have times.
    pub fn fit_in_time(
        &self,
        options: Json,
        target: &[f64],
        weights: Option<&[f64]>,
        times: Option<&[f64]>,
    ) -> Result<Fitted> {
        let (entry, options) = fit_options(&options)?;
        let columns = [&self.a, &self.b, &self.c];
        let training = Training {
            names: &["a", "b", "c"].map(str::to_owned),
            columns: columns
                .map(|column| FeatureColumn::Numbers(column))
                .to_vec(),
            target,
            weights,
            times,
            validation: None,
        };
        Ok(entry.fit(&training, &options)?.0)
    }

    /// The model of a fit, through its bytes.
    pub fn model(&self, options: Json, target: &[f64], weights: Option<&[f64]>) -> Model {
        let fitted = self.fit(options, target, weights).unwrap();
        let header = Header {
            algorithm: String::new(),
            target: String::new(),
            features: ["a", "b", "c"].map(str::to_owned).to_vec(),
            parameters: Json::Null,
            rows_used: 0,
            rows_skipped: 0,
            status: fitted.status,
            library: String::new(),
            window: None,
            metrics: Map::new(),
            feature_types: Vec::new(),
            preparation: crate::models::preparation::Preparation::default(),
        };
        let model = Model::new(header, fitted.body);
        let read = Model::read(&model.write().unwrap()).unwrap();
        assert_eq!(read, model);
        read
    }
}

/// The intercept, then the coefficients.
pub fn parameters(body: &Body) -> Vec<f64> {
    let linear = body.linear().unwrap();
    let coefficients = linear.coefficients.iter().map(|c| c.value);
    std::iter::once(linear.intercept.value)
        .chain(coefficients)
        .collect()
}

/// Equal to `tolerance`, relative to numbers above 1.
pub fn assert_close(ours: &[f64], theirs: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), theirs.len(), "{ours:?} {theirs:?}");
    for (a, b) in ours.iter().zip(theirs) {
        assert!(
            (a - b).abs() <= tolerance * b.abs().max(1.0),
            "{ours:?} against {theirs:?}"
        );
    }
}
