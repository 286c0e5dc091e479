//! Forward selection on purged folds: Hastie, Tibshirani and Friedman, The
//! Elements of Statistical Learning, 2nd ed., section 3.3.2, with the score of
//! section 7.10 out of fold.
//!
//! Rows are read once. They are grouped by what they do in all folds (train,
//! test, neither), each group becomes a matrix of moments, and the moments of a
//! fold's training and test rows are joined from those of the groups. A linear
//! prediction's correlation and squared error on rows follow from the moments
//! of the rows, so candidates are tried on small matrices alone.
//!
//! Numerics: moments are about the mean and joined without cancellation, and
//! features are standardised by the training rows of a fold before they meet in
//! an equation, so that only collinearity conditions it. A candidate of which
//! the chosen ones leave less than [`COLLINEAR`] (of its variance) is no new
//! direction: its coefficient is 0 in that fold.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::relations::{absorbed_by, cross_moments_of, merged};
use super::{Refusal, Sample, Verdict};
use crate::statistics::cross_moments::CrossMoments;
use crate::time::folds::{Fold, Scheme, folds};

/// See the numerics of this module.
const COLLINEAR: f64 = 1e-10;
/// Scores that differ by less are equal: the first column wins, and there is no
/// gain.
const ROUNDING: f64 = 1e-12;

/// What a fold's prediction is scored by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Pearson's correlation with the target; 0 for a constant prediction.
    Ic,
    /// 1 - squared error / squares about the mean of the test rows.
    R2,
}

/// How candidates are tried.
#[derive(Debug, Clone, Copy)]
pub struct Forward {
    /// Features, at most.
    pub k: usize,
    /// How rows are cut.
    pub scheme: Scheme,
    /// Into how many folds.
    pub folds: usize,
    /// Steps of time without training rows after a test.
    pub embargo: f64,
    /// Ridge penalty on standardised features; 0 is least squares.
    pub alpha: f64,
    /// The score.
    pub metric: Metric,
    /// What a feature must add to the mean score, more than this.
    pub min_gain: f64,
    /// Candidates that are missing in a larger share of rows are left out,
    /// because only complete rows are used.
    pub max_missing: f64,
    /// A candidate with a larger |r| with a chosen one is redundant with it.
    pub max_correlation: f64,
}

