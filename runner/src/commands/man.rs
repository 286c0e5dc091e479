//! `lagrange man`: manual pages, one per command.

use clap::{Command, CommandFactory};

use crate::cli::{Cli, ManArgs};
use crate::error::{Error, Result, Status};
use crate::files::write_aside;
use crate::printer::{Output, Printer, thousands};

/// Runs the command.
pub fn man(args: &ManArgs) -> Status {
    let printer = Printer::new(Output::Text);
    match write(args) {
        Ok(count) => {
            let folder = args.out.display();
            printer.result(&format!("{} pages in {folder}", thousands(count)));
            Status::Success
        }
        Err(error) => {
            printer.error(&error);
            error.status()
        }
    }
}

fn write(args: &ManArgs) -> Result<u64> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    collect("lagrange", &command, &mut pages);
    let mut count = 0;
    for (name, command) in pages {
        let path = args.out.join(format!("{name}.1"));
        let failed =
            |error: std::io::Error| Error::io(format!("cannot write {}", path.display()), &error);
        let mut page = Vec::new();
        clap_mangen::Man::new(command)
            .render(&mut page)
            .map_err(failed)?;
        write_aside(&path, &page).map_err(failed)?;
        count += 1;
    }
    Ok(count)
}

/// `lagrange`, `lagrange-run`, ...
fn collect(name: &str, command: &Command, pages: &mut Vec<(String, Command)>) {
    let page = command.clone().display_name(name.to_owned());
    pages.push((name.to_owned(), page));
    for below in command.get_subcommands() {
        if !below.is_hide_set() && below.get_name() != "help" {
            collect(&format!("{name}-{}", below.get_name()), below, pages);
        }
    }
}
