//! Single values of any type, nested ones included: the arguments of table
//! functions, and options.

use crate::call::Literal;

use super::logical_type::id;
use super::numbers;
use super::vector::Vector;

/// The value of a row.
///
/// # Errors
/// The name of a type that has no literal.
pub(super) fn read(vector: Vector<'_>, row: usize) -> Result<Literal, String> {
    let kind = vector.logical_type();
    if kind.id() == id::SQLNULL || !vector.is_valid(row) {
        return Ok(Literal::Null);
    }
    if let Some((value, scale)) = numbers::integer(vector, &kind, row) {
        return Ok(match i64::try_from(value) {
            Ok(value) if scale == 0 => Literal::Integer(value),
            _ => Literal::Double(numbers::decimal(value, scale)),
        });
    }
    // SAFETY: the row is not NULL, and each type is read as DuckDB stores it.
    unsafe {
        Ok(match kind.id() {
            id::BOOLEAN => Literal::Boolean(vector.value::<u8>(row) != 0),
            id::FLOAT => Literal::Double(vector.value::<f32>(row).into()),
            id::DOUBLE => Literal::Double(vector.value(row)),
            id::VARCHAR => Literal::Text(String::from_utf8_lossy(vector.bytes(row)).into_owned()),
            id::LIST => {
                let (elements, range) = vector.list(row);
                list(elements, range)?
            }
            id::ARRAY => {
                let size = kind.array_size();
                list(vector.array(size), row * size..(row + 1) * size)?
            }
            id::STRUCT => Literal::Struct(
                (0..kind.fields())
                    .map(|i| Ok((kind.field_name(i), read(vector.field(i), row)?)))
                    .collect::<Result<_, String>>()?,
            ),
            _ => return Err(kind.name()),
        })
    }
}

fn list(elements: Vector<'_>, range: std::ops::Range<usize>) -> Result<Literal, String> {
    range
        .map(|row| read(elements, row))
        .collect::<Result<_, _>>()
        .map(Literal::List)
}
