//! XGBoost's JSON format. Its features and thresholds are 32-bit numbers and
//! `x < threshold` goes left; ours is the 64-bit threshold at which rounding to
//! 32 bits crosses it.

use serde::Deserialize;
use serde_json::Value as Json;

use super::Foreign;
use crate::models::trees::{Leaf, Link, Rule, Split, Tree, Trees};

/// What went wrong, without the name of the format.
type Read<T> = Result<T, String>;

#[derive(Deserialize)]
struct Document {
    learner: Learner,
}

#[derive(Deserialize)]
struct Learner {
    #[serde(default)]
    feature_names: Vec<String>,
    gradient_booster: Json,
    learner_model_param: Parameters,
    objective: Objective,
}

#[derive(Deserialize)]
struct Parameters {
    base_score: String,
    num_class: String,
    num_feature: String,
}

#[derive(Deserialize)]
struct Objective {
    name: String,
}

#[derive(Deserialize)]
struct Forest {
    tree_info: Vec<u32>,
    trees: Vec<Stored>,
}

/// A tree as it is stored: arrays by node.
#[derive(Deserialize)]
struct Stored {
    left_children: Vec<i64>,
    right_children: Vec<i64>,
    split_indices: Vec<u32>,
    split_conditions: Vec<f64>,
    default_left: Vec<Json>,
    #[serde(default)]
    split_type: Vec<u8>,
    #[serde(default)]
    loss_changes: Vec<f64>,
    #[serde(default)]
    sum_hessian: Vec<f64>,
    #[serde(default)]
    base_weights: Vec<f64>,
}

pub(super) fn read(text: &str) -> Read<Foreign> {
    let document: Document =
        serde_json::from_str(text).map_err(|error| format!("it cannot be read: {error}"))?;
    let learner = document.learner;
    let count: usize = number(&learner.learner_model_param.num_feature, "num_feature")?;
    let named = learner.feature_names.len() == count;
    if !named && (!learner.feature_names.is_empty() || count > 1 << 20) {
        return Err(format!(
            "it has {count} features, of which {} have names",
            learner.feature_names.len()
        ));
    }
    let features = match named {
        true => learner.feature_names,
        false => (0..count).map(|i| format!("f{i}")).collect(),
    };
    let (forest, weights) = forest(&learner.gradient_booster)?;
    let classes: u32 = number(&learner.learner_model_param.num_class, "num_class")?;
    let objective = learner.objective.name;
    let (link, outputs) = meaning(&objective, classes)?;
    let base = base(&learner.learner_model_param.base_score, link, outputs)?;
    if forest.tree_info.len() != forest.trees.len() {
        return Err("tree_info does not say the class of each tree".to_owned());
    }
    // Ours are in turns: the i-th tree of each class.
    let mut by_class: Vec<Vec<Tree>> = (0..outputs).map(|_| Vec::new()).collect();
    for (i, (stored, class)) in forest.trees.iter().zip(&forest.tree_info).enumerate() {
        let weight = weights.as_ref().map_or(Some(1.0), |w| w.get(i).copied());
        let weight = weight.ok_or_else(|| format!("tree {i} has no weight_drop"))?;
        let tree = tree(stored, weight).map_err(|what| format!("tree {i}: {what}"))?;
        let class = by_class.get_mut(*class as usize);
        class
            .ok_or_else(|| format!("tree {i} is of no class"))?
            .push(tree);
    }
    let rounds = by_class.first().map_or(0, Vec::len);
    if by_class.iter().any(|trees| trees.len() != rounds) {
        return Err("classes have different numbers of trees".to_owned());
    }
    let mut turns: Vec<_> = by_class.into_iter().map(Vec::into_iter).collect();
    let trees = (0..rounds)
        .flat_map(|_| {
            turns
                .iter_mut()
                .filter_map(Iterator::next)
                .collect::<Vec<_>>()
        })
        .collect();
    Ok(Foreign {
        algorithm: "gbdt",
        objective,
        rows: 0,
        trees: Trees {
            link,
            outputs,
            base,
            trees,
            categories: vec![None; features.len()],
            classes: match link {
                Link::Identity | Link::Log | Link::Share => Vec::new(),
                Link::Logistic => vec![0.0, 1.0],
                Link::Softmax => (0..outputs).map(f64::from).collect(),
            },
        },
        features,
    })
}

fn number<T: std::str::FromStr>(text: &str, key: &str) -> Read<T> {
    let number = text.trim().parse();
    number.map_err(|_| format!("{key} is '{text}', no number"))
}

/// The trees, and the weight of each of a dart.
fn forest(booster: &Json) -> Read<(Forest, Option<Vec<f64>>)> {
    let read = |model: &Json| {
        Forest::deserialize(model).map_err(|error| format!("its trees cannot be read: {error}"))
    };
    match booster["name"].as_str() {
        Some("gbtree") => Ok((read(&booster["model"])?, None)),
        Some("dart") => {
            let weights = Vec::<f64>::deserialize(&booster["weight_drop"]);
            let weights = weights.map_err(|_| "a dart without weight_drop".to_owned())?;
            Ok((read(&booster["gbtree"]["model"])?, Some(weights)))
        }
        name => Err(format!(
            "the booster {} has no trees",
            name.unwrap_or("without a name")
        )),
    }
}

