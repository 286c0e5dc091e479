//! The loadable extension: the entry point that DuckDB calls at `LOAD`.
//!
//! It asks for the stable C API of DuckDB 1.2, so one file loads in every
//! DuckDB from then on; older than [`OLDEST`] are refused because nobody tests
//! them. The rest is `lagrange_udfs::duckdb::install`.

use std::any::Any;
use std::ffi::{CStr, CString, c_char, c_void};
use std::mem::{MaybeUninit, offset_of};
use std::panic::catch_unwind;
use std::ptr;

use libduckdb_sys as ffi;

#[cfg(not(panic = "unwind"))]
compile_error!("a panic must become the error of a query, so it has to unwind");

/// The C API that is asked for; `package` writes it into the file as well.
const C_API: &CStr = c"v1.2.0";

/// The oldest DuckDB that the tests load the extension in: major, minor.
const OLDEST: (u32, u32) = (1, 4);

/// Registers every function in the database that loads the extension.
///
/// # Safety
/// DuckDB calls it: both pointers live until it returns, and the functions
/// behind `access` are those of DuckDB.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lagrange_init_c_api(
    info: ffi::duckdb_extension_info,
    access: *const ffi::duckdb_extension_access,
) -> bool {
    // SAFETY: as promised by DuckDB. Nothing half-made is used after a panic.
    let outcome = catch_unwind(|| unsafe { load(info, &*access) })
        .unwrap_or_else(|panic| Err(Failure::Says(panic_text(panic.as_ref()))));
    match outcome {
        Ok(()) => true,
        Err(Failure::Known) => false,
        Err(Failure::Says(text)) => {
            let text = CString::new(text.replace('\0', "\\0")).unwrap_or_default();
            // SAFETY: as promised by DuckDB, which copies the text.
            unsafe {
                if let Some(set_error) = (*access).set_error {
                    set_error(info, text.as_ptr());
                }
            }
            false
        }
    }
}

/// Why the extension does not load.
enum Failure {
    /// DuckDB has found the reason itself, and tells it.
    Known,
    /// The reason, for DuckDB to tell.
    Says(String),
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::Says(text.to_owned())
    }
}

/// # Safety
/// As [`lagrange_init_c_api`].
unsafe fn load(
    info: ffi::duckdb_extension_info,
    access: &ffi::duckdb_extension_access,
) -> Result<(), Failure> {
    // SAFETY: as promised by DuckDB. The connection is closed once, after use;
    // the database is borrowed.
    unsafe {
        take_api(info, access)?;
        check_version()?;
        let get_database = access.get_database.ok_or("DuckDB hands over no database")?;
        let database = get_database(info);
        if database.is_null() {
            return Err(Failure::Known);
        }
        let mut connection = ptr::null_mut();
        if ffi::duckdb_connect(*database, &mut connection) != ffi::DuckDBSuccess {
            return Err("cannot connect to the database".into());
        }
        let outcome = lagrange_udfs::duckdb::install(connection);
        ffi::duckdb_disconnect(&mut connection);
        outcome
            .map(|_| ())
            .map_err(|error| Failure::Says(error.to_string()))
    }
}

/// Keeps the functions of DuckDB's C API for `libduckdb_sys` to call.
///
/// The structure that `libduckdb_sys` knows is that of the newest DuckDB, longer
/// than the one that an older DuckDB hands over: only what version [`C_API`]
/// promises is copied, and calling anything else panics with its name.
///
/// # Safety
/// As [`lagrange_init_c_api`].
unsafe fn take_api(
    info: ffi::duckdb_extension_info,
    access: &ffi::duckdb_extension_access,
) -> Result<(), Failure> {
    // What comes after the functions of v1.2.0 begins here.
    const PROMISED: usize = offset_of!(ffi::duckdb_ext_api_v1, duckdb_create_instance_cache);
    let get_api = access.get_api.ok_or("DuckDB hands over no C API")?;
    let mut api = MaybeUninit::<ffi::duckdb_ext_api_v1>::zeroed();
    // SAFETY: DuckDB's structure holds at least what the version that it was
    // asked for promises, and lives until the entry point returns. A missing
    // function is a null pointer.
    unsafe {
        let promised = get_api(info, C_API.as_ptr());
        if promised.is_null() {
            return Err(Failure::Known);
        }
        ptr::copy_nonoverlapping(promised.cast(), api.as_mut_ptr().cast::<u8>(), PROMISED);
    }
    // `libduckdb_sys` fetches the structure itself: it is handed ours.
    let ours = ffi::duckdb_extension_access {
        get_api: Some(handed_over),
        ..*access
    };
    // SAFETY: `handed_over` returns the structure, which lives through the call.
    match unsafe { ffi::duckdb_rs_extension_api_init(api.as_mut_ptr().cast(), &ours, "v1.2.0") } {
        Ok(true) => Ok(()),
        Ok(false) => Err("DuckDB hands over no C API".into()),
        Err(message) => Err(message.into()),
    }
}

/// Stands in for DuckDB's `get_api`: the info is the structure.
unsafe extern "C" fn handed_over(
    info: ffi::duckdb_extension_info,
    _version: *const c_char,
) -> *const c_void {
    info.cast_const().cast()
}

/// # Safety
/// [`take_api`] has succeeded.
unsafe fn check_version() -> Result<(), Failure> {
    // SAFETY: as promised by the caller; the text is a constant of DuckDB.
    let version = unsafe { CStr::from_ptr(ffi::duckdb_library_version()) };
    let version = version.to_string_lossy();
    let (major, minor) = OLDEST;
    // A build from DuckDB's sources may have any name, and is taken.
    match parse(&version) {
        Some(found) if found < OLDEST => Err(Failure::Says(format!(
            "this is DuckDB {version}; the functions of Lagrange need {major}.{minor} or later"
        ))),
        _ => Ok(()),
    }
}

/// Major and minor version of `v1.4.2`.
fn parse(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("loading panicked: {}", text.unwrap_or("no message"))
}
