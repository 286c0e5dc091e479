//! `read_table('path')`.

use serde_json::json;

use crate::project::{ENGINES, Project};

const CSV: &str = "Date,Symbol,Close,Volume,Note,Made
2020-01-01,A,1.5,10,,2020-01-01 10:00:00
2020-01-02,\"B, \"\"b\"\"\",2,,x,2020-01-02 10:00:00
2020-01-03,C,,30,\"\",2020-01-03 10:00:00
";

#[test]
fn csv_has_the_same_types_on_both_engines() {
    let project = Project::with_script(
        "CREATE OR REPLACE TABLE t AS SELECT * FROM read_table($path) AS p;
         SELECT symbol, close, volume, note, date = DATE '2020-01-02' AS d,
                made > TIMESTAMP '2020-01-02 09:59:59' AS a
         FROM t ORDER BY date;",
    );
    project.file("prices of today.csv", CSV);
    for engine in ENGINES {
        let run = project.run(&[
            "--engine",
            engine,
            "--output",
            "json",
            "--set",
            "path=prices of today.csv",
        ]);
        let rows = run.success().json()["steps"][1]["result"]["rows"].clone();
        let expected = json!([
            ["A", 1.5, 10, null, false, false],
            ["B, \"b\"", 2.0, null, "x", true, true],
            ["C", null, 30, null, false, true],
        ]);
        assert_eq!(rows, expected, "{engine}");
    }
}

/// Writes Parquet shards with DuckDB.
fn shards(project: &Project) {
    project.file(
        "export.sql",
        "COPY (SELECT i AS \"Id\", 0.5 * i AS x FROM range(10) t(i)) TO 'in/p-000000000000.parquet' (FORMAT parquet);
         COPY (SELECT i + 10 AS \"Id\", 0.5 * i AS x FROM range(10) t(i)) TO 'in/p-000000000001.parquet' (FORMAT parquet);",
    );
    std::fs::create_dir_all(project.path("in")).unwrap();
    project.lagrange(&["run", "export.sql"], &[]).success();
}

#[test]
fn parquet_files_folders_and_patterns() {
    let project = Project::with_script("SELECT count(*) AS n, max(id) AS m FROM read_table($path)");
    shards(&project);
    for engine in ENGINES {
        for (path, expected) in [
            ("in", json!([[20, 19]])),
            ("in/p-*.parquet", json!([[20, 19]])),
            ("in/p-000000000000.parquet", json!([[10, 9]])),
        ] {
            let set = format!("path={path}");
            let run = project.run(&["--engine", engine, "--output", "json", "--set", &set]);
            let rows = run.success().json()["steps"][0]["result"]["rows"].clone();
            assert_eq!(rows, expected, "{engine} {path}");
        }
    }
}

#[test]
fn a_folder_of_shards_is_a_database() {
    let project = Project::with_script("SELECT count(*) AS n FROM p");
    shards(&project);
    let arguments = [
        "--engine",
        "datafusion",
        "--database",
        "in",
        "--output",
        "json",
    ];
    let rows = project.run(&arguments).success().json()["steps"][0]["result"]["rows"].clone();
    assert_eq!(rows, json!([[20]]));
    std::fs::write(project.path("in/p-000000000002.parquet"), "PAR1 broken").unwrap();
    project.run(&arguments).fails(
        1,
        &[
            "table p",
            "p-000000000002.parquet",
            "not a readable Parquet file",
        ],
    );
}

#[test]
fn unreadable_inputs_are_named() {
    let project = Project::with_script("SELECT 1;\nSELECT * FROM read_table($path)");
    shards(&project);
    project.file("broken.parquet", "PAR1 this is not Parquet PAR1");
    project.file("notes.txt", "hello");
    project.file("empty.csv", "");
    project.file("twice.csv", "a,A\n1,2\n");
    std::fs::create_dir_all(project.path("nothing")).unwrap();
    for engine in ENGINES {
        for (path, part) in [
            ("missing.csv", "file not found: missing.csv"),
            ("nowhere/missing.csv", "there is no folder nowhere"),
            (
                "broken.parquet",
                "broken.parquet is not a readable Parquet file",
            ),
            ("notes.txt", "cannot tell the format"),
            ("empty.csv", "empty.csv"),
            ("twice.csv", "two columns are called 'a'"),
            ("nothing", "has no CSV or Parquet files"),
            ("in/q-*.parquet", "no file matches"),
            ("gs://bucket/x.parquet", "local files"),
        ] {
            let set = format!("path={path}");
            project
                .run(&["--engine", engine, "--set", &set])
                .fails(1, &["script.sql:2:1", part]);
        }
    }
}

#[test]
fn shards_must_fit_each_other() {
    let project = Project::with_script("SELECT * FROM read_table('in')");
    shards(&project);
    project.file(
        "export.sql",
        "COPY (SELECT 'a' AS \"Id\", 1.5::DOUBLE AS x) TO 'in/p-000000000002.parquet' (FORMAT parquet)",
    );
    project.lagrange(&["run", "export.sql"], &[]).success();
    for engine in ENGINES {
        project
            .run(&["--engine", engine])
            .fails(1, &["p-000000000002.parquet", "column 'Id'"]);
    }
}

#[test]
fn a_column_without_a_name_gets_one() {
    let project = Project::with_script("SELECT column0, close FROM read_table('a.csv')");
    project.file("a.csv", "\u{feff},Close \n2020-01-01 10:00:00,1.5\n");
    for engine in ENGINES {
        let run = project.run(&["--engine", engine, "--output", "json"]);
        let rows = run.success().json()["steps"][0]["result"]["rows"].clone();
        assert_eq!(rows, json!([["2020-01-01T10:00:00", 1.5]]), "{engine}");
    }
}
