//! An open database in which every function of the list is registered.

use std::ffi::CString;
use std::ops::Deref;
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use duckdb::Connection;
use libduckdb_sys as ffi;

use crate::definition::Function;
use crate::error::{Error, Result};

use super::{register_list, table};

/// A connection to a DuckDB database that has every function of the list.
///
/// It works as a [`duckdb::Connection`]; further connections come from
/// [`Session::connect`], because the table functions are macros of one
/// connection. The database closes with its last session: connections that
/// were made otherwise ([`Connection::try_clone`]) must not outlive that. Open
/// a file once per process: DuckDB's lock keeps only other processes out.
///
/// ```no_run
/// # use lagrange_udfs::duckdb::Session;
/// let session = Session::open(None, &[("threads", "2")])?;
/// let rows: i64 = session.query_row("SELECT count(*) FROM range(3)", [], |row| row.get(0))?;
/// assert_eq!(rows, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Session {
    // Dropped in this order: connections close before their database.
    connection: Connection,
    database: Arc<Database>,
}

impl Session {
    /// Opens the database file at `path`, which is created if it is not there,
    /// or a new database in memory, with DuckDB's own settings (`threads`,
    /// `memory_limit`, `access_mode`, ...).
    ///
    /// # Errors
    /// What DuckDB says: the file is locked by another process, is no
    /// database, a setting does not exist, ...
    pub fn open(path: Option<&Path>, settings: &[(&str, &str)]) -> Result<Self> {
        Self::open_with(path, settings, crate::functions::all())
    }

    /// [`Session::open`] with another list of functions.
    pub(super) fn open_with(
        path: Option<&Path>,
        settings: &[(&str, &str)],
        functions: &'static [Function],
    ) -> Result<Self> {
        let database = Database::open(path, settings, functions)?;
        database.register()?;
        Self::on(Arc::new(database))
    }

    /// A further connection to the same database, for another thread.
    ///
    /// # Errors
    /// DuckDB cannot connect.
    pub fn connect(&self) -> Result<Self> {
        Self::on(Arc::clone(&self.database))
    }

    fn on(database: Arc<Database>) -> Result<Self> {
        // SAFETY: the database is open, and stays so for as long as the session.
        let connection =
            unsafe { Connection::open_from_raw(database.raw) }.map_err(|error| engine(&error))?;
        connection
            .execute_batch(&table::macros(database.functions, table::Place::Temporary))
            .map_err(|error| engine(&error))?;
        Ok(Self {
            connection,
            database,
        })
    }
}

impl Deref for Session {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

/// What DuckDB says about a failure.
fn engine(error: &duckdb::Error) -> Error {
    Error::data("duckdb", error.to_string())
}

/// An open database, closed when dropped.
struct Database {
    raw: ffi::duckdb_database,
    functions: &'static [Function],
}

// SAFETY: DuckDB's database handle may be used from any thread, by many at once.
unsafe impl Send for Database {}
// SAFETY: as above.
unsafe impl Sync for Database {}

impl Database {
    fn open(
        path: Option<&Path>,
        settings: &[(&str, &str)],
        functions: &'static [Function],
    ) -> Result<Self> {
        let path = match path {
            Some(path) => c_text(path.as_os_str().as_encoded_bytes())?,
            None => c":memory:".to_owned(),
        };
        let config = Config::new(settings)?;
        let mut raw = ptr::null_mut();
        let mut message = ptr::null_mut();
        // SAFETY: all pointers live through the call; DuckDB hands over the
        // message, if any.
        let (state, message) = unsafe {
            let state = ffi::duckdb_open_ext(path.as_ptr(), &mut raw, config.0, &mut message);
            (state, ffi::DuckDbString::from_nullable_ptr(message))
        };
        if state == ffi::DuckDBSuccess {
            return Ok(Self { raw, functions });
        }
        let message = message.map_or_else(
            || "the database cannot be opened".to_owned(),
            |message| message.to_string_lossy().into_owned(),
        );
        Err(Error::data("duckdb", message))
    }

    fn register(&self) -> Result<()> {
        let mut connection = ptr::null_mut();
        // SAFETY: the database is open; the connection is closed once, after use.
        unsafe {
            if ffi::duckdb_connect(self.raw, &mut connection) != ffi::DuckDBSuccess {
                return Err(Error::data("duckdb", "cannot connect to the database"));
            }
            let outcome = register_list(connection, self.functions);
            ffi::duckdb_disconnect(&mut connection);
            outcome
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // SAFETY: closed once; sessions close their connections before.
        unsafe { ffi::duckdb_close(&mut self.raw) };
    }
}

/// Settings for opening a database.
struct Config(ffi::duckdb_config);

impl Config {
    fn new(settings: &[(&str, &str)]) -> Result<Self> {
        let mut config = Self(ptr::null_mut());
        // SAFETY: DuckDB copies the texts; `drop` destroys what was created.
        unsafe {
            if ffi::duckdb_create_config(&mut config.0) != ffi::DuckDBSuccess {
                return Err(Error::data("duckdb", "cannot create a configuration"));
            }
            for (name, value) in settings {
                let (c_name, c_value) = (c_text(name.as_bytes())?, c_text(value.as_bytes())?);
                let state = ffi::duckdb_set_config(config.0, c_name.as_ptr(), c_value.as_ptr());
                if state != ffi::DuckDBSuccess {
                    return Err(Error::data(
                        "duckdb",
                        format!(
                            "setting {name} = '{value}' is refused; FROM duckdb_settings() lists \
                             names and values"
                        ),
                    ));
                }
            }
        }
        Ok(config)
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        // SAFETY: destroyed once; null if it was not created.
        unsafe { ffi::duckdb_destroy_config(&mut self.0) };
    }
}

fn c_text(text: &[u8]) -> Result<CString> {
    CString::new(text).map_err(|_| {
        let text = String::from_utf8_lossy(text).replace('\0', "\\0");
        Error::data("duckdb", format!("'{text}' contains a NUL byte"))
    })
}
