//! `feature_importance`.

use serde_json::{Map, Value as Json};

use super::entity_order::{EntityOrder, ORDER_BY, PARTITION_BY};
use super::feature_rows::{EXCLUDE, FEATURES, FeatureRows, unnested};
use super::fit::checked_options;
use super::lagrange_importance::FIELDS;
use crate::call::{Call, quote_name, quote_text};
use crate::definition::{Argument, Category, Kind, Signature, Table};
use crate::error::{Error, Result};
use crate::models::algorithms;
use crate::models::importance::{Learner, Method, learner};
use crate::value::Type;

/// See the signature.
pub struct FeatureImportance;

static SIGNATURE: Signature = Signature {
    name: "feature_importance",
    aliases: &[],
    category: Category::Importance,
    arguments: &[
        Argument::required("tbl", Kind::Relation, "the rows, in any order"),
        Argument::required("target", Kind::ColumnName, "what the models predict"),
        FEATURES,
        ORDER_BY,
        PARTITION_BY,
        Argument::optional(
            "method",
            Kind::Texts,
            "NULL",
            "one or more of permutation, coefficient, single_feature, shap, gain, split, cover; NULL: permutation and, as \
             far as the algorithm has it, coefficient or gain",
        ),
        Argument::optional(
            "scheme",
            Kind::Text,
            "'walk_forward'",
            "walk_forward: each fold trains on what lies before it; purged_kfold: on what lies before and after it",
        ),
        Argument::optional(
            "folds",
            Kind::Integer,
            "5",
            "how many segments of time are tested, at least 1 (purged_kfold: 2)",
        ),
        Argument::optional(
            "horizon",
            Kind::Integer,
            "1",
            "rows of the entity that the target looks ahead, at least 1; training rows whose label overlaps one of \
             the test are purged",
        ),
        Argument::optional(
            "embargo",
            Kind::Integer,
            "0",
            "distinct times after a test segment (and its labels) that do not train either, for purged_kfold",
        ),
        Argument::optional(
            "algorithm",
            Kind::Text,
            "'ridge'",
            "as of fit, such as ols, ridge, gbdt, random_forest",
        ),
        Argument::optional(
            "options",
            Kind::Options,
            "NULL",
            "of the algorithm, as of fit: {'alpha': 10.0} or {'trees': 200, 'max_leaves': 15}",
        ),
        Argument::optional(
            "metric",
            Kind::Text,
            "'mse'",
            "of permutation and single_feature: mse, ic",
        ),
        Argument::optional(
            "repeats",
            Kind::Integer,
            "5",
            "permutations per fold and feature",
        ),
        Argument::optional(
            "block",
            Kind::Integer,
            "1",
            "consecutive rows of an entity that stay together in a permutation; take more than the horizon where \
             features are autocorrelated",
        ),
        Argument::optional(
            "clusters",
            Kind::Flag,
            "false",
            "whether features that say the same are measured together",
        ),
        Argument::optional(
            "max_correlation",
            Kind::Double,
            "0.8",
            "|correlation| above which they do, from 0 to 1",
        ),
        Argument::optional("seed", Kind::Integer, "42", "of the permutations"),
        EXCLUDE,
    ],
    options: &[],
    returns: Type::Rows(&[]),
    nulls: "Rows in which the target or a feature is NULL or NaN are left out of all folds and counted as skipped, as \
            are the last `horizon` rows of each entity, whose labels end at no known time. A feature without any value \
            is left out instead, and says so. Infinity is an error that names the feature.",
    docs: "Which features a model uses, measured on purged folds.\n\n\
           The distinct times of the complete rows are cut into segments, rows of one time staying together whatever \
           their entity. A row's label spans its own time to that of the entity's row `horizon` later; a row trains a \
           fold only if its label does not touch the labels of the fold's test rows (López de Prado, Advances in \
           Financial Machine Learning, 2018, section 7.4). `walk_forward` cuts folds + 1 segments, the first of which \
           only trains. Each fold fits one model; a fold without training rows is left out.\n\n\
           Methods:\n\
           - permutation: how much worse the fold's test rows are predicted when the feature is shuffled in them, mean of \
           `repeats`. mse: the mean squared error relative to the unshuffled one, less 1; ic: the correlation of \
           prediction and target less the shuffled one (Breiman 2001, section 10).\n\
           - coefficient: standard deviations of the target per standard deviation of the feature, signed, in the \
           fold's training rows.\n\
           - single_feature: a model of the feature alone, on the test rows: R² (mse) or correlation (ic) of its \
           predictions.\n\
           - shap: mean |Shapley value| over the test rows, in units of the target; of a linear model the value is \
           coefficient times feature less its training mean (Lundberg and Lee 2017, corollary 1), of trees that of \
           explain_predict.\n\
           - gain, split, cover: what the splits on the feature saved of the training loss, how many there are, and the \
           weight of the training rows that they tell apart (a row once per split that it passes): of gbdt, \
           random_forest and extra_trees; an error for algorithms without trees.\n\n\
           Returns one row per method and feature: `method`, `feature` (VARCHAR); `cluster`, `members` (BIGINT, NULL \
           without clusters); `importance`, the mean over folds, `std` over folds (n - 1, NULL of one fold) and \
           `standard_error` = std / √folds (DOUBLE); `share` (DOUBLE, from 0 to 1) of the sum of |importance|, where \
           negative permutation and single_feature values count as 0, NULL if the sum is 0; `rank` (BIGINT, 1 is the \
           most important, coefficients by size, ties by the order of the features); `folds` (BIGINT) in which the value is \
           defined; `train_rows`, `test_rows` (BIGINT), distinct rows that trained and that were tested in any fold; \
           `rows_skipped` (BIGINT); `status` (VARCHAR): ok, constant, collinear (it repeats other features in the \
           training rows of a fold, which share its importance), constant target, no values, no complete rows, no \
           training rows, undefined in every fold. Without rows there are none.\n\n\
           With `clusters`, features whose |correlation| exceeds `max_correlation` are one cluster: shuffled by the same \
           permutation, modelled together in single_feature, their |coefficient| and |Shapley value| summed (López de \
           Prado, Machine Learning for Asset Managers, 2020, section 6.5). Every member repeats the values of its \
           cluster, share and rank are among clusters. Clusters are found greedily from the features that correlate most \
           with the target, in the first fold's training rows only: when walking forward no test row has a part in \
           them; with purged_kfold these rows are other folds' test rows.\n\n\
           Features found by pattern are never pattern features (`base_w*`); naming one is an error. Permutations \
           depend on the seed, not on the order of rows or threads. Keeps 8 bytes per value.",
    example: "SELECT method, feature, rank FROM feature_importance(\
              '(SELECT i AS t, i % 7 AS a, i % 3 AS b, 2 * (i % 7) + (i % 3) + (i % 5) AS y FROM range(200) r(i))', \
              'y', ['a', 'b'], 't') ORDER BY method, rank",
};

