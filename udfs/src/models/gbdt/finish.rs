//! A tree in bins as a tree in values.

use super::bins::{Binned, Bins, Meaning};
use super::grow::{Grown, Parting};
use super::split::contains;
use crate::models::trees::{Leaf, Rule, Split, Tree};

/// The tree with every output times `rate`, and `covers` of its leaves.
pub(super) fn finish(grown: &Grown, binned: &Binned, rate: f64, covers: &[f64]) -> Tree {
    let leaves: Vec<Leaf> = grown
        .leaves
        .iter()
        .zip(covers)
        .map(|(leaf, &cover)| Leaf {
            value: rate * leaf.output,
            cover,
        })
        .collect();
    let mut splits: Vec<Split> = grown
        .splits
        .iter()
        .map(|split| Split {
            feature: split.feature,
            rule: rule(split, binned.bins(split.feature as usize)),
            missing_left: split.missing_left,
            left: split.children[0],
            right: split.children[1],
            gain: split.gain,
            cover: 0.0,
            value: rate * split.output,
        })
        .collect();
    // Children come after their parents.
    for at in (0..splits.len()).rev() {
        let cover = |child: i32| match usize::try_from(child) {
            Ok(split) => splits[split].cover,
            Err(_) => leaves[!child as usize].cover,
        };
        splits[at].cover = cover(splits[at].left) + cover(splits[at].right);
    }
    Tree { splits, leaves }
}

fn rule(split: &Parting, bins: &Bins) -> Rule {
    match &bins.meaning {
        // No edge: every value is at most the largest.
        Meaning::Numbers(edges) => {
            let edge = edges.get(usize::from(split.last));
            Rule::AtMost(edge.copied().unwrap_or(f64::MAX))
        }
        Meaning::Categories(kept) => {
            let mut codes: Vec<u32> = kept
                .iter()
                .zip(0..=255_u8)
                .filter(|(_, bin)| contains(&split.mask, *bin))
                .map(|(code, _)| *code)
                .collect();
            if split.missing_left {
                // Rare categories share the bin of missing ones.
                let all = 0..bins.categories as u32;
                codes.extend(all.filter(|code| kept.binary_search(code).is_err()));
                codes.sort_unstable();
            }
            Rule::In(codes)
        }
    }
}
