//! `cargo xtask bench`: measurements that fail when a figure is out of its bound.

use crate::{Result, shell, workspace_root};

/// Runs one benchmark of the crate in `tests`, such as `dispatch` or `open-data`.
///
/// # Errors
///
/// A figure out of its bound, or no benchmark of this name: cargo lists those there are.
pub(crate) fn run(name: &str) -> Result<()> {
    let root = workspace_root()?;
    // A file's name has underscores, a command's has hyphens.
    let bench = name.replace('-', "_");
    shell::run(shell::cargo(&root).args(["bench", "-p", "wx-tests", "--bench", &bench]))
}
