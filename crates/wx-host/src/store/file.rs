use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::{sync::RwLock, task::spawn_blocking};
use wx_api::{AppId, Scope, UserId};

use super::{ConsentStore, StoreError};

/// The longest name of a file or folder; most file systems allow 255 bytes.
const LONGEST_NAME: usize = 240;
/// What a file under construction is called until it is renamed.
const DRAFT: &str = ".draft-";
/// What the folder of a removed app is called until it is gone.
const REMOVED: &str = ".removed-";

/// Decisions in a folder, one small JSON file for each app and user. Needs a tokio runtime.
///
/// A process that is killed at any moment leaves either the old decisions or the new ones, and the new ones if they were
/// answered: a file is written beside the old one, brought to the disk, renamed over it, and then the folder is brought to the
/// disk. A damaged file is an error that names it; it never counts as undecided, and nothing is saved over it. Decisions about
/// scopes that only a newer version knows stay in the file as they are.
///
/// ```
/// use wx_api::Scope;
/// use wx_host::{ConsentStore, FileStore};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("consent");
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = FileStore::open(&path)?;
/// store.save(&"wx4f4bc4dec97d474b".into(), &"li".into(), &[(Scope::Record, true)].into()).await?;
/// assert!(FileStore::open(&path).is_err()); // one host, one folder
/// # Ok::<(), wx_host::StoreError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileStore {
    folder: Arc<Folder>,
    /// Held by whatever is under way on the disk, to its end: also when nobody waits for it any more.
    busy: Arc<RwLock<()>>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Locked as long as the store or anything it began lives.
    _lock: File,
}

/// What one user decided about one app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The app.
    pub app: AppId,
    /// The user.
    pub user: UserId,
    /// The scopes that were decided, and whether they are granted.
    pub decisions: BTreeMap<Scope, bool>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserFile {
    version: u32,
    app: String,
    user: String,
    /// By name: a newer version may have written scopes that this one does not know.
    decisions: BTreeMap<String, bool>,
}

const VERSION: u32 = 1;

impl FileStore {
    /// Opens the folder, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// [`StoreError::InUse`] when another store has it; [`StoreError::Io`].
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = dir.into();
        make_dir(&path)?;
        let lock_path = path.join("lock");
        let options = File::options().create(true).truncate(false).write(true).open(&lock_path);
        let lock = options.map_err(failed("opened", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse { dir: path }),
            Err(TryLockError::Error(error)) => return Err(failed("locked", &lock_path)(error)),
        }
        let folder = Folder { path, _lock: lock };
        folder.sweep()?;
        Ok(Self { folder: Arc::new(folder), busy: Arc::default() })
    }

    /// Everybody's decisions about every app, in the order of their names: for a page on which a user looks after all of them.
    ///
    /// # Errors
    ///
    /// When one of them cannot be read, or not be understood.
    pub async fn everything(&self) -> Result<Vec<Decided>, StoreError> {
        let (folder, busy) = (self.folder.clone(), self.busy.clone().read_owned().await);
        let work = move || {
            let outcome = folder.everything();
            drop(busy);
            outcome
        };
        spawn_blocking(work).await.unwrap_or_else(|error| Err(StoreError::Other(error.into())))
    }

    /// Runs blocking work that nothing else may overlap.
    async fn change(&self, work: impl FnOnce(&Folder) -> Result<(), StoreError> + Send + 'static) -> Result<(), StoreError> {
        let (folder, busy) = (self.folder.clone(), self.busy.clone().write_owned().await);
        let work = move || {
            let outcome = work(&folder);
            drop(busy);
            outcome
        };
        spawn_blocking(work).await.unwrap_or_else(|error| Err(StoreError::Other(error.into())))
    }
}

#[async_trait]
impl ConsentStore for FileStore {
    async fn load(&self, app: &AppId, user: &UserId) -> Result<BTreeMap<Scope, bool>, StoreError> {
        let (app, user) = (app.clone(), user.clone());
        let (folder, busy) = (self.folder.clone(), self.busy.clone().read_owned().await);
        let work = move || {
            let outcome = folder.load(&app, &user);
            drop(busy);
            outcome
        };
        spawn_blocking(work).await.unwrap_or_else(|error| Err(StoreError::Other(error.into())))
    }

    async fn save(&self, app: &AppId, user: &UserId, decisions: &BTreeMap<Scope, bool>) -> Result<(), StoreError> {
        let (app, user, decisions) = (app.clone(), user.clone(), decisions.clone());
        self.change(move |folder| folder.save(&app, &user, decisions)).await
    }

    async fn forget(&self, app: &AppId) -> Result<(), StoreError> {
        let app = app.clone();
        self.change(move |folder| folder.forget(&app)).await
    }
}

impl Folder {
    fn app_dir(&self, app: &AppId) -> Result<PathBuf, StoreError> {
        Ok(self.path.join(file_name("app-", app.as_str(), "")?))
    }

    fn load(&self, app: &AppId, user: &UserId) -> Result<BTreeMap<Scope, bool>, StoreError> {
        self.read(app, user).map(known)
    }

    fn everything(&self) -> Result<Vec<Decided>, StoreError> {
        let mut everything = Vec::new();
        for (dir, _) in entries(&self.path)?.into_iter().filter(|(_, name)| name.starts_with("app-")) {
            for (path, _) in entries(&dir)?.into_iter().filter(|(_, name)| name.starts_with("user-")) {
                if let Some(file) = read_file(&path)? {
                    everything.push(Decided { app: file.app.into(), user: file.user.into(), decisions: known(file.decisions) });
                }
            }
        }
        everything.sort_by(|a, b| (&a.app, &a.user).cmp(&(&b.app, &b.user)));
        Ok(everything)
    }

