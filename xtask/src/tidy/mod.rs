//! `cargo xtask tidy`: the rules of this workspace that no compiler knows.

mod arrows;
mod behavior;
mod crates;
mod layout;
mod length;
mod links;
mod reasons;
mod tree;

use std::fmt;

use self::tree::Tree;
use crate::{Result, metadata::Workspace, workspace_root};

/// Prints everything that breaks a rule.
///
/// # Errors
///
/// How much there was, or a file that could not be read.
pub(crate) fn run() -> Result<()> {
    let root = workspace_root()?;
    let workspace = Workspace::read(&root)?;
    let tree = Tree::new(&root);
    let mut findings = [
        arrows::check(&workspace),
        behavior::check(&tree)?,
        length::check(&tree)?,
        reasons::check(&tree)?,
        crates::check(&workspace),
        links::check(&tree)?,
        layout::check(&tree)?,
    ]
    .concat();
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => Err("1 thing to tidy".into()),
        count => Err(format!("{count} things to tidy").into()),
    }
}

/// Something that breaks a rule, where it is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    text: String,
}

impl Finding {
    /// In this line, counted from 1.
    fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.text)
    }
}
