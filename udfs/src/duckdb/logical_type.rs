//! DuckDB's types: made from ours, and read from vectors.

use std::ffi::CString;

use libduckdb_sys as ffi;

use crate::value::Type;

/// The type ids of the C API by their SQL names.
pub(super) mod id {
    pub(in crate::duckdb) use libduckdb_sys::{
        DUCKDB_TYPE_DUCKDB_TYPE_ANY as ANY, DUCKDB_TYPE_DUCKDB_TYPE_ARRAY as ARRAY,
        DUCKDB_TYPE_DUCKDB_TYPE_BIGINT as BIGINT, DUCKDB_TYPE_DUCKDB_TYPE_BIGNUM as BIGNUM,
        DUCKDB_TYPE_DUCKDB_TYPE_BIT as BIT, DUCKDB_TYPE_DUCKDB_TYPE_BLOB as BLOB,
        DUCKDB_TYPE_DUCKDB_TYPE_BOOLEAN as BOOLEAN, DUCKDB_TYPE_DUCKDB_TYPE_DATE as DATE,
        DUCKDB_TYPE_DUCKDB_TYPE_DECIMAL as DECIMAL, DUCKDB_TYPE_DUCKDB_TYPE_DOUBLE as DOUBLE,
        DUCKDB_TYPE_DUCKDB_TYPE_ENUM as ENUM, DUCKDB_TYPE_DUCKDB_TYPE_FLOAT as FLOAT,
        DUCKDB_TYPE_DUCKDB_TYPE_HUGEINT as HUGEINT, DUCKDB_TYPE_DUCKDB_TYPE_INTEGER as INTEGER,
        DUCKDB_TYPE_DUCKDB_TYPE_INTERVAL as INTERVAL, DUCKDB_TYPE_DUCKDB_TYPE_LIST as LIST,
        DUCKDB_TYPE_DUCKDB_TYPE_MAP as MAP, DUCKDB_TYPE_DUCKDB_TYPE_SMALLINT as SMALLINT,
        DUCKDB_TYPE_DUCKDB_TYPE_SQLNULL as SQLNULL, DUCKDB_TYPE_DUCKDB_TYPE_STRUCT as STRUCT,
        DUCKDB_TYPE_DUCKDB_TYPE_TIME as TIME, DUCKDB_TYPE_DUCKDB_TYPE_TIME_NS as TIME_NS,
        DUCKDB_TYPE_DUCKDB_TYPE_TIME_TZ as TIME_TZ, DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP as TIMESTAMP,
        DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_MS as TIMESTAMP_MS,
        DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_NS as TIMESTAMP_NS,
        DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_S as TIMESTAMP_S,
        DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ as TIMESTAMP_TZ,
        DUCKDB_TYPE_DUCKDB_TYPE_TINYINT as TINYINT, DUCKDB_TYPE_DUCKDB_TYPE_UBIGINT as UBIGINT,
        DUCKDB_TYPE_DUCKDB_TYPE_UHUGEINT as UHUGEINT, DUCKDB_TYPE_DUCKDB_TYPE_UINTEGER as UINTEGER,
        DUCKDB_TYPE_DUCKDB_TYPE_UNION as UNION, DUCKDB_TYPE_DUCKDB_TYPE_USMALLINT as USMALLINT,
        DUCKDB_TYPE_DUCKDB_TYPE_UTINYINT as UTINYINT, DUCKDB_TYPE_DUCKDB_TYPE_UUID as UUID,
        DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR as VARCHAR,
    };
}

/// A type of DuckDB, owned.
pub(super) struct LogicalType(ffi::duckdb_logical_type);

impl LogicalType {
    /// A type without parameters, by its id.
    pub(super) fn new(id: ffi::duckdb_type) -> Self {
        // SAFETY: any id is accepted; the value is destroyed once, by `drop`.
        Self(unsafe { ffi::duckdb_create_logical_type(id) })
    }

    /// The type of a returned value.
    pub(super) fn returned(kind: &Type) -> Self {
        match kind {
            Type::Double => Self::new(id::DOUBLE),
            Type::Integer => Self::new(id::BIGINT),
            Type::Boolean => Self::new(id::BOOLEAN),
            Type::Text => Self::new(id::VARCHAR),
            Type::Blob => Self::new(id::BLOB),
            Type::Struct(fields) => Self::structure(fields),
            Type::Rows(fields) => {
                let row = Self::structure(fields);
                // SAFETY: the element type is alive; DuckDB copies it.
                Self(unsafe { ffi::duckdb_create_list_type(row.0) })
            }
        }
    }

    fn structure(fields: &[(&str, Type)]) -> Self {
        let kinds: Vec<Self> = fields
            .iter()
            .map(|field| Self::returned(&field.1))
            .collect();
        // Names of a signature are constants without NUL.
        let names: Vec<CString> = fields
            .iter()
            .map(|field| CString::new(field.0).unwrap_or_default())
            .collect();
        let mut raw_kinds: Vec<_> = kinds.iter().map(|kind| kind.0).collect();
        let mut raw_names: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
        // SAFETY: both arrays have one living entry per field; DuckDB copies them.
        Self(unsafe {
            ffi::duckdb_create_struct_type(
                raw_kinds.as_mut_ptr(),
                raw_names.as_mut_ptr(),
                fields.len() as ffi::idx_t,
            )
        })
    }

