//! Partial least squares of one target.

use faer::{Col, Mat};

use crate::definition::{Accepts, OptionKey};
use crate::error::{Error, Result};
use crate::models::algorithms::{FactorAlgorithm, Reduction};
use crate::models::training::Fitted;
use crate::models::{Body, Coefficient, Linear};
use crate::options::Options;

/// `pls`.
pub static PLS: FactorAlgorithm = FactorAlgorithm {
    name: "pls",
    options: &["components"],
    fit,
    ways: &[],
};

/// The declarations.
pub const KEYS: &[OptionKey] = &[OptionKey {
    name: "components",
    accepts: Accepts::Integer(1, 10_000),
    default: "null",
    docs: "pls (2, or 1 if there is one feature): directions of the features, each the one that goes furthest with \
           what the target still holds",
}];

/// What is left of a column after its mean is taken away is rounding if it is this
/// far below the column.
const CONSTANT: f64 = 1e-14;
/// What the features still say about the target is rounding if it is this far
/// below what they said at first.
const EXPLAINED: f64 = 1e-12;

fn fit(reduction: &Reduction<'_>, options: &Options) -> Result<Fitted> {
    let problem = &reduction.problem;
    let features = reduction.names.len();
    if problem.rows < 2 {
        return Err(Error::data(
            "fit",
            "pls needs two rows or more, one is complete",
        ));
    }
    let components = options.integer_or("components", features.min(2) as i64) as usize;
    let most = features.min(problem.rows as usize);
    if components > most {
        return Err(Error::argument(
            "fit",
            "components",
            components,
            format!(
                "pls has {features} features and {} rows; pass at most {most}",
                problem.rows
            ),
        ));
    }
    let first = usize::from(problem.intercept);
    let factor = problem.factor;
    let size = |column: usize, from: usize| {
        (from..=column).fold(0.0_f64, |norm, i| norm.hypot(factor[(i, column)]))
    };
    // The root of a sum of squares about the mean; 0 if that is rounding.
    let spread = |column: usize| {
        let spread = size(column, first);
        let constant = spread <= CONSTANT * size(column, 0);
        if constant { 0.0 } else { spread }
    };
    let spreads: Vec<f64> = (first..first + features).map(spread).collect();
    let y = first + features;
    let total = spread(y);
    let triangle = Mat::from_fn(features, features, |i, j| {
        if spreads[j] > 0.0 && i <= j {
            factor[(first + i, first + j)] / spreads[j]
        } else {
            0.0
        }
    });
    let scaled_target = |i: usize| {
        if total > 0.0 {
            factor[(first + i, y)]
        } else {
            0.0
        }
    };
    let target = Col::from_fn(features, scaled_target);
    let (weights, used) = components_of(&triangle, &target, components);
    let residual = &target - &triangle * &weights;
    let unexplained = if total > 0.0 { factor[(y, y)] } else { 0.0 };
    let residual_squares = residual.squared_norm_l2() + unexplained * unexplained;
    let in_units = |i: usize| {
        if spreads[i] > 0.0 {
            weights[i] / spreads[i]
        } else {
            0.0
        }
    };
    let coefficients: Vec<Coefficient> = (0..features)
        .map(|i| Coefficient {
            value: in_units(i),
            standardized: if total > 0.0 { weights[i] / total } else { 0.0 },
            standard_error: None,
        })
        .collect();
    let intercept = if problem.intercept {
        let explained = coefficients.iter().enumerate();
        let explained: f64 = explained
            .map(|(i, c)| factor[(0, first + i)] * c.value)
            .sum();
        (factor[(0, y)] - explained) / factor[(0, 0)]
    } else {
        0.0
    };
    let degrees_of_freedom = problem.rows as f64 - (used + first) as f64;
    let status = if total == 0.0 {
        "the target is constant".to_owned()
    } else if used < components {
        format!(
            "ok: {used} of {components} components are all that the features hold of the target"
        )
    } else {
        "ok".to_owned()
    };
    Ok(Fitted {
        body: Body::Linear(Linear {
            intercept: Coefficient {
                value: intercept,
                ..Coefficient::default()
            },
            coefficients,
            residual_deviation: (degrees_of_freedom > 0.0)
                .then(|| (residual_squares / degrees_of_freedom).sqrt()),
            r2: (total > 0.0).then(|| 1.0 - residual_squares / (total * total)),
            degrees_of_freedom,
        }),
        status,
        metrics: vec![("components", used as f64)],
    })
}

