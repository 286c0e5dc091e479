//! Runs on tables of BigQuery: found among the exports, checked, read by both engines,
//! and their results loaded back.

use std::sync::Arc;

use datafusion::arrow::array::{
    BooleanArray, Date32Array, Decimal128Array, Decimal256Array, Float32Array, Int64Array,
    ListArray, RecordBatch, StringArray, StructArray, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, i256};
use serde_json::{Value as Json, json};

use crate::fake_google::bigquery::{Array, table};
use crate::fake_google::{FakeGoogle, Fault};
use crate::gcs;
use crate::project::{ENGINES, Project, Run};

/// Rows of each of the two shards of `features`.
const ROWS: i64 = 4000;
const FOLDER: &str = "trading/artifacts/exports/ml_training/features/s1";

/// One column of every type, as BigQuery exports them.
fn batch(from: i64, count: i64) -> RecordBatch {
    let ids: Vec<i64> = (from..from + count).collect();
    let of = |f: &dyn Fn(i64) -> i64| ids.iter().map(|id| f(*id)).collect::<Vec<i64>>();
    let decimals = Decimal128Array::from_iter_values(ids.iter().map(|id| i128::from(*id) + 1))
        .with_precision_and_scale(38, 9)
        .unwrap();
    let moments = of(&|id| 1_700_000_000_000_000 + id * 1_000_000);
    let lengths = OffsetBuffer::from_lengths(ids.iter().map(|_| 2));
    let items: Vec<i64> = ids.iter().flat_map(|id| [*id, id + 1]).collect();
    let field = Arc::new(Field::new_list_field(DataType::Int64, true));
    let lists = ListArray::new(field, lengths, Arc::new(Int64Array::from(items)), None);
    let inner = Arc::new(Int64Array::from(of(&|id| id * 10))) as Array;
    let structs = StructArray::from(vec![(
        Arc::new(Field::new("x", DataType::Int64, true)),
        inner,
    )]);
    let floats: Vec<f32> = ids.iter().map(|id| *id as f32 / 2.0).collect();
    let times = Time64MicrosecondArray::from(of(&|id| id % 86_400 * 1_000_000));
    let days: Vec<i32> = ids
        .iter()
        .map(|id| 19_000 + i32::try_from(*id).unwrap())
        .collect();
    let texts: Vec<String> = ids.iter().map(|id| format!("{{\"n\":{id}}}")).collect();
    RecordBatch::try_from_iter([
        ("Id", Arc::new(Int64Array::from(ids.clone())) as Array),
        ("value", Arc::new(Float32Array::from(floats)) as Array),
        ("price", Arc::new(decimals) as Array),
        (
            "flag",
            Arc::new(BooleanArray::from(vec![true; ids.len()])) as Array,
        ),
        ("day", Arc::new(Date32Array::from(days)) as Array),
        (
            "local_time",
            Arc::new(TimestampMicrosecondArray::from(moments.clone())) as Array,
        ),
        (
            "ts",
            Arc::new(TimestampMicrosecondArray::from(moments)) as Array,
        ),
        ("time_of_day", Arc::new(times) as Array),
        ("list", Arc::new(lists) as Array),
        ("inner_row", Arc::new(structs) as Array),
        ("about", Arc::new(StringArray::from(texts)) as Array),
    ])
    .unwrap()
}

fn schema() -> Json {
    let plain = |name: &str, kind: &str| json!({ "name": name, "type": kind });
    json!([
        plain("Id", "INTEGER"),
        plain("value", "FLOAT"),
        plain("price", "NUMERIC"),
        plain("flag", "BOOLEAN"),
        plain("day", "DATE"),
        plain("local_time", "DATETIME"),
        plain("ts", "TIMESTAMP"),
        plain("time_of_day", "TIME"),
        { "name": "list", "type": "INTEGER", "mode": "REPEATED" },
        { "name": "inner_row", "type": "RECORD", "fields": [plain("x", "INTEGER")] },
        plain("about", "JSON"),
    ])
}

fn add(server: &FakeGoogle, name: &str, schema: Json, batches: &[RecordBatch]) {
    let name = format!("development.ml_training.{name}");
    let table = table(schema, batches);
    server.state().bigquery.tables.insert(name, table);
}

