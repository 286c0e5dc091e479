//! The scripts that people copy, on a small market.

use serde_json::{Value as Json, json};

use crate::project::{ENGINES, Project, Run};

/// What the scripts write: tables and their columns, which are frozen.
const TABLES: [(&str, &[&str]); 7] = [
    (
        "feature_screen",
        &[
            "feature",
            "base_feature",
            "lag",
            "is_pattern",
            "n",
            "missing_share",
            "distinct_values",
            "variance",
            "zero_share",
            "outlier_share",
            "ic",
            "rank_ic",
            "icir",
            "mutual_information",
            "test",
            "p_value",
            "q_value",
            "vif",
            "cluster",
            "representative",
            "selected",
            "reason",
            "rows_used",
        ],
    ),
    (
        "feature_ic",
        &[
            "target",
            "feature",
            "lag",
            "groups",
            "groups_skipped",
            "n",
            "ic",
            "ic_std",
            "icir",
            "rank_ic",
            "rank_ic_std",
            "rank_icir",
            "ic_t",
            "ic_p",
            "rank_ic_t",
            "rank_ic_p",
            "newey_west_lags",
            "hit_share",
            "turnover",
            "rank_autocorrelation",
            "status",
        ],
    ),
    (
        "feature_clusters",
        &[
            "feature",
            "cluster",
            "representative",
            "is_representative",
            "size",
            "correlation_with_representative",
            "correlation_with_target",
            "n",
            "status",
        ],
    ),
    (
        "selected_features",
        &[
            "step",
            "feature",
            "selected",
            "criterion",
            "score",
            "score_std",
            "redundant_with",
            "n",
            "status",
        ],
    ),
    ("feature_importance", IMPORTANCE),
    ("cluster_importance", IMPORTANCE),
    (
        "feature_stability",
        &[
            "feature",
            "period",
            "period_start",
            "period_end",
            "n",
            "missing_rate",
            "psi",
            "ks",
            "ks_p_value",
            "js",
            "wasserstein",
            "wasserstein_scaled",
            "mean",
            "std",
            "mean_shift",
            "std_ratio",
            "ic",
            "ic_baseline",
            "bin_edges",
            "status",
            "reason",
        ],
    ),
];

const IMPORTANCE: &[&str] = &[
    "method",
    "feature",
    "cluster",
    "members",
    "importance",
    "std",
    "standard_error",
    "share",
    "rank",
    "folds",
    "train_rows",
    "test_rows",
    "rows_skipped",
    "status",
];

/// Lags are features like any other.
const INPUTS: u64 = 17;

fn script(name: &str) -> String {
    format!("{}/../sql/{name}.sql", env!("CARGO_MANIFEST_DIR"))
}

/// `lagrange run` of scripts of the repository, with JSON as output.
fn run(project: &Project, engine: &str, names: &[&str], set: &[&str]) -> Run {
    let scripts: Vec<String> = names.iter().map(|name| script(name)).collect();
    let mut arguments = vec!["run"];
    arguments.extend(scripts.iter().map(String::as_str));
    arguments.extend(["--engine", engine, "--output", "json"]);
    for value in set {
        arguments.extend(["--set", value]);
    }
    project.lagrange(&arguments, &[]).success()
}

/// A project whose database holds `prices` and `features` of a small market.
fn market(engine: &str) -> Project {
    let project = Project::new();
    run(&project, engine, &["demo_data"], &["symbols=8", "bars=300"]);
    project
}

/// The results of the statements of `sql`, in order.
fn results(project: &Project, engine: &str, sql: &str) -> Vec<Json> {
    project.file("results.sql", sql);
    let arguments = ["run", "results.sql", "--engine", engine, "--output", "json"];
    let json = project.lagrange(&arguments, &[]).success().json();
    let steps = json["steps"].as_array().unwrap();
    steps.iter().map(|step| step["result"].clone()).collect()
}

#[test]
fn features_are_screened_weighed_and_watched() {
    for engine in ENGINES {
        let project = market(engine);
        run(
            &project,
            engine,
            &["screen", "importance", "stability"],
            &["k=5"],
        );
        let all: String = TABLES
            .iter()
            .map(|(table, _)| format!("SELECT * FROM {table};\n"))
            .collect();
        let found = results(&project, engine, &all);
        for ((table, columns), result) in TABLES.iter().zip(&found) {
            assert_eq!(result["columns"], json!(columns), "{engine} {table}");
            assert!(result["total"].as_u64() > Some(0), "{engine} {table}");
        }

        let questions = [
            // One verdict per column: inputs, and patterns apart.
            "SELECT COUNT(*), COUNT(DISTINCT feature), COUNT(*) FILTER (WHERE is_pattern),
                    COUNT(*) FILTER (WHERE is_pattern AND selected), COUNT(reason)
             FROM feature_screen",
            "SELECT base_feature, lag FROM feature_screen WHERE feature = 'volume_z20_lag5'",
            // Neither keys nor patterns nor the target are candidates.
            "SELECT COUNT(DISTINCT feature) FROM feature_ic",
            "SELECT COUNT(*), COUNT(*) FILTER (WHERE is_representative AND feature <> representative)
             FROM feature_clusters",
            "SELECT COUNT(*), COUNT(*) FILTER (WHERE selected), MIN(step), MAX(step) FROM selected_features",
            "SELECT method, COUNT(*), MIN(rank) FROM feature_importance GROUP BY method ORDER BY method",
            "SELECT COUNT(*), COUNT(DISTINCT cluster) < COUNT(*), COUNT(*) FILTER (WHERE cluster IS NULL)
             FROM cluster_importance",
            "SELECT COUNT(DISTINCT feature) FROM feature_stability",
        ]
        .join(";\n");
        let rows: Vec<Json> = results(&project, engine, &questions)
            .into_iter()
            .map(|result| result["rows"].clone())
            .collect();
        let expected = [
            json!([[INPUTS + 8, INPUTS + 8, 8, 0, INPUTS + 8]]),
            json!([["volume_z20", 5]]),
            json!([[INPUTS]]),
            json!([[INPUTS, 0]]),
            json!([[INPUTS, 5, 1, 5]]),
            json!([
                ["coefficient", INPUTS, 1],
                ["permutation", INPUTS, 1],
                ["single_feature", INPUTS, 1]
            ]),
            json!([[INPUTS, true, 0]]),
            json!([[INPUTS]]),
        ];
        for (found, expected) in rows.iter().zip(&expected) {
            assert_eq!(found, expected, "{engine}");
        }
    }
}

