//! What happens on a slow disk, and on one that fails.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use std::{
    fs::File,
    future::Future as _,
    io,
    ops::Bound,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Waker},
    time::Duration,
};

use redb::{BackendError, Database, StorageBackend, backends::FileBackend};
use tokio::task::JoinSet;
use wx_api::Timestamp;
use wx_crypto::SessionKey;

use super::{disk::Trouble, *};
use crate::store::StoreError;

/// What a disk fails at.
const NOTHING: u8 = 0;
const WRITING: u8 = 1;
const SYNCING: u8 = 2;
const EVERYTHING: u8 = 3;

/// What is wrong with a disk.
#[derive(Debug, Default)]
struct Faults {
    fails_at: AtomicU8,
    /// Whoever holds it keeps data from getting to the disk.
    gate: Mutex<()>,
    /// How often data was brought to the disk.
    syncs: AtomicUsize,
    /// How often the file was opened.
    openings: AtomicUsize,
    /// How often it was read.
    reads: AtomicUsize,
}

/// A file on such a disk.
#[derive(Debug)]
struct Faulty {
    file: FileBackend,
    faults: Arc<Faults>,
}

impl Faulty {
    fn check(&self, what: u8) -> io::Result<()> {
        let fails_at = self.faults.fails_at.load(Ordering::Relaxed);
        if fails_at == what || fails_at == EVERYTHING { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for Faulty {
    fn len(&self) -> io::Result<u64> {
        self.check(EVERYTHING)?;
        self.file.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.check(EVERYTHING)?;
        self.faults.reads.fetch_add(1, Ordering::Relaxed);
        self.file.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check(WRITING)?;
        self.file.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.check(SYNCING)?;
        let _open = self.faults.gate.lock().unwrap();
        self.faults.syncs.fetch_add(1, Ordering::Relaxed);
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

/// A store on a disk with these faults, which it may open anew at any time.
fn store(folder: &Path, faults: &Arc<Faults>) -> RedbStore {
    patient_store(folder, faults, Duration::ZERO)
}

fn patient_store(folder: &Path, faults: &Arc<Faults>, pause: Duration) -> RedbStore {
    let (path, faults) = (folder.join("file"), faults.clone());
    let opener = move || {
        faults.openings.fetch_add(1, Ordering::Relaxed);
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        let backend = Faulty { file: FileBackend::new(file)?, faults: faults.clone() };
        Database::builder().create_with_backend(backend)
    };
    RedbStore::over(Disk::over(folder.to_owned(), Box::new(opener), pause).unwrap()).unwrap()
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
        let faults = Arc::new(Faults::default());
        let store = Arc::new(store(folder.path(), &faults));
        assert!(logins(&store, "before").await.iter().all(Result::is_ok));

        faults.fails_at.store(failure, Ordering::Relaxed);
        for _ in 0..3 {
            let refused = logins(&store, "during").await;
            assert_eq!(refused.len(), 16);
            for refused in refused {
                assert!(matches!(refused, Err(StoreError::Failed { .. })), "{failure}: {refused:?}");
            }
        }

        faults.fails_at.store(NOTHING, Ordering::Relaxed);
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

#[test]
fn damage_that_redb_panics_at_is_an_error() {
    // As it does when a header of an otherwise sound file points nowhere.
    let opener = || panic!("range start index 12800686844 out of range for slice of length 188");
    let error = Disk::over("platform".into(), Box::new(opener), Duration::ZERO).err().unwrap();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
}

#[tokio::test]
async fn what_waits_for_the_disk_is_brought_there_together() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    let store = Arc::new(store(folder.path(), &faults));
    let syncs = || faults.syncs.swap(0, Ordering::Relaxed);
    syncs();
    store.begin_session("alone", NOW, session("o1")).await.unwrap();
    let for_one = syncs();

    let closed = faults.gate.lock().unwrap();
    let mut asked = Vec::new();
    for n in 0..500 {
        let store = store.clone();
        let mut login = Box::pin(async move { store.begin_session(&format!("{n}"), NOW, session("o1")).await });
        // The first of them take the disk, the others queue up.
        let answer = login.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(answer.is_pending(), "answered before it was on the disk");
        asked.push(login);
    }
    drop(closed);
    for login in asked {
        login.await.unwrap();
    }
    let for_many = syncs();
    assert!((1..=2 * for_one).contains(&for_many), "{for_many} for 500, {for_one} for one");
}

#[tokio::test]
async fn a_store_is_healthy_as_long_as_it_keeps_changes() {
    for failure in [WRITING, SYNCING, EVERYTHING] {
        let folder = tempfile::tempdir().unwrap();
        let faults = Arc::new(Faults::default());
        let store = store(folder.path(), &faults);
        store.healthy().await.unwrap();
        faults.fails_at.store(failure, Ordering::Relaxed);
        let ill = store.healthy().await;
        assert!(matches!(ill, Err(StoreError::Failed { .. })), "{failure}: {ill:?}");
        faults.fails_at.store(NOTHING, Ordering::Relaxed);
        store.healthy().await.unwrap();
    }
}

#[tokio::test]
async fn a_panic_while_writing_fails_those_who_wait_and_the_store_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), &Arc::default());
    store.begin_session("before", NOW, session("o1")).await.unwrap();
    let failed: Result<()> = store.writer.ask(|_| panic!("as redb does over a damaged page")).await;
    assert!(matches!(failed, Err(StoreError::Unreadable { .. })), "{failed:?}");
    store.begin_session("after", NOW, session("o1")).await.unwrap();
    for code in ["before", "after"] {
        assert!(store.consume_code(&"wx1".into(), code, NOW).await.unwrap().is_ok(), "{code}");
    }
}

#[tokio::test]
async fn a_disk_that_stays_broken_is_not_asked_again_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    let store = patient_store(folder.path(), &faults, Duration::MAX);
    faults.fails_at.store(EVERYTHING, Ordering::Relaxed);
    assert!(store.healthy().await.is_err());
    for _ in 0..20 {
        let refused = store.healthy().await;
        assert!(matches!(refused, Err(StoreError::Failed { .. })), "{refused:?}");
    }
    assert_eq!(faults.openings.load(Ordering::Relaxed), 2, "when it was made, and after the failure");
    assert!(matches!(store.apps().await, Err(StoreError::Failed { .. })), "nor is there anything to read");
}

#[tokio::test]
async fn who_reads_is_told_at_once_that_the_file_is_being_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let (opens, opening) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel();
    let may_go_on = Mutex::new(may_go_on);
    go_on.send(()).unwrap();
    let opener = move || {
        opens.send(()).unwrap();
        may_go_on.lock().unwrap().recv().unwrap();
        Database::create(&file)
    };
    let disk = Disk::over(folder.path().to_owned(), Box::new(opener), Duration::ZERO).unwrap();
    let store = RedbStore::over(disk).unwrap();
    opening.recv().unwrap();
    let failed: Result<()> = store.writer.ask(|_| Err(Trouble::Failed("the disk is gone".into()))).await;
    assert!(failed.is_err());
    opening.recv().unwrap();
    assert!(matches!(store.apps().await, Err(StoreError::Failed { .. })), "it is being opened");
    go_on.send(()).unwrap();
    store.healthy().await.unwrap();
    assert_eq!(store.apps().await.unwrap(), []);
}

