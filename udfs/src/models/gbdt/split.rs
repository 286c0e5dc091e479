//! The best split of a feature's histogram.

use pulp::{Arch, NullaryFnOnce};

use super::histogram::{CODES, Cell, Layout, Sums};

/// Up to this many categories, each is tried against the others.
const ONE_AGAINST_OTHERS: usize = 4;
/// A subset of categories has at most this many.
const SUBSET: usize = 32;
/// Categories with fewer rows do not join subsets; their rows smooth the mean
/// gradient by which the others are ordered.
const SMOOTH: f64 = 10.0;
/// Added to the L2 penalty of a subset.
const SUBSET_L2: f64 = 10.0;
/// A gain below this share of the children's score is rounding.
const ROUNDING: f64 = 1e-12;

/// What every split must satisfy and how leaves are penalised.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub min_count: f64,
    pub min_hessian: f64,
    pub min_gain: f64,
    pub l1: f64,
    pub l2: f64,
}

/// What a leaf may hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub least: f64,
    pub most: f64,
}

impl Bounds {
    pub const NONE: Self = Self {
        least: f64::NEG_INFINITY,
        most: f64::INFINITY,
    };
}

impl Rules {
    /// What minimises the penalised loss of rows with these sums.
    #[inline(always)]
    pub fn output(&self, sums: Sums, bounds: Bounds) -> f64 {
        let output = -self.shrunk(sums.gradient) / (sums.hessian + self.l2);
        if output.is_nan() {
            return 0.0;
        }
        output.max(bounds.least).min(bounds.most)
    }

    /// A gradient towards 0 by the L1 penalty.
    #[inline(always)]
    fn shrunk(&self, gradient: f64) -> f64 {
        let rest = gradient.abs() - self.l1;
        if rest > 0.0 {
            rest.copysign(gradient)
        } else {
            0.0
        }
    }

    /// What an output saves, twice.
    #[inline(always)]
    fn score(&self, sums: Sums, output: f64) -> f64 {
        let gradient = self.shrunk(sums.gradient);
        -(2.0 * gradient + (sums.hessian + self.l2) * output) * output
    }

    #[inline(always)]
    fn admits(&self, sums: Sums) -> bool {
        sums.count >= self.min_count && sums.hessian >= self.min_hessian
    }
}

/// Which bins go left.
pub(super) type Mask = [u64; 4];

#[inline(always)]
pub(super) fn contains(mask: &Mask, code: u8) -> bool {
    mask[usize::from(code >> 6)] >> (code & 63) & 1 == 1
}

/// The bins up to one.
fn up_to(last: usize) -> Mask {
    std::array::from_fn(|word| match (last + 1).saturating_sub(64 * word) {
        0 => 0,
        bits @ 1..64 => (1 << bits) - 1,
        _ => u64::MAX,
    })
}

/// The bins of a mask, ascending.
pub(super) fn members(mask: &Mask) -> impl Iterator<Item = usize> {
    let mut rest = *mask;
    std::iter::from_fn(move || {
        let word = rest.iter().position(|&word| word != 0)?;
        let bit = rest[word].trailing_zeros() as usize;
        rest[word] &= rest[word] - 1;
        Some(64 * word + bit)
    })
}

pub(super) fn insert(mask: &mut Mask, code: usize) {
    mask[code >> 6] |= 1 << (code & 63);
}

/// A way to split the rows of a node by a feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate<C> {
    pub gain: f64,
    pub feature: u32,
    /// The bins that go left, with that of missing values if they do.
    pub mask: Mask,
    /// Numbers: the last bin that goes left.
    pub last: u8,
    pub missing_left: bool,
    /// The sums of the rows that go left.
    pub left: C,
}

/// A histogram of a feature and the node that it belongs to.
pub(super) struct Search<'a, C> {
    pub cells: &'a [C; CODES],
    /// Bins of values; that of missing ones follows.
    pub count: usize,
    /// Of the node.
    pub total: C,
    pub layout: &'a Layout,
    pub rules: &'a Rules,
    pub bounds: Bounds,
    /// -1, 0 or 1: whether outputs must fall, are free or must rise.
    pub direction: i8,
}

