//! Builds the library and makes `lagrange.duckdb_extension` of it, next to
//! itself in the target folder; prints its path.
//!
//! ```sh
//! cargo run --release --locked
//! ```

mod footer;

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use footer::Footer;

/// DuckDB finds the entry point by the name of the file.
const FILE: &str = "lagrange.duckdb_extension";

fn main() -> ExitCode {
    match package() {
        Ok(file) => {
            println!("{}", file.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn package() -> Result<PathBuf, Box<dyn Error>> {
    if env::args_os().len() > 1 {
        return Err("it takes no arguments".into());
    }
    // target/release/package is next to target/release/liblagrange.so.
    let program = env::current_exe()?;
    let folder = program.parent().ok_or("the program is in no folder")?;
    build(
        folder
            .parent()
            .ok_or("the program is in no target folder")?,
    )?;
    let library = folder.join(format!(
        "{}lagrange{}",
        env::consts::DLL_PREFIX,
        env::consts::DLL_SUFFIX
    ));
    let mut bytes = fs::read(&library)
        .map_err(|error| format!("cannot read {}: {error}", library.display()))?;
    bytes.extend(
        Footer {
            platform: platform(
                env::consts::OS,
                env::consts::ARCH,
                cfg!(target_env = "musl"),
            )?,
            c_api: "v1.2.0",
            version: concat!("v", env!("CARGO_PKG_VERSION")),
        }
        .bytes()?,
    );
    let file = folder.join(FILE);
    write_whole(&file, &bytes)
        .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    Ok(file)
}

/// Cargo builds this program without the library, which it does not use.
fn build(target: &Path) -> Result<(), Box<dyn Error>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.args(["build", "--lib", "--release", "--locked", "--quiet"]);
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    command
        .args(["--manifest-path", manifest, "--target-dir"])
        .arg(target);
    if command.status()?.success() {
        Ok(())
    } else {
        Err("the library does not build".into())
    }
}

/// What DuckDB calls the platform that this program was built for.
fn platform(system: &str, processor: &str, musl: bool) -> Result<&'static str, String> {
    match (system, processor, musl) {
        ("linux", "x86_64", false) => Ok("linux_amd64"),
        ("linux", "x86_64", true) => Ok("linux_amd64_musl"),
        ("linux", "aarch64", false) => Ok("linux_arm64"),
        ("linux", "aarch64", true) => Ok("linux_arm64_musl"),
        ("macos", "x86_64", _) => Ok("osx_amd64"),
        ("macos", "aarch64", _) => Ok("osx_arm64"),
        ("windows", "x86_64", _) => Ok("windows_amd64"),
        ("windows", "aarch64", _) => Ok("windows_arm64"),
        _ => Err(format!("DuckDB has no name for {system} on {processor}")),
    }
}

/// Nobody loads half a file, or has the one that it has loaded changed.
fn write_whole(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let aside = file.with_extension("part");
    fs::write(&aside, bytes)?;
    fs::rename(&aside, file)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs;

    use super::platform;

    /// Name and version of each package.
    fn locked(file: &str) -> HashSet<(String, String)> {
        let file = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(file).unwrap();
        let value = |line: Option<&str>, key: &str| {
            let quoted = line?.strip_prefix(key)?.strip_prefix(" = ")?;
            Some(quoted.trim_matches('"').to_owned())
        };
        text.split("[[package]]\n")
            .filter_map(|package| {
                let mut lines = package.lines();
                Some((
                    value(lines.next(), "name")?,
                    value(lines.next(), "version")?,
                ))
            })
            .collect()
    }

    /// Other versions of the mathematics could be other models.
    #[test]
    fn packages_are_those_of_the_workspace() {
        let workspace = locked("../../Cargo.lock");
        let names: HashSet<&String> = workspace.iter().map(|(name, _)| name).collect();
        let ours = locked("Cargo.lock");
        assert!(ours.len() > 50, "{ours:?}");
        let others: Vec<_> = ours
            .iter()
            .filter(|package| names.contains(&package.0) && !workspace.contains(*package))
            .collect();
        assert!(
            others.is_empty(),
            "copy ../../Cargo.lock here and build: {others:?}"
        );
    }

    #[test]
    fn platforms_have_the_names_of_duckdb() {
        assert_eq!(platform("linux", "x86_64", false), Ok("linux_amd64"));
        assert_eq!(platform("macos", "aarch64", false), Ok("osx_arm64"));
        assert!(platform("plan9", "x86_64", false).is_err());
    }
}
