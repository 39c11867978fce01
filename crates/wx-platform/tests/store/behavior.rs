//! What the documentation of the trait says, sentence by sentence, over each store.

use std::{collections::BTreeMap, sync::Arc};

use tokio::task::JoinSet;
use wx_api::Timestamp;
use wx_platform::store::{MOST_SOTER_KEYS, Session, Store, TokenKind};
use wx_rules::login::{CODE_LIFE, CodeError};

use crate::{place::Place, samples::*};

/// How many ask at once where one may win.
const CROWD: u64 = 64;

macro_rules! over_each_store {
    ($($test:ident)*) => {
        mod memory {
            use crate::place::Place;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() { super::$test(Place::memory()).await; })*
        }
        mod redb {
            use crate::place::Place;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() { super::$test(Place::redb()).await; })*
        }
    };
}

over_each_store! {
    the_first_identity_stays
    a_host_key_is_found_by_its_hash_and_replaced
    every_host_key_of_a_name_is_removed_and_counted
    an_app_is_kept_and_replaced
    apps_are_listed_by_id
    a_removed_app_takes_all_that_is_its_own_along_and_nothing_else
    an_app_that_was_removed_and_comes_back_begins_with_nothing
    a_user_is_kept_and_replaced
    users_are_listed_by_id
    a_session_begins_in_place_of_the_old_one
    a_session_of_one_app_or_user_is_not_that_of_another
    every_state_of_a_session_has_a_version_of_its_own
    a_code_leads_to_the_session_as_it_is_now
    a_code_works_once
    of_a_crowd_with_one_code_one_gets_the_session
    a_code_of_another_app_is_unknown_and_stays_good_for_its_own
    a_code_expires_after_five_minutes_and_expiry_comes_first
    a_code_nobody_was_given_is_unknown
    a_session_is_replaced_only_as_long_as_it_is_current
    of_a_crowd_that_replaces_one_session_one_does
    a_login_in_between_keeps_a_session_from_being_replaced
    a_session_that_is_not_there_is_not_replaced
    a_token_is_found_by_its_text_expired_or_not
    the_newest_token_is_kept_for_each_app_and_kind
    a_replaced_token_expires_when_it_should_and_never_later_than_before
    only_the_newest_token_can_be_replaced
    of_a_crowd_that_replaces_one_token_all_get_the_one_that_came_first
    where_no_token_is_left_a_new_one_takes_its_place
    revoked_tokens_end_and_those_of_other_apps_do_not
    soter_keys_are_listed_the_oldest_first
    a_soter_key_that_is_there_stays_as_it_is
    a_soter_key_too_many_is_refused_and_none_goes
    a_counter_rises_and_never_falls
    of_a_crowd_that_raises_one_counter_each_rise_is_counted_once
    the_counter_of_an_unknown_key_does_not_rise
    a_store_that_works_is_healthy_and_asking_changes_nothing
    codes_are_forgotten_when_they_are_five_minutes_old
    tokens_are_forgotten_when_they_expired
    forgetting_has_no_end_before_all_is_forgotten
}

async fn the_first_identity_stays(mut place: Place) {
    assert_eq!(place.store().identity(identity("first")).await.unwrap(), identity("first"));
    assert_eq!(place.store().identity(identity("second")).await.unwrap(), identity("first"));
    place.restart();
    assert_eq!(place.store().identity(identity("third")).await.unwrap(), identity("first"));
}

async fn a_host_key_is_found_by_its_hash_and_replaced(mut place: Place) {
    let store = place.store();
    store.put_host_key([1; 32], host_key("kiosk")).await.unwrap();
    assert_eq!(store.host_key(&[1; 32]).await.unwrap(), Some(host_key("kiosk")));
    assert_eq!(store.host_key(&[2; 32]).await.unwrap(), None);
    store.put_host_key([1; 32], host_key("farm")).await.unwrap();
    drop(store);
    place.restart();
    assert_eq!(place.store().host_key(&[1; 32]).await.unwrap(), Some(host_key("farm")));
}

