//! Every number that the platform can refuse with, and a request that gets it.

use std::{collections::BTreeSet, pin::Pin, time::Duration};

use serde_json::json;
use wx_crypto::SessionKey;
use wx_platform::{
    Errcode,
    platform::Rules,
    server::Limits,
    wire::{host, session, token},
};

use crate::rig::{APP, Answer, Rig, USER};

struct Case {
    code: Errcode,
    what: &'static str,
    answer: Pin<Box<dyn Future<Output = Answer>>>,
}

fn case(code: Errcode, what: &'static str, answer: impl Future<Output = Answer> + 'static) -> Case {
    Case { code, what, answer: Box::pin(answer) }
}

fn exchange_cases() -> Vec<Case> {
    vec![
        case(Errcode::BUSY, "more requests at once than allowed", async {
            Rig::within(Limits { requests: 0, ..Limits::default() }).await.exchange("0").await
        }),
        case(Errcode::APPID_MISSING, "nothing at all", async { Rig::new().await.get(session::CODE_TO_SESSION).await }),
        case(Errcode::SECRET_MISSING, "no secret", async { Rig::new().await.exchange_with(APP, "", "0").await }),
        case(Errcode::CODE_MISSING, "no code", async { Rig::new().await.exchange("").await }),
        case(Errcode::BAD_GRANT_TYPE, "another grant_type", async {
            let rig = Rig::new().await;
            rig.get(&format!("{}?appid={APP}&secret=s&js_code=c&grant_type=client_credential", session::CODE_TO_SESSION)).await
        }),
        case(Errcode::BAD_APPID, "an app that nobody made", async { Rig::new().await.exchange_with("wx0", "s", "0").await }),
        case(Errcode::IP_NOT_ALLOWED, "an address that is not on the list", async {
            let rig = Rig::new().await;
            rig.set_app(json!({ "allowed_ips": ["203.0.113.7", "10.0.0.0/8"] })).await;
            rig.exchange("0").await
        }),
        case(Errcode::SECRET_FROZEN, "a frozen secret", async {
            let rig = Rig::new().await;
            rig.set_app(json!({ "frozen": true })).await;
            rig.exchange("0").await
        }),
        case(Errcode::BAD_SECRET, "another secret", async { Rig::new().await.exchange_with(APP, "guessed", "0").await }),
        case(Errcode::NOT_AUTHORISED, "an endpoint that was withheld", async {
            let rig = Rig::new().await;
            rig.set_app(json!({ "withheld": [session::CODE_TO_SESSION] })).await;
            rig.exchange(&rig.code().await).await
        }),
        case(Errcode::TOO_OFTEN, "one call too many in a minute", async {
            let rig = Rig::under(Rules { calls_per_minute: 1, ..Rules::default() }).await;
            rig.exchange("0").await;
            rig.exchange("0").await
        }),
        case(Errcode::TOO_OFTEN, "one code of a user too many in a minute", async {
            let rig = Rig::under(Rules { exchanges_per_minute_and_user: 1, ..Rules::default() }).await;
            rig.sign_in().await;
            rig.exchange(&rig.code().await).await
        }),
        case(Errcode::DAILY_QUOTA, "one call too many in a day", async {
            let rig = Rig::under(Rules { calls_per_day: 1, ..Rules::default() }).await;
            rig.exchange("0").await;
            rig.exchange("0").await
        }),
        case(Errcode::BAD_CODE, "a code that nobody was given", async {
            Rig::new().await.exchange("0a1MadeUpByNobodyInParticular00x").await
        }),
        case(Errcode::BAD_CODE, "a code that has no code's form", async { Rig::new().await.exchange("%F0%9F%91%81").await }),
        case(Errcode::BAD_CODE, "a code five minutes old", async {
            let rig = Rig::new().await;
            let code = rig.code().await;
            rig.clock.advance(Duration::from_secs(300));
            rig.exchange(&code).await
        }),
        case(Errcode::BAD_CODE, "another app's code", async {
            let rig = Rig::new().await;
            let other = rig.ask(&rig.admin, host::APP, &json!({ "app": "wx2" })).await;
            let (secret, code) = (other.json["secret"].as_str().unwrap(), rig.code().await);
            rig.exchange_with("wx2", secret, &code).await
        }),
        case(Errcode::CODE_USED, "a code for the second time", async {
            let rig = Rig::new().await;
            let code = rig.code().await;
            rig.exchange(&code).await;
            rig.exchange(&code).await
        }),
        case(Errcode::USER_BLOCKED, "the code of a blocked user", async {
            let rig = Rig::new().await;
            let code = rig.code().await;
            rig.ask(&rig.admin, host::USER, &json!({ "user": USER, "blocked": true })).await;
            rig.exchange(&code).await
        }),
    ]
}

