//! `time_folds`.

use super::entity_order::{ORDER_BY, PARTITION_BY};
use super::feature_rows::unnested;
use super::label_spans::{HORIZON, LABEL_END, LabelSpans};
use super::lag_features::refuse_existing;
use super::lagrange_time_folds::FIELDS;
use crate::call::{Call, Literal, quote_text};
use crate::definition::{Argument, Category, Kind, Signature, Table};
use crate::error::{Error, Result};
use crate::value::Type;

/// The name, for the messages of the kernel too.
pub const NAME: &str = "time_folds";

/// See the signature.
pub struct TimeFolds;

static SIGNATURE: Signature = Signature {
    name: NAME,
    aliases: &[],
    category: Category::Alignment,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        Argument::required(
            "scheme",
            Kind::Text,
            "walk_forward: each fold tests what follows its training; purged_kfold: each of `folds` segments is tested on \
             the others; cpcv: each choice of `tested` of `folds` segments is tested on the others; holdout: one fold of \
             training, validation and test",
        ),
        PARTITION_BY,
        ORDER_BY,
        Argument::optional(
            "folds",
            Kind::Integer,
            "NULL",
            "walk_forward: how many folds (5, or as many as `train_size` and `test_size` allow); purged_kfold, cpcv: how \
             many segments (5, 6), at least 2",
        ),
        HORIZON,
        LABEL_END,
        Argument::optional(
            "embargo",
            Kind::Integer,
            "NULL",
            "purged_kfold, cpcv: distinct times after the labels of a test segment that do not train either",
        ),
        Argument::optional(
            "embargo_share",
            Kind::Double,
            "NULL",
            "the same as a share of all distinct times, from 0 to 1, rounded up",
        ),
        Argument::optional(
            "embargo_interval",
            Kind::Text,
            "NULL",
            "the same as a span of time: text such as '5 days' where times are dates or timestamps, a number where they \
             are numbers",
        ),
        Argument::optional(
            "tested",
            Kind::Integer,
            "NULL",
            "cpcv: how many segments a fold tests (2), at least 1",
        ),
        Argument::optional(
            "train_size",
            Kind::Integer,
            "NULL",
            "walk_forward: distinct times of the first training and, where it rolls, of every training",
        ),
        Argument::optional(
            "test_size",
            Kind::Integer,
            "NULL",
            "walk_forward: distinct times of a test; NULL: equal parts",
        ),
        Argument::optional(
            "step",
            Kind::Integer,
            "NULL",
            "walk_forward: distinct times from one test to the next; NULL: `test_size`",
        ),
        Argument::optional(
            "gap",
            Kind::Integer,
            "NULL",
            "walk_forward: distinct times right before the test that do not train, whatever their labels",
        ),
        Argument::optional(
            "training",
            Kind::Text,
            "NULL",
            "walk_forward: expanding (all that lies before) or rolling (always as many times as at first)",
        ),
        Argument::optional(
            "validation_start",
            Kind::Time,
            "NULL",
            "holdout: when validation begins; NULL: none, or by share",
        ),
        Argument::optional(
            "test_start",
            Kind::Time,
            "NULL",
            "holdout: when the test begins; NULL: by share",
        ),
        Argument::optional(
            "validation_share",
            Kind::Double,
            "NULL",
            "holdout: the share of distinct times before the test that validate, from 0 to 1 (0)",
        ),
        Argument::optional(
            "test_share",
            Kind::Double,
            "NULL",
            "holdout: the share of distinct times that is tested, from 0 to 1 (0.2)",
        ),
        Argument::optional(
            "purge",
            Kind::Flag,
            "true",
            "false: labels are taken to end with their own rows, and nothing is purged",
        ),
        Argument::optional(
            "output",
            Kind::Text,
            "'intervals'",
            "intervals: a row per fold and run of rows that do the same; rows: a row per fold and row of `tbl`",
        ),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "A row whose label has no known end (the last `horizon` rows of an entity, NULL in `label_end`) is `unused` \
            in every fold. A NULL time is an error. A relation without rows gives none.",
    docs: "Folds by time that do not leak: which rows train, validate and test, and why others do not.\n\n\
           Time is cut at distinct times that have a label, never at row numbers: rows of one time, such as the symbols \
           of a panel, always fall on the same side, and gaps in time do no harm. A row's label spans the closed interval from \
           its own time to the label's end. For each held segment (tests, and validation) a row that would train is \
           purged if it starts no later than the latest label of the segment ends and its own label ends no earlier \
           than the segment begins; touching is overlapping (López de Prado, Advances in Financial Machine Learning, \
           2018, section 7.4). The embargo begins where that latest label ends and stops with the data. Validation rows \
           whose labels reach the test are purged as well.\n\n\
           The end of labels is `horizon`, `label_end`, or the columns `target_time` and `target_end` that \
           shift_target and prepare_training_data write, the later of the two; a horizon or an end before what is \
           recorded is an error, since less would be purged than the target needs. Nothing at all is an error too, unless `purge` is false.\n\n\
           - walk_forward: without sizes, equal parts, one more than folds, the first of which only trains. With \
           `test_size`, tests follow each other every `step` times: the first after `train_size` and `gap`, or so that \
           `folds` tests end with the data. The last test may be shorter.\n\
           - purged_kfold: segments whose lengths differ by at most one time; all times are tested.\n\
           - cpcv: C(folds, tested) folds in lexicographic order, whose tests make C(folds, tested) · tested / folds \
           backtest paths, each of which tests every segment once (section 12.4): `path` says which.\n\n\
           Returns, per fold and interval, `fold`, `path`, `segment` (BIGINT: of the segment that is tested or that a \
           row is kept away from), `role` (train, validation, test, purged, embargoed, unused), `reason` (VARCHAR), \
           `t0`, the first time of its rows, `t1`, the last time of `tbl` that one of their labels reaches, \
           `last_time`, the last time of its rows, and `rows` (BIGINT). Each row of `tbl` has one role per fold. With \
           `output => 'rows'`: every column of `tbl`, then `fold`, `path`, `segment`, `role`, `reason`, and `t0` and \
           `t1`, the row's label; group it by fold to fit a model per fold. Too little data for the scheme, and a fold \
           without training or test rows, are errors. This shows that nothing overlaps (0):\n\n\
           SELECT count(*) FROM folds AS a JOIN folds AS b ON a.fold = b.fold AND a.role = 'train' \
           AND b.role IN ('validation', 'test') AND a.t0 <= b.t1 AND a.t1 >= b.t0\n\n\
           Keeps 8 bytes per row.",
    example: "SELECT fold, role, reason, t0, t1, rows FROM time_folds(\
              '(SELECT i AS t, i * 2 AS x FROM range(12) r(i))', 'purged_kfold', NULL, 't', 3, 2) ORDER BY fold, t0, role",
};

