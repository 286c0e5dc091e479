//! `select_features`.

use super::entity_order::{EntityOrder, ORDER_BY, PARTITION_BY};
use super::feature_rows::{EXCLUDE, FEATURES, FeatureRows, unnested};
use super::feature_selection::{
    CRITERIA, DEFAULT_FILTERS, FIELDS, MEASURES, METHODS, METRICS, SCHEMES, checked_filters,
    is_pattern_feature,
};
use super::prepare_training_data::PREFIX;
use crate::call::{Call, Literal, quote_name, quote_text};
use crate::definition::{Argument, Category, Kind, Signature, Table};
use crate::error::{Error, Result};
use crate::statistics::selection::filter;
use crate::value::Type;

/// See the signature.
pub struct SelectFeatures;

static SIGNATURE: Signature = Signature {
    name: "select_features",
    aliases: &[],
    category: Category::Screening,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        Argument::required(
            "target",
            Kind::ColumnName,
            "what the features are chosen for; rows in which it is NULL are left out",
        ),
        FEATURES,
        EXCLUDE,
        ORDER_BY,
        PARTITION_BY,
        Argument::optional(
            "method",
            Kind::Text,
            "'mrmr'",
            "filter, mrmr, boruta or forward",
        ),
        Argument::optional(
            "k",
            Kind::Integer,
            "10",
            "mrmr, forward, the filter relevance: features selected, at most",
        ),
        Argument::optional(
            "horizon",
            Kind::Integer,
            "1",
            "rows of the entity that the target looks ahead: where its label ends; the last rows, whose label has no end yet, are left out",
        ),
        Argument::optional("folds", Kind::Integer, "5", "forward: test segments"),
        Argument::optional(
            "scheme",
            Kind::Text,
            "'purged_kfold'",
            "forward: purged_kfold or walk_forward",
        ),
        Argument::optional(
            "embargo",
            Kind::Integer,
            "0",
            "forward: distinct times after a test segment's last label on which no row trains",
        ),
        Argument::optional(
            "alpha",
            Kind::Double,
            "0",
            "forward: penalty of ridge on standardised features; 0 is least squares",
        ),
        Argument::optional(
            "metric",
            Kind::Text,
            "'ic'",
            "forward: ic (correlation of prediction and target) or r2",
        ),
        Argument::optional(
            "min_gain",
            Kind::Double,
            "0",
            "forward: a feature is added if the mean score grows by more than this",
        ),
        Argument::optional(
            "criterion",
            Kind::Text,
            "'mid'",
            "mrmr: mid (relevance less redundancy) or miq (relevance over redundancy)",
        ),
        Argument::optional(
            "measure",
            Kind::Text,
            "'correlation'",
            "mrmr: correlation (absolute) or mutual_information",
        ),
        Argument::optional(
            "bins",
            Kind::Integer,
            "10",
            "mrmr with mutual_information: equal-frequency bins, 2 to 250",
        ),
        Argument::optional(
            "filters",
            Kind::Text,
            "'missing,constant,correlation'",
            "filter: any of missing, constant, duplicate, correlation, relevance in the order to apply, as a list or with commas",
        ),
        Argument::optional(
            "max_missing",
            Kind::Double,
            "0.35",
            "filter, forward: the largest share of missing rows that a feature may have",
        ),
        Argument::optional(
            "max_correlation",
            Kind::Double,
            "0.8",
            "filter: the absolute correlation with a more relevant feature that one may have; forward: above it, redundant_with names a selected feature",
        ),
        Argument::optional("iterations", Kind::Integer, "100", "boruta: at most"),
        Argument::optional(
            "significance",
            Kind::Double,
            "0.05",
            "boruta: the level of its tests",
        ),
        Argument::optional(
            "block",
            Kind::Integer,
            "1",
            "boruta: consecutive rows in the order of time (all entities together) that stay together in a shadow; pass more than the features' memory where they are autocorrelated",
        ),
        Argument::optional("trees", Kind::Integer, "100", "boruta: of a forest"),
        Argument::optional(
            "depth",
            Kind::Integer,
            "7",
            "boruta: splits from a tree's root to a leaf, at most 30",
        ),
        Argument::optional(
            "tree_rows",
            Kind::Integer,
            "20000",
            "boruta: rows drawn for a tree, at most",
        ),
        Argument::optional(
            "train_end",
            Kind::Text,
            "NULL",
            "rows whose label ends after this time are left out; NULL: none",
        ),
        Argument::optional("seed", Kind::Integer, "42", "boruta"),
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "Rows without target, or whose label has no end, are left out. mrmr and filter use the rows in which both columns \
            of a pair are present; boruta treats missing as a value below all others; forward uses rows in which every \
            candidate is present. Infinity is an error.",
    docs: "Which features the next model should use, and why not the others.\n\n\
           Returns one row per candidate, the selected ones in their order, then the others in the order of the columns: \
           `step` (BIGINT, the place in the order of selection from 1, NULL if not selected), `feature` (VARCHAR), \
           `selected` (BOOLEAN), `criterion` (VARCHAR, what `score` is), `score` and `score_std` (DOUBLE), `redundant_with` \
           (VARCHAR, the feature that makes it redundant or NULL), `n` (BIGINT, rows used) and `status` (VARCHAR, ok or why it was \
           not selected). No rows give no result; one row, a constant target or no known label give rows with a `status`, \
           none selected, except that the method filter needs no target. Ties go to the column that comes first.\n\n\
           Columns that begin with base_w are pattern features, from which targets are made: they are no candidates, and \
           naming one is an error. Other targets in the relation, such as the target_ columns of prepare_training_data, \
           must be kept out with `exclude`. All methods see only rows whose label ends by `train_end`, if that is given.\n\n\
           filter: a chain. missing drops a share of missing rows above `max_missing` (score: the share), constant a \
           column of one value (its variance, 0), duplicate a column equal to an earlier one (1), correlation one whose |r| with a \
           more relevant one that is kept exceeds `max_correlation` (|r|), relevance all but the `k` most relevant. Relevance \
           is |r| with the target, the score of the features left, and orders them.\n\n\
           mrmr: chooses one by one the feature with the best difference or quotient of its relevance and its mean redundancy with \
           those chosen, by |r| or mutual information (nats); the first by relevance alone. A redundancy below 0.001 counts as \
           that in a quotient. `score` is that of its step, for others what the next step would give; `redundant_with` is \
           the selected feature with which it shares more than with the target. Peng, Long and Ding, IEEE PAMI 27 (2005); \
           with |r| in place of the F statistic, which has another scale, Ding and Peng, JBCB 3 (2005).\n\n\
           boruta: `score` is the share of iterations in which a feature's gain in a random forest exceeds that of every shuffled \
           copy; accepted and rejected by binomial tails, with Benjamini and Hochberg across features and \
           `significance` / iteration within one; ordered by gain. Kursa and Rudnicki, J. Statistical Software 36 (2010).\n\n\
           forward: adds the feature that most improves the mean out-of-fold score of a linear model until none does. `score` is \
           the mean score with the feature added, for others what the next step would give, `score_std` its deviation over \
           folds, `redundant_with` the selected feature with the largest |r| above `max_correlation`. To begin with, ic is 0 and \
           r2 that of the training mean. A training row whose label meets a test segment's is purged. Folds in which the target is \
           constant do not count; an empty training set is an error. Hastie, Tibshirani and Friedman, The Elements of Statistical \
           Learning, 2nd ed., section 3.3.2; López de Prado, Advances in Financial Machine Learning, section 7.4.\n\n\
           Keeps 8 bytes per value; mrmr, forward and the filter correlation a few matrices of features × features besides.",
    example: "SELECT step, feature, selected FROM select_features(\
              '(SELECT i AS t, i % 7 AS a, i % 3 AS b, i % 11 AS c, 2 * (i % 7) + (i % 3) AS y FROM range(200) r(i))', \
              'y', NULL, NULL, 't', NULL, 'mrmr', 2) ORDER BY step, feature",
};

