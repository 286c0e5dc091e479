//! Models that queries have read already: a query asks for the same one with every
//! batch of rows.
//!
//! Small models are remembered by each thread, so that a query with a model per row
//! never waits. Large ones are shared by all threads of the process: a forest of
//! gigabytes is there once, and the second thread waits until the first has read it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::Model;
use super::format::CHECKSUM;
use crate::error::Result;

/// Bytes from which on a model is shared.
const LARGE: usize = 1 << 18;
/// Small models that a thread remembers.
const SMALL_ONES: usize = 16;
/// Large models that the process remembers, and their bytes: of more, the one that was
/// asked for longest ago is forgotten, but never the last.
const LARGE_ONES: usize = 16;
const LARGE_BYTES: usize = 1 << 30;

/// The model in `bytes`, read or remembered.
///
/// # Errors
/// As [`Model::read`].
pub fn read(bytes: &[u8]) -> Result<Arc<Model>> {
    match bytes.len() {
        ..LARGE => small(bytes),
        _ => large(bytes),
    }
}

fn small(bytes: &[u8]) -> Result<Arc<Model>> {
    type Entry = (Vec<u8>, Arc<Model>);
    thread_local! {
        static RECENT: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
    }
    RECENT.with_borrow_mut(|recent| {
        if let Some((_, model)) = recent.iter().find(|(known, _)| known == bytes) {
            return Ok(Arc::clone(model));
        }
        let model = Arc::new(Model::read(bytes)?);
        if recent.len() == SMALL_ONES {
            recent.remove(0);
        }
        recent.push((bytes.to_vec(), Arc::clone(&model)));
        Ok(model)
    })
}

/// What tells large models apart without a look at every byte: the length, how they
/// begin, and the checksum that was compared with all bytes when they were read.
#[derive(PartialEq, Eq)]
struct Mark {
    length: usize,
    begin: Box<[u8]>,
    checksum: Box<[u8]>,
}

impl Mark {
    fn of(bytes: &[u8]) -> Self {
        const BEGIN: usize = 4096;
        Self {
            length: bytes.len(),
            begin: bytes[..BEGIN.min(bytes.len())].into(),
            checksum: bytes[bytes.len().saturating_sub(CHECKSUM)..].into(),
        }
    }
}

/// A model that is read by whoever asks first.
type Shared = Arc<OnceLock<Result<Arc<Model>>>>;

/// The large ones; whoever was asked for last comes last.
static RECENT: Mutex<VecDeque<(Mark, Shared)>> = Mutex::new(VecDeque::new());

fn large(bytes: &[u8]) -> Result<Arc<Model>> {
    let mark = Mark::of(bytes);
    let shared = {
        let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
        let known = recent.iter().position(|(known, _)| *known == mark);
        let entry = match known.and_then(|place| recent.remove(place)) {
            Some(entry) => entry,
            None => (mark, Shared::default()),
        };
        let shared = Arc::clone(&entry.1);
        recent.push_back(entry);
        let total = |recent: &VecDeque<(Mark, Shared)>| -> usize {
            recent.iter().map(|(mark, _)| mark.length).sum()
        };
        while recent.len() > 1 && (recent.len() > LARGE_ONES || total(&recent) > LARGE_BYTES) {
            recent.pop_front();
        }
        shared
    };
    let read = shared.get_or_init(|| Model::read(bytes).map(Arc::new));
    match read {
        Ok(model) => Ok(Arc::clone(model)),
        Err(error) => Err(error.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::reference_rows::ReferenceRows;

    #[test]
    fn threads_share_a_large_model_and_keep_small_ones() {
        let rows = ReferenceRows::new();
        let few = serde_json::json!({"algorithm": "gbdt", "trees": 1});
        let many = serde_json::json!({"algorithm": "random_forest", "trees": 3000});
        let small = rows.model(few, &rows.y, None).write().unwrap();
        let large = rows.model(many, &rows.y, None).write().unwrap();
        assert!(
            small.len() < LARGE && large.len() >= LARGE,
            "{}",
            large.len()
        );
        let read_there = |bytes: &Vec<u8>| {
            let bytes = bytes.clone();
            std::thread::spawn(move || read(&bytes).unwrap())
                .join()
                .unwrap()
        };
        for (bytes, shared) in [(&small, false), (&large, true)] {
            let here = read(bytes).unwrap();
            assert!(Arc::ptr_eq(&here, &read(bytes).unwrap()));
            let there = read_there(bytes);
            assert_eq!(Arc::ptr_eq(&here, &there), shared);
            assert_eq!(*here, *there);
        }
    }

    #[test]
    fn damaged_bytes_are_an_error_each_time() {
        let rows = ReferenceRows::new();
        let many = serde_json::json!({"algorithm": "random_forest", "trees": 3000, "seed": 7});
        let mut bytes = rows.model(many, &rows.y, None).write().unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        for _ in 0..2 {
            let error = read(&bytes).unwrap_err().to_string();
            assert!(error.contains("damaged"), "{error}");
        }
    }
}
