//! Signing against `rsa`'s own verifier, and verifying signatures that `openssl` made.

#![allow(clippy::unwrap_used)] // a test that unwraps an error should fail

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

const PRIVATE: &str = include_str!("../../tests/keys/test-only.pkcs8.pem");
const PUBLIC: &str = include_str!("../../tests/keys/test-only.spki.pem");
const MESSAGE: &[u8] = include_bytes!("../../tests/keys/message.json");

// Reading a private key checks its primes, which takes a while.
static SIGNER: LazyLock<SoterSigner> = LazyLock::new(|| SoterSigner::from_pkcs8_pem(PRIVATE).unwrap());
static VERIFIER: LazyLock<SoterVerifier> = LazyLock::new(|| SoterVerifier::from_spki_pem(PUBLIC).unwrap());

/// Which of the two lengths verify.
fn accepted(signature: &[u8]) -> [bool; 2] {
    [SaltLen::Bytes20, SaltLen::Bytes32].map(|len| verify(&VERIFIER, MESSAGE, signature, len))
}

#[test]
fn signatures_by_openssl_verify_with_their_own_salt_length_only() {
    assert_eq!(accepted(include_bytes!("../../tests/keys/salt-20.sig")), [true, false]);
    assert_eq!(accepted(include_bytes!("../../tests/keys/salt-32.sig")), [false, true]);
}

#[test]
fn other_salts_masks_and_paddings_by_openssl_are_refused() {
    let others: [&[u8]; 4] = [
        include_bytes!("../../tests/keys/salt-0.sig"),
        include_bytes!("../../tests/keys/salt-222.sig"),
        include_bytes!("../../tests/keys/mgf1-sha1.sig"),
        include_bytes!("../../tests/keys/pkcs1v15.sig"),
    ];
    for signature in others {
        assert_eq!(accepted(signature), [false, false]);
    }
}

#[test]
fn our_encoding_satisfies_the_verifier_of_rsa_with_its_own_salt_length_only() {
    let public = SIGNER.private.to_public_key();
    for salt_len in [20, 32] {
        let signature = sign(&SIGNER, MESSAGE, &vec![0xa5; salt_len]).unwrap();
        let signature = Signature::try_from(signature.as_slice()).unwrap();
        for told in [0, 20, 21, 32, 222] {
            let verifies = VerifyingKey::<Sha256>::new_with_salt_len(public.clone(), told).verify(MESSAGE, &signature).is_ok();
            assert_eq!(verifies, told == salt_len, "salt {salt_len}, told {told}");
        }
    }
}

#[test]
fn the_same_salt_gives_the_same_signature_and_another_salt_another() {
    let signature = sign(&SIGNER, MESSAGE, &[1; 20]).unwrap();
    assert_eq!(signature, sign(&SIGNER, MESSAGE, &[1; 20]).unwrap());
    assert_ne!(signature, sign(&SIGNER, MESSAGE, &[2; 20]).unwrap());
}

#[test]
fn blinding_does_not_show_in_the_signature() {
    let encoded = BigUint::from_bytes_be(&encoding::encode(MESSAGE, &[1; 20]));
    let plain = rsa::hazmat::rsa_decrypt_and_check(&SIGNER.private, None::<&mut Blinder>, &encoded).unwrap();
    let signature = sign(&SIGNER, MESSAGE, &[1; 20]).unwrap();
    assert_eq!(BigUint::from_bytes_be(&signature), plain);
}

#[test]
fn salts_of_other_lengths_are_refused_and_told() {
    for bytes in [0, 19, 21, 31, 33, 222, 223, 1000] {
        assert_eq!(sign(&SIGNER, MESSAGE, &vec![0; bytes]), Err(PssError::SaltLength { bytes }));
    }
}

#[test]
fn a_signature_of_another_length_is_refused_even_if_the_number_is_the_same() {
    let signature = sign(&SIGNER, MESSAGE, &[1; 20]).unwrap();
    let mut longer = vec![0];
    longer.extend_from_slice(&signature);
    assert_eq!(accepted(&longer), [false, false]);
    assert_eq!(accepted(&signature[1..]), [false, false]);
    assert_eq!(accepted(&[]), [false, false]);
}

