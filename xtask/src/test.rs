//! `cargo xtask test`: what a contributor runs before sending a change.

use crate::{Result, shell, workspace_root};

/// Runs every test of the workspace with every feature, then the examples in the documentation.
///
/// # Errors
///
/// The first command that fails.
pub(crate) fn run() -> Result<()> {
    let root = workspace_root()?;
    let everything = ["--workspace", "--all-features"];
    if shell::has_subcommand(&root, "nextest") {
        shell::run(shell::cargo(&root).args(["nextest", "run"]).args(everything))?;
    } else {
        println!("cargo-nextest is not installed, so cargo's own runner does it, a little slower");
        let targets = ["--lib", "--bins", "--tests", "--examples"]; // the documentation follows below, either way
        shell::run(shell::cargo(&root).arg("test").args(everything).args(targets))?;
    }
    shell::run(shell::cargo(&root).args(["test", "--doc"]).args(everything))
}
