//! Sign-in with every part of it real: a host over the desktop backend, a platform server with its data on disk, and a developer's server
//! that trusts neither its mini-program nor the network. They speak HTTP to one another.
#![allow(clippy::unwrap_used)] // a test may stop at the first thing that is not there

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    future::pending,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tracing_subscriber::{
    filter::LevelFilter,
    fmt::{MakeWriter, format::FmtSpan},
};
use wx_api::{
    Answer, Clock, Cx, Host, Prompt, Scope, Timestamp,
    signature::{Sealed, Signature},
    user::UserInfo,
};
use wx_crypto::Secret;
use wx_desktop::{Desktop, PlatformAt, SetupError};
use wx_host::{Consent, Wx};
use wx_platform::{
    client::{Client, SignedIn},
    developer::{Key, Sessions},
    platform::{Platform, Rules},
    server::Server,
    store::RedbStore,
    wire::host,
};

const APP: &str = "wx4f4bc4dec97d474b";

/// A clock that the test moves.
struct Watch(AtomicU64);

impl Watch {
    fn pass(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

#[async_trait]
impl Clock for Watch {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    async fn sleep_until(&self, at: Timestamp) {
        if at > self.now() {
            pending::<()>().await;
        }
    }
}

/// A person who agrees to everything.
struct Agreeable;

#[async_trait]
impl Prompt for Agreeable {
    async fn ask(&self, _: &Cx, _: Scope) -> Answer {
        Answer::Allow
    }

    async fn settings(&self, _: &Cx, switches: BTreeMap<Scope, bool>) -> BTreeMap<Scope, bool> {
        switches
    }
}

/// Everything that takes part.
struct Stage {
    clock: Arc<Watch>,
    wx: Wx,
    cx: Cx,
    desktop: Desktop,
    host_key: Secret,
    app_secret: Secret,
    developer: SocketAddr,
    /// What the developer's server keeps; a test looks into it as its author would.
    desk: Arc<Desk>,
    folder: TempDir,
}

/// The developer's server.
struct Desk {
    client: Client,
    sessions: Sessions,
    /// What was exchanged, the newest last. A product keeps no such list.
    exchanged: Mutex<Vec<SignedIn>>,
}

impl Stage {
    async fn set() -> Self {
        LazyLock::force(&LOG);
        let clock = Arc::new(Watch(AtomicU64::new(1_526_002_400_000)));
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(RedbStore::open(folder.path()).unwrap());
        let platform = Arc::new(Platform::open(store, clock.clone(), Rules::default()).await.unwrap());
        let host_key = platform.add_host_key("the host", true).await.unwrap();
        let (listener, address) = bind().await;
        tokio::spawn(Server::new(platform).serve(listener, pending()));

        let at = PlatformAt::Url { url: format!("http://{address}"), host_key: host_key.clone() };
        let desktop = Desktop::builder(clock.clone()).platform(at).start().await.unwrap();
        let consent = Consent::new(Arc::new(Agreeable), Arc::new(wx_host::MemoryStore::default()));
        let wx = Wx::builder(Host { authorization: Some(Arc::new(consent)), ..desktop.host() }).trace().build();
        let cx = Cx::new(APP).with_user("li");
        let profile = UserInfo { nick_name: "小李".to_owned(), ..UserInfo::default() };
        let user = host::User { user: "li".to_owned(), profile: Some(profile), ..host::User::default() };
        desktop.set_user(&user).await.unwrap();

        let app_secret = desktop.app_secret(cx.app()).await.unwrap();
        let client = Client::builder(desktop.platform_url(), cx.app().clone(), app_secret.clone()).build().unwrap();
        let sessions = Sessions::new(client.clone(), clock.clone());
        let desk = Arc::new(Desk { client, sessions, exchanged: Mutex::default() });
        let (listener, developer) = bind().await;
        let routes = Router::new().route("/login", post(login)).route("/profile", post(profile_of)).with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { clock, wx, cx, desktop, host_key, app_secret, developer, desk, folder }
    }

    /// What a mini-program does to sign in; answers the token that its server gave it.
    async fn sign_in(&self) -> Secret {
        let code = self.call("login", "{}").await["code"].take();
        let (status, answer) = self.tell("/login", json!({ "code": code })).await;
        assert_eq!(status, 200);
        Secret::from(answer["token"].as_str().unwrap().to_owned())
    }

    /// What `wx.getUserInfo` answers.
    async fn user_info(&self) -> Value {
        self.call("getUserInfo", r#"{"withCredentials":true}"#).await
    }

    async fn call(&self, api: &str, args: &str) -> Value {
        let answer = self.wx.call_json(&self.cx, api, args).await;
        assert!(answer.is_ok(), "{}", answer.json());
        serde_json::from_str(answer.json()).unwrap()
    }

    /// Sends what `wx.getUserInfo` answered to the developer's server.
    async fn send_profile(&self, token: &Secret, user_info: &Value) -> (u16, Value) {
        let mut body = user_info.clone();
        body["token"] = token.expose().into();
        self.tell("/profile", body).await
    }

    async fn tell(&self, path: &str, body: Value) -> (u16, Value) {
        let url = format!("http://{}{path}", self.developer);
        let response = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    fn last_exchanged(&self) -> SignedIn {
        self.desk.exchanged.lock().unwrap().last().unwrap().clone()
    }
}

async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// `POST /login`: the code of `wx.login` for a token.
async fn login(State(desk): State<Arc<Desk>>, Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    let Ok(exchanged) = desk.client.code_to_session(text(&body, "code")).await else {
        return (StatusCode::UNAUTHORIZED, Json(json!({})));
    };
    desk.exchanged.lock().unwrap().push(exchanged.clone());
    let signed_in = desk.sessions.admit(exchanged).unwrap();
    (StatusCode::OK, Json(json!({ "token": signed_in.token.expose() })))
}

/// `POST /profile`: what `wx.getUserInfo` answered, by token. Answers what the server made of it.
async fn profile_of(State(desk): State<Arc<Desk>>, Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    let token = Secret::from(text(&body, "token").to_owned());
    let sealed = Sealed { encrypted_data: text(&body, "encryptedData").to_owned(), iv: text(&body, "iv").to_owned() };
    let verified = desk.sessions.verify(&token, text(&body, "rawData"), text(&body, "signature"));
    match (verified, desk.sessions.open(&token, &sealed)) {
        (Ok(signed_with), Ok(opened)) => {
            let data: Value = serde_json::from_str(&opened.data.json).unwrap();
            let is_current = signed_with == Key::Current && opened.key == Key::Current;
            (StatusCode::OK, Json(json!({ "nickName": data["nickName"], "openId": data["openId"], "isCurrent": is_current })))
        }
        (verified, opened) => {
            let why = verified.err().or(opened.err()).map(|error| error.to_string());
            (StatusCode::FORBIDDEN, Json(json!({ "why": why })))
        }
    }
}

fn text<'a>(body: &'a Value, field: &str) -> &'a str {
    body[field].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_developers_server_reads_the_data_that_only_it_may_read() {
    let stage = Stage::set().await;
    let token = stage.sign_in().await;
    let (status, answer) = stage.send_profile(&token, &stage.user_info().await).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["nickName"], "小李");
    assert_eq!(answer["openId"], stage.last_exchanged().openid);
    assert_eq!(answer["isCurrent"], true);
}

#[tokio::test]
async fn data_changed_on_the_way_are_refused() {
    let stage = Stage::set().await;
    let token = stage.sign_in().await;
    let mut user_info = stage.user_info().await;
    user_info["rawData"] = text(&user_info, "rawData").replace("小李", "老李").into();
    assert_eq!(stage.send_profile(&token, &user_info).await.0, 403);
    let stranger = Secret::from("0".repeat(64));
    assert_eq!(stage.send_profile(&stranger, &stage.user_info().await).await.0, 403);
}

#[tokio::test]
async fn a_code_that_somebody_overheard_is_worth_nothing_once_it_was_exchanged() {
    let stage = Stage::set().await;
    let code = stage.call("login", "{}").await["code"].take();
    assert_eq!(stage.tell("/login", json!({ "code": code })).await.0, 200);
    assert_eq!(stage.tell("/login", json!({ "code": code })).await.0, 401);
}

#[tokio::test]
async fn a_second_login_ends_the_first_key_after_a_grace_and_for_the_strict_at_once() {
    let stage = Stage::set().await;
    stage.sign_in().await;
    let (first, data) = (stage.last_exchanged(), stage.user_info().await);
    let token = stage.sign_in().await;
    let second = stage.last_exchanged();
    assert_eq!(first.openid, second.openid);

    let (status, answer) = stage.send_profile(&token, &data).await;
    assert_eq!((status, &answer["isCurrent"]), (200, &false.into()), "{answer}: they were on their way when the login came");
    let sealed = Sealed { encrypted_data: text(&data, "encryptedData").to_owned(), iv: text(&data, "iv").to_owned() };
    assert!(Signature::open(&stage.desk.sessions, &first.openid, &sealed).await.is_err());

    stage.clock.pass(Duration::from_secs(5 * 60));
    let (status, answer) = stage.send_profile(&token, &data).await;
    assert_eq!(status, 403);
    assert!(text(&answer, "why").contains("an earlier session key"), "{answer}");
    assert_eq!(stage.send_profile(&token, &stage.user_info().await).await.1["isCurrent"], true);
}

#[tokio::test]
async fn the_platform_knows_the_key_of_the_last_login_alone() {
    let stage = Stage::set().await;
    stage.sign_in().await;
    let first = stage.last_exchanged();
    stage.sign_in().await;
    let second = stage.last_exchanged();
    let client = &stage.desk.client;
    assert!(!client.check_session(&first.openid, &first.session_key).await.unwrap());
    assert!(client.check_session(&second.openid, &second.session_key).await.unwrap());

    let third = client.reset_session_key(&second.openid, &second.session_key).await.unwrap();
    assert!(!client.check_session(&second.openid, &second.session_key).await.unwrap());
    assert!(client.check_session(&second.openid, &third).await.unwrap());
    stage.call("checkSession", "{}").await;
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused_clearly() {
    let stage = Stage::set().await;
    let refused = Desktop::builder(stage.clock.clone()).data_dir(stage.folder.path()).start().await.unwrap_err();
    assert!(matches!(refused, SetupError::Store(_)), "{refused:?}");
    let text = refused.to_string();
    assert!(text.contains("in use by another server") && text.contains(stage.folder.path().to_str().unwrap()), "{text}");
}

/// What everybody logged, in every test: the platform, the host and the developers' servers.
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_span_events(FmtSpan::FULL);
    // For the process, and before anybody logs: what is found disabled once may stay so.
    tracing::subscriber::set_global_default(subscriber.with_writer(log.clone()).finish()).unwrap();
    log
});

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn nothing_that_is_printed_contains_a_secret() {
    let stage = Stage::set().await;
    let mut printed = String::new();
    let mut secrets = vec![stage.host_key.expose().to_owned(), stage.app_secret.expose().to_owned()];

    let code = stage.call("login", "{}").await["code"].as_str().unwrap().to_owned();
    let exchanged = stage.desk.client.code_to_session(&code).await.unwrap();
    let used = stage.desk.client.code_to_session(&code).await.unwrap_err();
    let token = stage.desk.sessions.admit(exchanged.clone()).unwrap().token;
    let data = stage.user_info().await;
    stage.send_profile(&token, &data).await;
    let key = exchanged.session_key.clone();
    assert!(stage.desk.client.check_session(&exchanged.openid, &key).await.unwrap());
    let access_token = stage.desk.client.access_token().await.unwrap();
    write!(printed, "{used} {used:?} {exchanged:?} {token:?} {access_token:?} {:?} {:?}", stage.desktop, stage.wx).unwrap();
    write!(printed, "{:?} {:?}", stage.desk.sessions, stage.desk.client).unwrap();

    secrets.extend([code, token.expose().to_owned(), access_token.expose().to_owned()]);
    secrets.push(key.expose_base64().to_string());
    printed += &String::from_utf8(LOG.0.lock().unwrap().clone()).unwrap();
    assert!(printed.contains("jscode2session") && printed.contains("getUserInfo"), "the log has both ends: {printed}");
    for (n, secret) in secrets.iter().enumerate() {
        assert!(!printed.contains(secret.as_str()), "secret {n} was printed");
    }
}
