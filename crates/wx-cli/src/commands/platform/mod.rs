//! `wx platform`.

mod app;
mod host_key;
mod remote;
mod serve;
mod user;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};

use crate::{failure::Failure, folders};

/// A platform server of one's own: starts it, and looks after its apps and users while it runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wx platform serve\n  \
    wx platform app add wx4f4bc4dec97d474b > secret.txt\n  \
    wx platform user add li --nick-name Li")]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Serve(serve::Options),
    App(app::Options),
    User(user::Options),
}

/// Serves, or asks a server.
pub(crate) fn run(options: Options) -> Result<ExitCode, Failure> {
    match options.what {
        What::Serve(options) => serve::run(&options),
        What::App(options) => app::run(options),
        What::User(options) => user::run(options),
    }
}

/// Where a server keeps its data.
#[derive(Clone, Debug, Args)]
struct Data {
    /// The folder of the server's data: `$XDG_DATA_HOME/wx/platform` unless given, else `~/.local/share/wx/platform`.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Data {
    fn folder(&self) -> Result<PathBuf, Failure> {
        if let Some(folder) = &self.data {
            return Ok(folder.clone());
        }
        let nowhere = || Failure::misuse("there is no place for the server's data: give --data, or set HOME");
        folders::data("platform").ok_or_else(nowhere)
    }
}
