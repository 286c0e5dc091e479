//! Numeric vectors as doubles.

use std::borrow::Cow;

use libduckdb_sys as ffi;

use crate::input::Numbers;

use super::logical_type::{LogicalType, id};
use super::scratch::Scratch;
use super::vector::Vector;

/// The vector as doubles, or `None` if its type is not numeric. Doubles are
/// borrowed, everything else is converted in one pass, into `scratch`.
///
/// `above` is the validity of the struct that the vector is a field of: the
/// fields of a NULL struct are NULL.
pub(super) fn numbers<'a>(
    vector: Vector<'a>,
    kind: &LogicalType,
    above: Option<&'a [u64]>,
    scratch: &'a Scratch,
) -> Option<Numbers<'a>> {
    if kind.id() == id::SQLNULL {
        let rows = vector.rows();
        return Some(Numbers::new(
            vec![f64::NAN; rows],
            Some(Cow::Owned(vec![0; rows.div_ceil(64)])),
        ));
    }
    let values = values(vector, kind, scratch)?;
    Some(Numbers::new(values, both(vector.validity(), above)))
}

/// As [`numbers`], and dates and timestamps as whatever DuckDB counts them in:
/// numbers that grow with time.
pub(super) fn order<'a>(
    vector: Vector<'a>,
    kind: &LogicalType,
    scratch: &'a Scratch,
) -> Option<Numbers<'a>> {
    // SAFETY: each type is read as DuckDB stores it.
    let values = unsafe {
        match kind.id() {
            id::DATE => convert(vector, scratch, |x: i32| x.into()),
            id::TIMESTAMP
            | id::TIMESTAMP_S
            | id::TIMESTAMP_MS
            | id::TIMESTAMP_NS
            | id::TIMESTAMP_TZ => convert(vector, scratch, |x: i64| x as f64),
            _ => return numbers(vector, kind, None, scratch),
        }
    };
    Some(Numbers::new(values, both(vector.validity(), None)))
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

fn values<'a>(
    vector: Vector<'a>,
    kind: &LogicalType,
    scratch: &'a Scratch,
) -> Option<Cow<'a, [f64]>> {
    // SAFETY: each type is read as DuckDB stores it.
    unsafe {
        Some(match kind.id() {
            id::DOUBLE => vector.values::<f64>(),
            id::FLOAT => convert(vector, scratch, |x: f32| x.into()),
            id::BOOLEAN => convert(vector, scratch, |x: u8| f64::from(u8::from(x != 0))),
            id::TINYINT => convert(vector, scratch, |x: i8| x.into()),
            id::SMALLINT => convert(vector, scratch, |x: i16| x.into()),
            id::INTEGER => convert(vector, scratch, |x: i32| x.into()),
            id::BIGINT => convert(vector, scratch, |x: i64| x as f64),
            id::HUGEINT => convert(vector, scratch, |x: ffi::duckdb_hugeint| huge(x) as f64),
            id::UTINYINT => convert(vector, scratch, |x: u8| x.into()),
            id::USMALLINT => convert(vector, scratch, |x: u16| x.into()),
            id::UINTEGER => convert(vector, scratch, |x: u32| x.into()),
            id::UBIGINT => convert(vector, scratch, |x: u64| x as f64),
            id::UHUGEINT => convert(vector, scratch, |x: ffi::duckdb_uhugeint| {
                (u128::from(x.upper) << 64 | u128::from(x.lower)) as f64
            }),
            id::DECIMAL => {
                let (stored, scale) = kind.decimal();
                let divisor = 10f64.powi(scale);
                match stored {
                    id::SMALLINT => convert(vector, scratch, |x: i16| f64::from(x) / divisor),
                    id::INTEGER => convert(vector, scratch, |x: i32| f64::from(x) / divisor),
                    id::BIGINT => convert(vector, scratch, |x: i64| match x.unsigned_abs() {
                        0..=EXACT => x as f64 / divisor,
                        _ => decimal(x.into(), scale),
                    }),
                    id::HUGEINT => convert(vector, scratch, |x: ffi::duckdb_hugeint| {
                        decimal(huge(x), scale)
                    }),
                    _ => return None,
                }
            }
            _ => return None,
        })
    }
}

/// # Safety
/// `T` is how DuckDB stores the type.
unsafe fn convert<'a, T: Copy>(
    vector: Vector<'a>,
    scratch: &'a Scratch,
    to: impl Fn(T) -> f64,
) -> Cow<'a, [f64]> {
    // SAFETY: as promised by the caller.
    let values = unsafe { vector.values::<T>() };
    Cow::Borrowed(scratch.fill(&values, to))
}

/// Every integer up to here is a double.
const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;

/// `value / 10^scale`.
pub(super) fn decimal(value: i128, scale: i32) -> f64 {
    // Dividing by the power of ten rounds correctly where multiplying by its
    // inverse does not.
    let divisor = 10f64.powi(scale);
    if value.unsigned_abs() <= EXACT.into() {
        value as f64 / divisor
    } else {
        // Rounding twice would cost a digit.
        let power = 10i128.pow(scale.unsigned_abs());
        (value / power) as f64 + (value % power) as f64 / divisor
    }
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
