//! Access tokens.

use std::{
    collections::BTreeSet,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use serde_json::json;
use wx_platform::{
    Errcode,
    platform::Rules,
    server::Limits,
    store::{Store as _, TokenKind},
    wire::{
        Hidden,
        token::{GRANT_TYPE, TokenRequest},
    },
};

use crate::{
    disk::{Disk, OnDisk},
    rig::{APP, Rig},
};

const OVERLAP: Duration = Duration::from_secs(300);

/// What a token gets: 40003 means that it was good.
async fn with(rig: &Rig, token: &str) -> Option<i64> {
    rig.check_session(token, "oNobody", &wx_crypto::SessionKey::from_bytes([0; 16])).await.errcode()
}

#[tokio::test]
async fn a_token_is_new_each_time_and_the_one_before_is_good_for_five_minutes_more() {
    let rig = Rig::new().await;
    let (one, two) = (rig.token().await, rig.token().await);
    assert_ne!(one, two);
    assert_eq!((with(&rig, &one).await, with(&rig, &two).await), (Some(40003), Some(40003)));
    rig.clock.advance(OVERLAP);
    assert_eq!((with(&rig, &one).await, with(&rig, &two).await), (Some(42001), Some(40003)));
}

#[tokio::test]
async fn a_stable_token_stays_until_five_minutes_before_it_ends() {
    let rig = Rig::new().await;
    let stable = async || rig.stable_token(false).await.json;
    let first = stable().await;
    assert_eq!(first["expires_in"], 7200);
    rig.clock.advance(Rules::default().token_life.saturating_sub(OVERLAP));
    let same = stable().await;
    assert_eq!((&same["access_token"], &same["expires_in"]), (&first["access_token"], &300.into()));
    rig.clock.advance(Duration::from_secs(1));
    let next = stable().await;
    assert_ne!(next["access_token"], first["access_token"]);
    assert_eq!(next["expires_in"], 7200);
    assert_eq!(with(&rig, first["access_token"].as_str().unwrap()).await, Some(40003), "still good");
}

#[tokio::test]
async fn a_forced_token_ends_the_one_before() {
    let rig = Rig::new().await;
    let first = rig.stable_token(false).await.json["access_token"].as_str().unwrap().to_owned();
    let forced = rig.stable_token(true).await.json["access_token"].as_str().unwrap().to_owned();
    assert_eq!((with(&rig, &first).await, with(&rig, &forced).await), (Some(42001), Some(40003)));
    assert_eq!(rig.stable_token(false).await.json["access_token"], forced.as_str());
}

#[tokio::test]
async fn the_two_kinds_of_token_do_not_disturb_each_other() {
    let rig = Rig::new().await;
    let stable = rig.stable_token(false).await.json["access_token"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        rig.token().await;
    }
    rig.clock.advance(OVERLAP);
    assert_eq!(rig.stable_token(false).await.json["access_token"], stable.as_str());
    assert_eq!(with(&rig, &stable).await, Some(40003));
}

#[tokio::test]
async fn servers_that_ask_at_once_share_one_stable_token() {
    let rig = Rig::new().await;
    let ask = || rig.stable_token(false);
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    let tokens: BTreeSet<String> = [a, b, c, d].map(|answer| answer.json["access_token"].to_string()).into();
    assert_eq!(tokens.len(), 1);
    assert!(!tokens.contains("null"));
}

#[tokio::test]
async fn a_token_that_was_being_made_when_the_secret_changed_is_given_to_nobody() {
    let store = Arc::new(OnDisk::default());
    let rig = Rig::over(store.clone(), Rules::default(), Limits::default()).await;
    let request = TokenRequest {
        grant_type: GRANT_TYPE.to_owned(),
        appid: APP.to_owned(),
        secret: Hidden::from(rig.secret.clone()),
        force_refresh: false,
    };
    let mut asked = Box::pin(rig.platform.token([127, 0, 0, 1].into(), &request));
    store.set(Disk::StallsAtTokens);
    let answer = asked.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(answer.is_pending(), "the secret was seen, the token is not made yet");
    let changed = rig.set_app(json!({ "new_secret": true })).await;
    assert!(changed.json["secret"].is_string(), "{changed:?}");
    store.set(Disk::Works);
    assert_eq!(asked.await.unwrap_err().code, Errcode::BAD_SECRET);
    let left = store.current_token(&APP.into(), TokenKind::Plain).await;
    assert_eq!(left.unwrap(), None, "what was made for the old secret has ended");
}
