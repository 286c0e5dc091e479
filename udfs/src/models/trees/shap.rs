//! Shapley values of the features of a tree ensemble.
//!
//! What a tree is worth to a set S of features is its mean over the training
//! rows that agree with the row on S, as the covers of its nodes tell
//! ("path-dependent": Lundberg et al., From local explanations to global
//! understanding with explainable AI for trees, Nature Machine Intelligence 2,
//! 2020, Algorithm 1). That value is a sum over leaves of
//! v ∏ (o_j if j ∈ S, else z_j) over the features j on the leaf's path, where o_j is 1 if the row
//! satisfies every condition on j and z_j is the share of the training rows that
//! do. By the multilinear extension (Owen, Multilinear extensions of games,
//! Management Science 18, 1972, section 4) the Shapley value of j is therefore
//!
//! v (o_j - z_j) ∫ ∏_{k ≠ j} (z_k (1 - t) + o_k t) dt, t from 0 to 1,
//!
//! the integral of a polynomial, which Gauss' quadrature gives exactly. No term is
//! negative, so nothing cancels. It depends on the row only by which conditions
//! hold, so that rows alike in that share it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use rayon::prelude::*;

use super::{Rule, Tree, Trees};

/// Of one feature on the path to a leaf.
#[derive(Debug, Clone)]
struct Condition {
    feature: usize,
    /// The share of the training rows that satisfy it, as the covers tell.
    share: f64,
    test: Test,
    /// Whether a row without the feature gets there.
    missing: bool,
}

/// Which values of a feature lead to a leaf.
#[derive(Debug, Clone)]
enum Test {
    /// Above the first, up to the second.
    Within(f64, f64),
    /// These codes.
    Among(Vec<u32>),
}

impl Condition {
    fn holds(&self, value: f64) -> bool {
        if value.is_nan() {
            return self.missing;
        }
        match &self.test {
            Test::Within(above, up_to) => *above < value && value <= *up_to,
            Test::Among(codes) => codes.binary_search(&(value as u32)).is_ok(),
        }
    }

    /// Narrows it by one more node, whose left child takes what the rule says.
    fn narrow(&mut self, rule: &Rule, left: bool, missing: bool, share: f64, codes: u32) {
        self.share *= share;
        self.missing &= missing;
        match (&mut self.test, rule) {
            (Test::Within(_, up_to), Rule::AtMost(threshold)) if left => {
                *up_to = up_to.min(*threshold);
            }
            (Test::Within(above, _), Rule::AtMost(threshold)) => *above = above.max(*threshold),
            (Test::Among(kept), Rule::In(chosen)) => {
                kept.retain(|code| chosen.binary_search(code).is_ok() == left);
            }
            // A feature is asked in one way only.
            (test, Rule::In(chosen)) => {
                let all = 0..codes;
                let kept = all.filter(|code| chosen.binary_search(code).is_ok() == left);
                *test = Test::Among(kept.collect());
            }
            (Test::Among(_), Rule::AtMost(_)) => {}
        }
    }
}

/// A leaf and what leads to it: a condition per feature.
#[derive(Debug, Clone)]
struct Path {
    value: f64,
    conditions: Vec<Condition>,
}

/// Shapley values of an ensemble.
#[derive(Debug, Clone)]
pub struct Explainer {
    /// By output; of all trees.
    paths: Vec<Vec<Path>>,
    /// By output: the mean of the sums over the training rows.
    bias: Vec<f64>,
}

impl Explainer {
    /// Follows every path once.
    pub fn of(trees: &Trees) -> Self {
        let outputs = trees.outputs as usize;
        let mut paths: Vec<Vec<Path>> = (0..outputs).map(|_| Vec::new()).collect();
        let mut bias = trees.base.clone();
        for (i, tree) in trees.trees.iter().enumerate() {
            let of_tree = paths_of(tree, trees);
            let mean = |path: &Path| {
                let shares = path.conditions.iter().map(|condition| condition.share);
                path.value * shares.product::<f64>()
            };
            bias[i % outputs] += of_tree.iter().map(mean).sum::<f64>();
            paths[i % outputs].extend(of_tree);
        }
        Self { paths, bias }
    }