async fn every_host_key_of_a_name_is_removed_and_counted(mut place: Place) {
    let store = place.store();
    for (hash, name) in [(1, "kiosk"), (2, "farm"), (3, "kiosk")] {
        store.put_host_key([hash; 32], host_key(name)).await.unwrap();
    }
    assert_eq!(store.remove_host_keys("kiosk").await.unwrap(), 2);
    assert_eq!(store.remove_host_keys("kiosk").await.unwrap(), 0);
    drop(store);
    place.restart();
    let store = place.store();
    assert_eq!(store.host_key(&[1; 32]).await.unwrap(), None);
    assert_eq!(store.host_key(&[3; 32]).await.unwrap(), None);
    assert_eq!(store.host_key(&[2; 32]).await.unwrap(), Some(host_key("farm")));
}

async fn an_app_is_kept_and_replaced(mut place: Place) {
    let store = place.store();
    assert_eq!(store.app(&id("wx1")).await.unwrap(), None);
    store.put_app(app("wx1")).await.unwrap();
    assert_eq!(store.app(&id("wx1")).await.unwrap(), Some(Arc::new(app("wx1"))));
    let mut changed = app("wx1");
    (changed.frozen, changed.account, changed.secret) = (false, None, [8; 32]);
    store.put_app(changed.clone()).await.unwrap();
    drop(store);
    place.restart();
    assert_eq!(place.store().app(&id("wx1")).await.unwrap(), Some(Arc::new(changed)));
}

async fn apps_are_listed_by_id(mut place: Place) {
    for name in ["wx2", "wx10", "wx1"] {
        place.store().put_app(app(name)).await.unwrap();
    }
    place.restart();
    let apps = place.store().apps().await.unwrap();
    assert_eq!(apps, ["wx1", "wx10", "wx2"].map(|name| Arc::new(app(name))));
}

/// Everything an app can have.
async fn furnish(store: &dyn Store, name: &str) {
    store.put_app(app(name)).await.unwrap();
    store.begin_session(&format!("code of {name}"), NOW, session(name, "o1", 1)).await.unwrap();
    for (kind, text) in [(TokenKind::Plain, "plain"), (TokenKind::Stable, "stable")] {
        let token = token(name, kind, &format!("{text} of {name}"), later(7200));
        store.replace_token(None, token, NOW).await.unwrap();
    }
    store.add_soter_key(&id(name), "o1", soter_key("key", Some(3))).await.unwrap();
}

/// What is left of that.
async fn rest(store: &dyn Store, name: &str) -> [bool; 7] {
    let app = id(name);
    [
        store.app(&app).await.unwrap().is_some(),
        store.session(&app, "o1").await.unwrap().is_some(),
        store.token(&format!("plain of {name}")).await.unwrap().is_some(),
        store.current_token(&app, TokenKind::Plain).await.unwrap().is_some(),
        store.current_token(&app, TokenKind::Stable).await.unwrap().is_some(),
        !store.soter_keys(&app, "o1").await.unwrap().is_empty(),
        store.consume_code(&app, &format!("code of {name}"), NOW).await.unwrap().is_ok(),
    ]
}

async fn a_removed_app_takes_all_that_is_its_own_along_and_nothing_else(mut place: Place) {
    let neighbours = ["wx", "wx10", "wx1\u{0}", "wx1\u{1}", "wx2"];
    let store = place.store();
    for name in neighbours.into_iter().chain(["wx1"]) {
        furnish(&*store, name).await;
    }
    assert!(store.remove_app(&id("wx1")).await.unwrap());
    assert!(!store.remove_app(&id("wx1")).await.unwrap());
    drop(store);
    place.restart();
    assert_eq!(rest(&*place.store(), "wx1").await, [false; 7]);
    for name in neighbours {
        assert_eq!(rest(&*place.store(), name).await, [true; 7], "{name:?}");
    }
}

