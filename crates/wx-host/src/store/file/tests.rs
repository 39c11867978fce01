#![allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]

use futures_util::FutureExt;
use tempfile::TempDir;

use super::*;

fn app(name: &str) -> AppId {
    name.into()
}

fn user(name: &str) -> UserId {
    name.into()
}

fn open(dir: &TempDir) -> FileStore {
    FileStore::open(dir.path()).unwrap()
}

fn some() -> BTreeMap<Scope, bool> {
    [(Scope::Record, true), (Scope::Camera, false)].into()
}

#[tokio::test]
async fn decisions_are_there_after_the_store_was_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    open(&dir).save(&app("a"), &user("u"), &some()).await.unwrap();
    let store = open(&dir);
    assert_eq!(store.load(&app("a"), &user("u")).await.unwrap(), some());
    assert!(store.load(&app("a"), &user("v")).await.unwrap().is_empty());
    assert!(store.load(&app("b"), &user("u")).await.unwrap().is_empty());
}

#[tokio::test]
async fn forgetting_an_app_forgets_all_its_users_and_no_other_app() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    for (a, u) in [("a", "u"), ("a", "v"), ("b", "u")] {
        store.save(&app(a), &user(u), &some()).await.unwrap();
    }
    store.forget(&app("a")).await.unwrap();
    store.forget(&app("never heard of")).await.unwrap();
    assert!(store.load(&app("a"), &user("u")).await.unwrap().is_empty());
    assert!(store.load(&app("a"), &user("v")).await.unwrap().is_empty());
    assert_eq!(store.load(&app("b"), &user("u")).await.unwrap(), some());
    let mut names: Vec<_> = entries(dir.path()).unwrap().into_iter().map(|(_, name)| name).collect();
    names.sort();
    assert_eq!(names, ["app-b", "lock"]);
}

#[tokio::test]
async fn everything_is_listed_whatever_its_names_are() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    assert!(store.everything().await.unwrap().is_empty());
    for (a, u) in [("wx4F", "李"), ("../x", "")] {
        store.save(&app(a), &user(u), &some()).await.unwrap();
    }
    let decided = |a, u| Decided { app: app(a), user: user(u), decisions: some() };
    assert_eq!(store.everything().await.unwrap(), [decided("../x", ""), decided("wx4F", "李")]);
    store.forget(&app("../x")).await.unwrap();
    assert_eq!(store.everything().await.unwrap().len(), 1);
}

#[tokio::test]
async fn no_name_leads_out_of_the_folder_or_to_another_names_file() {
    let outside = tempfile::tempdir().unwrap();
    let inside = outside.path().join("store");
    let store = FileStore::open(&inside).unwrap();
    let names = ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", "a", "A", "%61", "a\0b", "con", "李", ".draft-1", "a b"];
    for (i, name) in names.into_iter().enumerate() {
        let decisions = BTreeMap::from([(Scope::ALL[i % Scope::ALL.len()], i % 2 == 0)]);
        store.save(&app(name), &user(name), &decisions).await.unwrap();
    }
    for (i, name) in names.into_iter().enumerate() {
        let decisions = BTreeMap::from([(Scope::ALL[i % Scope::ALL.len()], i % 2 == 0)]);
        assert_eq!(store.load(&app(name), &user(name)).await.unwrap(), decisions, "{name:?}");
    }
    assert_eq!(entries(outside.path()).unwrap().len(), 1);
    assert_eq!(entries(&inside).unwrap().len(), names.len() + 1);
}

#[tokio::test]
async fn a_name_too_long_for_a_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    for (a, u) in [("x".repeat(1000), "u".to_owned()), ("a".to_owned(), "é".repeat(100))] {
        let error = store.save(&app(&a), &user(&u), &some()).await.unwrap_err();
        assert!(matches!(error, StoreError::NameTooLong { .. }), "{error}");
        assert!(store.load(&app(&a), &user(&u)).await.is_err());
    }
}

#[test]
fn a_folder_in_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(&dir);
    let error = FileStore::open(dir.path()).unwrap_err();
    assert!(matches!(&error, StoreError::InUse { .. }) && error.to_string().contains("in use"), "{error}");
    drop(first);
    open(&dir);
}

#[tokio::test]
async fn a_damaged_file_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    store.save(&app("a"), &user("u"), &some()).await.unwrap();
    let path = dir.path().join("app-a/user-u.json");
    let whole = fs::read_to_string(&path).unwrap();
    for damage in [
        String::new(),
        whole[..whole.len() / 2].to_owned(),
        whole.replace("true", "\"yes\""),
        whole.replace("\"version\":1", "\"version\":2"),
        whole.replace("\"user\":\"u\"", "\"user\":\"v\""),
        "\0".repeat(whole.len()),
    ] {
        fs::write(&path, &damage).unwrap();
        let error = store.load(&app("a"), &user("u")).await.unwrap_err();
        assert!(matches!(&error, StoreError::Damaged { .. }) && error.to_string().contains("user-u.json"), "{damage}: {error}");
        assert!(store.save(&app("a"), &user("u"), &some()).await.is_err(), "{damage}");
        assert_eq!(fs::read_to_string(&path).unwrap(), damage, "nothing is saved over it");
    }
}

#[tokio::test]
async fn decisions_about_scopes_of_a_newer_version_stay_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    store.save(&app("a"), &user("u"), &some()).await.unwrap();
    let path = dir.path().join("app-a/user-u.json");
    let newer = fs::read_to_string(&path).unwrap().replace("{\"scope.", "{\"scope.bluetooth\":false,\"scope.");
    fs::write(&path, newer).unwrap();
    assert_eq!(store.load(&app("a"), &user("u")).await.unwrap(), some());

    let left = BTreeMap::from([(Scope::Record, false)]);
    store.save(&app("a"), &user("u"), &left).await.unwrap();
    assert_eq!(store.load(&app("a"), &user("u")).await.unwrap(), left, "a decision that is left out goes");
    let file: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(file["decisions"], serde_json::json!({"scope.bluetooth": false, "scope.record": false}));
}

#[tokio::test]
async fn what_a_killed_process_left_is_swept_away() {
    let dir = tempfile::tempdir().unwrap();
    open(&dir).save(&app("a"), &user("u"), &some()).await.unwrap();
    fs::write(dir.path().join("app-a/.draft-x"), "half").unwrap();
    fs::create_dir_all(dir.path().join(".removed-x/app")).unwrap();
    let store = open(&dir);
    assert_eq!(entries(dir.path()).unwrap().len(), 2);
    assert_eq!(entries(&dir.path().join("app-a")).unwrap().len(), 1);
    assert_eq!(store.load(&app("a"), &user("u")).await.unwrap(), some());
}

#[tokio::test]
async fn a_save_that_nobody_waits_for_is_done_before_the_next_load() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (app, user) = (app("a"), user("u"));
    for round in 0..20 {
        let decisions = BTreeMap::from([(Scope::Record, round % 2 == 0)]);
        let mut save = store.save(&app, &user, &decisions);
        // The first poll hands the work to another thread; then the caller goes away.
        assert!((&mut save).now_or_never().is_none());
        drop(save);
        assert_eq!(store.load(&app, &user).await.unwrap(), decisions);
    }
}
