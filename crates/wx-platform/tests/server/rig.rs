//! A server on a port of its own, a clock that is moved by hand, and a client that sends what it is told, byte by byte.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
    task::JoinHandle,
};
use wx_api::{Clock, Timestamp};
use wx_crypto::SessionKey;
use wx_platform::{
    platform::{Platform, Rules},
    server::{Limits, Server},
    store::{MemoryStore, Store},
    wire::{host, session, soter, token},
};

pub(crate) const APP: &str = "wx4f4bc4dec97d474b";
pub(crate) const USER: &str = "li";
pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub(crate) struct Hands(watch::Sender<Timestamp>);

impl Hands {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now = *now + by);
    }

    pub(crate) fn set(&self, now: Timestamp) {
        self.0.send_replace(now);
    }
}

#[async_trait]
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    async fn sleep_until(&self, at: Timestamp) {
        // It cannot fail: the sender is `self`.
        let _ = self.0.subscribe().wait_for(|now| *now >= at).await;
    }
}

/// One app with a secret, one administrator, one host.
pub(crate) struct Rig {
    pub(crate) platform: Arc<Platform>,
    pub(crate) clock: Arc<Hands>,
    pub(crate) address: SocketAddr,
    pub(crate) secret: String,
    pub(crate) admin: String,
    pub(crate) host: String,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(Rules::default(), Limits::default()).await
    }

    pub(crate) async fn under(rules: Rules) -> Self {
        Self::with(rules, Limits::default()).await
    }

    pub(crate) async fn within(limits: Limits) -> Self {
        Self::with(Rules::default(), limits).await
    }

    pub(crate) async fn with(rules: Rules, limits: Limits) -> Self {
        Self::over(Arc::new(MemoryStore::default()), rules, limits).await
    }

    pub(crate) async fn over(store: Arc<dyn Store>, rules: Rules, limits: Limits) -> Self {
        let clock = Arc::new(Hands(watch::Sender::new(START)));
        let platform = Arc::new(Platform::open(store, clock.clone(), rules).await.unwrap());
        let made = platform.set_app(&host::App { app: APP.to_owned(), ..host::App::default() }).await.unwrap();
        let secret = made.secret.unwrap().expose().to_owned();
        let admin = platform.add_host_key("admin", true).await.unwrap().expose().to_owned();
        let host = platform.add_host_key("host", false).await.unwrap().expose().to_owned();

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let server = Server::new(platform.clone()).with_limits(limits);
        let served = tokio::spawn(server.serve(listener, async move {
            let _ = stopped.await;
        }));
        Self { platform, clock, address, secret, admin, host, stop: Some(stop), served }
    }

    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    pub(crate) async fn stopped(self) {
        self.served.await.unwrap().unwrap();
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// One request on a connection of its own.
    pub(crate) async fn send(&self, request: &str) -> Answer {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read(&mut stream).await
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send(&format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await
    }

    pub(crate) async fn post(&self, target: &str, body: &str) -> Answer {
        self.send(&post(target, "", body)).await
    }

    /// What a developer's server sends for a code.
    pub(crate) fn code_to_session(&self, code: &str) -> session::CodeToSession {
        session::CodeToSession {
            appid: APP.to_owned(),
            secret: self.secret.clone().into(),
            js_code: code.into(),
            grant_type: session::GRANT_TYPE.to_owned(),
        }
    }

    /// As a host with this key.
    pub(crate) async fn ask(&self, key: &str, path: &str, body: &Value) -> Answer {
        self.send(&post(path, &format!("authorization: Bearer {key}\r\n"), &body.to_string())).await
    }

    /// A code for the user, over HTTP.
    pub(crate) async fn code(&self) -> String {
        let answer = self.ask(&self.host, host::LOGIN, &json!({ "app": APP, "user": USER })).await;
        answer.json["code"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn exchange(&self, code: &str) -> Answer {
        self.exchange_with(APP, &self.secret, code).await
    }

    pub(crate) async fn exchange_with(&self, app: &str, secret: &str, code: &str) -> Answer {
        let path = session::CODE_TO_SESSION;
        self.get(&format!("{path}?appid={app}&secret={secret}&js_code={code}&grant_type=authorization_code")).await
    }

    /// A session as the app's server has it.
    pub(crate) async fn sign_in(&self) -> (String, SessionKey) {
        let answer = self.exchange(&self.code().await).await;
        let text = |field: &str| answer.json[field].as_str().unwrap().to_owned();
        (text("openid"), SessionKey::from_base64(&text("session_key")).unwrap())
    }

    pub(crate) async fn token(&self) -> String {
        let answer =
            self.get(&format!("{}?appid={APP}&secret={}&grant_type=client_credential", token::TOKEN, self.secret)).await;
        answer.json["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn stable_token(&self, force: bool) -> Answer {
        let body = json!({
            "grant_type": "client_credential", "appid": APP, "secret": self.secret, "force_refresh": force,
        });
        self.post(token::STABLE_TOKEN, &body.to_string()).await
    }

    pub(crate) async fn check_session(&self, token: &str, openid: &str, key: &SessionKey) -> Answer {
        self.get(&session_query(session::CHECK_SESSION, token, openid, &session::sign(b"", key))).await
    }

    pub(crate) async fn verify(&self, token: &str, openid: &str, json: &str, signature: &str) -> Answer {
        let body = json!({ "openid": openid, "json_string": json, "json_signature": signature });
        self.post(&format!("{}?access_token={token}", soter::VERIFY_SIGNATURE), &body.to_string()).await
    }

    /// Changes the app, as an administrator.
    pub(crate) async fn set_app(&self, mut fields: Value) -> Answer {
        fields["app"] = APP.into();
        self.ask(&self.admin, host::APP, &fields).await
    }
}

pub(crate) fn session_query(path: &str, token: &str, openid: &str, signature: &str) -> String {
    format!("{path}?access_token={token}&openid={openid}&signature={signature}&sig_method=hmac_sha256")
}

pub(crate) fn post(target: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    /// `null` if it is no JSON.
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) fn errcode(&self) -> Option<i64> {
        self.json["errcode"].as_i64()
    }

    pub(crate) fn errmsg(&self) -> &str {
        self.json["errmsg"].as_str().unwrap_or_default()
    }
}

/// Reads until the server closes.
pub(crate) async fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer but {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, text: body.to_owned(), json: serde_json::from_str(body).unwrap_or_default() }
}
