use std::{
    fmt::Write as _,
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    os::{fd::OwnedFd, unix::net::UnixListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tempfile::TempDir;

use crate::{Terminal, ports::Ports};

pub(crate) const PCSCD: &str = "/usr/sbin/pcscd";
pub(crate) const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";

/// A PC/SC stack of a test's own. It ends when this is dropped.
#[derive(Debug)]
pub struct Stack {
    folder: TempDir,
    ports: Ports,
    daemon: Mutex<Option<Child>>,
}

impl Stack {
    /// A place for a stack; nothing runs yet.
    ///
    /// # Errors
    ///
    /// No folder or no port is to be had.
    pub fn new() -> io::Result<Self> {
        Ok(Self { folder: tempfile::tempdir()?, ports: Ports::take()?, daemon: Mutex::new(None) })
    }

    /// Starts pcscd with the virtual reader, in place of one that runs. Programs may use it from now on; see
    /// [`terminal`](Self::terminal) for when it is ready.
    ///
    /// # Errors
    ///
    /// It could not be started.
    pub fn start(&self) -> io::Result<()> {
        let (name, port) = (self.reader(), self.ports.first);
        let mut conf = String::new();
        let _ =
            writeln!(conf, "FRIENDLYNAME \"{name}\"\nDEVICENAME /dev/null:0x{port:X}\nLIBPATH {DRIVER}\nCHANNELID 0x{port:X}");
        self.start_with(&conf)
    }

    /// Starts pcscd without any reader, in place of one that runs.
    ///
    /// # Errors
    ///
    /// It could not be started.
    pub fn start_without_reader(&self) -> io::Result<()> {
        self.start_with("")
    }

    fn start_with(&self, conf: &str) -> io::Result<()> {
        self.stop();
        let folder = self.folder.path().join("conf");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("vpcd"), conf)?;
        // pcscd takes a socket that systemd hands it, and so does not insist on its own. It is there before pcscd is: a program that
        // comes early waits.
        let socket = UnixListener::bind(self.socket())?;
        let log = fs::File::create(self.folder.path().join("log"))?;
        let daemon = Command::new("sh")
            .args([
                "-c",
                r#"exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" --foreground --config "$1""#,
                PCSCD,
            ])
            .arg(&folder)
            .stdin(OwnedFd::from(socket))
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        *self.daemon() = Some(daemon);
        Ok(())
    }

    /// Kills pcscd, as a crash would. Whoever waits for it is told.
    pub fn stop(&self) {
        if let Some(mut daemon) = self.daemon().take() {
            let _ = daemon.kill(); // it may have ended by itself
            let _ = daemon.wait();
        }
        let _ = fs::remove_file(self.socket()); // or there was none
    }

    /// A program with this stack's reader. Ready when this returns, and so is the stack.
    ///
    /// # Errors
    ///
    /// It could not be started, or pcscd does not answer.
    pub fn terminal(&self) -> io::Result<Terminal> {
        let mut program = Command::new(crate::terminal::PYTHON);
        self.is_for(&mut program);
        Terminal::start(program, &self.reader()).map_err(|error| {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            io::Error::new(error.kind(), format!("{error}; pcscd says: {log}"))
        })
    }

    /// Lets this program use this stack.
    pub fn is_for<'a>(&self, program: &'a mut Command) -> &'a mut Command {
        program.env("PCSCLITE_CSOCK_NAME", self.socket()).stdin(Stdio::null())
    }

    /// Where pcscd listens for its programs.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("comm")
    }

    /// Where its virtual reader listens for a card.
    pub fn vpcd(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports.first).into()
    }

    /// How the virtual reader's name begins.
    pub fn reader(&self) -> String {
        format!("wx-rig {}", self.ports.first)
    }

    /// A folder that goes with the stack.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn daemon(&self) -> MutexGuard<'_, Option<Child>> {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner) // nothing panics under the lock
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.stop();
    }
}
