//! The check on the corpus, on our own scripts, and on our own scripts with a
//! mistake put in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::super::catalogue::report;
use crate::guard::Report;
use crate::guard::rules::{RULES, Rule};
use crate::parameters::bind_known;
use crate::script;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn checked(scripts: Vec<script::Script>) -> Report {
    report(&bind_known(scripts, &BTreeMap::new(), &BTreeMap::new()).unwrap())
}

fn of_text(text: &str) -> Report {
    checked(vec![script::parse("script.sql", text.to_owned()).unwrap()])
}

fn found(report: &Report) -> Vec<&'static str> {
    report.open().map(|finding| finding.rule.code()).collect()
}

#[test]
fn corpus() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join("tests/lookahead"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "sql"))
        .collect();
    files.sort();
    let (mut leaking, mut clean) = (0, 0);
    let mut wrong = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for case in text.split("-- case: ").skip(1) {
            let (name, body) = case.split_once('\n').unwrap();
            let expected = body.lines().next().unwrap();
            let expected = expected.strip_prefix("-- finds: ").unwrap();
            let report = of_text(body);
            let codes = found(&report);
            if expected == "clean" {
                clean += 1;
                if !codes.is_empty() {
                    wrong.push(format!("false alarm in '{name}':\n{}", report.text(false)));
                }
                continue;
            }
            leaking += 1;
            let expected: Vec<&str> = expected.split(' ').collect();
            if expected.iter().any(|code| !codes.contains(code))
                || codes.iter().any(|code| !expected.contains(code))
            {
                wrong.push(format!("'{name}': expected {expected:?}, found {codes:?}"));
            }
            seen.extend(codes);
        }
    }
    println!(
        "{leaking} leaking and {clean} clean scripts, {} wrong",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(leaking >= 60 && clean >= 60);
    for rule in RULES {
        assert!(seen.contains(&rule.code), "no case for {}", rule.code);
    }
}

#[test]
fn our_scripts_are_clean() {
    let sql = root().join("sql");
    let read = |name: &str| script::read(&sql.join(name).to_string_lossy()).unwrap();
    let names: Vec<String> = std::fs::read_dir(&sql)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".sql"))
        .collect();
    assert!(names.len() >= 8);
    for name in &names {
        let report = checked(vec![read(name)]);
        assert_eq!(report.open().count(), 0, "{name}\n{}", report.text(false));
    }
    let all = [
        "demo_data.sql",
        "train.sql",
        "screen.sql",
        "importance.sql",
        "stability.sql",
    ];
    let report = checked(all.iter().map(|name| read(name)).collect());
    assert_eq!(report.open().count(), 0, "{}", report.text(false));
    assert!(report.fits >= 10);
}

/// Every place of `from` in a script, one at a time, replaced by `to`.
fn mutants(text: &str, from: &str, to: &str) -> Vec<String> {
    text.match_indices(from)
        .map(|(at, _)| format!("{}{to}{}", &text[..at], &text[at + from.len()..]))
        .collect()
}

/// Every filter of training rows, one at a time, moved behind what it was there for:
/// to the result of a table function, or to the groups of an aggregate.
fn moved_filters(text: &str) -> Vec<String> {
    const FILTER: &str = " WHERE split = 'train'";
    let moved = |(at, _): (usize, &str)| {
        let (before, after) = (&text[..at], &text[at + FILTER.len()..]);
        let Some(body) = after.strip_prefix("\n)\n") else {
            return format!("{before} HAVING min(split) = 'train'{after}");
        };
        let (call, rest) = body.split_once(';').unwrap();
        format!("{before}\n)\nSELECT * FROM ({call}) AS moved{FILTER};{rest}")
    };
    text.match_indices(FILTER).map(moved).collect()
}

