//! Numeric vectors as doubles.

use std::borrow::Cow;

use libduckdb_sys as ffi;

use crate::input::Numbers;

use super::logical_type::{LogicalType, id};
use super::vector::Vector;

/// The vector as doubles, or `None` if its type is not numeric. Doubles are
/// borrowed, everything else is converted in one pass.
///
/// `above` is the validity of the struct that the vector is a field of: the
/// fields of a NULL struct are NULL.
pub(super) fn numbers<'a>(
    vector: Vector<'a>,
    kind: &LogicalType,
    above: Option<&'a [u64]>,
) -> Option<Numbers<'a>> {
    if kind.id() == id::SQLNULL {
        let rows = vector.rows();
        return Some(Numbers::new(
            vec![f64::NAN; rows],
            Some(Cow::Owned(vec![0; rows.div_ceil(64)])),
        ));
    }
    let values = values(vector, kind)?;
    Some(Numbers::new(values, both(vector.validity(), above)))
}

/// The value of a row that is not NULL as an `i128` and a scale, or `None` if
/// its type is not an integer or a decimal.
pub(super) fn integer(vector: Vector<'_>, kind: &LogicalType, row: usize) -> Option<(i128, i32)> {
    let (stored, scale) = match kind.id() {
        id::DECIMAL => kind.decimal(),
        other => (other, 0),
    };
    // SAFETY: each type is read as DuckDB stores it.
    let value = unsafe {
        match stored {
            id::TINYINT => vector.value::<i8>(row).into(),
            id::SMALLINT => vector.value::<i16>(row).into(),
            id::INTEGER => vector.value::<i32>(row).into(),
            id::BIGINT => vector.value::<i64>(row).into(),
            id::HUGEINT => huge(vector.value(row)),
            id::UTINYINT => vector.value::<u8>(row).into(),
            id::USMALLINT => vector.value::<u16>(row).into(),
            id::UINTEGER => vector.value::<u32>(row).into(),
            id::UBIGINT => vector.value::<u64>(row).into(),
            _ => return None,
        }
    };
    Some((value, scale))
}

fn values<'a>(vector: Vector<'a>, kind: &LogicalType) -> Option<Cow<'a, [f64]>> {
    // SAFETY: each type is read as DuckDB stores it.
    unsafe {
        Some(match kind.id() {
            id::DOUBLE => vector.values::<f64>(),
            id::FLOAT => convert(vector, |x: f32| x.into()),
            id::BOOLEAN => convert(vector, |x: u8| f64::from(u8::from(x != 0))),
            id::TINYINT => convert(vector, |x: i8| x.into()),
            id::SMALLINT => convert(vector, |x: i16| x.into()),
            id::INTEGER => convert(vector, |x: i32| x.into()),
            id::BIGINT => convert(vector, |x: i64| x as f64),
            id::HUGEINT => convert(vector, |x: ffi::duckdb_hugeint| huge(x) as f64),
            id::UTINYINT => convert(vector, |x: u8| x.into()),
            id::USMALLINT => convert(vector, |x: u16| x.into()),
            id::UINTEGER => convert(vector, |x: u32| x.into()),
            id::UBIGINT => convert(vector, |x: u64| x as f64),
            id::UHUGEINT => convert(vector, |x: ffi::duckdb_uhugeint| {
                (u128::from(x.upper) << 64 | u128::from(x.lower)) as f64
            }),
            id::DECIMAL => {
                let (stored, scale) = kind.decimal();
                // Dividing by the power of ten rounds correctly where
                // multiplying by its inverse does not.
                let divisor = 10f64.powi(scale);
                match stored {
                    id::SMALLINT => convert(vector, |x: i16| f64::from(x) / divisor),
                    id::INTEGER => convert(vector, |x: i32| f64::from(x) / divisor),
                    id::BIGINT => convert(vector, |x: i64| x as f64 / divisor),
                    id::HUGEINT => {
                        convert(vector, |x: ffi::duckdb_hugeint| huge(x) as f64 / divisor)
                    }
                    _ => return None,
                }
            }
            _ => return None,
        })
    }
}

/// # Safety
/// `T` is how DuckDB stores the type.
unsafe fn convert<'a, T: Copy>(vector: Vector<'a>, to: impl Fn(T) -> f64) -> Cow<'a, [f64]> {
    // SAFETY: as promised by the caller.
    let values = unsafe { vector.values::<T>() };
    Cow::Owned(values.iter().map(|&value| to(value)).collect())
}

fn huge(value: ffi::duckdb_hugeint) -> i128 {
    i128::from(value.upper) << 64 | i128::from(value.lower)
}

/// The rows that are valid in both masks.
fn both<'a>(a: Option<&'a [u64]>, b: Option<&'a [u64]>) -> Option<Cow<'a, [u64]>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.iter().zip(b).map(|(a, b)| a & b).collect()),
        (one, other) => one.or(other).map(Cow::Borrowed),
    }
}
