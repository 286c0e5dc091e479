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
//! The header is JSON so that any tool can read what a model is.

use sha2::{Digest, Sha256};

use super::{Body, Header, Model};
use crate::error::{Error, Result};

const MAGIC: &[u8; 4] = b"LGRM";
const VERSION: u16 = 1;
const CHECKSUM: usize = 32;

/// Whether the bytes start as a model does.
pub fn is_model(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

pub(super) fn write(model: &Model) -> Result<Vec<u8>> {
    let failed = |error: String| Error::internal("model", error);
    let header = serde_json::to_vec(&model.header).map_err(|e| failed(e.to_string()))?;
    let body = postcard::to_allocvec(&model.body).map_err(|e| failed(e.to_string()))?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    for part in [&header, &body] {
        let length = u32::try_from(part.len()).map_err(|_| {
            Error::data("model", "the model is larger than 4 GiB; fit a smaller one")
        })?;
        bytes.extend(length.to_le_bytes());
        bytes.extend(part);
    }
    bytes.extend(Sha256::digest(&bytes));
    Ok(bytes)
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
    let (body, _) = take_part(rest).ok_or_else(damaged)?;
    let header: Header = serde_json::from_slice(header).map_err(|_| damaged())?;
    let body: Body = postcard::from_bytes(body).map_err(|_| damaged())?;
    Ok(Model::new(header, body))
}

fn take_part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}
