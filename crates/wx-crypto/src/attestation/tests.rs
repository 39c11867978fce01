//! Attestations as a TPM makes them, made up here so that each piece of them can be wrong. Those of a real TPM are judged where there
//! is one: by the tests of `wx-desktop`.

#![allow(clippy::unwrap_used)] // a test that unwraps an error should fail

use std::sync::LazyLock;

use proptest::prelude::*;
use rsa::pkcs8::DecodePrivateKey;
use rsa::pss::SigningKey;
use rsa::rand_core::OsRng;
use rsa::sha2::Sha256 as RsaSha256;
use rsa::signature::{RandomizedSigner, SignatureEncoding};

use super::*;
use crate::SaltLen;

const PRIVATE: &str = include_str!("../../tests/keys/test-only.pkcs8.pem");
const PUBLIC: &str = include_str!("../../tests/keys/test-only.spki.pem");
const NONCE: &[u8] = b"0123456789abcdef0123456789abcdef";
const MODULUS: [u8; 256] = [0xc5; 256];

static ATTK: LazyLock<SigningKey<RsaSha256>> =
    LazyLock::new(|| SigningKey::new_with_salt_len(rsa::RsaPrivateKey::from_pkcs8_pem(PRIVATE).unwrap(), 32));

fn record(public_key: String, counter: u64) -> KeyRecord {
    KeyRecord { public_key, cpu_id: "5f1".to_owned(), counter, uid: "1".to_owned(), salt: SaltLen::Bytes32 }
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn sign(attest: Vec<u8>, public: Vec<u8>) -> Certified {
    let signature = ATTK.sign_with_rng(&mut OsRng, &attest).to_vec();
    Certified { public, attest, signature }
}

fn attest(kind: u16, nonce: &[u8], attested: &[u8]) -> Vec<u8> {
    let (magic, kind) = (MAGIC.to_be_bytes(), kind.to_be_bytes());
    [&magic[..], &kind, &sized(b"signer"), &sized(nonce), &[0; CLOCK_AND_FIRMWARE], attested].concat()
}

fn name(public: &[u8]) -> Vec<u8> {
    sized(&[&[0x00, 0x0b], &Sha256::digest(public)[..]].concat())
}

/// A `TPMT_PUBLIC` without a scheme.
fn key_public(attributes: u32, modulus: &[u8]) -> Vec<u8> {
    let head = [&[0, 1, 0, 0x0b][..], &attributes.to_be_bytes(), &sized(b"")].concat();
    [&head[..], &[0, 0x10, 0, 0x10], &2048_u16.to_be_bytes(), &[0; 4], &sized(modulus)].concat()
}

fn key_of(public: Vec<u8>) -> Certified {
    sign(attest(OF_KEY, NONCE, &[name(&public), sized(b"qualified")].concat()), public)
}

/// A `TPMS_NV_PUBLIC`.
fn index_public(attributes: u32) -> Vec<u8> {
    [&0x0180_0000_u32.to_be_bytes()[..], &[0, 0x0b], &attributes.to_be_bytes(), &sized(b""), &[0, 8]].concat()
}

fn counter_of(attributes: u32, offset: u16, contents: &[u8]) -> Certified {
    let public = index_public(attributes);
    sign(attest(OF_NV, NONCE, &[name(&public), offset.to_be_bytes().to_vec(), sized(contents)].concat()), public)
}

fn genuine() -> Attestation {
    let key = key_of(key_public(FIXED, &MODULUS));
    Attestation { key, counter: counter_of(COUNTER | WRITTEN, 0, &7_u64.to_be_bytes()) }
}

fn verify(attestation: &Attestation) -> Result<u64, (Subject, AttestationFault)> {
    let key = record(pss::public_pem(&MODULUS).unwrap(), 7);
    attestation.verify(&record(PUBLIC.to_owned(), 0), &key, NONCE).map_err(|error| (error.of, error.fault))
}

fn key_fault(key: Certified) -> AttestationFault {
    match verify(&Attestation { key, ..genuine() }) {
        Err((Subject::Key, fault)) => fault,
        other => panic!("not of the key: {other:?}"),
    }
}

fn counter_fault(counter: Certified) -> AttestationFault {
    match verify(&Attestation { counter, ..genuine() }) {
        Err((Subject::Counter, fault)) => fault,
        other => panic!("not of the counter: {other:?}"),
    }
}

#[test]
fn what_a_tpm_attests_says_where_its_counter_stands() {
    assert_eq!(verify(&genuine()), Ok(7));
    let later = counter_of(COUNTER | WRITTEN | 0x0004_0004, 0, &u64::MAX.to_be_bytes());
    assert_eq!(verify(&Attestation { counter: later, ..genuine() }), Ok(u64::MAX));
}

#[test]
fn a_structure_may_have_2048_bytes() {
    let long = |bytes: usize| Certified { public: vec![0; bytes], ..genuine().key };
    assert_eq!(key_fault(long(2048)), AttestationFault::Name);
    assert_eq!(key_fault(long(2049)), AttestationFault::TooLong { bytes: 2049 });
    let attest = vec![0; 2049];
    assert_eq!(key_fault(Certified { attest, ..genuine().key }), AttestationFault::TooLong { bytes: 2049 });
}

#[test]
fn every_altered_byte_is_told() {
    let genuine = genuine();
    for at in 0..genuine.key.attest.len() {
        let mut key = genuine.key.clone();
        key.attest[at] ^= 1;
        assert_eq!(key_fault(key), AttestationFault::Signature, "{at}");
    }
    for at in 0..genuine.counter.public.len() {
        let mut counter = genuine.counter.clone();
        counter.public[at] ^= 1;
        assert_eq!(counter_fault(counter), AttestationFault::Name, "{at}");
    }
}

#[test]
fn what_the_device_signed_that_is_no_attestation_is_told() {
    let genuine = genuine();
    let signed = |bytes: &[u8]| key_fault(sign(bytes.to_vec(), genuine.key.public.clone()));
    let whole = &genuine.key.attest;
    assert_eq!(signed(br#"{"pub_key":"x"}"#), AttestationFault::Magic);
    assert_eq!(signed(b""), AttestationFault::Magic);
    assert_eq!(signed(&whole[..5]), AttestationFault::Kind);
    assert_eq!(signed(&attest(0x8018, NONCE, b"")), AttestationFault::Kind, "a quote");
    for cut in 6..whole.len() {
        assert_eq!(signed(&whole[..cut]), AttestationFault::Form, "{cut}");
    }
    assert_eq!(signed(&[whole, &b"x"[..]].concat()), AttestationFault::Form);
    let nonce = |nonce: &[u8]| attest(OF_KEY, nonce, &[name(&genuine.key.public), sized(b"")].concat());
    assert_eq!(signed(&nonce(b"")), AttestationFault::Nonce);
    assert_eq!(signed(&nonce(&NONCE[..31])), AttestationFault::Nonce);

    assert_eq!(key_fault(genuine.counter.clone()), AttestationFault::Kind, "exchanged");
    assert_eq!(counter_fault(genuine.key), AttestationFault::Kind, "exchanged");
}

#[test]
fn a_key_must_be_the_one_and_fixed() {
    assert_eq!(key_fault(key_of(key_public(FIXED, &[0xc7; 256]))), AttestationFault::OtherKey);
    for missing in [1 << 1, 1 << 4, 1 << 5] {
        assert_eq!(key_fault(key_of(key_public(FIXED & !missing, &MODULUS))), AttestationFault::NotFixed);
    }
    let mut exponent = key_public(FIXED, &MODULUS);
    exponent[19] = 3;
    assert_eq!(key_fault(key_of(exponent)), AttestationFault::OtherKey);
    let whole = key_public(FIXED, &MODULUS);
    for (at, value) in [(1, 0x23), (3, 0x0c), (11, 6)] {
        let mut public = whole.clone();
        public[at] = value; // of elliptic curves, named by SHA-384, with a cipher
        assert_eq!(key_fault(key_of(public)), AttestationFault::Public, "{at}");
    }
    assert_eq!(key_fault(key_of(whole[..whole.len() - 1].to_vec())), AttestationFault::Public);
    assert_eq!(key_fault(key_of([&whole[..], b"x"].concat())), AttestationFault::Public);
}

#[test]
fn an_exponent_may_be_written_out_and_a_scheme_named() {
    let mut public = key_public(FIXED, &MODULUS);
    public[16..20].copy_from_slice(&65_537_u32.to_be_bytes());
    public.splice(12..14, [0x00, 0x16, 0x00, 0x0b]);
    assert_eq!(verify(&Attestation { key: key_of(public), ..genuine() }), Ok(7));
}

#[test]
fn a_counter_must_count_and_stand_where_the_key_is() {
    let value = 7_u64.to_be_bytes();
    for not_one in [
        counter_of(WRITTEN, 0, &value),
        counter_of(0x20 | WRITTEN, 0, &value),
        counter_of(0x90 | WRITTEN, 0, &value), // a password's failures
        counter_of(COUNTER, 0, &value),
        counter_of(COUNTER | WRITTEN, 1, &value),
        counter_of(COUNTER | WRITTEN, 0, &value[..7]),
        counter_of(COUNTER | WRITTEN, 0, &[&value[..], &[0]].concat()),
        counter_of(COUNTER | WRITTEN, 0, b""),
    ] {
        assert_eq!(counter_fault(not_one), AttestationFault::NoCounter);
    }
    assert_eq!(counter_fault(counter_of(COUNTER | WRITTEN, 0, &6_u64.to_be_bytes())), AttestationFault::Below);
    let other_name = sign(attest(OF_NV, NONCE, &[name(b"x"), vec![0, 0], sized(&value)].concat()), b"x".to_vec());
    assert_eq!(counter_fault(other_name), AttestationFault::Public);
}

proptest! {
    #[test]
    fn arbitrary_structures_are_refused_without_a_panic(
        attested in prop::collection::vec(any::<u8>(), 0..80),
        public in prop::collection::vec(any::<u8>(), 0..80),
        kind in prop::sample::select(vec![OF_KEY, OF_NV]),
    ) {
        let certified = sign(attest(kind, NONCE, &[name(&public), attested].concat()), public);
        let attestation = Attestation { key: certified.clone(), counter: certified.clone() };
        prop_assert!(verify(&attestation).is_err());
        let attestation = Attestation { counter: certified, ..genuine() };
        prop_assert!(verify(&attestation).is_err());
    }
}