#[test]
fn training_ends_where_it_is_told_to() {
    for engine in ENGINES {
        let project = market(engine);
        let set = ["train_end=2016-09-30", "horizon=3", "period=month"];
        run(&project, engine, &["stability"], &set);
        let rows = project.query(
            engine,
            "SELECT split, COUNT(*), CAST(MAX(ts) AS VARCHAR) AS last_ts,
                    CAST(MAX(target_time) AS VARCHAR) AS last_known
             FROM labelled GROUP BY split ORDER BY last_ts",
        );
        let expected = json!([
            ["train", 1536, "2016-09-27", "2016-09-30"],
            ["purged", 24, "2016-09-30", "2016-10-05"],
            ["test", 816, "2017-02-21", "2017-02-24"],
            ["unlabelled", 24, "2017-02-24", null],
        ]);
        assert_eq!(rows, expected, "{engine}");
    }
}

/// What a search and a retraining find on one engine they find on the other.
#[test]
fn models_are_searched_retrained_and_chosen() {
    let found = ENGINES.map(|engine| {
        let project = market(engine);
        let set = ["trials=4", "folds=2", "train_share=0.6"];
        run(&project, engine, &["tune"], &set);
        run(&project, engine, &["retrain"], &["folds=2"]);
        let questions = [
            // Rounded: engines may add up in another order.
            "SELECT algorithm, metric, round(cv_mean, 9), round(out_of_sample, 9), train_rows, test_rows,
                    purged_rows, test_from > train_to
             FROM trained",
            "SELECT trial, rank, status, parameters, round(mean, 9) FROM trials ORDER BY trial",
            "SELECT metric, round(out_of_sample, 9) FROM trained_metrics ORDER BY metric",
            "SELECT COUNT(*), round(SUM(share), 9) FROM trained_importance",
            "SELECT candidate, COUNT(*), COUNT(DISTINCT fold), round(ic(actual, prediction), 9)
             FROM candidates GROUP BY candidate ORDER BY candidate",
            "SELECT candidate, is_champion, round(value, 9), winner FROM model_choice ORDER BY candidate",
            "SELECT COUNT(*), COUNT(model) FROM champion",
        ];
        let rows = results(&project, engine, &questions.join(";\n")).into_iter();
        rows.map(|result| result["rows"].clone()).collect::<Vec<_>>()
    });
    assert_eq!(found[0], found[1]);
    let [
        trained,
        trials,
        metrics,
        importance,
        candidates,
        choice,
        champion,
    ] = &found[0][..]
    else {
        panic!("{found:?}");
    };
    let trained = &trained[0];
    assert_eq!((&trained[0], &trained[1]), (&json!("gbdt"), &json!("ic")));
    assert!(trained[4].as_u64() > Some(1000) && trained[6].as_u64() > Some(0));
    assert_eq!(trained[7], true, "training ends before the test begins");
    let trials = trials.as_array().unwrap();
    assert_eq!(trials.len(), 4);
    // The model was judged as the first of its trials was.
    let best = trials.iter().find(|trial| trial[1] == 1).unwrap();
    assert_eq!(best[4], trained[2]);
    assert!(metrics.as_array().unwrap().len() >= 6);
    assert_eq!(*importance, json!([[INPUTS, 1.0]]));
    let candidates = candidates.as_array().unwrap();
    assert_eq!(candidates.len(), 3);
    // Trees also take rows in which a feature is missing.
    assert!(candidates.iter().all(|row| row[2] == 2));
    assert!(candidates[0][1].as_u64() > Some(1000));
    let choice = choice.as_array().unwrap();
    assert_eq!(choice.iter().filter(|row| row[3] == true).count(), 1);
    assert_eq!(choice[0][1], true, "ridge is the champion");
    assert_eq!(*champion, json!([[1, 1]]));
}

/// The queries of the README are what people try first.
#[test]
fn the_questions_of_the_readme_have_answers() {
    let readme = include_str!("../../README.md");
    let (_, section) = readme
        .split_once("## Five questions an analyst asks")
        .unwrap();
    let section = section.split("\n## ").next().unwrap();
    let queries: Vec<&str> = section
        .split("```sql\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(queries.len(), 5);
    for engine in ENGINES {
        let project = market(engine);
        run(
            &project,
            engine,
            &["screen", "importance", "stability"],
            &[],
        );
        let found = results(&project, engine, &queries.concat());
        assert_eq!(found.len(), 5, "{engine}");
        for (query, result) in queries.iter().zip(&found) {
            let columns = result["columns"].as_array().map(Vec::len);
            assert!(columns > Some(1), "{engine}: {query}");
        }
        // What carries information and what the model uses always has an answer.
        assert_eq!(found[0]["total"], 6, "{engine}");
        assert_eq!(found[3]["total"], 6, "{engine}");
    }
}
