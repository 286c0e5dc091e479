//! `lagrange lineage`.

use crate::project::Project;

const SCRIPT: &str = "CREATE OR REPLACE TABLE features AS
WITH moves AS (
  SELECT symbol, ts, close, close / lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts) - 1 AS r FROM prices
)
SELECT symbol, ts, close, r, avg(r) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS m
FROM moves;
CREATE OR REPLACE TABLE samples AS
SELECT * FROM shift_target('features', price => 'close', horizon => 3, partition_by => 'symbol', order_by => 'ts');
CREATE OR REPLACE TABLE model AS
SELECT fit(target, {'r': r, 'm': m}) AS model FROM samples WHERE target_time < DATE '2020-01-01';
";

#[test]
fn every_column_is_led_back_to_its_sources() {
    let project = Project::with_script(SCRIPT);
    let run = project.lagrange(&["lineage", "script.sql"], &[]).success();
    assert_eq!(
        run.stdout,
        "\
features (table, script.sql:1:25)
  symbol  present  prices.symbol
  ts      present  prices.ts
  close   present  prices.close
  r       past     prices.close [-1..0]
  m       past     prices.close [-5..0]
samples (table, script.sql:7:25)
  symbol       present  prices.symbol
  ts           present  prices.ts
  close        present  prices.close
  r            past     prices.close [-1..0]
  m            past     prices.close [-5..0]
  target       future   prices.close [0..+3]  LA060
  target_time  future   prices.ts [+3]  LA060
model (table, script.sql:9:25)
  model  whole    prices.close [..]
fit of target (script.sql:10:8)
  from r, m
"
    );
}

#[test]
fn a_column_is_led_back_step_by_step() {
    let project = Project::with_script(SCRIPT);
    let run = project
        .lagrange(&["lineage", "script.sql", "--column", "samples.m"], &[])
        .success();
    assert_eq!(
        run.stdout,
        "\
samples.m
└─ features.m  avg(r) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 4 PRECEDING AN...  script.sql:5:30
   └─ moves.r [-4..0]  close / lag(close, 1) OVER (PARTITION BY symbol ORDER BY ts) - 1  script.sql:3:29
      └─ prices.close [-1..0]  outside the script
"
    );
    project
        .lagrange(
            &["lineage", "script.sql", "--column", "samples.tagret"],
            &[],
        )
        .fails(
            2,
            &[
                "no column 'samples.tagret'",
                "did you mean 'samples.target'?",
            ],
        );
    project
        .lagrange(&["lineage", "none.sql"], &[])
        .fails(2, &["script not found"]);
}

#[test]
fn programs_read_and_draw_a_lineage() {
    let project = Project::with_script(SCRIPT);
    let of = |format: &str| {
        let arguments = [
            "lineage",
            "script.sql",
            "--column",
            "features.r",
            "--format",
            format,
        ];
        project.lagrange(&arguments, &[]).success()
    };
    let json = of("json").json();
    let columns = json["columns"].as_array().unwrap();
    let r = columns
        .iter()
        .find(|c| c["relation"] == "features")
        .unwrap();
    assert_eq!(r["name"], "r");
    assert_eq!(r["class"], "past");
    assert_eq!(r["sources"][0]["name"], "prices.close");
    assert_eq!(
        (
            r["sources"][0]["from"].as_i64(),
            r["sources"][0]["to"].as_i64()
        ),
        (Some(-1), Some(0))
    );
    assert_eq!(columns.len(), 3);
    let dot = of("dot").stdout;
    assert!(
        dot.starts_with("digraph lineage {") && dot.trim_end().ends_with('}'),
        "{dot}"
    );
    assert!(
        dot.contains("label = \"prices\"") && dot.contains("[label = \"-1..0\"]"),
        "{dot}"
    );
    let mermaid = of("mermaid").stdout;
    assert!(mermaid.starts_with("flowchart LR\n"), "{mermaid}");
    assert!(
        mermaid.contains("subgraph r0[\"prices\"]") && mermaid.contains("-->|\"-1..0\"|"),
        "{mermaid}"
    );
}

#[test]
fn help_shows_examples() {
    let run = Project::new()
        .lagrange(&["lineage", "--help"], &[])
        .success();
    assert!(
        run.stdout
            .contains("lagrange lineage sql/features.sql sql/train.sql --column samples.target")
    );
}