/// A server with a table `features`, exported as `s1`.
pub fn exported() -> (FakeGoogle, Project) {
    let server = FakeGoogle::start();
    add(
        &server,
        "features",
        schema(),
        &[batch(0, ROWS), batch(ROWS, ROWS)],
    );
    let project = server.project();
    let arguments = ["export", "features", "--env", "dev", "--snapshot", "s1"];
    server.lagrange(&project, &arguments).success();
    (server, project)
}

fn run(server: &FakeGoogle, project: &Project, script: &str, more: &[&str]) -> Run {
    project.file("script.sql", script);
    let mut arguments = vec!["run", "script.sql", "--env", "dev"];
    arguments.extend(more);
    server.lagrange(project, &arguments)
}

fn rows(run: Run) -> Json {
    run.success().json()["steps"][0]["result"]["rows"].clone()
}

#[test]
fn both_engines_read_every_type_alike() {
    let (server, project) = exported();
    let script = "
        SELECT COUNT(*) AS n, CAST(SUM(id) AS BIGINT) AS ids, SUM(value) AS value,
               CAST(SUM(price) AS VARCHAR) AS price,
               BOOL_AND(flag) AS flag, CAST(MIN(day) AS VARCHAR) AS day,
               CAST(MAX(time_of_day) AS VARCHAR) AS time_of_day,
               MAX(list[2]) AS item, MAX(inner_row['x']) AS x, MAX(about) AS about
        FROM features
        WHERE ts < TIMESTAMP '2030-01-01 00:00:00' AND local_time < TIMESTAMP '2030-01-01 00:00:00'";
    let n = 2 * ROWS;
    let expected = json!([[
        n,
        n * (n - 1) / 2,
        (n * (n - 1)) as f64 / 4.0,
        format!("0.{:09}", n * (n + 1) / 2),
        true,
        "2022-01-08",
        "02:13:19",
        n,
        (n - 1) * 10,
        "{\"n\":9}",
    ]]);
    for engine in ENGINES {
        let found = rows(run(
            &server,
            &project,
            script,
            &["--engine", engine, "--output", "json"],
        ));
        assert_eq!(found, expected, "{engine}");
    }
    // A DATETIME has no zone, a TIMESTAMP is in UTC.
    for engine in ENGINES {
        let script = match engine {
            "duckdb" => "SELECT typeof(local_time), typeof(ts) FROM features LIMIT 1",
            _ => "SELECT arrow_typeof(local_time), arrow_typeof(ts) FROM features LIMIT 1",
        };
        let found = rows(run(
            &server,
            &project,
            script,
            &["--engine", engine, "--output", "json"],
        ));
        let zone = |text: &Json| {
            let text = text.as_str().unwrap();
            text.contains("UTC") || text.contains("WITH TIME ZONE")
        };
        assert!(
            !zone(&found[0][0]) && zone(&found[0][1]),
            "{engine}: {found}"
        );
    }
    assert_eq!(server.mistakes(), [""; 0]);
}

#[test]
fn large_decimals_are_exact_or_refused() {
    let (server, project) = exported();
    let values = [1_i128, -12_345_678_901_234_567_890, 0];
    let scaled = values.map(|n| i256::from_i128(n) * i256::from_i128(10_i128.pow(38)));
    let large = Decimal256Array::from_iter_values(scaled)
        .with_precision_and_scale(76, 38)
        .unwrap();
    let batch = RecordBatch::try_from_iter([("large", Arc::new(large) as Array)]).unwrap();
    let schema = json!([{ "name": "large", "type": "BIGNUMERIC" }]);
    add(&server, "big", schema, &[batch]);
    let script = "SELECT CAST(MIN(large) AS VARCHAR) AS large FROM big";
    let arguments = ["--export", "missing", "--output", "json"];
    let found = rows(run(&server, &project, script, &arguments));
    let zeros = "0".repeat(38);
    assert_eq!(found, json!([[format!("-12345678901234567890.{zeros}")]]));
    run(&server, &project, script, &["--engine", "duckdb"]).fails(
        1,
        &[
            "column 'large' of development.ml_training.big is BIGNUMERIC",
            "--engine datafusion",
        ],
    );
}

