//! Every case of the shared vectors, strict and lenient, through the public API only.
//!
//! `tests/vectors/open-data.json` states the policy in `meta.spec`. Where a case has `expect_lenient`, that is what becomes of it
//! after its repair; any other must not open leniently if it does not open strictly.

#![allow(clippy::unwrap_used)] // a test that unwraps an error should fail

use std::fmt::Write as _;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use wx_crypto::open_data::{self, Repair, Repairs};
use wx_crypto::{Expect, OpenDataError, Opened, SessionKey, signature};

#[derive(Deserialize)]
struct Vectors {
    decrypt: Vec<Decrypt>,
    signature: Vec<Sign>,
}

#[derive(Deserialize)]
struct Decrypt {
    id: String,
    appid: String,
    session_key: String,
    encrypted_data: String,
    iv: String,
    now: i64,
    max_age_s: u64,
    max_skew_s: u64,
    expect: Outcome,
    expect_lenient: Option<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    ok: bool,
    code: i32,
    error: Option<String>,
    plaintext_sha256: Option<String>,
    plaintext_len: Option<usize>,
    plaintext: Option<String>,
}

#[derive(Deserialize)]
struct Sign {
    id: String,
    raw_data: String,
    session_key: String,
    signature: String,
    expect: bool,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors/open-data.json")).unwrap()
}

fn run(case: &Decrypt) -> Result<Opened, OpenDataError> {
    let key = SessionKey::from_base64(&case.session_key)?;
    let expect = Expect { appid: &case.appid, now_s: case.now, max_age_s: case.max_age_s, max_skew_s: case.max_skew_s };
    open_data::open(&case.encrypted_data, &case.iv, &key, &expect)
}

/// The same leniently, the key repaired too, and what of the key was.
fn run_lenient(case: &Decrypt) -> Result<(Opened, Repairs, Vec<Repair>), OpenDataError> {
    let repaired = open_data::repair(&case.session_key);
    let key = SessionKey::from_base64(&repaired.text)?;
    let expect = Expect { appid: &case.appid, now_s: case.now, max_age_s: case.max_age_s, max_skew_s: case.max_skew_s };
    let (opened, repairs) = open_data::open_lenient(&case.encrypted_data, &case.iv, &key, &expect)?;
    Ok((opened, repairs, repaired.repairs))
}

/// What is wrong with the outcome of a case, if anything.
fn complaint(case: &Decrypt, expect: &Outcome, outcome: Result<Opened, OpenDataError>) -> Option<String> {
    match outcome {
        Ok(opened) => {
            let sha256 = Sha256::digest(&opened.json).iter().fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02x}").unwrap();
                hex
            });
            let same = expect.ok
                && expect.code == 0
                && expect.error.is_none()
                && expect.plaintext_sha256.as_ref() == Some(&sha256)
                && expect.plaintext_len == Some(opened.json.len())
                && expect.plaintext.as_ref().is_none_or(|text| *text == opened.json)
                && opened.watermark.appid == case.appid;
            (!same).then(|| format!("{}: opened, sha256 {sha256}", case.id))
        }
        Err(error) => {
            let same = !expect.ok && expect.code == error.code() && expect.error.as_deref() == Some(error.reason());
            (!same).then(|| format!("{}: {} {}", case.id, error.code(), error.reason()))
        }
    }
}

#[test]
fn every_case_opens_or_is_refused_for_the_reason_in_the_vectors() {
    let vectors = vectors();
    assert_eq!(vectors.decrypt.len(), 43, "cases went missing or were added");
    let complaints: Vec<_> = vectors.decrypt.iter().filter_map(|case| complaint(case, &case.expect, run(case))).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn every_damaged_case_opens_leniently_as_in_the_vectors_and_nothing_else_does() {
    let vectors = vectors();
    let mut repaired = 0;
    for case in &vectors.decrypt {
        let outcome = run_lenient(case);
        match &case.expect_lenient {
            Some(expect) => {
                let (opened, repairs, key) = outcome.unwrap();
                assert!(!repairs.is_empty() || !key.is_empty(), "{}: opened without a repair", case.id);
                assert_eq!(complaint(case, expect, Ok(opened)), None);
                repaired += 1;
            }
            None if case.expect.ok => {
                let (opened, repairs, key) = outcome.unwrap();
                assert!(repairs.is_empty() && key.is_empty(), "{}: {repairs:?}", case.id);
                assert_eq!(complaint(case, &case.expect, Ok(opened)), None);
            }
            None => assert!(outcome.is_err(), "{}: opened", case.id),
        }
    }
    assert_eq!(repaired, 5, "cases went missing or were added");
}

#[test]
fn every_signature_verifies_or_not_as_in_the_vectors() {
    let vectors = vectors();
    assert_eq!(vectors.signature.len(), 19, "cases went missing or were added");
    for case in &vectors.signature {
        let key = SessionKey::from_base64(&case.session_key).unwrap();
        let verifies = signature::verify(case.raw_data.as_bytes(), &key, &case.signature);
        assert_eq!(verifies, case.expect, "{}", case.id);
    }
}

#[test]
fn what_opened_seals_back_to_the_same_text() {
    for case in vectors().decrypt.iter().filter(|case| case.expect.ok) {
        let opened = run(case).unwrap();
        let key = SessionKey::from_base64(&case.session_key).unwrap();
        // The iv's bytes come back out of the first block: decrypting under a zero iv leaves them XORed onto the text.
        let zero = "AAAAAAAAAAAAAAAAAAAAAA==";
        let under_zero = open_data::decrypt(&case.encrypted_data, zero, &key).unwrap();
        let iv: Vec<u8> = under_zero.iter().zip(opened.json.as_bytes()).take(16).map(|(a, b)| a ^ b).collect();
        let sealed = open_data::seal(opened.json.as_bytes(), &key, iv.try_into().unwrap());
        assert_eq!(sealed.encrypted_data, case.encrypted_data, "{}", case.id);
        assert_eq!(sealed.iv, case.iv, "{}", case.id);
    }
}
