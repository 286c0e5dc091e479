//! LightGBM's text format: `key=value` lines, a block per tree. Its trees are
//! like ours: `x <= threshold` goes left, a child below 0 is a leaf.

use std::collections::HashMap;
use std::str::FromStr;

use serde_json::Value as Json;

use super::Foreign;
use crate::models::trees::{Leaf, Link, Rule, Split, Tree, Trees};

/// What went wrong, without the name of the format.
type Read<T> = Result<T, String>;

/// The lines of a block by key.
struct Block<'a>(HashMap<&'a str, &'a str>);

impl<'a> Block<'a> {
    fn of(text: &'a str) -> Self {
        Self(
            text.lines()
                .filter_map(|line| line.trim_end().split_once('='))
                .collect(),
        )
    }

    fn text(&self, key: &str) -> Read<&'a str> {
        let found = self.0.get(key).copied();
        found.ok_or_else(|| format!("it has no {key}"))
    }

    fn number<T: FromStr>(&self, key: &str) -> Read<T> {
        let text = self.text(key)?;
        let number = text.trim().parse();
        number.map_err(|_| format!("{key} is {text}, no number"))
    }

    fn list<T: FromStr>(&self, key: &str) -> Read<Vec<T>> {
        let parse = |word: &str| {
            let value = word.parse();
            value.map_err(|_| format!("{key} holds {word}, no number"))
        };
        self.text(key)?.split_whitespace().map(parse).collect()
    }

    fn list_of<T: FromStr>(&self, key: &str, length: usize) -> Read<Vec<T>> {
        let list = self.list(key)?;
        if list.len() != length {
            return Err(format!("{key} has {} values, not {length}", list.len()));
        }
        Ok(list)
    }

    /// Zeros if it is left out.
    fn list_or_zeros(&self, key: &str, length: usize) -> Read<Vec<f64>> {
        match self.0.contains_key(key) {
            true => self.list_of(key, length),
            false => Ok(vec![0.0; length]),
        }
    }
}

/// What the codes of a categorical feature mean: names by code, and our code of
/// each, which is its place in order.
struct Categories {
    names: Vec<String>,
    place: HashMap<u32, u32>,
}

pub(super) fn read(text: &str) -> Read<Foreign> {
    let (forest, after) = text.split_once("end of trees").unwrap_or((text, ""));
    let mut blocks = forest.split("\nTree=");
    let head_text = blocks.next().unwrap_or_default();
    let head = Block::of(head_text);
    if head_text.lines().next().map(str::trim) != Some("tree") {
        return Err("the text does not begin with the line 'tree'".to_owned());
    }
    let features: Vec<String> = head
        .text("feature_names")?
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let blocks: Vec<Block<'_>> = blocks.map(Block::of).collect();
    let categories = categories(&blocks, features.len(), after)?;
    let mut trees = Vec::with_capacity(blocks.len());
    let mut rows = 0;
    for (i, block) in blocks.iter().enumerate() {
        let tree = tree(block, &categories).map_err(|what| format!("tree {i}: {what}"))?;
        if i == 0 && !tree.splits.is_empty() {
            rows = tree.leaves.iter().map(|leaf| leaf.cover).sum::<f64>() as u64;
        }
        trees.push(tree);
    }
    let outputs: u32 = head.number("num_tree_per_iteration")?;
    let objective = head.0.get("objective").copied().unwrap_or("regression");
    let (link, classes, scale) = meaning(objective, outputs)?;
    let averages = head_text
        .lines()
        .any(|line| line.trim() == "average_output");
    let rounds = (trees.len() / outputs.max(1) as usize).max(1) as f64;
    let factor = if averages { scale / rounds } else { scale };
    if factor != 1.0 {
        for tree in &mut trees {
            tree.leaves.iter_mut().for_each(|leaf| leaf.value *= factor);
            tree.splits
                .iter_mut()
                .for_each(|split| split.value *= factor);
        }
    }
    Ok(Foreign {
        algorithm: if averages { "random_forest" } else { "gbdt" },
        objective: objective.to_owned(),
        features,
        rows,
        trees: Trees {
            link,
            outputs,
            base: vec![0.0; outputs as usize],
            trees,
            categories: categories
                .into_iter()
                .map(|known| known.map(|known| known.names))
                .collect(),
            classes,
        },
    })
}

