//! The rows as bins: a byte per row and feature, shared by every tree, and by
//! every model that is trained on some of the rows.

use rayon::prelude::*;

use super::edges::edges;
use super::rows::Hashes;
use crate::models::training::{FeatureColumn, NO_CATEGORY};

/// Rows whose values teach the edges, at most about.
const SAMPLE: usize = 200_000;
/// Features in a word of a row.
pub(super) const WORD: usize = 8;
/// Rows that one task turns from columns into words.
const TASK: usize = 8_192;

/// What the bins of a feature mean.
#[derive(Debug, Clone)]
pub(super) enum Meaning {
    /// Bin `i` ends at edge `i`; the last has no end.
    Numbers(Vec<f64>),
    /// The code of each bin's category, ascending. Rarer categories share the
    /// bin of missing ones.
    Categories(Vec<u32>),
}

/// The bins of a feature.
#[derive(Debug, Clone)]
pub(super) struct Bins {
    pub meaning: Meaning,
    /// How many categories there are, with those that are too rare for a bin.
    pub categories: usize,
}

impl Bins {
    /// Bins of values. The bin of missing ones follows.
    pub fn count(&self) -> usize {
        match &self.meaning {
            Meaning::Numbers(edges) => edges.len() + 1,
            Meaning::Categories(codes) => codes.len(),
        }
    }

    pub fn is_categorical(&self) -> bool {
        matches!(self.meaning, Meaning::Categories(_))
    }
}

/// Binned rows. Bins do not depend on the order of the rows.
///
/// Memory: two bytes per row and feature (number of features rounded up to a
/// multiple of 8 for one of them): a copy by feature, from which rows are
/// divided among children, and one by row, from which histograms are built.
#[derive(Debug, Clone)]
pub struct Binned {
    rows: usize,
    bins: Vec<Bins>,
    columns: Vec<u8>,
    words: Vec<u64>,
    stride: usize,
}

