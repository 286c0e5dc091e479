//! DuckDB's vectors, read without copying.

use std::borrow::Cow;
use std::marker::PhantomData;

use libduckdb_sys as ffi;

use super::logical_type::LogicalType;

/// A flat vector of DuckDB for as long as the callback that got it runs.
///
/// DuckDB flattens the arguments of C functions at every depth, so nothing here
/// knows of dictionaries or constants.
#[derive(Clone, Copy)]
pub(super) struct Vector<'a> {
    raw: ffi::duckdb_vector,
    rows: usize,
    chunk: PhantomData<&'a [u8]>,
}

impl<'a> Vector<'a> {
    /// A column of a chunk.
    ///
    /// # Safety
    /// `chunk` lives and is not written to for `'a`, its vectors are flat, and
    /// it has more than `i` columns.
    pub(super) unsafe fn column(chunk: ffi::duckdb_data_chunk, i: usize) -> Self {
        // SAFETY: as promised by the caller.
        unsafe {
            Self {
                raw: ffi::duckdb_data_chunk_get_vector(chunk, i as ffi::idx_t),
                rows: ffi::duckdb_data_chunk_get_size(chunk) as usize,
                chunk: PhantomData,
            }
        }
    }

    /// The number of rows.
    pub(super) fn rows(self) -> usize {
        self.rows
    }

    /// The type.
    pub(super) fn logical_type(self) -> LogicalType {
        // SAFETY: the vector lives; the type is handed over to us.
        unsafe { LogicalType::from_raw(ffi::duckdb_vector_get_column_type(self.raw)) }
    }

    /// The validity words, if any row is NULL.
    pub(super) fn validity(self) -> Option<&'a [u64]> {
        // SAFETY: the vector lives; its mask, if any, covers its rows.
        let words = unsafe {
            let words = ffi::duckdb_vector_get_validity(self.raw);
            if words.is_null() {
                return None;
            }
            std::slice::from_raw_parts(words, self.rows.div_ceil(64))
        };
        // A mask may well be there and say that nothing is NULL: kernels are
        // faster when they need not look.
        let (whole, rest) = words.split_at(self.rows / 64);
        let all = whole.iter().all(|&word| word == u64::MAX)
            && rest
                .iter()
                .all(|&word| word.trailing_ones() as usize >= self.rows % 64);
        (!all).then_some(words)
    }

    /// Whether a row is not NULL.
    pub(super) fn is_valid(self, row: usize) -> bool {
        // SAFETY: the vector lives; a mask, if any, covers its rows.
        unsafe {
            let words = ffi::duckdb_vector_get_validity(self.raw);
            words.is_null() || *words.add(row / 64) >> (row % 64) & 1 == 1
        }
    }

    /// The values; those of NULL rows are arbitrary.
    ///
    /// # Safety
    /// `T` is how DuckDB stores the type, and every bit pattern is a `T`.
    pub(super) unsafe fn values<T: Copy>(self) -> Cow<'a, [T]> {
        // SAFETY: the vector lives, and stores `rows` values of `T`.
        unsafe {
            let data = ffi::duckdb_vector_get_data(self.raw).cast::<T>();
            if data.is_null() {
                Cow::Borrowed(&[])
            } else if data.is_aligned() {
                Cow::Borrowed(std::slice::from_raw_parts(data, self.rows))
            } else {
                // A vector may point into a block of the file.
                Cow::Owned(
                    (0..self.rows)
                        .map(|row| data.add(row).read_unaligned())
                        .collect(),
                )
            }
        }
    }

    /// The value of one row that is not NULL.
    ///
    /// # Safety
    /// `T` is how DuckDB stores the type, and every bit pattern is a `T`.
    pub(super) unsafe fn value<T: Copy>(self, row: usize) -> T {
        debug_assert!(row < self.rows);
        // SAFETY: the vector lives, and stores more than `row` values of `T`.
        unsafe {
            ffi::duckdb_vector_get_data(self.raw)
                .cast::<T>()
                .add(row)
                .read_unaligned()
        }
    }

    /// Text or bytes of a row that is not NULL.
    ///
    /// # Safety
    /// The type is VARCHAR or BLOB.
    pub(super) unsafe fn bytes(self, row: usize) -> &'a [u8] {
        const INLINED: usize = 12;
        debug_assert!(row < self.rows);
        // SAFETY: the vector lives and stores strings: a length, then the bytes
        // themselves if they are short and otherwise a pointer to them.
        unsafe {
            let string = ffi::duckdb_vector_get_data(self.raw)
                .cast::<ffi::duckdb_string_t>()
                .add(row);
            let length = (*string).value.inlined.length as usize;
            let start = if length <= INLINED {
                (&raw const (*string).value.inlined.inlined).cast::<u8>()
            } else {
                (*string).value.pointer.ptr.cast::<u8>().cast_const()
            };
            std::slice::from_raw_parts(start, length)
        }
    }

    /// A field of a STRUCT. Rows where the struct is NULL are arbitrary.
    ///
    /// # Safety
    /// The type is a STRUCT of more than `i` fields.
    pub(super) unsafe fn field(self, i: usize) -> Self {
        // SAFETY: as promised by the caller; a field has the rows of its struct.
        let raw = unsafe { ffi::duckdb_struct_vector_get_child(self.raw, i as ffi::idx_t) };
        Self { raw, ..self }
    }

    /// The elements of all rows of a LIST, and where those of `row` are.
    ///
    /// # Safety
    /// The type is a LIST, and the row is not NULL.
    pub(super) unsafe fn list(self, row: usize) -> (Self, std::ops::Range<usize>) {
        // SAFETY: as promised by the caller.
        unsafe {
            let entry: ffi::duckdb_list_entry = self.value(row);
            let elements = Self {
                raw: ffi::duckdb_list_vector_get_child(self.raw),
                rows: ffi::duckdb_list_vector_get_size(self.raw) as usize,
                chunk: PhantomData,
            };
            let start = entry.offset as usize;
            (elements, start..start + entry.length as usize)
        }
    }

    /// The elements of all rows of an ARRAY.
    ///
    /// # Safety
    /// The type is an ARRAY of `size` elements.
    pub(super) unsafe fn array(self, size: usize) -> Self {
        // SAFETY: as promised by the caller.
        let raw = unsafe { ffi::duckdb_array_vector_get_child(self.raw) };
        Self {
            raw,
            rows: self.rows * size,
            chunk: PhantomData,
        }
    }
}
