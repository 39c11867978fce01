//! The program `wx`: the mini-program runtime API on the command line. `wx --help` lists what it does.
//!
//! # Invariants
//!
//! - Standard output has results and nothing else; messages, prompts and progress go to standard error.
//! - It exits with 0 when what was asked for is so, with 1 when it is not, and with 2 when it was asked wrongly.
//! - No message repeats a secret.

#![allow(clippy::print_stderr)] // a program talks to its user; results go through `output`, which knows of closed pipes

mod backend;
mod caller;
mod commands;
mod consent;
mod device;
mod doctor;
mod failure;
mod finger;
mod folders;
mod input;
mod link;
mod output;
mod settings;
mod soter_files;
mod soter_key;
mod terminal;
mod world_file;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};

use self::commands::Command;

/// The mini-program runtime API (wx.*) on the command line.
#[derive(Debug, Parser)]
#[command(
    name = "wx",
    version,
    max_term_width = 100,
    after_help = "Exit codes:\n  \
        0  what was asked for is so: the call answered ok, the script ended well, the data opened\n  \
        1  it is not\n  \
        2  it was asked wrongly: an unknown option or API, a file that cannot be read\n\n\
        `wx COMMAND --help` has examples. `wx man` is the whole as a manual page."
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    match commands::run(Args::parse().command) {
        Ok(code) => code,
        Err(failure) => ExitCode::from(failure.tell()),
    }
}

/// The command line as clap knows it, for completions and manual pages.
fn command_line() -> clap::Command {
    Args::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command_line().debug_assert();
    }

    #[test]
    fn every_command_has_examples_in_its_help() {
        fn check(command: &clap::Command, path: &str) {
            for sub in command.get_subcommands() {
                let path = format!("{path} {}", sub.get_name());
                let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("Example") && help.contains(&path), "`{path}` has no example in its help");
                check(sub, &path);
            }
        }
        check(&command_line(), "wx");
    }
}
