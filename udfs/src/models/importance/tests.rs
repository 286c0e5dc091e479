//! Against naive code: copies that are shuffled, models that are fitted anew.
//! Whole results are compared with scikit-learn's in the tests of
//! `lagrange_importance`.

use super::*;
use crate::time::folds::{Scheme, folds};

const ROWS: usize = 400;

fn columns() -> (Vec<Vec<f64>>, Vec<f64>) {
    let mut random = Random::stream(1, "importance", 0);
    let mut uniform = || random.bits() as f64 / 2f64.powi(64);
    let mut columns = vec![Vec::new(); 4];
    let mut target = Vec::new();
    for _ in 0..ROWS {
        let (a, b, c, noise) = (uniform(), 10.0 * uniform(), uniform() - 5.0, uniform());
        columns[0].push(a);
        columns[1].push(b);
        columns[2].push(c);
        columns[3].push(a + 0.1 * uniform());
        target.push(100.0 + 3.0 * a - 0.2 * b + noise);
    }
    (columns, target)
}

fn sample_of<'a>(columns: &'a [Vec<f64>], target: &'a [f64]) -> Sample<'a> {
    Sample {
        names: vec!["a", "b", "c", "d"][..columns.len()].to_vec(),
        columns: columns.iter().map(Vec::as_slice).collect(),
        target,
    }
}

fn some_folds(scheme: Scheme) -> Vec<Fold> {
    let start: Vec<f64> = (0..ROWS).map(|i| i as f64).collect();
    let end: Vec<f64> = start.iter().map(|start| start + 2.0).collect();
    folds(&start, &end, scheme, 4, 1.0)
}

fn request(methods: &[Method]) -> Request {
    Request {
        methods: methods.to_vec(),
        metric: Metric::Mse,
        repeats: 3,
        block: 1,
        seed: 42,
        max_correlation: None,
    }
}

fn assert_near(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * b.abs().max(1e-3), "{a} is not {b}");
}

fn assert_all_near(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).for_each(|(a, b)| assert_near(*a, *b));
}

#[test]
fn a_change_is_the_difference_of_predictions_of_a_shuffled_copy() {
    let (columns, target) = columns();
    let sample = sample_of(&columns, &target);
    let fold = &some_folds(Scheme::WalkForward)[1];
    let model = LeastSquaresOf::Ridge
        .learner()
        .fit(&sample, &fold.train)
        .unwrap();
    let mut random = Random::stream(7, "x", 0);
    let donors = block_permutation(&fold.test, 3, &mut random);
    let mut shuffled = columns.clone();
    for (&row, &donor) in fold.test.iter().zip(&donors) {
        for feature in [0, 3] {
            shuffled[feature][row as usize] = columns[feature][donor as usize];
        }
    }
    let before = model.predict(&sample, &fold.test);
    let after = model.predict(&sample_of(&shuffled, &target), &fold.test);
    let expected: Vec<f64> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
    let change = model.change(&sample, &fold.test, &[0, 3], &donors);
    assert_all_near(&change, &expected);

    let actual = sample.targets(&fold.test);
    for metric in [Metric::Mse, Metric::Ic] {
        let score = |predicted: &[f64]| {
            let moments = PairMoments::of(&actual, predicted);
            match metric {
                Metric::Mse => moments.squared_error,
                Metric::Ic => moments.correlation().unwrap_or(f64::NAN),
            }
        };
        let expected = match metric {
            Metric::Mse => score(&after) / score(&before) - 1.0,
            Metric::Ic => score(&before) - score(&after),
        };
        let drop = Drop::of(metric, &actual, &before).unwrap();
        assert_near(drop.after(&change), expected);
    }
}

#[derive(Clone, Copy)]
enum LeastSquaresOf {
    Ols,
    Ridge,
}

impl LeastSquaresOf {
    fn learner(self) -> Box<dyn Learner> {
        match self {
            Self::Ols => Box::new(linear::LeastSquares::ordinary()),
            Self::Ridge => Box::new(linear::LeastSquares::ridge(2.5)),
        }
    }
}

#[test]
fn models_of_fewer_features_are_those_fitted_to_them() {
    let (columns, target) = columns();
    let sample = sample_of(&columns, &target);
    for algorithm in [LeastSquaresOf::Ols, LeastSquaresOf::Ridge] {
        let fold = &some_folds(Scheme::PurgedKFold)[1];
        let learner = algorithm.learner();
        let refitted = learner
            .fit(&sample, &fold.train)
            .and_then(|model| model.refit(&sample, &fold.train, &[1, 3]))
            .unwrap();
        let narrow = vec![columns[1].clone(), columns[3].clone()];
        let narrow = sample_of(&narrow, &target);
        let anew = learner.fit(&narrow, &fold.train).unwrap();
        assert_all_near(
            &refitted.predict(&sample, &fold.test),
            &anew.predict(&narrow, &fold.test),
        );
        assert_all_near(
            &refitted.built_in(Method::Coefficient).unwrap(),
            &anew.built_in(Method::Coefficient).unwrap(),
        );
    }
}