async fn an_app_that_was_removed_and_comes_back_begins_with_nothing(mut place: Place) {
    let store = place.store();
    furnish(&*store, "wx1").await;
    assert!(store.remove_app(&id("wx1")).await.unwrap());
    store.put_app(app("wx1")).await.unwrap();
    drop(store);
    place.restart();
    assert_eq!(rest(&*place.store(), "wx1").await, [true, false, false, false, false, false, false]);
    assert_eq!(place.store().consume_code(&id("wx1"), "code of wx1", NOW).await.unwrap(), Err(CodeError::Unknown));
}

async fn a_user_is_kept_and_replaced(mut place: Place) {
    let store = place.store();
    assert!(store.user(&"li".into()).await.unwrap().is_none());
    store.put_user(user("li")).await.unwrap();
    assert!(store.user(&"li".into()).await.unwrap() == Some(user("li")));
    let mut changed = user("li");
    (changed.blocked, changed.places) = (false, BTreeMap::new());
    store.put_user(changed.clone()).await.unwrap();
    drop(store);
    place.restart();
    assert!(place.store().user(&"li".into()).await.unwrap() == Some(changed));
}

async fn users_are_listed_by_id(mut place: Place) {
    for name in ["wang", "li", "zhang"] {
        place.store().put_user(user(name)).await.unwrap();
    }
    place.restart();
    assert!(place.store().users().await.unwrap() == ["li", "wang", "zhang"].map(user));
}

/// The session as it was kept, but for the version.
async fn kept(store: &dyn Store, app: &str, openid: &str) -> Session {
    let session = store.session(&id(app), openid).await.unwrap().unwrap();
    Session { version: 0, ..session }
}

async fn a_session_begins_in_place_of_the_old_one(mut place: Place) {
    let store = place.store();
    assert_eq!(store.session(&id("wx1"), "o1").await.unwrap(), None);
    store.begin_session("a", NOW, session("wx1", "o1", 1)).await.unwrap();
    assert_eq!(kept(&*store, "wx1", "o1").await, session("wx1", "o1", 1));
    store.begin_session("b", NOW, session("wx1", "o1", 2)).await.unwrap();
    drop(store);
    place.restart();
    assert_eq!(kept(&*place.store(), "wx1", "o1").await, session("wx1", "o1", 2));
}

async fn a_session_of_one_app_or_user_is_not_that_of_another(place: Place) {
    let (store, all) = (place.store(), [("wx1", "o1", 1), ("wx1", "o2", 2), ("wx2", "o1", 3), ("wx1o", "1", 4)]);
    for (app, openid, key) in all {
        store.begin_session(&format!("{key}"), NOW, session(app, openid, key)).await.unwrap();
    }
    for (app, openid, key) in all {
        assert_eq!(kept(&*store, app, openid).await, session(app, openid, key));
    }
}

async fn every_state_of_a_session_has_a_version_of_its_own(mut place: Place) {
    let mut versions = Vec::new();
    for round in 0..3_u8 {
        for key in 0..3 {
            let store = place.store();
            store.begin_session(&format!("{round} {key}"), NOW, session("wx1", "o1", key)).await.unwrap();
            let begun = store.session(&id("wx1"), "o1").await.unwrap().unwrap();
            versions.push(begun.version);
            assert!(store.replace_session(begun).await.unwrap());
            versions.push(store.session(&id("wx1"), "o1").await.unwrap().unwrap().version);
        }
        place.restart();
        place.store().remove_app(&id("wx1")).await.unwrap();
        place.restart();
    }
    let all = versions.len();
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), all);
}

