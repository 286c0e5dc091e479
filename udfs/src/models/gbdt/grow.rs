//! Growth of a tree, best leaf first.
//!
//! What a leaf's best split is does not depend on when it is looked for. So the
//! next leaves in line are split ahead of time, one per thread; a split whose
//! turn does not come within `max_leaves` is dropped. The tree is that of one
//! thread.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU16, Ordering as Memory};

use rayon::prelude::*;

use super::histogram::{Builder, Cell, Histogram, Layout};
use super::split::{Bounds, Candidate, Mask, Rules, Search, contains};

/// Rows that one task divides or sums.
pub(super) const SEGMENT: usize = 32_768;

/// Grows trees on the gradients that its builder holds.
pub(super) struct Grower<'a, C> {
    pub builder: Builder<'a, C>,
    pub layout: Layout,
    pub rules: Rules,
    pub max_leaves: usize,
    pub max_depth: usize,
    /// Per feature -1, 0 or 1; empty: free.
    pub monotone: &'a [i8],
    /// Sets of features that may be on one path; empty: all.
    pub interactions: &'a [Vec<u32>],
}

/// A tree in bins.
#[derive(Debug)]
pub(super) struct Grown {
    /// The root first, parents before children.
    pub splits: Vec<Parting>,
    pub leaves: Vec<Ending>,
}

/// A split of a [`Grown`].
#[derive(Debug)]
pub(super) struct Parting {
    pub feature: u32,
    pub mask: Mask,
    pub last: u8,
    pub missing_left: bool,
    /// Below 0: the leaf `!child`.
    pub children: [i32; 2],
    pub gain: f64,
    /// What a leaf here would hold.
    pub output: f64,
}

/// A leaf of a [`Grown`].
#[derive(Debug)]
pub(super) struct Ending {
    /// The training rows in it.
    pub rows: Vec<Vec<u32>>,
    pub output: f64,
    pub count: f64,
    pub bounds: Bounds,
}

struct Node<C> {
    rows: Vec<Vec<u32>>,
    total: C,
    depth: usize,
    bounds: Bounds,
    path: Vec<u32>,
    histogram: Histogram<C>,
    best: Option<Candidate<C>>,
    children: Option<Box<[Node<C>; 2]>>,
}

impl<C> Node<C> {
    fn count(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }
}

/// A leaf in line, the best first, of equals the first made.
struct Waiting<C> {
    gain: f64,
    leaf: usize,
    node: Box<Node<C>>,
}

impl<C> Ord for Waiting<C> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_gain = self.gain.total_cmp(&other.gain);
        by_gain.then(other.leaf.cmp(&self.leaf))
    }
}

impl<C> PartialOrd for Waiting<C> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<C> PartialEq for Waiting<C> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<C> Eq for Waiting<C> {}

/// Where a leaf hangs: a split and its side.
type Place = Option<(usize, usize)>;

