//! What becomes of the file of a `RedbStore`: who may read it, who may open it, and what is refused.

use std::{
    fs,
    future::Future as _,
    path::Path,
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
};

use redb::{ReadableTable as _, TableDefinition};
use wx_platform::store::{RedbStore, Store, StoreError};
use wx_rules::login::CodeError;

use crate::{place::file, samples::*};

const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
const SESSIONS: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("sessions");

/// A folder with a store of a few hundred users in it.
async fn written() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(RedbStore::open(folder.path()).unwrap());
    let mut users = tokio::task::JoinSet::new();
    for n in 0..300 {
        let store = store.clone();
        users.spawn(async move {
            store.put_user(user(&format!("{n}"))).await.unwrap();
            store.begin_session(&format!("{n}"), NOW, session("wx1", &format!("o{n}"), 1)).await.unwrap();
        });
    }
    users.join_all().await;
    folder
}

#[tokio::test]
async fn a_second_server_on_the_folder_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path()).unwrap();
    let error = RedbStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
    assert!(error.to_string().contains("in use by another server"), "{error}");
    store.put_app(app("wx1")).await.unwrap();
    drop(store);
    assert!(RedbStore::open(folder.path()).unwrap().app(&id("wx1")).await.unwrap().is_some());
}

#[cfg(unix)]
#[test]
fn the_folder_and_the_file_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("var/platform");
    drop(RedbStore::open(&folder).unwrap());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode(&outer.path().join("var")), mode(&folder), mode(&file(&folder))], [0o700, 0o700, 0o600]);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    fs::write(&taken, "").unwrap();
    let error = RedbStore::open(&taken.join("platform")).unwrap_err();
    assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
    assert!(error.to_string().contains("taken"), "{error}");
}

#[test]
fn a_file_of_something_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(RedbStore::open(folder.path()).unwrap());
    let file = file(folder.path());
    for text in ["notes".to_owned(), "notes\n".repeat(10_000)] {
        fs::write(&file, &text).unwrap();
        let error = RedbStore::open(folder.path()).unwrap_err();
        assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
}

#[test]
fn a_database_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(RedbStore::open(folder.path()).unwrap());
    let file = file(folder.path());
    fs::remove_file(&file).unwrap();
    edit(&file, |write| {
        write.open_table(TableDefinition::<u64, u64>::new("birds")).unwrap();
    });
    let error = RedbStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
    assert!(error.to_string().contains("the file is of something else"), "{error}");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let folder = written().await;
    edit(&file(folder.path()), |write| {
        write.open_table(NUMBERS).unwrap().insert("format", 2).unwrap();
    });
    let error = RedbStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
    assert!(error.to_string().contains("format 2 of the file, not 1"), "{error}");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_an_error_without_its_secrets_and_disturbs_nobody() {
    let folder = written().await;
    let secret = "c2Vzc2lvbiBrZXkgIQ==";
    let sound = edit(&file(folder.path()), |write| {
        let mut sessions = write.open_table(SESSIONS).unwrap();
        let sound = String::from_utf8(sessions.get(("wx1", "o1")).unwrap().unwrap().value().to_vec()).unwrap();
        for (openid, form) in [
            ("o1", format!("{{\"key\":\"{secret}\"}}")),
            ("o2", sound.replace("\"version\"", &format!("\"{secret}\":1,\"version\""))),
            ("o3", sound.replace("\"uses\":1", &format!("\"uses\":\"{secret}\""))),
            ("o4", format!("\"{secret}\"")),
            ("o5", secret.to_owned()),
            ("o6", String::new()),
        ] {
            assert_ne!(form, sound);
            sessions.insert(("wx1", openid), form.as_bytes()).unwrap();
        }
        sound
    });
    assert!(sound.len() < 256, "{sound}");
    let store = RedbStore::open(folder.path()).unwrap();
    for n in 1..=6 {
        let openid = format!("o{n}");
        let errors = [
            store.session(&id("wx1"), &openid).await.unwrap_err(),
            store.consume_code(&id("wx1"), &format!("{n}"), NOW).await.unwrap_err(),
            store.replace_session(session("wx1", &openid, 2)).await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
            assert!(!format!("{error} {error:?}").contains(secret), "{error}");
            assert!(error.to_string().contains("a session is not what it should be"), "{error}");
        }
    }
    // At once, and so in one transaction with it.
    let (app, bad, good) = (id("wx1"), "1".to_owned(), "7".to_owned());
    let (bad, good) = tokio::join!(store.consume_code(&app, &bad, NOW), store.consume_code(&app, &good, NOW));
    assert!(bad.is_err());
    assert!(good.unwrap().is_ok());
    // A new login mends it, and the app can be removed.
    store.begin_session("new", NOW, session("wx1", "o1", 2)).await.unwrap();
    assert_eq!(store.consume_code(&app, "new", NOW).await.unwrap().unwrap().key, session("wx1", "o1", 2).key);
    store.put_app(crate::samples::app("wx1")).await.unwrap();
    assert!(store.remove_app(&app).await.unwrap());
}

