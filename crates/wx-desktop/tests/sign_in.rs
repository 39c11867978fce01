//! The backend over a platform in its own process, and over one that it must find.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use std::{
    future::pending,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::{net::TcpListener, task::JoinSet};
use wx_api::{
    Clock, Cx, ErrorKind, Host, Timestamp,
    login::{CheckSessionRequest, LoginRequest},
    user::{GetUserInfoRequest, UserInfo},
};
use wx_crypto::Secret;
use wx_desktop::{Builder, Desktop, PlatformAt, SetupError};
use wx_platform::{
    Errcode,
    client::Client,
    platform::{Platform, Rules, UnknownApps},
    server::Server,
    store::MemoryStore,
    wire::host,
};

/// A clock that a test sets.
#[derive(Default)]
struct Watch(AtomicU64);

impl Watch {
    fn set(&self, days: u64) {
        self.0.store(days * 86_400_000, Ordering::Relaxed);
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

fn cx() -> Cx {
    Cx::new("wx4f4bc4dec97d474b")
}

async fn at_home(folder: &Path) -> Result<Desktop, SetupError> {
    Desktop::builder(Arc::<Watch>::default()).data_dir(folder).start().await
}

fn at(address: SocketAddr, key: &str) -> Builder {
    let at = PlatformAt::Url { url: format!("http://{address}"), host_key: Secret::from(key.to_owned()) };
    Desktop::builder(Arc::<Watch>::default()).platform(at)
}

async fn elsewhere(address: SocketAddr, key: &str) -> Desktop {
    at(address, key).start().await.unwrap()
}

async fn log_in(host: &Host, cx: &Cx) -> wx_api::Result<String> {
    let login = host.login.as_ref().unwrap();
    Ok(login.login(cx, LoginRequest::default()).await?.code)
}

async fn check(host: &Host, cx: &Cx) -> wx_api::Result<()> {
    let login = host.login.as_ref().unwrap();
    login.check_session(cx, CheckSessionRequest {}).await.map(drop)
}

/// The `openid` that a developer's server with this secret gets.
async fn openid(desktop: &Desktop, secret: &Secret) -> String {
    let code = log_in(&desktop.host(), &cx()).await.unwrap();
    let server = Client::builder(desktop.platform_url(), cx().app().clone(), secret.clone()).build().unwrap();
    server.code_to_session(&code).await.unwrap().openid
}

#[tokio::test]
async fn what_the_platform_keeps_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let desktop = at_home(folder.path()).await.unwrap();
    let secret = desktop.app_secret(cx().app()).await.unwrap();
    let before = openid(&desktop, &secret).await;
    desktop.shutdown().await.unwrap();

    let desktop = at_home(folder.path()).await.unwrap();
    assert!(check(&desktop.host(), &cx()).await.is_ok(), "the session lives on");
    assert_eq!(openid(&desktop, &secret).await, before);
}

#[tokio::test]
async fn a_folder_that_another_desktop_has_open_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let _first = at_home(folder.path()).await.unwrap();
    let error = at_home(folder.path()).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, SetupError::Store(_)) && text.contains("in use by another server"), "{text}");
    assert!(text.contains(folder.path().to_str().unwrap()), "{text}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_refused_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = taken.local_addr().unwrap();
    let builder = Desktop::builder(Arc::<Watch>::default()).data_dir(folder.path()).port(address.port());
    let text = builder.start().await.unwrap_err().to_string();
    assert!(text.contains(&address.to_string()), "{text}");
}

#[tokio::test]
async fn a_new_secret_ends_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let desktop = at_home(folder.path()).await.unwrap();
    let old = desktop.app_secret(cx().app()).await.unwrap();
    let new = desktop.app_secret(cx().app()).await.unwrap();
    let code = log_in(&desktop.host(), &cx()).await.unwrap();
    let [old, new] =
        [old, new].map(|secret| Client::builder(desktop.platform_url(), cx().app().clone(), secret).build().unwrap());
    assert_eq!(old.code_to_session(&code).await.unwrap_err().errcode().map(Errcode::number), Some(40125));
    assert!(new.code_to_session(&code).await.is_ok());
}

#[tokio::test]
async fn a_user_has_the_profile_that_the_host_gave_them() {
    let folder = tempfile::tempdir().unwrap();
    let desktop = at_home(folder.path()).await.unwrap();
    let profile = UserInfo { nick_name: "Li".to_owned(), gender: 2, ..UserInfo::default() };
    let user = host::User { user: "li".to_owned(), profile: Some(profile), ..host::User::default() };
    desktop.set_user(&user).await.unwrap();
    let answer = desktop.host().user.unwrap().get_user_info(&cx().with_user("li"), GetUserInfoRequest::default()).await;
    let UserInfo { nick_name, gender, .. } = answer.unwrap().user_info;
    assert_eq!((nick_name.as_str(), gender), ("Li", 2));
}

