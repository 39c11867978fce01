//! The file: opening it, reading, committing, and opening it anew after the disk failed.

use std::{
    fs::{self, DirBuilder, File},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

use redb::{Database, ReadTransaction, ReadableDatabase};

use super::tables::{self, Tables};
use crate::store::StoreError;

/// The file in the folder.
const FILE: &str = "platform.redb";
/// How much of the file is kept in memory at most.
const CACHE: usize = 128 << 20;

/// What went wrong, before it is known where.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// A record cannot be read. Nothing was changed, so that others in the same transaction need not suffer.
    Record(String),
    /// The file is damaged or of another version, and the transaction failed.
    Damaged(String),
    /// The disk failed, and the transaction with it.
    Failed(String),
    /// Another server has the file.
    InUse,
}

impl<E: Into<redb::Error>> From<E> for Trouble {
    fn from(error: E) -> Self {
        match error.into() {
            redb::Error::DatabaseAlreadyOpen => Self::InUse,
            redb::Error::Corrupted(what) => Self::Damaged(what),
            error @ (redb::Error::UpgradeRequired(_) | redb::Error::TableTypeMismatch { .. }) => {
                Self::Damaged(error.to_string())
            }
            // How redb says that a file is none of its own, or ends too soon.
            redb::Error::Io(error) if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
                Self::Damaged(error.to_string())
            }
            error => Self::Failed(error.to_string()),
        }
    }
}

type Opener = Box<dyn Fn() -> Result<Database, redb::DatabaseError> + Send + Sync>;

/// The file of a store.
pub(super) struct Disk {
    path: PathBuf,
    opener: Opener,
    /// None after the disk failed and the file could not be opened anew.
    db: RwLock<Option<Database>>,
}

impl Disk {
    /// Opens the file in this folder; makes what is not there, for its owner alone.
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::Failed { path: folder.to_owned(), reason: error.to_string() };
        make_folder(folder).map_err(failed)?;
        let file = folder.join(FILE);
        let opener = move || {
            let db = Database::builder().set_cache_size(CACHE).create_file(open_file(&file)?)?;
            Ok(db)
        };
        let disk = Self::over(folder.to_owned(), Box::new(opener))?;
        sync_folder(folder).map_err(failed)?;
        Ok(disk)
    }

    /// Opens what the opener opens, now and after a failure.
    pub(super) fn over(path: PathBuf, opener: Opener) -> Result<Self, StoreError> {
        let disk = Self { path, opener, db: RwLock::new(None) };
        disk.reopen().map_err(|trouble| disk.error(trouble))?;
        Ok(disk)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the file if it is open, and opens it.
    pub(super) fn reopen(&self) -> Result<(), Trouble> {
        let mut place = self.db.write().unwrap_or_else(PoisonError::into_inner);
        *place = None;
        // redb trusts some of its headers: a damaged one makes it panic where it should fail.
        let opened = catch_unwind(AssertUnwindSafe(|| self.open_sound()));
        *place = Some(opened.unwrap_or_else(|_| Err(Trouble::Damaged("the file is damaged".into())))?);
        Ok(())
    }

    /// Opens the file, looks at all of it, and sees to it that it is one of ours.
    fn open_sound(&self) -> Result<Database, Trouble> {
        let mut db = (self.opener)()?;
        if !db.check_integrity()? {
            let path = self.path.display();
            tracing::error!(%path, "the store was damaged and has been repaired: what it answered last may be lost");
        }
        tables::prepare(&db)?;
        Ok(db)
    }

    fn is_closed(&self) -> bool {
        self.db.read().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Reads from what was committed last.
    pub(super) fn read<T>(&self, read: impl FnOnce(&ReadTransaction) -> Result<T, Trouble>) -> Result<T, StoreError> {
        self.with(|db| read(&db.begin_read()?)).map_err(|trouble| self.error(trouble))
    }

    /// Commits what `write` does, durably, if that is `Ok`. Opens the file if it could not be opened after the last failure.
    pub(super) fn commit(&self, write: impl FnOnce(&mut Tables<'_>) -> Result<(), Trouble>) -> Result<(), Trouble> {
        if self.is_closed() {
            self.reopen()?;
        }
        self.with(|db| {
            let transaction = db.begin_write()?; // durable by default: `Durability::Immediate`
            write(&mut Tables::open(&transaction)?)?;
            Ok(transaction.commit()?)
        })
    }

    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        work(db.as_ref().ok_or_else(|| Trouble::Failed("it could not be opened again after a failure".into()))?)
    }

    /// The trouble and where it was.
    pub(super) fn error(&self, trouble: Trouble) -> StoreError {
        let path = self.path.clone();
        match trouble {
            Trouble::Record(reason) | Trouble::Damaged(reason) => StoreError::Unreadable { path, reason },
            Trouble::Failed(reason) => StoreError::Failed { path, reason },
            Trouble::InUse => StoreError::InUse { path },
        }
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn open_file(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Brings the name of the file to the disk, and that of the folder.
fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    for folder in [Some(folder), folder.parent().filter(|parent| !parent.as_os_str().is_empty())].into_iter().flatten() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
