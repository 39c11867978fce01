//! An example of `wx run`, as a program of its own.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};
use wx_rig::Fingerprints;

/// Without an address the secret service of whoever runs the tests would be found.
pub(crate) const NO_SESSION: (&str, &str) = ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus");

/// An example on the desktop backend of this machine or of another.
pub(crate) struct Example {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Example {
    /// On this machine, at home in this folder.
    pub(crate) fn start(home: &Path, name: &str, variables: &[(&str, String)], args: &[&str]) -> Self {
        Self::start_on("desktop", home, name, variables, args)
    }

    /// The agent is started by the host, and both are at home in this folder.
    pub(crate) async fn start_elsewhere(home: &Path, name: &str, variables: &[(&str, String)]) -> Self {
        let address = format!("exec://{} agent serve --stdio --backend desktop", env!("CARGO_BIN_EXE_wx"));
        let wx = |args: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_wx"));
            command.args(["agent"]).args(args).env_clear().env("HOME", home).kill_on_drop(true);
            command
        };
        let invitation = wx(&["pair", "--address", &address]).output().await.unwrap().stdout;
        let invitation = String::from_utf8(invitation).unwrap();
        let joined = wx(&["join", "--exec", invitation.trim_end()]).output().await.unwrap();
        assert!(joined.status.success(), "{}", String::from_utf8_lossy(&joined.stderr));
        Self::start_on(&address, home, name, variables, &[])
    }

    fn start_on(backend: &str, home: &Path, name: &str, variables: &[(&str, String)], args: &[&str]) -> Self {
        let path = format!("{}/examples/{name}.js", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_wx"));
        command
            .args(["run", "--backend", backend])
            .args(args)
            .arg(path)
            .env_clear()
            .env("HOME", home)
            .env(NO_SESSION.0, NO_SESSION.1);
        command.envs(variables.iter().map(|(name, value)| (*name, value.as_str())));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The finger that is enrolled touches the reader when it is asked to. What the order's counter is then.
    pub(crate) async fn touched(&mut self, fingers: &Fingerprints) -> u64 {
        let mut progress = fingers.progress();
        let begun = progress.borrow().begun;
        self.says("supported: fingerPrint").await;
        progress.wait_for(|progress| progress.begun > begun).await.unwrap();
        fingers.tell("SCAN finger-A").await.unwrap();
        let line = self.line().await.unwrap();
        let counter = line.strip_prefix("confirmed: order 1, counter ");
        let counter = counter.and_then(|rest| rest.strip_suffix(", signature of 344 characters"));
        counter.unwrap_or_else(|| panic!("{line}")).parse().unwrap()
    }

    /// As [`touched`](Self::touched), to the end, with nothing else said on the way.
    pub(crate) async fn confirmed(mut self, fingers: &Fingerprints) -> u64 {
        let counter = self.touched(fingers).await;
        let (code, stderr) = self.ends().await;
        assert_eq!((code, stderr.as_str()), (Some(0), "wx4f4bc4dec97d474b: Confirm order 1. Touch the fingerprint reader\n"));
        counter
    }

    pub(crate) async fn says(&mut self, expected: &str) {
        assert_eq!(self.line().await.as_deref(), Some(expected));
    }

    async fn line(&mut self) -> Option<String> {
        timeout(Duration::from_secs(60), self.lines.next_line()).await.expect("a line in time").unwrap()
    }

    /// Its exit code, and what it wrote to standard error.
    pub(crate) async fn ends(self) -> (Option<i32>, String) {
        let output = timeout(Duration::from_secs(60), self.child.wait_with_output()).await.expect("an end in time").unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}
