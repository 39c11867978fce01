//! The examples on the desktop backend, with a real finger and a real card reader.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use std::{
    process::{ExitCode, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};
use wx_rig::{FINGERPRINTS, Fingerprints, PCSC, Stack};

fn main() -> ExitCode {
    wx_rig::main(
        &[&FINGERPRINTS, &PCSC],
        wx_rig::tests! {
            examples {
                an_order_is_confirmed_by_a_finger,
                an_order_is_confirmed_by_a_finger_at_a_device_elsewhere,
                an_order_is_not_confirmed_by_nobody,
                a_transit_card_pays_at_a_gate,
            }
        },
    )
}

/// An example on the desktop backend of this machine or of another, in a home of its own.
struct Example {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    _home: TempDir,
}

impl Example {
    fn start(name: &str, variables: &[(&str, String)], args: &[&str]) -> Self {
        Self::start_on("desktop", tempfile::tempdir().unwrap(), name, variables, args)
    }

    /// The agent is started by the host, and both are at home in one place.
    async fn start_elsewhere(name: &str, variables: &[(&str, String)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let address = format!("exec://{} agent serve --stdio --backend desktop", env!("CARGO_BIN_EXE_wx"));
        let wx = |args: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_wx"));
            command.args(["agent"]).args(args).env_clear().env("HOME", home.path()).kill_on_drop(true);
            command
        };
        let invitation = wx(&["pair", "--address", &address]).output().await.unwrap().stdout;
        let invitation = String::from_utf8(invitation).unwrap();
        let joined = wx(&["join", "--exec", invitation.trim_end()]).output().await.unwrap();
        assert!(joined.status.success(), "{}", String::from_utf8_lossy(&joined.stderr));
        Self::start_on(&address, home, name, variables, &[])
    }

    fn start_on(backend: &str, home: TempDir, name: &str, variables: &[(&str, String)], args: &[&str]) -> Self {
        let path = format!("{}/examples/{name}.js", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_wx"));
        command.args(["run", "--backend", backend]).args(args).arg(path).env_clear().env("HOME", home.path());
        command.envs(variables.iter().map(|(name, value)| (*name, value.as_str())));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, _home: home }
    }

    async fn says(&mut self, expected: &str) {
        let line = timeout(Duration::from_secs(60), self.lines.next_line()).await.expect("a line in time").unwrap();
        assert_eq!(line.as_deref(), Some(expected));
    }

    /// Its exit code, and what it wrote to standard error.
    async fn ends(self) -> (Option<i32>, String) {
        let output = timeout(Duration::from_secs(60), self.child.wait_with_output()).await.expect("an end in time").unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

mod examples {
    use super::{Example, Fingerprints, Stack};

    pub(super) async fn an_order_is_confirmed_by_a_finger() {
        let fingers = Fingerprints::new().await.unwrap();
        fingers.start().await.unwrap();
        let bus = [("DBUS_SYSTEM_BUS_ADDRESS", fingers.address())];
        confirms(&fingers, Example::start("order", &bus, &[])).await;
    }

    /// What the device says to its user comes out where the host started it.
    pub(super) async fn an_order_is_confirmed_by_a_finger_at_a_device_elsewhere() {
        let fingers = Fingerprints::new().await.unwrap();
        fingers.start().await.unwrap();
        let bus = [("DBUS_SYSTEM_BUS_ADDRESS", fingers.address())];
        confirms(&fingers, Example::start_elsewhere("order", &bus).await).await;
    }

    async fn confirms(fingers: &Fingerprints, mut order: Example) {
        let mut progress = fingers.progress();
        order.says("supported: fingerPrint").await;
        progress.wait_for(|progress| progress.begun == 1).await.unwrap();
        fingers.tell("SCAN finger-A").await.unwrap();
        order.says("confirmed: order 1, counter 1, signature of 344 characters").await;
        let (code, stderr) = order.ends().await;
        assert_eq!((code, stderr.as_str()), (Some(0), "wx4f4bc4dec97d474b: Confirm order 1. Touch the fingerprint reader\n"));
    }

    pub(super) async fn an_order_is_not_confirmed_by_nobody() {
        let fingers = Fingerprints::new().await.unwrap();
        fingers.start().await.unwrap();
        fingers.enrol(false).unwrap();
        let mut order = Example::start("order", &[("DBUS_SYSTEM_BUS_ADDRESS", fingers.address())], &[]);
        order.says("supported: fingerPrint").await;
        let (code, stderr) = order.ends().await;
        assert!(code == Some(1) && stderr.contains("order 1 is not confirmed") && stderr.contains("(90011)"), "{stderr}");
    }

    pub(super) async fn a_transit_card_pays_at_a_gate() {
        let stack = Stack::new().unwrap();
        stack.start().unwrap();
        let gate = stack.terminal().unwrap();
        let socket = [("PCSCLITE_CSOCK_NAME", stack.socket().display().to_string())];
        let mut card = Example::start("transit-card", &socket, &["--vpcd", &stack.vpcd().to_string()]);
        card.says("the card is ready").await;
        gate.present().await.unwrap();
        let select = [0x00, 0xA4, 0x04, 0x00, 0x07, 0xF0, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06];
        assert_eq!(gate.transmit(&select).await.unwrap(), [0x90, 0x00]);
        for response in [&[1, 0x90, 0x00][..], &[0, 0x90, 0x00], &[0x69, 0x85]] {
            assert_eq!(gate.transmit(&[0x80, 0x54, 0x00, 0x00, 0x01]).await.unwrap(), response);
        }
        gate.unpower().await.unwrap();
        card.says("the reader has gone").await;
        assert_eq!(card.ends().await, (Some(0), String::new()));
    }
}