async fn a_code_leads_to_the_session_as_it_is_now(place: Place) {
    let store = place.store();
    store.begin_session("old", NOW, session("wx1", "o1", 1)).await.unwrap();
    store.begin_session("new", NOW, session("wx1", "o1", 2)).await.unwrap();
    let got = store.consume_code(&id("wx1"), "old", NOW).await.unwrap().unwrap();
    assert_eq!(got, store.session(&id("wx1"), "o1").await.unwrap().unwrap());
    assert_eq!(got.key, session("wx1", "o1", 2).key);
    assert!(store.replace_session(Session { key: session("wx1", "o1", 3).key, ..got }).await.unwrap());
    let got = store.consume_code(&id("wx1"), "new", NOW).await.unwrap().unwrap();
    assert_eq!(got.key, session("wx1", "o1", 3).key);
}

async fn a_code_works_once(mut place: Place) {
    place.store().begin_session("a", NOW, session("wx1", "o1", 1)).await.unwrap();
    place.restart();
    assert!(place.store().consume_code(&id("wx1"), "a", NOW).await.unwrap().is_ok());
    assert_eq!(place.store().consume_code(&id("wx1"), "a", NOW).await.unwrap(), Err(CodeError::Used));
    place.restart();
    assert_eq!(place.store().consume_code(&id("wx1"), "a", NOW).await.unwrap(), Err(CodeError::Used));
}

async fn of_a_crowd_with_one_code_one_gets_the_session(place: Place) {
    let store = place.store();
    for code in ["a", "b", "c"] {
        store.begin_session(code, NOW, session("wx1", "o1", 1)).await.unwrap();
        let mut crowd = JoinSet::new();
        for _ in 0..CROWD {
            let store = store.clone();
            crowd.spawn(async move { store.consume_code(&id("wx1"), code, NOW).await.unwrap() });
        }
        let (winners, others): (Vec<_>, Vec<_>) = crowd.join_all().await.into_iter().partition(Result::is_ok);
        assert_eq!(winners.len(), 1);
        assert!(others.iter().all(|other| *other == Err(CodeError::Used)));
    }
}

async fn a_code_of_another_app_is_unknown_and_stays_good_for_its_own(place: Place) {
    let store = place.store();
    store.begin_session("a", NOW, session("wx1", "o1", 1)).await.unwrap();
    store.begin_session("b", NOW, session("wx2", "o1", 2)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(store.consume_code(&id("wx2"), "a", NOW).await.unwrap(), Err(CodeError::Unknown));
    }
    assert!(store.consume_code(&id("wx1"), "a", NOW).await.unwrap().is_ok());
    assert_eq!(store.consume_code(&id("wx2"), "a", NOW).await.unwrap(), Err(CodeError::Unknown));
}

async fn a_code_expires_after_five_minutes_and_expiry_comes_first(place: Place) {
    let (store, last) = (place.store(), Timestamp::from_millis((NOW + CODE_LIFE).as_millis() - 1));
    store.begin_session("a", NOW, session("wx1", "o1", 1)).await.unwrap();
    assert_eq!(store.consume_code(&id("wx1"), "a", NOW + CODE_LIFE).await.unwrap(), Err(CodeError::Expired));
    assert!(store.consume_code(&id("wx1"), "a", last).await.unwrap().is_ok(), "an expired code is not used up");
    assert_eq!(store.consume_code(&id("wx1"), "a", last).await.unwrap(), Err(CodeError::Used));
    assert_eq!(store.consume_code(&id("wx1"), "a", NOW + CODE_LIFE).await.unwrap(), Err(CodeError::Expired));
}

async fn a_code_nobody_was_given_is_unknown(place: Place) {
    let store = place.store();
    store.begin_session("a", NOW, session("wx1", "o1", 1)).await.unwrap();
    for code in ["", "A", "a ", "b", "\u{0}"] {
        assert_eq!(store.consume_code(&id("wx1"), code, NOW).await.unwrap(), Err(CodeError::Unknown), "{code:?}");
    }
}

