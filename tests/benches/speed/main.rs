//! Speed against the peers, in one run on two threads:
//!
//! ```text
//! cargo bench --bench speed -- [corr] [spearman] [kendall] [fit] [lag] [screen] [screen_rows]
//!     [stability] [rolling] [groups] [path] [lasso_cv] [logistic] [gbdt] [forest] [predict]
//!     [tune] [folds]
//! ```
//!
//! `LAGRANGE_BENCH_PYTHON` names a Python that has the packages of
//! peers/__main__.py; without it only the engines are measured.
//! `LAGRANGE_BENCH_ROWS` scales the data down for a quick look.

mod correlation;
mod fit;
mod harness;
mod lags;
mod linear;
mod screen;
mod stability;
mod training;
mod trees;

fn main() {
    let tasks: [(&str, fn()); 18] = [
        ("corr", correlation::pearson),
        ("spearman", correlation::spearman),
        ("kendall", correlation::kendall),
        ("fit", fit::fit),
        ("lag", lags::lags),
        ("screen", screen::screen),
        ("screen_rows", screen::screen_rows),
        ("stability", stability::stability),
        ("rolling", linear::rolling),
        ("groups", linear::groups),
        ("path", linear::path),
        ("lasso_cv", linear::lasso_cv),
        ("logistic", linear::logistic),
        ("gbdt", trees::gbdt),
        ("forest", trees::forest),
        ("predict", trees::predict),
        ("tune", training::tune),
        ("folds", training::folds),
    ];
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    for name in &wanted {
        let known = tasks.iter().any(|(task, _)| task == name);
        assert!(
            known,
            "no task '{name}': pass some of {:?}",
            tasks.map(|(task, _)| task)
        );
    }
    for (name, task) in tasks {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            task();
        }
    }
}
