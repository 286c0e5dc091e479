//! Which steps run: `--select`, `--exclude`, and what those need that ends with a
//! session.

use std::collections::BTreeSet;

use crate::cli::EngineName;
use crate::error::{Error, Result, did_you_mean};
use crate::flow::{self, Flow};
use crate::parameters::Step;

/// What the command line selects.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SelectArgs {
    /// Run only the steps that make these tables; +NAME with all that they are made
    /// from, NAME+ with all that is made from them. May be repeated, or be a list.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub select: Vec<String>,

    /// Leave out the steps that make these tables; + as above.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub exclude: Vec<String>,
}

/// Which steps are selected, in their order.
///
/// # Errors
/// A name that no step makes.
pub(super) fn select(args: &SelectArgs, flows: &[Flow]) -> Result<Vec<bool>> {
    let depends = flow::dependencies(flows);
    let all = args.select.is_empty();
    let mut chosen: Vec<bool> = flows.iter().map(|flow| all || flow.session).collect();
    for name in &args.select {
        for i in named("--select", name, flows, &depends)? {
            chosen[i] = true;
        }
    }
    let mut left_out = BTreeSet::new();
    for name in &args.exclude {
        left_out.extend(named("--exclude", name, flows, &depends)?);
    }
    for i in &left_out {
        chosen[*i] = false;
    }
    // What only reads goes with what it reads.
    for i in 0..flows.len() {
        if flows[i].is_reader() {
            chosen[i] = match depends[i].is_empty() {
                true => all,
                false => depends[i].iter().all(|source| chosen[*source]),
            };
        }
    }
    Ok(chosen)
}

/// The steps of `name`, `+name`, `name+` or `+name+`.
fn named(
    flag: &str,
    text: &str,
    flows: &[Flow],
    depends: &[BTreeSet<usize>],
) -> Result<BTreeSet<usize>> {
    let name = text.trim().trim_matches('+').to_lowercase();
    let name = name.rsplit('.').next().unwrap_or(&name);
    let mut found: BTreeSet<usize> = (0..flows.len())
        .filter(|i| flows[*i].writes.contains(name))
        .collect();
    if found.is_empty() {
        let mut known: Vec<&str> = flows
            .iter()
            .flat_map(|flow| flow.writes.iter().map(String::as_str))
            .collect();
        known.sort_unstable();
        known.dedup();
        let hint = did_you_mean(name, &known).unwrap_or_else(|| match known.as_slice() {
            [] => "the scripts make no tables".to_owned(),
            _ => format!("the scripts make {}", known.join(", ")),
        });
        let message = format!("{flag} {text}: no step makes '{name}'");
        return Err(Error::usage(message).hint(hint));
    }
    let first = found.clone();
    if text.trim().starts_with('+') {
        let mut open: Vec<usize> = first.iter().copied().collect();
        while let Some(i) = open.pop() {
            open.extend(depends[i].iter().filter(|source| found.insert(**source)));
        }
    }
    if text.trim().ends_with('+') {
        let mut below = first;
        for (i, sources) in depends.iter().enumerate() {
            if sources.iter().any(|source| below.contains(source)) {
                below.insert(i);
            }
        }
        found.extend(below);
    }
    Ok(found)
}

/// The steps that a run has to do with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work<'a> {
    pub steps: &'a [Step],
    pub flows: &'a [Flow],
    pub selected: &'a [bool],
    pub engine: EngineName,
}

/// Adds to the steps that run those that they need again: what ends with the
/// session, and a table that has been changed since. `kept` are steps whose work is
/// there.
pub(super) fn complete(runs: &mut [bool], kept: &[bool], work: &Work<'_>) {
    let Work {
        steps,
        flows,
        engine,
        ..
    } = *work;
    let depends = flow::dependencies(flows);
    let volatile: Vec<bool> = steps
        .iter()
        .map(|step| flow::is_volatile(step, engine))
        .collect();
    loop {
        let mut missing = BTreeSet::new();
        for i in (0..steps.len()).filter(|i| runs[*i]) {
            for source in &depends[i] {
                let gone =
                    volatile[*source] || kept[*source] && written_again(*source, kept, runs, flows);
                if !runs[*source] && gone {
                    missing.insert(*source);
                }
            }
            // What was made of it later has to be made again, too.
            let later = (i + 1..steps.len()).filter(|later| {
                kept[*later] && !flows[i].writes.is_disjoint(&flows[*later].writes)
            });
            missing.extend(later.filter(|later| !runs[*later]));
        }
        if missing.is_empty() {
            return;
        }
        for i in missing {
            runs[i] = true;
        }
    }
}

