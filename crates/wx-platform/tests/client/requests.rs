//! What is sent how often, and what is made of the answer.

use std::time::Duration;

use serde_json::json;
use tokio::{io::AsyncReadExt as _, net::TcpListener};
use wx_crypto::Secret;
use wx_platform::{
    Errcode,
    client::{ClientError, HostClient, Transport},
    wire::{
        host::{self, LoginRequest, SessionRequest},
        session::{CHECK_SESSION, CODE_TO_SESSION, RESET_SESSION_KEY, sign},
        soter::{VERIFY_SIGNATURE, VerifyRequest},
        token::STABLE_TOKEN,
    },
};

use super::scripted::{APP, KEY, SECRET, Say, Scripted, fresh_tokens, http, key, refusal, session};

const A_WHILE: Duration = Duration::from_secs(10);

/// A platform that gives tokens, and says this to everything else.
async fn saying(say: Say) -> Scripted {
    let token = fresh_tokens(7200);
    Scripted::start(move |asked| if asked.path == STABLE_TOKEN { token() } else { say.clone() }).await
}

#[tokio::test]
async fn a_code_is_exchanged_with_the_documented_query() {
    let platform = saying(Say::Json(json!({ "openid": "o1", "session_key": KEY, "unionid": "u1", "more": 1 }))).await;
    let client = platform.client().build().unwrap();
    let user = client.code_to_session("a+b&c=").await.unwrap();
    assert_eq!((user.openid.as_str(), user.unionid.as_deref()), ("o1", Some("u1")));
    assert_eq!(user.session_key, key());
    let asked = platform.asked();
    assert_eq!(asked[0].path, CODE_TO_SESSION);
    assert_eq!(asked[0].query, format!("appid={APP}&secret={SECRET}&js_code=a%2Bb%26c%3D&grant_type=authorization_code"));
}

#[tokio::test]
async fn a_session_key_is_checked_with_a_signature_and_a_token() {
    let platform = saying(refusal(0, "ok")).await;
    assert_eq!(platform.client().build().unwrap().check_session("o1", &key()).await, Ok(true));
    let signature = sign(b"", &key());
    let query = format!("access_token=token-1&openid=o1&signature={signature}&sig_method=hmac_sha256");
    assert_eq!(platform.asked()[1].query, query);
}

#[tokio::test]
async fn a_wrong_session_signature_is_the_answer_no() {
    let platform = saying(refusal(87009, "invalid signature")).await;
    let client = platform.client().build().unwrap();
    assert_eq!(client.check_session("o1", &key()).await, Ok(false));
    let reset = client.reset_session_key("o1", &key()).await;
    assert_eq!(reset.unwrap_err().errcode(), Some(Errcode::BAD_SESSION_SIGNATURE));
}

#[tokio::test]
async fn a_new_session_key_must_be_the_users() {
    let platform = saying(Say::Json(json!({ "errcode": 0, "errmsg": "ok", "openid": "o1", "session_key": KEY }))).await;
    let client = platform.client().build().unwrap();
    assert_eq!(client.reset_session_key("o1", &key()).await, Ok(key()));
    assert!(matches!(client.reset_session_key("o2", &key()).await, Err(ClientError::BadAnswer(_))));
}

#[tokio::test]
async fn a_soter_result_travels_byte_for_byte() {
    let platform = saying(Say::Json(json!({ "is_ok": true }))).await;
    let json_string = "{\"raw\":\"a\\u0000 \\/\"}".to_owned();
    let request = VerifyRequest { openid: "o1".to_owned(), json_string: json_string.clone(), json_signature: "s".to_owned() };
    assert!(platform.client().build().unwrap().verify_soter(&request).await.unwrap().is_ok);
    let asked = platform.asked()[1].clone();
    assert_eq!((asked.path.as_str(), asked.query.as_str()), (VERIFY_SIGNATURE, "access_token=token-1"));
    let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(body["json_string"], json_string);
}

#[tokio::test]
async fn a_code_is_sent_at_most_once_whatever_happens() {
    for say in [
        refusal(-1, "system error"),
        refusal(40029, "invalid code"),
        Say::Break,
        Say::Json(json!({})),
        Say::Raw("no HTTP at all\r\n\r\n".to_owned()),
        Say::Raw(http("503 Service Unavailable", "retry-after: 0\r\n", "")),
        Say::Raw(http("307 Temporary Redirect", "location: /sns/jscode2session\r\n", "")),
    ] {
        let platform = saying(say.clone()).await;
        assert!(platform.client().build().unwrap().code_to_session("code").await.is_err(), "{say:?}");
        assert_eq!(platform.count(CODE_TO_SESSION), 1, "{say:?}");
    }
}

