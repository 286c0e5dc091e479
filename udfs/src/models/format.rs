//! A model as bytes:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `LGRM` |
//! | 2 | format version, little-endian |
//! | 4 | length of the header |
//! | … | the header, JSON |
//! | 4 | length of the body |
//! | … | the body, postcard |
//! | 32 | SHA-256 of all before |
//!
//! The header is JSON so that any tool can read what a model is; fields may be
//! added to it within a version. Bytes from anywhere are an error or a model that
//! can be used: whatever counts or indexes something is checked.

use std::cell::RefCell;

use sha2::{Digest, Sha256};

use super::{Body, Header, Model};
use crate::error::{Error, Result};

const MAGIC: &[u8; 4] = b"LGRM";
const VERSION: u16 = 1;
pub(super) const CHECKSUM: usize = 32;

/// Whether the bytes start as a model does.
pub fn is_model(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

pub(super) fn write(model: &Model) -> Result<Vec<u8>> {
    write_parts(
        &[],
        |bytes| serde_json::to_writer(bytes, &model.header),
        &model.body,
    )
}

/// The bytes of a model whose header, as JSON, is `begin` and what `rest` appends: a
/// [`Header`], or the same text put together from parts, where a query makes a million
/// models that begin alike.
pub fn write_parts(
    begin: &[u8],
    rest: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>,
    body: &Body,
) -> Result<Vec<u8>> {
    /// What a linear model of a few features takes.
    const USUAL: usize = 1024;
    let failed = |error: String| Error::internal("model", error);
    let too_large = || Error::data("model", "the model is larger than 4 GiB; fit a smaller one");
    let length = |part: usize| u32::try_from(part).map(u32::to_le_bytes);
    let mut bytes = Vec::with_capacity(USUAL);
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    let start = bytes.len() + 4;
    bytes.extend([0; 4]);
    bytes.extend(begin);
    let alike = bytes.len();
    rest(&mut bytes).map_err(|e| failed(e.to_string()))?;
    let header_length = length(bytes.len() - start).map_err(|_| too_large())?;
    bytes[start - 4..start].copy_from_slice(&header_length);
    let start = bytes.len() + 4;
    bytes.extend([0; 4]);
    // A large body would otherwise be copied as it grows, and need twice its room.
    bytes.reserve(body.size_hint() + CHECKSUM);
    let mut bytes = postcard::to_extend(body, bytes).map_err(|e| failed(e.to_string()))?;
    let body_length = length(bytes.len() - start).map_err(|_| too_large())?;
    bytes[start - 4..start].copy_from_slice(&body_length);
    let checksum = digest(&bytes, alike);
    bytes.extend(checksum);
    Ok(bytes)
}

/// The SHA-256 of bytes, of which the first so many may be those of the last model that
/// this thread has written: they are digested once.
fn digest(bytes: &[u8], alike: usize) -> [u8; CHECKSUM] {
    const BLOCK: usize = 64;
    thread_local! {
        static LAST: RefCell<(Vec<u8>, Sha256)> = RefCell::default();
    }
    let (begin, rest) = bytes.split_at(alike / BLOCK * BLOCK);
    let mut digest = LAST.with_borrow_mut(|(known, digest)| {
        if known != begin {
            known.clear();
            known.extend_from_slice(begin);
            *digest = Sha256::new_with_prefix(begin);
        }
        digest.clone()
    });
    digest.update(rest);
    digest.finalize().into()
}

pub(super) fn read(bytes: &[u8]) -> Result<Model> {
    let not_a_model = || {
        Error::data(
            "model",
            "the value is not a Lagrange model; pass what fit returned",
        )
    };
    let damaged = || {
        Error::data(
            "model",
            "the model is damaged (checksum mismatch); restore or refit it",
        )
    };
    let Some((magic, rest)) = bytes.split_first_chunk::<4>() else {
        return Err(not_a_model());
    };
    if magic != MAGIC {
        return Err(not_a_model());
    }
    let (version, _) = rest.split_first_chunk::<2>().ok_or_else(damaged)?;
    let version = u16::from_le_bytes(*version);
    if version > VERSION {
        return Err(Error::data(
            "model",
            format!(
                "the model has format {version}, this version reads up to {VERSION}; update Lagrange"
            ),
        ));
    }
    let (content, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or_else(damaged)?;
    if Sha256::digest(content).as_slice() != checksum {
        return Err(damaged());
    }
    let rest = content.get(6..).ok_or_else(damaged)?;
    let (header, rest) = take_part(rest).ok_or_else(damaged)?;
    let (body, rest) = take_part(rest).ok_or_else(damaged)?;
    let header: Header =
        serde_json::from_slice(header).map_err(|error| broken(error.to_string()))?;
    // Lists are allocated as they are read, whatever length they claim.
    let (body, more) =
        postcard::take_from_bytes::<Body>(body).map_err(|error| broken(error.to_string()))?;
    if !more.is_empty() || !rest.is_empty() {
        return Err(broken("something follows its end".to_owned()));
    }
    body.check(header.features.len()).map_err(broken)?;
    let checked = header.preparation.check(header.features.len());
    checked.map_err(broken)?;
    Ok(Model::new(header, body))
}

/// The error for bytes that are whole but are no model.
fn broken(what: String) -> Error {
    Error::data(
        "model",
        format!("the model makes no sense ({what}); restore or refit it"),
    )
}

fn take_part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use serde_json::{Map, json};
    use sha2::{Digest, Sha256};

    use super::CHECKSUM;
    use crate::models::reference_rows::ReferenceRows;
    use crate::models::trees::{Leaf, Link, Rule, Split, Tree, Trees};
    use crate::models::{Body, Coefficient, Header, Linear, Model};

    fn header(features: &[&str]) -> Header {
        Header {
            algorithm: "gbdt".to_owned(),
            target: "y".to_owned(),
            features: features.iter().map(|name| (*name).to_owned()).collect(),
            parameters: json!({"trees": 2}),
            rows_used: 3,
            rows_skipped: 0,
            status: "ok".to_owned(),
            library: "0".to_owned(),
            window: None,
            metrics: Map::new(),
            feature_types: Vec::new(),
            preparation: crate::models::preparation::Preparation::default(),
        }
    }

    fn trees() -> Model {
        let split = |feature, rule, left, right| Split {
            feature,
            rule,
            missing_left: true,
            left,
            right,
            gain: 1.0,
            cover: 3.0,
            value: 0.5,
        };
        let leaf = |value| Leaf { value, cover: 1.0 };
        let tree = Tree {
            splits: vec![
                split(0, Rule::AtMost(0.5), 1, !2),
                split(1, Rule::In(vec![0, 2]), !0, !1),
            ],
            leaves: vec![leaf(1.0), leaf(2.0), leaf(3.0)],
        };
        let names = ["a", "b", "c"].map(str::to_owned).to_vec();
        let body = Trees {
            link: Link::Logistic,
            outputs: 1,
            base: vec![0.25],
            trees: vec![tree.clone(), tree],
            categories: vec![None, Some(names)],
            classes: vec![0.0, 1.0],
        };
        Model::new(header(&["x", "c"]), Body::Trees(body))
    }

    fn linear() -> Model {
        let body = Linear {
            intercept: Coefficient::default(),
            coefficients: vec![Coefficient::default(); 2],
            residual_deviation: None,
            r2: Some(0.5),
            degrees_of_freedom: 1.0,
        };
        Model::new(header(&["x", "z"]), Body::Linear(body))
    }

    /// One model of every kind.
    fn kinds() -> Vec<Model> {
        let rows = ReferenceRows::new().first(6);
        let of = |options, target: &[f64]| rows.model(options, target, None);
        vec![
            linear(),
            trees(),
            of(json!({"algorithm": "knn", "neighbors": 2}), &rows.y),
            of(
                json!({"algorithm": "knn", "task": "classification", "neighbors": 2}),
                &rows.grade,
            ),
            of(json!({"algorithm": "svr", "kernel": "poly"}), &rows.y),
            of(json!({"algorithm": "svc"}), &rows.grade),
            of(json!({"algorithm": "naive_bayes"}), &rows.grade),
        ]
    }

    /// With a checksum that fits.
    fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
        bytes.truncate(bytes.len() - CHECKSUM);
        bytes.extend(Sha256::digest(&bytes));
        bytes
    }

    /// Reads and, if that works, uses the model in every way.
    fn survives(bytes: &[u8]) {
        let Ok(model) = Model::read(bytes) else {
            return;
        };
        let width = model.header().features.len();
        let columns = vec![[0.0, 1.0, f64::NAN]; width];
        let columns: Vec<&[f64]> = columns.iter().map(<[f64; 3]>::as_slice).collect();
        model.predict_complete(&columns, 3);
        model.probabilities(&columns, 3);
        model.contributions(&columns, 3, 0);
    }

    #[test]
    fn what_is_written_is_read() {
        for model in kinds() {
            assert_eq!(Model::read(&model.write().unwrap()).unwrap(), model);
        }
    }

    #[test]
    fn headers_of_before_window_metrics_and_types_are_read() {
        let bytes = linear().write().unwrap();
        let header = String::from_utf8_lossy(&bytes);
        assert!(
            !header.contains("window") && !header.contains("metrics"),
            "{header}"
        );
    }

    #[test]
    fn a_claimed_length_is_not_believed() {
        // A body of trees whose base claims 2^60 numbers.
        let bytes = trees().write().unwrap();
        let length = u32::from_le_bytes(bytes[6..10].try_into().unwrap()) as usize;
        let mut damaged = bytes[..10 + length].to_vec();
        let body = [1, 1, 1, 255, 255, 255, 255, 255, 255, 255, 255, 15];
        damaged.extend((body.len() as u32).to_le_bytes());
        damaged.extend(body);
        damaged.extend([0; CHECKSUM]);
        let error = Model::read(&sealed(damaged)).unwrap_err().to_string();
        assert!(error.contains("makes no sense"), "{error}");
    }

    /// The bytes of [`kinds`].
    static KINDS: LazyLock<Vec<Vec<u8>>> =
        LazyLock::new(|| kinds().iter().map(|model| model.write().unwrap()).collect());

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn changed_bytes_are_an_error_or_a_usable_model(
            kind in 0..KINDS.len(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut bytes = KINDS[kind].clone();
            for (place, value) in changes {
                let place = place.index(bytes.len());
                bytes[place] ^= value;
            }
            survives(&sealed(bytes));
        }

        #[test]
        fn any_body_is_an_error_or_a_usable_model(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let bytes = trees().write().unwrap();
            let length = u32::from_le_bytes(bytes[6..10].try_into().unwrap()) as usize;
            let mut made = bytes[..10 + length].to_vec();
            made.extend((body.len() as u32).to_le_bytes());
            made.extend(body);
            made.extend([0; CHECKSUM]);
            survives(&sealed(made));
        }

        #[test]
        fn any_bytes_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Model::read(&bytes).is_err());
            let mut begun = b"LGRM".to_vec();
            begun.extend(bytes);
            begun.extend([0; CHECKSUM]);
            survives(&sealed(begun));
        }
    }
}