impl Table for FeatureImportance {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn sql(&self, call: &Call<'_>) -> Result<String> {
        let target = call.column("target")?.unwrap_or_default();
        if let Some(features) = call.patterns("features")?
            && features.contains(&target)
        {
            let fix = "it is the target; leave it out";
            return Err(Error::argument(
                call.function(),
                "features",
                quote_text(&target),
                fix,
            ));
        }
        let order = EntityOrder::of(call)?;
        let mut others = vec![target.clone()];
        others.extend(call.columns("order_by")?.unwrap_or_default());
        others.extend(call.columns("partition_by")?.unwrap_or_default());
        let rows = FeatureRows::of_model(call, &others)?;
        let options = options(call, rows.non_numeric)?;
        let horizon = call.integer("horizon", 1)?;

        // The entity's columns are no features, so they are passed by number.
        let entity: Vec<String> = (1..=order.partition.len())
            .map(|i| format!("lagrange_entity_{i}"))
            .collect();
        let time = format!("dense_rank() OVER (ORDER BY {})", order.order.join(", "));
        let target = quote_name(&target);
        let mut beside = vec![
            (target.as_str(), "lagrange_target"),
            (&time, "lagrange_start"),
        ];
        beside.extend(
            order
                .partition
                .iter()
                .zip(&entity)
                .map(|(column, name)| (column.as_str(), name.as_str())),
        );
        let timed = rows.rows(&beside, &format!("QUALIFY {}", order.check(call)));
        let by_entity = match entity.is_empty() {
            true => String::new(),
            false => format!("PARTITION BY {} ", entity.join(", ")),
        };
        // Neighbours in a block are neighbours in time, of one entity.
        let place: Vec<&str> = entity
            .iter()
            .map(String::as_str)
            .chain(["lagrange_start"])
            .collect();
        let fields: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        let call = format!(
            "lagrange_importance(lagrange_target, lagrange_start, lagrange_end, lagrange_position, {}, {options})",
            rows.features
        );
        Ok(format!(
            "WITH lagrange_timed AS ({timed}), \
             lagrange_rows AS (\
               SELECT *, lead(lagrange_start, {horizon}) OVER ({by_entity}ORDER BY lagrange_start) AS lagrange_end, \
                      row_number() OVER (ORDER BY {place}) AS lagrange_position \
               FROM lagrange_timed) \
             {unnested}",
            place = place.join(", "),
            unnested = unnested(&fields, &call, "lagrange_rows"),
        ))
    }
}

