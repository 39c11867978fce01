//! Open data and SOTER results from strangers. The first byte says what the rest is:
//!
//! - `o`: lines of a session key, an iv, encrypted data and an appid, opened strictly and leniently;
//! - `s`: plain text, which is sealed and opened, so that what lies behind AES is reached;
//! - `r`: a signature in a line, or an empty line to have one made, and a SOTER result.

#![no_main]

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use wx_crypto::{Expect, OpenDataError, SaltLen, SessionKey, SoterError, SoterSigner, SoterVerifier, open_data, pss, soter};

const APPID: &str = "wx4f4bc4dec97d474b";
const NOW: i64 = 1_800_000_000;

fuzz_target!(|input: &[u8]| {
    let (mode, rest) = line(input);
    match mode.first() {
        Some(b'o') => open(rest),
        Some(b's') => seal(rest),
        Some(b'r') => result(rest),
        _ => (),
    }
});

/// The first line, and what comes after it.
fn line(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    (&input[..end], input.get(end + 1..).unwrap_or_default())
}

fn open(input: &[u8]) {
    let (key, rest) = line(input);
    let (iv, rest) = line(rest);
    let (data, appid) = line(rest);
    let [key, iv, data, appid] = [key, iv, data, appid].map(String::from_utf8_lossy);
    let expect = Expect { appid: &appid, now_s: NOW, max_age_s: u64::MAX, max_skew_s: u64::MAX };

    let strict = SessionKey::from_base64(&key).and_then(|key| open_data::open(&data, &iv, &key, &expect));
    let repaired = open_data::repair(&key);
    let lenient = SessionKey::from_base64(&repaired.text).and_then(|key| open_data::open_lenient(&data, &iv, &key, &expect));
    match (strict, lenient) {
        (Ok(strict), lenient) => {
            let (lenient, repairs) = lenient.expect("what opens strictly opens leniently");
            assert!(repairs.is_empty() && repaired.repairs.is_empty(), "{repairs:?}");
            assert!(strict == lenient, "the two ways opened different data");
        }
        (Err(_), Ok((_, repairs))) => assert!(!repairs.is_empty() || !repaired.repairs.is_empty(), "only repairs may differ"),
        (Err(_), Err(_)) => (),
    }
}

fn seal(plain: &[u8]) {
    let key = SessionKey::from_bytes([7; 16]);
    let sealed = open_data::seal(plain, &key, [1; 16]);
    assert_eq!(open_data::decrypt(&sealed.encrypted_data, &sealed.iv, &key).as_deref(), Ok(plain));

    let expect = Expect { appid: APPID, now_s: NOW, max_age_s: 7200, max_skew_s: 300 };
    let opened = open_data::open(&sealed.encrypted_data, &sealed.iv, &key, &expect);
    let Ok(text) = str::from_utf8(plain) else {
        assert_eq!(opened, Err(OpenDataError::Utf8));
        return;
    };
    let value = match serde_json::from_str::<Value>(text) {
        // A number that no f64 holds is JSON all the same.
        Err(error) if error.to_string().contains("out of range") => return,
        value => value.ok().filter(Value::is_object),
    };
    match opened {
        Ok(opened) => {
            assert_eq!(opened.json, text);
            let value = value.expect("what was opened is a JSON object");
            assert_eq!(value["watermark"]["appid"], APPID);
        }
        Err(OpenDataError::Json { .. }) => {
            assert!(value.is_none_or(|value| !value["watermark"].is_null()), "only a watermark of wrong types may be refused");
        }
        Err(_) => assert!(value.is_some(), "what is not JSON is called so"),
    }
}

static SIGNER: LazyLock<SoterSigner> = LazyLock::new(|| {
    SoterSigner::from_pkcs8_pem(include_str!("../../../crates/wx-crypto/tests/keys/test-only.pkcs8.pem")).expect("is a key")
});
static VERIFIER: LazyLock<SoterVerifier> =
    LazyLock::new(|| SoterVerifier::from_spki_pem(SIGNER.public_pem()).expect("is a key"));

fn result(input: &[u8]) {
    let (signature, json) = line(input);
    let [signature, json] = [signature, json].map(String::from_utf8_lossy);
    // Unsigned, all but the last check run; signing each would take most of the time.
    if !signature.is_empty() {
        if let Ok(report) = soter::verify(&json, &signature, &VERIFIER) {
            judge(&json, &report);
        }
        return;
    }
    let signature = pss::sign(&SIGNER, json.as_bytes(), SaltLen::Bytes20).expect("the key signs");
    match soter::verify(&json, &STANDARD.encode(signature), &VERIFIER) {
        Ok(report) => judge(&json, &report),
        Err(SoterError::Mismatch) => assert!(json.contains("32"), "only a declared salt of 32 bytes does not match"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn judge(json: &str, report: &soter::Report) {
    match serde_json::from_str::<Value>(json) {
        Ok(value) => {
            assert_eq!(value["raw"], report.raw.as_str());
            assert_eq!(value["counter"], report.counter);
        }
        // Two things are read that serde_json refuses: a raw NUL at the end of a text, and a number that no f64 holds.
        Err(error) => assert!(json.contains('\0') || error.to_string().contains("out of range"), "{error}"),
    }
}
