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
    /// Build every backend with every feature, as `cargo xtask test` does, and not with those its metadata names.
    #[arg(long)]
    all_features: bool,
    /// Where report.json and index.html go; `conformance` below the target folder unless given.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

/// Builds and runs the suite, prints and writes what it found.
///
/// # Errors
///
/// A backend that does not exist; once the others are reported, one that does not build or crashes, and cases that did not meet
/// their expectation.
pub(crate) fn run(options: &Options) -> Result<()> {
    let root = workspace_root()?;
    let workspace = Workspace::read(&root)?;
    let backends = backend::find(&workspace, options.backend.as_deref(), options.all_features)?;
    let reports = backend::judge(&backends, options.filter.as_deref());
    if reports.iter().all(|report| report.cases.is_empty() && report.broken.is_none()) {
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

    outcome(&reports)
}

/// Good, or everything that is not.
fn outcome(reports: &[Report]) -> Result<()> {
    let broken = reports.iter().filter_map(|report| Some(format!("{}: {}", report.backend, report.broken.as_ref()?)));
    let failed = match reports.iter().map(Report::failures).sum() {
        0 => None,
        1 => Some("1 verdict is not as it should be".to_owned()),
        count => Some(format!("{count} verdicts are not as they should be")),
    };
    let wrong: Vec<String> = broken.chain(failed).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_said() {
        let mut reports = report::fixture();
        reports.push(Report::broken("desktop", &"it does not build"));
        reports.push(Report::broken("device", &"it crashed"));
        let error = outcome(&reports).err().map(|error| error.to_string());
        let expected = "desktop: it does not build\ndevice: it crashed\n1 verdict is not as it should be";
        assert_eq!(error.as_deref(), Some(expected));
    }

    #[test]
    fn good_verdicts_of_sound_backends_are_good() {
        assert!(outcome(&report::fixture()[1..]).is_ok());
    }
}