impl Table for SelectFeatures {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let target = call.column("target")?.ok_or_else(|| {
            Error::argument(call.function(), "target", "NULL", "pass the target column")
        })?;
        let order = EntityOrder::of(call)?;
        let horizon = call.integer("horizon", 1)?;
        let options = options(call)?;
        refuse_pattern_features(call)?;
        let mut others = vec![target.clone()];
        others.extend(call.columns("order_by")?.unwrap_or_default());
        others.extend(call.columns("partition_by")?.unwrap_or_default());
        let never = format!("{PREFIX}*");
        let rows = FeatureRows::without(call, &others, &[&never])?;

        let target = known_target(call, &order, &quote_name(&target), horizon)?;
        let times = order.order.join(", ");
        let by_time = [times.as_str()].into_iter();
        let by_time: Vec<&str> = by_time
            .chain(order.partition.iter().map(String::as_str))
            .collect();
        let start = format!("dense_rank() OVER (ORDER BY {times})");
        let position = format!("row_number() OVER (ORDER BY {})", by_time.join(", "));
        let entities: Vec<String> = (0..order.partition.len())
            .map(|i| format!("lagrange_entity_{i}"))
            .collect();
        let mut beside = vec![
            (target.as_str(), "lagrange_target"),
            (start.as_str(), "lagrange_start"),
            (position.as_str(), "lagrange_position"),
        ];
        let named = order.partition.iter().zip(&entities);
        beside.extend(named.map(|(column, name)| (column.as_str(), name.as_str())));
        let entity = match entities.as_slice() {
            [] => String::new(),
            entities => format!("PARTITION BY {} ", entities.join(", ")),
        };
        let select = unnested(
            FIELDS,
            &format!(
                "lagrange_select(lagrange_target, lagrange_start, lagrange_end, lagrange_position, {}, \
                 {{'non_numeric': '{}', {options}}})",
                rows.features, rows.non_numeric
            ),
            "lagrange_rows",
        );
        // A label ends at the time of a later row, so the place of that time is
        // the place of that row.
        Ok(format!(
            "WITH lagrange_timed AS ({timed}), \
             lagrange_rows AS (SELECT *, lead(lagrange_start, {horizon}) OVER ({entity}ORDER BY lagrange_start) \
             AS lagrange_end FROM lagrange_timed) {select}",
            timed = rows.rows(&beside, &format!("QUALIFY {}", order.check(call))),
        ))
    }
}

