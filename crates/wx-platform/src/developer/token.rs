//! Tokens: random text, kept as a hash.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use wx_crypto::Secret;
use zeroize::Zeroizing;

use crate::client::ClientError;

/// What is kept of a token.
pub(super) type Hash = [u8; 32];

/// 256 random bits in hexadecimal.
pub(super) fn new() -> Result<Secret, ClientError> {
    let mut bytes = Zeroizing::new([0; 32]);
    random(bytes.as_mut_slice())?;
    let mut text = String::with_capacity(64);
    for byte in bytes.iter() {
        let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
    }
    Ok(Secret::from(text))
}

/// A plain hash will do for a text that nobody can guess.
pub(super) fn hash(token: &Secret) -> Hash {
    Sha256::digest(token.expose().as_bytes()).into()
}

pub(super) fn random(bytes: &mut [u8]) -> Result<(), ClientError> {
    getrandom::fill(bytes).map_err(|error| ClientError::Setup(format!("this machine has no randomness to give: {error}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    #[test]
    fn a_token_is_64_hexadecimal_digits_and_no_other_token() {
        let (one, other) = (new().unwrap(), new().unwrap());
        assert!(one.expose().len() == 64 && one.expose().bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert_ne!(one, other);
        assert_ne!(hash(&one), hash(&other));
    }
}
