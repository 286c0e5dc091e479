//! The Dockerfile, compose.yaml and what goes with them, by the rules that builds and
//! linters of containers know. No container engine runs here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

/// The instructions of a Dockerfile, continued lines joined, comments left out.
fn instructions(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect();
    lines
        .join("\n")
        .replace("\\\n", " ")
        .lines()
        .filter_map(|line| {
            let (word, rest) = line.trim().split_once(' ')?;
            let words: Vec<&str> = rest.split_whitespace().collect();
            Some((word.to_owned(), words.join(" ")))
        })
        .collect()
}

/// Whether an image names a version, and not whatever is the newest.
fn is_pinned(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap();
    name.split_once(':')
        .is_some_and(|(_, tag)| tag != "latest" && tag.chars().any(|c| c.is_ascii_digit()))
}

/// What is wrong with a Dockerfile.
fn faults(text: &str) -> Vec<String> {
    let list = instructions(text);
    let mut faults = Vec::new();
    let mut stages = BTreeSet::new();
    let mut wrong = |holds: bool, what: String| {
        if !holds {
            faults.push(what);
        }
    };
    for (word, rest) in &list {
        match word.as_str() {
            "FROM" => {
                let words: Vec<&str> = rest.split(' ').collect();
                let known = stages.contains(words[0]);
                wrong(known || is_pinned(words[0]), format!("not pinned: {rest}"));
                if let [_, "AS", name] = words[..] {
                    stages.insert(name.to_owned());
                }
            }
            "ADD" => wrong(false, format!("ADD where COPY does: {rest}")),
            "WORKDIR" => wrong(rest.starts_with('/'), format!("a relative folder: {rest}")),
            "ENTRYPOINT" | "CMD" => wrong(
                serde_json::from_str::<Vec<String>>(rest).is_ok(),
                format!("{word} through a shell: {rest}"),
            ),
            "RUN" => {
                let install = rest.contains("apt-get install");
                wrong(!rest.contains("sudo"), format!("sudo: {rest}"));
                wrong(
                    !rest.contains("curl") && !rest.contains("wget"),
                    format!("download: {rest}"),
                );
                wrong(
                    !install || rest.contains("--no-install-recommends"),
                    format!("more packages than needed: {rest}"),
                );
                wrong(
                    !install
                        || rest.contains("--yes") && rest.contains("rm -rf /var/lib/apt/lists"),
                    format!("apt-get asks, or leaves its lists: {rest}"),
                );
                wrong(
                    !rest.contains("cargo build") || rest.contains("--locked"),
                    format!("cargo without --locked: {rest}"),
                );
            }
            "COPY" | "USER" | "ENV" | "ARG" | "LABEL" | "EXPOSE" => {}
            other => wrong(false, format!("unknown instruction {other}")),
        }
    }
    let last = list
        .iter()
        .rposition(|(word, _)| word == "FROM")
        .unwrap_or(0);
    let user = list[last..].iter().rev().find(|(word, _)| word == "USER");
    let number = user.and_then(|(_, user)| user.split(':').next()?.parse::<u32>().ok());
    // Kubernetes can tell that a number is not root.
    wrong(
        number.is_some_and(|id| id > 0),
        "the last stage runs as root".to_owned(),
    );
    wrong(
        last > 0,
        "one stage: the compiler is in the image".to_owned(),
    );
    let place = |what: &str| {
        list.iter()
            .position(|(word, rest)| word == "COPY" && rest.starts_with(what))
    };
    let built = list
        .iter()
        .position(|(word, rest)| word == "RUN" && rest.contains("cargo build"));
    let cached = place("Cargo.toml Cargo.lock") < built && built < place("runner runner");
    wrong(cached, "dependencies have no layer of their own".to_owned());
    faults
}

#[test]
fn the_dockerfile_keeps_the_rules() {
    assert_eq!(faults(&text("Dockerfile")), [""; 0]);
    // And the rules find what breaks them.
    let good = text("Dockerfile");
    for (from, to) in [
        ("USER 10001\n", ""),
        ("USER 10001", "USER 0"),
        ("debian:12.11-slim", "debian:latest"),
        ("debian:12.11-slim", "debian"),
        ("COPY udfs udfs", "ADD udfs udfs"),
        ("WORKDIR /work", "WORKDIR work"),
        (" --no-install-recommends", ""),
        ("CMD [\"--help\"]", "CMD --help"),
        ("--locked", ""),
    ] {
        assert!(good.contains(from), "{from}");
        assert_ne!(faults(&good.replace(from, to)), [""; 0], "{from}");
    }
}