#[tokio::test]
async fn a_blocked_user_is_refused_with_an_older_code_too() {
    let folder = tempfile::tempdir().unwrap();
    let desktop = at_home(folder.path()).await.unwrap();
    let (li, wang) = (cx().with_user("li"), cx().with_user("wang"));
    let codes = [log_in(&desktop.host(), &li).await.unwrap(), log_in(&desktop.host(), &wang).await.unwrap()];
    let user = host::User { user: "li".to_owned(), blocked: Some(true), ..host::User::default() };
    desktop.set_user(&user).await.unwrap();
    let secret = desktop.app_secret(cx().app()).await.unwrap();
    let server = Client::builder(desktop.platform_url(), cx().app().clone(), secret).build().unwrap();
    for ((user, code), refused) in [&li, &wang].into_iter().zip(&codes).zip([Some(40226), None]) {
        let answer = server.code_to_session(code).await;
        assert_eq!(answer.err().and_then(|error| error.errcode()).map(Errcode::number), refused);
        assert_eq!(log_in(&desktop.host(), user).await.err().and_then(|error| error.code()), refused);
    }
}

#[tokio::test]
async fn a_host_outlives_its_desktop() {
    let folder = tempfile::tempdir().unwrap();
    let host = at_home(folder.path()).await.unwrap().host();
    assert!(log_in(&host, &cx()).await.is_ok());
}

#[tokio::test]
async fn after_a_shutdown_the_platform_cannot_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    let desktop = at_home(folder.path()).await.unwrap();
    let host = desktop.host();
    log_in(&host, &cx()).await.unwrap();
    desktop.shutdown().await.unwrap();
    assert_eq!(log_in(&host, &cx()).await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_hundred_calls_for_one_user_at_once_all_answer() {
    let folder = tempfile::tempdir().unwrap();
    let desktop = at_home(folder.path()).await.unwrap();
    log_in(&desktop.host(), &cx()).await.unwrap();
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let user = desktop.host().user.unwrap();
        calls.spawn(async move {
            user.get_user_info(&cx(), GetUserInfoRequest { with_credentials: Some(true), lang: None }).await.map(drop)
        });
    }
    assert_eq!(calls.join_all().await.into_iter().filter_map(Result::err).map(|error| error.to_string()).next(), None);
}

#[tokio::test]
async fn a_platform_that_is_not_there_is_named_by_host_and_port() {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap(); // and closed again
    let desktop = elsewhere(address, "a-key-that-must-not-show").await;
    let error = log_in(&desktop.host(), &cx()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let text = format!("{error} {error:?} {desktop:?}");
    assert!(text.contains(&format!("the platform server at {address} cannot be reached")), "{text}");
    assert!(!text.contains("must-not-show"), "{text}");
}

#[tokio::test]
async fn a_silent_platform_is_a_timeout() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let builder = at(silent.local_addr().unwrap(), "key").patience(Duration::from_millis(50));
    let host = builder.start().await.unwrap().host();
    let error = log_in(&host, &cx()).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Timeout, "login:fail timeout"));
    let error = check(&host, &cx()).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Timeout, "checkSession:fail timeout"));
    let silent = silent.into_std().unwrap();
    let connections = std::iter::from_fn(|| silent.accept().ok()).count();
    assert_eq!(connections, 2, "a session may be checked again after silence, but not once the patience is over");
}

/// A platform of its own, its clock, and a key for hosts.
async fn platform() -> (SocketAddr, Arc<Watch>, Secret) {
    let clock = Arc::<Watch>::default();
    let rules = Rules { unknown_apps: UnknownApps::Create, ..Rules::default() };
    let platform = Platform::open(Arc::new(MemoryStore::default()), clock.clone(), rules).await.unwrap();
    let key = platform.add_host_key("test", false).await.unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Server::new(Arc::new(platform)).serve(listener, pending()));
    (address, clock, key)
}

#[tokio::test]
async fn a_key_that_the_platform_does_not_know_is_no_fault_of_the_script() {
    let (address, ..) = platform().await;
    let desktop = elsewhere(address, "a-key-that-must-not-show").await;
    let error = log_in(&desktop.host(), &cx()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(!format!("{error:?}").contains("must-not-show"), "{error:?}");
}

#[tokio::test]
async fn only_an_administrators_key_makes_secrets() {
    let (address, _, key) = platform().await;
    let desktop = elsewhere(address, key.expose()).await;
    assert!(log_in(&desktop.host(), &cx()).await.is_ok());
    assert!(desktop.app_secret(cx().app()).await.unwrap_err().errcode().is_some());
}

#[tokio::test]
async fn what_one_process_was_promised_for_a_launch_binds_no_launch_of_another() {
    let (address, clock, key) = platform().await;
    let (one, other) = (elsewhere(address, key.expose()).await, elsewhere(address, key.expose()).await);
    let cx = cx(); // one number for the launch, as two processes may well have
    log_in(&one.host(), &cx).await.unwrap();
    check(&one.host(), &cx).await.unwrap();
    clock.set(90);
    assert!(check(&one.host(), &cx).await.is_ok());
    assert_eq!(check(&other.host(), &cx).await.unwrap_err().code(), Some(-13001));
}