#[tokio::test]
async fn a_code_is_sent_at_most_once_on_a_connection_that_breaks_after_use() {
    let platform = Scripted::start(|asked| if asked.query.contains("second") { Say::Break } else { session("o1", KEY) }).await;
    let client = platform.client().build().unwrap();
    client.code_to_session("first").await.unwrap();
    assert!(matches!(client.code_to_session("second").await, Err(ClientError::Unreachable(_))));
    assert_eq!(platform.count(CODE_TO_SESSION), 2);
}

#[tokio::test]
async fn what_changes_something_is_not_sent_again() {
    let platform = saying(refusal(-1, "system error")).await;
    let client = platform.client().build().unwrap();
    assert_eq!(client.reset_session_key("o1", &key()).await.unwrap_err().errcode(), Some(Errcode::BUSY));
    assert_eq!(client.verify_soter(&VerifyRequest::default()).await.unwrap_err().errcode(), Some(Errcode::BUSY));
    assert_eq!((platform.count(RESET_SESSION_KEY), platform.count(VERIFY_SIGNATURE)), (1, 1));
}

#[tokio::test]
async fn a_check_is_sent_again_after_busy_and_after_a_broken_connection_and_not_for_ever() {
    for say in [refusal(-1, "system error"), Say::Break] {
        let platform = saying(say).await;
        let client = platform.client().retries(1).build().unwrap();
        assert!(client.check_session("o1", &key()).await.is_err());
        assert_eq!(platform.count(CHECK_SESSION), 2);
    }
}

#[tokio::test]
async fn a_refusal_is_not_asked_again() {
    let platform = saying(refusal(45009, "reach max api daily quota limit")).await;
    assert!(platform.client().build().unwrap().check_session("o1", &key()).await.is_err());
    assert_eq!(platform.count(CHECK_SESSION), 1);
}

#[tokio::test]
async fn silence_within_an_answer_or_before_it_ends_with_the_time_out_and_the_code_is_not_sent_again() {
    for say in [Say::Nothing, Say::Raw("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_owned())] {
        let platform = saying(say).await;
        let client = platform.client().timeout(A_WHILE).build().unwrap();
        let call = tokio::spawn(async move { client.code_to_session("code").await });
        platform.until_asked(1).await;
        // The request is there, so nothing but time moves the client on.
        tokio::time::pause();
        tokio::time::advance(A_WHILE).await;
        assert_eq!(call.await.unwrap(), Err(ClientError::Timeout));
        tokio::time::resume();
        assert_eq!(platform.count(CODE_TO_SESSION), 1);
    }
}

#[tokio::test]
async fn a_platform_that_is_not_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = HostClient::new(&url, Secret::from("host-key".to_owned()), A_WHILE).unwrap();
    let request = LoginRequest { app: APP.to_owned(), user: "u".to_owned() };
    let Err(ClientError::Unreachable(why)) = client.login(&request).await else { panic!("it was reached") };
    assert!(why.contains("refused") && !why.contains("http"), "{why}");
}

#[tokio::test]
async fn a_connection_that_never_comes_about_is_unreachable_and_no_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap(); // and never says a word of TLS
    let transport = Transport { timeout: A_WHILE, retries: 0, plain_http: false };
    let url = format!("https://{}", silent.local_addr().unwrap());
    let client = HostClient::with_transport(&url, Secret::from("host-key".to_owned()), &transport).unwrap();
    let request = LoginRequest { app: APP.to_owned(), user: "u".to_owned() };
    let call = tokio::spawn(async move { client.login(&request).await });
    let (mut connection, _) = silent.accept().await.unwrap();
    connection.read_u8().await.unwrap();
    // The client has said its first word, so nothing but time moves it on.
    tokio::time::pause();
    tokio::time::advance(A_WHILE / 4).await;
    let answer = call.await.unwrap();
    tokio::time::resume();
    assert!(matches!(answer, Err(ClientError::Unreachable(_))), "{answer:?}");
}

