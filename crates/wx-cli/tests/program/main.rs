//! The built program as its users meet it: exit codes, standard output, standard error.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

mod agent;
mod apis;
mod call;
mod conformance;
mod consent;
mod doctor;
mod help;
mod open_data;
mod platform;
mod run;
mod settings;

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// One run of the program in a home of its own.
struct Wx {
    command: Command,
    home: TempDir,
    input: Vec<u8>,
}

/// What a run left behind.
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Without an address the secret service of whoever runs the tests would be found.
const NO_SESSION: (&str, &str) = ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus");

fn wx(args: &[&str]) -> Wx {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wx"));
    command.args(args).current_dir(home.path()).env_clear().env("HOME", home.path()).env(NO_SESSION.0, NO_SESSION.1);
    Wx { command, home, input: Vec::new() }
}

/// Runs `wx` with these words on a terminal, where somebody types this. What the program says and what is typed come together.
fn on_a_terminal(home: &Path, line: &str, typed: &str) -> Run {
    let line = format!("{} {line}", env!("CARGO_BIN_EXE_wx"));
    let mut terminal = Command::new("/usr/bin/script");
    terminal
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env_clear()
        .env("HOME", home)
        .env(NO_SESSION.0, NO_SESSION.1);
    terminal.current_dir(home);
    terminal.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = terminal.spawn().expect("script, of bsdutils, is what makes a terminal here");
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap().replace('\r', "");
    Run { code: output.status.code(), stdout, stderr: String::new() }
}

impl Wx {
    fn input(mut self, text: &str) -> Self {
        self.input = text.as_bytes().to_vec();
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// A file in the folder that the program runs in.
    fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.home.path().join(name), text).unwrap();
        self
    }

    fn run(mut self) -> Run {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = std::mem::take(&mut self.input);
        // Beside the output, or a long answer would wait for us while we wait for it. Not every run reads its input.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }
}

impl Run {
    /// The exit code, with both outputs in the message when it is another.
    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    fn quiet(self) -> Self {
        assert_eq!(self.stderr, "", "it said something");
        self
    }

    /// Misuse: exit code 2, nothing on standard output, and a message that holds this.
    #[track_caller]
    fn misused(self, text: &str) {
        let run = self.exits(2);
        assert_eq!(run.stdout, "");
        assert!(run.stderr.contains(text), "{}", run.stderr);
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}