/// The schemes and the arguments that only some of them take.
const SCHEMES: &[&str] = &["walk_forward", "purged_kfold", "cpcv", "holdout"];
const TAKEN_BY: &[(&str, &[&str])] = &[
    ("folds", &["walk_forward", "purged_kfold", "cpcv"]),
    ("embargo", &["purged_kfold", "cpcv"]),
    ("embargo_share", &["purged_kfold", "cpcv"]),
    ("embargo_interval", &["purged_kfold", "cpcv"]),
    ("tested", &["cpcv"]),
    ("train_size", &["walk_forward"]),
    ("test_size", &["walk_forward"]),
    ("step", &["walk_forward"]),
    ("gap", &["walk_forward"]),
    ("training", &["walk_forward"]),
    ("validation_start", &["holdout"]),
    ("test_start", &["holdout"]),
    ("validation_share", &["holdout"]),
    ("test_share", &["holdout"]),
];

/// The columns that rows gain.
const GAINED: &[&str] = &["fold", "path", "segment", "role", "reason", "t0", "t1"];

impl Table for TimeFolds {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let scheme = call.choice("scheme", SCHEMES)?;
        refuse_foreign(call, scheme)?;
        let by_row = call.choice("output", &["intervals", "rows"])? == "rows";
        let options = options(call, scheme)?;
        let embargo = embargo_interval(call)?;
        let part = part(call, scheme)?;
        let spans = LabelSpans::of(call, call.flag("purge")?)?;

        let kept = if by_row {
            for name in GAINED {
                refuse_existing(call, name)?;
            }
            vec![spans.star(call)]
        } else {
            Vec::new()
        };
        let positions = spans.positions(call, &kept, embargo.as_deref(), &part);
        let fields: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        let aggregate = format!(
            "lagrange_time_folds(lagrange_start, lagrange_stop, lagrange_reach, lagrange_part, {options})"
        );
        let found = unnested(&fields, &aggregate, "lagrange_positions");
        let result = if by_row {
            rows_of_folds(&spans)
        } else {
            INTERVALS.to_owned()
        };
        Ok(format!(
            "WITH {positions}, lagrange_folds AS ({found}) {result}"
        ))
    }
}

/// Each fold's intervals, positions as times.
const INTERVALS: &str = "SELECT fold, path, segment, role, reason, lagrange_first.lagrange_time AS t0, \
     lagrange_reached.lagrange_time AS t1, lagrange_last.lagrange_time AS last_time, \"rows\" \
     FROM lagrange_folds \
     JOIN lagrange_times AS lagrange_first ON found_first = lagrange_first.lagrange_position \
     JOIN lagrange_times AS lagrange_last ON found_last = lagrange_last.lagrange_position \
     LEFT JOIN lagrange_times AS lagrange_reached ON found_end = lagrange_reached.lagrange_position";