    /// Writes the bias and the values of rows to `out`, row after row, a number
    /// for the bias and one per feature: in units of the sum `output`, to which
    /// they add up. A slice per feature, as prediction takes them.
    pub fn explain(&self, output: usize, features: &[&[f64]], out: &mut [f64]) {
        let width = features.len() + 1;
        // A row's values do not depend on the rows beside it.
        let rows = (out.len() / width).div_ceil(rayon::current_num_threads());
        let parts = out.par_chunks_mut(rows.max(1) * width);
        parts.enumerate().for_each(|(part, out)| {
            let start = part * rows;
            let range = start..start + out.len() / width;
            let features: Vec<&[f64]> = features.iter().map(|f| &f[range.clone()]).collect();
            self.explain_part(output, &features, out);
        });
    }

    fn explain_part(&self, output: usize, features: &[&[f64]], out: &mut [f64]) {
        let width = features.len() + 1;
        let rows = out.len() / width;
        for out in out.chunks_exact_mut(width) {
            out[0] = self.bias[output];
        }
        let mut held = vec![0_u64; rows];
        for path in &self.paths[output] {
            if path.conditions.len() <= 64 {
                held.fill(0);
                for (i, condition) in path.conditions.iter().enumerate() {
                    mark(condition, features[condition.feature], 1 << i, &mut held);
                }
                path.add(width, &held, out);
                continue;
            }
            for (row, out) in out.chunks_exact_mut(width).enumerate() {
                let holds = |c: &Condition| c.holds(features[c.feature][row]);
                let held: Vec<bool> = path.conditions.iter().map(holds).collect();
                let values = path.values(|i| held[i]);
                for (condition, value) in path.conditions.iter().zip(values) {
                    out[1 + condition.feature] += value;
                }
            }
        }
    }
}

/// Sets a bit of the rows for which the condition holds.
fn mark(condition: &Condition, values: &[f64], bit: u64, held: &mut [u64]) {
    match &condition.test {
        Test::Within(above, up_to) => {
            let (above, up_to) = (*above, *up_to);
            let missing = if condition.missing { bit } else { 0 };
            for (held, &value) in held.iter_mut().zip(values) {
                let within = if (above < value) & (value <= up_to) {
                    bit
                } else {
                    0
                };
                let absent = if value.is_nan() { missing } else { 0 };
                *held |= within | absent;
            }
        }
        Test::Among(_) => {
            for (held, &value) in held.iter_mut().zip(values) {
                if condition.holds(value) {
                    *held |= bit;
                }
            }
        }
    }
}

impl Path {
    /// Adds the values of rows whose conditions held as the bits say.
    fn add(&self, width: usize, held: &[u64], out: &mut [f64]) {
        /// Conditions up to which a table has a place for every pattern.
        const TABLE: usize = 10;
        let count = self.conditions.len();
        if count == 0 {
            return;
        }
        let mut known: Vec<f64> = Vec::new();
        let mut place_of: Vec<u32> = vec![u32::MAX; if count <= TABLE { 1 << count } else { 0 }];
        let mut places: HashMap<u64, u32> = HashMap::new();
        for (pattern, out) in held.iter().zip(out.chunks_exact_mut(width)) {
            let next = (known.len() / count) as u32;
            let place = match place_of.get_mut(*pattern as usize) {
                Some(place) => place,
                None => places.entry(*pattern).or_insert(u32::MAX),
            };
            if *place == u32::MAX {
                *place = next;
                known.extend(self.values(|i| pattern >> i & 1 == 1));
            }
            let values = &known[*place as usize * count..][..count];
            for (condition, value) in self.conditions.iter().zip(values) {
                out[1 + condition.feature] += value;
            }
        }
    }

    /// The Shapley value of each condition's feature.
    fn values(&self, held: impl Fn(usize) -> bool) -> Vec<f64> {
        let count = self.conditions.len();
        let mut values = vec![0.0; count];
        let mut factors = vec![0.0; count];
        for (t, weight) in quadrature(count.div_ceil(2)).iter() {
            for (i, condition) in self.conditions.iter().enumerate() {
                let held = if held(i) { *t } else { 0.0 };
                factors[i] = condition.share * (1.0 - t) + held;
            }
            let product: f64 = factors.iter().product();
            for (i, value) in values.iter_mut().enumerate() {
                *value += weight
                    * if factors[i] > 0.0 {
                        product / factors[i]
                    } else {
                        let others = factors.iter().enumerate().filter(|(k, _)| *k != i);
                        others.map(|(_, factor)| factor).product()
                    };
            }
        }
        for (i, (value, condition)) in values.iter_mut().zip(&self.conditions).enumerate() {
            let held = if held(i) { 1.0 } else { 0.0 };
            *value *= self.value * (held - condition.share);
        }
        values
    }
}

