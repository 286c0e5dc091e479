//! A process that is killed at any moment leaves whole tables and readable models.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use lagrange_udfs::models::Model;
use serde_json::Value as Json;

use crate::project::Project;

/// Of each engine; together they are at least 200.
const KILLS: u64 = 110;

/// Two tables that are replaced, and a model that is published.
const SCRIPT: &str = "
CREATE OR REPLACE TABLE a AS SELECT $generation AS generation, i FROM range(20000) r(i);
CREATE OR REPLACE TABLE model AS
SELECT fit(y, {'x': x}, {'algorithm': 'ols'}) AS model, max(generation) AS generation
FROM (SELECT generation, i AS x, i * generation + i % 3 AS y FROM a) AS s;
CREATE OR REPLACE TABLE b AS SELECT a.generation, a.i FROM a, model;
";

const QUESTION: &str = "
SELECT 'a' AS name, min(generation) AS low, max(generation) AS high, count(*) AS n FROM a
UNION ALL SELECT 'b' AS name, min(generation) AS low, max(generation) AS high, count(*) AS n FROM b
UNION ALL SELECT 'model' AS name, min(generation) AS low, max(generation) AS high, count(*) AS n FROM model
ORDER BY name;
";

/// A generator of numbers with a fixed seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }
}

/// The generation of each table, which is whole.
fn generations(project: &Project, engine: &str) -> Vec<i64> {
    let run = project.lagrange(
        &[
            "run",
            "question.sql",
            "--engine",
            engine,
            "--output",
            "json",
        ],
        &[],
    );
    let json = run.success().json();
    let rows: Vec<Json> = json["steps"][0]["result"]["rows"]
        .as_array()
        .unwrap()
        .clone();
    let counts = [20_000, 20_000, 1];
    let whole = rows.iter().zip(counts).map(|(row, count)| {
        assert_eq!(row[1], row[2], "{engine}: a mixture: {row}");
        assert_eq!(row[3], count, "{engine}: a part: {row}");
        row[1].as_i64().unwrap()
    });
    whole.collect()
}

/// Every model in the folder can be read.
fn models(folder: &Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            count += models(&path);
        } else if !name.starts_with('.')
            && (name.ends_with(".model") || name.ends_with("model.bin"))
        {
            let bytes = std::fs::read(&path).unwrap();
            assert!(Model::read(&bytes).is_ok(), "{}", path.display());
            count += 1;
        } else if !name.starts_with('.') && name.ends_with(".json") {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(
                serde_json::from_str::<Json>(&text).is_ok(),
                "{}",
                path.display()
            );
        }
    }
    count
}

fn kill_again_and_again(engine: &str) {
    let project = Project::with_script(SCRIPT);
    project.file("question.sql", QUESTION);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let run = |generation: u64| {
        let set = format!("generation={generation}");
        let mut command = project.command(&[
            "run",
            "script.sql",
            "--engine",
            engine,
            "--check",
            "off",
            "--set",
            &set,
        ]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let begun = Instant::now();
    assert!(run(0).status().unwrap().success());
    // A little longer than a run, so that the end is killed, too.
    let longest = u64::try_from(begun.elapsed().as_micros()).unwrap() * 11 / 10;
    let mut before = generations(&project, engine);
    let (mut kept, mut made) = (0, 0);
    for generation in 1..=KILLS {
        let mut child = run(generation).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(random.below(longest)));
        // It may have ended; then there is nothing to kill.
        let _ = child.kill();
        child.wait().unwrap();
        let after = generations(&project, engine);
        let now = i64::try_from(generation).unwrap();
        for (old, new) in before.iter().zip(&after) {
            assert!(
                new == old || *new == now,
                "{engine}: {before:?}, {after:?}, {now}"
            );
        }
        kept += usize::from(after == before);
        made += usize::from(after.iter().all(|found| *found == now));
        before = after;
        assert!(models(&project.path("models")) > 0);
    }
    // The moments were spread over the run.
    assert!(kept > 0 && made > 0, "{engine}: {kept} kept, {made} made");
    assert!(run(KILLS + 1).status().unwrap().success());
}

#[test]
fn duckdb_is_killed() {
    kill_again_and_again("duckdb");
}

#[test]
fn datafusion_is_killed() {
    kill_again_and_again("datafusion");
}