#[test]
fn folds_that_share_their_rows_give_the_models_of_each_fold() {
    let (columns, target) = columns();
    let sample = sample_of(&columns, &target);
    for scheme in [Scheme::WalkForward, Scheme::PurgedKFold] {
        let folds = some_folds(scheme);
        let learner = LeastSquaresOf::Ols.learner();
        for (fold, model) in folds
            .iter()
            .zip(learner.fit_folds(&sample, &folds).unwrap())
        {
            let alone = learner.fit(&sample, &fold.train).unwrap();
            assert_all_near(
                &model.predict(&sample, &fold.test),
                &alone.predict(&sample, &fold.test),
            );
        }
    }
}

#[test]
fn shapley_values_of_independent_changes_are_those_of_all_orders() {
    let (columns, target) = columns();
    let sample = sample_of(&columns, &target);
    let fold = &some_folds(Scheme::WalkForward)[3];
    let model = LeastSquaresOf::Ols
        .learner()
        .fit(&sample, &fold.train)
        .unwrap();
    // v(S): the mean prediction with the features of S from the row and the
    // others from the training rows.
    let value = |row: u32, chosen: usize| {
        let predictions: Vec<f64> = fold
            .train
            .iter()
            .map(|&other| {
                let mixed: Vec<Vec<f64>> = (0..4)
                    .map(|j| match chosen >> j & 1 {
                        1 => vec![columns[j][row as usize]],
                        _ => vec![columns[j][other as usize]],
                    })
                    .collect();
                model.predict(&sample_of(&mixed, &target), &[0])[0]
            })
            .collect();
        predictions.iter().sum::<f64>() / predictions.len() as f64
    };
    let weights = [0.25, 1.0 / 12.0, 1.0 / 12.0, 0.25]; // |S|! (3 - |S|)! / 4!
    let rows = &fold.test[..3];
    for feature in 0..4 {
        let sizes = rows.iter().map(|&row| {
            let without = (0..16_usize).filter(|chosen| chosen >> feature & 1 == 0);
            let parts = without.map(|chosen| {
                let gain = value(row, chosen | 1 << feature) - value(row, chosen);
                weights[chosen.count_ones() as usize] * gain
            });
            parts.sum::<f64>().abs()
        });
        let expected = sizes.sum::<f64>() / rows.len() as f64;
        assert_near(model.shap(&sample, rows)[feature], expected);
    }
}

#[test]
fn clusters_share_their_values_and_shares_add_up_over_clusters() {
    let (columns, target) = columns();
    let sample = sample_of(&columns, &target);
    let folds = some_folds(Scheme::WalkForward);
    let methods = [
        Method::Permutation,
        Method::Coefficient,
        Method::SingleFeature,
        Method::Shap,
    ];
    let mut request = request(&methods);
    request.max_correlation = Some(0.8);
    let report = measure(
        LeastSquaresOf::Ridge.learner().as_ref(),
        &sample,
        &folds,
        &request,
    );
    for (entries, method) in report.entries.chunks(4).zip(methods) {
        assert_eq!(entries[0].method, method);
        assert_eq!(entries[0].cluster, Some(1));
        assert_eq!(
            entries
                .iter()
                .map(|e| e.members.unwrap())
                .collect::<Vec<_>>(),
            [2, 1, 1, 2]
        );
        assert_eq!(
            Entry {
                feature: 0,
                ..entries[3].clone()
            },
            entries[0].clone()
        );
        assert_eq!(entries[0].rank, Some(1));
        let shares: f64 = entries[..3].iter().map(|entry| entry.share.unwrap()).sum();
        assert_near(shares, 1.0);
    }
    // Nothing is above 1: every feature is its own cluster.
    request.max_correlation = Some(1.0);
    let report = measure(
        LeastSquaresOf::Ridge.learner().as_ref(),
        &sample,
        &folds,
        &request,
    );
    assert!(report.entries.iter().all(|entry| entry.members == Some(1)));
}

#[test]
fn folds_without_training_rows_are_left_out() {
    let (columns, target) = columns();
    let sample = sample_of(&columns, &target);
    let learner = LeastSquaresOf::Ols.learner();
    let mut folds = some_folds(Scheme::WalkForward);
    folds[0].train.clear();
    let report = measure(learner.as_ref(), &sample, &folds, &request(&[Method::Shap]));
    assert!(
        report
            .entries
            .iter()
            .all(|entry| entry.folds == 3 && entry.status == "ok")
    );

    folds.iter_mut().for_each(|fold| fold.train.clear());
    let report = measure(learner.as_ref(), &sample, &folds, &request(&[Method::Shap]));
    for entry in &report.entries {
        assert_eq!((entry.importance, entry.rank, entry.folds), (None, None, 0));
        assert_eq!(entry.status, "no training rows");
    }
    assert_eq!((report.train_rows, report.test_rows), (0, 0));
}

