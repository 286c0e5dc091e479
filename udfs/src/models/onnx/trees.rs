//! Trees as ONNX's TreeEnsemble (ai.onnx.ml 5).

use std::collections::BTreeMap;

use super::graph::{Graph, byte_list, double_list, int, ints, strings};
use super::message::TensorProto;
use super::{PREDICTION, PROBABILITIES, add_both_probabilities, add_second_class, matrix};
use crate::models::trees::{Link, Rule, Tree, Trees};

/// The columns that the trees look at: numbers as they come, and of text whether
/// it is in a set, a column per set.
struct Columns<'a> {
    columns: Vec<String>,
    /// Of numbers, by feature.
    numbers: BTreeMap<u32, usize>,
    /// By feature, set and where missing values go: the column is 0 where rows go
    /// left and 1 where they go right.
    sets: BTreeMap<(u32, &'a [u32], bool), usize>,
}

impl<'a> Columns<'a> {
    /// Declares every feature as an input, used or not.
    fn of(graph: &mut Graph, ensemble: &'a Trees, features: &[String]) -> Self {
        let mut out = Self {
            columns: Vec::new(),
            numbers: BTreeMap::new(),
            sets: BTreeMap::new(),
        };
        let mut codes = BTreeMap::new();
        for (i, (name, categories)) in features.iter().zip(&ensemble.categories).enumerate() {
            let Some(categories) = categories else {
                graph.input(name, TensorProto::DOUBLE);
                out.numbers.insert(i as u32, out.columns.len());
                out.columns.push(name.clone());
                continue;
            };
            graph.input(name, TensorProto::STRING);
            if !categories.is_empty() {
                let attributes = vec![
                    strings("keys_strings", categories),
                    ints("values_int64s", (0..categories.len() as i64).collect()),
                    int("default_int64", categories.len() as i64),
                ];
                let code = graph.node("LabelEncoder", &[name], attributes);
                codes.insert(i as u32, (code, categories.len()));
            }
        }
        for split in ensemble.trees.iter().flat_map(|tree| &tree.splits) {
            let Rule::In(chosen) = &split.rule else {
                continue;
            };
            let key = (split.feature, chosen.as_slice(), split.missing_left);
            let Some((code, count)) = codes.get(&split.feature) else {
                continue;
            };
            if out.sets.contains_key(&key) {
                continue;
            }
            let mut goes_right = vec![1.0; *count];
            for code in chosen {
                if let Some(right) = goes_right.get_mut(*code as usize) {
                    *right = 0.0;
                }
            }
            goes_right.push(if split.missing_left { 0.0 } else { 1.0 });
            let table = graph.doubles(&[goes_right.len() as i64], &goes_right);
            out.sets.insert(key, out.columns.len());
            out.columns
                .push(graph.node("Gather", &[&table, code], vec![]));
        }
        if out.columns.is_empty() {
            // Nothing but text that no split asks for: a column of its codes.
            let code = codes.into_values().next().map(|(code, _)| code);
            let first = features.first().cloned().unwrap_or_default();
            let code = code.unwrap_or_else(|| {
                graph.node(
                    "LabelEncoder",
                    &[&first],
                    vec![
                        strings("keys_strings", &[String::new()]),
                        ints("values_int64s", vec![0]),
                        int("default_int64", 0),
                    ],
                )
            });
            let to = int("to", i64::from(TensorProto::DOUBLE));
            out.columns.push(graph.node("Cast", &[&code], vec![to]));
        }
        out
    }
}

/// The attributes of a TreeEnsemble.
#[derive(Default)]
struct Nodes {
    roots: Vec<i64>,
    features: Vec<i64>,
    splits: Vec<f64>,
    missing_true: Vec<i64>,
    children: [Vec<i64>; 2],
    is_leaf: [Vec<i64>; 2],
    leaf_targets: Vec<i64>,
    leaf_weights: Vec<f64>,
}

impl Nodes {
    fn push_split(&mut self, column: usize, threshold: f64, missing_left: bool) {
        self.features.push(column as i64);
        self.splits.push(threshold);
        self.missing_true.push(i64::from(missing_left));
    }

    fn push_child(&mut self, side: usize, child: i64, is_leaf: bool) {
        self.children[side].push(child);
        self.is_leaf[side].push(i64::from(is_leaf));
    }

