//! A search that is interrupted keeps its trials.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::project::{ENGINES, Project, signal};

/// Long enough to be interrupted, on any machine.
const SCRIPT: &str = "
CREATE OR REPLACE TABLE samples AS
SELECT i AS ts, (i * 7919) % 1009 AS a, (i * 31) % 997 AS b, ((i * 7919) % 1009) * ((i * 31) % 997) AS target
FROM range(20000) r(i);
CREATE OR REPLACE TABLE trials AS
SELECT * FROM tune_model('samples', 'target', ['a', 'b'], order_by => 'ts', algorithm => 'gbdt',
                         space => {'max_leaves': {'low': 2, 'high': 63}}, trials => 40, options => {'trees': 60},
                         horizon => 1, prune => false);
";

#[cfg(unix)]
#[test]
fn an_interrupted_search_goes_on_in_the_next_run() {
    for engine in ENGINES {
        let project = Project::with_script(SCRIPT);
        let child = Command::new(env!("CARGO_BIN_EXE_lagrange"))
            .args(["run", "script.sql", "--engine", engine])
            .current_dir(project.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let folder = project.path("data/ml.trials");
        let kept = || -> usize {
            let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let texts = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
            texts.map(|text| text.lines().count()).sum()
        };
        let begun = Instant::now();
        while kept() < 2 {
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "{engine}: no trial"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        signal(&child, "INT");
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(130), "{engine}: {stderr}");
        assert!(stderr.contains("interrupted after"), "{stderr}");
        let before = kept();
        assert!((2..40).contains(&before), "{before}");

        let run = project.lagrange(&["run", "script.sql", "--engine", engine], &[]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let told = format!("{before} trials of an earlier run are kept");
        assert!(run.stderr.contains(&told), "{}", run.stderr);
        // Whole, as if it had never been interrupted; nothing is left behind.
        project.file(
            "count.sql",
            "SELECT count(*) AS n, min(folds) AS folds FROM trials;",
        );
        let run = project.lagrange(&["run", "count.sql", "--engine", engine], &[]);
        assert!(run.stdout.contains("40      5"), "{}", run.stdout);
        assert!(!folder.exists());
    }
}
