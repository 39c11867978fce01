//! Both ends together: the client and the sessions against the server of this crate.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::net::TcpListener;
use wx_api::{
    AppId, Clock, Timestamp,
    signature::{Sealed, SignatureError},
};
use wx_crypto::Secret;
use wx_platform::{
    Errcode,
    client::{Client, ClientError, HostClient, Tokens},
    developer::{DataError, Key, Sessions},
    platform::{Platform, Rules},
    server::Server,
    store::MemoryStore,
    wire::{
        host::{App, LoginRequest, SessionRequest, SoterEnrolment, SoterKey, User, UserInfoAnswer, UserInfoRequest},
        soter::VerifyRequest,
    },
};

use super::scripted::APP;

const USER: &str = "ming";
const A_WHILE: Duration = Duration::from_secs(10);

/// One clock for both ends, moved by hand.
#[derive(Default)]
struct Hands(Mutex<Duration>);

#[async_trait::async_trait]
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000) + *self.0.lock().unwrap()
    }

    async fn sleep_until(&self, at: Timestamp) {
        if at > self.now() {
            std::future::pending::<()>().await;
        }
    }
}

struct Bench {
    clock: Arc<Hands>,
    url: String,
    host: HostClient,
    app_secret: Secret,
}

impl Bench {
    async fn new() -> Self {
        let clock = Arc::new(Hands::default());
        let platform = Platform::open(Arc::new(MemoryStore::default()), clock.clone(), Rules::default()).await.unwrap();
        let platform = Arc::new(platform);
        let key = platform.add_host_key("a test", true).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(Server::new(platform).serve(listener, std::future::pending()));
        let host = HostClient::new(&url, key, A_WHILE).unwrap();
        let made = host.set_app(&App { app: APP.to_owned(), ..App::default() }).await.unwrap();
        host.set_user(&User { user: USER.to_owned(), ..User::default() }).await.unwrap();
        let app_secret = Secret::from(&made.secret.unwrap());
        Self { clock, url, host, app_secret }
    }

    fn client(&self) -> Client {
        self.client_with(Tokens::Stable)
    }

    fn client_with(&self, tokens: Tokens) -> Client {
        Client::builder(&self.url, AppId::from(APP), self.app_secret.clone()).tokens(tokens).build().unwrap()
    }

    async fn code(&self) -> String {
        let request = LoginRequest { app: APP.to_owned(), user: USER.to_owned() };
        self.host.login(&request).await.unwrap().code.expose().to_owned()
    }

    async fn user_info(&self) -> UserInfoAnswer {
        let (app, user, launch) = (APP.to_owned(), USER.to_owned(), "1".to_owned());
        let request = UserInfoRequest { app, user, launch, lang: wx_api::user::Lang::default(), with_credentials: Some(true) };
        self.host.user_info(&request).await.unwrap()
    }
}

fn sealed(info: &UserInfoAnswer) -> Sealed {
    Sealed { encrypted_data: info.encrypted_data.clone().unwrap(), iv: info.iv.clone().unwrap() }
}

#[tokio::test]
async fn a_code_is_exchanged_once() {
    let bench = Bench::new().await;
    let (client, code) = (bench.client(), bench.code().await);
    let user = client.code_to_session(&code).await.unwrap();
    assert!(user.openid.starts_with('o'));
    assert_eq!(client.code_to_session(&code).await.unwrap_err().errcode(), Some(Errcode::CODE_USED));
    assert_eq!(client.code_to_session("made up").await.unwrap_err().errcode(), Some(Errcode::BAD_CODE));
}

#[tokio::test]
async fn a_session_key_is_checked_and_reset_with_both_kinds_of_token() {
    let bench = Bench::new().await;
    for tokens in [Tokens::Stable, Tokens::Plain] {
        let client = bench.client_with(tokens);
        let user = client.code_to_session(&bench.code().await).await.unwrap();
        assert_eq!(client.check_session(&user.openid, &user.session_key).await, Ok(true));
        let key = client.reset_session_key(&user.openid, &user.session_key).await.unwrap();
        assert_ne!(key, user.session_key);
        assert_eq!(client.check_session(&user.openid, &user.session_key).await, Ok(false));
        assert_eq!(client.check_session(&user.openid, &key).await, Ok(true));
    }
}