impl Binned {
    /// Bins columns of equal length into at most `most` (2 to 255) bins.
    ///
    /// Edges are learnt from the rows that `learns` marks (all if `None`): from
    /// about 200,000 of them, chosen by their contents, if there are more.
    pub fn of(
        columns: &[FeatureColumn<'_>],
        learns: Option<&[bool]>,
        hashes: &Hashes,
        most: usize,
    ) -> Self {
        let most = most.clamp(2, 255);
        let rows = columns.first().map_or(0, FeatureColumn::rows);
        let learners = match learns {
            Some(mask) => mask.iter().filter(|&&learns| learns).count(),
            None => rows,
        };
        let sampled: Option<Vec<u32>> = (learners < rows || learners > SAMPLE).then(|| {
            let share = SAMPLE as f64 / learners.max(1) as f64;
            (0..rows as u32)
                .filter(|&row| learns.is_none_or(|mask| mask[row as usize]))
                .filter(|&row| learners <= SAMPLE || hashes.draw(row, 0) < share)
                .collect()
        });
        let mut flat = vec![0; rows * columns.len()];
        let bins: Vec<Bins> = columns
            .par_iter()
            .zip(flat.par_chunks_exact_mut(rows.max(1)))
            .map(|(column, codes)| bin(column, sampled.as_deref(), most, codes))
            .collect();
        let stride = columns.len().div_ceil(WORD);
        let mut words = vec![0; rows * stride];
        if stride > 0 {
            words
                .par_chunks_mut(TASK * stride)
                .enumerate()
                .for_each(|(task, words)| pack(words, stride, &flat, rows, task * TASK));
        }
        Self {
            rows,
            bins,
            columns: flat,
            words,
            stride,
        }
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Features.
    pub fn features(&self) -> usize {
        self.bins.len()
    }

    pub(super) fn bins(&self, feature: usize) -> &Bins {
        &self.bins[feature]
    }

    /// The bin of each row.
    pub(super) fn column(&self, feature: usize) -> &[u8] {
        &self.columns[feature * self.rows..(feature + 1) * self.rows]
    }

    /// The bins of each row, [`Binned::stride`] words of eight features.
    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    pub(super) fn stride(&self) -> usize {
        self.stride
    }
}

/// The bins of a feature; `binned` becomes the bin of each row.
fn bin(
    column: &FeatureColumn<'_>,
    sampled: Option<&[u32]>,
    most: usize,
    binned: &mut [u8],
) -> Bins {
    match column {
        FeatureColumn::Numbers(values) => bin_numbers(values, sampled, most, binned),
        FeatureColumn::Singles(values) => bin_numbers(values, sampled, most, binned),
        FeatureColumn::Categories { codes, names } => {
            let mut counts = vec![0_u64; names.len()];
            let mut count = |code: u32| {
                if let Some(count) = counts.get_mut(code as usize) {
                    *count += 1;
                }
            };
            match sampled {
                Some(rows) => rows.iter().for_each(|&row| count(codes[row as usize])),
                None => codes.iter().for_each(|&code| count(code)),
            }
            let kept = frequent(&counts, most);
            let mut bin_of = vec![kept.len() as u8; names.len()];
            for (bin, &code) in kept.iter().enumerate() {
                bin_of[code as usize] = bin as u8;
            }
            let missing = kept.len() as u8;
            for (bin, &code) in binned.iter_mut().zip(codes.iter()) {
                *bin = match code {
                    NO_CATEGORY => missing,
                    code => bin_of.get(code as usize).copied().unwrap_or(missing),
                };
            }
            Bins {
                meaning: Meaning::Categories(kept),
                categories: names.len(),
            }
        }
    }
}

/// The codes of the `most` most frequent categories that occur, ascending; of
/// equally frequent ones the lower.
fn frequent(counts: &[u64], most: usize) -> Vec<u32> {
    let mut codes: Vec<u32> = (0..counts.len() as u32)
        .filter(|&code| counts[code as usize] > 0)
        .collect();
    codes.sort_by_key(|&code| (std::cmp::Reverse(counts[code as usize]), code));
    codes.truncate(most);
    codes.sort_unstable();
    codes
}

/// The bin of each value, by a binary search without branches.
fn bin_numbers<T: Copy + Into<f64>>(
    values: &[T],
    sampled: Option<&[u32]>,
    most: usize,
    binned: &mut [u8],
) -> Bins {
    let known = |value: T| {
        let value = value.into();
        (!value.is_nan()).then_some(value + 0.0)
    };
    let mut sample: Vec<f64> = match sampled {
        Some(rows) => rows
            .iter()
            .filter_map(|&row| known(values[row as usize]))
            .collect(),
        None => values.iter().filter_map(|&value| known(value)).collect(),
    };
    let edges = edges(&mut sample, most);
    number_codes(values, &edges, binned);
    Bins {
        meaning: Meaning::Numbers(edges),
        categories: 0,
    }
}

fn number_codes<T: Copy + Into<f64>>(values: &[T], edges: &[f64], binned: &mut [u8]) {
    let mut table = [f64::INFINITY; 256];
    table[..edges.len()].copy_from_slice(edges);
    let missing = (edges.len() + 1) as u8;
    for (code, &value) in binned.iter_mut().zip(values) {
        let value = value.into();
        let mut bin = 0_usize;
        for step in [128, 64, 32, 16, 8, 4, 2, 1] {
            bin += if value > table[(bin + step - 1) & 255] {
                step
            } else {
                0
            };
        }
        *code = if value.is_nan() { missing } else { bin as u8 };
    }
}

/// Fills the words of the rows from `first` on.
fn pack(words: &mut [u64], stride: usize, columns: &[u8], rows: usize, first: usize) {
    let count = words.len() / stride;
    let features = columns.len() / rows;
    for block in 0..stride {
        for feature in block * WORD..((block + 1) * WORD).min(features) {
            let shift = 8 * (feature - block * WORD);
            let column = &columns[feature * rows + first..][..count];
            let of_rows = words.iter_mut().skip(block).step_by(stride);
            for (word, &code) in of_rows.zip(column) {
                *word |= u64::from(code) << shift;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binned(columns: &[FeatureColumn<'_>], most: usize) -> Binned {
        Binned::of(columns, None, &Hashes::of(columns, &[], 42), most)
    }

    #[test]
    fn a_value_belongs_to_the_first_bin_that_ends_at_or_above_it() {
        let values = [f64::NAN, 0.5, 1.5, 1.500001, 9.0, -0.0];
        let mut codes = [0; 6];
        number_codes(&values, &[0.0, 1.5], &mut codes);
        assert_eq!(codes, [3, 1, 1, 2, 2, 0]);
    }

    #[test]
    fn words_hold_the_same_bins_as_columns() {
        let columns: Vec<Vec<f64>> = (0..11)
            .map(|feature| {
                (0..20_000)
                    .map(|row| f64::from((row * (feature + 3)) % 257))
                    .collect()
            })
            .collect();
        let columns: Vec<FeatureColumn<'_>> = columns
            .iter()
            .map(|values| FeatureColumn::Numbers(values))
            .collect();
        let binned = binned(&columns, 255);
        assert_eq!(binned.stride(), 2);
        for feature in 0..11 {
            for row in (0..20_000).step_by(77) {
                let word = binned.words()[row * 2 + feature / 8];
                assert_eq!(
                    (word >> (8 * (feature % 8))) as u8,
                    binned.column(feature)[row]
                );
            }
        }
    }

    #[test]
    fn rare_categories_share_the_bin_of_missing_ones() {
        let names: Vec<String> = ["a", "b", "c", "d"].map(String::from).to_vec();
        let codes = [2, 2, 0, 0, 0, 3, NO_CATEGORY];
        let column = FeatureColumn::Categories {
            codes: &codes,
            names: &names,
        };
        let binned = binned(&[column], 2);
        assert_eq!(binned.column(0), [1, 1, 0, 0, 0, 2, 2]);
    }
}
