//! Verifying signatures that `openssl` made, by whichever provider is built in and by `rsa`.

#![allow(clippy::unwrap_used)] // a test that unwraps an error should fail

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

const PUBLIC: &str = include_str!("../../tests/keys/test-only.spki.pem");
const MESSAGE: &[u8] = include_bytes!("../../tests/keys/message.json");
const SALT_20: &[u8; SIGNATURE_LEN] = include_bytes!("../../tests/keys/salt-20.sig");
const SALT_32: &[u8; SIGNATURE_LEN] = include_bytes!("../../tests/keys/salt-32.sig");
const LENGTHS: [SaltLen; 2] = [SaltLen::Bytes20, SaltLen::Bytes32];

static VERIFIER: LazyLock<SoterVerifier> = LazyLock::new(|| SoterVerifier::from_spki_pem(PUBLIC).unwrap());

/// Which of the two lengths verify; both providers must agree.
fn accepted(message: &[u8], signature: &[u8]) -> [bool; 2] {
    LENGTHS.map(|len| {
        let verifies = verify(&VERIFIER, message, signature, len);
        if let Ok(signature) = signature.try_into() {
            assert_eq!(verifies, portable::verify(&VERIFIER.key, message, signature, len), "the providers disagree");
        }
        verifies
    })
}

#[test]
fn signatures_by_openssl_verify_with_their_own_salt_length_only() {
    assert_eq!(accepted(MESSAGE, SALT_20), [true, false]);
    assert_eq!(accepted(MESSAGE, SALT_32), [false, true]);
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
        assert_eq!(accepted(MESSAGE, signature), [false, false]);
    }
}

#[test]
fn a_signature_of_another_length_is_refused_even_if_the_number_is_the_same() {
    let longer = [&[0], SALT_20.as_slice()].concat();
    for signature in [longer.as_slice(), &SALT_20[1..], &[]] {
        assert_eq!(accepted(MESSAGE, signature), [false, false]);
    }
}

#[test]
fn the_same_key_is_equal_however_its_text_is_laid_out() {
    let one_line = PUBLIC.replace('\n', "");
    assert_eq!(SoterVerifier::from_spki_pem(&one_line).unwrap(), *VERIFIER);
    assert_eq!(SoterVerifier::from_spki_pem(&PUBLIC.replace('\n', "\r\n")).unwrap(), *VERIFIER);
}

#[test]
fn keys_of_another_size_are_refused() {
    let public = include_str!("../../tests/keys/too-short-1024.spki.pem");
    assert_eq!(SoterVerifier::from_spki_pem(public).unwrap_err(), PssError::KeySize { bits: 1024 });
}

#[test]
fn keys_in_another_form_are_refused() {
    let pkcs1 = include_str!("../../tests/keys/not-pkcs8.pem");
    let private = include_str!("../../tests/keys/test-only.pkcs8.pem");
    for text in [pkcs1, private, ""] {
        assert_eq!(SoterVerifier::from_spki_pem(text).unwrap_err(), PssError::PublicKey);
    }
}

#[test]
fn a_key_with_something_behind_it_is_refused_at_every_level() {
    let der = pem::decode(PUBLIC, pem::PUBLIC).unwrap();
    assert!(der::public_key(&der).is_some());
    // The lengths of the two sequences and of the bit string stand at 2, 22 and 27.
    for lengths in [&[][..], &[2], &[2, 21], &[2, 21, 26]] {
        let mut longer = der.to_vec();
        longer.extend([0x05, 0x00]);
        for at in lengths {
            let len = u16::from_be_bytes([longer[*at], longer[*at + 1]]) + 2;
            longer[*at..*at + 2].copy_from_slice(&len.to_be_bytes());
        }
        assert!(der::public_key(&longer).is_none(), "{lengths:?}");
    }
}

#[test]
fn numbers_that_no_key_has_are_refused() {
    let der = pem::decode(PUBLIC, pem::PUBLIC).unwrap();
    let end = der.len();
    assert_eq!(der[end - 3..], [1, 0, 1], "the exponent is 65537");
    for (at, byte, what) in [(end - 1, 0, "an even exponent"), (end - 6, 0, "an even modulus")] {
        let mut altered = der.to_vec();
        altered[at] = byte;
        assert!(der::public_key(&altered).is_none(), "{what}");
    }
}

proptest! {
    #[test]
    fn garbage_signatures_are_refused_without_a_panic(
        signature in prop_oneof![any::<Vec<u8>>(), prop::collection::vec(any::<u8>(), SIGNATURE_LEN)],
    ) {
        prop_assert_eq!(accepted(MESSAGE, &signature), [false, false]);
    }

    #[test]
    fn a_signature_with_one_flipped_bit_is_refused(bit in 0_usize..SIGNATURE_LEN * 8) {
        let mut signature = *SALT_20;
        signature[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(accepted(MESSAGE, &signature), [false, false]);
    }

    #[test]
    fn another_message_is_refused(message in any::<Vec<u8>>()) {
        prop_assert_eq!(accepted(&message, SALT_20), [false, false]);
    }

    #[test]
    fn garbage_keys_are_refused_without_a_panic(text in any::<String>(), cut in 0..PUBLIC.len(), digit in "[A-Za-z0-9+/]") {
        prop_assert!(SoterVerifier::from_spki_pem(&text).is_err());
        // One character replaced may leave a key, of some sort, or not: it must not panic, nor may using it.
        let mut altered = PUBLIC.to_owned();
        altered.replace_range(cut..=cut, &digit);
        if let Ok(verifier) = SoterVerifier::from_spki_pem(&altered) {
            let same = verifier == *VERIFIER;
            prop_assert_eq!(verify(&verifier, MESSAGE, SALT_20, SaltLen::Bytes20), same);
            prop_assert_eq!(portable::verify(&verifier.key, MESSAGE, SALT_20, SaltLen::Bytes20), same);
        }
    }
}

#[test]
fn the_text_of_a_modulus_is_the_one_openssl_writes() {
    let key = SoterVerifier::from_spki_pem(PUBLIC).unwrap().key;
    assert_eq!(public_pem(&key.modulus).unwrap(), PUBLIC);
    assert_eq!(public_pem(&[&[0, 0], &key.modulus[..]].concat()).unwrap(), PUBLIC);
    for (modulus, bits) in [(&[][..], 0), (&[0x7f; 256], 2047), (&[0xff; 257], 2056)] {
        assert_eq!(public_pem(modulus).unwrap_err(), PssError::KeySize { bits });
    }
}
