//! What hosts and administrators ask.

use serde_json::json;
use wx_platform::{
    platform::{Rules, UnknownApps},
    wire::host,
};

use crate::rig::{APP, Rig, USER};

#[tokio::test]
async fn an_app_keeps_what_is_not_mentioned_and_shows_a_new_secret_once() {
    let rig = Rig::new().await;
    assert_eq!(rig.set_app(json!({ "frozen": true })).await.json, json!({ "app": APP }), "no secret");
    assert_eq!(rig.set_app(json!({ "account": "us" })).await.json, json!({ "app": APP }));
    assert_eq!(rig.exchange("0").await.errcode(), Some(40243), "still frozen");
    let answer = rig.set_app(json!({ "frozen": false, "new_secret": true })).await.json;
    assert_eq!(rig.exchange("0").await.errcode(), Some(40125), "the old secret");
    let secret = answer["secret"].as_str().unwrap();
    assert_eq!(rig.exchange_with(APP, secret, "0").await.errcode(), Some(40029));
}

#[tokio::test]
async fn a_login_makes_an_unknown_app_where_the_rules_say_so() {
    let rig = Rig::under(Rules { unknown_apps: UnknownApps::Create, ..Rules::default() }).await;
    let login = rig.ask(&rig.host, host::LOGIN, &json!({ "app": "wx2", "user": USER })).await.json;
    let made = rig.ask(&rig.admin, host::APP, &json!({ "app": "wx2", "new_secret": true })).await.json;
    let answer = rig.exchange_with("wx2", made["secret"].as_str().unwrap(), login["code"].as_str().unwrap()).await;
    assert!(answer.json["openid"].is_string(), "{answer:?}");
}

#[tokio::test]
async fn a_removed_app_takes_its_codes_and_tokens_along() {
    let rig = Rig::new().await;
    let (code, token, (openid, key)) = (rig.code().await, rig.token().await, rig.sign_in().await);
    assert!(rig.platform.remove_app(&APP.into()).await.unwrap());
    assert_eq!(rig.exchange(&code).await.errcode(), Some(40013));
    assert_eq!(rig.check_session(&token, &openid, &key).await.errcode(), Some(40001));
    assert!(!rig.platform.remove_app(&APP.into()).await.unwrap());
}

#[tokio::test]
async fn what_is_no_identifier_address_or_life_cycle_is_refused() {
    let rig = Rig::new().await;
    for (path, body) in [
        (host::LOGIN, json!({ "app": "", "user": USER })),
        (host::LOGIN, json!({ "app": APP, "user": "l\0i" })),
        (host::LOGIN, json!({ "app": APP, "user": "l".repeat(129) })),
        (host::CHECK_SESSION, json!({ "app": APP, "user": USER, "launch": "1".repeat(65) })),
        (host::SOTER_KEY, json!({ "app": APP, "user": USER, "public_key": "ssh-rsa AAAA" })),
        (host::ENROL_SOTER_KEY, json!({ "app": APP, "user": USER, "attk": "*", "ask": "", "auth_key": "" })),
        (host::APP, json!({ "app": APP, "allowed_ips": ["10.0.0.0/8", "10.0.0.0/33"] })),
        (host::USER, json!({ "user": "" })),
    ] {
        let answer = rig.ask(&rig.admin, path, &body).await;
        assert_eq!((answer.status, answer.errcode()), (400, Some(47001)), "{path} {body}");
    }
}

#[tokio::test]
async fn a_key_counts_only_in_its_header() {
    let rig = Rig::new().await;
    let body = json!({ "app": APP, "user": USER }).to_string();
    for (header, status) in [
        (format!("authorization: bearer {}\r\n", rig.host), 200),
        (format!("authorization: Basic {}\r\n", rig.host), 401),
        (format!("authorization: {}\r\n", rig.host), 401),
        ("authorization: Bearer \r\n".to_owned(), 401),
    ] {
        let answer = rig.send(&crate::rig::post(host::LOGIN, &header, &body)).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
}