#[test]
fn a_mistake_in_our_scripts_is_found() {
    let read = |name: &str| std::fs::read_to_string(root().join("sql").join(name)).unwrap();
    let (features, train) = (read("features.sql"), read("train.sql"));
    let mut mutated: Vec<(String, String)> = Vec::new();
    for (from, to) in [
        ("LAG(close, ", "LAG(close, -"),
        ("LAG(close, ", "LEAD(close, "),
        ("PARTITION BY symbol ORDER BY ts", "ORDER BY ts"),
        ("PARTITION BY symbol ORDER BY ts", "PARTITION BY symbol"),
        (
            "PARTITION BY symbol ORDER BY ts",
            "PARTITION BY symbol ORDER BY ts DESC",
        ),
        ("PRECEDING AND CURRENT ROW", "PRECEDING AND 5 FOLLOWING"),
        ("NULLIF(volume_sd, 0)", "(SELECT MAX(volume) FROM prices)"),
    ] {
        let all = mutants(&features, from, to);
        assert!(!all.is_empty(), "{from}");
        mutated.extend(all.into_iter().map(|features| (features, train.clone())));
    }
    for (from, to) in [
        ("WHERE split = 'train'", ""),
        ("WHERE split = 'train'", "WHERE split <> 'unlabelled'"),
        ("target_time < test_start", "ts < test_start"),
        ("horizon => $horizon, options", "horizon => 1, options"),
        ("'gap': gap", "'gap': target"),
        ("'gap': gap", "'gap': target_distance"),
        (
            "lags => [1, 2, 5],\n                             partition_by => 'symbol', order_by",
            "lags => [1, 2, 5],\n                             order_by",
        ),
        // The filter of training moved behind the choice, or to the wrong side.
        (
            "WITH training AS (\n  SELECT * FROM samples WHERE split = 'train'\n)",
            "WITH training AS (\n  SELECT * FROM samples WHERE split = 'test' OR split = 'train'\n)",
        ),
    ] {
        let all = mutants(&train, from, to);
        assert!(!all.is_empty(), "{from}");
        mutated.extend(all.into_iter().map(|train| (features.clone(), train)));
    }
    let filters = moved_filters(&train);
    assert!(filters.len() >= 5);
    mutated.extend(filters.into_iter().map(|train| (features.clone(), train)));
    for (features, train) in &mutated {
        let text = format!("{train};");
        let scripts = vec![
            script::parse("features.sql", features.clone()).unwrap(),
            script::parse("train.sql", text).unwrap(),
        ];
        let report = checked(scripts);
        assert!(report.fails(), "not found:\n{features}\n{train}");
    }
    println!("{} mutants, all found", mutated.len());
}

#[test]
fn every_statement_of_the_suites_is_looked_at() {
    let mut statements = 0;
    for entry in std::fs::read_dir(root().join("tests/slt")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for block in text.split("\n\n") {
            let sql: Vec<&str> = block
                .lines()
                .filter(|line| {
                    !["statement", "query", "#"]
                        .iter()
                        .any(|s| line.starts_with(s))
                })
                .take_while(|line| *line != "----")
                .collect();
            let Ok(script) = script::parse("suite.slt", sql.join("\n")) else {
                continue;
            };
            statements += script.statements.len();
            let report = checked(vec![script]);
            let _ = (
                report.text(true),
                report.json(),
                report.sarif(),
                report.github(),
            );
        }
    }
    assert!(statements > 300, "{statements}");
}