async fn a_session_is_replaced_only_as_long_as_it_is_current(mut place: Place) {
    let store = place.store();
    store.begin_session("a", NOW, session("wx1", "o1", 1)).await.unwrap();
    let first = store.session(&id("wx1"), "o1").await.unwrap().unwrap();
    let second = Session { key: session("wx1", "o1", 2).key, ..first.clone() };
    assert!(store.replace_session(second.clone()).await.unwrap());
    assert!(!store.replace_session(first).await.unwrap());
    assert!(!store.replace_session(second.clone()).await.unwrap(), "it has a version of its own now");
    drop(store);
    place.restart();
    assert_eq!(kept(&*place.store(), "wx1", "o1").await, Session { version: 0, ..second });
}

async fn of_a_crowd_that_replaces_one_session_one_does(place: Place) {
    let store = place.store();
    store.begin_session("a", NOW, session("wx1", "o1", 0)).await.unwrap();
    let begun = store.session(&id("wx1"), "o1").await.unwrap().unwrap();
    let mut crowd = JoinSet::new();
    for key in 1..=CROWD {
        let (store, key) = (store.clone(), session("wx1", "o1", u8::try_from(key).unwrap()).key);
        let session = Session { key: key.clone(), ..begun.clone() };
        crowd.spawn(async move { store.replace_session(session).await.unwrap().then_some(key) });
    }
    let winners: Vec<_> = crowd.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners, [store.session(&id("wx1"), "o1").await.unwrap().unwrap().key]);
}

async fn a_login_in_between_keeps_a_session_from_being_replaced(place: Place) {
    let store = place.store();
    store.begin_session("a", NOW, session("wx1", "o1", 1)).await.unwrap();
    let old = store.session(&id("wx1"), "o1").await.unwrap().unwrap();
    store.begin_session("b", NOW, session("wx1", "o1", 1)).await.unwrap();
    assert!(!store.replace_session(old).await.unwrap(), "the same session, but for its version");
}

async fn a_session_that_is_not_there_is_not_replaced(place: Place) {
    let store = place.store();
    assert!(!store.replace_session(session("wx1", "o1", 1)).await.unwrap());
    assert_eq!(store.session(&id("wx1"), "o1").await.unwrap(), None);
}

async fn a_token_is_found_by_its_text_expired_or_not(mut place: Place) {
    let token = token("wx1", TokenKind::Plain, "t1", NOW);
    assert_eq!(place.store().replace_token(None, token.clone(), NOW).await.unwrap(), token);
    place.restart();
    assert_eq!(place.store().token("t1").await.unwrap(), Some(token.clone()));
    assert_eq!(place.store().current_token(&id("wx1"), TokenKind::Plain).await.unwrap(), Some(token));
    assert_eq!(place.store().token("t2").await.unwrap(), None);
}

async fn the_newest_token_is_kept_for_each_app_and_kind(mut place: Place) {
    let all = [
        token("wx1", TokenKind::Plain, "t1", later(1)),
        token("wx1", TokenKind::Stable, "t2", later(2)),
        token("wx2", TokenKind::Plain, "t3", later(3)),
    ];
    assert_eq!(place.store().current_token(&id("wx1"), TokenKind::Plain).await.unwrap(), None);
    for token in &all {
        place.store().replace_token(None, token.clone(), NOW).await.unwrap();
    }
    place.restart();
    for token in all {
        assert_eq!(place.store().current_token(&token.app, token.kind).await.unwrap(), Some(token));
    }
    assert_eq!(place.store().current_token(&id("wx2"), TokenKind::Stable).await.unwrap(), None);
}

async fn a_replaced_token_expires_when_it_should_and_never_later_than_before(mut place: Place) {
    let plain = |text, expires| token("wx1", TokenKind::Plain, text, expires);
    let store = place.store();
    store.replace_token(None, plain("t1", later(7200)), NOW).await.unwrap();
    store.replace_token(Some("t1"), plain("t2", later(7201)), later(300)).await.unwrap();
    store.replace_token(Some("t2"), plain("t3", later(7202)), later(9999)).await.unwrap();
    drop(store);
    place.restart();
    for (text, expires) in [("t1", 300), ("t2", 7201), ("t3", 7202)] {
        assert_eq!(place.store().token(text).await.unwrap(), Some(plain(text, later(expires))));
    }
    assert_eq!(place.store().current_token(&id("wx1"), TokenKind::Plain).await.unwrap(), Some(plain("t3", later(7202))));
}