impl<C: Cell> Search<'_, C> {
    fn missing(&self) -> C {
        self.cells[self.count]
    }

    fn is_plain(&self) -> bool {
        self.rules.l1 == 0.0 && self.direction == 0 && self.bounds == Bounds::NONE
    }

    fn parent_score(&self, rules: &Rules) -> f64 {
        let sums = self.total.sums(self.layout);
        rules.score(sums, rules.output(sums, self.bounds))
    }

    /// The children's score; below 0 infinitely if they are not admissible.
    #[inline(always)]
    fn children<const PLAIN: bool>(&self, rules: &Rules, total: Sums, left: Sums) -> f64 {
        let right = Sums {
            gradient: total.gradient - left.gradient,
            hessian: total.hessian - left.hessian,
            count: total.count - left.count,
        };
        let admitted = rules.admits(left) & rules.admits(right);
        let score = if PLAIN {
            // The sum of two fractions, by one division.
            let (a, b) = (left.hessian + rules.l2, right.hessian + rules.l2);
            (left.gradient * left.gradient * b + right.gradient * right.gradient * a) / (a * b)
        } else {
            let (a, b) = (
                rules.output(left, self.bounds),
                rules.output(right, self.bounds),
            );
            let ordered = match self.direction {
                0 => true,
                1 => a <= b,
                _ => a >= b,
            };
            if ordered {
                rules.score(left, a) + rules.score(right, b)
            } else {
                f64::NEG_INFINITY
            }
        };
        if admitted { score } else { f64::NEG_INFINITY }
    }

    fn gain(&self, rules: &Rules, score: f64) -> Option<f64> {
        let gain = score - self.parent_score(rules);
        (gain > rules.min_gain && gain > score * ROUNDING && gain.is_finite()).then_some(gain)
    }

    /// Where rows without the feature go if the node has none: with the many.
    fn larger_is_left(&self, left: C) -> bool {
        let (left, total) = (
            left.sums(self.layout).count,
            self.total.sums(self.layout).count,
        );
        2.0 * left >= total
    }

    fn candidate(
        &self,
        feature: u32,
        gain: f64,
        mut mask: Mask,
        last: usize,
        missing: Option<bool>,
        left: C,
    ) -> Candidate<C> {
        let missing_left = missing.unwrap_or_else(|| self.larger_is_left(left));
        if missing_left {
            insert(&mut mask, self.count);
        }
        Candidate {
            gain,
            feature,
            mask,
            last: last as u8,
            missing_left,
            left,
        }
    }

    /// The best cut of a numeric feature; of equally good ones the lowest, with
    /// missing values to the right.
    pub fn cut(&self, feature: u32) -> Option<Candidate<C>> {
        let has_missing = self.missing().sums(self.layout).count > 0.0;
        let mut best: Option<(f64, usize, bool, C)> = None;
        let mut consider = |first: C, cuts: usize, missing_left: bool| {
            let found = if self.is_plain() {
                Arch::new().dispatch(Cuts::<_, true> {
                    search: self,
                    first,
                    cuts,
                })
            } else {
                Arch::new().dispatch(Cuts::<_, false> {
                    search: self,
                    first,
                    cuts,
                })
            };
            if let Some((score, cut, left)) = found
                && best.is_none_or(|best| score > best.0)
            {
                best = Some((score, cut, missing_left, left));
            }
        };
        if has_missing {
            consider(C::default(), self.count, false);
            consider(self.missing(), self.count - 1, true);
        } else {
            consider(C::default(), self.count - 1, false);
        }
        let (score, cut, missing_left, left) = best?;
        let gain = self.gain(self.rules, score)?;
        let missing = has_missing.then_some(missing_left);
        Some(self.candidate(feature, gain, up_to(cut), cut, missing, left))
    }

    /// [`Search::cut`] where only few bins have rows, those of `present`.
    pub fn cut_among(&self, feature: u32, present: &Mask) -> Option<Candidate<C>> {
        let total = self.total.sums(self.layout);
        let has_missing = contains(present, self.count as u8);
        let mut best: Option<(f64, usize, bool, C)> = None;
        for missing_left in [false, true] {
            if missing_left && !has_missing {
                break;
            }
            let mut left = if missing_left {
                self.missing()
            } else {
                C::default()
            };
            for bin in members(present).filter(|&bin| bin < self.count) {
                left.add(self.cells[bin]);
                let score = self.children::<true>(self.rules, total, left.sums(self.layout));
                if score.is_finite() && best.is_none_or(|best| score > best.0) {
                    best = Some((score, bin, missing_left, left));
                }
            }
        }
        let (score, cut, missing_left, left) = best?;
        let gain = self.gain(self.rules, score)?;
        let missing = has_missing.then_some(missing_left);
        Some(self.candidate(feature, gain, up_to(cut), cut, missing, left))
    }

    /// The cut after one bin, of rows that sum to `below` up to it, and with
    /// missing values (which sum to `missing`, if there are any) where they gain
    /// more. Reads no cells.
    pub fn cut_at(
        &self,
        feature: u32,
        cut: usize,
        below: C,
        missing: Option<C>,
    ) -> Option<Candidate<C>> {
        let total = self.total.sums(self.layout);
        let score = |left: C| self.children::<true>(self.rules, total, left.sums(self.layout));
        let mut best = (score(below), missing.map(|_| false), below);
        if let Some(missing) = missing {
            let mut left = below;
            left.add(missing);
            let with_missing = score(left);
            if with_missing > best.0 {
                best = (with_missing, Some(true), left);
            }
        }
        let (score, missing_left, left) = best;
        let gain = self.gain(self.rules, score)?;
        Some(self.candidate(feature, gain, up_to(cut), cut, missing_left, left))
    }

    /// The best subset of a categorical feature's bins; missing values are a
    /// category of their own.
    ///
    /// Of few categories each is tried against the others. Of more, those with
    /// at least [`SMOOTH`] rows are ordered by mean gradient (Fisher 1958: the
    /// best subset is a prefix), and the prefixes of up to [`SUBSET`] from
    /// either end are tried.
    pub fn subset(&self, feature: u32) -> Option<Candidate<C>> {
        let total = self.total.sums(self.layout);
        let sums: Vec<(usize, Sums)> = (0..=self.count)
            .map(|bin| (bin, self.cells[bin].sums(self.layout)))
            .filter(|(_, sums)| sums.count > 0.0)
            .collect();
        let mut best: Option<(f64, Vec<usize>, C)> = None;
        let mut rules = *self.rules;
        let orders: Vec<Vec<usize>> = if sums.len() <= ONE_AGAINST_OTHERS {
            sums.iter().map(|(bin, _)| vec![*bin]).collect()
        } else {
            rules.l2 += SUBSET_L2;
            let mut order: Vec<(f64, usize)> = sums
                .iter()
                .filter(|(_, sums)| sums.count >= SMOOTH)
                .map(|(bin, sums)| (sums.gradient / (sums.hessian + SMOOTH), *bin))
                .collect();
            order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let most = SUBSET.min(order.len().div_ceil(2));
            let up = order.iter().map(|pair| pair.1).take(most).collect();
            let down = order.iter().rev().map(|pair| pair.1).take(most).collect();
            vec![up, down]
        };
        for order in orders {
            let mut left = C::default();
            for (taken, &bin) in order.iter().enumerate() {
                left.add(self.cells[bin]);
                let score = self.children::<false>(&rules, total, left.sums(self.layout));
                if score.is_finite() && best.as_ref().is_none_or(|best| score > best.0) {
                    best = Some((score, order[..=taken].to_vec(), left));
                }
            }
        }
        let (score, bins, left) = best?;
        let gain = self.gain(&rules, score)?;
        let has_missing = self.missing().sums(self.layout).count > 0.0;
        let missing = has_missing.then(|| bins.contains(&self.count));
        let mut mask = [0; 4];
        let bins = bins.into_iter().filter(|&bin| bin < self.count);
        bins.for_each(|bin| insert(&mut mask, bin));
        Some(self.candidate(feature, gain, mask, 0, missing, left))
    }
}

