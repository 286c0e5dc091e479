//! Ordinary least squares and ridge regression.

use crate::definition::{Accepts, OptionKey};
use crate::error::{Error, Result};
use crate::models::algorithms::{FactorAlgorithm, Reduction, Way, WayFit, factor};
use crate::models::canonical_rows::{CanonicalRows, numeric_columns};
use crate::models::training::{FeatureColumn, Fitted, Training};
use crate::models::{Body, Coefficient, Linear};
use crate::options::Options;
use crate::statistics::least_squares::{Problem, Solution};
use crate::statistics::sandwich::{Errors, standard_errors};

/// The declarations.
pub const KEYS: &[OptionKey] = &[
    OptionKey::new(
        "collinear",
        Accepts::Choice(&["minimum_norm", "error"]),
        "\"minimum_norm\"",
        "ols: what features that repeat others do; minimum_norm names them in the model's status",
    ),
    OptionKey::new(
        "covariance",
        Accepts::Choice(&["classic", "hc0", "hc1", "hc2", "hc3", "newey_west"]),
        "\"classic\"",
        "ols: what standard errors assume of the errors: classic, independent and of one size; hc0 to hc3, independent \
         and of any size; newey_west, dependent over newey_west_lags rows in the order of the argument time. All but \
         classic keep the rows",
    ),
    OptionKey::new(
        "newey_west_lags",
        Accepts::Integer(0, 1_000_000),
        "null",
        "ols with newey_west (4 (rows / 100)^(2/9), rounded down): rows over which errors depend on each other",
    ),
];

/// `ols`.
pub static OLS: FactorAlgorithm = FactorAlgorithm {
    name: "ols",
    options: &["intercept", "collinear", "covariance", "newey_west_lags"],
    fit: |reduction, options| {
        refuse_lags(options)?;
        ordinary(reduction, options)
    },
    ways: &[Way {
        asked: |options| options.text("covariance") != "classic",
        fit: WayFit::Rows(with_rows),
    }],
};

/// `ridge`.
pub static RIDGE: FactorAlgorithm = FactorAlgorithm {
    name: "ridge",
    options: &["intercept", "alpha"],
    fit: |reduction, options| {
        let penalty = options.number_or("alpha", 1.0);
        if penalty == 0.0 {
            return ordinary(reduction, options);
        }
        Ok(fitted(reduction, &reduction.problem.solve(penalty), "ok"))
    },
    ways: &[],
};

fn refuse_lags(options: &Options) -> Result<()> {
    let lags = options.integer_or("newey_west_lags", -1);
    if lags < 0 || options.text("covariance") == "newey_west" {
        return Ok(());
    }
    Err(Error::argument(
        "fit",
        "newey_west_lags",
        lags,
        "set 'covariance' to 'newey_west' as well, or leave it out",
    ))
}

/// With standard errors that look at the rows.
fn with_rows(training: &Training<'_>, options: &Options) -> Result<Fitted> {
    refuse_lags(options)?;
    let intercept = options.flag("intercept");
    let rows = match options.text("covariance") {
        "newey_west" => rows_in_time(training)?,
        _ => CanonicalRows::of(training),
    };
    let errors = match options.text("covariance") {
        "hc0" => Errors::Hc0,
        "hc1" => Errors::Hc1,
        "hc2" => Errors::Hc2,
        "hc3" => Errors::Hc3,
        _ => {
            let usual = 4.0 * (rows.len() as f64 / 100.0).powf(2.0 / 9.0);
            Errors::NeweyWest(options.integer_or("newey_west_lags", usual as i64) as usize)
        }
    };
    let ordered = Training {
        names: training.names,
        columns: rows
            .columns
            .iter()
            .map(|c| FeatureColumn::Numbers(c))
            .collect(),
        target: &rows.target,
        weights: rows.weights.as_deref(),
        times: None,
        validation: None,
    };
    let factor = factor(&ordered, intercept);
    let reduction = Reduction {
        problem: Problem {
            factor: factor.as_ref(),
            intercept,
            rows: rows.len() as u64,
        },
        names: training.names,
        weight: rows
            .weights
            .as_ref()
            .map_or(rows.len() as f64, |weights| weights.iter().sum()),
    };
    let mut fitted = ordinary(&reduction, options)?;
    let Body::Linear(linear) = &mut fitted.body else {
        return Ok(fitted);
    };
    let has_errors = linear
        .coefficients
        .iter()
        .all(|c| c.standard_error.is_some());
    if !has_errors || linear.degrees_of_freedom <= 0.0 {
        return Ok(fitted);
    }
    let root = |row: usize| {
        rows.weights
            .as_ref()
            .map_or(1.0, |weights| weights[row].sqrt())
    };
    let scaled = |column: &[f64]| -> Vec<f64> {
        let values = column.iter().enumerate();
        values.map(|(row, value)| value * root(row)).collect()
    };
    let mut columns: Vec<Vec<f64>> = Vec::with_capacity(rows.columns.len() + 2);
    if intercept {
        columns.push((0..rows.len()).map(root).collect());
    }
    columns.extend(rows.columns.iter().map(|column| scaled(column)));
    columns.push(scaled(&rows.target));
    let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let found = standard_errors(&columns, factor.as_ref(), errors);
    if found.is_none() {
        fitted.status = format!(
            "no standard errors: a row alone determines a coefficient, which {} cannot weigh; use hc1",
            options.text("covariance")
        );
    }
    let first = usize::from(intercept);
    let error = |i: usize| found.as_ref().map(|errors| errors[i]);
    if intercept {
        linear.intercept.standard_error = error(0);
    }
    for (i, coefficient) in linear.coefficients.iter_mut().enumerate() {
        coefficient.standard_error = error(first + i);
    }
    Ok(fitted)
}