#[tokio::test]
async fn a_redirect_is_refused_and_not_followed() {
    let elsewhere = saying(session("o1", KEY)).await;
    let location = format!("location: {}/sns/jscode2session\r\n", elsewhere.url());
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"] {
        let platform = saying(Say::Raw(http(status, &location, ""))).await;
        let exchanged = platform.client().build().unwrap().code_to_session("code").await;
        assert!(matches!(exchanged, Err(ClientError::BadAnswer(what)) if what.contains("redirect")), "{status}");
    }
    assert_eq!(elsewhere.asked().len(), 0);
}

#[tokio::test]
async fn an_answer_beyond_eight_mebibytes_is_refused_announced_or_not() {
    let padding = " ".repeat(8 * 1024 * 1024);
    let announced = http("200 OK", "", &format!("{padding}{{}}"));
    let chunk = format!("{:x}\r\n{padding}\r\n", padding.len());
    let unannounced = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}2\r\n{{}}\r\n0\r\n\r\n");
    for answer in [announced, unannounced, "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n{}".to_owned()] {
        let platform = saying(Say::Raw(answer)).await;
        let exchanged = platform.client().build().unwrap().code_to_session("code").await;
        let limit = "the body has more than 8388608 bytes".to_owned();
        // What HTTP itself cannot take is refused by its parser.
        let told = matches!(&exchanged, Err(ClientError::BadAnswer(what)) if *what == limit);
        assert!(told || matches!(exchanged, Err(ClientError::Unreachable(_))), "{exchanged:?}");
    }
}

#[tokio::test]
async fn the_longest_answer_that_is_read_is_read() {
    let body = json!({ "openid": "o1", "session_key": KEY }).to_string();
    let padded = format!("{body}{}", " ".repeat(8 * 1024 * 1024 - body.len()));
    let platform = saying(Say::Raw(http("200 OK", "", &padded))).await;
    assert!(platform.client().build().unwrap().code_to_session("code").await.is_ok());
}

#[tokio::test]
async fn an_answer_with_holes_or_a_short_key_is_a_bad_answer() {
    for body in [
        json!({ "openid": "o1" }),
        json!({ "openid": "", "session_key": KEY }),
        json!({ "openid": "o1", "session_key": "c2hvcnQ=" }),
    ] {
        let platform = saying(Say::Json(body.clone())).await;
        let exchanged = platform.client().build().unwrap().code_to_session("code").await;
        assert!(matches!(exchanged, Err(ClientError::BadAnswer(_))), "{body}");
    }
}

#[tokio::test]
async fn a_host_shows_its_key_in_the_header_and_nowhere_else() {
    let platform = saying(Say::Json(json!({ "code": "the code" }))).await;
    let client = HostClient::new(platform.url(), Secret::from("host-key".to_owned()), A_WHILE).unwrap();
    let request = LoginRequest { app: APP.to_owned(), user: "u".to_owned() };
    assert_eq!(client.login(&request).await.unwrap().code.expose(), "the code");
    let asked = platform.asked()[0].clone();
    assert_eq!((asked.path.as_str(), asked.query.as_str()), (host::LOGIN, ""));
    assert_eq!(asked.authorization.as_deref(), Some("Bearer host-key"));
    assert_eq!(asked.body, json!({ "app": APP, "user": "u" }).to_string());
}

#[tokio::test]
async fn a_host_asks_for_a_code_once_and_for_a_session_again() {
    let platform = saying(Say::Raw(http("503 Service Unavailable", "", r#"{"errcode":-1,"errmsg":"busy"}"#))).await;
    let client = HostClient::new(platform.url(), Secret::from("host-key".to_owned()), A_WHILE).unwrap();
    let (app, user, launch) = (APP.to_owned(), "u".to_owned(), "1".to_owned());
    let login = client.login(&LoginRequest { app: app.clone(), user: user.clone() }).await;
    assert_eq!(login.unwrap_err().errcode(), Some(Errcode::BUSY));
    let session = client.session_alive(&SessionRequest { app, user, launch }).await;
    assert_eq!(session.unwrap_err().errcode(), Some(Errcode::BUSY));
    assert_eq!((platform.count(host::LOGIN), platform.count(host::CHECK_SESSION)), (1, 3));
}

#[test]
fn a_host_key_that_no_header_can_carry_is_refused() {
    for key in ["", "two words", "line\nbreak", "schlüssel"] {
        let client = HostClient::new("http://127.0.0.1:1", Secret::from(key.to_owned()), A_WHILE);
        assert!(matches!(client, Err(ClientError::Setup(_))), "{key:?}");
    }
}