fn other_cases() -> Vec<Case> {
    vec![
        case(Errcode::TOKEN_MISSING, "no access token", async { Rig::new().await.get(session::CHECK_SESSION).await }),
        case(Errcode::INVALID_CREDENTIAL, "a made-up access token", async {
            Rig::new().await.get(&format!("{}?access_token=made-up", session::CHECK_SESSION)).await
        }),
        case(Errcode::INVALID_CREDENTIAL, "a token from before the secret was changed", async {
            let rig = Rig::new().await;
            let (token, (openid, key)) = (rig.token().await, rig.sign_in().await);
            rig.set_app(json!({ "new_secret": true })).await;
            rig.check_session(&token, &openid, &key).await
        }),
        case(Errcode::TOKEN_EXPIRED, "an access token two hours old", async {
            let rig = Rig::new().await;
            let (token, (openid, key)) = (rig.token().await, rig.sign_in().await);
            rig.clock.advance(Rules::default().token_life);
            rig.check_session(&token, &openid, &key).await
        }),
        case(Errcode::BAD_OPENID, "a user who never signed in", async {
            let rig = Rig::new().await;
            rig.check_session(&rig.token().await, "oNobody", &SessionKey::from_bytes([7; 16])).await
        }),
        case(Errcode::BAD_SESSION_SIGNATURE, "the key of an earlier session", async {
            let rig = Rig::new().await;
            let (openid, old) = rig.sign_in().await;
            rig.sign_in().await;
            rig.check_session(&rig.token().await, &openid, &old).await
        }),
        case(Errcode::DAILY_QUOTA, "one forced token too many in a day", async {
            let rig = Rig::under(Rules { forced_tokens_per_day: 1, ..Rules::default() }).await;
            rig.stable_token(true).await;
            rig.stable_token(true).await
        }),
        case(Errcode::TOO_OFTEN, "two forced tokens without a pause", async {
            let rig = Rig::new().await;
            rig.stable_token(true).await;
            rig.stable_token(true).await
        }),
        case(Errcode::GET_REQUIRED, "POST where GET belongs", async { Rig::new().await.post(token::TOKEN, "{}").await }),
        case(Errcode::POST_REQUIRED, "GET where POST belongs", async { Rig::new().await.get(token::STABLE_TOKEN).await }),
        case(Errcode::POST_REQUIRED, "GET where hosts POST", async { Rig::new().await.get(host::LOGIN).await }),
        case(Errcode::BAD_FORMAT, "a body that is no JSON", async { Rig::new().await.post(token::STABLE_TOKEN, "{").await }),
        case(Errcode::BAD_FORMAT, "a field of another type", async {
            Rig::new().await.post(token::STABLE_TOKEN, r#"{"appid":7}"#).await
        }),
        case(Errcode::BAD_FORMAT, "a field that stands twice", async {
            Rig::new().await.get(&format!("{}?appid=a&appid=b", token::TOKEN)).await
        }),
        case(Errcode::BAD_FORMAT, "another sig_method", async {
            let rig = Rig::new().await;
            rig.get(&format!("{}?access_token={}&sig_method=md5", session::CHECK_SESSION, rig.token().await)).await
        }),
        case(Errcode::BAD_PATH, "a path that is none", async { Rig::new().await.get("/cgi-bin/nothing").await }),
        case(Errcode::USER_BLOCKED, "the login of a blocked user", async {
            let rig = Rig::new().await;
            rig.ask(&rig.admin, host::USER, &json!({ "user": USER, "blocked": true })).await;
            rig.ask(&rig.host, host::LOGIN, &json!({ "app": APP, "user": USER })).await
        }),
        case(Errcode::USER_BLOCKED, "the profile of a blocked user, who has a session", async {
            let rig = Rig::new().await;
            rig.code().await;
            rig.ask(&rig.admin, host::USER, &json!({ "user": USER, "blocked": true })).await;
            rig.ask(&rig.host, host::USER_INFO, &json!({ "app": APP, "user": USER, "launch": "1" })).await
        }),
        case(Errcode::NO_SESSION, "credentials without a session", async {
            let rig = Rig::new().await;
            let body = json!({ "app": APP, "user": USER, "launch": "1", "with_credentials": true });
            rig.ask(&rig.host, host::USER_INFO, &body).await
        }),
    ]
}

#[tokio::test]
async fn every_errcode_has_a_request_that_gets_it() {
    let mut unreached: BTreeSet<Errcode> = Errcode::ALL.iter().copied().collect();
    for Case { code, what, answer } in exchange_cases().into_iter().chain(other_cases()) {
        let answer = answer.await;
        assert_eq!(answer.errcode(), Some(code.number().into()), "{what}: {answer:?}");
        let (reason, rid) = answer.errmsg().split_once(", rid: ").unwrap_or_else(|| panic!("{what}: {answer:?}"));
        assert!(!reason.is_empty() && rid.len() > 9, "{what}: {answer:?}");
        assert_eq!(answer.json.as_object().unwrap().len(), 2, "{what}: errcode and errmsg alone");
        unreached.remove(&code);
    }
    assert!(unreached.is_empty(), "no request gets {unreached:?}");
}

#[tokio::test]
async fn the_documented_endpoints_refuse_with_200_and_those_of_hosts_with_a_status() {
    let rig = Rig::new().await;
    assert_eq!(rig.exchange("0").await.status, 200);
    assert_eq!(rig.post(token::STABLE_TOKEN, "{").await.status, 200);
    assert_eq!(rig.get("/nothing").await.status, 404);

    let login = json!({ "app": APP, "user": USER });
    assert_eq!(rig.post(host::LOGIN, &login.to_string()).await.status, 401, "without a key");
    assert_eq!(rig.ask("made-up", host::LOGIN, &login).await.status, 401);
    assert_eq!(rig.ask(&rig.host, host::USER, &json!({ "user": USER })).await.status, 403, "administrators only");
    assert_eq!(rig.ask(&rig.host, host::LOGIN, &json!({ "app": "wx0", "user": USER })).await.status, 404);
    assert_eq!(rig.ask(&rig.host, host::LOGIN, &json!({ "app": APP })).await.status, 400);
    let busy = Rig::within(Limits { requests: 0, ..Limits::default() }).await;
    assert_eq!(busy.ask(&busy.host, host::LOGIN, &login).await.status, 503);
}

#[tokio::test]
async fn what_is_refused_before_the_code_is_looked_at_leaves_it_good() {
    let rig = Rig::under(Rules { exchanges_per_minute_and_user: 1, ..Rules::default() }).await;
    let code = rig.code().await;
    for frozen in [true, false] {
        rig.set_app(json!({ "frozen": frozen, "allowed_ips": if frozen { json!([]) } else { json!(["203.0.113.7"]) } })).await;
        assert!(rig.exchange(&code).await.errcode().is_some());
    }
    rig.set_app(json!({ "allowed_ips": ["127.0.0.0/8"] })).await;
    assert_eq!(rig.exchange_with(APP, "guessed", &code).await.errcode(), Some(40125));
    assert_eq!(rig.exchange(&code).await.errcode(), None);

    let next = rig.code().await;
    assert_eq!(rig.exchange(&next).await.errcode(), Some(45011), "one each minute");
    rig.clock.advance(Duration::from_secs(60));
    assert_eq!(rig.exchange(&next).await.errcode(), None);
}

#[tokio::test]
async fn a_secret_is_checked_before_it_is_told_what_is_withheld_or_used_up() {
    let rig = Rig::under(Rules { calls_per_minute: 1, ..Rules::default() }).await;
    for _ in 0..3 {
        assert_eq!(rig.exchange_with(APP, "guessed", "0").await.errcode(), Some(40125), "strangers use nothing up");
    }
    assert_eq!(rig.exchange("0").await.errcode(), Some(40029));
}
