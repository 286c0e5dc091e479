//! Tables, views and what the engines make of them.

use serde_json::json;

use crate::project::{ENGINES, Project};

#[test]
fn scripts_share_tables_and_temporary_ones_go() {
    for engine in ENGINES {
        let project = Project::new();
        project.file(
            "first.sql",
            "CREATE OR REPLACE TABLE kept AS SELECT i AS a FROM range(3) t(i);
             CREATE TEMP TABLE gone AS SELECT sum(a) AS s FROM kept;
             CREATE OR REPLACE VIEW doubled AS SELECT 2 * a AS b FROM kept;",
        );
        project.file(
            "second.sql",
            "SELECT s, (SELECT max(b) FROM doubled) AS m FROM gone",
        );
        let run = project.lagrange(
            &[
                "run",
                "first.sql",
                "second.sql",
                "--engine",
                engine,
                "--output",
                "json",
            ],
            &[],
        );
        let json = run.success().json();
        assert_eq!(json["steps"][0]["rows"], 3, "{engine}");
        assert_eq!(
            json["steps"][3]["result"]["rows"],
            json!([[3, 4]]),
            "{engine}"
        );
        assert_eq!(
            project.query(engine, "SELECT count(*) FROM kept"),
            json!([[3]])
        );
        project.file("third.sql", "SELECT * FROM gone");
        project
            .lagrange(&["run", "third.sql", "--engine", engine], &[])
            .fails(1, &["gone"]);
    }
}

#[test]
fn a_table_can_be_made_from_itself() {
    for engine in ENGINES {
        let project = Project::with_script(
            "CREATE OR REPLACE TABLE t AS SELECT 1 AS a;
             CREATE OR REPLACE VIEW v AS SELECT a + 10 AS b FROM t;
             CREATE OR REPLACE TABLE t AS SELECT a + 1 AS a FROM t;
             CREATE OR REPLACE TABLE t AS SELECT a + 1 AS a FROM t;
             SELECT a, b FROM t, v;
             DROP VIEW v;
             DROP TABLE IF EXISTS nothing;
             CREATE OR REPLACE TABLE u AS SELECT a FROM t WHERE a > 100;
             SELECT count(*) AS n FROM u;
             DROP TABLE t;",
        );
        let json = project
            .run(&["--engine", engine, "--output", "json"])
            .success()
            .json();
        assert_eq!(
            json["steps"][4]["result"]["rows"],
            json!([[3, 13]]),
            "{engine}"
        );
        assert_eq!(json["steps"][8]["result"]["rows"], json!([[0]]), "{engine}");
        project.file("after.sql", "SELECT * FROM t");
        project
            .lagrange(&["run", "after.sql", "--engine", engine], &[])
            .fails(1, &["t"]);
    }
}

#[test]
fn an_existing_table_is_not_overwritten_unasked() {
    for engine in ENGINES {
        let project = Project::with_script("CREATE TABLE t AS SELECT 1 AS a;");
        project.run(&["--engine", engine]).success();
        project.run(&["--engine", engine]).fails(1, &["already"]);
        assert_eq!(project.query(engine, "SELECT a FROM t"), json!([[1]]));
    }
}

#[test]
fn datafusion_writes_shards_like_an_export() {
    let project = Project::with_script("CREATE TABLE T AS SELECT i FROM range(100) g(i)");
    project.run(&["--engine", "datafusion"]).success();
    assert!(project.path("data/ml/t/t-000000000000.parquet").is_file());
    let left: Vec<_> = std::fs::read_dir(project.path("data/ml"))
        .unwrap()
        .collect();
    assert_eq!(left.len(), 2, "the table and the lock: {left:?}");
}

#[test]
fn datafusion_refuses_what_it_cannot_do_whole() {
    let project =
        Project::with_script("CREATE TABLE t AS SELECT 1 AS a;\nINSERT INTO t SELECT 2 AS a;");
    project
        .run(&["--engine", "datafusion"])
        .fails(1, &["script.sql:2:1", "insert", "--engine duckdb"]);
    let project = Project::with_script("SELECT * FROM feature");
    project.file(
        "script.sql",
        "CREATE TABLE features AS SELECT 1 AS a;\nSELECT * FROM feature;",
    );
    project
        .run(&["--engine", "datafusion"])
        .fails(1, &["did you mean 'features'?"]);
}

#[test]
fn names_with_spaces_quotes_and_capitals() {
    for engine in ENGINES {
        let project = Project::with_script(
            "CREATE OR REPLACE TABLE \"My Table\" AS SELECT 1 AS \"A \"\"b\"\" 'c'\", 2 AS \"D\";
             SELECT \"A \"\"b\"\" 'c'\" AS x, \"D\" FROM \"My Table\";",
        );
        let json = project
            .run(&["--engine", engine, "--output", "json"])
            .success()
            .json();
        assert_eq!(
            json["steps"][1]["result"]["rows"],
            json!([[1, 2]]),
            "{engine}"
        );
        assert_eq!(
            json["steps"][1]["result"]["columns"],
            json!(["x", "D"]),
            "{engine}"
        );
    }
}

#[test]
fn a_database_in_use_is_an_error_that_names_the_holder() {
    let project = Project::with_script("SELECT 1");
    std::fs::create_dir_all(project.path("data")).unwrap();
    let held = duckdb::Connection::open(project.path("data/ml.duckdb")).unwrap();
    let me = std::process::id().to_string();
    project.run(&[]).fails(
        2,
        &[
            "cannot open database",
            "lock",
            &format!("hint: process {me} has"),
        ],
    );
    drop(held);
    project.run(&[]).success();

    project.run(&["--engine", "datafusion"]).success();
    let lock = std::fs::File::open(project.path("data/ml/.lagrange.lock")).unwrap();
    lock.lock().unwrap();
    project
        .run(&["--engine", "datafusion"])
        .fails(2, &["is in use by process"]);
}

#[test]
fn the_kind_of_database_must_fit() {
    let project = Project::with_script("SELECT 1");
    project.file("db.duckdb", "");
    project
        .run(&["--engine", "datafusion", "--database", "db.duckdb"])
        .fails(2, &["is a file"]);
    project.run(&["--database", "."]).fails(2, &["is a folder"]);
    project.file("text.db", &"not a database ".repeat(1000));
    project
        .run(&["--database", "text.db"])
        .fails(2, &["text.db"]);
}