/// The options of the kernel, as a struct.
fn options(call: &Call<'_>, non_numeric: &str) -> Result<String> {
    let model = model_options(call)?;
    let (algorithm, checked) = checked_options(&model)?;
    let learner = learner(algorithm, checked);
    let scheme = call.choice("scheme", &["walk_forward", "purged_kfold"])?;
    let folds = call.integer("folds", if scheme == "purged_kfold" { 2 } else { 1 })?;
    let options = [
        (
            "methods",
            quote_text(&methods(call, learner.as_ref())?.join(",")),
        ),
        ("scheme", quote_text(scheme)),
        ("folds", folds.to_string()),
        ("embargo", call.integer("embargo", 0)?.to_string()),
        ("model", quote_text(&model.to_string())),
        ("metric", quote_text(call.choice("metric", &["mse", "ic"])?)),
        ("repeats", call.integer("repeats", 1)?.to_string()),
        ("block", call.integer("block", 1)?.to_string()),
        ("clusters", call.flag("clusters")?.to_string()),
        (
            "max_correlation",
            format!("{:?}", call.double("max_correlation", 0.0, 1.0)?),
        ),
        ("seed", call.integer("seed", 0)?.to_string()),
        ("non_numeric", quote_text(non_numeric)),
    ];
    let fields: Vec<String> = options
        .iter()
        .map(|(name, value)| format!("'{name}': {value}"))
        .collect();
    Ok(format!("{{{}}}", fields.join(", ")))
}

/// The options of `fit`: those of the argument and the algorithm.
fn model_options(call: &Call<'_>) -> Result<Json> {
    let names: Vec<&str> = algorithms::ALL.iter().map(|entry| entry.name()).collect();
    let algorithm = call.choice("algorithm", &names)?;
    let mut model = Map::from_iter([("algorithm".to_owned(), Json::from(algorithm))]);
    if let Json::Object(options) = call.options("options")? {
        if options.contains_key("algorithm") {
            let fix = "pass the algorithm as the argument algorithm";
            return Err(Error::argument(
                call.function(),
                "options",
                call.literal("options"),
                fix,
            ));
        }
        model.extend(options);
    }
    Ok(Json::Object(model))
}