async fn only_the_newest_token_can_be_replaced(place: Place) {
    let plain = |text| token("wx1", TokenKind::Plain, text, later(7200));
    let store = place.store();
    store.replace_token(None, plain("t1"), NOW).await.unwrap();
    store.replace_token(Some("t1"), plain("t2"), later(7200)).await.unwrap();
    for was in [None, Some("t1"), Some("t9")] {
        assert_eq!(store.replace_token(was, plain("t3"), NOW).await.unwrap(), plain("t2"));
    }
    assert_eq!(store.token("t3").await.unwrap(), None);
    assert_eq!(store.token("t2").await.unwrap(), Some(plain("t2")), "it expires as before");
}

async fn of_a_crowd_that_replaces_one_token_all_get_the_one_that_came_first(place: Place) {
    let stable = |text: &str| token("wx1", TokenKind::Stable, text, later(7200));
    let store = place.store();
    store.replace_token(None, stable("old"), NOW).await.unwrap();
    let mut crowd = JoinSet::new();
    for n in 0..CROWD {
        let (store, token) = (store.clone(), stable(&format!("t{n}")));
        crowd.spawn(async move { store.replace_token(Some("old"), token, NOW).await.unwrap() });
    }
    let got = crowd.join_all().await;
    let current = store.current_token(&id("wx1"), TokenKind::Stable).await.unwrap().unwrap();
    assert_ne!(current, stable("old"));
    assert_eq!(got, vec![current; got.len()]);
    assert_eq!(store.token("old").await.unwrap().unwrap().expires, NOW);
}

async fn where_no_token_is_left_a_new_one_takes_its_place(place: Place) {
    let stable = |text| token("wx1", TokenKind::Stable, text, later(10));
    let store = place.store();
    assert_eq!(store.replace_token(Some("never was"), stable("t1"), NOW).await.unwrap(), stable("t1"));
    store.revoke_tokens(&id("wx1")).await.unwrap();
    assert_eq!(store.replace_token(Some("t1"), stable("t2"), NOW).await.unwrap(), stable("t2"));
    assert_eq!(store.token("t1").await.unwrap(), None, "it stays revoked");
    store.forget(later(10)).await.unwrap();
    assert_eq!(store.replace_token(Some("t2"), stable("t3"), NOW).await.unwrap(), stable("t3"));
}

async fn revoked_tokens_end_and_those_of_other_apps_do_not(mut place: Place) {
    let store = place.store();
    furnish(&*store, "wx1").await;
    furnish(&*store, "wx2").await;
    store.replace_token(Some("plain of wx1"), token("wx1", TokenKind::Plain, "next", later(7200)), later(300)).await.unwrap();
    store.revoke_tokens(&id("wx1")).await.unwrap();
    drop(store);
    place.restart();
    let store = place.store();
    for text in ["plain of wx1", "next", "stable of wx1"] {
        assert_eq!(store.token(text).await.unwrap(), None, "{text}");
    }
    assert_eq!(rest(&*store, "wx1").await, [true, true, false, false, false, true, true]);
    assert_eq!(rest(&*store, "wx2").await, [true; 7]);
}

async fn soter_keys_are_listed_the_oldest_first(mut place: Place) {
    for key in ["c", "a", "b"] {
        place.store().add_soter_key(&id("wx1"), "o1", soter_key(key, None)).await.unwrap();
    }
    place.store().add_soter_key(&id("wx1"), "o2", soter_key("d", Some(4))).await.unwrap();
    place.restart();
    let keys = place.store().soter_keys(&id("wx1"), "o1").await.unwrap();
    assert_eq!(keys, ["c", "a", "b"].map(|key| soter_key(key, None)));
    assert_eq!(place.store().soter_keys(&id("wx1"), "o2").await.unwrap(), [soter_key("d", Some(4))]);
    assert_eq!(place.store().soter_keys(&id("wx2"), "o1").await.unwrap(), []);
}

