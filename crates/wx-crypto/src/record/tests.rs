//! Records as devices export them, and as they get spoilt or made up.

#![allow(clippy::unwrap_used)] // a test that unwraps an error should fail

use std::sync::LazyLock;

use proptest::prelude::*;
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey, LineEnding};
use rsa::pss::SigningKey;
use rsa::rand_core::OsRng;
use rsa::sha2::Sha256;
use rsa::signature::{RandomizedSigner, SignatureEncoding};

use super::*;

const PRIVATE: &str = include_str!("../../tests/keys/test-only.pkcs8.pem");
const PUBLIC: &str = include_str!("../../tests/keys/test-only.spki.pem");

static ATTK: LazyLock<rsa::RsaPrivateKey> = LazyLock::new(|| rsa::RsaPrivateKey::from_pkcs8_pem(PRIVATE).unwrap());
static ASK: LazyLock<rsa::RsaPrivateKey> = LazyLock::new(|| rsa::RsaPrivateKey::new(&mut OsRng, 2048).unwrap());
static ABOVE: LazyLock<SoterVerifier> = LazyLock::new(|| SoterVerifier::from_spki_pem(PUBLIC).unwrap());

/// A device's signature, by another implementation than the one that verifies.
fn sign(key: &rsa::RsaPrivateKey, json: &[u8], salt_len: usize) -> Vec<u8> {
    SigningKey::<Sha256>::new_with_salt_len(key.clone(), salt_len).sign_with_rng(&mut OsRng, json).to_vec()
}

fn pem(key: &rsa::RsaPrivateKey) -> String {
    key.to_public_key().to_public_key_pem(LineEnding::LF).unwrap()
}

/// A key that nobody has the other half of.
fn nobodys() -> String {
    pss::public_pem(&[0xc5; 256]).unwrap()
}

fn key(public_key: String) -> KeyRecord {
    KeyRecord { public_key, cpu_id: "5f1".to_owned(), counter: 240, uid: "10115".to_owned(), salt: SaltLen::Bytes20 }
}

/// The record, without any of our own code.
fn raw(json: &[u8], signature: &[u8]) -> Vec<u8> {
    [&u32::try_from(json.len()).unwrap().to_le_bytes(), json, signature].concat()
}

fn exported(key: &KeyRecord, by: &rsa::RsaPrivateKey) -> Vec<u8> {
    let json = key.to_json();
    seal(&json, &sign(by, json.as_bytes(), key.salt.bytes())).unwrap()
}

fn reason<T>(result: Result<T, RecordError>) -> &'static str {
    result.map_or_else(|error| error.reason(), |_| "ok")
}

/// What becomes of this text under the right signature.
fn signed(json: &str) -> &'static str {
    reason(verify(&raw(json.as_bytes(), &sign(&ATTK, json.as_bytes(), 20)), &ABOVE))
}

