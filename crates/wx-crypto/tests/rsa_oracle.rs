//! What `aws-lc-rs` signs, `rsa` verifies, and the other way round.

#![allow(clippy::unwrap_used)] // a test that unwraps an error should fail

use std::sync::LazyLock;

use proptest::prelude::*;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::pss::{Signature, SigningKey, VerifyingKey};
use rsa::rand_core::OsRng;
use rsa::sha2::Sha256;
use rsa::signature::{RandomizedSigner, SignatureEncoding, Verifier};
use rsa::{RsaPrivateKey, RsaPublicKey};
use wx_crypto::{PssError, SaltLen, SoterSigner, SoterVerifier, pss};

const PRIVATE: &str = include_str!("keys/test-only.pkcs8.pem");

/// One key as each of the two implementations reads it.
struct Key {
    rsa: RsaPrivateKey,
    signer: SoterSigner,
    verifier: SoterVerifier,
}

impl Key {
    fn from_pem(pem: &str) -> Self {
        let rsa = RsaPrivateKey::from_pkcs8_pem(pem).unwrap();
        let signer = SoterSigner::from_pkcs8_pem(pem).unwrap();
        let verifier = SoterVerifier::from_spki_pem(signer.public_pem()).unwrap();
        Self { rsa, signer, verifier }
    }

    /// Both directions for one message; the other length must not verify.
    fn judge(&self, message: &[u8], salt_len: SaltLen, other: SaltLen) {
        let ours = pss::sign(&self.signer, message, salt_len).unwrap();
        let public = RsaPublicKey::from(&self.rsa);
        let signature = Signature::try_from(ours.as_slice()).unwrap();
        let accepts = |len: SaltLen| VerifyingKey::<Sha256>::new_with_salt_len(public.clone(), len.bytes());
        assert!(accepts(salt_len).verify(message, &signature).is_ok());
        assert!(accepts(other).verify(message, &signature).is_err());

        let theirs = SigningKey::<Sha256>::new_with_salt_len(self.rsa.clone(), salt_len.bytes());
        let theirs = theirs.sign_with_rng(&mut OsRng, message).to_vec();
        assert!(pss::verify(&self.verifier, message, &theirs, salt_len));
        assert!(!pss::verify(&self.verifier, message, &theirs, other));
    }
}

static KEY: LazyLock<Key> = LazyLock::new(|| Key::from_pem(PRIVATE));

proptest! {
    // A signature by `rsa` takes milliseconds.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn each_verifies_what_the_other_signs_and_only_with_the_right_salt_length(message in any::<Vec<u8>>()) {
        KEY.judge(&message, SaltLen::Bytes20, SaltLen::Bytes32);
        KEY.judge(&message, SaltLen::Bytes32, SaltLen::Bytes20);
    }

    #[test]
    fn a_private_key_with_one_character_replaced_never_signs_what_its_public_half_refuses(
        cut in 0..PRIVATE.len(),
        digit in "[A-Za-z0-9+/]",
    ) {
        let mut altered = PRIVATE.to_owned();
        altered.replace_range(cut..=cut, &digit);
        if let Ok(signer) = SoterSigner::from_pkcs8_pem(&altered) {
            let verifier = SoterVerifier::from_spki_pem(signer.public_pem()).unwrap();
            if let Ok(signature) = pss::sign(&signer, b"message", SaltLen::Bytes20) {
                prop_assert!(pss::verify(&verifier, b"message", &signature, SaltLen::Bytes20));
            }
        }
    }
}

#[test]
fn a_fresh_key_reads_alike_in_both() {
    let rsa = RsaPrivateKey::new(&mut OsRng, 2048).unwrap();
    let key = Key::from_pem(&rsa.to_pkcs8_pem(LineEnding::LF).unwrap());
    assert_eq!(key.signer.public_pem(), rsa.to_public_key().to_public_key_pem(LineEnding::LF).unwrap());
    key.judge(b"message", SaltLen::Bytes20, SaltLen::Bytes32);
}

#[test]
fn keys_of_every_other_size_are_refused_with_their_size() {
    for bits in [1024, 2047, 2056, 3072] {
        let private = RsaPrivateKey::new(&mut OsRng, bits).unwrap();
        let public = private.to_public_key().to_public_key_pem(LineEnding::LF).unwrap();
        let private = private.to_pkcs8_pem(LineEnding::LF).unwrap();
        assert_eq!(SoterSigner::from_pkcs8_pem(&private).unwrap_err(), PssError::KeySize { bits });
        assert_eq!(SoterVerifier::from_spki_pem(&public).unwrap_err(), PssError::KeySize { bits });
    }
}

#[test]
fn private_keys_in_another_form_are_refused() {
    let pkcs1 = include_str!("keys/not-pkcs8.pem");
    let public = include_str!("keys/test-only.spki.pem");
    for text in [pkcs1, public, "", "-----BEGIN PRIVATE KEY-----"] {
        assert_eq!(SoterSigner::from_pkcs8_pem(text).unwrap_err(), PssError::PrivateKey);
    }
}

#[test]
fn debug_shows_nothing_of_the_private_key() {
    assert_eq!(format!("{:?} {:#?}", KEY.signer, KEY.signer), "SoterSigner(..) SoterSigner(..)");
}

#[test]
fn every_signature_has_a_salt_of_its_own() {
    let sign = || pss::sign(&KEY.signer, b"message", SaltLen::Bytes20).unwrap();
    assert_ne!(sign(), sign());
}
