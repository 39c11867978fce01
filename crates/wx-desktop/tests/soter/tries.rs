//! Wrong fingers are remembered over the end of the process, and by the clock.

use std::{fs, path::PathBuf, time::Duration};

use wx_api::{Touch, soter::SoterCode};

use crate::bench::{Bench, software};

/// The code of a dialog in which these many fingers are wrong and then one is right.
async fn try_wrong(bench: &Bench, times: usize) -> Option<i32> {
    for _ in 0..times {
        bench.finger.touch(Touch::NoMatch);
    }
    bench.confirm("order 42").await.err().map(|error| error.code().unwrap())
}

fn file(bench: &Bench) -> PathBuf {
    bench.folder.path().join("soter/lockout")
}

/// Another process over the same folder, whose clock begins anew.
async fn restarted(bench: Bench) -> Bench {
    let Bench { desktop, folder, .. } = bench;
    desktop.shutdown().await.unwrap();
    let (device, finger) = software(folder.path());
    Bench::over(folder, device, finger).await
}

const NOT_RECOGNIZED: Option<i32> = Some(SoterCode::NotRecognized.code());
const FROZEN: Option<i32> = Some(SoterCode::Frozen.code());
const FREEZE: Duration = wx_rules::soter::FREEZE;

#[tokio::test]
async fn a_new_process_has_no_new_tries() {
    let bench = Bench::new().await;
    assert_eq!(try_wrong(&bench, 3).await, NOT_RECOGNIZED);
    let bench = restarted(bench).await;
    assert_eq!(try_wrong(&bench, 2).await, FROZEN, "the fifth of all");
    let bench = restarted(bench).await;
    assert_eq!(try_wrong(&bench, 0).await, FROZEN, "the right finger too");
    bench.clock.pass(FREEZE);
    assert_eq!(try_wrong(&bench, 0).await, None);
}

#[tokio::test]
async fn a_match_is_remembered_too() {
    let bench = Bench::new().await;
    assert_eq!(try_wrong(&bench, 2).await, None);
    let bench = restarted(bench).await;
    assert_eq!(try_wrong(&bench, 3).await, NOT_RECOGNIZED, "not the fifth in a row");
}

#[tokio::test]
async fn processes_that_share_the_folder_share_the_tries() {
    let (one, folder) = (Bench::new().await, tempfile::tempdir().unwrap());
    let (mut device, finger) = software(folder.path());
    device.wrong_tries = wx_desktop::soter::WrongTries::open(file(&one).parent().unwrap()).unwrap();
    let other = Bench::over(folder, device, finger).await;
    assert_eq!(try_wrong(&one, 2).await, None);
    assert_eq!(try_wrong(&one, 3).await, NOT_RECOGNIZED);
    assert_eq!(try_wrong(&other, 2).await, FROZEN);
    assert_eq!(try_wrong(&one, 0).await, FROZEN);
}

#[tokio::test]
async fn a_wrong_finger_is_on_the_disk_before_the_answer_is_there() {
    let bench = Bench::new().await;
    for kept in [r#"{"wrong":3,"frozen_at":null}"#, r#"{"wrong":0,"frozen_at":0}"#] {
        try_wrong(&bench, 3).await.unwrap();
        assert_eq!(fs::read_to_string(file(&bench)).unwrap(), kept);
    }
}

#[tokio::test]
async fn a_clock_put_back_neither_ends_a_freeze_nor_makes_it_last() {
    let bench = Bench::new().await;
    bench.clock.pass(Duration::from_secs(365 * 86_400));
    assert_eq!(try_wrong(&bench, 3).await, NOT_RECOGNIZED);
    assert_eq!(try_wrong(&bench, 2).await, FROZEN);
    let bench = restarted(bench).await; // a year earlier
    assert_eq!(try_wrong(&bench, 0).await, FROZEN);
    let moment = Duration::from_millis(1);
    bench.clock.pass(FREEZE.checked_sub(moment).unwrap());
    assert_eq!(try_wrong(&bench, 0).await, FROZEN);
    bench.clock.pass(moment);
    assert_eq!(try_wrong(&bench, 0).await, None);
}

#[tokio::test]
async fn where_it_cannot_be_read_how_often_nobody_may_try() {
    let bench = Bench::new().await;
    for damage in ["", "{}", r#"{"wrong":-1,"frozen_at":null}"#, r#"{"wrong":0,"frozen_at":null,"x":1}"#] {
        fs::write(file(&bench), damage).unwrap();
        let error = bench.confirm("order 42").await.unwrap_err();
        assert_eq!(error.code(), Some(SoterCode::Internal.code()));
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.ends_with("lockout is damaged: it does not say how often fingers were wrong"), "{source}");
        assert_eq!(fs::read_to_string(file(&bench)).unwrap(), damage);
    }
    assert!(bench.finger.dialogs().is_empty());
    fs::remove_file(file(&bench)).unwrap();
    assert!(bench.confirm("order 42").await.is_ok());
}

#[tokio::test]
async fn tries_outlive_a_key_that_is_removed() {
    let bench = Bench::new().await;
    assert_eq!(try_wrong(&bench, 3).await, NOT_RECOGNIZED);
    for name in ["key.pem", "ask.pem", "attk.pem", "records", "counter"] {
        fs::remove_file(file(&bench).with_file_name(name)).unwrap();
    }
    let bench = restarted(bench).await;
    assert_eq!(try_wrong(&bench, 2).await, FROZEN);
}
