//! Where decisions are kept.

mod file;
mod memory;

use std::{collections::BTreeMap, error::Error, io, path::PathBuf};

use async_trait::async_trait;
use wx_api::{AppId, Scope, UserId};

pub use self::{
    file::{Decided, FileStore},
    memory::MemoryStore,
};

/// Keeps what users decided about apps.
///
/// [`Consent`](crate::Consent) reads, changes and saves under a lock of its own. A store must see to the rest: what `save`
/// answered ok to is there after a crash, and a `load` or `save` that begins after another's future was dropped sees that one done
/// or undone, never done later.
///
/// A host brings its own to keep decisions where it keeps everything else, or to change what they belong to:
///
/// ```
/// # use std::collections::BTreeMap;
/// # use async_trait::async_trait;
/// use wx_api::{AppId, Scope, UserId};
/// use wx_host::{ConsentStore, StoreError};
/// # use wx_host::MemoryStore;
///
/// /// The family's screen: what one of them decided holds for all.
/// struct OneForAll<S>(S);
///
/// #[async_trait]
/// impl<S: ConsentStore> ConsentStore for OneForAll<S> {
///     async fn load(&self, app: &AppId, _: &UserId) -> Result<BTreeMap<Scope, bool>, StoreError> {
///         self.0.load(app, &"family".into()).await
///     }
///     async fn save(&self, app: &AppId, _: &UserId, decisions: &BTreeMap<Scope, bool>) -> Result<(), StoreError> {
///         self.0.save(app, &"family".into(), decisions).await
///     }
///     async fn forget(&self, app: &AppId) -> Result<(), StoreError> {
///         self.0.forget(app).await
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = OneForAll(MemoryStore::new());
/// let (app, decided) = ("wx4f4bc4dec97d474b".into(), [(Scope::Record, true)].into());
/// store.save(&app, &"li".into(), &decided).await?;
/// assert_eq!(store.load(&app, &"wang".into()).await?, decided);
/// # Ok::<(), StoreError>(())
/// # }).unwrap();
/// ```
#[async_trait]
pub trait ConsentStore: Send + Sync {
    /// What this user decided about this app: nothing, if the store never heard of them.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or not be understood.
    async fn load(&self, app: &AppId, user: &UserId) -> Result<BTreeMap<Scope, bool>, StoreError>;

    /// Replaces what this user decided about this app. Durable when it answers.
    ///
    /// # Errors
    ///
    /// When it is not certain that it is kept. Which decisions then stand, the old or the new, `load` tells.
    async fn save(&self, app: &AppId, user: &UserId, decisions: &BTreeMap<Scope, bool>) -> Result<(), StoreError>;

    /// Forgets everything about an app, of every user.
    ///
    /// # Errors
    ///
    /// When it cannot be removed.
    async fn forget(&self, app: &AppId) -> Result<(), StoreError>;
}

/// Why decisions could not be kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The system refused.
    #[error("{} cannot be {doing}", path.display())]
    Io {
        /// What was being done, such as `written`.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds something else than decisions.
    #[error("{} is damaged: {problem}; restore it, or remove it to have the user asked again", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Another store, perhaps of another process, keeps its decisions in this folder.
    #[error("{} is in use by another store: one host, one folder", dir.display())]
    InUse {
        /// Which folder.
        dir: PathBuf,
    },
    /// The name of an app or a user makes no file name.
    #[error("a name of {length} bytes is too long for a file")]
    NameTooLong {
        /// How long it was.
        length: usize,
    },
    /// Whatever a store of another kind has to say.
    #[error(transparent)]
    Other(Box<dyn Error + Send + Sync>),
}
