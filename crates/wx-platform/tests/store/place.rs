//! Where a store under test is.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;
use wx_platform::store::{MemoryStore, RedbStore, Store};

/// A store, and where it is kept if it lasts.
pub(crate) struct Place {
    /// None only while it is being opened again.
    store: Option<Arc<dyn Store>>,
    folder: Option<TempDir>,
}

impl Place {
    /// In memory.
    pub(crate) fn memory() -> Self {
        Self { store: Some(Arc::new(MemoryStore::default())), folder: None }
    }

    /// In a file.
    pub(crate) fn redb() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = RedbStore::open(folder.path()).unwrap();
        Self { store: Some(Arc::new(store)), folder: Some(folder) }
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        self.store.clone().unwrap()
    }

    /// Ends the store and opens it again. One that does not last goes on.
    pub(crate) fn restart(&mut self) {
        if let Some(folder) = &self.folder {
            let last = self.store.take().unwrap();
            assert_eq!(Arc::strong_count(&last), 1, "somebody still has the store");
            drop(last);
            self.store = Some(Arc::new(RedbStore::open(folder.path()).unwrap()));
        }
    }
}

/// The file of the store in this folder.
pub(crate) fn file(folder: &Path) -> PathBuf {
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.into_iter().next().unwrap()
}
