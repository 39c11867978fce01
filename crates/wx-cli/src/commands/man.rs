//! `wx man`.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::{Args, Command};
use clap_mangen::Man;

use crate::{command_line, failure::Failure, output};

/// Prints the manual page, of the whole program or of one command.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wx man | man -l -\n  \
    wx man open-data decrypt | man -l -\n  \
    wx man --dir ~/.local/share/man/man1")]
pub(crate) struct Options {
    /// The command, such as `open-data decrypt`; the whole program unless given.
    command: Vec<String>,
    /// Writes the pages of all commands into this folder instead.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

/// Prints or writes pages.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let mut whole = command_line().disable_help_subcommand(true);
    whole.build();
    if let Some(dir) = &options.dir {
        let failed = |error| Failure::failed(format!("{} cannot be written: {error}", dir.display()));
        fs::create_dir_all(dir).map_err(failed)?;
        clap_mangen::generate_to(whole, dir).map_err(failed)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut command = &whole;
    for name in &options.command {
        command = command
            .find_subcommand(name)
            .ok_or_else(|| Failure::misuse(format!("`{}` has no command `{name}`", title(command))))?;
    }
    let mut page = Vec::new();
    Man::new(command.clone()).title(title(command)).render(&mut page).map_err(|error| Failure::output(&error))?;
    output::bytes(&page)?;
    output::flush()?;
    Ok(ExitCode::SUCCESS)
}

fn title(command: &Command) -> String {
    command.get_display_name().unwrap_or("wx").to_owned()
}
