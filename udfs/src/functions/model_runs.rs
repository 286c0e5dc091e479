//! Rows in runs of one model: scalars that take a model usually see the same one
//! in every row.

use std::ops::Range;
use std::sync::Arc;

use crate::error::Result;
use crate::input::{Features, Rows};
use crate::models::{Encoded, Model};

/// Calls `each` with every run of rows that have the same model, the model and
/// its features in these rows. Rows without a model are in no run.
pub fn for_each_run(
    function: &str,
    models: &[Option<&[u8]>],
    features: &Features<'_>,
    mut each: impl FnMut(Range<usize>, &Arc<Model>, &Encoded) -> Result<()>,
) -> Result<()> {
    let mut start = 0;
    while start < models.len() {
        let bytes = models[start];
        let mut end = start + 1;
        while end < models.len() && same(models[end], bytes) {
            end += 1;
        }
        if let Some(bytes) = bytes {
            let model = Model::read_cached(bytes)?;
            let encoded = if start == 0 && end == models.len() {
                model.encode(function, features, Rows::All(end))?
            } else {
                let rows: Vec<u32> = (start as u32..end as u32).collect();
                model.encode(function, features, Rows::Some(&rows))?
            };
            each(start..end, &model, &encoded)?;
        }
        start = end;
    }
    Ok(())
}

/// Whether two models are the same: usually the very same bytes.
fn same(a: Option<&[u8]>, b: Option<&[u8]>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => std::ptr::eq(a, b) || a == b,
        (None, None) => true,
        _ => false,
    }
}