/// Whether a later step whose work is there has changed what step `i` wrote.
fn written_again(i: usize, kept: &[bool], runs: &[bool], flows: &[Flow]) -> bool {
    (i + 1..flows.len()).any(|later| {
        (kept[later] || runs[later]) && !flows[i].writes.is_disjoint(&flows[later].writes)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{parameters, script};

    const SCRIPT: &str = "
        SET threads = 2;
        CREATE TABLE a AS SELECT 1 AS x;
        CREATE TEMP TABLE b AS SELECT * FROM a;
        CREATE TABLE c AS SELECT * FROM b;
        ASSERT (SELECT count(*) FROM c) > 0 AS 'c has rows';
        CREATE TABLE d AS SELECT * FROM c;
        SELECT 1;
        SELECT * FROM d, a;";

    fn steps(text: &str) -> Vec<Step> {
        let script = script::parse("a.sql", text.to_owned()).unwrap();
        parameters::bind(vec![script], &BTreeMap::new(), &BTreeMap::new())
            .unwrap()
            .0
    }

    fn work<'a>(steps: &'a [Step], flows: &'a [Flow]) -> Work<'a> {
        Work {
            steps,
            flows,
            selected: &[],
            engine: EngineName::DuckDb,
        }
    }

    fn chosen(chosen: &[bool]) -> String {
        (0..chosen.len())
            .filter(|i| chosen[*i])
            .map(|i| i.to_string())
            .collect()
    }

    fn selected(select: &str, exclude: &str) -> Result<String> {
        let list = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let args = SelectArgs {
            select: list(select),
            exclude: list(exclude),
        };
        select_of(&args)
    }

    fn select_of(args: &SelectArgs) -> Result<String> {
        Ok(chosen(&select(args, &flow::of(&steps(SCRIPT)))?))
    }

    #[test]
    fn steps_are_selected_by_name() {
        for (select, exclude, expected) in [
            ("", "", "01234567"),
            ("c", "", "034"),
            ("+c", "", "01234"),
            ("c+", "", "0345"),
            ("+d", "", "0123457"),
            ("a d", "", "0157"),
            ("", "d", "012346"),
            ("", "c+", "0126"),
            ("main.C", "", "034"),
        ] {
            let found = selected(select, exclude).unwrap();
            assert_eq!(found, expected, "{select} - {exclude}");
        }
        let error = selected("x", "").unwrap_err().render("error");
        assert!(error.contains("the scripts make a, b, c, d"), "{error}");
    }

    #[test]
    fn what_is_gone_is_made_again() {
        let steps_of = steps(SCRIPT);
        let flows = flow::of(&steps_of);
        let only = |i: usize| (0..steps_of.len()).map(|j| i == j).collect::<Vec<_>>();
        let mut runs = only(3);
        let kept: Vec<bool> = runs.iter().map(|runs| !runs).collect();
        complete(&mut runs, &kept, &work(&steps_of, &flows));
        assert_eq!(chosen(&runs), "23", "the temporary table");

        let steps_of = steps(
            "CREATE OR REPLACE TABLE a AS SELECT 1 AS x;
             CREATE TABLE b AS SELECT * FROM a;
             INSERT INTO a SELECT 2 AS x;
             CREATE TABLE c AS SELECT * FROM a;",
        );
        let flows = flow::of(&steps_of);
        let mut runs = vec![false, true, false, false];
        complete(
            &mut runs,
            &[true, false, true, true],
            &work(&steps_of, &flows),
        );
        assert_eq!(
            chosen(&runs),
            "012",
            "the table as it was, and then as it is"
        );
    }
}