/// Each fold's rows.
fn rows_of_folds(spans: &LabelSpans) -> String {
    format!(
        "SELECT lagrange_positions.* EXCLUDE ({}), fold, path, segment, role, reason, lagrange_time AS t0, lagrange_end AS t1 \
         FROM lagrange_positions JOIN lagrange_folds \
         ON lagrange_start BETWEEN first_start AND last_start AND lagrange_stop BETWEEN first_end AND last_end",
        spans.added().join(", ")
    )
}

/// An argument that the scheme has no use for was meant for another.
fn refuse_foreign(call: &Call<'_>, scheme: &str) -> Result<()> {
    for (argument, schemes) in TAKEN_BY {
        let given = call.literal(argument);
        if *given != Literal::Null && !schemes.contains(&scheme) {
            let fix = format!(
                "it is of {}, and the scheme is {scheme}",
                schemes.join(", ")
            );
            return Err(Error::argument(NAME, *argument, given, fix));
        }
    }
    let alone = |names: &[&'static str]| {
        let given: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| *call.literal(name) != Literal::Null)
            .collect();
        match given.as_slice() {
            [first, second, ..] => Err(Error::argument(
                NAME,
                *second,
                call.literal(second),
                format!("pass either {first} or {second}"),
            )),
            _ => Ok(()),
        }
    };
    alone(&["embargo", "embargo_share", "embargo_interval"])?;
    alone(&["test_start", "test_share"])?;
    alone(&["validation_start", "validation_share"])?;
    alone(&["test_start", "validation_share"])?;
    alone(&["validation_start", "test_share"])?;
    let needs = |argument: &'static str, other: &str| match call.literal(other) {
        Literal::Null if *call.literal(argument) != Literal::Null => Err(Error::argument(
            NAME,
            argument,
            call.literal(argument),
            format!("pass {other} as well"),
        )),
        _ => Ok(()),
    };
    needs("step", "test_size")?;
    needs("validation_start", "test_start")
}

/// The options of the kernel, as a struct.
fn options(call: &Call<'_>, scheme: &str) -> Result<String> {
    let mut fields = vec![format!("'scheme': '{scheme}'")];
    let least = |name: &str| match name {
        "folds" if scheme == "walk_forward" => 1,
        "folds" => 2,
        "gap" | "embargo" => 0,
        _ => 1,
    };
    for name in [
        "folds",
        "tested",
        "train_size",
        "test_size",
        "step",
        "gap",
        "embargo",
    ] {
        if *call.literal(name) != Literal::Null {
            let value = call.integer(name, least(name))?;
            if value > i64::from(u32::MAX) {
                let fix = format!("pass at most {}", u32::MAX);
                return Err(Error::argument(NAME, name, value, fix));
            }
            fields.push(format!("'{name}': {value}"));
        }
    }
    for name in ["embargo_share", "validation_share", "test_share"] {
        if *call.literal(name) != Literal::Null {
            fields.push(format!("'{name}': {:?}", call.double(name, 0.0, 1.0)?));
        } else if name == "test_share" {
            fields.push("'test_share': 0.2".to_owned());
        }
    }
    if *call.literal("training") != Literal::Null {
        let rolling = call.choice("training", &["expanding", "rolling"])? == "rolling";
        fields.push(format!("'rolling': {rolling}"));
    }
    Ok(format!("{{{}}}", fields.join(", ")))
}

/// The embargo as what is added to a time.
fn embargo_interval(call: &Call<'_>) -> Result<Option<String>> {
    match call.literal("embargo_interval") {
        Literal::Null => Ok(None),
        Literal::Text(text) => Ok(Some(format!("INTERVAL {}", quote_text(text)))),
        Literal::Integer(value) if *value >= 0 => Ok(Some(value.to_string())),
        Literal::Double(value) if value.is_finite() && *value >= 0.0 => {
            Ok(Some(format!("{value:?}")))
        }
        given => {
            let fix =
                "pass text such as '5 days', or a number of at least 0 where times are numbers";
            Err(Error::argument(NAME, "embargo_interval", given, fix))
        }
    }
}

/// The part of a hold-out that a row lies in by time: 0, 1 or 2.
fn part(call: &Call<'_>, scheme: &str) -> Result<String> {
    let (validation, test) = (call.time("validation_start")?, call.time("test_start")?);
    Ok(match (scheme, validation, test) {
        ("holdout", None, Some(test)) => {
            format!("CASE WHEN lagrange_rows.lagrange_time >= {test} THEN 2 ELSE 0 END")
        }
        ("holdout", Some(validation), Some(test)) => format!(
            "CASE WHEN lagrange_rows.lagrange_time >= {test} THEN 2 \
             WHEN lagrange_rows.lagrange_time >= {validation} THEN 1 ELSE 0 END"
        ),
        _ => "NULL".to_owned(),
    })
}
