//! Results into DuckDB's vectors.

use libduckdb_sys as ffi;

use crate::error::{Error, Result};
use crate::value::{Column, Type, Value};

/// A vector of DuckDB that takes results of one type.
pub(super) struct Writer<'a> {
    function: &'a str,
    kind: &'a Type,
    raw: ffi::duckdb_vector,
    /// Where the first row goes.
    offset: usize,
}

impl<'a> Writer<'a> {
    /// For the result vector of a call, from row `offset` on.
    ///
    /// # Safety
    /// `raw` is flat, of type `kind`, belongs to the caller while the writer
    /// lives, and has room for `offset` and the rows that will be written.
    pub(super) unsafe fn new(
        function: &'a str,
        kind: &'a Type,
        raw: ffi::duckdb_vector,
        offset: usize,
    ) -> Self {
        Self {
            function,
            kind,
            raw,
            offset,
        }
    }

    /// Writes a value per row.
    ///
    /// # Errors
    /// Another type than the signature's, or text of more than 4 GiB.
    pub(super) fn column(&self, column: &Column) -> Result<()> {
        match (self.kind, column) {
            (Type::Double, Column::Double(values)) => self.plain(values.iter().copied()),
            (Type::Integer, Column::Integer(values)) => self.plain(values.iter().copied()),
            (Type::Boolean, Column::Boolean(values)) => self.plain(values.iter().copied()),
            (Type::Text, Column::Text(values)) => {
                self.bytes(values.iter().map(|text| text.as_deref().map(str::as_bytes)))
            }
            (Type::Blob, Column::Blob(values)) => {
                self.bytes(values.iter().map(|bytes| bytes.as_deref()))
            }
            (_, Column::Nested(values)) => self.values(&values.iter().collect::<Vec<_>>()),
            _ => Err(self.mismatch()),
        }
    }

    /// As [`Writer::column`], from single values.
    pub(super) fn values(&self, values: &[&Value]) -> Result<()> {
        match self.kind {
            Type::Double => self.plain(self.each(values, |value| match value {
                Value::Double(value) => Some(*value),
                _ => None,
            })?),
            Type::Integer => self.plain(self.each(values, |value| match value {
                Value::Integer(value) => Some(*value),
                _ => None,
            })?),
            Type::Boolean => self.plain(self.each(values, |value| match value {
                Value::Boolean(value) => Some(*value),
                _ => None,
            })?),
            Type::Text => self.bytes(self.each(values, |value| match value {
                Value::Text(text) => Some(text.as_bytes()),
                _ => None,
            })?),
            Type::Blob => self.bytes(self.each(values, |value| match value {
                Value::Blob(bytes) => Some(bytes.as_slice()),
                _ => None,
            })?),
            Type::Struct(fields) => {
                let rows = self.each(values, |value| match value {
                    Value::Struct(row) if row.len() == fields.len() => Some(row),
                    _ => None,
                })?;
                self.structs(fields, &rows.collect::<Vec<_>>())
            }
            Type::Rows(fields) => {
                let tables = self.each(values, |value| match value {
                    Value::Rows(columns) if columns.len() == fields.len() => Some(columns),
                    _ => None,
                })?;
                self.lists(fields, &tables.collect::<Vec<_>>())
            }
        }
    }

