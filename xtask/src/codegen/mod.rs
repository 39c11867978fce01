//! `cargo xtask codegen`: derives everything mechanical from the domain files of `wx-api`.

mod contract;
mod dts;
mod pages;
mod rust;
mod syntax;

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use self::contract::Contract;
use crate::{Result, workspace_root};

/// Writes the derived files, or with `check` says which are out of date and how to renew them.
///
/// # Errors
///
/// A contract that does not follow the conventions, a file that cannot be written, or with `check` one that differs.
pub(crate) fn run(check: bool) -> Result<()> {
    let root = workspace_root()?;
    let contract = Contract::read(&root.join("crates/wx-api/src"))?;
    let mut stale = Vec::new();
    for (path, text) in derived(&contract)? {
        let path = root.join(path);
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        if check {
            stale.push(path.strip_prefix(&root).unwrap_or(&path).display().to_string());
        } else {
            write(&path, &text)?;
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("out of date: {}\nrun `cargo xtask codegen` and commit what it writes", stale.join(", ")).into())
}

/// Every derived file: its path below the workspace and its text.
fn derived(contract: &Contract) -> Result<Vec<(&'static str, String)>> {
    let mut files = Vec::new();
    for (path, text) in rust::files(contract) {
        files.push((path, rustfmt(&text).map_err(|error| format!("{path}: {error}"))?));
    }
    files.push(("docs/apis.md", pages::apis(contract)));
    files.push(("crates/wx-api/wx.d.ts", dts::declarations(contract)));
    Ok(files)
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn rustfmt(text: &str) -> Result<String> {
    let config = workspace_root()?.join("rustfmt.toml");
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(config)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("rustfmt does not start ({error}): add it with `rustup component add rustfmt`"))?;
    child.stdin.take().ok_or("rustfmt has no input")?.write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err("rustfmt refuses the derived code: codegen itself is at fault".into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
