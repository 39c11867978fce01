//! Codes, session keys and user data.

use std::{
    future::Future as _,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use wx_crypto::{Expect, SessionKey, open_data, signature};
use wx_platform::{
    Errcode,
    platform::Rules,
    server::Limits,
    store::{RedbStore, Store as _},
    wire::{host, session},
};

use crate::disk::{Disk, OnDisk};
use crate::rig::{APP, Answer, Rig, START, USER, session_query};

const DAY: Duration = Duration::from_secs(86_400);

async fn check(rig: &Rig, launch: &str) -> bool {
    let answer = rig.ask(&rig.host, host::CHECK_SESSION, &json!({ "app": APP, "user": USER, "launch": launch })).await;
    answer.json["alive"].as_bool().unwrap()
}

async fn user_info(rig: &Rig, more: Value) -> Answer {
    let mut body = json!({ "app": APP, "user": USER, "launch": "1" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rig.ask(&rig.host, host::USER_INFO, &body).await
}

#[tokio::test]
async fn a_code_is_exchanged_for_a_session_and_nothing_else_is_in_the_answer() {
    let rig = Rig::new().await;
    let answer = rig.exchange(&rig.code().await).await;
    assert_eq!(answer.status, 200);
    let fields: Vec<&String> = answer.json.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["openid", "session_key"], "no errcode, and no unionid without an account");
    assert_eq!(answer.json["openid"].as_str().unwrap().len(), 28);
    assert!(SessionKey::from_base64(answer.json["session_key"].as_str().unwrap()).is_ok());
}

#[tokio::test]
async fn a_user_keeps_their_openid_and_gets_a_new_key_with_each_login() {
    let rig = Rig::new().await;
    let (one, two) = (rig.sign_in().await, rig.sign_in().await);
    assert_eq!(one.0, two.0);
    assert_ne!(one.1, two.1);
}

#[tokio::test]
async fn apps_of_one_account_share_the_unionid_and_no_openid() {
    let rig = Rig::new().await;
    let mut seen = Vec::new();
    for app in ["wx2", "wx3"] {
        let made = rig.ask(&rig.admin, host::APP, &json!({ "app": app, "account": "us" })).await;
        let login = rig.ask(&rig.host, host::LOGIN, &json!({ "app": app, "user": USER })).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        seen.push(rig.exchange_with(app, &text(&made.json["secret"]), &text(&login.json["code"])).await.json);
    }
    assert!(seen[0]["unionid"].is_string());
    assert_eq!(seen[0]["unionid"], seen[1]["unionid"]);
    assert_ne!(seen[0]["openid"], seen[1]["openid"]);
}

#[tokio::test]
async fn an_older_code_leads_to_the_newest_session() {
    let rig = Rig::new().await;
    let (older, newer) = (rig.code().await, rig.code().await);
    let (older, newer) = (rig.exchange(&older).await, rig.exchange(&newer).await);
    assert_eq!(older.json["session_key"], newer.json["session_key"]);
    assert!(older.json["session_key"].is_string());
}

#[tokio::test]
async fn of_many_exchanges_of_one_code_at_once_one_gets_the_session() {
    let rig = Rig::new().await;
    let code = rig.code().await;
    let (a, b, c, d) = tokio::join!(rig.exchange(&code), rig.exchange(&code), rig.exchange(&code), rig.exchange(&code));
    let mut codes = [a, b, c, d].map(|answer| answer.errcode());
    codes.sort_unstable();
    assert_eq!(codes, [None, Some(40163), Some(40163), Some(40163)]);
}

#[tokio::test]
async fn a_session_that_was_checked_lives_for_that_launch_and_ends_for_the_next() {
    let rig = Rig::new().await;
    assert!(!check(&rig, "1").await, "nobody signed in");
    rig.code().await;
    assert!(check(&rig, "1").await);
    rig.clock.advance(DAY * 40);
    assert!(check(&rig, "1").await);
    assert!(!check(&rig, "2").await);
}

#[tokio::test]
async fn use_prolongs_a_session() {
    let rig = Rig::new().await;
    rig.code().await;
    assert_eq!(user_info(&rig, json!({})).await.status, 200);
    rig.clock.advance(DAY + DAY / 2);
    assert!(check(&rig, "2").await, "used once, it idles for two days");

    rig.code().await;
    rig.clock.advance(DAY + DAY / 2);
    assert!(!check(&rig, "3").await, "unused, for one");
}

#[tokio::test]
async fn a_session_key_is_checked() {
    let rig = Rig::new().await;
    let (openid, key) = rig.sign_in().await;
    let answer = rig.check_session(&rig.token().await, &openid, &key).await;
    assert_eq!(answer.json, json!({ "errcode": 0, "errmsg": "ok" }));
    rig.clock.advance(DAY);
    let answer = rig.check_session(&rig.token().await, &openid, &key).await;
    assert_eq!(answer.errcode(), Some(87009), "the session has ended");
}

#[tokio::test]
async fn a_session_that_a_host_checked_ends_for_the_developers_server_all_the_same() {
    let rig = Rig::new().await;
    let (openid, key) = rig.sign_in().await;
    assert!(check(&rig, "1").await);
    assert_eq!(rig.check_session(&rig.token().await, &openid, &key).await.errcode(), Some(0));
    rig.clock.advance(DAY * 40);
    let token = rig.token().await;
    assert_eq!(rig.check_session(&token, &openid, &key).await.errcode(), Some(87009));
    let reset = session_query(session::RESET_SESSION_KEY, &token, &openid, &session::sign(b"", &key));
    assert_eq!(rig.get(&reset).await.errcode(), Some(87009));
    assert!(check(&rig, "1").await, "the life cycle keeps what it was promised");
}

#[tokio::test]
async fn a_session_key_is_replaced_and_the_session_goes_on() {
    let rig = Rig::new().await;
    let (openid, old) = rig.sign_in().await;
    let token = rig.token().await;
    let reset = session_query(session::RESET_SESSION_KEY, &token, &openid, &session::sign(b"", &old));
    let answer = rig.get(&reset).await;
    assert_eq!((answer.errcode(), answer.json["openid"].as_str()), (Some(0), Some(openid.as_str())));
    let new = SessionKey::from_base64(answer.json["session_key"].as_str().unwrap()).unwrap();
    assert_eq!(rig.check_session(&token, &openid, &new).await.errcode(), Some(0));
    assert_eq!(rig.check_session(&token, &openid, &old).await.errcode(), Some(87009));
    assert_eq!(rig.get(&reset).await.errcode(), Some(87009), "the old key resets nothing");
    assert!(check(&rig, "1").await);
}

#[tokio::test]
async fn user_data_is_signed_and_sealed_with_the_key_of_the_session() {
    let rig = Rig::new().await;
    let profile = json!({
        "nickName": "李雷 \"L\"", "gender": 1, "language": "en", "city": "", "province": "", "country": "", "avatarUrl": "http://x/0",
    });
    let places = json!({
        "en": { "city": "Guangzhou", "province": "Guangdong", "country": "China" },
        "zh_CN": { "city": "广州", "province": "广东", "country": "中国" },
    });
    let made = rig.ask(&rig.admin, host::USER, &json!({ "user": USER, "profile": profile, "places": places })).await;
    assert_eq!(made.errcode(), Some(0));
    rig.set_app(json!({ "account": "us" })).await;
    let (openid, key) = rig.sign_in().await;

    let answer = user_info(&rig, json!({ "lang": "zh_CN", "with_credentials": true })).await.json;
    let raw = answer["raw_data"].as_str().unwrap();
    assert_eq!(
        raw,
        concat!(
            r#"{"nickName":"李雷 \"L\"","gender":1,"language":"zh_CN","#,
            r#""city":"广州","province":"广东","country":"中国","avatarUrl":"http://x/0"}"#
        )
    );
    assert_eq!(serde_json::from_str::<Value>(raw).unwrap(), answer["user_info"]);
    assert!(signature::verify(raw.as_bytes(), &key, answer["signature"].as_str().unwrap()));

    let expect = Expect { appid: APP, now_s: i64::try_from(START.as_secs()).unwrap(), max_age_s: 0, max_skew_s: 0 };
    let (data, iv) = (answer["encrypted_data"].as_str().unwrap(), answer["iv"].as_str().unwrap());
    let opened = open_data::open(data, iv, &key, &expect).unwrap().json;
    let begin = format!(r#"{{"openId":"{openid}","nickName":"李雷 \"L\"","#);
    let end = format!(r#""watermark":{{"timestamp":{},"appid":"{APP}"}}}}"#, START.as_secs());
    assert!(opened.starts_with(&begin) && opened.ends_with(&end) && opened.contains(r#""unionId":"o"#), "{opened}");

    let again = user_info(&rig, json!({ "lang": "zh_TW", "with_credentials": true })).await.json;
    assert_ne!(again["iv"], answer["iv"]);
    assert_eq!(again["user_info"]["city"], "Guangzhou", "where a language lacks, English stands in");
}

#[tokio::test]
async fn credentials_are_left_out_when_unwanted_and_when_there_is_no_session() {
    let rig = Rig::new().await;
    let fields = |answer: &Answer| answer.json.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(fields(&user_info(&rig, json!({})).await), "raw_data user_info");
    rig.code().await;
    assert_eq!(fields(&user_info(&rig, json!({ "with_credentials": false })).await), "raw_data signature user_info");
    assert_eq!(fields(&user_info(&rig, json!({})).await), "encrypted_data iv raw_data signature user_info");
    rig.clock.advance(DAY * 40);
    assert_eq!(fields(&user_info(&rig, json!({})).await), "raw_data user_info");
    let refused = user_info(&rig, json!({ "with_credentials": true })).await;
    assert_eq!((refused.errcode(), refused.status), (Some(-13001), 404));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_of_calls_for_one_user_is_served_in_turn() {
    // On a disk, of those who change a session at once one wins and all others must try again.
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(RedbStore::open(folder.path()).unwrap());
    let rig = Rig::over(store, Rules::default(), Limits::default()).await;
    rig.code().await;
    let mut calls = JoinSet::new();
    for n in 0..40 {
        let platform = rig.platform.clone();
        let request = host::SessionRequest { app: APP.to_owned(), user: USER.to_owned(), launch: n.to_string() };
        calls.spawn(async move { platform.session_alive(&request).await.map(|answer| answer.alive) });
    }
    assert!(calls.join_all().await.iter().all(|answer| *answer == Ok(true)));
}

#[tokio::test]
async fn of_many_exchanges_at_once_no_more_pass_than_may() {
    let store = Arc::new(OnDisk::default());
    let rules = Rules { exchanges_per_minute_and_user: 1, ..Rules::default() };
    let rig = Rig::over(store.clone(), rules, Limits::default()).await;
    let exchanges = [rig.code().await, rig.code().await].map(|code| rig.code_to_session(&code));
    let from = [127, 0, 0, 1].into();
    store.set(Disk::StallsAtSignIn);
    let mut first = Box::pin(rig.platform.code_to_session(from, &exchanges[0]));
    assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "on its way to the disk");
    let second = rig.platform.code_to_session(from, &exchanges[1]);
    assert_eq!(second.await.unwrap_err().code, Errcode::TOO_OFTEN, "refused before it comes to the disk");
    store.set(Disk::Works);
    assert!(first.await.is_ok());
}

#[tokio::test]
async fn a_login_of_an_app_that_is_removed_meanwhile_leaves_nothing_behind() {
    let store = Arc::new(OnDisk::default());
    let rig = Rig::over(store.clone(), Rules::default(), Limits::default()).await;
    let (openid, _) = rig.sign_in().await;
    let request = host::LoginRequest { app: APP.to_owned(), user: USER.to_owned() };
    store.set(Disk::StallsAtSignIn);
    let mut login = Box::pin(rig.platform.login(&request));
    assert!(login.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "on its way to the disk");
    assert!(rig.platform.remove_app(&APP.into()).await.unwrap());
    store.set(Disk::Works);
    assert_eq!(login.await.unwrap_err().code, Errcode::BAD_APPID);
    assert_eq!(store.session(&APP.into(), &openid).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_given_out_by_a_clock_far_ahead_ends_when_it_is_set_right() {
    let rig = Rig::new().await;
    rig.clock.set(START + DAY * 3650);
    let (code, token, (openid, key)) = (rig.code().await, rig.token().await, rig.sign_in().await);
    let stable = rig.stable_token(true).await.json["access_token"].clone();
    rig.clock.set(START);
    assert_eq!(rig.exchange(&code).await.errcode(), Some(40029));
    assert_eq!(rig.check_session(&token, &openid, &key).await.errcode(), Some(42001));
    assert!(!check(&rig, "2").await, "the session");
    let renewed = rig.stable_token(false).await;
    assert_ne!(renewed.json["access_token"], stable);
    assert_eq!(renewed.json["expires_in"], 7200, "{renewed:?}");
    assert!(rig.stable_token(true).await.json["access_token"].is_string(), "forced at once");
}
