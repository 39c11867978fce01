//! What happens when the disk fails.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use std::{
    fs::File,
    io,
    ops::Bound,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use redb::{BackendError, Database, StorageBackend, backends::FileBackend};
use tokio::task::JoinSet;
use wx_api::Timestamp;
use wx_crypto::SessionKey;

use super::*;
use crate::store::StoreError;

/// What a [`Failing`] disk fails at.
const NOTHING: u8 = 0;
const WRITING: u8 = 1;
const SYNCING: u8 = 2;
const EVERYTHING: u8 = 3;

/// A file on a disk that can fail.
#[derive(Debug)]
struct Failing {
    file: FileBackend,
    fails_at: Arc<AtomicU8>,
}

impl Failing {
    fn check(&self, what: u8) -> io::Result<()> {
        let fails_at = self.fails_at.load(Ordering::Relaxed);
        if fails_at == what || fails_at == EVERYTHING { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for Failing {
    fn len(&self) -> io::Result<u64> {
        self.check(EVERYTHING)?;
        self.file.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.check(EVERYTHING)?;
        self.file.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check(WRITING)?;
        self.file.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.check(SYNCING)?;
        self.file.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check(WRITING)?;
        self.file.write(offset, data)
    }
    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> std::result::Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }
}

/// A store on a disk that fails at what `fails_at` says.
fn store(folder: &Path, fails_at: &Arc<AtomicU8>) -> RedbStore {
    let (path, fails_at) = (folder.join("file"), fails_at.clone());
    let opener = move || {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        let backend = Failing { file: FileBackend::new(file)?, fails_at: fails_at.clone() };
        Database::builder().create_with_backend(backend)
    };
    RedbStore::over(Disk::over(folder.to_owned(), Box::new(opener)).unwrap()).unwrap()
}

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn session(openid: &str) -> Session {
    let (life, key) = (wx_rules::login::Session::begin(NOW), SessionKey::from_bytes([1; 16]));
    Session { app: "wx1".into(), openid: openid.into(), user: "li".into(), key, life, version: 0 }
}

/// Sixteen logins at once, and what became of them.
async fn logins(store: &Arc<RedbStore>, openid: &'static str) -> Vec<Result<()>> {
    let mut logins = JoinSet::new();
    for n in 0..16 {
        let store = store.clone();
        logins.spawn(async move { store.begin_session(&format!("{openid} {n}"), NOW, session(openid)).await });
    }
    logins.join_all().await
}

#[tokio::test]
async fn a_disk_that_fails_fails_all_that_waits_and_once_it_works_the_store_goes_on() {
    for failure in [WRITING, SYNCING, EVERYTHING] {
        let folder = tempfile::tempdir().unwrap();
        let fails_at = Arc::new(AtomicU8::new(NOTHING));
        let store = Arc::new(store(folder.path(), &fails_at));
        assert!(logins(&store, "before").await.iter().all(Result::is_ok));

        fails_at.store(failure, Ordering::Relaxed);
        for _ in 0..3 {
            let refused = logins(&store, "during").await;
            assert_eq!(refused.len(), 16);
            for refused in refused {
                assert!(matches!(refused, Err(StoreError::Failed { .. })), "{failure}: {refused:?}");
            }
        }

        fails_at.store(NOTHING, Ordering::Relaxed);
        let after = logins(&store, "after").await;
        assert!(after.iter().all(Result::is_ok), "{failure}: {after:?}");
        let app = "wx1".into();
        for n in 0..16 {
            for openid in ["before", "after"] {
                let got = store.consume_code(&app, &format!("{openid} {n}"), NOW).await.unwrap();
                assert_eq!(got.unwrap().openid, openid);
            }
            // What failed happened wholly or not at all, and a code that was kept after all can be used once.
            let code = format!("during {n}");
            match store.consume_code(&app, &code, NOW).await.unwrap() {
                Ok(session) => assert_eq!(session.openid, "during"),
                Err(refused) => assert_eq!(refused, CodeError::Unknown),
            }
            assert!(store.consume_code(&app, &code, NOW).await.unwrap().is_err());
        }
    }
}
