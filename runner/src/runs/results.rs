//! Which tables are results of our table functions: told by their columns, whose
//! names are fixed, whatever the table is called.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What a table tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Of `cross_validate`: a row per fold.
    Folds,
    /// Of `evaluate_model`: a row per metric.
    Evaluation,
    /// Of `train_model`: a row.
    Training,
    /// Its list of metrics.
    TrainingMetrics,
    /// Of `tune_model`: a row per trial.
    Trials,
    /// The scores of its trials on the folds.
    FoldScores,
    /// Of `feature_importance`.
    Importance,
    /// Of `feature_correlation`: a row per pair.
    Correlation,
    /// Of `correlation_clusters`: a row per feature.
    Clusters,
    /// Of `feature_stability`: a row per feature and period.
    Stability,
    /// Of `select_model`: a row per candidate.
    Selection,
    /// Of `backtest_signals`: a row per period.
    Backtest,
    /// Of `calibration_curve`: a row per bin.
    Calibration,
    /// Metrics as columns, such as a query of the metric aggregates gives.
    Summary,
}

/// Metrics by name, as aggregates, `cross_validate` and `evaluate_model` call them.
pub const METRICS: [&str; 22] = [
    "rmse",
    "mae",
    "mape",
    "r2",
    "ic",
    "rank_ic",
    "icir",
    "rank_icir",
    "hit_rate",
    "log_loss",
    "auc",
    "pr_auc",
    "brier",
    "accuracy",
    "f1",
    "mcc",
    "sharpe",
    "sortino",
    "calmar",
    "max_drawdown",
    "psr",
    "dsr",
];

/// How a kind is known, and what is kept of it.
struct Form {
    kind: Kind,
    /// Columns that the table has.
    needs: &'static [&'static str],
    /// Columns that its rows are ordered by, as far as it has them.
    order: &'static [&'static str],
    /// Columns of text that do not tell rows of one table apart.
    told: &'static [&'static str],
    /// How many rows are kept.
    rows: usize,
}

/// More particular ones first.
const FORMS: [Form; 12] = [
    Form {
        kind: Kind::Training,
        needs: &[
            "algorithm",
            "parameters",
            "metric",
            "cv_mean",
            "in_sample",
            "out_of_sample",
        ],
        order: &["algorithm"],
        told: &[
            "algorithm",
            "parameters",
            "metric",
            "status",
            "train_from",
            "train_to",
            "test_from",
            "test_to",
        ],
        rows: 1_000,
    },
    Form {
        kind: Kind::Folds,
        needs: &[
            "fold",
            "train_rows",
            "test_rows",
            "metric",
            "in_sample",
            "out_of_sample",
        ],
        order: &["fold"],
        told: &[
            "metric",
            "status",
            "train_from",
            "train_to",
            "test_from",
            "test_to",
        ],
        rows: 10_000,
    },
    Form {
        kind: Kind::Trials,
        needs: &[
            "trial",
            "rank",
            "status",
            "parameters",
            "metric",
            "mean",
            "std",
        ],
        order: &["trial"],
        told: &["status", "parameters", "metric", "reason"],
        rows: 10_000,
    },
    Form {
        kind: Kind::Evaluation,
        needs: &["task", "metric", "value", "higher_is_better"],
        order: &["metric"],
        told: &["task", "metric", "status"],
        rows: 1_000,
    },
    Form {
        kind: Kind::Importance,
        needs: &["method", "feature", "importance", "standard_error", "rank"],
        order: &["method", "rank", "feature"],
        told: &["method", "feature", "status"],
        rows: 20_000,
    },
    Form {
        kind: Kind::Correlation,
        needs: &["feature_x", "feature_y", "correlation"],
        order: &["feature_x", "feature_y"],
        told: &["feature_x", "feature_y"],
        rows: 20_000,
    },
    Form {
        kind: Kind::Clusters,
        needs: &["feature", "cluster", "representative", "is_representative"],
        order: &["cluster", "feature"],
        told: &["feature", "representative", "status"],
        rows: 5_000,
    },
    Form {
        kind: Kind::Stability,
        needs: &["feature", "period", "psi", "ks", "status"],
        order: &["period", "feature"],
        told: &[
            "feature",
            "period_start",
            "period_end",
            "bin_edges",
            "status",
            "reason",
        ],
        rows: 20_000,
    },
    Form {
        kind: Kind::Selection,
        needs: &[
            "candidate",
            "is_champion",
            "metric",
            "value",
            "difference",
            "winner",
            "reason",
        ],
        order: &["candidate"],
        told: &["metric", "reason"],
        rows: 1_000,
    },
    Form {
        kind: Kind::Backtest,
        needs: &[
            "time",
            "turnover",
            "gross_return",
            "net_return",
            "equity",
            "drawdown",
        ],
        order: &["time"],
        told: &["time", "status"],
        rows: 20_000,
    },
    Form {
        kind: Kind::Calibration,
        needs: &["bin", "lower", "upper", "predicted", "observed"],
        order: &["bin"],
        told: &["status"],
        rows: 10_000,
    },
    Form {
        kind: Kind::Summary,
        needs: &[],
        order: &[],
        told: &[],
        rows: 500,
    },
];

/// A list in a row of a result, kept as a table of its own.
#[derive(Debug, Clone, Copy)]
pub struct List {
    /// What it tells.
    pub kind: Kind,
    /// The column.
    pub column: &'static str,
    /// A column of the table that tells its rows apart.
    pub beside: Option<&'static str>,
    /// The fields to keep.
    pub fields: &'static [&'static str],
}

