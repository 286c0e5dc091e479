//! Whether trees that came from outside are trees: what walks them afterwards
//! relies on it.

use super::{Link, Rule, Tree, Trees};

/// Steps from a root to a leaf. More than training makes; what follows paths
/// keeps a number per step.
const DEEPEST: u32 = 4096;

impl Trees {
    /// What is wrong with the trees of a model of so many features, if anything.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn check(&self, features: usize) -> Result<(), String> {
        let outputs = self.outputs as usize;
        if outputs == 0 || self.base.len() != outputs {
            return Err(format!(
                "{outputs} sums start from {} values",
                self.base.len()
            ));
        }
        if !self.trees.len().is_multiple_of(outputs) {
            return Err(format!(
                "{} trees do not fill {outputs} sums",
                self.trees.len()
            ));
        }
        if self.categories.len() != features {
            return Err(format!(
                "{features} features have {} lists of categories",
                self.categories.len()
            ));
        }
        let (least, most) = match self.link {
            Link::Identity | Link::Log => (0, 0),
            Link::Logistic => (2, 2),
            Link::Share if outputs == 1 => (2, 2),
            Link::Softmax | Link::Share => (outputs, outputs),
        };
        let alone = matches!(self.link, Link::Softmax | Link::Share) || outputs == 1;
        if self.classes.len() < least || self.classes.len() > most || !alone {
            return Err(format!(
                "{outputs} sums tell {} classes apart",
                self.classes.len()
            ));
        }
        if !self.classes.is_sorted_by(|a, b| a < b) {
            return Err("the classes are not in order".to_owned());
        }
        for names in self.categories.iter().flatten() {
            if !names.is_sorted_by(|a, b| a < b) {
                return Err("the categories are not in order".to_owned());
            }
        }
        for (i, tree) in self.trees.iter().enumerate() {
            let wrong = |what: String| format!("tree {i}: {what}");
            tree.check().map_err(wrong)?;
            for split in &tree.splits {
                let categories = self.categories.get(split.feature as usize);
                let categories = categories.ok_or_else(|| {
                    wrong(format!("feature {} of {features} is asked", split.feature))
                })?;
                let fits = match (&split.rule, categories) {
                    (Rule::AtMost(threshold), None) => !threshold.is_nan(),
                    (Rule::In(codes), Some(names)) => {
                        codes.is_sorted_by(|a, b| a < b)
                            && codes
                                .last()
                                .is_none_or(|last| (*last as usize) < names.len())
                    }
                    _ => false,
                };
                if !fits {
                    return Err(wrong(format!(
                        "a rule does not suit feature {}",
                        split.feature
                    )));
                }
            }
        }
        Ok(())
    }
}

impl Tree {
    /// Every node but the root has one parent, which stands before it.
    fn check(&self) -> Result<(), String> {
        if self.leaves.len() != self.splits.len() + 1 {
            return Err(format!(
                "{} splits have {} leaves",
                self.splits.len(),
                self.leaves.len()
            ));
        }
        let mut depth = vec![0_u32; self.splits.len()];
        let mut leaf_met = vec![false; self.leaves.len()];
        for (place, split) in self.splits.iter().enumerate() {
            if place > 0 && depth[place] == 0 {
                return Err(format!("no split leads to split {place}"));
            }
            if depth[place] > DEEPEST {
                return Err(format!("it is deeper than {DEEPEST} splits"));
            }
            for child in [split.left, split.right] {
                let free = match usize::try_from(child) {
                    Ok(child) => {
                        let below = depth[place] + 1;
                        let depth = depth.get_mut(child).filter(|_| child > place);
                        depth.is_some_and(|depth| std::mem::replace(depth, below) == 0)
                    }
                    Err(_) => {
                        let met = leaf_met.get_mut(!child as usize);
                        met.is_some_and(|met| !std::mem::replace(met, true))
                    }
                };
                if !free {
                    return Err(format!("split {place} leads to {child}"));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::models::trees::{Leaf, Link, Rule, Split, Tree, Trees};

    fn split(left: i32, right: i32) -> Split {
        Split {
            feature: 0,
            rule: Rule::AtMost(0.5),
            missing_left: true,
            left,
            right,
            gain: 1.0,
            cover: 2.0,
            value: 0.0,
        }
    }

    fn trees(splits: Vec<Split>) -> Trees {
        let leaf = Leaf {
            value: 1.0,
            cover: 1.0,
        };
        let leaves = vec![leaf; splits.len() + 1];
        Trees {
            link: Link::Identity,
            outputs: 1,
            base: vec![0.0],
            trees: vec![Tree { splits, leaves }],
            categories: vec![None, Some(vec!["a".to_owned()])],
            classes: Vec::new(),
        }
    }

    #[test]
    fn trees_pass_and_other_graphs_do_not() {
        assert_eq!(trees(vec![]).check(2), Ok(()));
        assert_eq!(trees(vec![split(1, !2), split(!0, !1)]).check(2), Ok(()));
        for wrong in [
            vec![split(0, !0)],
            vec![split(1, !0), split(0, !1)],
            vec![split(1, 1), split(!0, !1)],
            vec![split(1, !0), split(!0, !1)],
            vec![split(7, !0)],
            vec![split(!0, !7)],
            vec![split(!0, !1), split(!2, !2)],
            vec![split(i32::MIN, i32::MAX)],
        ] {
            assert!(trees(wrong.clone()).check(2).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn rules_suit_their_features() {
        for (feature, rule) in [
            (0, Rule::AtMost(f64::NAN)),
            (0, Rule::In(vec![0])),
            (1, Rule::AtMost(1.0)),
            (1, Rule::In(vec![1])),
            (1, Rule::In(vec![0, 0])),
            (2, Rule::AtMost(1.0)),
        ] {
            let mut trees = trees(vec![split(!0, !1)]);
            trees.trees[0].splits[0].feature = feature;
            trees.trees[0].splits[0].rule = rule.clone();
            assert!(trees.check(2).is_err(), "{feature} {rule:?}");
        }
    }

    #[test]
    fn sums_match_their_meaning() {
        let mut wrong = trees(vec![]);
        wrong.outputs = u32::MAX;
        assert!(wrong.check(2).is_err());
        let mut wrong = trees(vec![]);
        wrong.link = Link::Logistic;
        assert!(wrong.check(2).is_err());
        wrong.classes = vec![0.0, 1.0];
        assert_eq!(wrong.check(2), Ok(()));
        wrong.classes = vec![1.0, 0.0];
        assert!(wrong.check(2).is_err());
        assert!(trees(vec![]).check(3).is_err());
    }
}
