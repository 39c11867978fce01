//! The file: opening it, reading, committing, and opening it anew after the disk failed.

use std::{
    fs::{self, DirBuilder, File},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

use redb::{Database, ReadTransaction, ReadableDatabase};

use super::tables::{self, Tables};
use crate::store::StoreError;

/// The file in the folder.
const FILE: &str = "platform.redb";
/// How much of the file is kept in memory at most.
const CACHE: usize = 128 << 20;

/// The least time from one attempt at opening the file anew to the next, so that a disk that is gone is not asked all the time.
const PAUSE: Duration = Duration::from_secs(1);
/// Why a closed file refuses.
const CLOSED: &str = "it failed and is not open again yet";

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
    pause: Duration,
    /// None after the disk failed, until the file is open again. Locked for a moment to change it: who reads need not wait for the disk.
    db: RwLock<Option<Database>>,
    /// For whoever opens the file; held all the while.
    opening: Mutex<Opening>,
}

/// What matters when the file is opened anew.
struct Opening {
    /// Whether the file may be damaged, so that all of it must be looked at.
    suspect: bool,
    /// When it was last tried.
    last: Option<Instant>,
}

impl Disk {
    /// Opens the file in this folder; makes what is not there, for its owner alone.
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::Failed { path: folder.to_owned(), reason: error.to_string() };
        // Before that, a folder's name is in the folder above it, and not on the disk yet.
        let above = folder.ancestors().skip(1).find(|above| above.exists()).unwrap_or(Path::new(".")).to_owned();
        make_folder(folder).map_err(failed)?;
        let file = folder.join(FILE);
        let opener = move || {
            let db = Database::builder().set_cache_size(CACHE).create_file(open_file(&file)?)?;
            Ok(db)
        };
        let disk = Self::over(folder.to_owned(), Box::new(opener), PAUSE)?;
        sync_folders(folder, &above).map_err(failed)?;
        Ok(disk)
    }

    /// Opens what the opener opens, now and after a failure, then with this pause between two attempts.
    pub(super) fn over(path: PathBuf, opener: Opener, pause: Duration) -> Result<Self, StoreError> {
        let opening = Mutex::new(Opening { suspect: true, last: None });
        let disk = Self { path, opener, pause, db: RwLock::new(None), opening };
        disk.reopen().map_err(|trouble| disk.error(trouble))?;
        disk.opening().last = None; // what comes after a failure is no second attempt
        Ok(disk)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file if it is closed, unless that was tried a moment ago.
    pub(super) fn reopen(&self) -> Result<(), Trouble> {
        if !self.is_closed() {
            return Ok(());
        }
        let mut opening = self.opening();
        if opening.last.is_some_and(|last| last.elapsed() < self.pause) {
            return Err(Trouble::Failed(CLOSED.into()));
        }
        opening.last = Some(Instant::now());
        // redb trusts some of its headers: a damaged one makes it panic where it should fail.
        let opened = catch_unwind(AssertUnwindSafe(|| self.open_sound(opening.suspect)));
        let db = opened.unwrap_or_else(|_| Err(Trouble::Damaged("the file is damaged".into())));
        match db {
            Ok(db) => {
                opening.suspect = false;
                *self.db.write().unwrap_or_else(PoisonError::into_inner) = Some(db);
                Ok(())
            }
            Err(trouble) => {
                opening.suspect |= matches!(trouble, Trouble::Damaged(_));
                Err(trouble)
            }
        }
    }

    /// Opens the file, looks at all of it if it may be damaged, and sees to it that it is one of ours.
    fn open_sound(&self, suspect: bool) -> Result<Database, Trouble> {
        let mut db = (self.opener)()?;
        if suspect && !db.check_integrity()? {
            let path = self.path.display();
            tracing::error!(%path, "the store was damaged and has been repaired: what it answered last may be lost");
        }
        tables::prepare(&db)?;
        Ok(db)
    }

    /// Closes the file after this trouble: one that failed once refuses everything until it is opened anew.
    fn close(&self, trouble: &Trouble) {
        self.opening().suspect |= matches!(trouble, Trouble::Damaged(_));
        let failed = self.db.write().unwrap_or_else(PoisonError::into_inner).take();
        // Closing tidies up, which what is damaged may keep it from; and the lock is free by now.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(failed)));
    }

    fn is_closed(&self) -> bool {
        self.db.read().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn opening(&self) -> MutexGuard<'_, Opening> {
        self.opening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads from what was committed last.
    pub(super) fn read<T>(&self, read: impl FnOnce(&ReadTransaction) -> Result<T, Trouble>) -> Result<T, StoreError> {
        self.with(|db| read(&db.begin_read()?)).map_err(|trouble| self.error(trouble))
    }

    /// Commits what `write` does, durably, if that is `Ok`. Opens the file if it could not be opened after the last failure; closes it
    /// after a failure now.
    pub(super) fn commit(&self, write: impl FnOnce(&mut Tables<'_>) -> Result<(), Trouble>) -> Result<(), Trouble> {
        self.reopen()?;
        // A panic must not end the thread that everybody needs: it is the damage that redb had no error for.
        let committed = catch_unwind(AssertUnwindSafe(|| {
            self.with(|db| {
                let transaction = db.begin_write()?; // durable by default: `Durability::Immediate`
                write(&mut Tables::open(&transaction)?)?;
                Ok(transaction.commit()?)
            })
        }));
        let committed = committed.unwrap_or_else(|_| Err(Trouble::Damaged("writing ended in a panic".into())));
        if let Err(trouble) = &committed {
            self.close(trouble);
        }
        committed
    }

    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        work(db.as_ref().ok_or_else(|| Trouble::Failed(CLOSED.into()))?)
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

/// Brings the name of the file to the disk, and those of the folders that lead to it, up to the one that was there before.
fn sync_folders(folder: &Path, above: &Path) -> io::Result<()> {
    #[cfg(unix)]
    for folder in folder.ancestors().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
        if folder == above {
            break;
        }
    }
    Ok(())
}
