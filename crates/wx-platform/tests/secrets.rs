//! Whatever is logged, at whatever level: no secret, key, code or token is in it.

#![cfg(feature = "server")]
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

#[path = "server/rig.rs"]
#[allow(dead_code)] // this scenario does not need all of it
mod rig;

use std::{fs, sync::Arc};

use serde_json::json;
use tempfile::NamedTempFile;
use tracing_subscriber::fmt::format::FmtSpan;
use wx_platform::wire::{host, session};

use crate::rig::{APP, Rig, USER, session_query};

#[tokio::test]
async fn a_whole_scenario_logs_every_request_and_no_secret() {
    let logged = NamedTempFile::new().unwrap();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(Arc::new(logged.reopen().unwrap()))
        .init();

    let rig = Rig::new().await;
    let mut secrets = vec![rig.secret.clone(), rig.admin.clone(), rig.host.clone()];
    let code = rig.code().await;
    let exchanged = rig.exchange(&code).await;
    let used = rig.exchange(&code).await;
    let key = exchanged.json["session_key"].as_str().unwrap().to_owned();
    let openid = exchanged.json["openid"].as_str().unwrap().to_owned();
    let key = wx_crypto::SessionKey::from_base64(&key).unwrap();
    let (token, stable) = (rig.token().await, rig.stable_token(true).await.json["access_token"].as_str().unwrap().to_owned());
    rig.check_session(&token, &openid, &key).await;
    let signature = session::sign(b"", &key);
    let reset = rig.get(&session_query(session::RESET_SESSION_KEY, &stable, &openid, &signature)).await;
    rig.verify(&token, &openid, "{\"raw\":\"challenge-text\"}", "c2lnbmF0dXJl").await;
    let body = json!({ "app": APP, "user": USER, "launch": "launch-text", "with_credentials": true });
    rig.ask(&rig.host, host::CHECK_SESSION, &body).await;
    let info = rig.ask(&rig.host, host::USER_INFO, &body).await;
    let profile = json!({ "nickName": "Nick Name", "gender": 1, "language": "en", "city": "", "province": "", "country": "", "avatarUrl": "" });
    rig.ask(&rig.admin, host::USER, &json!({ "user": USER, "profile": profile })).await;
    let renewed = rig.set_app(json!({ "new_secret": true })).await;

    // What goes wrong tempts most to be told in full.
    rig.exchange_with(APP, "a-guessed-secret", &code).await;
    rig.post("/cgi-bin/stable_token", r#"{"secret":"a-guessed-secret","appid":7}"#).await;
    rig.get("/sns/jscode2session?secret=a-guessed-secret&secret=a-guessed-secret").await;
    rig.ask("a-guessed-host-key", host::LOGIN, &body).await;
    rig.check_session("a-guessed-token", &openid, &key).await;
    rig.get("/sns/another?secret=a-guessed-secret").await;

    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    secrets.extend([code, key.expose_base64().to_string(), token, stable, signature]);
    secrets.extend([text(&reset.json["session_key"]), text(&renewed.json["secret"])]);
    secrets.extend(["signature", "encrypted_data", "iv"].map(|field| text(&info.json[field])));
    secrets.extend(["a-guessed", "c2lnbmF0dXJl", "challenge-text", "launch-text", "Nick Name"].map(str::to_owned));

    let log = fs::read_to_string(logged.path()).unwrap();
    for secret in &secrets {
        assert!(!log.contains(secret.as_str()), "{secret} is in the log:\n{log}");
    }
    for endpoint in [session::CODE_TO_SESSION, session::RESET_SESSION_KEY, host::LOGIN, host::USER_INFO, host::APP, "unknown"] {
        assert!(log.contains(endpoint), "no event of {endpoint} in the log:\n{log}");
    }
    let (_, rid) = used.errmsg().split_once("rid: ").unwrap();
    let line = log.lines().find(|line| line.contains(rid)).unwrap();
    assert!(line.contains("40163"), "the number of a request leads to its line: {line}");
}