#[test]
fn what_cannot_be_measured_is_undefined_and_says_why() {
    let (mut columns, target) = columns();
    let learner = LeastSquaresOf::Ols.learner();
    let folds = some_folds(Scheme::WalkForward);
    let methods = [
        Method::Permutation,
        Method::Coefficient,
        Method::SingleFeature,
    ];

    // Nothing to predict.
    let constant = vec![3.0; ROWS];
    let report = measure(
        learner.as_ref(),
        &sample_of(&columns, &constant),
        &folds,
        &request(&methods),
    );
    for entry in &report.entries {
        assert_eq!((entry.importance, entry.status), (None, "constant target"));
    }

    // Predicted without error: there is nothing to compare with.
    let exact: Vec<f64> = columns[0].iter().map(|a| 2.0 * a + 1.0).collect();
    let report = measure(
        learner.as_ref(),
        &sample_of(&columns, &exact),
        &folds,
        &request(&methods),
    );
    assert_eq!(report.entries[0].status, "undefined in every fold");
    assert_eq!(report.entries[4].rank, Some(1));
    assert_near(report.entries[8].importance.unwrap(), 1.0);

    // A constant explains nothing, and a copy shares.
    columns[1] = vec![0.1; ROWS];
    columns[3] = columns[0].clone();
    let report = measure(
        learner.as_ref(),
        &sample_of(&columns, &target),
        &folds,
        &request(&methods),
    );
    let statuses: Vec<&str> = report.entries[..4]
        .iter()
        .map(|entry| entry.status)
        .collect();
    assert_eq!(statuses, ["ok", "constant", "ok", "collinear"]);
    assert_eq!(report.entries[1].importance, Some(0.0));
    assert_near(
        report.entries[4].importance.unwrap(),
        report.entries[7].importance.unwrap(),
    );
}

/// Predicts the mean of the training rows; what a tree model would offer.
struct Mean;
struct MeanModel(f64);

impl Learner for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }
    fn has(&self, _: Method) -> bool {
        true
    }
    fn fit(&self, sample: &Sample<'_>, train: &[u32]) -> Result<Box<dyn FoldModel>> {
        let target = sample.targets(train);
        let mean = target.iter().sum::<f64>() / target.len() as f64;
        Ok(Box::new(MeanModel(mean)))
    }
}

impl FoldModel for MeanModel {
    fn predict(&self, _: &Sample<'_>, rows: &[u32]) -> Vec<f64> {
        vec![self.0; rows.len()]
    }
    fn change(&self, _: &Sample<'_>, rows: &[u32], _: &[usize], _: &[u32]) -> Vec<f64> {
        vec![0.0; rows.len()]
    }
    fn built_in(&self, method: Method) -> Option<Vec<f64>> {
        (method == Method::Gain).then(|| vec![1.0, 3.0, 0.0, 0.0])
    }
    fn shap(&self, sample: &Sample<'_>, _: &[u32]) -> Vec<f64> {
        vec![0.0; sample.columns.len()]
    }
    fn refit(&self, _: &Sample<'_>, _: &[u32], _: &[usize]) -> Result<Box<dyn FoldModel>> {
        Ok(Box::new(Self(self.0)))
    }
    fn redundant(&self) -> &[usize] {
        &[]
    }
}

#[test]
fn another_algorithm_joins_by_its_traits() {
    let (columns, target) = columns();
    let methods = [Method::Gain, Method::Split, Method::Permutation];
    let report = measure(
        &Mean,
        &sample_of(&columns, &target),
        &some_folds(Scheme::WalkForward),
        &request(&methods),
    );
    let of = |method: usize| &report.entries[4 * method..4 * method + 4];
    assert_eq!(of(0)[1].share, Some(0.75));
    assert_eq!(of(0)[1].rank, Some(1));
    assert_eq!(of(1)[0].status, "undefined in every fold");
    assert_eq!((of(2)[0].importance, of(2)[0].share), (Some(0.0), None));
    assert_eq!(
        of(2).iter().map(|e| e.rank.unwrap()).collect::<Vec<_>>(),
        [1, 2, 3, 4]
    );
}

fn measure(
    learner: &dyn Learner,
    sample: &Sample<'_>,
    folds: &[Fold],
    request: &Request,
) -> Report {
    super::measure(learner, sample, folds, request).unwrap()
}

/// What shares work between folds says the same as fits of each fold.
#[test]
fn any_algorithm_is_measured_as_least_squares_is() {
    let (columns, target) = columns();
    let sample = sample_of(&columns, &target);
    let folds = some_folds(Scheme::PurgedKFold);
    let options = serde_json::json!({"algorithm": "ridge", "alpha": 2.5});
    let (entry, options) = crate::functions::fit_options(&options).unwrap();
    let methods = [
        Method::Permutation,
        Method::Coefficient,
        Method::SingleFeature,
        Method::Shap,
    ];
    let request = request(&methods);
    let general = fitted::Fitting::new(entry, options);
    let general = measure(&general, &sample, &folds, &request);
    let special = linear::LeastSquares::ridge(2.5);
    let special = measure(&special, &sample, &folds, &request);
    for (general, special) in general.entries.iter().zip(&special.entries) {
        assert_near(general.importance.unwrap(), special.importance.unwrap());
    }
}
