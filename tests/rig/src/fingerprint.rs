use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::StreamExt as _;
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt as _,
    net::UnixStream,
    sync::{OnceCell, watch},
};
use zbus::{Connection, Message, MessageStream, OwnedObjectPath, connection::Builder};

use crate::{
    bus::{self, Bus},
    polkit::Authority,
};

pub(crate) const FPRINTD: &str = "/usr/libexec/fprintd";

const SERVICE: &str = "net.reactivated.Fprint";
const DEVICE: &str = "net.reactivated.Fprint.Device";
/// The finger that the user has enrolled, as libfprint's virtual device knows it, and under which name.
const ENROLLED: (&str, &str) = ("right-thumb", "finger-A");

/// A real fprintd of a test's own, with libfprint's virtual reader, on a bus of its own. All of it ends when this is dropped.
#[derive(Debug)]
pub struct Fingerprints {
    folder: TempDir,
    allowed: Arc<AtomicBool>,
    running: Mutex<Option<Running>>,
    progress: watch::Sender<Progress>,
}

/// What fprintd has said so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How often it began to look for a finger.
    pub begun: u64,
    /// How often it judged one, or gave up.
    pub judged: u64,
    /// How often it wanted a finger once more, because it could not read it.
    pub retried: u64,
}

/// The bus, and the polkit on it.
#[derive(Debug)]
struct Running {
    _bus: Bus,
    _polkit: Connection,
}

impl Fingerprints {
    /// A place for one, where a finger is enrolled; nothing runs yet.
    ///
    /// # Errors
    ///
    /// The finger could not be enrolled, which the first of a process has to do.
    pub async fn new() -> io::Result<Self> {
        static TEMPLATE: OnceCell<Fingerprints> = OnceCell::const_new();
        let template = TEMPLATE.get_or_try_init(|| async {
            let first = Self::bare()?;
            first.start().await?;
            first.enrol_first().await.map_err(io::Error::other)?;
            first.stop();
            Ok::<_, io::Error>(first)
        });
        let template = template.await?;
        let new = Self::bare()?;
        copy(&template.prints(), &new.prints())?;
        Ok(new)
    }

    fn bare() -> io::Result<Self> {
        let (folder, allowed) = (tempfile::tempdir()?, Arc::new(AtomicBool::new(true)));
        fs::create_dir(folder.path().join("state"))?;
        Ok(Self { folder, allowed, running: Mutex::default(), progress: watch::Sender::default() })
    }

    /// Starts the bus, in place of one that runs. fprintd starts when it is first asked.
    ///
    /// # Errors
    ///
    /// It could not be started.
    pub async fn start(&self) -> io::Result<()> {
        self.stop();
        let folder = self.folder.path();
        let here = |name: &str| folder.join(name).display().to_string();
        let command = format!(
            "/usr/bin/env DBUS_SYSTEM_BUS_ADDRESS={} FP_VIRTUAL_DEVICE={} STATE_DIRECTORY={} {FPRINTD} --no-timeout",
            self.address(),
            here("finger"),
            here("state")
        );
        Bus::serve(folder, SERVICE, &command)?;
        let bus = Bus::start(folder)?;
        let polkit = self.connect().await.map_err(io::Error::other)?;
        *self.running() = Some(Running { _bus: bus, _polkit: polkit });
        Ok(())
    }

    /// Serves polkit on the bus, and listens to fprintd.
    async fn connect(&self) -> zbus::Result<Connection> {
        let authority = Authority { allowed: self.allowed.clone() };
        let connection = Builder::address(self.address().as_str())
            .serve_at("/org/freedesktop/PolicyKit1/Authority", authority)
            .name("org.freedesktop.PolicyKit1")
            .build()
            .await?;
        let mut said =
            MessageStream::for_match_rule("type='signal',interface='net.reactivated.Fprint.Device'", &connection, None).await?;
        let progress = self.progress.clone();
        tokio::spawn(async move {
            while let Some(Ok(signal)) = said.next().await {
                match signal.header().member().map(zbus::names::MemberName::as_str) {
                    Some("VerifyFingerSelected") => progress.send_modify(|progress| progress.begun += 1),
                    Some("VerifyStatus") => {
                        let (_, done) = signal.body().deserialize::<(String, bool)>().unwrap_or_default();
                        progress.send_modify(|progress| if done { progress.judged += 1 } else { progress.retried += 1 });
                    }
                    _ => {}
                }
            }
        });
        Ok(connection)
    }

