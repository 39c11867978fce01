//! Records to keep.

use std::time::Duration;

use wx_api::{
    AppId, Timestamp,
    user::{Lang, UserInfo},
};
use wx_crypto::{Secret, SessionKey};
use wx_platform::{
    store::{App, HostKey, Identity, Session, SoterKey, Token, TokenKind, User},
    wire::host::Place,
};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(crate) fn later(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

pub(crate) fn identity(text: &str) -> Identity {
    Identity(secret(text))
}

pub(crate) fn app(id: &str) -> App {
    App {
        id: id.into(),
        secret: [7; 32],
        frozen: true,
        account: Some("account".into()),
        allowed_ips: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::1/128".parse().unwrap()],
        withheld: ["/wxa/checksession".into()].into(),
    }
}

pub(crate) fn user(id: &str) -> User {
    let place = Place { city: "广州".into(), province: "广东".into(), country: "中国".into() };
    User {
        id: id.into(),
        blocked: true,
        profile: UserInfo { nick_name: "\"丽\"\u{0}".into(), gender: 2, language: Lang::ZhTw, ..UserInfo::default() },
        places: [(Lang::ZhCn, place), (Lang::En, Place::default())].into(),
    }
}

pub(crate) fn host_key(name: &str) -> HostKey {
    HostKey { name: name.into(), admin: true }
}

/// A session with a key made of this number.
pub(crate) fn session(app: &str, openid: &str, key: u8) -> Session {
    let mut life = wx_rules::login::Session::begin(NOW);
    assert!(life.touch(later(1), 1) && life.check(later(2), u64::MAX));
    Session {
        app: app.into(),
        openid: openid.into(),
        user: format!("user of {openid}").into(),
        key: SessionKey::from_bytes([key; 16]),
        life,
        version: 0,
    }
}

pub(crate) fn token(app: &str, kind: TokenKind, text: &str, expires: Timestamp) -> Token {
    Token { text: secret(text), app: app.into(), kind, expires }
}

pub(crate) fn soter_key(public_key: &str, counter: Option<u64>) -> SoterKey {
    SoterKey { public_key: public_key.into(), counter }
}

pub(crate) fn id(app: &str) -> AppId {
    app.into()
}