/// A text with these fields and the key.
fn with(fields: &str) -> String {
    format!(r#"{{"pub_key":{},{fields}}}"#, serde_json::to_string(&nobodys()).unwrap())
}

const FIELDS: &str = r#""cpu_id":"5f1","counter":240,"uid":"10115""#;

#[test]
fn a_record_is_read_as_it_was_written() {
    let json = with(FIELDS);
    let record = raw(json.as_bytes(), &sign(&ATTK, json.as_bytes(), 20));
    assert_eq!(usize::from(record[0]) + 256 * usize::from(record[1]), json.len(), "little-endian");
    assert_eq!(verify(&record, &ABOVE), Ok(key(nobodys())));
    assert_eq!(key(nobodys()).to_json(), json);
    assert_eq!(exported(&key(nobodys()), &ATTK).len(), record.len());
}

#[test]
fn texts_that_json_must_escape_come_back() {
    let strange = KeyRecord { cpu_id: "\"/\\\u{7f}\0订".to_owned(), uid: "\n\u{2028}".to_owned(), ..key(nobodys()) };
    assert_eq!(verify(&exported(&strange, &ATTK), &ABOVE), Ok(strange));
}

#[test]
fn the_salt_has_the_declared_length_or_20_bytes() {
    let long = KeyRecord { salt: SaltLen::Bytes32, ..key(nobodys()) };
    assert_eq!(verify(&exported(&long, &ATTK), &ABOVE), Ok(long.clone()));
    for (key, other) in [(key(nobodys()), 32), (long, 20)] {
        let json = key.to_json();
        assert_eq!(reason(verify(&raw(json.as_bytes(), &sign(&ATTK, json.as_bytes(), other)), &ABOVE)), "Mismatch");
    }
    for declared in ["0", "19", "222", "\"20\"", "null", "20.0"] {
        assert_eq!(signed(&with(&format!(r#"{FIELDS},"rsa_pss_saltlen":{declared}"#))), "Salt", "{declared}");
    }
}

#[test]
fn a_length_is_what_it_claims_and_at_most_a_mebibyte() {
    let record = exported(&key(nobodys()), &ATTK);
    let json_len = record.len() - 260;
    assert_eq!(verify(&record[..259], &ABOVE), Err(RecordError::TooShort { bytes: 259 }));
    assert_eq!(verify(&[], &ABOVE), Err(RecordError::TooShort { bytes: 0 }));
    let cut = &record[..record.len() - 1];
    assert_eq!(verify(cut, &ABOVE), Err(RecordError::Length { declared: json_len, found: json_len - 1 }));
    let longer = [&record[..], b"x"].concat();
    assert_eq!(verify(&longer, &ABOVE), Err(RecordError::Length { declared: json_len, found: json_len + 1 }));

    let claims = |declared: u32| reason(verify(&[&declared.to_le_bytes(), &record[4..]].concat(), &ABOVE));
    assert_eq!(
        [claims(0), claims(1024 * 1024), claims(1024 * 1024 + 1), claims(u32::MAX)],
        ["Length", "Length", "TooLong", "TooLong"]
    );
    // The prefix that once made others allocate half a gigabyte: the same length, big-endian.
    assert_eq!(claims(u32::try_from(json_len).unwrap().swap_bytes()), "TooLong");
}

#[test]
fn the_longest_text_is_read_and_one_byte_more_is_not() {
    let json = |len: usize| {
        let frame = with(&format!(r#"{FIELDS},"certs":"""#));
        frame.replace(r#""certs":"""#, &format!(r#""certs":"{}""#, "x".repeat(len - frame.len())))
    };
    assert_eq!(signed(&json(MAX_JSON_LEN)), "ok");
    assert_eq!(signed(&json(MAX_JSON_LEN + 1)), "TooLong");
    assert_eq!(seal(&json(MAX_JSON_LEN + 1), &[0; 256]), Err(RecordError::TooLong { declared: MAX_JSON_LEN + 1 }));
    assert_eq!(seal("{}", &[0; 255]), Err(RecordError::Mismatch));
}

#[test]
fn a_text_must_be_an_honest_object_that_names_a_key_a_counter_a_device_and_a_host() {
    let short = with(FIELDS).replace(&serde_json::to_string(&nobodys()).unwrap(), r#""-----BEGIN PUBLIC KEY-----""#);
    for (json, expected) in [
        ("", "Json"),
        ("[]", "Json"),
        (with(FIELDS).trim_end_matches('}'), "Json"),
        (&with(&format!(r#"{FIELDS},"counter":241"#)), "DuplicateKey"),
        (&with(&format!(r#"{FIELDS},"pub_\u006bey":"x""#)), "DuplicateKey"),
        (&format!("{{{FIELDS}}}"), "KeyMissing"),
        (&format!(r#"{{"pub_key":7,{FIELDS}}}"#), "KeyMissing"),
        (&format!(r#"{{"x":{}}}"#, with(FIELDS)), "KeyMissing"),
        (&short, "Key"),
        (&with(r#""cpu_id":"5f1","uid":"10115""#), "CounterMissing"),
        (&with(&FIELDS.replace("240", "-1")), "CounterMissing"),
        (&with(&FIELDS.replace("240", "\"240\"")), "CounterMissing"),
        (&with(&FIELDS.replace("240", "18446744073709551616")), "CounterMissing"),
        (&with(&FIELDS.replace("240", "18446744073709551615")), "ok"),
        (&with(r#""counter":240,"uid":"10115""#), "DeviceMissing"),
        (&with(r#""counter":240,"cpu_id":"5f1","uid":10115"#), "HostMissing"),
        (&with(&format!(r#"{FIELDS},"certs":["x"]"#)), "ok"),
    ] {
        assert_eq!(signed(json), expected, "{json}");
    }
    assert_eq!(reason(verify(&raw(b"{\"\xff\":1}", &[0; 256]), &ABOVE)), "Utf8");
}

#[test]
fn a_short_key_is_refused() {
    let short = include_str!("../../tests/keys/too-short-1024.spki.pem").to_owned();
    let error = verify(&exported(&key(short), &ATTK), &ABOVE).unwrap_err();
    assert_eq!(error, RecordError::Key(PssError::KeySize { bits: 1024 }));
}

#[test]
fn one_bit_of_the_text_or_the_signature_is_a_mismatch() {
    let record = exported(&key(nobodys()), &ATTK);
    let at = |n: usize| {
        let mut spoilt = record.clone();
        spoilt[n] ^= 1;
        reason(verify(&spoilt, &ABOVE))
    };
    let counter = record.windows(3).position(|window| window == b"240").unwrap();
    assert_eq!([at(counter), at(record.len() - 1), at(record.len() - 256)], ["Mismatch"; 3]);
}

#[test]
fn a_record_of_its_own_is_signed_by_the_key_it_names() {
    let own = key(pem(&ATTK));
    assert_eq!(verify_own(&exported(&own, &ATTK)), Ok(own.clone()));
    assert_eq!(reason(verify_own(&exported(&own, &ASK))), "Mismatch");
}

/// Three records that hold together, but for what `change` does to them.
fn chain(change: impl FnOnce(&mut [KeyRecord; 3], &mut [&'static rsa::RsaPrivateKey; 3])) -> Result<(), (Link, &'static str)> {
    let mut keys = [key(pem(&ATTK)), key(pem(&ASK)), key(nobodys())];
    let mut signers = [&*ATTK, &*ATTK, &*ASK];
    change(&mut keys, &mut signers);
    let [attk, ask, auth_key] = [0, 1, 2].map(|n| exported(&keys[n], signers[n]));
    let verified = Chain { attk: &attk, ask: &ask, auth_key: &auth_key }.verify();
    let verified = verified.map_err(|error| (error.link, error.error.reason()))?;
    assert_eq!(verified, VerifiedChain { attk: keys[0].clone(), auth_key: keys[2].clone() });
    Ok(())
}

#[test]
fn a_chain_is_three_records_of_one_device_and_one_host() {
    assert_eq!(chain(|_, _| ()), Ok(()));
    assert_eq!(chain(|keys, _| keys[0].uid = "0".to_owned()), Ok(()), "the device's key is of no host");
    let other = || "other".to_owned();
    assert_eq!(chain(|_, signers| signers[0] = &ASK), Err((Link::Attk, "Mismatch")));
    assert_eq!(chain(|_, signers| signers[1] = &ASK), Err((Link::Ask, "Mismatch")));
    assert_eq!(chain(|_, signers| signers[2] = &ATTK), Err((Link::AuthKey, "Mismatch")));
    assert_eq!(chain(|keys, _| keys[0].cpu_id = other()), Err((Link::Ask, "OtherDevice")));
    assert_eq!(chain(|keys, _| keys[2].cpu_id = other()), Err((Link::AuthKey, "OtherDevice")));
    assert_eq!(chain(|keys, _| keys[1].uid = other()), Err((Link::AuthKey, "OtherHost")));
}

#[test]
fn neither_errors_nor_debug_repeat_what_a_record_says() {
    let error = verify(&exported(&key(nobodys()), &ASK), &ABOVE).unwrap_err();
    let shown = format!("{:?} {error:?} {error}", key(nobodys()));
    assert!(shown.contains("240") && !shown.contains("5f1") && !shown.contains("10115"), "{shown}");
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(verify(&bytes, &ABOVE).is_err());
        prop_assert!(verify_own(&bytes).is_err());
        let chain = Chain { attk: &bytes, ask: &bytes, auth_key: &bytes };
        prop_assert!(chain.verify().is_err());
    }

    #[test]
    fn texts_that_look_like_a_record_are_refused_without_a_panic(
        json in r#"\{("(pub_key|counter|cpu_id|uid|rsa_pss_saltlen)":("[a-z\\u0]{0,8}"|[0-9]{1,3}|null)[,}]){0,6}"#,
    ) {
        prop_assert!(verify(&raw(json.as_bytes(), &[7; 256]), &ABOVE).is_err());
        prop_assert!(verify_own(&raw(json.as_bytes(), &[7; 256])).is_err());
    }
}
