//! A device and a host application on it, which vouch for keys.
#![allow(dead_code)] // of what tests share, no one uses all

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use wx_crypto::{
    SaltLen, SoterSigner, pss,
    record::{self, KeyRecord},
};

pub(crate) const PEM: &str = include_str!("../../../wx-crypto/tests/keys/test-only.pkcs8.pem");
pub(crate) const OTHER_PEM: &str = include_str!("other-test-only.pkcs8.pem");

/// The device's key, and the host application's.
pub(crate) static ATTK: LazyLock<SoterSigner> = LazyLock::new(|| SoterSigner::from_pkcs8_pem(PEM).unwrap());
pub(crate) static ASK: LazyLock<SoterSigner> = LazyLock::new(|| SoterSigner::from_pkcs8_pem(OTHER_PEM).unwrap());

/// What a record says of this key.
pub(crate) fn key(public_key: &str) -> KeyRecord {
    let (public_key, cpu_id, uid) = (public_key.to_owned(), "5f1".to_owned(), "10115".to_owned());
    KeyRecord { public_key, cpu_id, counter: 0, uid, salt: SaltLen::Bytes20 }
}

/// The record as it travels, signed by this key.
pub(crate) fn signed(key: &KeyRecord, by: &SoterSigner) -> String {
    let json = key.to_json();
    let signature = pss::sign(by, json.as_bytes(), SaltLen::Bytes20).unwrap();
    STANDARD.encode(record::seal(&json, &signature).unwrap())
}

/// What a host sends that enrols this key.
pub(crate) fn enrolment(app: &str, user: &str, public_key: &str) -> Value {
    json!({
        "app": app,
        "user": user,
        "attk": signed(&key(ATTK.public_pem()), &ATTK),
        "ask": signed(&key(ASK.public_pem()), &ATTK),
        "auth_key": signed(&key(public_key), &ASK),
    })
}