    fn push(&mut self, tree: &Tree, output: usize, columns: &Columns<'_>) {
        let (first, first_leaf) = (self.features.len() as i64, self.leaf_weights.len() as i64);
        self.roots.push(first);
        for leaf in &tree.leaves {
            self.leaf_targets.push(output as i64);
            self.leaf_weights.push(leaf.value);
        }
        if tree.splits.is_empty() {
            // A tree has a split; this one leads to its leaf either way.
            self.push_split(0, 0.0, true);
            self.push_child(0, first_leaf, true);
            self.push_child(1, first_leaf, true);
        }
        for split in &tree.splits {
            match &split.rule {
                Rule::AtMost(threshold) => {
                    let column = columns.numbers.get(&split.feature).copied().unwrap_or(0);
                    self.push_split(column, *threshold, split.missing_left);
                }
                Rule::In(codes) => {
                    let key = (split.feature, codes.as_slice(), split.missing_left);
                    match columns.sets.get(&key) {
                        Some(column) => self.push_split(*column, 0.5, false),
                        // Without categories every value is unknown.
                        None => {
                            let all = if split.missing_left {
                                f64::MAX
                            } else {
                                f64::MIN
                            };
                            self.push_split(0, all, split.missing_left);
                        }
                    }
                }
            }
            for (side, child) in [split.left, split.right].into_iter().enumerate() {
                match child {
                    0.. => self.push_child(side, first + i64::from(child), false),
                    _ => self.push_child(side, first_leaf + i64::from(!child), true),
                }
            }
        }
    }
}

pub(super) fn add(graph: &mut Graph, ensemble: &Trees, features: &[String]) {
    let columns = Columns::of(graph, ensemble, features);
    let rows = matrix(graph, &columns.columns);
    let outputs = ensemble.outputs as usize;
    let mut nodes = Nodes::default();
    let none = [Tree {
        splits: Vec::new(),
        leaves: vec![crate::models::trees::Leaf {
            value: 0.0,
            cover: 0.0,
        }],
    }];
    let trees = if ensemble.trees.is_empty() {
        &none[..]
    } else {
        &ensemble.trees
    };
    for (i, tree) in trees.iter().enumerate() {
        nodes.push(tree, i % outputs, &columns);
    }
    let [trues, falses] = nodes.children;
    let [true_leaves, false_leaves] = nodes.is_leaf;
    let modes = vec![0; nodes.features.len()];
    let attributes = vec![
        int("n_targets", outputs as i64),
        int("aggregate_function", 1),
        int("post_transform", 0),
        ints("tree_roots", nodes.roots),
        ints("nodes_featureids", nodes.features),
        ints("nodes_truenodeids", trues),
        ints("nodes_trueleafs", true_leaves),
        ints("nodes_falsenodeids", falses),
        ints("nodes_falseleafs", false_leaves),
        ints("nodes_missing_value_tracks_true", nodes.missing_true),
        ints("leaf_targetids", nodes.leaf_targets),
        double_list("nodes_splits", &nodes.splits),
        byte_list("nodes_modes", modes),
        double_list("leaf_weights", &nodes.leaf_weights),
    ];
    let sums = graph.node("TreeEnsemble", &[&rows], attributes);
    let base = graph.doubles(&[1, outputs as i64], &ensemble.base);
    let sums = graph.node("Add", &[&sums, &base], vec![]);
    add_link(graph, ensemble, &sums);
}

fn add_link(graph: &mut Graph, ensemble: &Trees, sums: &str) {
    graph.output(PREDICTION, &[]);
    match ensemble.link {
        Link::Identity => {
            let axis = graph.integers(&[1]);
            graph.named_node("Squeeze", &[sums, &axis], vec![], PREDICTION);
        }
        Link::Log => {
            let axis = graph.integers(&[1]);
            let means = graph.node("Exp", &[sums], vec![]);
            graph.named_node("Squeeze", &[&means, &axis], vec![], PREDICTION);
        }
        Link::Logistic => {
            add_second_class(graph, &ensemble.classes, sums, 0.0);
            add_both_probabilities(graph, sums);
        }
        Link::Share if ensemble.outputs == 1 => {
            add_second_class(graph, &ensemble.classes, sums, 0.5);
            let one = graph.doubles(&[1, 1], &[1.0]);
            let other = graph.node("Sub", &[&one, sums], vec![]);
            let axis = vec![int("axis", 1)];
            graph.named_node("Concat", &[&other, sums], axis, PROBABILITIES);
            graph.output(PROBABILITIES, &[2]);
        }
        Link::Softmax | Link::Share => {
            let attributes = vec![int("axis", 1), int("keepdims", 0)];
            let place = graph.node("ArgMax", &[sums], attributes);
            let classes = graph.doubles(&[ensemble.classes.len() as i64], &ensemble.classes);
            graph.named_node("Gather", &[&classes, &place], vec![], PREDICTION);
            if ensemble.link == Link::Softmax {
                graph.named_node("Softmax", &[sums], vec![int("axis", 1)], PROBABILITIES);
            } else {
                let axis = graph.integers(&[1]);
                let total = graph.node("ReduceSum", &[sums, &axis], vec![]);
                graph.named_node("Div", &[sums, &total], vec![], PROBABILITIES);
            }
            graph.output(PROBABILITIES, &[i64::from(ensemble.outputs)]);
        }
    }
}