#[test]
fn odd_scripts_end() {
    let deep = format!(
        "SELECT fit(y, {{'x': x}}) FROM {}(SELECT 1 AS x, 2 AS y){};",
        "(SELECT * FROM ".repeat(60),
        " AS t)".repeat(60).replacen(" AS t)", "", 0) + " AS t"
    );
    let wide: Vec<String> = (0..10_000).map(|i| format!("x{i}")).collect();
    let wide = format!(
        "CREATE TABLE t AS SELECT ts, symbol, y, {} FROM f; SELECT * FROM feature_screen('t', target => 'y');",
        wide.join(", ")
    );
    let far = format!(
        "SELECT fit(y, {{{}'z': lead(z) OVER (ORDER BY ts)}}) FROM t",
        "'a': a, ".repeat(10_000)
    );
    let long = format!(
        "SELECT fit(y, {{'x': {}}}) FROM t",
        vec!["x"; 1_000].join(" + ")
    );
    for text in [
        "CREATE VIEW a AS SELECT * FROM b; CREATE VIEW b AS SELECT * FROM a; SELECT fit(y, {'x': x}) FROM b;",
        "CREATE VIEW a AS SELECT * FROM a; SELECT fit(y, {'x': x}) FROM a;",
        "SELECT lag(x, 9223372036854775807) OVER (ORDER BY ts) FROM t; SELECT lag(x, -9223372036854775808) OVER (ORDER BY ts) FROM t;",
        "SELECT fit(y) FROM t; SELECT fit() FROM t; SELECT * FROM shift_target(); SELECT * FROM lag_features('t');",
        "SELECT sum(x) OVER w FROM t WINDOW w AS (w), v AS (u);",
        "SELECT fit(y, {'x': x}) OVER () FROM t; SELECT * FROM t PIVOT (sum(x) FOR y IN ('a', 'b'));",
        wide.as_str(),
        far.as_str(),
        long.as_str(),
        deep.as_str(),
    ] {
        let Ok(script) = script::parse("odd.sql", text.to_owned()) else {
            continue;
        };
        let report = checked(vec![script]);
        let _ = (
            report.text(true),
            report.json(),
            report.sarif(),
            report.github(),
        );
    }
}

/// Fails unless a JSON object has the required properties and no others than those
/// that the schema of SARIF 2.1.0 lists for it.
fn object<'j>(json: &'j Json, what: &str, required: &[&str], allowed: &[&str]) -> &'j Json {
    let fields = json
        .as_object()
        .unwrap_or_else(|| panic!("{what} is no object: {json}"));
    for name in required {
        assert!(fields.contains_key(*name), "{what} has no '{name}': {json}");
    }
    for name in fields.keys() {
        let known = required.contains(&name.as_str()) || allowed.contains(&name.as_str());
        assert!(known, "{what} has '{name}': {json}");
    }
    json
}

/// What section 3 of SARIF 2.1.0 and its schema ask of the parts that we write.
fn is_sarif(sarif: &Json) {
    object(sarif, "sarifLog", &["version", "runs"], &["$schema"]);
    assert_eq!(sarif["version"], "2.1.0");
    for run in sarif["runs"].as_array().unwrap() {
        object(run, "run", &["tool"], &["results", "columnKind"]);
        let kinds = ["utf16CodeUnits", "unicodeCodePoints"];
        assert!(kinds.contains(&run["columnKind"].as_str().unwrap()));
        object(&run["tool"], "tool", &["driver"], &[]);
        let driver = &run["tool"]["driver"];
        object(driver, "toolComponent", &["name"], &["version", "rules"]);
        let levels = ["none", "note", "warning", "error"];
        let rules = driver["rules"].as_array().unwrap();
        let mut ids = std::collections::BTreeSet::new();
        for rule in rules {
            let allowed = [
                "name",
                "shortDescription",
                "fullDescription",
                "help",
                "defaultConfiguration",
            ];
            object(rule, "reportingDescriptor", &["id"], &allowed);
            assert!(
                ids.insert(rule["id"].as_str().unwrap()),
                "two rules {}",
                rule["id"]
            );
            for part in ["shortDescription", "fullDescription", "help"] {
                object(&rule[part], "multiformatMessageString", &["text"], &[]);
                assert!(!rule[part]["text"].as_str().unwrap().is_empty());
            }
            let level = &rule["defaultConfiguration"]["level"];
            assert!(levels.contains(&level.as_str().unwrap()));
        }
        for result in run["results"].as_array().unwrap() {
            let allowed = ["ruleId", "ruleIndex", "level", "locations", "suppressions"];
            object(result, "result", &["message"], &allowed);
            object(&result["message"], "message", &["text"], &[]);
            assert!(levels.contains(&result["level"].as_str().unwrap()));
            let index = result["ruleIndex"].as_u64().unwrap() as usize;
            assert_eq!(rules[index]["id"], result["ruleId"]);
            for location in result["locations"].as_array().unwrap() {
                let physical = object(location, "location", &["physicalLocation"], &[]);
                let physical = &physical["physicalLocation"];
                object(
                    physical,
                    "physicalLocation",
                    &["artifactLocation"],
                    &["region"],
                );
                let artifact = object(
                    &physical["artifactLocation"],
                    "artifactLocation",
                    &["uri"],
                    &[],
                );
                // A URI reference: no spaces, no backslashes.
                let uri = artifact["uri"].as_str().unwrap();
                assert!(!uri.contains([' ', '\\', '"', '<', '>']), "{uri}");
                let region = &physical["region"];
                object(
                    region,
                    "region",
                    &["startLine"],
                    &["startColumn", "endLine", "endColumn"],
                );
                let number = |name: &str| region[name].as_u64().unwrap();
                assert!(number("startLine") >= 1 && number("startColumn") >= 1);
                let (start, end) = (
                    (number("startLine"), number("startColumn")),
                    (number("endLine"), number("endColumn")),
                );
                assert!(start <= end, "{region}");
            }
            for suppression in result["suppressions"].as_array().into_iter().flatten() {
                object(suppression, "suppression", &["kind"], &["justification"]);
                assert_eq!(suppression["kind"], "inSource");
            }
        }
    }
}