/// The rows that train, in the order of time.
fn rows_in_time(training: &Training<'_>) -> Result<CanonicalRows> {
    let Some(times) = training.times else {
        return Err(Error::argument(
            "fit",
            "covariance",
            "newey_west",
            "pass the argument time as well: it says which rows follow each other",
        ));
    };
    let judges = |row: usize| training.validation.is_some_and(|marks| marks[row]);
    let mut order: Vec<usize> = (0..times.len()).filter(|&row| !judges(row)).collect();
    order.sort_unstable_by(|&a, &b| times[a].total_cmp(&times[b]));
    if order
        .windows(2)
        .any(|pair| times[pair[0]] == times[pair[1]])
    {
        return Err(Error::argument(
            "fit",
            "covariance",
            "newey_west",
            "two rows have the same time, so that it is open which follows which; fit one model per entity \
             (GROUP BY), or use hc1",
        ));
    }
    let chosen = |column: &[f64]| order.iter().map(|&row| column[row]).collect();
    Ok(CanonicalRows {
        columns: numeric_columns(training).into_iter().map(chosen).collect(),
        target: chosen(training.target),
        weights: training.weights.map(chosen),
    })
}

/// Without a penalty.
pub fn ordinary(reduction: &Reduction<'_>, options: &Options) -> Result<Fitted> {
    let solution = reduction.problem.solve(0.0);
    if solution.redundant.is_empty() {
        return Ok(fitted(reduction, &solution, "ok"));
    }
    let redundant = solution.redundant.iter();
    let redundant: Vec<&str> = redundant.map(|&i| reduction.names[i].as_str()).collect();
    let listed = redundant.join("', '");
    if options.text("collinear") == "error" {
        return Err(Error::data(
            "fit",
            format!(
                "features '{listed}' are constant or repeat others in the {} complete rows; \
                 leave them out, use ridge, or set 'collinear' to 'minimum_norm'",
                reduction.problem.rows
            ),
        ));
    }
    let status = format!("minimum norm: '{listed}' are constant or repeat other features");
    Ok(fitted(reduction, &solution, &status))
}

/// The model of a solution.
pub fn fitted(reduction: &Reduction<'_>, solution: &Solution, status: &str) -> Fitted {
    Fitted {
        body: Body::Linear(linear(solution, reduction.problem.intercept)),
        status: status.to_owned(),
        metrics: Vec::new(),
    }
}

fn linear(solution: &Solution, intercept: bool) -> Linear {
    let total = solution.total_squares;
    let target_spread = total.sqrt();
    let errors = solution.errors.as_ref();
    let coefficient = |i: usize, value: f64| Coefficient {
        value,
        standardized: if target_spread > 0.0 {
            value * solution.spreads[i] / target_spread
        } else {
            0.0
        },
        standard_error: errors.map(|(_, errors)| errors[i]),
    };
    Linear {
        intercept: Coefficient {
            value: solution.intercept,
            standardized: 0.0,
            standard_error: errors.filter(|_| intercept).map(|(error, _)| *error),
        },
        coefficients: solution
            .coefficients
            .iter()
            .enumerate()
            .map(|(i, &value)| coefficient(i, value))
            .collect(),
        residual_deviation: (solution.degrees_of_freedom > 0.0)
            .then(|| (solution.residual_squares / solution.degrees_of_freedom).sqrt()),
        r2: (total > 0.0).then(|| 1.0 - solution.residual_squares / total),
        degrees_of_freedom: solution.degrees_of_freedom,
    }
}

