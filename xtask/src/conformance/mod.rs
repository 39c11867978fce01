//! `cargo xtask conformance`: the suite over every backend of the workspace, a matrix on the terminal, and a report to keep.

mod backend;
mod matrix;
mod page;
mod report;
mod terminal;

use std::{
    fs,
    io::{IsTerminal, stdout},
    path::PathBuf,
};

use clap::Args;

use self::{matrix::Matrix, report::Report};
use crate::{Result, metadata::Workspace, workspace_root};

/// What to run and where to report.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only this backend, such as `mock`.
    #[arg(long)]
    backend: Option<String>,
    /// Only cases whose names contain this, such as `login::` or `1.9.94`.
    #[arg(long)]
    filter: Option<String>,
    /// Where report.json and index.html go; `conformance` below the target folder unless given.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

/// Builds and runs the suite, prints and writes what it found.
///
/// # Errors
///
/// A backend that does not exist, build or report; a case that did not meet its expectation.
pub(crate) fn run(options: &Options) -> Result<()> {
    let root = workspace_root()?;
    let workspace = Workspace::read(&root)?;
    let backends = backend::find(&workspace, options.backend.as_deref())?;
    let mut reports = Vec::new();
    for backend in &backends {
        backend.build()?;
    }
    for backend in &backends {
        reports.push(backend.judge(options.filter.as_deref())?);
    }
    if reports.iter().all(|report| report.cases.is_empty()) {
        let filter = options.filter.as_deref().unwrap_or_default();
        return Err(format!("no case matches `{filter}`: names look like `login::codes_differ [android 3.16.2]`").into());
    }
    let contract = fs::read_to_string(root.join("docs/apis.md")).unwrap_or_default(); // without it rows are fewer, not wrong
    let matrix = Matrix::new(&matrix::domains(&contract), &reports, options.filter.is_none());

    let is_colored = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    print!("{}", terminal::render(&matrix, &reports, is_colored));
    let folder = options.report.clone().unwrap_or_else(|| workspace.target.join("conformance"));
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    };
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    write("report.json", report::to_json(&reports)?)?;
    write("index.html", page::render(&matrix, &reports))?;
    println!("report: {}", folder.join("index.html").display());

    let failed: usize = reports.iter().map(Report::failures).sum();
    match failed {
        0 => Ok(()),
        1 => Err("1 verdict is not as it should be".into()),
        count => Err(format!("{count} verdicts are not as they should be").into()),
    }
}