#[test]
fn a_model_is_the_same_on_both_engines_and_decimals_are_features() {
    let (server, project) = exported();
    let script = "
        SELECT model_info(fit(CAST(id AS DOUBLE), {'price': price, 'value': value},
               {'algorithm': 'ridge', 'alpha': 1.0}))['rows_used'] AS n FROM features";
    for engine in ENGINES {
        let found = run(
            &server,
            &project,
            script,
            &["--engine", engine, "--output", "json"],
        );
        assert_eq!(rows(found), json!([[2 * ROWS]]), "{engine}");
    }
}

#[test]
fn shards_are_pruned_by_their_statistics() {
    let (server, project) = exported();
    // Texts that hardly compress, so that row groups are larger than footers.
    let noisy = |from: i64| {
        let ids: Vec<i64> = (from..from + ROWS).collect();
        let mut state = 1_u64;
        let texts = ids.iter().map(|_| {
            let mut next = || {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap())
            };
            (0..500).map(|_| next()).collect::<String>()
        });
        let texts: Vec<String> = texts.collect();
        RecordBatch::try_from_iter([
            ("id", Arc::new(Int64Array::from(ids)) as Array),
            ("about", Arc::new(StringArray::from(texts)) as Array),
        ])
        .unwrap()
    };
    let schema = json!([
        { "name": "id", "type": "INTEGER" },
        { "name": "about", "type": "STRING" },
    ]);
    add(&server, "noise", schema, &[noisy(0), noisy(ROWS)]);
    let arguments = ["export", "noise", "--env", "dev"];
    server.lagrange(&project, &arguments).success();
    let sent = |script: &str| {
        let before = server.gcs.sent();
        run(&server, &project, script, &["--engine", "datafusion"]).success();
        server.gcs.sent() - before
    };
    let all = sent("SELECT SUM(LENGTH(about)) AS n FROM noise");
    let few = sent("SELECT SUM(LENGTH(about)) AS n FROM noise WHERE id < 100");
    let footers = sent("SELECT COUNT(*) AS n FROM noise");
    assert!(
        few < footers + (all - footers) / 2,
        "{few} of {all}, {footers}"
    );
}

#[test]
fn the_newest_export_of_all_rows_is_read() {
    let (server, project) = exported();
    let count = "SELECT COUNT(*) AS n FROM features";
    let json_of = |more: &[&str]| {
        let mut arguments = vec!["--output", "json"];
        arguments.extend(more);
        rows(run(&server, &project, count, &arguments))
    };
    assert_eq!(json_of(&[]), json!([[2 * ROWS]]));
    // The table grows, and is exported when that is asked for.
    add(&server, "features", schema(), &[batch(0, 10)]);
    assert_eq!(json_of(&[]), json!([[2 * ROWS]]));
    assert_eq!(json_of(&["--export", "missing"]), json!([[2 * ROWS]]));
    assert_eq!(json_of(&["--export", "always"]), json!([[10]]));
    assert_eq!(json_of(&[]), json!([[10]]));
    assert_eq!(json_of(&["--snapshot", "s1"]), json!([[2 * ROWS]]));
    assert_eq!(json_of(&["--snapshot", "features=s1"]), json!([[2 * ROWS]]));
    // A part of the rows is read only by name.
    let arguments = [
        "export",
        "features",
        "--env",
        "dev",
        "--where",
        "id < 5",
        "--snapshot",
        "part",
    ];
    server.lagrange(&project, &arguments).success();
    assert_eq!(json_of(&[]), json!([[10]]));
    run(&server, &project, count, &["--snapshot", "s2"]).fails(
        2,
        &["no complete export s2 of development.ml_training.features"],
    );
    // An export without a manifest is none.
    server.gcs.put(
        "trading/artifacts/exports/ml_training/features/z9/features-000000000000.parquet",
        vec![1, 2, 3],
    );
    assert_eq!(json_of(&[]), json!([[10]]));
}

