//! Backends: packages that say in their metadata that they are one.

use std::{
    fs,
    io::{BufRead, BufReader, IsTerminal, Write, stderr},
    path::{Path, PathBuf},
    process::{Command, Stdio, id},
};

use serde::Deserialize;

use super::report::Report;
use crate::{
    Result,
    metadata::{Package, Workspace},
    shell,
};

/// Judges every backend. One that does not build or crashes hides no other: its report says what is wrong with it.
pub(super) fn judge(backends: &[Backend<'_>], filter: Option<&str>) -> Vec<Report> {
    // All are built first, so that what a compiler has to say comes before any verdict.
    let built: Vec<(&Backend<'_>, Result<PathBuf>)> = backends.iter().map(|backend| (backend, backend.build())).collect();
    let judge = |(backend, built): (&Backend<'_>, Result<PathBuf>)| {
        built.and_then(|test| backend.judge(&test, filter)).unwrap_or_else(|error| Report::broken(backend.name, &error))
    };
    built.into_iter().map(judge).collect()
}

/// The test target of a backend.
const TARGET: &str = "conformance";

/// Where the suite is told to leave its report.
const REPORT: &str = "WX_CONFORMANCE_REPORT";

/// A backend and how to run the suite over it.
#[derive(Debug)]
pub(super) struct Backend<'a> {
    name: &'a str,
    package: &'a Package,
    features: Features,
    workspace: &'a Workspace,
}

/// What a backend is built with.
#[derive(Debug)]
enum Features {
    /// What its metadata asks for.
    Named(String),
    /// Everything, the workspace together: as `cargo xtask test` does, so that nothing is built twice.
    All,
}

/// The backends of the workspace, or the one of this name.
///
/// # Errors
///
/// There is none, or none of this name: the message names those there are.
pub(super) fn find<'a>(workspace: &'a Workspace, name: Option<&str>, all_features: bool) -> Result<Vec<Backend<'a>>> {
    let all: Vec<Backend<'_>> = workspace
        .packages
        .iter()
        .filter_map(|package| {
            let backend = package.backend()?;
            let features = if all_features { Features::All } else { Features::Named(backend.features.join(",")) };
            Some(Backend { name: &backend.name, package, features, workspace })
        })
        .collect();
    if all.is_empty() {
        return Err("no crate is a backend: give one `[package.metadata.wx] backend = \"name\"` in its Cargo.toml".into());
    }
    let names: Vec<&str> = all.iter().map(|backend| backend.name).collect();
    let list = names.join(", ");
    let chosen: Vec<Backend<'_>> = all.into_iter().filter(|backend| name.is_none_or(|name| backend.name == name)).collect();
    match (chosen.is_empty(), name) {
        (true, Some(name)) => Err(format!("no backend is called `{name}`: there are {list}").into()),
        _ => Ok(chosen),
    }
}

impl Backend<'_> {
    /// Builds its test; answers where that is.
    ///
    /// # Errors
    ///
    /// It does not build.
    fn build(&self) -> Result<PathBuf> {
        let mut build = self.cargo_test();
        build.args(["--quiet", "--message-format=json-render-diagnostics"]).stderr(Stdio::inherit());
        let output = build.output()?;
        let messages = String::from_utf8_lossy(&output.stdout);
        let test = messages.lines().find_map(|message| self.executable(message));
        // Whatever else failed: with all features the workspace is built together.
        test.ok_or_else(|| {
            let package = &self.package.name;
            let command = shell::line(&self.cargo_test());
            format!(
                "{package} does not build, see above: a backend has a test target `conformance` (harness = false) that calls \
                 `wx_conformance::main`; try `{command}`"
            )
            .into()
        })
    }

    /// The program that this message of cargo's is about, if it is the suite over this backend.
    fn executable(&self, message: &str) -> Option<PathBuf> {
        #[derive(Deserialize)]
        struct Artifact {
            manifest_path: PathBuf,
            target: Target,
            executable: PathBuf,
        }
        #[derive(Deserialize)]
        struct Target {
            name: String,
        }
        let artifact: Artifact = serde_json::from_str(message).ok()?; // others have other fields
        (artifact.manifest_path == self.package.manifest_path && artifact.target.name == TARGET).then_some(artifact.executable)
    }

    /// Runs its test and reads the report.
    ///
    /// # Errors
    ///
    /// It ended without a report.
    fn judge(&self, test: &Path, filter: Option<&str>) -> Result<Report> {
        let path = self.report_path();
        if path.exists() {
            fs::remove_file(&path)?; // what a run that was broken off left behind
        }
        let mut command = Command::new(test);
        // Where cargo would run it.
        command.current_dir(self.package.manifest_path.parent().unwrap_or(&self.workspace.root));
        command.args(filter).env(REPORT, &path).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (status, output) = watch(self.name, &mut command)?;
        let text = fs::read_to_string(&path)
            .map_err(|_| format!("the suite ended without a report ({status}). Its last words:\n{}", last(&output)))?;
        fs::remove_file(&path)?;
        let mut report: Report = serde_json::from_str(&text).map_err(|error| {
            format!("its report does not read ({error}): do xtask and wx-conformance come from one version?")
        })?;
        if !status.success() && report.failures() == 0 {
            report.broken = Some(format!("it failed ({status}) though every verdict is good:\n{}", last(&output)));
        }
        Ok(report)
    }

    fn cargo_test(&self) -> Command {
        let mut command = shell::cargo(&self.workspace.root);
        command.args(["test", "--no-run", "--test", TARGET]);
        match &self.features {
            Features::All => command.args(["--workspace", "--all-features", "--no-fail-fast"]),
            Features::Named(features) => command.args(["-p", &self.package.name, "--features", features]),
        };
        command
    }

    fn report_path(&self) -> PathBuf {
        self.workspace.target.join(format!("conformance-{}-{}.json", self.package.name, id()))
    }
}