/// The methods, which the algorithm's models must have.
fn methods(call: &Call<'_>, learner: &dyn Learner) -> Result<Vec<&'static str>> {
    let known = Method::ALL.map(|(name, _)| name);
    let has = |name: &str| Method::named(name).is_some_and(|method| learner.has(method));
    let Some(names) = call.choices("method", &known)? else {
        let defaults = ["permutation", "coefficient", "gain"].into_iter();
        return Ok(defaults.filter(|name| has(name)).collect());
    };
    match names.iter().find(|name| !has(name)) {
        None => Ok(names),
        Some(name) => {
            let has: Vec<&str> = known.into_iter().filter(|name| has(name)).collect();
            let (last, others) = has.split_last().unwrap_or((&"another algorithm", &[]));
            let fix = format!(
                "models of '{}' have none: use {} or {last}",
                learner.name(),
                others.join(", ")
            );
            Err(Error::argument(
                call.function(),
                "method",
                quote_text(name),
                fix,
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FeatureImportance;
    use crate::call::{Call, Literal, SourceColumn, Target};
    use crate::definition::Table;
    use crate::error::Result;

    fn text(text: &str) -> Literal {
        Literal::Text(text.to_owned())
    }

    fn sql(target: Target<'_>, named: &[(&str, Literal)]) -> Result<String> {
        let mut arguments = vec![
            ("tbl", text("t")),
            ("target", text("y")),
            ("order_by", text("ts")),
            ("partition_by", text("symbol")),
        ];
        arguments.extend_from_slice(named);
        let named = arguments
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        let signature = FeatureImportance.signature();
        FeatureImportance.sql(&Call::resolve(signature, vec![], named.collect(), target)?)
    }

    fn columns() -> Vec<SourceColumn> {
        let names = [
            "symbol",
            "ts",
            "y",
            "a",
            "base_w20_s2_a",
            "target_a",
            "note",
        ];
        let column = |name: &str| SourceColumn {
            name: name.to_owned(),
            numeric: !matches!(name, "symbol" | "note"),
        };
        names.map(column).to_vec()
    }

    #[test]
    fn labels_end_within_the_entity_and_times_are_counted_over_all() {
        let columns = columns();
        let sql = sql(
            Target::DataFusion(&columns),
            &[("horizon", Literal::Integer(3))],
        );
        let sql = sql.unwrap();
        for part in [
            "dense_rank() OVER (ORDER BY \"ts\") AS lagrange_start",
            "\"symbol\" AS lagrange_entity_1",
            "lead(lagrange_start, 3) OVER (PARTITION BY lagrange_entity_1 ORDER BY lagrange_start) AS lagrange_end",
            "row_number() OVER (ORDER BY lagrange_entity_1, lagrange_start) AS lagrange_position",
            "lagrange_position, {'a': \"a\"}, {'methods': 'permutation,coefficient', 'scheme': 'walk_forward', ",
        ] {
            assert!(sql.contains(part), "{part} is not in {sql}");
        }
    }

    #[test]
    fn pattern_features_are_never_features() {
        let found = sql(Target::DuckDb, &[("features", text("*a"))]).unwrap();
        assert!(found.contains("NOT (lower(c) GLOB 'base_w*')"), "{found}");
        let error = sql(Target::DuckDb, &[("features", text("base_w20_s2_a"))]).unwrap_err();
        assert!(
            error.to_string().contains("never inputs of a model"),
            "{error}"
        );
        let error = sql(Target::DuckDb, &[("features", text("y"))]).unwrap_err();
        assert!(error.to_string().contains("it is the target"), "{error}");
    }

    #[test]
    fn methods_that_the_algorithm_lacks_are_refused_with_those_it_has() {
        let error = |method: Literal| {
            sql(Target::DuckDb, &[("method", method)])
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            error(Literal::List(vec![text("shap"), text("gain")])),
            "feature_importance: argument 'method' is 'gain'; models of 'ridge' have none: use \
             permutation, coefficient, single_feature or shap"
        );
        assert!(error(text("permutatoin")).contains("did you mean 'permutation'?"));
        assert!(error(Literal::List(vec![])).contains("pass one of permutation"));
    }
}
