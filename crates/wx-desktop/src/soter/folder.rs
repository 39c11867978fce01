//! A folder that only its owner can look into, with files that are old or new and never torn.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{StoreError, tries};

/// Keeps others out while something is read and written.
const LOCK: &str = "lock";
/// What a file under construction is called until it is renamed.
const DRAFT: &str = ".draft-";

/// A folder of this user's, for any number of processes.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

/// The folder is ours until this is dropped.
#[derive(Debug)]
pub(super) struct Locked<'a> {
    folder: &'a Folder,
    _lock: File,
}

impl Folder {
    /// The folder, which is made if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(path).map_err(failed("made", path))?;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync(parent)?;
        }
        Ok(Self(path.to_owned()))
    }

    /// Waits for its turn in the folder: a moment, for whoever has it does no more than write a file.
    pub(super) fn lock(&self) -> Result<Locked<'_>, StoreError> {
        let path = self.0.join(LOCK);
        let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed("opened", &path))?;
        lock.lock().map_err(failed("locked", &path))?;
        Ok(Locked { folder: self, _lock: lock })
    }
}

impl Locked<'_> {
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    /// What the file says, wiped on drop; `None` without a file.
    pub(super) fn read(&self, name: &str) -> Result<Option<Zeroizing<String>>, StoreError> {
        let path = self.path(name);
        match fs::read(&path).map(Zeroizing::new) {
            Ok(bytes) => match str::from_utf8(&bytes) {
                Ok(text) => Ok(Some(Zeroizing::new(text.to_owned()))),
                Err(_) => Err(StoreError::Damaged { path, problem: "it is not text" }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    /// As [`read`](Self::read), and refused if anybody else could do so.
    pub(super) fn read_secret(&self, name: &str) -> Result<Option<Zeroizing<String>>, StoreError> {
        let path = self.path(name);
        #[cfg(unix)]
        match fs::metadata(&path) {
            Ok(file) if std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o077 != 0 => {
                return Err(StoreError::Exposed { path });
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("read", &path)(error)),
        }
        self.read(name)
    }

    /// Writes the file so that it is on the disk when this returns, and whole or as before whenever the machine stops. Only its owner
    /// can read it.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), StoreError> {
        let (folder, path) = (&self.folder.0, self.path(name));
        let mut draft = tempfile::Builder::new().prefix(DRAFT).tempfile_in(folder).map_err(failed("written to", folder))?;
        draft.write_all(text.as_bytes()).map_err(failed("written", &path))?;
        draft.as_file().sync_all().map_err(failed("brought to the disk", &path))?;
        draft.persist(&path).map_err(|error| failed("written", &path)(error.error))?;
        sync(folder)
    }

    /// Whether anything is kept here, but for what is remembered of wrong fingers: that outlives a key. What a process left unfinished that
    /// was killed goes first.
    pub(super) fn is_empty(&self) -> Result<bool, StoreError> {
        let folder = &self.folder.0;
        let mut is_empty = true;
        for entry in fs::read_dir(folder).map_err(failed("listed", folder))? {
            let name = entry.map_err(failed("listed", folder))?.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(DRAFT) {
                let path = self.path(&name);
                fs::remove_file(&path).map_err(failed("removed", &path))?;
            } else if name != LOCK && name != tries::NAME {
                is_empty = false;
            }
        }
        Ok(is_empty)
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { doing, path, source }
}

/// Brings the names in a folder to the disk, where the system has a way to.
fn sync(folder: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("brought to the disk", folder))?;
    }
    Ok(())
}
