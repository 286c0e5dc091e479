//! The options of `fit`: those of every algorithm in one list.

use crate::definition::{Accepts, OptionKey};
use crate::models::elastic_net::options as elastic_net;
use crate::models::gbdt::options as gbdt;
use crate::models::naive_bayes::options as naive_bayes;
use crate::models::neighbors::options as neighbors;
use crate::models::support_vectors::options as support_vectors;
use crate::models::{huber, least_squares, pls, preparation, scaling};

/// Options that every algorithm takes.
pub const COMMON: &[&str] = &["algorithm", "target", "prepare", "winsorize_share"];

const OWN: &[OptionKey] = &[
    OptionKey {
        name: "algorithm",
        accepts: Accepts::Choice(ALGORITHMS),
        default: "\"ols\"",
        docs: "which model",
    },
    OptionKey {
        name: "target",
        accepts: Accepts::Text,
        default: "\"target\"",
        docs: "the target's name, for the record",
    },
    OptionKey {
        name: "alpha",
        accepts: Accepts::Number(0.0, 1e300),
        default: "null",
        docs: "the penalty, features in their own units. ridge (1.0): on the sum of squared coefficients; lasso, elastic_net \
               (1.0): per row, as scikit-learn has it; logistic (1.0): on half the sum of squares (or the sum of absolute \
               coefficients, see l1_ratio), against the sum of log losses, scikit-learn's 1/C; huber (0.0001): on the sum \
               of squares, as scikit-learn has it; quantile (0.0): on the sum of absolute coefficients, per row",
    },
    OptionKey {
        name: "intercept",
        accepts: Accepts::Flag,
        default: "true",
        docs: "ols, ridge, lasso, elastic_net, logistic, huber, quantile: whether the model has a constant term (never penalised)",
    },
];

/// The names of [`crate::models::algorithms::ALL`].
const ALGORITHMS: &[&str] = &[
    "ols",
    "ridge",
    "lasso",
    "elastic_net",
    "logistic",
    "huber",
    "quantile",
    "gbdt",
    "random_forest",
    "extra_trees",
    "pls",
    "knn",
    "svr",
    "svc",
    "naive_bayes",
];

/// Every option.
pub static ALL: &[OptionKey] = &joined::<{ count(LISTS) }>(LISTS);

const LISTS: &[&[OptionKey]] = &[
    OWN,
    least_squares::KEYS,
    elastic_net::KEYS,
    huber::KEYS,
    gbdt::KEYS,
    pls::KEYS,
    neighbors::KEYS,
    support_vectors::KEYS,
    naive_bayes::KEYS,
    scaling::KEYS,
    preparation::KEYS,
];

const fn count(lists: &[&[OptionKey]]) -> usize {
    let (mut list, mut sum) = (0, 0);
    while list < lists.len() {
        sum += lists[list].len();
        list += 1;
    }
    sum
}

/// The lists after one another.
const fn joined<const N: usize>(lists: &[&[OptionKey]]) -> [OptionKey; N] {
    let mut all = [OWN[0]; N];
    let (mut list, mut at) = (0, 0);
    while list < lists.len() {
        let mut i = 0;
        while i < lists[list].len() {
            all[at] = lists[list][i];
            at += 1;
            i += 1;
        }
        list += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{ALGORITHMS, ALL, COMMON};
    use crate::models::algorithms;

    #[test]
    fn algorithms_and_their_options_are_declared() {
        let names: Vec<&str> = algorithms::ALL.iter().map(|entry| entry.name()).collect();
        assert_eq!(names, ALGORITHMS);
        let declared: Vec<&str> = ALL.iter().map(|key| key.name).collect();
        for entry in algorithms::ALL {
            for option in entry.options() {
                assert!(declared.contains(option), "{}: {option}", entry.name());
            }
        }
        for (i, name) in declared.iter().enumerate() {
            assert!(!declared[..i].contains(name), "{name} is declared twice");
            let read = algorithms::ALL
                .iter()
                .any(|entry| entry.options().contains(name));
            assert!(read || COMMON.contains(name), "nobody reads {name}");
        }
    }
}
