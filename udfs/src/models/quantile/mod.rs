//! Regression of a quantile.
//!
//! Minimises Σ wᵢ ρ(rᵢ) / Σ w + α ‖β‖₁ with ρ(r) = r (τ - [r < 0]) (Koenker and
//! Bassett, Econometrica 46, 1978; what scikit-learn's QuantileRegressor minimises).
//! A penalty is a row per feature: α |β| = 2 α ρ½(β). An interior-point method comes
//! near (Portnoy and Koenker, "The Gaussian hare and the Laplacian tortoise",
//! Statistical Science 12, 1997), then a vertex is walked to whose dual values prove
//! that it is the minimum.

mod interior;
mod vertex;

#[cfg(test)]
mod tests;

use self::interior::near;
use self::vertex::{Vertex, minimum};
use crate::error::{Error, Result};
use crate::models::Body;
use crate::models::canonical_rows::CanonicalRows;
use crate::models::design::Design;
use crate::models::training::{Algorithm, Fitted, Training};
use crate::options::Options;

/// `quantile`.
pub static QUANTILE: Algorithm = Algorithm {
    name: "quantile",
    options: &["intercept", "alpha", "quantile"],
    takes_missing: false,
    takes_categories: false,
    fit,
    prepare: None,
};

/// Minimise Σ ρ(target - Σ column · parameter) with a level per row; weights are in
/// the rows.
struct Problem {
    columns: Vec<Vec<f64>>,
    target: Vec<f64>,
    levels: Vec<f64>,
}

impl Problem {
    fn rows(&self) -> usize {
        self.target.len()
    }

    fn slices(&self) -> Vec<&[f64]> {
        self.columns.iter().map(Vec::as_slice).collect()
    }

    /// What the parameters leave of the target.
    fn residuals(&self, parameters: &[f64]) -> Vec<f64> {
        let mut rest = self.target.clone();
        for (column, parameter) in self.columns.iter().zip(parameters) {
            for (rest, value) in rest.iter_mut().zip(column) {
                *rest -= parameter * value;
            }
        }
        rest
    }

    /// Σ column · value, by parameter.
    fn products(&self, values: &[f64]) -> Vec<f64> {
        let product = |column: &Vec<f64>| column.iter().zip(values).map(|(x, v)| x * v).sum();
        self.columns.iter().map(product).collect()
    }

    /// What the dual values must add up to: Σ column · (1 - level).
    fn wanted(&self) -> Vec<f64> {
        let others: Vec<f64> = self.levels.iter().map(|level| 1.0 - level).collect();
        self.products(&others)
    }
}

fn fit(training: &Training<'_>, options: &Options) -> Result<Fitted> {
    let level = options.number("quantile");
    if level >= 1.0 {
        return Err(Error::argument(
            "fit",
            "quantile",
            level,
            "pass a number above 0 and below 1",
        ));
    }
    let alpha = options.number_or("alpha", 0.0);
    let design = Design::of(CanonicalRows::of(training), options.flag("intercept"));
    let weight: f64 = design.weights.iter().sum();
    let problem = problem(&design, level, alpha * weight);
    let guess = near(&problem);
    let Vertex {
        parameters,
        optimal,
        loss,
    } = minimum(&problem, &guess);
    let status = if optimal {
        "ok"
    } else {
        "near the minimum: rows on the fitted plane hide whether another is as good"
    };
    Ok(Fitted {
        body: Body::Linear(design.linear(&parameters, true)),
        status: status.to_owned(),
        metrics: vec![("loss", loss / weight)],
    })
}

/// Weighted rows, and one per penalised parameter.
fn problem(design: &Design, level: f64, penalty: f64) -> Problem {
    let rows = design.target.len();
    let penalised: Vec<(usize, f64)> = (0..design.columns.len())
        .filter(|_| penalty > 0.0)
        .filter_map(|i| design.scale(i).map(|scale| (i, 2.0 * penalty / scale)))
        .collect();
    let weighted = |column: &[f64]| -> Vec<f64> {
        let values = column.iter().zip(&design.weights);
        let mut values: Vec<f64> = values.map(|(value, weight)| value * weight).collect();
        values.resize(rows + penalised.len(), 0.0);
        values
    };
    let mut columns: Vec<Vec<f64>> = design.columns.iter().map(|c| weighted(c)).collect();
    for (row, (parameter, size)) in penalised.iter().enumerate() {
        columns[*parameter][rows + row] = *size;
    }
    let mut levels = vec![level; rows];
    levels.resize(rows + penalised.len(), 0.5);
    Problem {
        columns,
        target: weighted(&design.target),
        levels,
    }
}