impl Forward {
    fn criterion(&self) -> &'static str {
        match self.metric {
            Metric::Ic => "ic",
            Metric::R2 => "r2",
        }
    }

    /// The candidates that are added one by one, each the one with the best
    /// mean score over the folds, while that grows.
    pub fn select(&self, sample: &Sample<'_>) -> Result<Vec<Verdict>, Refusal> {
        let none = |rows, status: &str| Verdict::without(self.criterion(), rows, status);
        let count = sample.columns.len();
        if let Some(status) = sample.hopeless() {
            let rows = sample.rows.len();
            return Ok((0..count).map(|_| none(rows, status)).collect());
        }
        let mut verdicts: Vec<Verdict> = (0..count)
            .into_par_iter()
            .map(|i| {
                let rows = sample.present(i);
                let all = sample.rows.len();
                let missing = (all - rows) as f64 / all as f64;
                let status = if rows == 0 {
                    "no value"
                } else if missing > self.max_missing {
                    "missing in too many rows"
                } else if sample.is_constant(i) {
                    "constant"
                } else {
                    "ok"
                };
                none(rows, status)
            })
            .collect();
        let usable: Vec<usize> = (0..count).filter(|&i| verdicts[i].status == "ok").collect();
        let complete: Vec<u32> = (sample.rows.par_iter().copied())
            .filter(|&row| {
                usable
                    .iter()
                    .all(|&i| !sample.columns[i][row as usize].is_nan())
            })
            .collect();
        for &i in &usable {
            verdicts[i].rows = complete.len();
        }
        if complete.is_empty() || usable.is_empty() {
            for &i in &usable {
                verdicts[i].status = "no rows".to_owned();
            }
            return Ok(verdicts);
        }
        let search = self.prepare(sample, &usable, &complete)?;
        self.run(search, &usable, &mut verdicts);
        Ok(verdicts)
    }

    fn prepare(
        &self,
        sample: &Sample<'_>,
        usable: &[usize],
        complete: &[u32],
    ) -> Result<Search, Refusal> {
        let of = |column: &[f64]| -> Vec<f64> {
            complete.iter().map(|&row| column[row as usize]).collect()
        };
        let (start, end) = (of(sample.start), of(sample.end));
        let parts = match self.scheme {
            Scheme::PurgedKFold => self.folds,
            Scheme::WalkForward => self.folds + 1,
        };
        let mut times = start.clone();
        times.sort_by(f64::total_cmp);
        times.dedup();
        if times.len() < parts {
            return Err(Refusal::TooFewTimes {
                times: times.len(),
                parts,
            });
        }
        let folds = folds(&start, &end, self.scheme, self.folds, self.embargo);
        if let Some(empty) = folds.iter().position(|fold| fold.train.is_empty()) {
            return Err(Refusal::NoTrainingRows(empty + 1));
        }
        let columns: Vec<&[f64]> = (usable.iter().map(|&i| sample.columns[i]))
            .chain([sample.target])
            .collect();
        let width = columns.len();
        let groups = groups(complete, &folds)
            .into_iter()
            .map(|(roles, rows)| Ok((roles, cross_moments_of(&columns, &rows)?)))
            .collect::<Result<Vec<_>, Refusal>>()
            .map_err(|refusal| named(refusal, usable, sample.columns.len()))?;
        let joined = |of: &dyn Fn(&[Role]) -> bool| {
            let parts = groups.iter().filter(|(roles, _)| of(roles));
            merged(width, parts.map(|(_, moments)| moments))
        };
        let all = joined(&|_| true)?;
        let folds = (0..folds.len())
            .map(|fold| {
                let train = joined(&|roles| roles[fold] == Role::Train)?;
                let test = joined(&|roles| roles[fold] == Role::Test)?;
                Ok(Trial::new(&train, &test, width - 1, self.alpha))
            })
            .collect::<Result<_, Refusal>>()?;
        Ok(Search { folds, all })
    }

    fn run(&self, search: Search, usable: &[usize], verdicts: &mut [Verdict]) {
        let Search { mut folds, all } = search;
        let p = usable.len();
        let mut left: Vec<usize> = (0..p).collect();
        let mut selected: Vec<usize> = Vec::new();
        let mut reached =
            mean_and_deviation(folds.iter().filter_map(|fold| fold.score(self.metric)));
        let mut scores: Vec<(Option<f64>, Option<f64>)>;
        loop {
            scores = left
                .par_iter()
                .map(|&i| {
                    let trials = folds
                        .iter()
                        .filter_map(|fold| fold.score_with(i, self.metric));
                    mean_and_deviation(trials)
                })
                .collect();
            if selected.len() == self.k {
                break;
            }
            let mut best: Option<usize> = None;
            for (place, (mean, _)) in scores.iter().enumerate() {
                let to_beat = best.and_then(|best| scores[best].0);
                let better = match (mean, to_beat) {
                    (Some(mean), Some(to_beat)) => mean - to_beat > ROUNDING,
                    (mean, _) => mean.is_some(),
                };
                if better {
                    best = Some(place);
                }
            }
            let Some(best) = best.filter(|&best| self.improves(scores[best].0, reached.0)) else {
                break;
            };
            let chosen = left.remove(best);
            reached = scores[best];
            selected.push(chosen);
            for fold in &mut folds {
                fold.add(chosen);
            }
            let verdict = &mut verdicts[usable[chosen]];
            verdict.step = Some(selected.len());
            (verdict.score, verdict.deviation) = reached;
        }
        for (i, (mean, deviation)) in left.into_iter().zip(scores) {
            let verdict = &mut verdicts[usable[i]];
            (verdict.score, verdict.deviation) = (mean, deviation);
            let absorbed = absorbed_by(
                selected.iter().copied(),
                |other| all.pair(i, other).correlation().map_or(0.0, f64::abs),
                self.max_correlation,
            );
            verdict.redundant_with = absorbed.map(|other| usable[other]);
            verdict.status = if mean.is_none() {
                "the target is constant in every fold"
            } else if self.improves(mean, reached.0) {
                "beyond k"
            } else {
                "no gain"
            }
            .to_owned();
        }
    }

    fn improves(&self, score: Option<f64>, reached: Option<f64>) -> bool {
        match (score, reached) {
            (Some(score), Some(reached)) => score - reached > self.min_gain + ROUNDING,
            _ => false,
        }
    }
}

