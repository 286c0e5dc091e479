//! `model_trees`.

use crate::definition::{Argument, Category, Kind, Scalar, Signature};
use crate::error::{Error, Result};
use crate::input::Inputs;
use crate::models::Model;
use crate::models::trees::{Rule, Trees};
use crate::value::{Column, Type, Value};

/// See the signature.
pub struct ModelTrees;

static SIGNATURE: Signature = Signature {
    name: "model_trees",
    aliases: &[],
    category: Category::Fitting,
    arguments: &[Argument::required("model", Kind::Blob, "a model of trees")],
    options: &[],
    returns: Type::Rows(&[
        ("tree", Type::Integer),
        ("output", Type::Integer),
        ("node", Type::Integer),
        ("parent", Type::Integer),
        ("depth", Type::Integer),
        ("is_leaf", Type::Boolean),
        ("feature", Type::Text),
        ("rule", Type::Text),
        ("threshold", Type::Double),
        ("missing", Type::Text),
        ("left", Type::Integer),
        ("right", Type::Integer),
        ("gain", Type::Double),
        ("cover", Type::Double),
        ("value", Type::Double),
    ]),
    nulls: "NULL for a NULL model.",
    docs: "The nodes of a model of trees, one entry each.\n\n\
           `tree` and `node` count from 0; node 0 is the root, inner nodes come before leaves. A tree adds to the sum \
           `output` (0, or the place of a class of a softmax). `rule` is a condition on `feature`; rows that satisfy it \
           go to the node `left`, others to `right`, rows without the feature or of an unknown category to the side that \
           `missing` names. `threshold` is NULL of categories. `gain`: what the split saved of the training loss; \
           `cover`: the weight of the training rows that came here; `value`: what the leaf adds to the sum, or would if \
           the node were one. Of leaves, feature, rule, threshold, missing, left, right and gain are NULL; of the root, \
           parent. A model without trees is an error.",
    example: "SELECT unnest(model_trees(fit(i % 10, {'x': i % 10}, \
              {'algorithm': 'gbdt', 'trees': 1, 'max_leaves': 2, 'min_data_in_leaf': 1}))) AS node FROM range(100) r(i)",
};

impl Scalar for ModelTrees {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn call(&self, inputs: &Inputs<'_>) -> Result<Column> {
        let values = inputs.bytes(0)?.iter().map(|bytes| {
            let Some(bytes) = bytes else {
                return Ok(Value::Null);
            };
            let model = Model::read_cached(bytes)?;
            let header = model.header();
            let trees = model.body().trees().ok_or_else(|| {
                let what = format!(
                    "a model of {} has no trees; see model_coefficients",
                    header.algorithm
                );
                Error::data(SIGNATURE.name, what)
            })?;
            let mut table = Table::default();
            table.push(trees, &header.features);
            Ok(table.finish())
        });
        Ok(Column::Nested(values.collect::<Result<_>>()?))
    }
}

/// The entries, column by column.
#[derive(Default)]
struct Table {
    trees: Vec<Option<i64>>,
    outputs: Vec<Option<i64>>,
    nodes: Vec<Option<i64>>,
    parents: Vec<Option<i64>>,
    depths: Vec<Option<i64>>,
    leaves: Vec<Option<bool>>,
    features: Vec<Option<String>>,
    rules: Vec<Option<String>>,
    thresholds: Vec<Option<f64>>,
    missing: Vec<Option<String>>,
    children: [Vec<Option<i64>>; 2],
    gains: Vec<Option<f64>>,
    covers: Vec<Option<f64>>,
    values: Vec<Option<f64>>,
}

impl Table {
    fn push(&mut self, trees: &Trees, names: &[String]) {
        for (i, tree) in trees.trees.iter().enumerate() {
            let splits = tree.splits.len();
            let place = |child: i32| match usize::try_from(child) {
                Ok(split) => split,
                Err(_) => splits + !child as usize,
            };
            let nodes = splits + tree.leaves.len();
            let mut parents = vec![None; nodes];
            let mut depths = vec![0; nodes];
            // Children come after their parents.
            for (node, split) in tree.splits.iter().enumerate() {
                for child in [split.left, split.right].map(place) {
                    parents[child] = Some(node as i64);
                    depths[child] = depths[node] + 1;
                }
            }
            let number = |number: usize| Some(number as i64);
            self.trees.extend((0..nodes).map(|_| number(i)));
            let output = i % trees.outputs as usize;
            self.outputs.extend((0..nodes).map(|_| number(output)));
            self.nodes.extend((0..nodes).map(number));
            self.parents.extend(parents);
            self.depths.extend(depths.into_iter().map(Some));
            self.leaves
                .extend((0..nodes).map(|node| Some(node >= splits)));
            for split in &tree.splits {
                let feature = split.feature as usize;
                let name = names.get(feature).cloned().unwrap_or_default();
                self.rules
                    .push(Some(rule(trees, feature, &name, &split.rule)));
                self.features.push(Some(name));
                self.thresholds.push(match split.rule {
                    Rule::AtMost(threshold) => Some(threshold),
                    Rule::In(_) => None,
                });
                let side = if split.missing_left { "left" } else { "right" };
                self.missing.push(Some(side.to_owned()));
                self.children[0].push(number(place(split.left)));
                self.children[1].push(number(place(split.right)));
                self.gains.push(Some(split.gain));
                self.covers.push(Some(split.cover));
                self.values.push(Some(split.value));
            }
            for leaf in &tree.leaves {
                self.rules.push(None);
                self.features.push(None);
                self.thresholds.push(None);
                self.missing.push(None);
                self.children.iter_mut().for_each(|side| side.push(None));
                self.gains.push(None);
                self.covers.push(Some(leaf.cover));
                self.values.push(Some(leaf.value));
            }
        }
    }

    fn finish(self) -> Value {
        let [left, right] = self.children;
        Value::Rows(vec![
            Column::Integer(self.trees),
            Column::Integer(self.outputs),
            Column::Integer(self.nodes),
            Column::Integer(self.parents),
            Column::Integer(self.depths),
            Column::Boolean(self.leaves),
            Column::Text(self.features),
            Column::Text(self.rules),
            Column::Double(self.thresholds),
            Column::Text(self.missing),
            Column::Integer(left),
            Column::Integer(right),
            Column::Double(self.gains),
            Column::Double(self.covers),
            Column::Double(self.values),
        ])
    }
}

/// As SQL would say it.
fn rule(trees: &Trees, feature: usize, name: &str, rule: &Rule) -> String {
    match rule {
        Rule::AtMost(threshold) => format!("{name} <= {threshold}"),
        Rule::In(codes) => {
            let names = trees.names(feature, codes);
            let names: Vec<String> = names.into_iter().map(crate::call::quote_text).collect();
            format!("{name} IN ({})", names.join(", "))
        }
    }
}