/// The paths to all leaves.
fn paths_of(tree: &Tree, trees: &Trees) -> Vec<Path> {
    let root = if tree.splits.is_empty() { !0 } else { 0 };
    let cover = |node: i32| match usize::try_from(node) {
        Ok(split) => tree.splits[split].cover,
        Err(_) => tree.leaves[!node as usize].cover,
    };
    let mut paths = Vec::with_capacity(tree.leaves.len());
    // The steps to a node: the split and whether to the left.
    let mut open: Vec<(i32, Vec<(usize, bool)>)> = vec![(root, Vec::new())];
    while let Some((node, steps)) = open.pop() {
        if let Ok(place) = usize::try_from(node) {
            let split = &tree.splits[place];
            for (child, left) in [(split.left, true), (split.right, false)] {
                let mut steps = steps.clone();
                steps.push((place, left));
                open.push((child, steps));
            }
            continue;
        }
        let mut conditions: Vec<Condition> = Vec::new();
        for (place, left) in steps {
            let split = &tree.splits[place];
            let feature = split.feature as usize;
            let known = conditions.iter().position(|known| known.feature == feature);
            let known = known.unwrap_or_else(|| {
                conditions.push(Condition {
                    feature,
                    share: 1.0,
                    test: Test::Within(f64::NEG_INFINITY, f64::INFINITY),
                    missing: true,
                });
                conditions.len() - 1
            });
            let child = if left { split.left } else { split.right };
            // Both children of a node that no row reached are as likely.
            let both = cover(split.left) + cover(split.right);
            let share = if both > 0.0 { cover(child) / both } else { 0.5 };
            let categories = trees.categories.get(feature).and_then(Option::as_ref);
            let codes = categories.map_or(0, |names| names.len() as u32);
            let missing = split.missing_left == left;
            conditions[known].narrow(&split.rule, left, missing, share, codes);
        }
        paths.push(Path {
            value: tree.leaves[!node as usize].value,
            conditions,
        });
    }
    paths
}

/// The nodes and weights of Gauss and Legendre on [0, 1], which integrate
/// polynomials up to degree 2n - 1 exactly.
fn quadrature(n: usize) -> Cow<'static, [(f64, f64)]> {
    /// Twice as many features on one path are rare.
    const KEPT: usize = 32;
    static RULES: OnceLock<Vec<Vec<(f64, f64)>>> = OnceLock::new();
    let rules = RULES.get_or_init(|| (0..=KEPT).map(legendre).collect());
    match rules.get(n) {
        Some(rule) => Cow::Borrowed(rule),
        None => Cow::Owned(legendre(n)),
    }
}