#[test]
fn a_number_not_below_the_modulus_is_refused() {
    let modulus = VERIFIER.public.n();
    // A signature plus the modulus is the same number to whoever only computes modulo it.
    let twin = (0_u8..=255)
        .map(|salt| sign(&SIGNER, MESSAGE, &[salt; 20]).unwrap())
        .map(|signature| (BigUint::from_bytes_be(&signature) + modulus).to_bytes_be())
        .find(|twin| twin.len() == SIGNATURE_LEN);
    // With this modulus such a number may not exist; then the modulus itself must do.
    let number = twin.unwrap_or_else(|| modulus.to_bytes_be());
    assert_eq!(accepted(&number), [false, false]);
    assert_eq!(accepted(&[0xff; SIGNATURE_LEN]), [false, false]);
    assert_eq!(accepted(&[0; SIGNATURE_LEN]), [false, false]);
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
    assert_eq!(SoterVerifier::from_spki_pem(SIGNER.public_pem()).unwrap(), *VERIFIER);
}

#[test]
fn debug_shows_nothing_of_the_private_key() {
    assert_eq!(format!("{:?}", *SIGNER), "SoterSigner(..)");
    assert_eq!(format!("{:#?}", *SIGNER), "SoterSigner(..)");
}

#[test]
fn keys_of_another_size_are_refused() {
    let private = include_str!("../../tests/keys/too-short-1024.pkcs8.pem");
    let public = include_str!("../../tests/keys/too-short-1024.spki.pem");
    let too_short = PssError::KeySize { bits: 1024 };
    assert_eq!(SoterSigner::from_pkcs8_pem(private).unwrap_err(), too_short);
    assert_eq!(SoterVerifier::from_spki_pem(public).unwrap_err(), too_short);
}

#[test]
fn keys_in_another_form_are_refused() {
    let pkcs1 = include_str!("../../tests/keys/not-pkcs8.pem");
    for text in [pkcs1, PUBLIC, "", "-----BEGIN PRIVATE KEY-----"] {
        assert_eq!(SoterSigner::from_pkcs8_pem(text).unwrap_err(), PssError::PrivateKey);
    }
    for text in [pkcs1, PRIVATE, ""] {
        assert_eq!(SoterVerifier::from_spki_pem(text).unwrap_err(), PssError::PublicKey);
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
        let signature = sign(&SIGNER, &message, &salt).unwrap();
        prop_assert!(verify(&VERIFIER, &message, &signature, len));
        if other != message {
            prop_assert!(!verify(&VERIFIER, &other, &signature, len));
        }
    }
}

proptest! {
    #[test]
    fn garbage_signatures_are_refused_without_a_panic(
        signature in prop_oneof![any::<Vec<u8>>(), prop::collection::vec(any::<u8>(), SIGNATURE_LEN)],
    ) {
        prop_assert_eq!(accepted(&signature), [false, false]);
    }

    #[test]
    fn a_signature_with_one_flipped_bit_is_refused(bit in 0_usize..SIGNATURE_LEN * 8) {
        let mut signature = *include_bytes!("../../tests/keys/salt-20.sig");
        signature[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(accepted(&signature), [false, false]);
    }

    #[test]
    fn garbage_keys_are_refused_without_a_panic(text in any::<String>(), cut in 0..PUBLIC.len(), digit in "[A-Za-z0-9+/]") {
        prop_assert!(SoterSigner::from_pkcs8_pem(&text).is_err());
        prop_assert!(SoterVerifier::from_spki_pem(&text).is_err());
        // One character replaced may leave a key, of some sort, or not: it must not panic, nor may using it.
        let mut altered = PUBLIC.to_owned();
        altered.replace_range(cut..=cut, &digit);
        if let Ok(verifier) = SoterVerifier::from_spki_pem(&altered) {
            let signature = include_bytes!("../../tests/keys/salt-20.sig");
            let same = verifier == *VERIFIER;
            prop_assert_eq!(verify(&verifier, MESSAGE, signature, SaltLen::Bytes20), same);
        }
    }
}