    /// Kills the bus, and with it fprintd, as a crash would.
    pub fn stop(&self) {
        self.running().take();
    }

    /// Whether the bus runs.
    pub fn is_running(&self) -> bool {
        self.running().is_some()
    }

    /// The address of the bus.
    pub fn address(&self) -> String {
        Bus::address(self.folder.path())
    }

    /// Whether polkit lets anybody use the reader. It does at first.
    pub fn allow(&self, allowed: bool) {
        self.allowed.store(allowed, Ordering::Relaxed);
    }

    /// Whether a finger is enrolled. One is at first.
    ///
    /// # Errors
    ///
    /// What fprintd keeps could not be moved.
    pub fn enrol(&self, enrolled: bool) -> io::Result<()> {
        let (prints, aside) = (self.prints(), self.folder.path().join("aside"));
        match (enrolled, prints.exists()) {
            (true, false) => fs::rename(aside, prints),
            (false, true) => fs::rename(prints, aside),
            _ => Ok(()),
        }
    }

    /// What fprintd has said so far, and whenever it says more.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Tells the virtual reader what happens, in its own words: `SCAN finger-A`, which is the enrolled finger, `RETRY 1`, `ERROR 0`,
    /// `UNPLUG`. It listens while fprintd looks for a finger.
    ///
    /// # Errors
    ///
    /// It does not listen.
    pub async fn tell(&self, command: &str) -> io::Result<()> {
        let mut reader = UnixStream::connect(self.folder.path().join("finger")).await?;
        reader.write_all(command.as_bytes()).await?;
        reader.shutdown().await
    }

    /// Ends fprintd as a crash would. The bus starts it anew when it is asked again.
    ///
    /// # Errors
    ///
    /// It does not run.
    pub async fn kill_fprintd(&self) -> io::Result<()> {
        bus::kill(&self.address(), SERVICE).await
    }

    /// Enrols the finger through fprintd, as a user would.
    async fn enrol_first(&self) -> zbus::Result<()> {
        let connection = Builder::address(self.address().as_str()).build().await?;
        let call = async |path: &str, interface: &str, method: &str, argument: Option<&str>| -> zbus::Result<Message> {
            match argument {
                Some(argument) => connection.call_method(Some(SERVICE), path, Some(interface), method, &(argument,)).await,
                None => connection.call_method(Some(SERVICE), path, Some(interface), method, &()).await,
            }
        };
        let manager = call("/net/reactivated/Fprint/Manager", "net.reactivated.Fprint.Manager", "GetDefaultDevice", None);
        let device: OwnedObjectPath = manager.await?.body().deserialize()?;
        let rule = "type='signal',interface='net.reactivated.Fprint.Device',member='EnrollStatus'";
        let mut statuses = MessageStream::for_match_rule(rule, &connection, None).await?;
        call(&device, DEVICE, "Claim", Some("")).await?;
        call(&device, DEVICE, "EnrollStart", Some(ENROLLED.0)).await?;
        loop {
            self.tell(&format!("SCAN {}", ENROLLED.1)).await.map_err(|error| zbus::Error::Failure(error.to_string()))?;
            let status = statuses.next().await.ok_or(zbus::Error::InvalidReply)??;
            let (result, done): (String, bool) = status.body().deserialize()?;
            match (result.as_str(), done) {
                ("enroll-completed", true) => break,
                (_, true) => return Err(zbus::Error::Failure(result)),
                _ => {}
            }
        }
        call(&device, DEVICE, "EnrollStop", None).await?;
        call(&device, DEVICE, "Release", None).await.map(drop)
    }

    /// Where fprintd keeps the fingers.
    fn prints(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner) // nothing panics under the lock
    }
}

impl Drop for Fingerprints {
    fn drop(&mut self) {
        self.stop();
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