#[test]
fn the_image_is_built_from_files_that_are_sent() {
    let ignored = text(".dockerignore");
    let kept: Vec<&str> = ignored
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    assert!(ignored.lines().any(|line| line == "*"));
    for (word, rest) in instructions(&text("Dockerfile")) {
        if word != "COPY" || rest.starts_with("--from") {
            continue;
        }
        let mut files: Vec<&str> = rest.split(' ').collect();
        files.pop();
        for file in files {
            assert!(root().join(file).exists(), "{file}");
            let sent = kept.iter().any(|kept| Path::new(file).starts_with(kept));
            assert!(sent, "{file} is in .dockerignore");
        }
    }
}

#[test]
fn the_stubs_make_a_workspace_that_cargo_takes() {
    let folder = tempfile::tempdir().unwrap();
    for file in [
        "Cargo.toml",
        "Cargo.lock",
        "udfs/Cargo.toml",
        "runner/Cargo.toml",
        "tests/Cargo.toml",
        "cloud/stubs.sh",
    ] {
        let to = folder.path().join(file);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(root().join(file), to).unwrap();
    }
    let stubs = Command::new("sh")
        .arg("cloud/stubs.sh")
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(stubs.status.success(), "{stubs:?}");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let metadata = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&metadata.stderr).into_owned();
    assert!(metadata.status.success(), "{said}");
    let json: Json = serde_json::from_slice(&metadata.stdout).unwrap();
    assert_eq!(json["packages"].as_array().unwrap().len(), 3);
    for package in json["packages"].as_array().unwrap() {
        for target in package["targets"].as_array().unwrap() {
            let source = target["src_path"].as_str().unwrap();
            assert!(Path::new(source).exists(), "{source}");
        }
    }
}

#[test]
fn compose_names_what_there_is_and_opens_nothing_to_others() {
    let compose: Json = serde_saphyr::from_str(&text("compose.yaml")).unwrap();
    let services = compose["services"].as_object().unwrap();
    let volumes = compose["volumes"].as_object().unwrap();
    assert!(services.contains_key("runner") && services.contains_key("mlflow"));
    for (name, service) in services {
        let known = [
            "image",
            "build",
            "command",
            "ports",
            "volumes",
            "healthcheck",
            "security_opt",
            "cap_drop",
            "profiles",
            "depends_on",
            "environment",
            "user",
        ];
        for key in service.as_object().unwrap().keys() {
            assert!(known.contains(&key.as_str()), "{name}: {key}");
        }
        let built = service["build"]["context"].as_str();
        let image = service["image"].as_str().unwrap();
        assert!(built.is_some() || is_pinned(image), "{name}: {image}");
        if let Some(context) = built {
            assert!(root().join(context).join("Dockerfile").is_file());
        }
        for port in service["ports"].as_array().unwrap_or(&Vec::new()) {
            assert!(
                port.as_str().unwrap().starts_with("127.0.0.1:"),
                "{name}: {port}"
            );
        }
        for volume in service["volumes"].as_array().unwrap() {
            let from = volume.as_str().unwrap().split(':').next().unwrap();
            assert!(
                from.starts_with('.') || volumes.contains_key(from),
                "{name}: {from}"
            );
        }
        if let Some(depends) = service["depends_on"].as_object() {
            for (other, how) in depends {
                assert!(services.contains_key(other), "{other}");
                let healthy = how["condition"] == "service_healthy";
                assert!(
                    healthy && services[other]["healthcheck"].is_object(),
                    "{other}"
                );
            }
        }
        assert!(!service["security_opt"].is_null(), "{name}");
    }
    // The runner's own name for the setting.
    let variables = services["runner"]["environment"].as_object().unwrap();
    assert!(variables.contains_key("LAGRANGE_MLFLOW__TRACKING_URI"));
}