impl<C: Cell> Grower<'_, C> {
    /// A tree on rows that are given in segments.
    pub fn grow(&self, rows: Vec<Vec<u32>>) -> Grown {
        let mut total = C::default();
        for &row in rows.iter().flatten() {
            total.add(self.builder.cells[row as usize]);
        }
        let mut root = Node {
            rows,
            total,
            depth: 0,
            bounds: Bounds::NONE,
            path: Vec::new(),
            histogram: Vec::new(),
            best: None,
            children: None,
        };
        if self.max_leaves > 1 && self.may_split(&root) {
            root.histogram = self.builder.build(&root.rows);
            root.best = self.best(&root);
        }
        let mut grown = Grown {
            splits: Vec::new(),
            leaves: Vec::new(),
        };
        let mut places: Vec<Place> = Vec::new();
        let mut line = BinaryHeap::new();
        self.enqueue(Box::new(root), None, 0, &mut grown, &mut places, &mut line);
        while grown.leaves.len() < self.max_leaves {
            let Some(mut next) = line.pop() else { break };
            if next.node.children.is_none() {
                self.expand_ahead(&mut next, &mut line, self.max_leaves - grown.leaves.len());
            }
            self.commit(next, &mut grown, &mut places, &mut line);
        }
        for waiting in line {
            grown.leaves[waiting.leaf].rows = gathered(*waiting.node);
        }
        grown
    }

    /// Makes a node a leaf, in line if it can be split.
    fn enqueue(
        &self,
        node: Box<Node<C>>,
        place: Place,
        leaf: usize,
        grown: &mut Grown,
        places: &mut Vec<Place>,
        line: &mut BinaryHeap<Waiting<C>>,
    ) {
        let sums = node.total.sums(&self.layout);
        let ending = Ending {
            rows: Vec::new(),
            output: self.rules.output(sums, node.bounds),
            count: sums.count,
            bounds: node.bounds,
        };
        if leaf == grown.leaves.len() {
            grown.leaves.push(ending);
            places.push(place);
        } else {
            grown.leaves[leaf] = ending;
            places[leaf] = place;
        }
        if let Some((split, side)) = place {
            grown.splits[split].children[side] = !(leaf as i32);
        }
        match &node.best {
            Some(best) => line.push(Waiting {
                gain: best.gain,
                leaf,
                node,
            }),
            None => grown.leaves[leaf].rows = node.rows,
        }
    }

    /// Splits `next` and, on the other threads, the leaves behind it.
    fn expand_ahead(&self, next: &mut Waiting<C>, line: &mut BinaryHeap<Waiting<C>>, room: usize) {
        let ahead = rayon::current_num_threads().min(room) - 1;
        let mut others = Vec::new();
        let mut fresh = 0;
        while fresh < ahead {
            let Some(other) = line.pop() else { break };
            fresh += usize::from(other.node.children.is_none());
            others.push(other);
        }
        // The last split makes two leaves that nobody splits.
        let is_last = room == 1;
        if fresh == 0 {
            self.expand(&mut next.node, is_last);
        } else {
            rayon::join(
                || self.expand(&mut next.node, is_last),
                || {
                    others
                        .par_iter_mut()
                        .filter(|other| other.node.children.is_none())
                        .for_each(|other| self.expand(&mut other.node, false));
                },
            );
        }
        line.extend(others);
    }

    /// Turns a leaf whose children are made into a split.
    fn commit(
        &self,
        next: Waiting<C>,
        grown: &mut Grown,
        places: &mut Vec<Place>,
        line: &mut BinaryHeap<Waiting<C>>,
    ) {
        let node = *next.node;
        let (Some(best), Some(children)) = (node.best, node.children) else {
            return;
        };
        let split = grown.splits.len();
        if let Some((parent, side)) = places[next.leaf] {
            grown.splits[parent].children[side] = split as i32;
        }
        let old = &grown.leaves[next.leaf];
        grown.splits.push(Parting {
            feature: best.feature,
            mask: best.mask,
            last: best.last,
            missing_left: best.missing_left,
            children: [0, 0],
            gain: best.gain,
            output: old.output,
        });
        let [left, right] = *children;
        let right_leaf = grown.leaves.len();
        self.enqueue(
            Box::new(left),
            Some((split, 0)),
            next.leaf,
            grown,
            places,
            line,
        );
        self.enqueue(
            Box::new(right),
            Some((split, 1)),
            right_leaf,
            grown,
            places,
            line,
        );
    }

    /// Makes the children of a node and looks for their best splits.
    fn expand(&self, node: &mut Node<C>, is_last: bool) {
        let Some(best) = node.best else { return };
        let column = self.builder.binned.column(best.feature as usize);
        let (left, right) = divide(std::mem::take(&mut node.rows), column, &best.mask);
        let bounds = self.child_bounds(node, &best);
        let mut path = node.path.clone();
        if !self.interactions.is_empty() && !path.contains(&best.feature) {
            path.push(best.feature);
        }
        let child = |rows, total, bounds| Node {
            rows,
            total,
            depth: node.depth + 1,
            bounds,
            path: path.clone(),
            histogram: Vec::new(),
            best: None,
            children: None,
        };
        let mut left = child(left, best.left, bounds[0]);
        let mut right = child(right, node.total.less(best.left), bounds[1]);
        let whole = std::mem::take(&mut node.histogram);
        if !is_last {
            let (smaller, larger) = if left.count() <= right.count() {
                (&mut left, &mut right)
            } else {
                (&mut right, &mut left)
            };
            if self.may_split(larger) {
                self.split_histogram(whole, smaller, larger);
            }
        }
        node.children = Some(Box::new([left, right]));
    }

    /// Sums the smaller child, takes the larger one as the rest.
    fn split_histogram(&self, whole: Histogram<C>, smaller: &mut Node<C>, larger: &mut Node<C>) {
        let part = self.builder.build(&smaller.rows);
        let mut rest = whole;
        for (rest, part) in rest.as_flattened_mut().iter_mut().zip(part.as_flattened()) {
            *rest = rest.less(*part);
        }
        larger.histogram = rest;
        larger.best = self.best(larger);
        if larger.best.is_none() {
            larger.histogram = Vec::new();
        }
        if self.may_split(smaller) {
            smaller.histogram = part;
            smaller.best = self.best(smaller);
        }
    }

    fn may_split(&self, node: &Node<C>) -> bool {
        let deep = self.max_depth > 0 && node.depth >= self.max_depth;
        let count = node.total.sums(&self.layout).count;
        !deep && count >= 2.0 * self.rules.min_count
    }

    /// The best split of any feature, of equals that of the first feature.
    fn best(&self, node: &Node<C>) -> Option<Candidate<C>> {
        let places = self.builder.chosen.len();
        let better = |a: Option<Candidate<C>>, b: Option<Candidate<C>>| match (a, b) {
            (Some(a), Some(b)) if b.gain > a.gain => Some(b),
            (None, b) => b,
            (a, _) => a,
        };
        let of_place = |place: usize| self.best_of_feature(node, place);
        if node.count() > SEGMENT {
            // In order, so that the first of equals stays the first.
            (0..places)
                .into_par_iter()
                .map(of_place)
                .reduce(|| None, better)
        } else {
            (0..places).map(of_place).fold(None, better)
        }
    }

    fn best_of_feature(&self, node: &Node<C>, place: usize) -> Option<Candidate<C>> {
        let feature = self.builder.chosen.feature(place);
        if !self.may_interact(&node.path, feature as u32) {
            return None;
        }
        let bins = self.builder.binned.bins(feature);
        let search = Search {
            cells: &node.histogram[place],
            count: bins.count(),
            total: node.total,
            layout: &self.layout,
            rules: &self.rules,
            bounds: node.bounds,
            direction: self.monotone.get(feature).copied().unwrap_or(0),
        };
        if bins.is_categorical() {
            search.subset(feature as u32)
        } else {
            search.cut(feature as u32)
        }
    }

    fn may_interact(&self, path: &[u32], feature: u32) -> bool {
        self.interactions.is_empty()
            || self.interactions.iter().any(|group| {
                group.contains(&feature) && path.iter().all(|used| group.contains(used))
            })
    }

    /// Keeps every output below a rising split's right side under those of its
    /// left side apart, half way between the two.
    fn child_bounds(&self, node: &Node<C>, best: &Candidate<C>) -> [Bounds; 2] {
        let mut bounds = [node.bounds; 2];
        let direction = self.monotone.get(best.feature as usize).copied();
        let direction = direction.unwrap_or(0);
        if direction != 0 {
            let output = |cell: C| self.rules.output(cell.sums(&self.layout), node.bounds);
            let (left, right) = (output(best.left), output(node.total.less(best.left)));
            let middle = left / 2.0 + right / 2.0;
            let (low, high) = if direction > 0 { (0, 1) } else { (1, 0) };
            bounds[low].most = middle;
            bounds[high].least = middle;
        }
        bounds
    }
}