#[tokio::test]
async fn no_damage_makes_it_panic_or_invent_anything() {
    let folder = written().await;
    let file = file(folder.path());
    let sound = fs::read(&file).unwrap();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..150 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut damaged = sound.clone();
        let at = usize::try_from(random >> 16).unwrap() % damaged.len();
        if random.is_multiple_of(3) {
            damaged.truncate(at);
        } else {
            // Mostly among the headers, where there is less of it but it matters more.
            let at = if random.is_multiple_of(2) { at % 640 } else { at };
            let end = (at + 1 + usize::try_from(random >> 50).unwrap() % 64).min(damaged.len());
            damaged[at..end].fill(u8::try_from(random >> 56).unwrap());
        }
        fs::write(&file, damaged).unwrap();
        let Ok(store) = RedbStore::open(folder.path()) else { continue };
        for n in 0..300 {
            let openid = format!("o{n}");
            if let Ok(Some(found)) = store.session(&id("wx1"), &openid).await {
                assert_eq!(found.openid, openid);
                assert_eq!(found.key, session("wx1", &openid, 1).key);
            }
        }
        let _ = store.users().await;
        let _ = store.begin_session("new", NOW, session("wx1", "o1", 2)).await;
    }
}

#[tokio::test]
async fn a_store_that_is_dropped_in_the_middle_of_work_leaves_its_file_whole_and_free() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path()).unwrap();
    let mut waker = Context::from_waker(Waker::noop());
    for n in 0..500 {
        let code = format!("{n}");
        let login = pin!(store.begin_session(&code, NOW, session("wx1", "o1", 1)));
        // Asked, and not waited for.
        let _ = login.poll(&mut waker);
    }
    drop(store);
    let store = RedbStore::open(folder.path()).unwrap(); // dropping waited until the file was free
    for n in 0..500 {
        // Nobody waited, so that it may have been left out; but not by half.
        let code = format!("{n}");
        let got = store.consume_code(&id("wx1"), &code, NOW).await.unwrap().map(drop);
        let again = store.consume_code(&id("wx1"), &code, NOW).await.unwrap().map(drop);
        assert!(
            matches!((got, again), (Ok(()), Err(CodeError::Used)) | (Err(CodeError::Unknown), Err(CodeError::Unknown))),
            "{n}"
        );
    }
}

#[tokio::test]
async fn no_code_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path()).unwrap();
    store.begin_session("a code like no other", NOW, session("wx1", "an openid like no other", 1)).await.unwrap();
    drop(store);
    let bytes = fs::read(file(folder.path())).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("an openid like no other") && !holds("a code like no other"));
}

/// Changes the file behind the store's back.
fn edit<T>(file: &Path, change: impl FnOnce(&redb::WriteTransaction) -> T) -> T {
    let db = redb::Database::create(file).unwrap();
    let write = db.begin_write().unwrap();
    let answer = change(&write);
    write.commit().unwrap();
    answer
}
