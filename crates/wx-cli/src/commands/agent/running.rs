//! The agent that runs with a folder, of which there is one at a time: two could not keep one journal.

use std::{
    fs::{File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use wx_device::Address;

use crate::failure::Failure;

/// This process is the agent of its folder until this is dropped, also by a crash. The locked file says where it listens.
pub(super) struct Running {
    file: File,
    path: PathBuf,
}

impl Running {
    /// Becomes the agent of this folder, which is there.
    pub(super) fn begin(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("running");
        let begin = || {
            let _turn = turn(folder)?;
            let file = open(&path)?;
            Ok(if is_locked(&file)? { Err(read(&file)?) } else { file.set_len(0).map(|()| Ok(file))? })
        };
        match begin().map_err(|error: io::Error| failed(&path, &error))? {
            Ok(file) => Ok(Self { file, path }),
            Err(where_) if where_.is_empty() => Err(Failure::failed("an agent runs here already, for a host that started it")),
            Err(where_) => Err(Failure::failed(format!("an agent runs here already: {where_}"))),
        }
    }

    /// Says where hosts find it.
    pub(super) fn listens_at(&mut self, address: &Address) -> Result<(), Failure> {
        let written = self.file.write_all(address.to_string().as_bytes());
        written.map_err(|error| failed(&self.path, &error))
    }
}

/// Where the agent of this folder listens, if one runs and does.
pub(super) fn address(folder: &Path) -> Result<Option<Address>, Failure> {
    let path = folder.join("running");
    let look = || {
        let _turn = turn(folder)?;
        let file = open(&path)?;
        if is_locked(&file)? { read(&file).map(|text| text.parse().ok()) } else { Ok(None) }
    };
    look().map_err(|error: io::Error| failed(&path, &error))
}

/// Held by whoever looks at the other lock, which looking takes for a moment.
fn turn(folder: &Path) -> io::Result<File> {
    let file = open(&folder.join("turn"))?;
    file.lock()?;
    Ok(file)
}

/// Whether somebody else has the lock. If nobody has, this file has it now.
fn is_locked(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).read(true).write(true).open(path)
}

fn read(mut file: &File) -> io::Result<String> {
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    Ok(text)
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    #[test]
    fn one_agent_runs_at_a_time_and_says_where() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(address(folder.path()).unwrap(), None);
        let mut running = Running::begin(folder.path()).unwrap();
        assert_eq!(address(folder.path()).unwrap(), None);
        let listens = "tcp://127.0.0.1:7411".parse().unwrap();
        running.listens_at(&listens).unwrap();
        assert_eq!(address(folder.path()).unwrap(), Some(listens));
        let second = Running::begin(folder.path());
        assert!(matches!(&second, Err(Failure::Failed(text)) if text.ends_with("tcp://127.0.0.1:7411")));
        drop(running);
        assert_eq!(address(folder.path()).unwrap(), None, "what it said ended with it");
        let _next = Running::begin(folder.path()).unwrap();
        assert_eq!(address(folder.path()).unwrap(), None);
    }
}