    /// What the file says, also about scopes nobody here knows.
    fn read(&self, app: &AppId, user: &UserId) -> Result<BTreeMap<String, bool>, StoreError> {
        let path = self.app_dir(app)?.join(file_name("user-", user.as_str(), ".json")?);
        let Some(file) = read_file(&path)? else { return Ok(BTreeMap::new()) };
        if file.app != app.as_str() || file.user != user.as_str() {
            return Err(StoreError::Damaged { path, problem: "it belongs to another app or user".to_owned() });
        }
        Ok(file.decisions)
    }

    fn save(&self, app: &AppId, user: &UserId, known: BTreeMap<Scope, bool>) -> Result<(), StoreError> {
        let mut decisions = self.read(app, user)?;
        decisions.retain(|name, _| name.parse::<Scope>().is_err());
        decisions.extend(known.into_iter().map(|(scope, granted)| (scope.name().to_owned(), granted)));

        let dir = self.app_dir(app)?;
        let path = dir.join(file_name("user-", user.as_str(), ".json")?);
        let file = UserFile { version: VERSION, app: app.to_string(), user: user.to_string(), decisions };
        let text = serde_json::to_vec(&file).map_err(|error| StoreError::Other(error.into()))?;

        match fs::create_dir(&dir) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("made", &dir)(error)),
        }
        // Also when the folder was there: whoever made it may have been killed, or have failed, before this.
        sync_dir(&self.path)?;
        let mut draft = tempfile::Builder::new().prefix(DRAFT).tempfile_in(&dir).map_err(failed("written to", &dir))?;
        draft.write_all(&text).map_err(failed("written", draft.path()))?;
        draft.as_file().sync_all().map_err(failed("brought to the disk", draft.path()))?;
        draft.persist(&path).map_err(|error| failed("written", &path)(error.error))?;
        sync_dir(&dir)
    }

    fn forget(&self, app: &AppId) -> Result<(), StoreError> {
        let dir = self.app_dir(app)?;
        // Renamed first: an app is forgotten as a whole or not at all.
        let grave =
            tempfile::Builder::new().prefix(REMOVED).tempdir_in(&self.path).map_err(failed("written to", &self.path))?;
        match fs::rename(&dir, grave.path().join("app")) {
            Ok(()) => {}
            // Perhaps forgotten before by somebody who did not come as far as the disk.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed("removed", &dir)(error)),
        }
        sync_dir(&self.path)?;
        let path = grave.path().to_owned();
        grave.close().map_err(failed("removed", &path))
    }

    /// Removes what a killed process left unfinished.
    fn sweep(&self) -> Result<(), StoreError> {
        for (path, name) in entries(&self.path)? {
            if name.starts_with(REMOVED) {
                fs::remove_dir_all(&path).map_err(failed("removed", &path))?;
            } else if path.is_dir() {
                for (path, name) in entries(&path)? {
                    if name.starts_with(DRAFT) {
                        fs::remove_file(&path).map_err(failed("removed", &path))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// One user's decisions about one app, if there are any.
fn read_file(path: &Path) -> Result<Option<UserFile>, StoreError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path)(error)),
    };
    let damaged = |problem: String| StoreError::Damaged { path: path.to_owned(), problem };
    let file: UserFile = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    if file.version != VERSION {
        return Err(damaged(format!("version {} of the format, not {VERSION}", file.version)));
    }
    Ok(Some(file))
}

/// The decisions about scopes that this version knows.
fn known(named: BTreeMap<String, bool>) -> BTreeMap<Scope, bool> {
    named.into_iter().filter_map(|(name, granted)| name.parse().ok().map(|scope| (scope, granted))).collect()
}

fn entries(dir: &Path) -> Result<Vec<(PathBuf, String)>, StoreError> {
    let listed = fs::read_dir(dir).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| (entry.path(), entry.file_name().to_string_lossy().into_owned()))).collect()
    });
    listed.map_err(failed("listed", dir))
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { doing, path, source }
}

/// Makes a folder and those above it, each on the disk under its name.
fn make_dir(dir: &Path) -> Result<(), StoreError> {
    let made: Vec<&Path> = dir.ancestors().take_while(|dir| !dir.exists()).collect();
    fs::create_dir_all(dir).map_err(failed("made", dir))?;
    for parent in made.into_iter().filter_map(Path::parent) {
        sync_dir(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })?;
    }
    Ok(())
}

/// Brings the names in a folder to the disk, where the system has a way to.
fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed("brought to the disk", dir))?;
    }
    Ok(())
}

/// A file name that no name of an app or user can turn into something else: all but lower-case letters, digits and `-` is
/// written as `%` and hex. Capital letters too, for file systems that do not tell them apart.
fn file_name(kind: &str, name: &str, extension: &str) -> Result<String, StoreError> {
    let mut file = String::from(kind);
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => file.push(char::from(byte)),
            _ => {
                let written = write!(file, "%{byte:02x}");
                debug_assert!(written.is_ok(), "a string takes everything");
            }
        }
        if file.len() > LONGEST_NAME {
            return Err(StoreError::NameTooLong { length: name.len() });
        }
    }
    file.push_str(extension);
    Ok(file)
}

#[cfg(test)]
mod tests;