/// Lists of `train_model`.
const TRAINING_LISTS: [List; 4] = [
    List {
        kind: Kind::TrainingMetrics,
        column: "metrics",
        beside: None,
        fields: &["metric", "cv_mean", "cv_std", "in_sample", "out_of_sample"],
    },
    List {
        kind: Kind::Importance,
        column: "importance",
        beside: None,
        fields: &["feature", "importance", "share"],
    },
    List {
        kind: Kind::Stability,
        column: "stability",
        beside: None,
        fields: &["feature", "psi", "ks", "status"],
    },
    List {
        kind: Kind::Trials,
        column: "trials",
        beside: None,
        fields: &[
            "trial",
            "rank",
            "status",
            "parameters",
            "metric",
            "mean",
            "std",
            "folds",
            "share",
            "seconds",
            "rows_used",
            "rows_skipped",
            "reason",
        ],
    },
];

/// Lists of `tune_model`.
const TRIAL_LISTS: [List; 1] = [List {
    kind: Kind::FoldScores,
    column: "fold_scores",
    beside: Some("trial"),
    fields: &["fold", "score"],
}];

impl Kind {
    /// What a table with these columns tells, if it is a result.
    pub fn of(columns: &[&str]) -> Option<Self> {
        let has = |name: &&str| columns.contains(name);
        let form = FORMS
            .iter()
            .find(|form| !form.needs.is_empty() && form.needs.iter().all(&has));
        match form {
            Some(form) => Some(form.kind),
            // Metrics of features are no metrics of the run.
            None if has(&"feature") => None,
            None => (METRICS.iter().filter(|name| has(name)).count() >= 2).then_some(Self::Summary),
        }
    }

    fn form(self) -> Option<&'static Form> {
        FORMS.iter().find(|form| form.kind == self)
    }

    /// Columns that its rows are ordered by.
    pub fn order(self) -> &'static [&'static str] {
        self.form().map_or(&[], |form| form.order)
    }

    /// Columns of text that are part of the result, and not what the script tells
    /// several results in one table apart by.
    pub fn told(self) -> &'static [&'static str] {
        self.form()
            .map_or(&["metric", "status", "parameters", "reason"], |form| {
                form.told
            })
    }

    /// How many rows are kept.
    pub fn rows(self) -> usize {
        self.form().map_or(20_000, |form| form.rows)
    }

    /// The lists in its rows.
    pub fn lists(self) -> &'static [List] {
        match self {
            Self::Training => &TRAINING_LISTS,
            Self::Trials => &TRIAL_LISTS,
            _ => &[],
        }
    }

    /// As in `run.json`.
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(Json::String(name)) => name,
            _ => String::new(),
        }
    }
}

/// Rows of a table, with the kinds of their values.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// The columns.
    pub columns: Vec<(String, Values)>,
    /// A value per column.
    pub rows: Vec<Vec<Json>>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Numbers with a fraction.
    Doubles,
    /// Whole numbers.
    Integers,
    /// True or false.
    Booleans,
    /// Text.
    Texts,
    /// Anything else, such as times, as text.
    Others,
    /// Lists, structs and bytes: not kept.
    Nested,
}

impl Rows {
    /// The place of a column.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|(column, _)| column == name)
    }

    /// A value, NULL where there is no such column.
    pub fn value<'a>(&self, row: &'a [Json], name: &str) -> &'a Json {
        self.place(name)
            .and_then(|place| row.get(place))
            .unwrap_or(&Json::Null)
    }

    /// A number, if there is one.
    pub fn number(&self, row: &[Json], name: &str) -> Option<f64> {
        super::record::number(self.value(row, name))
    }

    /// A value as text; NULL is empty.
    pub fn text(&self, row: &[Json], name: &str) -> String {
        plain(self.value(row, name))
    }
}

impl Rows {
    /// What the script tells results in one table apart by: the texts that the
    /// function did not write.
    pub fn labels(&self, kind: Kind, row: &[Json]) -> Vec<String> {
        let told = kind.told();
        self.columns
            .iter()
            .zip(row)
            .filter(|((name, values), _)| {
                *values == Values::Texts && !told.contains(&name.as_str())
            })
            .map(|(_, value)| plain(value))
            .filter(|label| !label.is_empty())
            .collect()
    }

    /// The results in one table, apart.
    pub fn apart(&self, kind: Kind) -> Vec<(Vec<String>, Self)> {
        let mut parts: Vec<(Vec<String>, Self)> = Vec::new();
        for row in &self.rows {
            let labels = self.labels(kind, row);
            let known = parts.iter().position(|(known, _)| *known == labels);
            match known.and_then(|place| parts.get_mut(place)) {
                Some((_, part)) => part.rows.push(row.clone()),
                None => parts.push((
                    labels,
                    Self {
                        columns: self.columns.clone(),
                        rows: vec![row.clone()],
                    },
                )),
            }
        }
        parts
    }
}

/// A value as text; NULL is empty.
pub fn plain(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A name as that of a file, on any system.
pub fn file_name(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "_-".contains(c) {
            c
        } else {
            '_'
        }
    };
    let text: String = name.chars().map(plain).take(100).collect();
    if text == name {
        return text;
    }
    // Two names must not become one.
    format!("{text}-{}", &crate::files::sha256(name.as_bytes())[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_known_by_their_columns() {
        let importance = [
            "method",
            "feature",
            "cluster",
            "importance",
            "standard_error",
            "rank",
        ];
        assert_eq!(Kind::of(&importance), Some(Kind::Importance));
        assert_eq!(
            Kind::of(&["model", "split", "rmse", "ic"]),
            Some(Kind::Summary)
        );
        assert_eq!(Kind::of(&["symbol", "ts", "close"]), None);
        assert_eq!(Kind::of(&["symbol", "ic"]), None);
    }
}
