//! The suite with a link in the middle: the cases and a [`Device`] in this process, the backend and everything outside it in another.
//!
//! The other process is this program again, told by an environment variable. For each bench it has a thread with a runtime of its own,
//! which has the backend, an agent over it on a port, and a socket on which the handles of its world are asked. Before a handle is moved,
//! the link is asked whether the device has begun everything it was told: to a case, things happen in the order in which it does them.

mod agent;
mod handles;
mod ops;

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, OnceLock},
};

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use wx_api::{Cx, Profile};
use wx_conformance::{Bench, Harness};
use wx_device::{Device, Invitation, KeyRing};
use wx_host::{TokioClock, Wx};

use self::ops::{Opened, Ops};

/// Names the folder of the other process's sockets, in that process.
const FOLDER: &str = "WX_TEST_AGENT";

/// In the process of the agent, serves benches of this harness and never comes back.
pub(crate) fn serve_if_asked<H: Harness + 'static>(harness: impl FnOnce() -> H) {
    if let Some(folder) = env::var_os(FOLDER) {
        let harness: Arc<dyn Harness> = Arc::new(harness());
        agent::serve(&PathBuf::from(folder), &harness);
    }
}

/// Opens each bench in the other process.
pub(crate) struct Remote {
    name: &'static str,
    folder: TempDir,
    child: Mutex<Child>,
}

/// Where the device's tasks run, so that a case may block its own thread.
fn links() -> &'static Runtime {
    static LINKS: OnceLock<Runtime> = OnceLock::new();
    LINKS.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap())
}

impl Remote {
    /// Starts the other process.
    pub(crate) fn start(name: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env::current_exe().unwrap());
        let mut child = command.env(FOLDER, folder.path()).stdout(Stdio::piped()).spawn().unwrap();
        // It says one line once it can be asked.
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n", "the agent's process did not start");
        Self { name, folder, child: Mutex::new(child) }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap();
        let _ = child.kill(); // it may have ended by itself
        let _ = child.wait();
    }
}

#[async_trait]
impl Harness for Remote {
    fn name(&self) -> &str {
        self.name
    }

    async fn open(&self, profile: Profile) -> Result<Bench, String> {
        let mut control = UnixStream::connect(self.folder.path().join("control")).map_err(|error| error.to_string())?;
        writeln!(control, "{}", serde_json::to_string(&profile).unwrap()).map_err(|error| error.to_string())?;
        let mut line = String::new();
        BufReader::new(&control).read_line(&mut line).map_err(|error| error.to_string())?;
        let opened: Result<Opened, String> = serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))?;
        let opened = opened?;
        let cx = Cx::new(&opened.app).with_user(&opened.user).with_profile(profile);
        let (device, keys) = links().spawn(connect(opened.invitation.clone())).await.unwrap()?;
        let ops = Arc::new(Ops { socket: opened.ops.clone(), device: device.clone(), _control: control, _keys: keys });
        Ok(Bench { wx: Wx::builder(device).build(), cx, world: handles::world(&ops, &opened) })
    }
}

async fn connect(invitation: String) -> Result<(Device, TempDir), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let keys = Arc::new(KeyRing::open(folder.path()).map_err(|error| error.to_string())?);
    let invitation: Invitation = invitation.parse().unwrap();
    invitation.accept(&keys, "the suite").await.map_err(|error| format!("not paired: {error}"))?;
    let device = Device::builder(invitation.address().clone(), keys, Arc::new(TokioClock)).connect().await;
    Ok((device.map_err(|error| format!("not connected: {error}"))?, folder))
}