    /// `None` for NULL, `get` for the rest, once all are known to be of the type.
    fn each<'v, T>(
        &self,
        values: &'v [&'v Value],
        get: impl Fn(&'v Value) -> Option<T> + 'v,
    ) -> Result<impl ExactSizeIterator<Item = Option<T>> + 'v> {
        let fits = |value: &&'v Value| matches!(value, Value::Null) || get(value).is_some();
        if !values.iter().all(fits) {
            return Err(self.mismatch());
        }
        Ok(values.iter().map(move |value| get(value)))
    }

    fn mismatch(&self) -> Error {
        Error::internal(self.function, format!("the result is not {}", self.kind))
    }

    /// `T` is stored as it is: a double, an integer or a boolean.
    fn plain<T: Copy + Default>(
        &self,
        values: impl ExactSizeIterator<Item = Option<T>>,
    ) -> Result<()> {
        let mut validity = Validity::new(self.raw);
        // SAFETY: the vector stores `T` and has room for all rows.
        unsafe {
            let data = ffi::duckdb_vector_get_data(self.raw)
                .cast::<T>()
                .add(self.offset);
            for (i, value) in values.enumerate() {
                data.add(i).write(value.unwrap_or_default());
                validity.set(self.offset + i, value.is_some());
            }
        }
        Ok(())
    }

    fn bytes<'v>(&self, values: impl ExactSizeIterator<Item = Option<&'v [u8]>>) -> Result<()> {
        let mut validity = Validity::new(self.raw);
        for (i, value) in values.enumerate() {
            let row = self.offset + i;
            let bytes = value.unwrap_or_default();
            if u32::try_from(bytes.len()).is_err() {
                return Err(Error::data(
                    self.function,
                    format!("a result of {} bytes; DuckDB's limit is 4 GiB", bytes.len()),
                ));
            }
            // SAFETY: the vector stores strings and has room for the row; text
            // is UTF-8 because it was a `String`; DuckDB copies the bytes. The
            // function that skips the check of UTF-8 is newer than the oldest
            // DuckDB that loads the extension.
            unsafe {
                ffi::duckdb_vector_assign_string_element_len(
                    self.raw,
                    row as ffi::idx_t,
                    bytes.as_ptr().cast(),
                    bytes.len() as ffi::idx_t,
                );
                validity.set(row, value.is_some());
            }
        }
        Ok(())
    }

    fn structs(&self, fields: &[(&str, Type)], rows: &[Option<&Vec<Value>>]) -> Result<()> {
        let mut validity = Validity::new(self.raw);
        for (i, row) in rows.iter().enumerate() {
            // SAFETY: the vector has room for all rows.
            unsafe { validity.set(self.offset + i, row.is_some()) };
        }
        for (j, (_, kind)) in fields.iter().enumerate() {
            // The fields of a NULL struct are NULL as well.
            let values: Vec<&Value> = rows
                .iter()
                .map(|row| row.map_or(&Value::Null, |row| &row[j]))
                .collect();
            self.field(self.raw, j, kind, self.offset).values(&values)?;
        }
        Ok(())
    }

    fn lists(&self, fields: &[(&str, Type)], tables: &[Option<&Vec<Column>>]) -> Result<()> {
        let height = |table: &Option<&Vec<Column>>| {
            table.map_or(0, |columns| columns.first().map_or(0, Column::len))
        };
        let total: usize = tables.iter().map(height).sum();
        // SAFETY: the vector is a LIST and has room for an entry per table. Its
        // child is fetched after it was given room for the new elements.
        let (mut start, elements) = unsafe {
            let start = ffi::duckdb_list_vector_get_size(self.raw) as usize;
            let end = (start + total) as ffi::idx_t;
            if total > 0 {
                self.made_room(ffi::duckdb_list_vector_reserve(self.raw, end))?;
                self.made_room(ffi::duckdb_list_vector_set_size(self.raw, end))?;
            }
            (start, ffi::duckdb_list_vector_get_child(self.raw))
        };
        let mut validity = Validity::new(self.raw);
        let mut present = Validity::new(elements);
        for (i, table) in tables.iter().enumerate() {
            let rows = height(table);
            // SAFETY: the vector stores list entries and has room for the row;
            // `elements` has room for `rows` more structs.
            unsafe {
                ffi::duckdb_vector_get_data(self.raw)
                    .cast::<ffi::duckdb_list_entry>()
                    .add(self.offset + i)
                    .write(ffi::duckdb_list_entry {
                        offset: start as u64,
                        length: rows as u64,
                    });
                validity.set(self.offset + i, table.is_some());
                for row in start..start + rows {
                    present.set(row, true);
                }
            }
            for (j, column) in table.iter().copied().flatten().enumerate() {
                if column.len() != rows {
                    return Err(self.mismatch());
                }
                self.field(elements, j, &fields[j].1, start)
                    .column(column)?;
            }
            start += rows;
        }
        Ok(())
    }

    /// For field `j` of the STRUCT vector `structs`, from row `offset` on.
    fn field<'k>(
        &self,
        structs: ffi::duckdb_vector,
        j: usize,
        kind: &'k Type,
        offset: usize,
    ) -> Writer<'k>
    where
        'a: 'k,
    {
        Writer {
            function: self.function,
            kind,
            // SAFETY: the callers pass a STRUCT vector with a field `j`, which
            // has the room of its struct.
            raw: unsafe { ffi::duckdb_struct_vector_get_child(structs, j as ffi::idx_t) },
            offset,
        }
    }

    fn made_room(&self, state: ffi::duckdb_state) -> Result<()> {
        if state == ffi::DuckDBSuccess {
            Ok(())
        } else {
            Err(Error::internal(
                self.function,
                "DuckDB has no room for a list",
            ))
        }
    }
}

/// The NULLs of a vector that is being written.
struct Validity {
    raw: ffi::duckdb_vector,
    /// Null until the first NULL: most results have none.
    words: *mut u64,
}

impl Validity {
    fn new(raw: ffi::duckdb_vector) -> Self {
        Self {
            raw,
            // SAFETY: the vector lives. A mask of an earlier use may be there.
            words: unsafe { ffi::duckdb_vector_get_validity(raw) },
        }
    }

    /// # Safety
    /// The vector lives and has room for the row.
    #[inline]
    unsafe fn set(&mut self, row: usize, valid: bool) {
        // SAFETY: the mask, once there, covers the rows that the vector has room for.
        unsafe {
            if self.words.is_null() {
                if valid {
                    return;
                }
                ffi::duckdb_vector_ensure_validity_writable(self.raw);
                self.words = ffi::duckdb_vector_get_validity(self.raw);
            }
            let bit = 1 << (row % 64);
            let word = self.words.add(row / 64);
            if valid {
                *word |= bit;
            } else {
                *word &= !bit;
            }
        }
    }
}
