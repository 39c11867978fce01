//! The built program as its users meet it: exit codes, standard output, standard error.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

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

fn wx(args: &[&str]) -> Wx {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wx"));
    command.args(args).current_dir(home.path()).env_clear().env("HOME", home.path());
    Wx { command, home, input: Vec::new() }
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
