//! What a handle is told to do, one line of JSON each way.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use wx_api::{Scope, signature::Sealed, user::Lang};
use wx_conformance::{Choice, Nfc, Touch};
use wx_device::Device;

use super::links;

/// A bench that was opened.
#[derive(Serialize, Deserialize)]
pub(super) struct Opened {
    pub(super) ops: PathBuf,
    pub(super) invitation: String,
    pub(super) app: String,
    pub(super) user: String,
    /// Which handles its world has, by name.
    pub(super) handles: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum Op {
    Now,
    Advance(Duration),
    Answer(Scope, Choice),
    Prompts,
    OpenPrompts,
    WaitForPrompts(usize),
    Turn(Scope, bool),
    SettingsPages,
    UserProfile(Lang),
    Rename(String),
    RemoveApp(String),
    Exchange(String, String),
    Sign(String, String, String),
    Verify(String, String, String, String),
    Seal(String, String, String),
    Open(String, String, Sealed),
    Bind(String, bool),
    Stall,
    Hold,
    Release,
    Cut,
    Restore,
    Touch(Touch),
    Lift,
    Support(bool),
    AuthorizeFinger(bool),
    Enroll(bool),
    Dialogs,
    WaitForDialogs(usize),
    PublicKey,
    Nfc(Nfc),
    Emulation(bool),
    DefaultApp(bool),
    RefuseRegistration(bool),
    Transceive(Vec<u8>),
    Leave,
}

/// Switches, as JSON has them.
pub(super) type Switches = BTreeMap<Scope, bool>;

/// The other process's end of a bench's handles.
pub(super) struct Ops {
    pub(super) socket: PathBuf,
    pub(super) device: Device,
    /// The bench is there as long as this is open.
    pub(super) _control: UnixStream,
    pub(super) _keys: TempDir,
}

impl Ops {
    /// Moves a handle, and blocks until that is done.
    pub(super) fn now<T: DeserializeOwned>(&self, op: &Op) -> T {
        let (settled, wait) = std::sync::mpsc::channel();
        let device = self.device.clone();
        links().spawn(async move {
            let _ = device.ping().await; // without a link nothing is under way
            let _ = settled.send(());
        });
        let _ = wait.recv();
        ask(&self.socket, op)
    }

    /// Moves a handle.
    pub(super) async fn later<T: DeserializeOwned + Send + 'static>(&self, op: Op) -> T {
        let _ = self.device.ping().await; // as above
        // Dropped with this future: the other process then lets go of the handle.
        let mut stream = tokio::net::UnixStream::connect(&self.socket).await.unwrap();
        stream.write_all(format!("{}\n", serde_json::to_string(&op).unwrap()).as_bytes()).await.unwrap();
        let mut line = String::new();
        tokio::io::BufReader::new(stream).read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

fn ask<T: DeserializeOwned>(socket: &PathBuf, op: &Op) -> T {
    let mut stream = UnixStream::connect(socket).unwrap();
    writeln!(stream, "{}", serde_json::to_string(op).unwrap()).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}
