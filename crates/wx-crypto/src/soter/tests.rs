//! Results as devices make them, and as they get spoilt on their way.

#![allow(clippy::unwrap_used)] // a test that unwraps an error should fail

use std::sync::LazyLock;

use proptest::prelude::*;
use rsa::pkcs8::DecodePrivateKey;
use rsa::pss::SigningKey;
use rsa::rand_core::OsRng;
use rsa::sha2::Sha256;
use rsa::signature::{RandomizedSigner, SignatureEncoding};

use super::*;

const PRIVATE: &str = include_str!("../../tests/keys/test-only.pkcs8.pem");
const PUBLIC: &str = include_str!("../../tests/keys/test-only.spki.pem");

static PRIVATE_KEY: LazyLock<rsa::RsaPrivateKey> = LazyLock::new(|| rsa::RsaPrivateKey::from_pkcs8_pem(PRIVATE).unwrap());
static KEY: LazyLock<SoterVerifier> = LazyLock::new(|| SoterVerifier::from_spki_pem(PUBLIC).unwrap());

/// The example of the documentation page.
const PAGE: &str = r#"{"raw":"msg","fid":"2","counter":123,"tee_n":"TEE Name","tee_v":"TEE Version","fp_n":"Fingerprint Sensor Name","fp_v":"Fingerprint Sensor Version","cpu_id":"CPU Id","uid":"21"}"#;

/// A device's signature, by another implementation than the one that verifies.
fn sign(json: &str, salt_len: usize) -> String {
    let key = SigningKey::<Sha256>::new_with_salt_len(PRIVATE_KEY.clone(), salt_len);
    STANDARD.encode(key.sign_with_rng(&mut OsRng, json.as_bytes()).to_vec())
}

/// What becomes of a result that is signed as it is.
fn signed(json: &str) -> Result<Report, SoterError> {
    verify(json, &sign(json, 20), &KEY)
}

fn reason(result: Result<Report, SoterError>) -> &'static str {
    result.map_or_else(|error| error.reason(), |_| "ok")
}

#[test]
fn the_example_of_the_page_is_read_whole() {
    let report = signed(PAGE).unwrap();
    assert_eq!((report.raw.as_str(), report.counter, report.salt), ("msg", 123, SaltLen::Bytes20));
    let texts =
        [report.fid, report.tee_n, report.tee_v, report.fp_n, report.fp_v, report.cpu_id, report.uid].map(Option::unwrap);
    let expected = ["2", "TEE Name", "TEE Version", "Fingerprint Sensor Name", "Fingerprint Sensor Version", "CPU Id", "21"];
    assert_eq!(texts, expected);
}

