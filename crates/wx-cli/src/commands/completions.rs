//! `wx completions`.

use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

use crate::{command_line, failure::Failure, output};

/// Prints the script that completes `wx` in a shell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    wx completions bash > ~/.local/share/bash-completion/completions/wx\n  \
    wx completions fish > ~/.config/fish/completions/wx.fish\n  \
    wx completions zsh > \"${fpath[1]}/_wx\"")]
pub(crate) struct Options {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let mut script = Vec::new(); // clap_complete panics where a pipe breaks
    clap_complete::generate(options.shell, &mut command_line(), "wx", &mut script);
    output::bytes(&script)?;
    output::flush()?;
    Ok(ExitCode::SUCCESS)
}
