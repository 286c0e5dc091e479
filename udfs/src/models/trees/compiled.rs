//! Trees laid out to be walked by many rows at once.

use super::{Rule, Tree, Trees};

/// Rows that walk a tree together, so that their loads overlap.
const TOGETHER: usize = 8;
/// Rows whose features are gathered side by side: they stay in the cache while
/// all trees pass.
const BLOCK: usize = 256;

/// The trees of a model, ready to predict.
#[derive(Debug, Clone)]
pub struct Compiled {
    trees: Vec<CompiledTree>,
    outputs: usize,
    base: Vec<f64>,
}

#[derive(Debug, Clone)]
struct CompiledTree {
    /// The root first, the children of a node side by side. A leaf is its own
    /// left child and takes every number.
    nodes: Vec<Node>,
    /// What a node adds if it is a leaf.
    values: Vec<f64>,
    /// What a node asks, by node: needed where something is missing, and where features
    /// are categories.
    asks: Vec<Ask>,
    /// The codes that go left, by node, ascending: of nodes that ask for categories.
    categories: Vec<(u32, Vec<u32>)>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    /// Rows above it go to the child right of the left one.
    threshold: f64,
    feature: u32,
    left: u32,
}

/// What a node asks. A byte: forests have millions of nodes.
#[derive(Debug, Clone, Copy)]
enum Ask {
    Nothing,
    Number { missing_left: bool },
    Category { missing_left: bool },
}

impl Compiled {
    /// Lays out the trees.
    pub fn of(trees: &Trees) -> Self {
        Self {
            trees: trees.trees.iter().map(CompiledTree::of).collect(),
            outputs: trees.outputs as usize,
            base: trees.base.clone(),
        }
    }

    /// The sums of each row, row after row. A slice per feature: numbers, or
    /// codes of categories; NaN is missing.
    pub fn sums(&self, features: &[&[f64]], rows: usize) -> Vec<f64> {
        let width = features.len().max(1);
        let mut sums: Vec<f64> = self.base.repeat(rows);
        let mut gathered = vec![0.0; BLOCK * width];
        for start in (0..rows).step_by(BLOCK) {
            let count = BLOCK.min(rows - start);
            let mut missing = false;
            for (feature, values) in features.iter().enumerate() {
                for (row, &value) in values[start..start + count].iter().enumerate() {
                    gathered[row * width + feature] = value;
                    missing |= value.is_nan();
                }
            }
            let sums = &mut sums[start * self.outputs..(start + count) * self.outputs];
            for (i, tree) in self.trees.iter().enumerate() {
                let output = i % self.outputs;
                let rows = &gathered[..count * width];
                if missing || !tree.categories.is_empty() {
                    tree.add_asking(rows, width, &mut sums[output..], self.outputs);
                } else {
                    tree.add_numbers(rows, width, &mut sums[output..], self.outputs);
                }
            }
        }
        sums
    }
}

impl CompiledTree {
    fn of(tree: &Tree) -> Self {
        let mut compiled = Self {
            nodes: Vec::new(),
            values: Vec::new(),
            asks: Vec::new(),
            categories: Vec::new(),
        };
        let size = 2 * tree.splits.len() + 1;
        compiled.nodes.reserve_exact(size);
        compiled.values.reserve_exact(size);
        compiled.asks.reserve_exact(size);
        compiled.push_leaf(0.0);
        // Each entry is a node of the tree and the place that was kept for it.
        let mut open = vec![(if tree.splits.is_empty() { !0 } else { 0 }, 0)];
        while let Some((node, place)) = open.pop() {
            let Ok(split) = usize::try_from(node) else {
                compiled.values[place] = tree.leaves[!node as usize].value;
                continue;
            };
            let split = &tree.splits[split];
            let left = compiled.nodes.len();
            compiled.push_leaf(0.0);
            compiled.push_leaf(0.0);
            compiled.nodes[place].feature = split.feature;
            compiled.nodes[place].left = left as u32;
            let missing_left = split.missing_left;
            compiled.asks[place] = match &split.rule {
                Rule::AtMost(threshold) => {
                    compiled.nodes[place].threshold = *threshold;
                    Ask::Number { missing_left }
                }
                Rule::In(codes) => {
                    compiled.categories.push((place as u32, codes.clone()));
                    Ask::Category { missing_left }
                }
            };
            open.push((split.left, left));
            open.push((split.right, left + 1));
        }
        compiled.categories.sort_unstable_by_key(|(node, _)| *node);
        compiled
    }

    fn push_leaf(&mut self, value: f64) {
        self.nodes.push(Node {
            threshold: f64::INFINITY,
            feature: 0,
            left: self.nodes.len() as u32,
        });
        self.values.push(value);
        self.asks.push(Ask::Nothing);
    }

