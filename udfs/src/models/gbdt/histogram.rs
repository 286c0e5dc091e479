//! Sums of gradients by bin.
//!
//! A cell is one or two 64-bit words. The first holds the gradients' sum in its
//! low bits and the number of rows in its high bits, so that one addition serves
//! both; objectives whose second derivative is not 1 add its sum as the second
//! word. Gradients are whole numbers (see [`Layout`]), so that neither the order
//! of rows nor a division of them among threads changes a sum, and the larger
//! child is its parent less the smaller one, exactly.

use rayon::prelude::*;

use super::bins::{Binned, WORD};
use super::fixed;

/// Bins of a feature, with that of missing values, and unused ones.
pub(super) const CODES: usize = 256;
/// Rows gathered at once: their words and gradients stay in the second-level
/// cache while the histograms of a few features stay in the first.
const CHUNK: usize = 1_024;

/// How cells are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Bits of the gradients' sum.
    pub bits: u32,
    /// What one unit of a gradient is worth.
    pub gradient_unit: f64,
    /// What one unit of a second derivative is worth.
    pub hessian_unit: f64,
}

impl Layout {
    /// Bits that leave room to count `rows`.
    pub fn bits_for(rows: u64) -> u32 {
        rows.leading_zeros().min(51)
    }
}

/// The sums of some rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sums {
    /// Of gradients.
    pub gradient: f64,
    /// Of second derivatives.
    pub hessian: f64,
    /// How many rows, or the number of times that they were drawn.
    pub count: f64,
}

/// What is summed of a row.
pub(super) trait Cell: Copy + Default + Send + Sync + 'static {
    /// Features whose histograms fit the first-level cache together.
    const GROUP: usize;
    /// Whether the second derivative is summed.
    const HESSIAN: bool;
    fn of(gradient: i64, hessian: i64, count: u64, bits: u32) -> Self;
    fn add(&mut self, other: Self);
    fn less(self, other: Self) -> Self;
    fn sums(self, layout: &Layout) -> Sums;
}

#[inline(always)]
fn pack(gradient: i64, count: u64, bits: u32) -> u64 {
    (count << bits).wrapping_add(gradient as u64)
}

/// The gradients' sum and the number of rows.
#[inline(always)]
fn unpack(word: u64, bits: u32) -> (i64, u64) {
    let count = word.wrapping_add(1 << (bits - 1)) >> bits;
    (word.wrapping_sub(count << bits) as i64, count)
}

impl Cell for u64 {
    const GROUP: usize = 8;
    const HESSIAN: bool = false;

    #[inline(always)]
    fn of(gradient: i64, _: i64, count: u64, bits: u32) -> Self {
        pack(gradient, count, bits)
    }

    #[inline(always)]
    fn add(&mut self, other: Self) {
        *self = self.wrapping_add(other);
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }

    #[inline(always)]
    fn sums(self, layout: &Layout) -> Sums {
        let (gradient, count) = unpack(self, layout.bits);
        let count = fixed::double(count as i64);
        Sums {
            gradient: fixed::double(gradient) * layout.gradient_unit,
            hessian: count,
            count,
        }
    }
}

impl Cell for [u64; 2] {
    const GROUP: usize = 4;
    const HESSIAN: bool = true;

    #[inline(always)]
    fn of(gradient: i64, hessian: i64, count: u64, bits: u32) -> Self {
        [pack(gradient, count, bits), hessian as u64]
    }

    #[inline(always)]
    fn add(&mut self, other: Self) {
        *self = [
            self[0].wrapping_add(other[0]),
            self[1].wrapping_add(other[1]),
        ];
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self {
        [
            self[0].wrapping_sub(other[0]),
            self[1].wrapping_sub(other[1]),
        ]
    }

    #[inline(always)]
    fn sums(self, layout: &Layout) -> Sums {
        let (gradient, count) = unpack(self[0], layout.bits);
        Sums {
            gradient: fixed::double(gradient) * layout.gradient_unit,
            hessian: fixed::double(self[1] as i64) * layout.hessian_unit,
            count: fixed::double(count as i64),
        }
    }
}

/// The cells of each bin of the features in use, in their order.
pub(super) type Histogram<C> = Vec<[C; CODES]>;

/// Which bytes of a row's words are summed.
#[derive(Debug, Clone)]
pub(super) enum Chosen {
    /// All features.
    All(usize),
    /// Some, ascending.
    Some(Vec<u32>),
}

impl Chosen {
    pub fn len(&self) -> usize {
        match self {
            Self::All(count) => *count,
            Self::Some(features) => features.len(),
        }
    }

    /// The feature of a place in the histogram.
    pub fn feature(&self, place: usize) -> usize {
        match self {
            Self::All(_) => place,
            Self::Some(features) => features[place] as usize,
        }
    }
}

/// Builds histograms of sets of rows.
pub(super) struct Builder<'a, C> {
    pub binned: &'a Binned,
    /// The cell of each row.
    pub cells: &'a [C],
    pub chosen: &'a Chosen,
}

