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
    let mut run = shell::cargo(&root);
    if name == "link" {
        // Beside others' libraries, which nobody else should have to build.
        run.args(["bench", "--locked", "--manifest-path", "tests/rivals/Cargo.toml", "--bench", "link"]);
        run.args(["--target-dir", "target/rivals"]);
        return shell::run(&mut run);
    }
    run.args(["bench", "-p", "wx-tests", "--bench", &bench]);
    if name == "soter" {
        run.args(["--features", "tpm"]); // the only one that needs a library of the system
    }
    shell::run(&mut run)
}
