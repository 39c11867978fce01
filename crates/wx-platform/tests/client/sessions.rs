//! A developer's server: who is signed in, and which session key opens what, when.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use wx_api::{
    Clock, Timestamp,
    signature::{Sealed, Signature as _, SignatureError},
};
use wx_crypto::{Secret, SessionKey, open_data, signature};
use wx_platform::{
    Errcode,
    developer::{DataError, Key, Rules, Sessions, SignedIn},
};

use super::scripted::{APP, Say, Scripted, refusal, session};

const SECOND: Duration = Duration::from_secs(1);
const NOON: u64 = 1_800_000_000;
const RAW: &str = r#"{"nickName":"Band"}"#;

/// A clock whose hands a test moves.
#[derive(Default)]
struct Hands(Mutex<Duration>);

#[async_trait::async_trait]
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(NOON * 1000) + *self.0.lock().unwrap()
    }

    async fn sleep_until(&self, _: Timestamp) {}
}

struct Bench {
    platform: Scripted,
    clock: Arc<Hands>,
    sessions: Arc<Sessions>,
}

impl Bench {
    /// Over a platform that exchanges the code `1 o1` for key number 1 of user `o1`, and so on. The answer to a code with `held` in it waits.
    async fn new(rules: Rules) -> Self {
        let platform = Scripted::start(|asked| {
            let code = asked.query.split('&').find_map(|part| part.strip_prefix("js_code=")).unwrap().to_owned();
            let mut words = code.split('+');
            let Ok(number) = words.next().unwrap().parse() else { return refusal(40029, "invalid code") };
            let answer = session(words.next().unwrap(), &key(number).expose_base64());
            if code.ends_with("held") { Say::Held(Box::new(answer)) } else { answer }
        })
        .await;
        let clock = Arc::new(Hands::default());
        let sessions = Sessions::with_rules(platform.client().build().unwrap(), clock.clone(), rules);
        Self { platform, clock, sessions: Arc::new(sessions) }
    }

    async fn sign_in(&self, code: &str) -> SignedIn {
        self.sessions.sign_in(code).await.unwrap()
    }

    fn pass(&self, time: Duration) {
        *self.clock.0.lock().unwrap() += time;
    }

    fn open(&self, token: &Secret, sealed: &Sealed) -> Result<Key, DataError> {
        self.sessions.open(token, sealed).map(|opened| opened.key)
    }

    fn verify(&self, token: &Secret, key_number: u8) -> Result<Key, DataError> {
        self.sessions.verify(token, RAW, &signature::sign(RAW.as_bytes(), &key(key_number)))
    }
}

fn key(number: u8) -> SessionKey {
    SessionKey::from_bytes([number; 16])
}

/// Data sealed with this key, with a watermark so many seconds after noon.
fn sealed(key_number: u8, seconds: u64) -> Sealed {
    let json = json!({ "nickName": "Band", "watermark": { "appid": APP, "timestamp": NOON + seconds } });
    let sealed = open_data::seal(json.to_string().as_bytes(), &key(key_number), [7; 16]);
    Sealed { encrypted_data: sealed.encrypted_data, iv: sealed.iv }
}

fn is_of_an_earlier_key(answer: &Result<Key, DataError>) -> bool {
    matches!(answer, Err(error @ DataError::EarlierKey { .. }) if error.to_string().contains("sealed with an earlier session key"))
}

#[tokio::test]
async fn a_token_says_who_it_is_until_it_expires() {
    let bench = Bench::new(Rules::default()).await;
    let signed_in = bench.sign_in("1 o1").await;
    let session = bench.sessions.session(&signed_in.token).unwrap();
    assert_eq!((session.openid.as_str(), session.unionid), ("o1", None));
    assert_eq!((session.expires, signed_in.expires), (signed_in.expires, bench.clock.now() + SECOND * 7200));
    assert_eq!(bench.sessions.session(&Secret::from("another".to_owned())), None);
    bench.pass(SECOND * 7200);
    assert_eq!(bench.sessions.session(&signed_in.token), None);
    assert_eq!(bench.verify(&signed_in.token, 1), Err(SignatureError::NoSession.into()));
    assert_eq!(bench.sessions.sign("o1", RAW).await, Err(SignatureError::NoSession));
}

#[tokio::test]
async fn a_bad_code_signs_nobody_in() {
    let bench = Bench::new(Rules::default()).await;
    let refused = bench.sessions.sign_in("nonsense").await.unwrap_err();
    assert_eq!(refused.errcode(), Some(Errcode::BAD_CODE));
    assert!(format!("{:?}", bench.sessions).contains("sessions: 0"));
}

#[tokio::test]
async fn a_revoked_session_opens_nothing() {
    let bench = Bench::new(Rules::default()).await;
    let (one, other) = (bench.sign_in("1 o1").await, bench.sign_in("2 o2").await);
    assert!(bench.sessions.revoke(&one.token));
    assert_eq!(bench.open(&one.token, &sealed(1, 0)), Err(SignatureError::NoSession.into()));
    assert_eq!(bench.open(&other.token, &sealed(2, 0)), Ok(Key::Current));
    assert_eq!(bench.sessions.revoke_user("o2"), 1);
    assert_eq!(bench.sessions.session(&other.token), None);
}