/// A column of moments as a candidate of the sample.
fn named(refusal: Refusal, usable: &[usize], target: usize) -> Refusal {
    match refusal {
        Refusal::Infinite(column) => {
            Refusal::Infinite(usable.get(column).copied().unwrap_or(target))
        }
        other => other,
    }
}

/// What a row does in a fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    None,
    Train,
    Test,
}

/// Rows by what they do in each fold; the row numbers in folds are places in
/// `rows`.
fn groups(rows: &[u32], folds: &[Fold]) -> BTreeMap<Vec<Role>, Vec<u32>> {
    let mut roles = vec![Role::None; rows.len() * folds.len()];
    for (number, fold) in folds.iter().enumerate() {
        let mut set = |places: &[u32], role| {
            for &place in places {
                roles[place as usize * folds.len() + number] = role;
            }
        };
        set(&fold.train, Role::Train);
        set(&fold.test, Role::Test);
    }
    let mut groups: BTreeMap<Vec<Role>, Vec<u32>> = BTreeMap::new();
    for (roles, &row) in roles.chunks_exact(folds.len()).zip(rows) {
        match groups.get_mut(roles) {
            Some(group) => group.push(row),
            None => {
                groups.insert(roles.to_vec(), vec![row]);
            }
        }
    }
    groups
}

struct Search {
    folds: Vec<Trial>,
    /// Of all rows; the target follows the candidates.
    all: CrossMoments,
}

/// Moments of rows, of features in units of their deviation in the training
/// rows and about their mean there.
struct Moments {
    rows: f64,
    /// Column-major.
    products: Vec<f64>,
    with_target: Vec<f64>,
    target_squares: f64,
}

/// A fold, and the model of the features chosen so far.
struct Trial {
    p: usize,
    train: Moments,
    test: Moments,
    /// Mean of the test rows, of each feature and of the target.
    shift: Vec<f64>,
    target_shift: f64,
    /// Features that vary in the training rows.
    varies: Vec<bool>,
    alpha: f64,
    /// The features in the model.
    chosen: Vec<usize>,
    /// The rows of the lower triangle L of LLᵀ = the model's equations.
    factor: Vec<Vec<f64>>,
    /// L⁻¹ times their right side.
    solved: Vec<f64>,
}

impl Trial {
    fn new(train: &CrossMoments, test: &CrossMoments, p: usize, alpha: f64) -> Self {
        let target = train.pair(p, p);
        let own: Vec<_> = (0..p).map(|i| train.pair(i, i)).collect();
        let varies: Vec<bool> = own
            .iter()
            .map(|pair| pair.correlation().is_some())
            .collect();
        let scale: Vec<f64> = own
            .iter()
            .zip(&varies)
            .map(|(pair, varies)| match varies {
                true => (pair.squares[0] / pair.n).sqrt(),
                false => 1.0,
            })
            .collect();
        let shift = |i: usize| (test.pair(i, i).mean[0] - own[i].mean[0]) / scale[i];
        let standardised = |moments: &CrossMoments| {
            let mut products = Vec::with_capacity(p * p);
            for j in 0..p {
                products.extend((0..p).map(|i| moments.pair(i, j).product / (scale[i] * scale[j])));
            }
            Moments {
                rows: moments.pair(p, p).n,
                products,
                with_target: (0..p)
                    .map(|i| moments.pair(i, p).product / scale[i])
                    .collect(),
                target_squares: match moments.pair(p, p) {
                    pair if pair.correlation().is_some() => pair.squares[0],
                    // What is left is rounding of the mean.
                    _ => 0.0,
                },
            }
        };
        Self {
            p,
            train: standardised(train),
            test: standardised(test),
            shift: (0..p).map(shift).collect(),
            target_shift: test.pair(p, p).mean[0] - target.mean[0],
            varies,
            alpha,
            chosen: Vec::new(),
            factor: Vec::new(),
            solved: Vec::new(),
        }
    }