#[cfg(test)]
mod tests {
    //! Expected values: tests/python/linear_reference.py.

    use serde_json::{Value as Json, json};

    use crate::error::Result;
    use crate::models::Body;
    use crate::models::reference_rows::{ReferenceRows, assert_close};

    fn errors(
        rows: &ReferenceRows,
        options: Json,
        weights: Option<&[f64]>,
        times: Option<&[f64]>,
    ) -> Result<Vec<f64>> {
        let fitted = rows.fit_in_time(options, &rows.y, weights, times)?;
        let Body::Linear(linear) = fitted.body else {
            panic!("not linear");
        };
        let all = std::iter::once(&linear.intercept).chain(&linear.coefficients);
        Ok(all.filter_map(|c| c.standard_error).collect())
    }

    #[test]
    #[allow(clippy::excessive_precision)]
    fn standard_errors_are_those_of_statsmodels() {
        let rows = ReferenceRows::new();
        let times: Vec<f64> = (0..60).map(f64::from).collect();
        let cases = [
            (
                json!({"covariance": "hc0"}),
                false,
                [
                    0.24146416611974694,
                    0.005608520773542243,
                    0.0005975888242186378,
                    0.17804383411985478,
                ],
            ),
            (
                json!({"covariance": "hc1"}),
                false,
                [
                    0.24993915728183747,
                    0.005805370537016461,
                    0.0006185631993617612,
                    0.18429287696906235,
                ],
            ),
            (
                json!({"covariance": "hc2"}),
                false,
                [
                    0.2560361393294861,
                    0.006023973677486909,
                    0.0006406124097778801,
                    0.18632127504341525,
                ],
            ),
            (
                json!({"covariance": "hc3"}),
                false,
                [
                    0.27228429575364016,
                    0.0064842655455119545,
                    0.0006881507968828232,
                    0.19522596247189036,
                ],
            ),
            (
                json!({"covariance": "hc3"}),
                true,
                [
                    0.3080229811617118,
                    0.0062744168023939695,
                    0.0006677414078746415,
                    0.21939422530601538,
                ],
            ),
            (
                json!({"covariance": "newey_west", "newey_west_lags": 0}),
                false,
                [
                    0.24146416611974783,
                    0.005608520773542287,
                    0.0005975888242186375,
                    0.1780438341198544,
                ],
            ),
            (
                json!({"covariance": "newey_west"}),
                false,
                [
                    0.23744431923147696,
                    0.005081877062742414,
                    0.0005880790645719439,
                    0.1324727730188498,
                ],
            ),
        ];
        for (options, weighted, expected) in cases {
            let weights = weighted.then_some(&rows.weight[..]);
            let found = errors(&rows, options.clone(), weights, Some(&times)).unwrap();
            assert_close_relative(&found, &expected);
            let backwards: Vec<f64> = times.iter().rev().copied().collect();
            let reversed = rows.reversed();
            let weights = weighted.then_some(&reversed.weight[..]);
            let same = errors(&reversed, options, weights, Some(&backwards)).unwrap();
            assert_eq!(same, found);
        }
        let options = json!({"covariance": "hc0", "intercept": false});
        let found = errors(&rows, options, None, None).unwrap();
        assert_close_relative(
            &found,
            &[
                0.004228653094566154,
                0.0006181289420567252,
                0.16220853552119355,
            ],
        );
    }

    fn assert_close_relative(ours: &[f64], theirs: &[f64]) {
        let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
        assert_close(&ratios, &vec![1.0; theirs.len()], 1e-10);
    }

    #[test]
    fn rows_that_determine_a_coefficient_and_rows_without_times() {
        let mut rows = ReferenceRows::new();
        rows.c = vec![0.0; 60];
        rows.c[7] = 1.0;
        let fitted = rows
            .fit(json!({"covariance": "hc3"}), &rows.y, None)
            .unwrap();
        assert!(
            fitted.status.starts_with("no standard errors"),
            "{}",
            fitted.status
        );
        let refused = |options: Json, times: Option<&[f64]>| {
            errors(&rows, options, None, times).unwrap_err().to_string()
        };
        let newey_west = json!({"covariance": "newey_west", "newey_west_lags": 4});
        assert!(refused(newey_west.clone(), None).contains("pass the argument time"));
        assert!(refused(newey_west, Some(&[1.0; 60])).contains("two rows have the same time"));
        let lags = json!({"covariance": "hc1", "newey_west_lags": 4});
        assert!(refused(lags, None).contains("set 'covariance' to 'newey_west'"));
    }
}