async fn a_soter_key_that_is_there_stays_as_it_is(place: Place) {
    let store = place.store();
    for key in ["a", "b"] {
        store.add_soter_key(&id("wx1"), "o1", soter_key(key, None)).await.unwrap();
    }
    assert!(store.raise_counter(&id("wx1"), "o1", "a", 9).await.unwrap());
    for counter in [None, Some(0), Some(99)] {
        store.add_soter_key(&id("wx1"), "o1", soter_key("a", counter)).await.unwrap();
    }
    assert_eq!(store.soter_keys(&id("wx1"), "o1").await.unwrap(), [soter_key("a", Some(9)), soter_key("b", None)]);
}

async fn a_soter_key_too_many_is_refused_and_none_goes(place: Place) {
    let (store, key) = (place.store(), |n: usize| soter_key(&format!("key {n}"), Some(n as u64)));
    for n in 0..MOST_SOTER_KEYS {
        assert!(store.add_soter_key(&id("wx1"), "o1", key(n)).await.unwrap(), "{n}");
    }
    assert!(!store.add_soter_key(&id("wx1"), "o1", key(MOST_SOTER_KEYS)).await.unwrap());
    assert!(store.add_soter_key(&id("wx1"), "o1", key(0)).await.unwrap(), "that one is there");
    assert!(store.add_soter_key(&id("wx1"), "o2", key(0)).await.unwrap(), "another user has room");
    let kept: Vec<_> = (0..MOST_SOTER_KEYS).map(key).collect();
    assert_eq!(store.soter_keys(&id("wx1"), "o1").await.unwrap(), kept);
}

async fn a_store_that_works_is_healthy_and_asking_changes_nothing(place: Place) {
    let store = place.store();
    store.healthy().await.unwrap();
    furnish(&*store, "wx1").await;
    let before = store.session(&id("wx1"), "o1").await.unwrap();
    store.healthy().await.unwrap();
    assert_eq!(store.session(&id("wx1"), "o1").await.unwrap(), before);
    assert_eq!(rest(&*store, "wx1").await, [true; 7]);
    store.begin_session("next", NOW, session("wx1", "o1", 1)).await.unwrap();
    let after = store.session(&id("wx1"), "o1").await.unwrap();
    assert_ne!(after.unwrap().version, before.unwrap().version, "nor is a version given twice");
}

async fn a_counter_rises_and_never_falls(mut place: Place) {
    place.store().add_soter_key(&id("wx1"), "o1", soter_key("a", None)).await.unwrap();
    for (to, rises) in
        [(0, true), (0, false), (5, true), (5, false), (4, false), (u64::MAX, true), (u64::MAX, false), (0, false)]
    {
        place.restart();
        assert_eq!(place.store().raise_counter(&id("wx1"), "o1", "a", to).await.unwrap(), rises, "to {to}");
    }
    assert_eq!(place.store().soter_keys(&id("wx1"), "o1").await.unwrap(), [soter_key("a", Some(u64::MAX))]);
}

async fn of_a_crowd_that_raises_one_counter_each_rise_is_counted_once(place: Place) {
    let store = place.store();
    store.add_soter_key(&id("wx1"), "o1", soter_key("a", Some(0))).await.unwrap();
    let mut crowd = JoinSet::new();
    for n in 0..CROWD {
        let store = store.clone();
        // Each number twice: of the two, one may rise.
        let to = n / 2 + 1;
        crowd.spawn(async move { store.raise_counter(&id("wx1"), "o1", "a", to).await.unwrap().then_some(to) });
    }
    let mut rises: Vec<u64> = crowd.join_all().await.into_iter().flatten().collect();
    rises.sort_unstable();
    assert!(rises.is_sorted_by(|a, b| a < b), "{rises:?}");
    assert_eq!(rises.last(), Some(&(CROWD / 2)));
    assert_eq!(store.soter_keys(&id("wx1"), "o1").await.unwrap(), [soter_key("a", Some(CROWD / 2))]);
}