/// The link, the classes, and what the sums are multiplied by.
fn meaning(objective: &str, outputs: u32) -> Read<(Link, Vec<f64>, f64)> {
    let mut words = objective.split_whitespace();
    let name = words.next().unwrap_or_default();
    let words: Vec<&str> = words.collect();
    let value = |key: &str| {
        let found = words.iter().find_map(|word| word.strip_prefix(key));
        found.and_then(|value| value.parse::<f64>().ok())
    };
    let alone = |link, classes, scale| match outputs {
        1 => Ok((link, classes, scale)),
        _ => Err(format!("objective {name} with {outputs} trees per round")),
    };
    match name {
        "regression" | "regression_l2" if words.contains(&"sqrt") => {
            Err("reg_sqrt cannot be expressed; train without it".to_owned())
        }
        "regression" | "regression_l2" | "regression_l1" | "huber" | "fair" | "quantile"
        | "mape" | "lambdarank" | "rank_xendcg" | "custom" => alone(Link::Identity, vec![], 1.0),
        "poisson" | "gamma" | "tweedie" => alone(Link::Log, vec![], 1.0),
        "binary" => {
            let scale = value("sigmoid:").unwrap_or(1.0);
            alone(Link::Logistic, vec![0.0, 1.0], scale)
        }
        "cross_entropy" | "xentropy" => alone(Link::Logistic, vec![0.0, 1.0], 1.0),
        "multiclass" | "softmax" if (2..=1 << 20).contains(&outputs) => {
            let classes = (0..outputs).map(f64::from).collect();
            Ok((Link::Softmax, classes, 1.0))
        }
        _ => Err(format!("the objective '{objective}' cannot be expressed")),
    }
}

fn tree(block: &Block<'_>, categories: &[Option<Categories>]) -> Read<Tree> {
    let count: usize = block.number("num_leaves")?;
    if block
        .0
        .get("is_linear")
        .is_some_and(|flag| flag.trim() == "1")
    {
        return Err("linear trees cannot be expressed; train without linear_tree".to_owned());
    }
    let values: Vec<f64> = block.list_of("leaf_value", count)?;
    // A tree of one leaf says no counts.
    let covers = match count {
        1 => vec![1.0],
        _ => block.list_or_zeros("leaf_count", count)?,
    };
    let leaves = values
        .into_iter()
        .zip(covers)
        .map(|(value, cover)| Leaf { value, cover })
        .collect();
    let Some(splits) = count.checked_sub(1).filter(|splits| *splits > 0) else {
        return Ok(Tree {
            splits: Vec::new(),
            leaves,
        });
    };
    let features: Vec<u32> = block.list_of("split_feature", splits)?;
    let thresholds: Vec<f64> = block.list_of("threshold", splits)?;
    let decisions: Vec<u8> = block.list_of("decision_type", splits)?;
    let lefts: Vec<i32> = block.list_of("left_child", splits)?;
    let rights: Vec<i32> = block.list_of("right_child", splits)?;
    let gains = block.list_or_zeros("split_gain", splits)?;
    let counts = block.list_or_zeros("internal_count", splits)?;
    let values = block.list_or_zeros("internal_value", splits)?;
    let sets = sets(block)?;
    let split = |i: usize| {
        let (rule, missing_left) = if decisions[i] & 1 == 1 {
            let known = categories.get(features[i] as usize);
            let known = known.and_then(Option::as_ref);
            let set = sets.get(thresholds[i] as usize);
            let (Some(known), Some(set)) = (known, set) else {
                return Err(format!("split {i} asks for categories that are not there"));
            };
            let places = set.iter().filter_map(|code| known.place.get(code));
            let mut codes: Vec<u32> = places.copied().collect();
            codes.sort_unstable();
            (Rule::In(codes), false)
        } else {
            let missing_left = match decisions[i] >> 2 & 3 {
                // Missing values count as 0.
                0 => 0.0 <= thresholds[i],
                2 => decisions[i] & 2 != 0,
                _ => {
                    let what = "zero_as_missing cannot be expressed; train without it";
                    return Err(what.to_owned());
                }
            };
            (Rule::AtMost(thresholds[i]), missing_left)
        };
        Ok(Split {
            feature: features[i],
            rule,
            missing_left,
            left: lefts[i],
            right: rights[i],
            gain: gains[i],
            cover: counts[i],
            value: values[i],
        })
    };
    Ok(Tree {
        splits: (0..splits).map(split).collect::<Read<_>>()?,
        leaves,
    })
}