/// The rows of a node, whether or not it was split ahead of time.
fn gathered<C>(node: Node<C>) -> Vec<Vec<u32>> {
    let mut rows = node.rows;
    if let Some(children) = node.children {
        for child in *children {
            rows.extend(gathered(child));
        }
    }
    rows
}

type Segments = Vec<Vec<u32>>;

/// The rows whose bin the mask holds, and the others; each in their order.
fn divide(rows: Segments, column: &[u8], mask: &Mask) -> (Segments, Segments) {
    let mut goes = [0_usize; 256];
    for (code, goes) in (0..=255_u8).zip(&mut goes) {
        *goes = usize::from(contains(mask, code));
    }
    let (left, right): (Segments, Segments) = if rows.len() == 1 {
        rows.into_iter()
            .map(|rows| divide_segment(rows, column, &goes))
            .unzip()
    } else {
        rows.into_par_iter()
            .map(|rows| divide_segment(rows, column, &goes))
            .unzip()
    };
    (joined(left), joined(right))
}

fn divide_segment(mut rows: Vec<u32>, column: &[u8], goes: &[usize; 256]) -> (Vec<u32>, Vec<u32>) {
    let mut others = vec![0; rows.len()];
    let (mut left, mut right) = (0, 0);
    for i in 0..rows.len() {
        let row = rows[i];
        let goes = goes[usize::from(column[row as usize])];
        rows[left] = row;
        others[right] = row;
        left += goes;
        right += 1 - goes;
    }
    rows.truncate(left);
    rows.shrink_to_fit();
    others.truncate(right);
    others.shrink_to_fit();
    (rows, others)
}

/// One segment if the rows fit one.
fn joined(segments: Segments) -> Segments {
    let count: usize = segments.iter().map(Vec::len).sum();
    if segments.len() > 1 && count <= SEGMENT {
        vec![segments.concat()]
    } else {
        segments
    }
}

impl Grown {
    /// The leaf of a row.
    pub fn leaf(&self, code: impl Fn(usize) -> u8) -> usize {
        if self.splits.is_empty() {
            return 0;
        }
        let mut next = 0;
        while next >= 0 {
            let split = &self.splits[next as usize];
            let goes_left = contains(&split.mask, code(split.feature as usize));
            next = split.children[usize::from(!goes_left)];
        }
        !next as usize
    }

    /// Notes the leaf of each training row.
    pub fn mark(&self, leaf_of: &[AtomicU16]) {
        self.leaves
            .par_iter()
            .enumerate()
            .for_each(|(leaf, ending)| {
                for &row in ending.rows.iter().flatten() {
                    leaf_of[row as usize].store(leaf as u16, Memory::Relaxed);
                }
            });
    }
}