#[tokio::test]
async fn a_token_that_expired_unnoticed_is_replaced() {
    let bench = Bench::new().await;
    for tokens in [Tokens::Stable, Tokens::Plain] {
        let client = bench.client_with(tokens);
        let user = client.code_to_session(&bench.code().await).await.unwrap();
        let before = client.access_token().await.unwrap();
        // Only the platform's clock moves: the client believes in its token.
        *bench.clock.0.lock().unwrap() += Duration::from_secs(3 * 60 * 60);
        assert_eq!(client.check_session(&user.openid, &user.session_key).await, Ok(true));
        assert_ne!(client.access_token().await.unwrap(), before);
    }
}

#[tokio::test]
async fn a_host_learns_whether_a_session_lives() {
    let bench = Bench::new().await;
    let request = SessionRequest { app: APP.to_owned(), user: USER.to_owned(), launch: "1".to_owned() };
    assert!(!bench.host.session_alive(&request).await.unwrap().alive);
    bench.code().await;
    assert!(bench.host.session_alive(&request).await.unwrap().alive);
}

#[tokio::test]
async fn refusals_of_hosts_keep_their_number() {
    let bench = Bench::new().await;
    let unknown = LoginRequest { app: "wx0000000000000000".to_owned(), user: USER.to_owned() };
    assert_eq!(bench.host.login(&unknown).await.unwrap_err().errcode(), Some(Errcode::BAD_APPID));
    let stranger = HostClient::new(&bench.url, Secret::from("nobody".to_owned()), A_WHILE).unwrap();
    let request = LoginRequest { app: APP.to_owned(), user: USER.to_owned() };
    assert!(matches!(stranger.login(&request).await, Err(ClientError::Refused { .. })));
    let no_key = SoterKey { app: APP.to_owned(), user: USER.to_owned(), public_key: "no key".to_owned() };
    assert_eq!(bench.host.soter_key(&no_key).await.unwrap_err().errcode(), Some(Errcode::BAD_FORMAT));
    let [attk, ask, auth_key] = ["AAAA"; 3].map(str::to_owned);
    let no_chain = SoterEnrolment { app: APP.to_owned(), user: USER.to_owned(), attk, ask, auth_key, attestation: None };
    assert_eq!(bench.host.enrol_soter_key(&no_chain).await.unwrap_err().errcode(), Some(Errcode::NOT_AUTHORISED));
}

#[tokio::test]
async fn a_soter_result_without_a_key_is_judged_and_not_genuine() {
    let bench = Bench::new().await;
    let client = bench.client();
    let openid = client.code_to_session(&bench.code().await).await.unwrap().openid;
    let (json_string, json_signature) = (r#"{"raw":"r","counter":1}"#.to_owned(), "AAAA".to_owned());
    let verdict = client.verify_soter(&VerifyRequest { openid, json_string, json_signature }).await;
    assert!(matches!(&verdict, Ok(verdict) if !verdict.is_ok), "{verdict:?}");
}

#[tokio::test]
async fn user_data_sent_across_a_login_verify_and_open_and_not_for_ever() {
    let bench = Bench::new().await;
    let sessions = Sessions::new(bench.client(), bench.clock.clone());
    sessions.sign_in(&bench.code().await).await.unwrap();
    let info = bench.user_info().await;
    let token = sessions.sign_in(&bench.code().await).await.unwrap().token;
    let (raw_data, signature) = (info.raw_data.expose(), info.signature.as_deref().unwrap());
    assert_eq!(sessions.verify(&token, raw_data, signature), Ok(Key::Previous));
    let opened = sessions.open(&token, &sealed(&info)).unwrap();
    assert_eq!(opened.key, Key::Previous);
    assert!(opened.data.json.contains(&sessions.session(&token).unwrap().openid));

    let openid = sessions.session(&token).unwrap().openid;
    let strict = wx_api::signature::Signature::verify(&sessions, &openid, raw_data, signature).await;
    assert_eq!(strict, Err(SignatureError::Mismatch), "by user the earlier key has ended");

    *bench.clock.0.lock().unwrap() += Duration::from_secs(300);
    assert!(matches!(sessions.open(&token, &sealed(&info)), Err(DataError::EarlierKey { .. })));
    let info = bench.user_info().await;
    assert_eq!(sessions.open(&token, &sealed(&info)).map(|opened| opened.key), Ok(Key::Current));
}