/// By Newton's method from Tricomi's starting points (DLMF 3.5(v)).
fn legendre(n: usize) -> Vec<(f64, f64)> {
    let size = n as f64;
    let node = |i: usize| {
        let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (size + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..100 {
            // P_n and P_{n-1} by their recurrence.
            let (mut before, mut now) = (1.0, x);
            for k in 2..=n {
                let k = k as f64;
                (before, now) = (now, ((2.0 * k - 1.0) * x * now - (k - 1.0) * before) / k);
            }
            slope = size * (x * now - before) / (x * x - 1.0);
            let step = now / slope;
            x -= step;
            if step.abs() < 1e-16 {
                break;
            }
        }
        ((1.0 - x) / 2.0, 1.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..n).map(node).collect()
}

#[cfg(test)]
mod tests {
    use super::{Explainer, quadrature};
    use crate::models::trees::{Leaf, Link, Rule, Split, Tree, Trees};

    #[test]
    fn quadrature_integrates_polynomials() {
        for n in [1, 2, 3, 7, 20, 40] {
            let rule = quadrature(n);
            for power in [0, n, 2 * n - 1] {
                let terms = rule.iter().map(|(t, weight)| weight * t.powi(power as i32));
                let sum: f64 = terms.sum();
                assert!(
                    (sum * (power as f64 + 1.0) - 1.0).abs() < 1e-13,
                    "{n} {power} {sum}"
                );
            }
        }
    }

    fn split(feature: u32, rule: Rule, left: i32, right: i32, cover: f64) -> Split {
        Split {
            feature,
            rule,
            missing_left: feature == 1,
            left,
            right,
            gain: 1.0,
            cover,
            value: 0.0,
        }
    }

    fn leaf(value: f64, cover: f64) -> Leaf {
        Leaf { value, cover }
    }

    /// Feature 0 is asked twice, feature 2 is a category.
    fn ensemble() -> Trees {
        let first = Tree {
            splits: vec![
                split(0, Rule::AtMost(1.0), 1, 2, 100.0),
                split(1, Rule::AtMost(0.0), !0, !1, 60.0),
                split(2, Rule::In(vec![0, 2]), 3, !2, 40.0),
                split(0, Rule::AtMost(2.0), !3, !4, 30.0),
            ],
            leaves: vec![
                leaf(1.0, 25.0),
                leaf(-2.0, 35.0),
                leaf(5.0, 10.0),
                leaf(0.5, 10.0),
                leaf(7.0, 20.0),
            ],
        };
        Trees {
            link: Link::Identity,
            outputs: 1,
            base: vec![0.25],
            trees: vec![first.clone(), first],
            categories: vec![None, None, Some(vec!["a".into(), "b".into(), "c".into()])],
            classes: Vec::new(),
        }
    }

    /// The mean of the tree over training rows that agree on the features of the
    /// set (Lundberg et al. 2020, Algorithm 1).
    fn worth(tree: &Tree, node: i32, row: &[f64], set: u32) -> f64 {
        let Ok(place) = usize::try_from(node) else {
            return tree.leaves[!node as usize].value;
        };
        let split = &tree.splits[place];
        let cover = |node: i32| match usize::try_from(node) {
            Ok(place) => tree.splits[place].cover,
            Err(_) => tree.leaves[!node as usize].cover,
        };
        let [left, right] = [split.left, split.right].map(|child| worth(tree, child, row, set));
        if set >> split.feature & 1 == 0 {
            return (left * cover(split.left) + right * cover(split.right)) / split.cover;
        }
        let value = row[split.feature as usize];
        let goes_left = match &split.rule {
            _ if value.is_nan() => split.missing_left,
            Rule::AtMost(threshold) => value <= *threshold,
            Rule::In(codes) => codes.contains(&(value as u32)),
        };
        if goes_left { left } else { right }
    }

    /// Shapley's definition, all orders of three features.
    #[test]
    fn values_are_those_of_the_definition() {
        let trees = ensemble();
        let explainer = Explainer::of(&trees);
        let nan = f64::NAN;
        let rows = [
            [0.5, -1.0, 0.0],
            [1.5, 1.0, 2.0],
            [3.0, 0.0, 1.0],
            [nan, nan, nan],
            [1.0, nan, 2.0],
        ];
        let columns: Vec<Vec<f64>> = (0..3).map(|j| rows.map(|row| row[j]).to_vec()).collect();
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let mut values = vec![0.0; 20];
        explainer.explain(0, &slices, &mut values);
        let orders = [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ];
        for (row, values) in rows.iter().zip(values.chunks(4)) {
            let worth = |set: u32| {
                let of = |tree| worth(tree, 0, row, set);
                0.25 + trees.trees.iter().map(of).sum::<f64>()
            };
            assert!((values[0] - worth(0)).abs() < 1e-12);
            let mut expected = [0.0; 3];
            for order in orders {
                let mut set = 0;
                for feature in order {
                    expected[feature] += (worth(set | 1 << feature) - worth(set)) / 6.0;
                    set |= 1 << feature;
                }
            }
            for (value, expected) in values[1..].iter().zip(expected) {
                assert!(
                    (value - expected).abs() < 1e-12,
                    "{row:?} {values:?} {expected:?}"
                );
            }
            let sum: f64 = values.iter().sum();
            assert!((sum - worth(7)).abs() < 1e-12);
        }
    }
}
