//! Records of SOTER's keys, and what TPMs attest of them, from strangers. The first byte says what the rest is:
//!
//! - `r`: a record, verified with a key that may have signed it, and with its own;
//! - `j`: a text, which is signed, so that what lies behind the signature is reached;
//! - `a`: the length of a public structure in two bytes, big-endian, that structure, and an attestation, which is signed too.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use wx_crypto::{
    RecordError, SaltLen, SoterSigner, SoterVerifier,
    attestation::{Attestation, Certified},
    pss,
    record::{self, Chain, KeyRecord},
};

static SIGNER: LazyLock<SoterSigner> = LazyLock::new(|| {
    SoterSigner::from_pkcs8_pem(include_str!("../../../crates/wx-crypto/tests/keys/test-only.pkcs8.pem")).expect("is a key")
});
static ABOVE: LazyLock<SoterVerifier> = LazyLock::new(|| SoterVerifier::from_spki_pem(SIGNER.public_pem()).expect("is a key"));

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
    [b'a', high, low, rest @ ..] => {
        let Some((public, attest)) = rest.split_at_checked(u16::from_be_bytes([*high, *low]).into()) else { return };
        attested(public, attest);
    }
    _ => (),
});

/// The nonce of the seeds.
const NONCE: &[u8] = &[7; 32];

fn attested(public: &[u8], attest: &[u8]) {
    let attk = KeyRecord {
        public_key: SIGNER.public_pem().to_owned(),
        cpu_id: String::new(),
        counter: 0,
        uid: String::new(),
        salt: SaltLen::Bytes32,
    };
    let signature = pss::sign(&SIGNER, attest, SaltLen::Bytes32).expect("the key signs");
    let certified = Certified { public: public.to_vec(), attest: attest.to_vec(), signature };
    // Once as a key, which is this very one, and once as a counter behind a key that is fine.
    let (key, counter) = (certified.clone(), certified);
    let error = Attestation { key: key.clone(), counter: Certified::default() }.verify(&attk, &attk, NONCE);
    assert!(error.is_err_and(|error| !error.to_string().is_empty()), "there is no counter");
    if let Ok(stands_at) = (Attestation { key: genuine_key(), counter: counter.clone() }).verify(&attk, &attk, NONCE) {
        assert!(attest.ends_with(&stands_at.to_be_bytes()), "the counter is the end of what was attested");
        assert!(public.len() >= 14 && attest.starts_with(b"\xffTCG\x80\x14"));
    }
}

/// A key that is as it should be: the signer's own.
fn genuine_key() -> Certified {
    static KEY: LazyLock<Certified> = LazyLock::new(|| {
        let seed = include_bytes!("../seeds/soter_record/attested_key");
        let (public, attest) = seed[3..].split_at(u16::from_be_bytes([seed[1], seed[2]]).into());
        let signature = pss::sign(&SIGNER, attest, SaltLen::Bytes32).expect("the key signs");
        Certified { public: public.to_vec(), attest: attest.to_vec(), signature }
    });
    KEY.clone()
}

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