#[test]
fn what_is_wrong_with_an_export_is_said_before_anything_runs() {
    let shard = format!("{FOLDER}/features-000000000001.parquet");
    let script = "CREATE TABLE made AS SELECT 1 AS one; SELECT COUNT(*) AS n FROM features";
    for engine in ENGINES {
        let refuses = |server: &FakeGoogle, project: &Project, parts: &[&str]| {
            let run = run(server, project, script, &["--engine", engine]);
            let run = run.fails(1, parts);
            assert!(!run.stderr.contains("[1/2]"), "{}", run.stderr);
        };
        let (server, project) = exported();
        server.gcs.remove(&shard);
        refuses(
            &server,
            &project,
            &["is not whole", "features-000000000001.parquet is missing"],
        );

        let (server, project) = exported();
        let bytes = server.gcs.get(&shard).unwrap();
        server.gcs.put(&shard, bytes[..bytes.len() - 100].to_vec());
        refuses(&server, &project, &["is not whole", "bytes and not"]);

        let (server, project) = exported();
        server.gcs.put(&shard, bytes);
        refuses(
            &server,
            &project,
            &["features-000000000001.parquet was replaced"],
        );

        let (server, project) = exported();
        server
            .gcs
            .put(&format!("{FOLDER}/features-000000000002.parquet"), vec![0]);
        refuses(
            &server,
            &project,
            &["features-000000000002.parquet does not belong to it"],
        );
    }
    // An empty export, and a table that is nowhere.
    let server = FakeGoogle::start();
    add(&server, "features", schema(), &[]);
    let project = server.project();
    server
        .lagrange(&project, &["export", "features", "--env", "dev"])
        .success();
    run(&server, &project, script, &[]).fails(1, &["has no rows"]);
    run(&server, &project, "SELECT * FROM featurs", &[]).fails(
        2,
        &["the table featurs is not here", "did you mean 'features'?"],
    );
    run(&server, &project, "SELECT * FROM prices", &[])
        .fails(2, &["development.ml_training.prices", "--export missing"]);
    let both =
        "CREATE TABLE t AS SELECT 1 AS a FROM features; CREATE TABLE features AS SELECT 1 AS a";
    run(&server, &project, both, &[]).fails(2, &["another name"]);
}

#[test]
fn duckdb_reads_through_a_cache_of_bounded_size() {
    let (server, project) = exported();
    let script = "SELECT CAST(SUM(id) AS BIGINT) AS n FROM features";
    let sent = || {
        let before = server.gcs.sent();
        run(&server, &project, script, &["--engine", "duckdb"]).success();
        server.gcs.sent() - before
    };
    let first = sent();
    let again = sent();
    let bytes = server.gcs.get(&format!("{FOLDER}/manifest.json")).unwrap();
    let manifest: Json = serde_json::from_slice(&bytes).unwrap();
    let shards = manifest["shards"].as_array().unwrap().iter();
    let size: u64 = shards.map(|shard| shard["size"].as_u64().unwrap()).sum();
    assert_eq!(first - again, usize::try_from(size).unwrap());
    // A cache that is too small says so.
    let mut variables = server.variables(&project);
    variables.push(("LAGRANGE_STORAGE__CACHE_LIMIT".into(), "1MB".into()));
    variables.push((
        "XDG_CACHE_HOME".into(),
        project.path("other").display().to_string(),
    ));
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    add(&server, "wide", schema(), &[batch(0, 100_000)]);
    server
        .lagrange(&project, &["export", "wide", "--env", "dev"])
        .success();
    project.file("script.sql", "SELECT COUNT(*) AS n FROM wide");
    let arguments = ["run", "script.sql", "--env", "dev", "--engine", "duckdb"];
    project
        .lagrange(&arguments, &variables)
        .fails(2, &["does not fit the cache", "storage.cache_limit"]);
}

#[test]
fn a_bucket_with_bad_days_is_read_all_the_same() {
    let (server, project) = exported();
    for fault in [gcs::Fault::Refused, gcs::Fault::Cut, gcs::Fault::Lost] {
        for engine in ENGINES {
            server.gcs.fail_every(4, fault);
            let arguments = ["--engine", engine, "--output", "json"];
            let found = run(
                &server,
                &project,
                "SELECT CAST(SUM(id) AS BIGINT) AS n FROM features",
                &arguments,
            );
            server.gcs.fail_every(0, fault);
            let n = 2 * ROWS;
            assert_eq!(
                rows(found),
                json!([[n * (n - 1) / 2]]),
                "{engine} {fault:?}"
            );
            let _ = std::fs::remove_dir_all(project.path("cache"));
        }
    }
}

