//! Records of SOTER's keys from strangers. The first byte says what the rest is:
//!
//! - `r`: a record, verified with a key that may have signed it, and with its own;
//! - `j`: a text, which is signed, so that what lies behind the signature is reached.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use wx_crypto::{
    RecordError, SaltLen, SoterSigner, SoterVerifier, pss,
    record::{self, Chain, KeyRecord},
};

static SIGNER: LazyLock<SoterSigner> = LazyLock::new(|| {
    SoterSigner::from_pkcs8_pem(include_str!("../../../crates/wx-crypto/tests/keys/test-only.pkcs8.pem")).expect("is a key")
});
static ABOVE: LazyLock<SoterVerifier> =
    LazyLock::new(|| SoterVerifier::from_spki_pem(SIGNER.public_pem()).expect("is a key"));

fuzz_target!(|input: &[u8]| match input {
    [b'r', record @ ..] => {
        let verified = record::verify(record, &ABOVE);
        let own = record::verify_own(record);
        let chain = Chain { attk: record, ask: record, auth_key: record }.verify();
        assert_eq!(chain.is_ok(), own.is_ok(), "a record that signed itself is a chain of its own");
        if let Ok(key) = verified {
            judge(&record[4..record.len() - 256], &key);
        }
    }
    [b'j', json @ ..] => {
        let signature = pss::sign(&SIGNER, json, SaltLen::Bytes20).expect("the key signs");
        let Ok(text) = str::from_utf8(json) else { return };
        let record = record::seal(text, &signature).expect("no fuzzer makes a mebibyte");
        match record::verify(&record, &ABOVE) {
            Ok(key) => judge(json, &key),
            Err(RecordError::Mismatch) => assert!(text.contains("32"), "only a declared salt of 32 bytes does not match"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    _ => (),
});

fn judge(json: &[u8], key: &KeyRecord) {
    match serde_json::from_slice::<Value>(json) {
        Ok(value) => {
            assert_eq!(value["pub_key"], key.public_key.as_str());
            assert_eq!(value["cpu_id"], key.cpu_id.as_str());
            assert_eq!(value["uid"], key.uid.as_str());
            assert_eq!(value["counter"], key.counter);
            key.key().expect("a key that was read is one");
        }
        // A number that no f64 holds is read here, and refused there.
        Err(error) => assert!(error.to_string().contains("out of range"), "{error}"),
    }
}
