//! Verifying by `rsa`, which is Rust all the way down: for a build without a C compiler.

use rsa::pss::{Signature, VerifyingKey};
use rsa::sha2::Sha256; // digest 0.10, as rsa 0.9 needs; the workspace's own sha2 is of digest 0.11
use rsa::signature::Verifier as _;
use rsa::{BigUint, RsaPublicKey};

use super::der::PublicNumbers;
use super::{SIGNATURE_LEN, SaltLen};

pub(super) fn verify(key: &PublicNumbers, message: &[u8], signature: &[u8; SIGNATURE_LEN], salt_len: SaltLen) -> bool {
    let number = BigUint::from_bytes_be;
    let (Ok(key), Ok(signature)) =
        (RsaPublicKey::new(number(&key.modulus), number(&key.exponent)), Signature::try_from(signature.as_slice()))
    else {
        return false;
    };
    VerifyingKey::<Sha256>::new_with_salt_len(key, salt_len.bytes()).verify(message, &signature).is_ok()
}