    /// Takes a type that the C API handed over.
    ///
    /// # Safety
    /// `raw` belongs to nobody else.
    pub(super) unsafe fn from_raw(raw: ffi::duckdb_logical_type) -> Self {
        Self(raw)
    }

    /// For passing on to the C API, which copies it.
    pub(super) fn raw(&self) -> ffi::duckdb_logical_type {
        self.0
    }

    /// Its id.
    pub(super) fn id(&self) -> ffi::duckdb_type {
        // SAFETY: the type is alive; NULL gives INVALID.
        unsafe { ffi::duckdb_get_type_id(self.0) }
    }

    /// The number of fields of a STRUCT.
    pub(super) fn fields(&self) -> usize {
        debug_assert_eq!(self.id(), id::STRUCT);
        // SAFETY: the type is alive.
        unsafe { ffi::duckdb_struct_type_child_count(self.0) as usize }
    }

    /// The name of a field of a STRUCT; empty for a row without names.
    pub(super) fn field_name(&self, i: usize) -> String {
        // SAFETY: the type is alive and a STRUCT; the text is handed over to us.
        unsafe {
            let name = ffi::duckdb_struct_type_child_name(self.0, i as ffi::idx_t);
            ffi::DuckDbString::from_nullable_ptr(name)
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default()
        }
    }

    /// The type of a field of a STRUCT.
    pub(super) fn field_type(&self, i: usize) -> Self {
        // SAFETY: the type is alive and a STRUCT; the result is handed over to us.
        Self(unsafe { ffi::duckdb_struct_type_child_type(self.0, i as ffi::idx_t) })
    }

    /// The element type of a LIST or an ARRAY.
    pub(super) fn element(&self) -> Self {
        // SAFETY: the type is alive and of that id; the result is handed over to us.
        Self(unsafe {
            if self.id() == id::ARRAY {
                ffi::duckdb_array_type_child_type(self.0)
            } else {
                ffi::duckdb_list_type_child_type(self.0)
            }
        })
    }

    /// The length of every value of an ARRAY.
    pub(super) fn array_size(&self) -> usize {
        // SAFETY: the type is alive and an ARRAY.
        unsafe { ffi::duckdb_array_type_array_size(self.0) as usize }
    }

    /// How a DECIMAL is stored: an integer type, and the power of ten by which
    /// to divide.
    pub(super) fn decimal(&self) -> (ffi::duckdb_type, i32) {
        // SAFETY: the type is alive and a DECIMAL.
        unsafe {
            (
                ffi::duckdb_decimal_internal_type(self.0),
                i32::from(ffi::duckdb_decimal_scale(self.0)),
            )
        }
    }

    /// Its name in SQL, for messages.
    pub(super) fn name(&self) -> String {
        let name = match self.id() {
            id::BOOLEAN => "BOOLEAN",
            id::TINYINT => "TINYINT",
            id::SMALLINT => "SMALLINT",
            id::INTEGER => "INTEGER",
            id::BIGINT => "BIGINT",
            id::HUGEINT => "HUGEINT",
            id::UTINYINT => "UTINYINT",
            id::USMALLINT => "USMALLINT",
            id::UINTEGER => "UINTEGER",
            id::UBIGINT => "UBIGINT",
            id::UHUGEINT => "UHUGEINT",
            id::BIGNUM => "BIGNUM",
            id::FLOAT => "FLOAT",
            id::DOUBLE => "DOUBLE",
            id::VARCHAR => "VARCHAR",
            id::BLOB => "BLOB",
            id::BIT => "BIT",
            id::UUID => "UUID",
            id::ENUM => "ENUM",
            id::DATE => "DATE",
            id::TIME => "TIME",
            id::TIME_NS => "TIME_NS",
            id::TIME_TZ => "TIME WITH TIME ZONE",
            id::TIMESTAMP => "TIMESTAMP",
            id::TIMESTAMP_S => "TIMESTAMP_S",
            id::TIMESTAMP_MS => "TIMESTAMP_MS",
            id::TIMESTAMP_NS => "TIMESTAMP_NS",
            id::TIMESTAMP_TZ => "TIMESTAMP WITH TIME ZONE",
            id::INTERVAL => "INTERVAL",
            id::STRUCT => "STRUCT",
            id::MAP => "MAP",
            id::UNION => "UNION",
            id::SQLNULL => "NULL",
            id::LIST => return format!("{}[]", self.element().name()),
            id::ARRAY => return format!("{}[{}]", self.element().name(), self.array_size()),
            id::DECIMAL => {
                // SAFETY: the type is alive and a DECIMAL.
                let width = unsafe { ffi::duckdb_decimal_width(self.0) };
                return format!("DECIMAL({width},{})", self.decimal().1);
            }
            other => return format!("of DuckDB's type {other}"),
        };
        name.to_owned()
    }
}

impl Drop for LogicalType {
    fn drop(&mut self) {
        // SAFETY: owned, and destroyed once.
        unsafe { ffi::duckdb_destroy_logical_type(&mut self.0) }
    }
}
