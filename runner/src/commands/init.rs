//! `lagrange init`: a project that runs.

use std::path::Path;

use crate::cli::InitArgs;
use crate::error::{Error, Result, Status};
use crate::files::write_aside;
use crate::printer::{Output, Printer};

/// The files of a project and what is in them.
const FILES: [(&str, &str); 7] = [
    ("config/local.yaml", include_str!("init/local.yaml")),
    (
        "sql/demo_data.sql",
        include_str!("../../../sql/demo_data.sql"),
    ),
    (
        "sql/features.sql",
        include_str!("../../../sql/features.sql"),
    ),
    (
        "sql/labelled.sql",
        include_str!("../../../sql/labelled.sql"),
    ),
    ("sql/train.sql", include_str!("init/train.sql")),
    ("README.md", include_str!("init/README.md")),
    (".gitignore", include_str!("init/gitignore")),
];

/// Runs the command.
pub fn init(args: &InitArgs) -> Status {
    let printer = Printer::new(Output::Text);
    match write(&args.folder) {
        Ok(()) => {
            let folder = args.folder.display().to_string();
            let into = match folder.as_str() {
                "." => String::new(),
                folder => format!("cd {folder} && "),
            };
            let files: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
            printer.result(&format!(
                "made {}\nnext: {into}lagrange run sql/demo_data.sql sql/train.sql",
                files.join(", ")
            ));
            Status::Success
        }
        Err(error) => {
            printer.error(&error);
            error.status()
        }
    }
}

fn write(folder: &Path) -> Result<()> {
    let taken: Vec<&str> = FILES
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| folder.join(name).exists())
        .collect();
    if !taken.is_empty() {
        let message = format!("{} has {} already", folder.display(), taken.join(", "));
        return Err(Error::usage(message)
            .hint("nothing is overwritten: name another folder, or move the files away"));
    }
    for (name, text) in FILES {
        let path = folder.join(name);
        write_aside(&path, text.as_bytes())
            .map_err(|error| Error::io(format!("cannot write {}", path.display()), &error))?;
    }
    Ok(())
}