impl<C: Cell> Builder<'_, C> {
    /// The histogram of rows that are given in segments.
    pub fn build(&self, segments: &[Vec<u32>]) -> Histogram<C> {
        let threads = rayon::current_num_threads().min(segments.len()).max(1);
        if threads == 1 {
            return self.build_here(segments);
        }
        segments
            .par_chunks(segments.len().div_ceil(threads))
            .map(|segments| self.build_here(segments))
            .reduce_with(|mut a, b| {
                for (a, b) in a.as_flattened_mut().iter_mut().zip(b.as_flattened()) {
                    a.add(*b);
                }
                a
            })
            .unwrap_or_default()
    }

    fn build_here(&self, segments: &[Vec<u32>]) -> Histogram<C> {
        let features = self.chosen.len();
        let mut histogram = vec![[C::default(); CODES]; features];
        let blocks = features.div_ceil(WORD);
        let mut words = vec![[0_u64; CHUNK]; blocks];
        let mut cells = [C::default(); CHUNK];
        for rows in segments {
            for rows in rows.chunks(CHUNK) {
                self.gather(rows, &mut words, &mut cells);
                for (block, words) in histogram.chunks_mut(WORD).zip(&words) {
                    add_block(block, &words[..rows.len()], &cells[..rows.len()]);
                }
            }
        }
        histogram
    }

    fn gather(&self, rows: &[u32], words: &mut [[u64; CHUNK]], cells: &mut [C; CHUNK]) {
        for (cell, &row) in cells.iter_mut().zip(rows) {
            *cell = self.cells[row as usize];
        }
        let stride = self.binned.stride();
        let all = self.binned.words();
        touch(all, stride, rows);
        match self.chosen {
            Chosen::All(_) => {
                for (i, &row) in rows.iter().enumerate() {
                    let record = &all[row as usize * stride..][..stride];
                    for (block, &word) in words.iter_mut().zip(record) {
                        block[i % CHUNK] = word;
                    }
                }
            }
            Chosen::Some(features) => {
                for (i, &row) in rows.iter().enumerate() {
                    let record = &all[row as usize * stride..][..stride];
                    for (block, features) in words.iter_mut().zip(features.chunks(WORD)) {
                        let mut word = 0;
                        for (place, &feature) in features.iter().enumerate() {
                            let feature = feature as usize;
                            let code = record[feature / WORD] >> (8 * (feature % WORD)) & 255;
                            word |= code << (8 * place);
                        }
                        block[i % CHUNK] = word;
                    }
                }
            }
        }
    }
}

/// Reads a word of either end of each row. So short a loop waits for many rows
/// at once where one that copies would wait for a few.
fn touch(all: &[u64], stride: usize, rows: &[u32]) {
    let mut read = 0;
    for &row in rows {
        let start = row as usize * stride;
        read ^= all[start] ^ all[start + stride - 1];
    }
    std::hint::black_box(read);
}

/// Adds rows to the histograms of at most eight features.
fn add_block<C: Cell>(block: &mut [[C; CODES]], words: &[u64], cells: &[C]) {
    for (group, features) in block.chunks_mut(C::GROUP).enumerate() {
        let shift = (8 * C::GROUP * group) as u32;
        match features.len() {
            8 => add_features::<C, 8>(features, words, shift, cells),
            7 => add_features::<C, 7>(features, words, shift, cells),
            6 => add_features::<C, 6>(features, words, shift, cells),
            5 => add_features::<C, 5>(features, words, shift, cells),
            4 => add_features::<C, 4>(features, words, shift, cells),
            3 => add_features::<C, 3>(features, words, shift, cells),
            2 => add_features::<C, 2>(features, words, shift, cells),
            _ => add_features::<C, 1>(features, words, shift, cells),
        }
    }
}

fn add_features<C: Cell, const K: usize>(
    features: &mut [[C; CODES]],
    words: &[u64],
    shift: u32,
    cells: &[C],
) {
    let Some(features) = features.first_chunk_mut::<K>() else {
        return;
    };
    for (&word, &cell) in words.iter().zip(cells) {
        let codes = (word >> shift).to_le_bytes();
        for place in 0..K {
            features[place][codes[place] as usize].add(cell);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_hold_signed_sums_and_counts() {
        let bits = Layout::bits_for(1_000_000);
        assert_eq!(bits, 44);
        let layout = Layout {
            bits,
            gradient_unit: 0.5,
            hessian_unit: 0.25,
        };
        let mut single = 0_u64;
        let mut double = [0_u64; 2];
        for (gradient, hessian) in [(-7, 3), (2, 5), (-1_000_000_000, 9)] {
            single.add(<u64 as Cell>::of(gradient, hessian, 1, bits));
            double.add(<[u64; 2] as Cell>::of(gradient, hessian, 1, bits));
        }
        let sums = single.sums(&layout);
        assert_eq!((sums.gradient, sums.count), (-500_000_002.5, 3.0));
        assert_eq!(sums.hessian, 3.0);
        let sums = double.sums(&layout);
        assert_eq!((sums.gradient, sums.count), (-500_000_002.5, 3.0));
        assert_eq!(sums.hessian, 4.25);
        let rest = double.less(<[u64; 2] as Cell>::of(2, 5, 1, bits));
        assert_eq!(rest.sums(&layout).gradient, -500_000_003.5);
    }
}