/// The sets of codes that splits refer to.
fn sets(block: &Block<'_>) -> Read<Vec<Vec<u32>>> {
    if block
        .0
        .get("num_cat")
        .is_none_or(|count| count.trim() == "0")
    {
        return Ok(Vec::new());
    }
    let bounds: Vec<usize> = block.list("cat_boundaries")?;
    let words: Vec<u32> = block.list("cat_threshold")?;
    let set = |bounds: &[usize]| {
        let words = words.get(bounds[0]..bounds[1]);
        let words = words.ok_or_else(|| "cat_boundaries go beyond cat_threshold".to_owned())?;
        let codes = (0..words.len() as u32 * 32)
            .filter(|code| words[*code as usize / 32] >> (code % 32) & 1 == 1);
        Ok(codes.collect())
    };
    bounds.windows(2).map(set).collect()
}

/// Per feature, its categories if any split asks for them: named by
/// `pandas_categorical` where they are text, else by their code.
fn categories(blocks: &[Block<'_>], features: usize, after: &str) -> Read<Vec<Option<Categories>>> {
    let mut codes: Vec<Option<Vec<u32>>> = vec![None; features];
    for block in blocks {
        let sets = sets(block)?;
        if sets.is_empty() {
            continue;
        }
        let asked: Vec<usize> = block.list("split_feature")?;
        let decisions: Vec<u8> = block.list_of("decision_type", asked.len())?;
        let thresholds: Vec<f64> = block.list_of("threshold", asked.len())?;
        for ((feature, decision), threshold) in asked.iter().zip(decisions).zip(thresholds) {
            let set = sets.get(threshold as usize);
            if let (1, Some(codes), Some(set)) = (decision & 1, codes.get_mut(*feature), set) {
                codes.get_or_insert_default().extend(set);
            }
        }
    }
    let named = after
        .lines()
        .find_map(|line| line.strip_prefix("pandas_categorical:"));
    let named: Vec<Vec<Json>> = named
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let asked = codes.iter().flatten().count();
    if !named.is_empty() && named.len() != asked {
        return Err(format!(
            "pandas_categorical names {} features, but {asked} are split by category; \
             which is which is not said: pass codes to the training instead",
            named.len()
        ));
    }
    let mut named = named.into_iter();
    let of_feature = |codes: Option<Vec<u32>>| {
        codes.map(|mut codes| {
            codes.sort_unstable();
            codes.dedup();
            let names = named.next();
            let count = names.as_ref().map_or(0, Vec::len) as u32;
            codes.extend(
                (0..count)
                    .filter(|code| codes.binary_search(code).is_err())
                    .collect::<Vec<_>>(),
            );
            let name = |code: u32| match names.as_ref().and_then(|names| names.get(code as usize)) {
                Some(Json::String(name)) => name.clone(),
                Some(other) => other.to_string(),
                None => code.to_string(),
            };
            let mut both: Vec<(String, u32)> =
                codes.into_iter().map(|code| (name(code), code)).collect();
            both.sort_unstable();
            let place = both
                .iter()
                .zip(0..)
                .map(|((_, code), place)| (*code, place));
            Categories {
                place: place.collect(),
                names: both.iter().map(|(name, _)| name.clone()).collect(),
            }
        })
    };
    Ok(codes.into_iter().map(of_feature).collect())
}