    /// Adds the leaves of rows in which nothing is missing.
    fn add_numbers(&self, rows: &[f64], width: usize, sums: &mut [f64], stride: usize) {
        let nodes = self.nodes.as_slice();
        let mut places = [0_usize; TOGETHER];
        for (group, rows) in rows.chunks(TOGETHER * width).enumerate() {
            let count = rows.len() / width;
            places.fill(0);
            loop {
                let mut moved = false;
                for (row, place) in rows.chunks_exact(width).zip(&mut places) {
                    let node = nodes[*place];
                    let right = row[node.feature as usize] > node.threshold;
                    let next = node.left as usize + usize::from(right);
                    moved |= next != *place;
                    *place = next;
                }
                if !moved {
                    break;
                }
            }
            for (i, place) in places[..count].iter().enumerate() {
                sums[(group * TOGETHER + i) * stride] += self.values[*place];
            }
        }
    }

    fn goes_left(&self, node: usize, code: u32) -> bool {
        let places = &self.categories;
        let place = places.binary_search_by_key(&(node as u32), |(node, _)| *node);
        place.is_ok_and(|place| places[place].1.binary_search(&code).is_ok())
    }

    /// Adds the leaves of rows in which something may be missing.
    fn add_asking(&self, rows: &[f64], width: usize, sums: &mut [f64], stride: usize) {
        for (i, row) in rows.chunks_exact(width).enumerate() {
            let mut place = 0;
            loop {
                let node = self.nodes[place];
                let value = row[node.feature as usize];
                let left = match self.asks[place] {
                    Ask::Nothing => break,
                    Ask::Number { missing_left } | Ask::Category { missing_left }
                        if value.is_nan() =>
                    {
                        missing_left
                    }
                    Ask::Number { .. } => value <= node.threshold,
                    Ask::Category { .. } => self.goes_left(place, value as u32),
                };
                place = node.left as usize + usize::from(!left);
            }
            sums[i * stride] += self.values[place];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Compiled;
    use crate::models::trees::{Leaf, Link, Rule, Split, Tree, Trees};
    use crate::statistics::random::Random;

    /// A tree of random splits, two of three on numbers.
    fn tree(random: &mut Random, splits: usize) -> Tree {
        let mut tree = Tree {
            splits: Vec::new(),
            leaves: vec![Leaf {
                value: random.below(1000) as f64 / 7.0,
                cover: 1.0,
            }],
        };
        for place in 0..splits {
            let feature = random.below(3) as u32;
            let rule = match feature {
                2 => Rule::In(vec![1, 3, 4]),
                _ => Rule::AtMost(random.below(100) as f64 / 10.0),
            };
            let leaf = random.below(tree.leaves.len()) as i32;
            for split in &mut tree.splits {
                let split: &mut Split = split;
                for child in [&mut split.left, &mut split.right] {
                    if *child == !leaf {
                        *child = place as i32;
                    }
                }
            }
            tree.splits.push(Split {
                feature,
                rule,
                missing_left: random.below(2) == 0,
                left: !leaf,
                right: !(tree.leaves.len() as i32),
                gain: 1.0,
                cover: 1.0,
                value: 0.0,
            });
            tree.leaves.push(Leaf {
                value: random.below(1000) as f64 / 7.0,
                cover: 1.0,
            });
        }
        tree
    }

    fn walk(tree: &Tree, row: &[f64]) -> f64 {
        let mut node = if tree.splits.is_empty() { !0 } else { 0 };
        while let Ok(place) = usize::try_from(node) {
            let split = &tree.splits[place];
            let value = row[split.feature as usize];
            let left = match &split.rule {
                _ if value.is_nan() => split.missing_left,
                Rule::AtMost(threshold) => value <= *threshold,
                Rule::In(codes) => codes.contains(&(value as u32)),
            };
            node = if left { split.left } else { split.right };
        }
        tree.leaves[!node as usize].value
    }

    #[test]
    fn rows_reach_the_leaves_that_a_plain_walk_reaches() {
        let mut random = Random::stream(42, "compiled", 0);
        for (splits, missing) in [(0, false), (1, true), (40, false), (40, true)] {
            let trees = Trees {
                link: Link::Identity,
                outputs: 2,
                base: vec![0.5, -0.5],
                trees: (0..10).map(|_| tree(&mut random, splits)).collect(),
                categories: vec![None, None, Some(vec![String::new(); 6])],
                classes: Vec::new(),
            };
            let columns: Vec<Vec<f64>> = (0..3)
                .map(|feature| {
                    let value = |_| match random.below(10) {
                        0 if missing => f64::NAN,
                        _ if feature == 2 => random.below(6) as f64,
                        _ => random.below(120) as f64 / 10.0,
                    };
                    (0..301).map(value).collect()
                })
                .collect();
            let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let sums = Compiled::of(&trees).sums(&slices, 301);
            for row in 0..301 {
                let values: Vec<f64> = columns.iter().map(|column| column[row]).collect();
                for output in 0..2 {
                    let mut expected = trees.base[output];
                    for tree in trees.trees.iter().skip(output).step_by(2) {
                        expected += walk(tree, &values);
                    }
                    assert_eq!(sums[row * 2 + output], expected);
                }
            }
        }
    }
}