#[test]
fn the_salt_has_the_declared_length_or_20_bytes() {
    let declared = |n: &str| format!(r#"{{"raw":"r","counter":1,"rsa_pss_saltlen":{n}}}"#);
    let undeclared = r#"{"raw":"r","counter":1}"#;
    for (json, good, bad) in [(undeclared, 20, 32), (&declared("20"), 20, 32), (&declared("32"), 32, 20)] {
        assert_eq!(reason(verify(json, &sign(json, good), &KEY)), "ok", "{json}");
        assert_eq!(reason(verify(json, &sign(json, bad), &KEY)), "Mismatch", "{json}");
    }
    assert_eq!(verify(&declared("32"), &sign(&declared("32"), 32), &KEY).unwrap().salt, SaltLen::Bytes32);
}

#[test]
fn other_declared_salts_are_refused_even_if_the_signature_has_them() {
    for declared in ["0", "19", "222", "-1", "20.0", "\"20\"", "null", "[20]", "18446744073709551636"] {
        let json = format!(r#"{{"raw":"r","counter":1,"rsa_pss_saltlen":{declared}}}"#);
        let salt_len = declared.parse().unwrap_or(20).min(222);
        assert_eq!(reason(verify(&json, &sign(&json, salt_len), &KEY)), "Salt", "{declared}");
    }
}

#[test]
fn a_result_that_was_written_anew_says_so_and_is_refused() {
    let slashes = r#"{"raw":"a/b 支付","counter":7,"uid":"1"}"#;
    let escaped = r#"{"raw":"a\/b \u652f\u4ed8","counter":7,"uid":"1"}"#;
    let sorted = r#"{"counter":7,"raw":"a/b 支付","uid":"1"}"#;
    let spaced = r#"{"raw": "a/b 支付", "counter": 7, "uid": "1"}"#;
    let ways = [slashes, escaped, sorted, spaced];
    for signed in ways {
        let signature = sign(signed, 20);
        let quoted = serde_json::to_string(signed).unwrap();
        let texts = [&quoted, &quoted[1..quoted.len() - 1], &format!("{signed}\n")];
        for json in ways.into_iter().chain(texts).filter(|json| *json != signed) {
            let error = verify(json, &signature, &KEY).unwrap_err();
            assert_eq!(error, SoterError::ReEscaped, "{json} for {signed}");
            assert!(error.to_string().contains("re-escaped"));
        }
        assert_eq!(reason(verify(signed, &signature, &KEY)), "ok");
    }
}

#[test]
fn the_salt_of_what_was_written_anew_is_the_declared_one() {
    let json = r#"{"raw":"r","counter":1,"rsa_pss_saltlen":32}"#;
    let spaced = json.replace(':', ": ");
    assert_eq!(reason(verify(&spaced, &sign(json, 32), &KEY)), "ReEscaped");
    assert_eq!(reason(verify(&spaced, &sign(json, 20), &KEY)), "Mismatch");
}

#[test]
fn another_result_is_a_mismatch_however_it_is_written() {
    let signature = sign(PAGE, 20);
    for json in [PAGE.replace("123", "124"), PAGE.replace("msg", "msg "), PAGE.replace(r#","uid":"21""#, "")] {
        assert_eq!(reason(verify(&json, &signature, &KEY)), "Mismatch", "{json}");
        assert_eq!(reason(verify(&serde_json::to_string(&json).unwrap(), &signature, &KEY)), "Json", "{json}");
    }
}

#[test]
fn another_device_is_a_mismatch() {
    let other = rsa::RsaPrivateKey::new(&mut OsRng, 2048).unwrap().to_public_key();
    let pem = rsa::pkcs8::EncodePublicKey::to_public_key_pem(&other, rsa::pkcs8::LineEnding::LF).unwrap();
    let other = SoterVerifier::from_spki_pem(&pem).unwrap();
    assert_eq!(verify(PAGE, &sign(PAGE, 20), &other).unwrap_err(), SoterError::Mismatch);
}

#[test]
fn a_spoilt_signature_is_told_apart_from_a_wrong_one() {
    let signature = sign(PAGE, 20);
    for spoilt in [signature.replace('=', ""), format!(" {signature}"), signature.replace('=', "%3D"), "!".to_owned()] {
        assert_eq!(reason(verify(PAGE, &spoilt, &KEY)), "SignatureBase64", "{spoilt}");
    }
    assert_eq!(verify(PAGE, "", &KEY).unwrap_err(), SoterError::SignatureLength { bytes: 0 });
    assert_eq!(verify(PAGE, &signature[..340], &KEY).unwrap_err(), SoterError::SignatureLength { bytes: 255 });
    let twice = STANDARD.encode(&signature);
    assert_eq!(verify(PAGE, &twice, &KEY).unwrap_err(), SoterError::SignatureLength { bytes: 344 });
    assert_eq!(reason(verify(PAGE, &"A".repeat(1_000_000), &KEY)), "SignatureLength");
}

#[test]
fn a_result_must_be_an_honest_object_with_a_challenge_and_a_counter() {
    for (json, expected) in [
        ("", "Json"),
        ("[]", "Json"),
        (r#"{"raw":"r","counter":1"#, "Json"),
        (r#"{"raw":"r","counter":1,"counter":2}"#, "DuplicateKey"),
        (r#"{"raw":"r","counter":1,"c\u006funter":2}"#, "DuplicateKey"),
        (r#"{"raw":"r","counter":1,"x":{"y":1,"y":1}}"#, "DuplicateKey"),
        (r#"{"counter":1}"#, "RawMissing"),
        (r#"{"x":{"raw":"r"},"counter":1}"#, "RawMissing"),
        (r#"{"raw":1,"counter":1}"#, "RawMissing"),
        (r#"{"raw":"r"}"#, "CounterMissing"),
        (r#"{"raw":"r","counter":null}"#, "CounterMissing"),
        (r#"{"raw":"r","counter":"1"}"#, "CounterMissing"),
        (r#"{"raw":"r","counter":-1}"#, "CounterMissing"),
        (r#"{"raw":"r","counter":1.0}"#, "CounterMissing"),
        (r#"{"raw":"r","counter":18446744073709551616}"#, "CounterMissing"),
        (r#"{"raw":"r","counter":18446744073709551615}"#, "ok"),
        (r#"{"raw":"","counter":0}"#, "ok"),
    ] {
        assert_eq!(reason(signed(json)), expected, "{json}");
    }
}

#[test]
fn a_finger_that_ends_in_nul_is_read_without_it_and_verified_with_it() {
    for json in [
        r#"{"raw":"r","fid":"2\u0000","counter":1}"#,
        "{\"raw\":\"r\",\"fid\":\"2\0\",\"counter\":1}",
        r#"{"raw":"r","fid":"2\u0000\u0000","counter":1}"#,
    ] {
        assert_eq!(signed(json).unwrap().fid.as_deref(), Some("2"), "{json:?}");
    }
    // A NUL anywhere else is a fault, and one of the challenge's own is not cut off.
    assert_eq!(reason(signed("{\"raw\":\"r\",\"counter\":1\0}")), "Json");
    assert_eq!(signed(r#"{"raw":"r\u0000","counter":1}"#).unwrap().raw, "r\0");
}

#[test]
fn unknown_fields_are_ignored_and_known_ones_of_another_type_are_absent() {
    let report = signed(r#"{"raw":"r","counter":1,"new":[{"x":null}],"uid":10000,"cpu_id":null}"#).unwrap();
    assert_eq!((report.uid, report.cpu_id, report.fid), (None, None, None));
}

#[test]
fn the_longest_result_is_read_and_one_byte_more_is_not() {
    let frame = r#"{"raw":"","counter":1}"#;
    let json = |len: usize| frame.replace("\"\"", &format!("\"{}\"", "x".repeat(len - frame.len())));
    assert_eq!(reason(signed(&json(MAX_RESULT_LEN))), "ok");
    let longer = json(MAX_RESULT_LEN + 1);
    assert_eq!(verify(&longer, &sign(&longer, 20), &KEY).unwrap_err(), SoterError::TooLarge { bytes: MAX_RESULT_LEN + 1 });
}

#[test]
fn neither_errors_nor_debug_repeat_what_the_result_says() {
    let report = signed(PAGE).unwrap();
    let error = verify(PAGE, &sign("x", 20), &KEY).unwrap_err();
    let shown = format!("{report:?} {error:?} {error}");
    assert!(!shown.contains("msg") && !shown.contains("CPU Id"), "{shown}");
}

proptest! {
    #[test]
    fn arbitrary_input_is_refused_without_a_panic(json in any::<String>(), signature in any::<String>()) {
        prop_assert!(verify(&json, &signature, &KEY).is_err());
        prop_assert!(verify(&json, &STANDARD.encode([7; SIGNATURE_LEN]), &KEY).is_err());
    }

    #[test]
    fn garbage_that_looks_like_a_result_is_refused_without_a_panic(
        json in r#"\{("(raw|counter|fid|rsa_pss_saltlen)":("[a-z\\u0]{0,8}"|[0-9]{1,3}|null)[,}]){0,6}"#,
    ) {
        prop_assert!(verify(&json, &STANDARD.encode([7; SIGNATURE_LEN]), &KEY).is_err());
    }
}
