//! Memory for converted columns, kept from chunk to chunk: a wide chunk would
//! otherwise ask the system for megabytes and give them back two thousand rows
//! later.

use std::cell::{Cell, RefCell};

/// Blocks to convert columns into, for the time of one callback.
pub(super) struct Scratch {
    blocks: RefCell<Vec<Vec<f64>>>,
    used: Cell<usize>,
}

impl Scratch {
    /// At most this many blocks outlive a callback, 16 MB of a usual size.
    const KEPT: usize = 1024;

    /// Runs `body` with the blocks of this thread.
    pub(super) fn with<T>(body: impl FnOnce(&Self) -> T) -> T {
        thread_local! {
            static KEPT: Cell<Vec<Vec<f64>>> = const { Cell::new(Vec::new()) };
        }
        let scratch = Self {
            blocks: RefCell::new(KEPT.take()),
            used: Cell::new(0),
        };
        let result = body(&scratch);
        let mut blocks = scratch.blocks.into_inner();
        blocks.truncate(Self::KEPT);
        KEPT.set(blocks);
        result
    }

    /// The next block, filled with `values`.
    pub(super) fn fill<T: Copy>(&self, values: &[T], to: impl Fn(T) -> f64) -> &[f64] {
        let i = self.used.replace(self.used.get() + 1);
        let mut blocks = self.blocks.borrow_mut();
        if i == blocks.len() {
            blocks.push(Vec::with_capacity(values.len()));
        }
        let block = &mut blocks[i];
        block.clear();
        block.extend(values.iter().map(|&value| to(value)));
        let (start, length) = (block.as_ptr(), block.len());
        // SAFETY: a block is filled once and left alone for as long as `self`
        // lives; more blocks do not move what it points to.
        unsafe { std::slice::from_raw_parts(start, length) }
    }
}

#[cfg(test)]
mod tests {
    use super::Scratch;

    #[test]
    fn blocks_stay_while_more_are_filled() {
        for round in 0..3 {
            Scratch::with(|scratch| {
                let blocks: Vec<&[f64]> = (0..100_i32)
                    .map(|i| scratch.fill(&vec![i; 10 + round * 1000], f64::from))
                    .collect();
                for (i, block) in blocks.into_iter().enumerate() {
                    assert_eq!(block, vec![i as f64; 10 + round * 1000]);
                }
            });
        }
    }
}
