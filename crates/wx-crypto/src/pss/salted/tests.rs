//! The encoding against `rsa`'s own verifier.

#![allow(clippy::unwrap_used)] // a test that unwraps an error should fail

use std::sync::LazyLock;

use proptest::prelude::*;
use rsa::pss::{Signature, VerifyingKey};
use rsa::sha2::Sha256;
use rsa::signature::Verifier as _;

use super::*;
use crate::pss::{SaltLen, SoterVerifier, verify};

const PRIVATE: &str = include_str!("../../../tests/keys/test-only.pkcs8.pem");
const PUBLIC: &str = include_str!("../../../tests/keys/test-only.spki.pem");
const MESSAGE: &[u8] = include_bytes!("../../../tests/keys/message.json");

// Reading a private key checks its primes, which takes a while.
static SIGNER: LazyLock<SaltedSigner> = LazyLock::new(|| SaltedSigner::from_pkcs8_pem(PRIVATE).unwrap());
static VERIFIER: LazyLock<SoterVerifier> = LazyLock::new(|| SoterVerifier::from_spki_pem(PUBLIC).unwrap());

#[test]
fn the_encoding_satisfies_the_verifier_of_rsa_with_its_own_salt_length_only() {
    let public = SIGNER.private.to_public_key();
    for salt_len in [20, 32] {
        let signature = sign_with_salt(&SIGNER, MESSAGE, &vec![0xa5; salt_len]).unwrap();
        let signature = Signature::try_from(signature.as_slice()).unwrap();
        for told in [0, 20, 21, 32, 222] {
            let verifies = VerifyingKey::<Sha256>::new_with_salt_len(public.clone(), told).verify(MESSAGE, &signature).is_ok();
            assert_eq!(verifies, told == salt_len, "salt {salt_len}, told {told}");
        }
    }
}

#[test]
fn the_same_salt_gives_the_same_signature_and_another_salt_another() {
    let signature = sign_with_salt(&SIGNER, MESSAGE, &[1; 20]).unwrap();
    assert_eq!(signature, sign_with_salt(&SIGNER, MESSAGE, &[1; 20]).unwrap());
    assert_ne!(signature, sign_with_salt(&SIGNER, MESSAGE, &[2; 20]).unwrap());
}

#[test]
fn blinding_does_not_show_in_the_signature() {
    let encoded = BigUint::from_bytes_be(&encode(MESSAGE, &[1; 20]).unwrap());
    let plain = rsa::hazmat::rsa_decrypt_and_check(&SIGNER.private, None::<&mut Blinder>, &encoded).unwrap();
    let signature = sign_with_salt(&SIGNER, MESSAGE, &[1; 20]).unwrap();
    assert_eq!(BigUint::from_bytes_be(&signature), plain);
}

#[test]
fn salts_of_other_lengths_are_refused_and_told() {
    for bytes in [0, 19, 21, 31, 33, 222, 223, 1000] {
        assert_eq!(sign_with_salt(&SIGNER, MESSAGE, &vec![0; bytes]), Err(PssError::SaltLength { bytes }));
    }
}

#[test]
fn a_number_not_below_the_modulus_is_refused() {
    let modulus = BigUint::from_bytes_be(&VERIFIER.key.modulus);
    // A signature plus the modulus is the same number to whoever only computes modulo it.
    let twin = (0_u8..=255)
        .map(|salt| sign_with_salt(&SIGNER, MESSAGE, &[salt; 20]).unwrap())
        .map(|signature| (BigUint::from_bytes_be(&signature) + &modulus).to_bytes_be())
        .find(|twin| twin.len() == SIGNATURE_LEN);
    // With this modulus such a number may not exist; then the modulus itself must do.
    let number = twin.unwrap_or_else(|| modulus.to_bytes_be());
    for salt_len in [SaltLen::Bytes20, SaltLen::Bytes32] {
        for refused in [number.as_slice(), &[0xff; SIGNATURE_LEN], &[0; SIGNATURE_LEN]] {
            assert!(!verify(&VERIFIER, MESSAGE, refused, salt_len));
        }
    }
}

#[test]
fn leading_zeros_are_kept_and_too_long_a_result_is_a_fault() {
    assert_eq!(left_pad(&[7]).unwrap()[254..], [0, 7]);
    assert_eq!(left_pad(&[7]).unwrap().len(), SIGNATURE_LEN);
    assert_eq!(left_pad(&[1; SIGNATURE_LEN + 1]), Err(PssError::PrivateOperation));
}

#[test]
fn the_public_pem_is_the_one_openssl_writes() {
    assert_eq!(SIGNER.public_pem(), PUBLIC);
}

#[test]
fn debug_shows_nothing_of_the_private_key() {
    assert_eq!(format!("{:?} {:#?}", *SIGNER, *SIGNER), "SaltedSigner(..) SaltedSigner(..)");
}

#[test]
fn keys_of_another_size_or_in_another_form_are_refused() {
    let too_short = include_str!("../../../tests/keys/too-short-1024.pkcs8.pem");
    assert_eq!(SaltedSigner::from_pkcs8_pem(too_short).unwrap_err(), PssError::KeySize { bits: 1024 });
    for text in [include_str!("../../../tests/keys/not-pkcs8.pem"), PUBLIC, "", "-----BEGIN PRIVATE KEY-----"] {
        assert_eq!(SaltedSigner::from_pkcs8_pem(text).unwrap_err(), PssError::PrivateKey);
    }
}

proptest! {
    // A signature takes milliseconds.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_signed_verifies_and_other_messages_do_not(
        message in any::<Vec<u8>>(),
        other in any::<Vec<u8>>(),
        salt in prop_oneof![prop::collection::vec(any::<u8>(), 20), prop::collection::vec(any::<u8>(), 32)],
    ) {
        let len = SaltLen::try_from(salt.len()).unwrap();
        let signature = sign_with_salt(&SIGNER, &message, &salt).unwrap();
        prop_assert!(verify(&VERIFIER, &message, &signature, len));
        if other != message {
            prop_assert!(!verify(&VERIFIER, &other, &signature, len));
        }
    }
}