    /// The next row of the factor, and of what it solves; none if the feature
    /// adds no direction.
    fn next(&self, feature: usize) -> Option<(Vec<f64>, f64)> {
        if !self.varies[feature] {
            return None;
        }
        let mut row: Vec<f64> = Vec::with_capacity(self.chosen.len() + 1);
        for (known, &other) in self.factor.iter().zip(&self.chosen) {
            let taken: f64 = known.iter().zip(&row).map(|(l, x)| l * x).sum();
            let diagonal = known[row.len()];
            row.push((self.train.products[other * self.p + feature] - taken) / diagonal);
        }
        let own = self.train.products[feature * self.p + feature] + self.alpha;
        let left = own - row.iter().map(|x| x * x).sum::<f64>();
        if left <= COLLINEAR * own {
            return None;
        }
        let taken: f64 = row.iter().zip(&self.solved).map(|(l, z)| l * z).sum();
        let diagonal = left.sqrt();
        row.push(diagonal);
        Some((row, (self.train.with_target[feature] - taken) / diagonal))
    }

    fn add(&mut self, feature: usize) {
        if let Some((row, solved)) = self.next(feature) {
            self.factor.push(row);
            self.solved.push(solved);
            self.chosen.push(feature);
        }
    }

    /// Out of fold, of the model as it is.
    fn score(&self, metric: Metric) -> Option<f64> {
        self.score_of(None, metric)
    }

    /// Out of fold, of the model with one feature more.
    fn score_with(&self, feature: usize, metric: Metric) -> Option<f64> {
        let next = self.next(feature);
        self.score_of(next.as_ref().map(|(row, z)| (feature, &**row, *z)), metric)
    }

    fn score_of(&self, extra: Option<(usize, &[f64], f64)>, metric: Metric) -> Option<f64> {
        if self.test.target_squares <= 0.0 {
            return None;
        }
        // Lᵀw = z, from the last row up.
        let mut rows: Vec<&[f64]> = self.factor.iter().map(Vec::as_slice).collect();
        let mut weights = self.solved.clone();
        let mut features = self.chosen.clone();
        if let Some((feature, row, solved)) = extra {
            rows.push(row);
            weights.push(solved);
            features.push(feature);
        }
        for i in (0..rows.len()).rev() {
            weights[i] /= rows[i][i];
            for j in 0..i {
                weights[j] -= rows[i][j] * weights[i];
            }
        }
        let (mut with_target, mut squares, mut shift) = (0.0, 0.0, 0.0);
        for (&i, wi) in features.iter().zip(&weights) {
            with_target += wi * self.test.with_target[i];
            shift += wi * self.shift[i];
            let column = &self.test.products[i * self.p..(i + 1) * self.p];
            let product: f64 = features
                .iter()
                .zip(&weights)
                .map(|(&j, wj)| wj * column[j])
                .sum();
            squares += wi * product;
        }
        let total = self.test.target_squares;
        Some(match metric {
            Metric::Ic if squares <= 0.0 => 0.0,
            Metric::Ic => (with_target / (squares.sqrt() * total.sqrt())).clamp(-1.0, 1.0),
            Metric::R2 => {
                let bias = self.target_shift - shift;
                let error = total - 2.0 * with_target + squares + self.test.rows * bias * bias;
                1.0 - error / total
            }
        })
    }
}

/// The mean and the sample standard deviation (none for one value).
fn mean_and_deviation(values: impl Iterator<Item = f64>) -> (Option<f64>, Option<f64>) {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    if values.is_empty() {
        return (None, None);
    }
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (Some(mean), (n > 1.0).then(|| (squares / (n - 1.0)).sqrt()))
}