#[tokio::test]
async fn data_sealed_before_the_last_login_open_for_the_grace_and_no_longer() {
    let bench = Bench::new(Rules::default()).await;
    let first = bench.sign_in("1 o1").await;
    let before = sealed(1, 0);
    assert_eq!(bench.open(&first.token, &before), Ok(Key::Current));
    bench.pass(SECOND * 10);
    let second = bench.sign_in("2 o1").await;
    bench.pass(SECOND * 299);
    for token in [&first.token, &second.token] {
        assert_eq!(bench.open(token, &before), Ok(Key::Previous));
        assert_eq!(bench.verify(token, 1), Ok(Key::Previous));
        assert_eq!(bench.open(token, &sealed(2, 100)), Ok(Key::Current));
        assert_eq!(bench.verify(token, 2), Ok(Key::Current));
    }
    bench.pass(SECOND);
    let (opened, verified) = (bench.open(&second.token, &before), bench.verify(&second.token, 1));
    assert!(is_of_an_earlier_key(&opened) && is_of_an_earlier_key(&verified), "{opened:?} {verified:?}");
    assert_eq!((opened.unwrap_err().code(), verified.unwrap_err().code()), (Some(-41003), Some(87009)));
    assert_eq!(bench.open(&second.token, &sealed(2, 100)), Ok(Key::Current));
    assert_eq!(bench.sessions.session(&first.token), None, "the earlier token had the same grace");
}

#[tokio::test]
async fn the_earlier_key_opens_nothing_from_after_the_login() {
    let bench = Bench::new(Rules::default()).await;
    bench.sign_in("1 o1").await;
    bench.pass(SECOND * 10);
    let second = bench.sign_in("2 o1").await;
    bench.pass(SECOND * 100);
    assert_eq!(bench.open(&second.token, &sealed(1, 10 + 60)), Ok(Key::Previous), "as far as clocks may differ");
    assert!(is_of_an_earlier_key(&bench.open(&second.token, &sealed(1, 10 + 61))));
}

#[tokio::test]
async fn without_a_grace_a_login_ends_the_earlier_key_at_once() {
    let bench = Bench::new(Rules { grace: Duration::ZERO, ..Rules::default() }).await;
    let first = bench.sign_in("1 o1").await;
    let second = bench.sign_in("2 o1").await;
    assert!(is_of_an_earlier_key(&bench.open(&second.token, &sealed(1, 0))));
    assert_eq!(bench.sessions.session(&first.token), None);
}

#[tokio::test]
async fn what_no_known_key_opens_is_refused_as_under_the_current_one() {
    let bench = Bench::new(Rules::default()).await;
    bench.sign_in("1 o1").await;
    bench.sign_in("2 o1").await;
    let third = bench.sign_in("3 o1").await;
    let opened = bench.open(&third.token, &sealed(1, 0));
    assert!(matches!(&opened, Err(DataError::Refused(SignatureError::BadData(_)))), "{opened:?}");
    assert_eq!(bench.verify(&third.token, 1), Err(SignatureError::Mismatch.into()));
    let bad_iv = Sealed { iv: "AAAA".to_owned(), ..sealed(3, 0) };
    assert_eq!(bench.open(&third.token, &bad_iv), Err(SignatureError::BadIv.into()));
    let no_base64 = Sealed { encrypted_data: "%".to_owned(), ..sealed(3, 0) };
    assert_eq!(bench.open(&third.token, &no_base64), Err(SignatureError::BadBase64.into()));
}

#[tokio::test]
async fn an_exchange_that_is_overtaken_does_not_bring_the_old_key_back() {
    let bench = Bench::new(Rules::default()).await;
    let sessions = bench.sessions.clone();
    let slow = tokio::spawn(async move { sessions.sign_in("1 o1 held").await });
    bench.platform.until_asked(1).await;
    bench.sign_in("2 o1").await;
    bench.platform.release();
    let slow = slow.await.unwrap().unwrap();
    assert_eq!(bench.verify(&slow.token, 2), Ok(Key::Current));
    assert_eq!(bench.verify(&slow.token, 1), Ok(Key::Previous));
}

#[tokio::test]
async fn by_user_only_the_current_key_counts() {
    let bench = Bench::new(Rules::default()).await;
    bench.sign_in("1 o1").await;
    let (signed, before) = (bench.sessions.sign("o1", RAW).await.unwrap(), bench.sessions.seal("o1", RAW).await.unwrap());
    let by_user = &*bench.sessions;
    assert_eq!(wx_api::signature::Signature::verify(by_user, "o1", RAW, &signed).await, Ok(()));
    let opened = wx_api::signature::Signature::open(by_user, "o1", &before).await.unwrap();
    assert_eq!((opened.watermark.appid.as_str(), opened.watermark.timestamp), (APP, NOON));
    bench.sign_in("2 o1").await;
    assert_eq!(wx_api::signature::Signature::verify(by_user, "o1", RAW, &signed).await, Err(SignatureError::Mismatch));
    let opened = wx_api::signature::Signature::open(by_user, "o1", &before).await;
    assert_eq!(opened.map_err(|error| error.code()), Err(Some(-41003)));
    assert_eq!(by_user.seal("nobody", RAW).await, Err(SignatureError::NoSession));
}