/// The target of rows whose label ends by `train_end`.
fn known_target(
    call: &Call<'_>,
    order: &EntityOrder,
    target: &str,
    horizon: i64,
) -> Result<String> {
    let wrong = |fix: &str| {
        let value = call.literal("train_end");
        Err(Error::argument(call.function(), "train_end", value, fix))
    };
    let train_end = match call.literal("train_end") {
        Literal::Null => return Ok(target.to_owned()),
        // Compared as a number, a time that is one has its own order.
        Literal::Text(text) if text.parse::<f64>().is_ok_and(f64::is_finite) => text.clone(),
        Literal::Text(text) => quote_text(text),
        number @ (Literal::Integer(_) | Literal::Double(_)) => number.to_string(),
        _ => return wrong("pass a time as text"),
    };
    match order.order.as_slice() {
        [time] => Ok(format!(
            "CASE WHEN lead({time}, {horizon}) OVER ({}) <= {train_end} THEN {target} END",
            order.window()
        )),
        _ => wrong("it needs one order_by column"),
    }
}

fn refuse_pattern_features(call: &Call<'_>) -> Result<()> {
    let wanted = call.patterns("features")?.unwrap_or_default();
    match wanted.iter().find(|name| is_pattern_feature(name)) {
        None => Ok(()),
        Some(name) => Err(Error::argument(
            call.function(),
            "features",
            quote_text(name),
            format!(
                "columns that begin with {PREFIX} are what targets are made of; leave them out"
            ),
        )),
    }
}

/// The inside of the options of the aggregate.
fn options(call: &Call<'_>) -> Result<String> {
    let text = |name: &str, words: &[&'static str]| {
        let word = call.choice(name, words)?;
        Ok(format!("'{name}': '{word}'"))
    };
    let integer = |name: &str, least: i64, most: i64| match call.integer(name, least)? {
        value if value <= most => Ok(format!("'{name}': {value}")),
        value => Err(Error::argument(
            call.function(),
            name,
            value,
            format!("pass at most {most}"),
        )),
    };
    let number = |name: &str, least: f64, most: f64| {
        let value = call.double(name, least, most)?;
        Ok(format!("'{name}': {value:?}"))
    };
    let filters = format!("'filters': '{}'", filters(call)?);
    let keys: Vec<Result<String>> = vec![
        text("method", METHODS),
        integer("k", 1, i64::MAX),
        Ok(filters),
        number("max_missing", 0.0, 1.0),
        number("max_correlation", 0.0, 1.0),
        text("criterion", CRITERIA),
        text("measure", MEASURES),
        integer("bins", 2, 250),
        integer("iterations", 1, 10_000),
        number("significance", 1e-12, 0.5),
        integer("block", 1, 1_000_000_000),
        integer("trees", 1, 10_000),
        integer("depth", 1, 30),
        integer("tree_rows", 10, 1_000_000_000),
        integer("seed", 0, i64::MAX),
        integer("folds", 1, 1_000),
        text("scheme", SCHEMES),
        integer("embargo", 0, 1_000_000_000),
        number("alpha", 0.0, 1e300),
        text("metric", METRICS),
        number("min_gain", 0.0, 1e300),
    ];
    let keys: Vec<String> = keys.into_iter().collect::<Result<_>>()?;
    Ok(keys.join(", "))
}