/// Values of tests/python/select_features_reference.py: a scikit-learn 1.9.1
/// pipeline (StandardScaler, LinearRegression or Ridge) per candidate and fold.
#[cfg(test)]
mod tests {
    use super::{Forward, Metric};
    use crate::statistics::selection::testing::{Table, close};
    use crate::statistics::selection::{Refusal, Verdict};
    use crate::time::folds::Scheme;

    const IC: Forward = Forward {
        k: 3,
        scheme: Scheme::PurgedKFold,
        folds: 5,
        embargo: 0.0,
        alpha: 0.0,
        metric: Metric::Ic,
        min_gain: 0.0,
        max_missing: 0.35,
        max_correlation: 0.8,
    };

    fn check(table: &Table, forward: &Forward, order: &str, scores: &[f64]) -> Vec<Verdict> {
        let verdicts = forward.select(&table.sample()).unwrap();
        assert_eq!(table.order(&verdicts), order);
        close(&table.scores(&verdicts), scores);
        verdicts
    }

    #[test]
    fn least_squares_by_ic() {
        let found = check(
            &Table::reference(300, 1.0),
            &IC,
            "d c b | a e f",
            &[
                0.800_664_633_963_937_3,
                0.816_703_133_264_010_3,
                0.824_641_124_308_939_4,
                0.837_209_944_681_749_7,
                0.824_833_195_290_112,
                0.824_490_183_659_842_6,
            ],
        );
        let deviations: Vec<f64> = found.iter().filter_map(|v| v.deviation).collect();
        close(
            &deviations,
            &[
                0.016_975_116_903_320_77,
                0.019_365_602_763_926_397,
                0.019_350_120_594_052_812,
                0.024_082_198_568_445_644,
                0.020_284_370_652_665_033,
                0.017_036_103_483_758_412,
            ],
        );
        assert_eq!(found[0].status, "beyond k");
        assert_eq!(found[5].status, "no gain");
        // a follows d; f follows c, but with |r| = 0.71.
        assert_eq!(found[0].redundant_with, Some(3));
        assert_eq!(found[5].redundant_with, None);
    }

    #[test]
    fn a_longer_label_purges_more() {
        let found = check(
            &Table::reference(300, 4.0),
            &IC,
            "d c b | a e f",
            &[
                0.800_664_633_963_937_3,
                0.816_787_459_847_722,
                0.824_839_333_011_794_7,
                0.837_491_633_390_848_5,
                0.825_090_211_984_889_9,
                0.824_434_468_828_427_5,
            ],
        );
        assert_eq!(found[0].rows, 300);
    }

    #[test]
    fn ridge_by_r2_with_an_embargo() {
        let forward = Forward {
            k: 10,
            embargo: 5.0,
            alpha: 3.0,
            metric: Metric::R2,
            ..IC
        };
        check(
            &Table::reference(300, 4.0),
            &forward,
            "d c b a f | e",
            &[
                0.638_178_402_735_872_8,
                0.665_337_700_846_386_3,
                0.678_886_426_472_596_4,
                0.699_742_312_767_335_5,
                0.700_920_433_792_712_6,
                0.700_817_300_523_026_2,
            ],
        );
    }

    #[test]
    fn walking_forward() {
        let forward = Forward {
            k: 10,
            scheme: Scheme::WalkForward,
            folds: 4,
            metric: Metric::R2,
            ..IC
        };
        check(
            &Table::reference(300, 1.0),
            &forward,
            "d c b a f | e",
            &[
                0.649_936_737_185_099_9,
                0.666_486_564_728_147,
                0.679_920_994_132_372_1,
                0.702_365_894_129_463_4,
                0.703_143_435_226_876_6,
                0.699_389_008_066_426_1,
            ],
        );
    }