#[test]
fn sarif_is_as_its_schema_asks() {
    let mut results = 0;
    for file in [
        "expressions_leaking.sql",
        "relations.sql",
        "models.sql",
        "unseen.sql",
    ] {
        let text = std::fs::read_to_string(root().join("tests/lookahead").join(file)).unwrap();
        for case in text.split("-- case: ").skip(1) {
            let (_, body) = case.split_once('\n').unwrap();
            let Ok(script) = script::parse("a folder/script 1.sql", body.to_owned()) else {
                continue;
            };
            let sarif = checked(vec![script]).sarif();
            results += sarif["runs"][0]["results"].as_array().unwrap().len();
            is_sarif(&sarif);
        }
    }
    assert!(results > 100, "{results}");
}

#[test]
fn rules_explain_themselves() {
    for (i, rule) in RULES.iter().enumerate() {
        assert_eq!(rule.rule as usize, i);
        assert_eq!(Rule::find(rule.code), Some(rule.rule));
        assert_eq!(Rule::find(rule.name), Some(rule.rule));
        let text = rule.explain();
        assert!(text.contains("Wrong:") && text.contains("Right:"), "{text}");
    }
}

#[test]
fn a_finding_shows_where_it_is_and_how_it_gets_to_the_model() {
    let report = of_text(
        "CREATE VIEW v AS\nSELECT symbol, ts, y,\n       lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS ahead\nFROM prices;\n\
         SELECT fit(y, {'momentum': ahead}) FROM v;",
    );
    assert_eq!(
        report.text(false),
        "error[LA001]: LEAD reads a later row
 --> script.sql:3:8
  |
3 |        lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts) AS ahead
  |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = here: 2 rows ahead
  = features: momentum, of fit
  = path: close -> v.ahead -> feature 'momentum' of fit
  = why: The value is not known yet at the time of the row.
  = fix: use LAG for a feature; keep LEAD for the target

taken as known at the time of their rows, being made elsewhere: prices
1 error
"
    );
    let json = report.json();
    assert_eq!(
        json["findings"][0]["fragment"],
        "lead(close, 2) OVER (PARTITION BY symbol ORDER BY ts)"
    );
    let sarif = report.sarif();
    let region = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!(
        (region["startLine"].as_u64(), region["startColumn"].as_u64()),
        (Some(3), Some(8))
    );
    assert_eq!(
        (region["endLine"].as_u64(), region["endColumn"].as_u64()),
        (Some(3), Some(61))
    );
    let line = report.github();
    assert!(
        line.starts_with("::error file=script.sql,line=3,col=8,"),
        "{line}"
    );
}
