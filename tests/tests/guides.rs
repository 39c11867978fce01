//! The guides in `docs/` are followed to the letter: what a page tells a newcomer to write is written, and what it tells them to run is
//! run.

#![allow(clippy::unwrap_used)] // a test may stop at the first thing that is not there

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Something a guide tells the reader to do to a file.
#[derive(Debug, PartialEq)]
enum Step {
    /// Write this file.
    Write { file: String, text: String },
    /// Put these lines after that line.
    Insert { file: String, after: String, text: String },
}

/// The steps of a guide: a fenced block after a line that ends in a colon and names a file in backticks is that file's text, or, when the
/// line also says after which line, an insertion.
fn steps(page: &str) -> Vec<Step> {
    let (mut steps, mut intro, mut lines) = (Vec::new(), "", page.lines());
    while let Some(line) = lines.next() {
        if !line.starts_with("```") {
            if !line.is_empty() {
                intro = line;
            }
            continue;
        }
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let named: Vec<&str> = intro.split('`').skip(1).step_by(2).collect();
        let text = block.join("\n") + "\n";
        match (intro.ends_with(':'), named.as_slice()) {
            (true, [file]) => steps.push(Step::Write { file: (*file).to_owned(), text }),
            (true, [file, after]) => {
                steps.push(Step::Insert { file: (*file).to_owned(), after: (*after).to_owned(), text });
            }
            _ => {}
        }
        intro = "";
    }
    steps
}

fn follow(folder: &Path, page: &str) {
    let steps = steps(page);
    assert!(!steps.is_empty(), "the guide tells nothing to do");
    for step in steps {
        match step {
            Step::Write { file, text } => {
                let path = folder.join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Step::Insert { file, after, text } => {
                let path = folder.join(&file);
                let old = fs::read_to_string(&path).unwrap();
                let mut found = false;
                let mut new = String::new();
                for line in old.lines() {
                    new += line;
                    new += "\n";
                    if line.trim() == after {
                        found = true;
                        new += &text;
                    }
                }
                assert!(found, "the guide puts something after `{after}`, which {file} does not have");
                fs::write(path, new).unwrap();
            }
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A folder of our own below the target folder, emptied.
fn fresh(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO"));
    // One target folder for all guides: they build nearly the same crates.
    command.current_dir(folder).env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("guides-target"));
    command.env_remove("WX_CONFORMANCE_REPORT");
    // Built once and run once: what a compiler saves counts, and not what the program would.
    command.env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
    command.args(["--config", "profile.dev.package.'*'.opt-level=0"]);
    command
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{text}");
    text
}

#[test]
fn a_stranger_who_follows_the_backend_guide_is_judged_by_the_suite() {
    let (root, folder) = (root(), fresh("stranger"));
    follow(&folder, &fs::read_to_string(root.join("docs/adding-a-backend.md")).unwrap());
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let test = fs::read_to_string(folder.join("tests/conformance.rs")).unwrap();
    assert!(test.lines().count() <= 10, "the page promises ten lines:\n{test}");

    let mut command = cargo(&folder);
    for name in ["wx-api", "wx-rules", "wx-crypto", "wx-host", "wx-conformance"] {
        // The stranger's manifest names published versions: this stands in for publishing them.
        let path = root.join("crates").join(name);
        command.arg("--config").arg(format!("patch.crates-io.{name}.path={path:?}"));
    }
    let output = run(command.args(["test", "--test", "conformance"]));
    let verdicts = [("login::answers_a_code", " ... ok"), ("login::code_works_once", " ... ignored (the world has no server)")];
    for (case, verdict) in verdicts {
        let line =
            output.lines().find(|line| line.contains(case)).unwrap_or_else(|| panic!("{case} was not judged:\n{output}"));
        assert!(line.ends_with(verdict), "{case} should end in `{verdict}`: {line}");
    }
    assert!(output.contains("test result: ok"), "{output}");
}

#[test]
fn a_newcomer_who_follows_the_api_guide_has_domain_number_seven() {
    let (root, folder) = (root(), fresh("newcomer"));
    for name in [
        "Cargo.toml",
        "Cargo.lock",
        "rustfmt.toml",
        ".cargo",
        "crates",
        "xtask",
        "docs",
        "tests",
        "README.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "deny.toml",
    ] {
        copy(&root.join(name), &folder.join(name));
    }
    follow(&folder, &fs::read_to_string(root.join("docs/adding-an-api.md")).unwrap());
    run(cargo(&folder).args(["run", "--quiet", "--package", "xtask", "--", "codegen"]));
    run(cargo(&folder).args(["run", "--quiet", "--package", "xtask", "--", "tidy"]));
    let output = run(cargo(&folder).args([
        "test",
        "--package",
        "wx-mock",
        "--features",
        "conformance",
        "--test",
        "conformance",
        "--",
        "vibration",
    ]));
    let judged =
        output.lines().filter(|line| line.contains("vibration::short_answers_ok") && line.ends_with(" ... ok")).count();
    assert_eq!(judged, 2, "one case under two profiles:\n{output}");
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        if from.file_name().is_some_and(|name| name == "target" || name == "node_modules") {
            return;
        }
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

#[test]
fn steps_are_read_from_the_page() {
    let page = "New file `a/b.rs`:\n\n```rust\nfn b() {}\n```\n\nIn `c.rs`, after `mod a;`:\n\n```rust\nmod b;\n```\n\nThen run\n\n```sh\nls\n```\n";
    assert_eq!(
        steps(page),
        [
            Step::Write { file: "a/b.rs".into(), text: "fn b() {}\n".into() },
            Step::Insert { file: "c.rs".into(), after: "mod a;".into(), text: "mod b;\n".into() },
        ]
    );
}