/// Names of filters with commas between.
fn filters(call: &Call<'_>) -> Result<String> {
    let wrong = || {
        Error::argument(
            call.function(),
            "filters",
            call.literal("filters"),
            format!("pass any of {}, each once", filter::NAMES.join(", ")),
        )
    };
    let names: Vec<&str> = match call.literal("filters") {
        Literal::Null => DEFAULT_FILTERS.split(',').collect(),
        Literal::Text(text) => text.split(',').map(str::trim).collect(),
        Literal::List(list) if !list.is_empty() => list
            .iter()
            .map(|name| match name {
                Literal::Text(name) => Ok(name.as_str()),
                _ => Err(wrong()),
            })
            .collect::<Result<_>>()?,
        _ => return Err(wrong()),
    };
    Ok(checked_filters(call.function(), &names)?.join(","))
}

#[cfg(test)]
mod tests {
    use super::{SIGNATURE, SelectFeatures};
    use crate::call::{Call, Literal, SourceColumn, Target};
    use crate::definition::Table;
    use crate::error::Result;

    fn text(text: &str) -> Literal {
        Literal::Text(text.to_owned())
    }

    fn sql(target: Target<'_>, named: &[(&str, Literal)]) -> Result<String> {
        let mut arguments = vec![
            ("order_by".to_owned(), text("ts")),
            ("partition_by".to_owned(), text("sym")),
        ];
        arguments.extend(
            named
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        let positional = vec![text("t"), text("y")];
        SelectFeatures.sql(&Call::resolve(&SIGNATURE, positional, arguments, target)?)
    }

    #[test]
    fn both_engines_get_the_label_end_as_a_place_in_time() {
        let columns = ["sym", "ts", "y", "a", "base_w20_s2_up"].map(|name| SourceColumn {
            name: name.to_owned(),
            numeric: name != "sym",
        });
        let datafusion = sql(
            Target::DataFusion(&columns),
            &[("horizon", Literal::Integer(3))],
        );
        let datafusion = datafusion.unwrap();
        assert!(datafusion.contains(
            "SELECT \"a\", \"y\" AS lagrange_target, dense_rank() OVER (ORDER BY \"ts\") AS lagrange_start, \
             row_number() OVER (ORDER BY \"ts\", \"sym\") AS lagrange_position, \"sym\" AS lagrange_entity_0 FROM \"t\" QUALIFY"
        ));
        assert!(datafusion.contains(
            "lead(lagrange_start, 3) OVER (PARTITION BY lagrange_entity_0 ORDER BY lagrange_start) AS lagrange_end"
        ));
        assert!(
            datafusion.contains(
                "lagrange_position, {'a': \"a\"}, {'non_numeric': 'skip', 'method': 'mrmr'"
            )
        );
        let duckdb = sql(Target::DuckDb, &[]).unwrap();
        assert!(duckdb.contains(
            "NOT (lower(c) GLOB 'base_w*') AND \
             NOT (lower(c) GLOB 'y' OR lower(c) GLOB 'ts' OR lower(c) GLOB 'sym')"
        ));
        assert!(duckdb.contains("lagrange_position, lagrange_rows, {"));
    }

    #[test]
    fn train_end_compares_as_a_time_or_a_number() {
        let with = |value| sql(Target::DuckDb, &[("train_end", value)]).unwrap();
        let begin = "CASE WHEN lead(\"ts\", 1) OVER (PARTITION BY \"sym\" ORDER BY \"ts\") <= ";
        assert!(with(text("2024-06-30")).contains(&format!("{begin}'2024-06-30' THEN \"y\" END")));
        assert!(with(text("90")).contains(&format!("{begin}90 THEN")));
        assert!(with(Literal::Integer(90)).contains(&format!("{begin}90 THEN")));
    }

    #[test]
    fn wrong_arguments_are_named() {
        let message = |name: &str, value| {
            let error = sql(Target::DuckDb, &[(name, value)]).unwrap_err();
            error.to_string()
        };
        assert!(
            message("method", text("lasso")).contains("pass one of filter, mrmr, boruta, forward")
        );
        assert!(
            message("filters", text("missing, corr"))
                .contains("argument 'filters' is 'corr'; pass any of missing,")
        );
        let twice = Literal::List(vec![text("missing"), text("missing")]);
        assert!(message("filters", twice).contains("each once"));
        assert!(message("filters", Literal::List(Vec::new())).contains("argument 'filters' is []"));
        let pattern = text("base_w20_s2_x");
        assert!(message("features", pattern).contains("columns that begin with base_w"));
        assert!(
            message("bins", Literal::Integer(300))
                .contains("argument 'bins' is 300; pass at most 250")
        );
        assert!(message("max_missing", Literal::Double(35.0)).contains("from 0 to 1"));
    }

    #[test]
    fn filters_may_be_a_list() {
        let list = Literal::List(vec![text("Constant"), text("relevance")]);
        let sql = sql(Target::DuckDb, &[("filters", list)]).unwrap();
        assert!(sql.contains("'filters': 'constant,relevance'"));
    }
}