async fn the_counter_of_an_unknown_key_does_not_rise(place: Place) {
    let store = place.store();
    store.add_soter_key(&id("wx1"), "o1", soter_key("a", None)).await.unwrap();
    for (app, openid, key) in [("wx1", "o1", "b"), ("wx1", "o2", "a"), ("wx2", "o1", "a")] {
        assert!(!store.raise_counter(&id(app), openid, key, 1).await.unwrap());
        assert!(store.soter_keys(&id(app), openid).await.unwrap().iter().all(|key| key.counter.is_none()));
    }
}

async fn codes_are_forgotten_when_they_are_five_minutes_old(mut place: Place) {
    let store = place.store();
    for (code, issued) in [("old", NOW), ("used", NOW), ("young", Timestamp::from_millis(NOW.as_millis() + 1))] {
        store.begin_session(code, issued, session("wx1", "o1", 1)).await.unwrap();
    }
    // A code given out twice is as old as the second time.
    for issued in [NOW, later(1)] {
        store.begin_session("again", issued, session("wx1", "o1", 1)).await.unwrap();
    }
    assert!(store.consume_code(&id("wx1"), "used", NOW).await.unwrap().is_ok());
    store.forget(NOW + CODE_LIFE).await.unwrap();
    drop(store);
    place.restart();
    for (code, left) in [("old", false), ("used", false), ("young", true), ("again", true)] {
        // Asked at a time when none of them was expired: whether it is there shows.
        let found = place.store().consume_code(&id("wx1"), code, NOW).await.unwrap();
        assert_eq!(found.map(drop), if left { Ok(()) } else { Err(CodeError::Unknown) }, "{code}");
    }
    assert!(place.store().session(&id("wx1"), "o1").await.unwrap().is_some(), "sessions stay");
}

async fn tokens_are_forgotten_when_they_expired(mut place: Place) {
    let store = place.store();
    let plain = |text, expires| token("wx1", TokenKind::Plain, text, expires);
    store.replace_token(None, plain("replaced", later(7200)), NOW).await.unwrap();
    store.replace_token(Some("replaced"), plain("expired", later(300)), later(200)).await.unwrap();
    store.replace_token(None, token("wx1", TokenKind::Stable, "good", later(301)), NOW).await.unwrap();
    store.forget(later(200)).await.unwrap();
    assert_eq!(store.token("replaced").await.unwrap(), None, "its time was cut short");
    assert!(store.token("expired").await.unwrap().is_some());
    store.forget(later(300)).await.unwrap();
    drop(store);
    place.restart();
    let store = place.store();
    assert_eq!(store.token("expired").await.unwrap(), None);
    assert_eq!(store.current_token(&id("wx1"), TokenKind::Plain).await.unwrap(), None);
    assert!(store.token("good").await.unwrap().is_some());
    assert!(store.current_token(&id("wx1"), TokenKind::Stable).await.unwrap().is_some());
}

async fn forgetting_has_no_end_before_all_is_forgotten(place: Place) {
    let store = place.store();
    let mut logins = JoinSet::new();
    for n in 0..5000 {
        let store = store.clone();
        logins.spawn(async move { store.begin_session(&format!("{n}"), NOW, session("wx1", "o1", 1)).await.unwrap() });
    }
    logins.join_all().await;
    store.forget(NOW + CODE_LIFE).await.unwrap();
    for n in (0..5000).step_by(100) {
        let found = store.consume_code(&id("wx1"), &format!("{n}"), NOW).await.unwrap();
        assert_eq!(found, Err(CodeError::Unknown), "{n}");
    }
}