    #[test]
    fn it_stops_where_the_gain_is_small() {
        let forward = Forward {
            min_gain: 0.05,
            ..IC
        };
        let found = check(
            &Table::reference(300, 1.0),
            &forward,
            "d | a b c e f",
            &[
                0.800_664_633_963_937_3,
                0.800_689_688_267_006_8,
                0.808_766_721_219_265_4,
                0.816_703_133_264_010_3,
                0.799_999_728_893_294_5,
                0.801_350_348_848_229_6,
            ],
        );
        assert_eq!(found[2].status, "no gain");
    }

    /// `panel` of the script.
    #[test]
    fn rows_of_one_time_share_a_fold() {
        let mut table = Table::reference(240, 0.0);
        let symbol = |k: usize| k % 2;
        let keep: Vec<usize> = (0..240).filter(|&k| symbol(k) == 0 || k >= 40).collect();
        for k in 0..240 {
            table.start[k] = (k / 2) as f64;
            table.end[k] = f64::NAN;
        }
        for s in 0..2 {
            let rows: Vec<usize> = keep.iter().copied().filter(|&k| symbol(k) == s).collect();
            for pair in rows.windows(4) {
                table.end[pair[0]] = (pair[3] / 2) as f64;
            }
        }
        let mut sample = table.sample();
        sample.rows = (keep.iter().map(|&k| k as u32))
            .filter(|&k| !table.end[k as usize].is_nan())
            .collect();
        let found = IC.select(&sample).unwrap();
        assert_eq!(table.order(&found), "d c f | a b e");
        close(
            &table.scores(&found),
            &[
                0.801_244_092_818_207_2,
                0.815_160_872_057_816_7,
                0.826_480_206_042_781_7,
                0.829_943_901_628_479_8,
                0.826_230_263_090_535_5,
                0.824_752_763_135_789,
            ],
        );
    }

    #[test]
    fn what_adds_no_direction_adds_no_score() {
        let mut table = Table::reference(300, 1.0);
        let twice = table.columns[3].iter().map(|d| 2.0 * d + 1.0).collect();
        table.add("twice", twice);
        table.add("flat", vec![0.1; 300]);
        table.add("gone", vec![f64::NAN; 300]);
        let forward = Forward { k: 1, ..IC };
        let found = forward.select(&table.sample()).unwrap();
        assert_eq!(found[6].score, found[3].score);
        assert_eq!(
            (&*found[6].status, found[6].redundant_with),
            ("no gain", Some(3))
        );
        assert_eq!(found[7].status, "constant");
        assert_eq!((&*found[8].status, found[8].rows), ("no value", 0));
    }

    #[test]
    fn incomplete_rows_are_left_out() {
        let table = Table::reference(300, 1.0).with_gaps();
        let found = IC.select(&table.sample()).unwrap();
        let missing = (0..300).filter(|i| i % 7 == 0 || i % 5 == 1).count();
        assert!(found.iter().all(|verdict| verdict.rows == 300 - missing));
        let strict = Forward {
            max_missing: 0.1,
            ..IC
        };
        let found = strict.select(&table.sample()).unwrap();
        assert_eq!(found[0].status, "missing in too many rows");
        assert_eq!(found[2].rows, 300);
    }

    #[test]
    fn far_from_zero_nothing_cancels() {
        let mut table = Table::reference(300, 1.0);
        let near = IC.select(&table.sample()).unwrap();
        for value in table.columns.iter_mut().flatten() {
            *value = *value * 1e-3 + 1e5;
        }
        let far = IC.select(&table.sample()).unwrap();
        assert_eq!(table.order(&near), table.order(&far));
        // What adding 100,000 rounds off is 1e-8 of the spread.
        for (near, far) in near.iter().zip(&far) {
            assert!((near.score.unwrap() - far.score.unwrap()).abs() < 1e-7);
        }
    }

    #[test]
    fn folds_that_cannot_be_are_refused() {
        let few = Table::reference(4, 1.0);
        assert_eq!(
            IC.select(&few.sample()),
            Err(Refusal::TooFewTimes { times: 4, parts: 5 })
        );
        let purged = Table::reference(10, 9.0);
        assert_eq!(IC.select(&purged.sample()), Err(Refusal::NoTrainingRows(1)));
    }
}
