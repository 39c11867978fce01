use std::{
    fs, io,
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::ports::Ports;

pub(crate) const SWTPM: &str = "/usr/bin/swtpm";

/// A TPM 2.0 of a test's own, in software. It ends when this is dropped.
#[derive(Debug)]
pub struct Swtpm {
    folder: TempDir,
    ports: Ports,
}

impl Swtpm {
    /// A new TPM, switched on.
    ///
    /// # Errors
    ///
    /// It could not be started.
    pub fn start() -> io::Result<Self> {
        let swtpm = Self { folder: tempfile::tempdir()?, ports: Ports::take()? };
        fs::create_dir(swtpm.path("state"))?;
        swtpm.switch_on()?;
        Ok(swtpm)
    }

    /// Switches it on again, with what it keeps.
    ///
    /// # Errors
    ///
    /// It could not be started.
    pub fn switch_on(&self) -> io::Result<()> {
        let port = self.ports.first;
        let at = |kind: &str, port: u16| format!("{kind}type=tcp,bindaddr=127.0.0.1,port={port}");
        // Once it has gone into the background, it answers.
        let started = Command::new(SWTPM)
            .args(["socket", "--tpm2", "--daemon", "--flags", "not-need-init,startup-clear"])
            .args(["--server", &at("", port), "--ctrl", &at("", port + 1)])
            .args(["--tpmstate", &format!("dir={}", self.path("state"))])
            .args(["--pid", &format!("file={}", self.path("pid"))])
            .stdin(Stdio::null())
            .output()?;
        if started.status.success() {
            Ok(())
        } else {
            Err(io::Error::other(String::from_utf8_lossy(&started.stderr).into_owned()))
        }
    }

    /// Switches it off, from one moment to the next.
    pub fn switch_off(&self) {
        if let Ok(process) = fs::read_to_string(self.path("pid")) {
            let _ = Command::new("kill").args(["-9", process.trim()]).status(); // it may have ended by itself
            let _ = fs::remove_file(self.path("pid"));
        }
    }

    /// Forgets that somebody tried wrong passwords. Nobody else may be connected.
    ///
    /// # Errors
    ///
    /// The command for it is not installed, or fails.
    pub fn end_lockout(&self) -> io::Result<()> {
        let mut command = Command::new("tpm2_dictionarylockout");
        let ran = command.arg("--clear-lockout").env("TPM2TOOLS_TCTI", self.tcti()).output()?;
        if ran.status.success() { Ok(()) } else { Err(io::Error::other(String::from_utf8_lossy(&ran.stderr).into_owned())) }
    }

    /// Its address, as the TPM's tools write it.
    pub fn tcti(&self) -> String {
        format!("swtpm:host=127.0.0.1,port={}", self.ports.first)
    }

    /// A folder that goes with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        self.switch_off();
    }
}
