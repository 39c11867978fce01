//! `cargo xtask soak`: what the tests run for seconds, run for as long as one likes.

use std::{fs, path::Path, process::Command};

use clap::Subcommand;

use crate::{Result, shell, workspace_root};

/// Where the fuzz targets live: a crate outside the workspace.
const FUZZ: &str = "tests/fuzz";

/// What to run long.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Kills a process that keeps writing consent, again and again, and looks for lost decisions.
    Consent {
        /// How many times.
        #[arg(long, default_value_t = 1000)]
        kills: u32,
    },
    /// Kills a platform server under load, again and again, and looks for lost answers and codes that work twice.
    Platform {
        /// How many times.
        #[arg(long, default_value_t = 200)]
        kills: u32,
    },
    /// Kills a process that keeps confirming with a finger, again and again, and looks for numbers that were signed twice.
    Soter {
        /// How many times.
        #[arg(long, default_value_t = 500)]
        kills: u32,
    },
    /// Kills the agent of a link under load, again and again, looks for calls that ran twice, and then pulls the cable.
    Link {
        /// How many times.
        #[arg(long, default_value_t = 200)]
        kills: u32,
        /// For how many seconds the cable is out.
        #[arg(long, default_value_t = 30)]
        cut: u32,
    },
    /// Feeds arbitrary input to one fuzz target. Needs cargo-fuzz and a nightly compiler.
    Fuzz {
        /// Which one, such as `json_edge`.
        #[arg(long)]
        target: String,
        /// For how long.
        #[arg(long, default_value_t = 300)]
        seconds: u32,
    },
}

/// Runs it.
///
/// # Errors
///
/// What was found, or what is missing and how to install it.
pub(crate) fn run(what: &What) -> Result<()> {
    let root = workspace_root()?;
    match what {
        What::Consent { kills } => kill(&root, "wx-host", *kills),
        What::Platform { kills } => kill(&root, "wx-platform", *kills),
        What::Soter { kills } => kill(&root, "wx-desktop", *kills),
        What::Link { kills, cut } => {
            kill(&root, "wx-device", *kills)?;
            let mut test = shell::cargo(&root);
            test.args(["test", "-p", "wx-device", "--all-features", "--test", "network", "--", "--nocapture"]);
            shell::run(test.env("WX_SOAK_CUT", cut.to_string()).env("WX_REQUIRE_NETNS", "1"))
        }
        What::Fuzz { target, seconds } => fuzz(&root, target, *seconds),
    }
}

/// The test `kill` of this crate, with so many kills.
fn kill(root: &Path, of: &str, kills: u32) -> Result<()> {
    let mut test = shell::cargo(root);
    test.args(["test", "-p", of, "--all-features", "--test", "kill", "--", "--nocapture"]);
    shell::run(test.env("WX_SOAK_KILLS", kills.to_string()))
}

fn fuzz(root: &Path, target: &str, seconds: u32) -> Result<()> {
    let targets = targets(&root.join(FUZZ))?;
    if !targets.iter().any(|name| name == target) {
        return Err(format!("no fuzz target is called `{target}`: there are {}", targets.join(", ")).into());
    }
    // By name and not by the path of the cargo that runs us: `+nightly` is for the proxy that rustup installs.
    let nightly = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.arg("+nightly").args(arguments).current_dir(root);
        command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").env_remove("RUSTC");
        command
    };
    let works = |arguments: &[&str]| nightly(arguments).output().is_ok_and(|output| output.status.success());
    if !works(&["--version"]) {
        return Err("fuzzing needs a nightly compiler: install one with `rustup toolchain install nightly`".into());
    }
    if !works(&["fuzz", "--version"]) {
        return Err("fuzzing needs cargo-fuzz: install it with `cargo install cargo-fuzz --locked`".into());
    }
    let limit = format!("-max_total_time={seconds}");
    // The fuzzer keeps what it learns in the first folder and starts from what lies in both.
    let (corpus, seeds) = (format!("{FUZZ}/corpus/{target}"), format!("{FUZZ}/seeds/{target}"));
    fs::create_dir_all(root.join(&corpus))?;
    let mut run = nightly(&["fuzz", "run", "--fuzz-dir", FUZZ, target, &corpus]);
    if root.join(&seeds).is_dir() {
        run.arg(&seeds);
    }
    shell::run(run.args(["--", &limit]))
}

/// The fuzz targets, by the names of their files.
fn targets(fuzz: &Path) -> Result<Vec<String>> {
    let folder = fuzz.join("fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    #[test]
    fn an_unknown_target_is_answered_with_those_there_are() {
        let folder = tempfile::tempdir().unwrap();
        let targets = folder.path().join(FUZZ).join("fuzz_targets");
        fs::create_dir_all(&targets).unwrap();
        for name in ["scope.rs", "apdu.rs", "notes.md"] {
            fs::write(targets.join(name), "").unwrap();
        }
        let error = fuzz(folder.path(), "adpu", 1).unwrap_err();
        assert_eq!(error.to_string(), "no fuzz target is called `adpu`: there are apdu, scope");
    }
}