/// The weights of the features and the number of components in them. RᵀR and Rᵀz
/// are all that the components need of the rows (Dayal and MacGregor, "Improved PLS
/// algorithms", Journal of Chemometrics 11, 1997, the second algorithm); here
/// products with R stand for those with RᵀR, which would lose half of the digits.
fn components_of(triangle: &Mat<f64>, target: &Col<f64>, components: usize) -> (Col<f64>, usize) {
    let features = triangle.ncols();
    let mut weights = Col::zeros(features);
    // What the features say about what is not yet explained of the target.
    let mut covariance = triangle.transpose() * target;
    let least = EXPLAINED * covariance.norm_l2();
    let mut found: Vec<(Col<f64>, Col<f64>)> = Vec::with_capacity(components);
    while found.len() < components {
        let norm = covariance.norm_l2();
        if norm <= least {
            break;
        }
        let direction = &covariance * faer::Scale(1.0 / norm);
        // The same in the features as they were before earlier components were
        // taken out of them.
        let mut rotation = direction.clone();
        for (rotated, loadings) in &found {
            let share = loadings.transpose() * &direction;
            rotation -= rotated * faer::Scale(share);
        }
        let scores = triangle * &rotation;
        let squares = scores.squared_norm_l2();
        if squares <= 0.0 {
            break;
        }
        let loadings = triangle.transpose() * &scores * faer::Scale(1.0 / squares);
        let slope = (rotation.transpose() * &covariance) / squares;
        covariance -= &loadings * faer::Scale(slope * squares);
        weights += &rotation * faer::Scale(slope);
        found.push((rotation, loadings));
    }
    (weights, found.len())
}

#[cfg(test)]
mod tests {
    //! Expected values: tests/python/breadth_reference.py.

    use serde_json::json;

    use crate::models::Model;
    use crate::models::reference_rows::{self, ReferenceRows, assert_close};

    fn parameters(model: &Model) -> Vec<f64> {
        reference_rows::parameters(model.body())
    }

    #[test]
    fn components_are_those_of_scikit_learn() {
        let rows = ReferenceRows::new();
        let expected = [
            [
                -0.4697794373546582,
                0.07749410107224732,
                0.007555072100734979,
                2.757001053492158,
            ],
            [
                -0.6809963886370278,
                0.1015746674300172,
                0.00980943688873038,
                2.005191245157478,
            ],
            [
                -0.6624294309427086,
                0.10073209973649841,
                0.009912839256875717,
                2.003047381745501,
            ],
        ];
        for (components, expected) in (1..).zip(&expected) {
            let options = json!({"algorithm": "pls", "components": components});
            let model = rows.model(options, &rows.y, None);
            assert_close(&parameters(&model), expected, 1e-12);
        }
        let usual = rows.model(json!({"algorithm": "pls"}), &rows.y, None);
        assert_close(&parameters(&usual), &expected[1], 1e-12);
        // With as many components as features it is least squares.
        let all = json!({"algorithm": "pls", "components": 3});
        let least_squares = json!({"algorithm": "ols"});
        let [ours, theirs] =
            [all, least_squares].map(|o| rows.model(o, &rows.y, Some(&rows.weight)));
        assert_close(&parameters(&ours), &parameters(&theirs), 1e-11);
    }

    #[test]
    fn constants_and_repetitions_end_it_early() {
        let mut rows = ReferenceRows::new();
        rows.b = vec![7.5; 60];
        rows.c = rows.a.iter().map(|a| 3.0 * a + 1.0).collect();
        let options = json!({"algorithm": "pls", "components": 3});
        let model = rows.model(options.clone(), &rows.y, None);
        assert!(
            model.header().status.starts_with("ok: 1 of 3"),
            "{}",
            model.header().status
        );
        assert_eq!(parameters(&model)[2], 0.0);
        let model = rows.model(options.clone(), &[2.5; 60], None);
        assert_close(&parameters(&model), &[2.5, 0.0, 0.0, 0.0], 1e-12);
        assert_eq!(model.header().status, "the target is constant");
        let refused = |rows: &ReferenceRows, options| {
            rows.fit(options, &rows.y, None).unwrap_err().to_string()
        };
        let four = json!({"algorithm": "pls", "components": 4});
        assert!(refused(&rows, four).contains("pls has 3 features"));
        let one = ReferenceRows {
            a: vec![1.0],
            b: vec![1.0],
            c: vec![1.0],
            y: vec![1.0],
            ..rows
        };
        assert!(refused(&one, options).contains("pls needs two rows"));
    }
}