/// All cuts of a feature from one side, for [`Arch::dispatch`].
struct Cuts<'a, C, const PLAIN: bool> {
    search: &'a Search<'a, C>,
    /// What goes left of every cut.
    first: C,
    cuts: usize,
}

impl<C: Cell, const PLAIN: bool> NullaryFnOnce for Cuts<'_, C, PLAIN> {
    /// The best score, the last bin to its left, and the sums of those to its left.
    type Output = Option<(f64, usize, C)>;

    #[inline(always)]
    fn call(self) -> Self::Output {
        const LANES: usize = 8;
        let search = self.search;
        let total = search.total.sums(search.layout);
        let cuts = self.cuts.min(CODES);
        let mut left = [C::default(); CODES];
        let mut sum = self.first;
        for (left, cell) in left[..cuts].iter_mut().zip(search.cells) {
            sum.add(*cell);
            *left = sum;
        }
        let mut scores = [f64::NEG_INFINITY; CODES];
        for (score, left) in scores[..cuts].iter_mut().zip(&left[..cuts]) {
            *score = search.children::<PLAIN>(search.rules, total, left.sums(search.layout));
        }
        let mut most = [f64::NEG_INFINITY; LANES];
        for scores in scores.chunks_exact(LANES) {
            for (most, &score) in most.iter_mut().zip(scores) {
                *most = if score > *most { score } else { *most };
            }
        }
        let best = most
            .into_iter()
            .fold(f64::NEG_INFINITY, |a, b| if b > a { b } else { a });
        if !best.is_finite() {
            return None;
        }
        let cut = scores.iter().position(|&score| score == best)?;
        Some((best, cut, left[cut]))
    }
}