/// What the sums mean, and how many there are.
fn meaning(objective: &str, classes: u32) -> Read<(Link, u32)> {
    let link = match objective {
        "reg:squarederror"
        | "reg:linear"
        | "reg:pseudohubererror"
        | "reg:absoluteerror"
        | "reg:quantileerror"
        | "rank:pairwise"
        | "rank:ndcg"
        | "rank:map"
        | "binary:logitraw" => Link::Identity,
        "count:poisson" | "reg:gamma" | "reg:tweedie" => Link::Log,
        "binary:logistic" | "reg:logistic" => Link::Logistic,
        "multi:softmax" | "multi:softprob" if (2..=1 << 20).contains(&classes) => {
            return Ok((Link::Softmax, classes));
        }
        _ => return Err(format!("the objective '{objective}' cannot be expressed")),
    };
    match classes {
        0 | 1 => Ok((link, 1)),
        _ => Err(format!("objective {objective} with {classes} classes")),
    }
}

/// What the sums start from. It is kept as a prediction, in later versions as a
/// list, one per class.
fn base(text: &str, link: Link, outputs: u32) -> Read<Vec<f64>> {
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
    let scores = inner
        .split(',')
        .map(|score| number::<f64>(score, "base_score"));
    let scores: Vec<f64> = scores.collect::<Read<_>>()?;
    let scores = match scores.as_slice() {
        [one] => vec![*one; outputs as usize],
        many if many.len() == outputs as usize => many.to_vec(),
        many => return Err(format!("base_score has {} values", many.len())),
    };
    let start = |score: f64| match link {
        Link::Identity | Link::Softmax | Link::Share => score,
        Link::Log => score.ln(),
        Link::Logistic => (score / (1.0 - score)).ln(),
    };
    Ok(scores.into_iter().map(start).collect())
}

fn tree(stored: &Stored, weight: f64) -> Read<Tree> {
    let count = stored.left_children.len();
    let lengths = [
        stored.right_children.len(),
        stored.split_indices.len(),
        stored.split_conditions.len(),
        stored.default_left.len(),
    ];
    if count == 0 || lengths.iter().any(|length| *length != count) {
        return Err("its arrays differ in length".to_owned());
    }
    if stored.split_type.iter().any(|kind| *kind != 0) {
        return Err("splits by category are not imported; encode them as numbers".to_owned());
    }
    let at = |values: &[f64], node: usize| values.get(node).copied().unwrap_or(0.0);
    // Nodes from the root on, which leaves out deleted ones; the places of inner
    // nodes in our order, parents first.
    let mut tree = Tree::default();
    let mut open = std::collections::VecDeque::from([(0_usize, None::<(usize, bool)>)]);
    let mut met = 0;
    while let Some((node, parent)) = open.pop_front() {
        met += 1;
        if node >= count || met > count {
            return Err(format!("node {node} is not there or has two parents"));
        }
        let left = stored.left_children[node];
        let place = if left < 0 {
            tree.leaves.push(Leaf {
                value: weight * stored.split_conditions[node],
                cover: at(&stored.sum_hessian, node),
            });
            !(tree.leaves.len() as i32 - 1)
        } else {
            let place = tree.splits.len();
            let missing = &stored.default_left[node];
            tree.splits.push(Split {
                feature: stored.split_indices[node],
                rule: Rule::AtMost(at_most(stored.split_conditions[node] as f32)),
                missing_left: missing.as_bool().unwrap_or(missing.as_i64() == Some(1)),
                left: 0,
                right: 0,
                gain: at(&stored.loss_changes, node),
                cover: at(&stored.sum_hessian, node),
                value: weight * at(&stored.base_weights, node),
            });
            let right = stored.right_children[node];
            for (child, is_left) in [(left, true), (right, false)] {
                let child =
                    usize::try_from(child).map_err(|_| format!("node {node} lacks a child"))?;
                open.push_back((child, Some((place, is_left))));
            }
            place as i32
        };
        if let Some((parent, is_left)) = parent {
            let split = &mut tree.splits[parent];
            *(if is_left {
                &mut split.left
            } else {
                &mut split.right
            }) = place;
        }
    }
    Ok(tree)
}

/// The greatest double that, rounded to 32 bits, is below the threshold.
fn at_most(threshold: f32) -> f64 {
    let below = threshold.next_down();
    if below.is_infinite() {
        return f64::MIN;
    }
    // Halfway rounds to the one whose last bit is 0.
    let halfway = f64::midpoint(f64::from(below), f64::from(threshold));
    match below.to_bits() & 1 {
        0 => halfway,
        _ => halfway.next_down(),
    }
}

#[cfg(test)]
mod tests {
    use super::at_most;

    #[test]
    fn the_threshold_is_where_rounding_crosses_it() {
        let below = |x: f64, threshold: f32| (x as f32) < threshold;
        for threshold in [0.1_f32, 0.3, 1.0, -2.5, 1e-40, 16_777_217.0, 0.0, -0.1] {
            let last = at_most(threshold);
            assert!(below(last, threshold), "{threshold}");
            assert!(!below(last.next_up(), threshold), "{threshold}");
        }
    }
}