#[test]
fn a_plan_says_which_exports_would_be_read() {
    let (server, project) = exported();
    project.file("script.sql", "CREATE TABLE t AS SELECT id FROM features");
    let plan = server.lagrange(&project, &["plan", "script.sql", "--env", "dev"]);
    let text = plan.success().stdout;
    for part in [
        "reads   features (export, 8,000 rows)",
        "export     s1 of development.ml_training.features: 8,000 rows, 2 files",
        "DataFusion on data/ml_training",
    ] {
        assert!(text.contains(part), "no '{part}' in:\n{text}");
    }
    let arguments = ["plan", "script.sql", "--env", "dev", "--output", "json"];
    let json = server.lagrange(&project, &arguments).success().json();
    assert_eq!(json["exports"][0]["snapshot"], "s1");
}

const RESULTS: &str = "
    CREATE OR REPLACE TABLE model_metrics AS
    SELECT 'm' AS model, 'test' AS split, COUNT(*) AS rows_used, 0.5 AS rmse, 0.25 AS r2
    FROM features;
    CREATE OR REPLACE TABLE other AS SELECT 1 AS one;";

#[test]
fn results_are_left_in_the_bucket_and_loaded_once() {
    for engine in ENGINES {
        let (server, project) = exported();
        run(&server, &project, RESULTS, &["--engine", engine]).success();
        let results = |server: &FakeGoogle| -> Vec<String> {
            let names = server.gcs.names().into_iter();
            names.filter(|name| name.contains("/results/")).collect()
        };
        let left = results(&server);
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(left[0].starts_with("trading/artifacts/results/model_metrics/"));
        assert!(server.state().bigquery.loaded.is_empty());

        // Every run has a partition of its own, also within an hour.
        for _ in 0..2 {
            run(
                &server,
                &project,
                RESULTS,
                &["--engine", engine, "--publish"],
            )
            .success();
        }
        let loaded = server.state().bigquery.loaded.clone();
        assert_eq!(loaded.len(), 2, "{loaded:?}");
        for (name, loaded) in &loaded {
            assert!(name.starts_with("ml_training.model_metrics$20"), "{name}");
            assert_eq!(loaded.rows, 1);
            let types: Vec<(String, String)> = loaded
                .schema
                .as_array()
                .unwrap()
                .iter()
                .map(|field| {
                    let text = |key: &str| field[key].as_str().unwrap().to_owned();
                    (text("name"), text("type"))
                })
                .collect();
            let types: Vec<(&str, &str)> = types
                .iter()
                .map(|(name, kind)| (name.as_str(), kind.as_str()))
                .collect();
            assert_eq!(
                types[..2],
                [("run_id", "STRING"), ("run_started", "TIMESTAMP")]
            );
            assert!(types.contains(&("rows_used", "INT64")), "{types:?}");
            assert!(types.contains(&("split", "STRING")), "{types:?}");
        }
        assert_eq!(server.mistakes(), [""; 0]);
    }
}

#[test]
fn loading_survives_faults_and_leaves_nothing_half_done() {
    let requests = |server: &FakeGoogle, project: &Project| {
        let before = server.requests();
        run(server, project, RESULTS, &["--publish"]).success();
        server.requests() - before
    };
    let (server, project) = exported();
    let count = requests(&server, &project);
    for (i, fault) in [
        Fault::Status(429),
        Fault::Status(503),
        Fault::Dropped,
        Fault::AnswerLost,
        Fault::Cut,
        Fault::Expired,
    ]
    .into_iter()
    .enumerate()
    {
        let (server, project) = exported();
        server.fail(i % count, fault);
        run(&server, &project, RESULTS, &["--publish"]).success();
        assert_eq!(server.state().bigquery.loaded.len(), 1, "{fault:?}");
        assert_eq!(server.mistakes(), [""; 0], "{fault:?}");
    }
    let (server, project) = exported();
    let message = "Provided Schema does not match Table";
    server.state().bigquery.fail_job("invalid", message);
    run(&server, &project, RESULTS, &["--publish"])
        .fails(1, &["the load failed in BigQuery", message, "--resume"]);
    assert!(server.state().bigquery.loaded.is_empty());
    let local = server.lagrange(&project, &["run", "script.sql", "--publish"]);
    local.fails(2, &["not in BigQuery"]);
}
