//! Nothing that a client says, in errors, `Debug` or logs, holds a secret. Alone in its process: a logger is the process's.
#![cfg(feature = "client")]
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

#[path = "client/scripted.rs"]
mod scripted;

use std::{
    fmt::Debug,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::json;
use tokio::task::JoinSet;
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};
use wx_api::{Clock, Timestamp};
use wx_crypto::Secret;
use wx_platform::{
    client::{Client, HostClient},
    developer::Sessions,
    wire::{Hidden, host::LoginRequest, soter::VerifyRequest, token::STABLE_TOKEN},
};

use self::scripted::{APP, Asked, KEY, SECRET, Say, Scripted, http, key, refusal};

const CODE: &str = "js-code-fedcba9876543210";
const TOKEN: &str = "access-token-0f1e2d3c4b5a";
const HOST_KEY: &str = "host-key-99887766554433";

/// Everything that was said, by whoever.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    fn add(&self, text: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(text.as_bytes());
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Said {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What others write with the crate `log`, reqwest among them.
impl log::Log for Said {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.add(&format!("log: {} {}\n", record.target(), record.args()));
    }

    fn flush(&self) {}
}

struct Noon;

#[async_trait::async_trait]
impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }

    async fn sleep_until(&self, _: Timestamp) {}
}

/// What every kind of platform may do to a request, an echo of its secrets included.
fn misdeeds() -> Vec<fn(&Asked) -> Say> {
    vec![
        |_| Say::Json(json!({ "openid": "o1", "session_key": KEY, "code": CODE, "errcode": 0, "is_ok": true })),
        |asked| refusal(40001, &format!("no: {} {} {:?}", asked.query, asked.body, asked.authorization)),
        |_| refusal(-1, "system error"),
        |asked| Say::Raw(http("302 Found", &format!("location: /?{}\r\n", asked.query), "")),
        |asked| Say::Json(json!({ "openid": [asked.query], "errcode": asked.body })),
        |asked| Say::Json(json!({ "openid": { "a": asked.query }, "session_key": TOKEN, "is_ok": SECRET, "code": [CODE] })),
        |asked| Say::Raw(http("200 OK", "", &format!("<html>{} {}</html>", asked.query, asked.body))),
        |asked| Say::Raw(format!("HTTP/1.1 {}\r\n\r\n", asked.query)),
        |_| Say::Break,
        |_| Say::Nothing,
    ]
}

fn client(platform: &Scripted) -> Client {
    platform.client().timeout(Duration::from_millis(200)).retries(1).build().unwrap()
}

async fn everything(platform: Scripted, said: Said) {
    let note = |what: &(dyn Debug + Sync)| said.add(&format!("{what:?} {what:#?}\n"));
    let asks = client(&platform);
    let request = VerifyRequest { openid: "o1".to_owned(), ..VerifyRequest::default() };
    note(&asks.code_to_session(CODE).await);
    note(&asks.access_token().await);
    note(&asks.check_session("o1", &key()).await);
    note(&asks.reset_session_key("o1", &key()).await);
    note(&asks.verify_soter(&request).await);
    note(&(&asks, platform.client()));
    let host = HostClient::new(platform.url(), Secret::from(HOST_KEY.to_owned()), Duration::from_millis(200)).unwrap();
    note(&host.login(&LoginRequest { app: APP.to_owned(), user: "u".to_owned() }).await);
    note(&host);
    let sessions = Sessions::new(asks, Arc::new(Noon));
    let signed_in = sessions.sign_in(CODE).await;
    note(&(&signed_in, &sessions));
    if let Ok(signed_in) = signed_in {
        note(&sessions.session(&signed_in.token));
        assert!(!said.text().contains(signed_in.token.expose()));
    }
}

#[tokio::test]
async fn no_error_no_debug_and_no_log_holds_a_secret() {
    let said = Said::default();
    log::set_logger(Box::leak(Box::new(said.clone()))).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(said.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let mut all = JoinSet::new();
    for misdeed in misdeeds() {
        let token = Say::Json(json!({ "access_token": TOKEN, "expires_in": 7200 }));
        let platform =
            Scripted::start(move |asked| if asked.path == STABLE_TOKEN { token.clone() } else { misdeed(asked) }).await;
        all.spawn(everything(platform, said.clone()));
        let platform = Scripted::start(misdeed).await; // tokens as well
        all.spawn(everything(platform, said.clone()));
    }
    all.join_all().await;

    let text = said.text();
    // It heard something at all, and from everybody.
    for heard in ["a new access token", "asking the platform again", "log: reqwest", "withheld", "Timeout", "redirect"] {
        assert!(text.contains(heard), "{heard}");
    }
    let signature = wx_platform::wire::session::sign(b"", &key());
    for secret in [SECRET, CODE, TOKEN, HOST_KEY, KEY, signature.as_str(), "js_code=", "access_token=", "Bearer"] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
    assert_eq!(format!("{:?}", Hidden::from(SECRET)), "Hidden(..)");
}
