//! The project's own commands. `cargo xtask --help` lists them.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a command talks to its user

mod bench;
mod codegen;
mod conformance;
mod features;
mod metadata;
mod shell;
mod soak;
mod test;
mod tidy;

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

/// A message for the person at the terminal: nothing here is handled further up.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about, max_term_width = 100)]
struct Args {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Derives the mechanical files from the contract.
    Codegen {
        /// Only says what is out of date, and fails if anything is.
        #[arg(long)]
        check: bool,
    },
    /// Checks the rules of this workspace that no compiler knows.
    Tidy,
    /// Runs every test, then every example of the documentation.
    Test,
    /// Checks every crate without features, with each one alone, and with all of them.
    Features,
    /// Runs the conformance suite over every backend and reports what each can do.
    Conformance(conformance::Options),
    /// Measures, and fails when a figure is out of its bound.
    Bench {
        /// What to measure, such as `dispatch`.
        name: String,
    },
    /// Runs long what the tests run briefly.
    Soak {
        #[command(subcommand)]
        what: soak::What,
    },
}

fn main() -> ExitCode {
    let outcome = match Args::parse().command {
        Task::Codegen { check } => codegen::run(check),
        Task::Tidy => tidy::run(),
        Task::Test => test::run(),
        Task::Features => features::run(),
        Task::Conformance(options) => conformance::run(&options),
        Task::Bench { name } => bench::run(&name),
        Task::Soak { what } => soak::run(&what),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The folder that holds the workspace.
///
/// # Errors
///
/// Cargo does not start, or finds no workspace here: the message says what it said.
fn workspace_root() -> Result<PathBuf> {
    let mut locate = shell::cargo(Path::new("."));
    locate.args(["locate-project", "--workspace", "--message-format=plain"]);
    let output = locate.output().map_err(|error| format!("`{}` does not start: {error}", shell::line(&locate)))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{}` failed ({}): {}", shell::line(&locate), output.status, why.trim()).into());
    }
    let manifest = PathBuf::from(String::from_utf8(output.stdout)?.trim());
    Ok(manifest.parent().ok_or("cargo names no workspace: run this inside it")?.to_owned())
}
