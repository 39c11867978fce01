//! `wx settings`.

use std::path::Path;

use wx_api::Scope;
use wx_host::{ConsentStore as _, FileStore};

use crate::{Run, wx};

/// Decisions of two users about two apps.
fn decided(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = FileStore::open(folder.join("wx/consent")).unwrap();
        for (app, user) in [("wx1", "li"), ("wx1", "wang"), ("wx2", "li")] {
            let decisions = [(Scope::Record, true), (Scope::Camera, false)].into();
            store.save(&app.into(), &user.into(), &decisions).await.unwrap();
        }
    });
}

fn settings(state: &Path, args: &[&str]) -> Run {
    wx(&[&["settings"], args].concat()).env("XDG_STATE_HOME", state.to_str().unwrap()).run()
}

#[test]
fn decisions_are_listed_and_forgotten() {
    let state = tempfile::tempdir().unwrap();
    decided(state.path());
    let list = settings(state.path(), &["list"]).exits(0).quiet().stdout;
    assert_eq!(list.lines().count(), 6);
    assert_eq!(list.lines().next(), Some("wx1  li    scope.record  granted"));

    let forgotten = settings(state.path(), &["forget", "--app-id", "wx1", "--user", "li", "--scope", "scope.camera"]).exits(0);
    assert_eq!(forgotten.stderr, "1 decision forgotten\n");
    let left = settings(state.path(), &["list", "--user", "li", "--json"]).exits(0).json();
    assert_eq!(left.as_array().unwrap().len(), 3);
    assert_eq!(settings(state.path(), &["forget", "--all"]).exits(0).stderr, "5 decisions forgotten\n");
    assert_eq!(settings(state.path(), &["list"]).exits(0).quiet().stdout, "");
}

#[test]
fn nothing_is_forgotten_without_saying_what() {
    let state = tempfile::tempdir().unwrap();
    decided(state.path());
    settings(state.path(), &["forget"]).misused("--all");
    settings(state.path(), &["forget", "--all", "--user", "li"]).misused("cannot be used with");
    assert_eq!(settings(state.path(), &["list"]).stdout.lines().count(), 6);
}

#[test]
fn a_damaged_file_is_named() {
    let state = tempfile::tempdir().unwrap();
    decided(state.path());
    std::fs::write(state.path().join("wx/consent/app-wx1/user-li.json"), "{").unwrap();
    let run = settings(state.path(), &["list"]).exits(1);
    assert!(run.stderr.contains("user-li.json is damaged"), "{}", run.stderr);
}

#[test]
fn a_folder_in_use_is_told() {
    let state = tempfile::tempdir().unwrap();
    let _store = FileStore::open(state.path().join("wx/consent")).unwrap();
    let run = settings(state.path(), &["list"]).exits(1);
    assert!(run.stderr.contains("another `wx`"), "{}", run.stderr);
}

#[test]
fn a_place_that_is_nowhere_misused() {
    wx(&["settings", "list"]).env("HOME", "").run().misused("set XDG_STATE_HOME or HOME");
}