/// Runs the test to its end and counts on the terminal, if there is one, what it has done.
fn watch(name: &str, command: &mut Command) -> Result<(std::process::ExitStatus, Vec<String>)> {
    let is_shown = stderr().is_terminal();
    let mut child = command.spawn().map_err(|error| format!("`{}` does not start: {error}", shell::line(command)))?;
    let (stdout, errors) = (child.stdout.take(), child.stderr.take());
    // Read beside the other stream, or a chatty test would wait for us while we wait for it.
    let errors = std::thread::spawn(move || -> Vec<String> {
        errors.map(|errors| BufReader::new(errors).lines().map_while(std::io::Result::ok).collect()).unwrap_or_default()
    });
    let mut lines = Vec::new();
    let (mut done, mut of) = (0, String::new());
    for line in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
        let line = line?;
        if let Some(total) = line.strip_prefix("running ").and_then(|rest| rest.split(' ').next()) {
            total.clone_into(&mut of);
        }
        done += usize::from(line.starts_with("test ") && line.contains(" ... "));
        if is_shown {
            eprint!("\r{name}: {done} of {of}");
            stderr().flush()?;
        }
        lines.push(line);
    }
    if is_shown {
        eprint!("\r\x1b[K");
    }
    let status = child.wait()?;
    lines.extend(errors.join().unwrap_or_default());
    Ok((status, lines))
}

fn last(lines: &[String]) -> String {
    lines[lines.len().saturating_sub(30)..].join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use serde_json::{Value, json};

    use super::*;

    fn workspace(packages: &[(&str, Value)]) -> Workspace {
        let packages: Vec<Value> = packages
            .iter()
            .map(|(name, metadata)| {
                json!({
                    "name": name, "manifest_path": "/w/Cargo.toml", "dependencies": [], "features": {}, "description": null,
                    "keywords": [], "categories": [], "metadata": metadata,
                })
            })
            .collect();
        let workspace = json!({ "packages": packages, "workspace_root": "/w", "target_directory": "/w/target" });
        serde_json::from_value(workspace).unwrap()
    }

    #[test]
    fn backends_are_found_by_their_metadata() {
        let mock = json!({ "wx": { "backend": "mock", "features": ["conformance", "slow"] } });
        let desktop = json!({ "wx": { "backend": "desktop" } });
        let workspace = workspace(&[("wx-api", Value::Null), ("wx-mock", mock), ("wx-desktop", desktop)]);
        let names =
            |wanted| find(&workspace, wanted, false).unwrap().iter().map(|backend| backend.name.to_owned()).collect::<Vec<_>>();
        assert_eq!(names(None), ["mock", "desktop"]);
        assert_eq!(names(Some("desktop")), ["desktop"]);
        let line = |all| shell::line(&find(&workspace, Some("mock"), all).unwrap()[0].cargo_test());
        let (named, all) = (line(false), line(true));
        assert!(named.ends_with("test --no-run --test conformance -p wx-mock --features conformance,slow"), "{named}");
        assert!(all.ends_with("test --no-run --test conformance --workspace --all-features --no-fail-fast"), "{all}");
    }

    #[test]
    fn the_suite_of_a_backend_is_told_from_others() {
        let workspace = workspace(&[("wx-mock", json!({ "wx": { "backend": "mock" } }))]);
        let built = |manifest: &str, target: &str| {
            let message = json!({
                "reason": "compiler-artifact", "manifest_path": manifest, "target": { "name": target, "kind": ["test"] },
                "executable": "/w/target/debug/deps/conformance-1",
            });
            find(&workspace, None, false).unwrap()[0].executable(&message.to_string())
        };
        assert_eq!(built("/w/Cargo.toml", "conformance"), Some("/w/target/debug/deps/conformance-1".into()));
        assert_eq!(built("/w/Cargo.toml", "wx_mock"), None);
        assert_eq!(built("/other/Cargo.toml", "conformance"), None);
        let library = json!({ "manifest_path": "/w/Cargo.toml", "target": { "name": "conformance" }, "executable": null });
        assert_eq!(find(&workspace, None, false).unwrap()[0].executable(&library.to_string()), None);
    }

    #[test]
    fn a_backend_that_cannot_be_judged_hides_no_other() {
        let backend = |name| json!({ "wx": { "backend": name } });
        let workspace = workspace(&[("wx-mock", backend("mock")), ("wx-desktop", backend("desktop"))]);
        // There is no such folder, so cargo does not even start.
        let reports = judge(&find(&workspace, None, false).unwrap(), None);
        let names: Vec<&str> = reports.iter().map(|report| report.backend.as_str()).collect();
        assert_eq!(names, ["mock", "desktop"]);
        assert!(reports.iter().all(|report| report.broken.is_some() && report.cases.is_empty()), "{reports:?}");
    }

    #[test]
    fn an_unknown_backend_is_answered_with_those_there_are() {
        let workspace = workspace(&[("wx-mock", json!({ "wx": { "backend": "mock" } }))]);
        assert_eq!(find(&workspace, Some("mok"), false).unwrap_err().to_string(), "no backend is called `mok`: there are mock");
    }

    #[test]
    fn a_workspace_without_backends_says_how_to_make_one() {
        let error = find(&workspace(&[("wx-api", Value::Null)]), None, false).unwrap_err();
        assert!(error.to_string().contains("[package.metadata.wx] backend"), "{error}");
    }
}