#[tokio::test]
async fn all_of_the_file_is_read_after_damage_alone() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    let store = store(folder.path(), &faults);
    for n in 0..200_u8 {
        let name = format!("{n:0>4000}");
        store.put_host_key([n; 32], HostKey { name, admin: false }).await.unwrap();
    }
    let mut reads = Vec::new();
    for trouble in [Trouble::Failed("a full disk".into()), Trouble::Damaged("a page".into())] {
        faults.reads.store(0, Ordering::Relaxed);
        let failed: Result<()> = store.writer.ask(|_| Err(trouble)).await;
        assert!(failed.is_err());
        store.healthy().await.unwrap(); // it is open again
        reads.push(faults.reads.load(Ordering::Relaxed));
    }
    assert!(reads[1] > reads[0] + 100, "{reads:?}");
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_does_not_happen() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), &Arc::default());
    let (at_work, is_at_work) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel();
    let mut busy = Box::pin(store.writer.ask(move |_| {
        at_work.send(()).unwrap();
        may_go_on.recv().unwrap();
        Ok(())
    }));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(busy.as_mut().poll(&mut cx).is_pending());
    is_at_work.recv().unwrap();
    let mut given_up = store.begin_session("given up", NOW, session("o1"));
    assert!(given_up.as_mut().poll(&mut cx).is_pending());
    drop(given_up);
    go_on.send(()).unwrap();
    busy.await.unwrap();
    let got = store.consume_code(&"wx1".into(), "given up", NOW).await.unwrap();
    assert_eq!(got.err(), Some(CodeError::Unknown));
    assert_eq!(store.session(&"wx1".into(), "o1").await.unwrap(), None);
}
