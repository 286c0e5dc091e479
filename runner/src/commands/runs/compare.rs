//! `lagrange runs compare`.

use serde_json::{Map, Value as Json, json};

use super::{duration, short, table};
use crate::cli::RunsCompareArgs;
use crate::error::{Result, Status};
use crate::printer::Printer;
use crate::runs::record::not_finite;
use crate::runs::{Run, Store};
use crate::settings::Settings;

/// Something that runs may differ in.
struct Line {
    group: &'static str,
    name: String,
    values: Vec<Option<Value>>,
}

enum Value {
    Text(String),
    Number(f64),
}

/// Runs the command.
pub fn compare(args: &RunsCompareArgs, printer: &Printer) -> Result<Status> {
    let settings = Settings::resolve(&args.settings)?;
    let store = Store::open(&settings);
    let runs = args
        .runs
        .iter()
        .map(|name| Ok(store.find(name)?.1))
        .collect::<Result<Vec<Run>>>()?;
    let mut lines = lines(&runs);
    if !args.all {
        lines.retain(Line::differs);
    }
    if !printer.is_text() {
        printer.result(&format!("{:#}", to_json(&runs, &lines)));
        return Ok(Status::Success);
    }
    if lines.is_empty() {
        printer.result("the runs differ in nothing but their times");
        return Ok(Status::Success);
    }
    printer.result(&text(&runs, &lines));
    Ok(Status::Success)
}

fn lines(runs: &[Run]) -> Vec<Line> {
    let mut lines = vec![
        texts("run", "status", runs, |run| {
            Some(run.status.name().to_lowercase())
        }),
        texts("run", "engine", runs, |run| {
            let version = run.engine.version.as_deref().unwrap_or_default();
            Some(format!("{} {version}", run.engine.name).trim().to_owned())
        }),
        texts("run", "lagrange", runs, |run| Some(run.lagrange.clone())),
        texts("run", "environment", runs, |run| {
            Some(run.environment.clone())
        }),
        texts("run", "commit", runs, |run| {
            let git = run.git.as_ref()?;
            let dirty = if git.dirty { " (dirty)" } else { "" };
            Some(format!("{}{dirty}", git.commit.get(..10)?))
        }),
    ];
    for file in named(runs, |run| {
        run.scripts
            .iter()
            .map(|script| script.file.clone())
            .collect()
    }) {
        lines.push(texts("script", &file, runs, |run| {
            let script = run.scripts.iter().find(|script| script.file == file)?;
            Some(script.sha256.get(..12)?.to_owned())
        }));
    }
    let names = |run: &Run| run.parameters.iter().map(|p| p.name.clone()).collect();
    for name in named(runs, names) {
        lines.push(texts("parameter", &name, runs, |run| {
            let parameter = run.parameters.iter().find(|p| p.name == name)?;
            Some(parameter.value.clone())
        }));
    }
    for name in named(runs, |run| {
        run.datasets.iter().map(|set| set.name.clone()).collect()
    }) {
        lines.push(texts("dataset", &name, runs, |run| {
            let dataset = run.datasets.iter().find(|dataset| dataset.name == name)?;
            Some(dataset.digest.get(..12)?.to_owned())
        }));
    }
    for name in named(runs, |run| {
        run.models.iter().map(|model| model.name.clone()).collect()
    }) {
        lines.push(texts("model", &name, runs, |run| {
            let model = run.models.iter().find(|model| model.name == name)?;
            Some(model.sha256.get(..12)?.to_owned())
        }));
    }
    let keys = |run: &Run| {
        let metrics = run.metrics.iter();
        metrics
            .map(|metric| (metric.key.clone(), metric.step))
            .collect::<Vec<_>>()
    };
    for (key, step) in named(runs, keys) {
        let fits = |metric: &&crate::runs::record::Metric| metric.key == key && metric.step == step;
        let values = runs
            .iter()
            .map(|run| Some(Value::Number(run.metrics.iter().find(fits)?.value)))
            .collect();
        let name = if step == 0 {
            key
        } else {
            format!("{key} [{step}]")
        };
        lines.push(Line {
            group: "metric",
            name,
            values,
        });
    }
    lines
}

/// What any of the runs has, in the order of the first that has it.
fn named<T: PartialEq>(runs: &[Run], of: impl Fn(&Run) -> Vec<T>) -> Vec<T> {
    let mut all = Vec::new();
    for name in runs.iter().flat_map(of) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

fn texts(
    group: &'static str,
    name: &str,
    runs: &[Run],
    of: impl Fn(&Run) -> Option<String>,
) -> Line {
    Line {
        group,
        name: name.to_owned(),
        values: runs.iter().map(|run| of(run).map(Value::Text)).collect(),
    }
}

impl Line {
    fn differs(&self) -> bool {
        let shown: Vec<Option<String>> = self
            .values
            .iter()
            .map(|value| {
                value.as_ref().map(|value| match value {
                    Value::Text(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                })
            })
            .collect();
        shown.windows(2).any(|pair| pair[0] != pair[1])
    }
}

fn text(runs: &[Run], lines: &[Line]) -> String {
    let mut head = vec![String::new(), String::new()];
    head.extend(runs.iter().map(|run| run.id.clone()));
    let two = runs.len() == 2;
    if two {
        head.push("difference".to_owned());
    }
    let mut took = vec!["run".to_owned(), "took".to_owned()];
    took.extend(
        runs.iter()
            .map(|run| run.seconds().map(duration).unwrap_or_default()),
    );
    let mut rows = vec![head, took];
    for line in lines {
        let mut row = vec![line.group.to_owned(), line.name.clone()];
        row.extend(line.values.iter().map(|value| match value {
            None => "-".to_owned(),
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Number(number)) => short(*number),
        }));
        if two && let [Some(Value::Number(a)), Some(Value::Number(b))] = line.values.as_slice() {
            let sign = if b > a { "+" } else { "" };
            row.push(format!("{sign}{}", short(b - a)));
        }
        rows.push(row);
    }
    let right: Vec<usize> = (2..3 + runs.len()).collect();
    table(&rows, &right)
}

fn to_json(runs: &[Run], lines: &[Line]) -> Json {
    let list: Vec<Json> = lines
        .iter()
        .map(|line| {
            let values: Map<String, Json> = runs
                .iter()
                .zip(&line.values)
                .map(|(run, value)| {
                    let value = match value {
                        None => Json::Null,
                        Some(Value::Text(text)) => Json::from(text.as_str()),
                        Some(Value::Number(number)) if number.is_finite() => Json::from(*number),
                        Some(Value::Number(number)) => Json::from(not_finite(*number)),
                    };
                    (run.id.clone(), value)
                })
                .collect();
            json!({ "group": line.group, "name": line.name, "values": values })
        })
        .collect();
    let ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
    json!({ "runs": ids, "differences": list })
}
