//! Tokens: random text, kept as a hash.

use wx_crypto::Secret;
use zeroize::Zeroizing;

use crate::{
    client::ClientError,
    primitives::{self, hex, sha256},
};

/// What is kept of a token.
pub(super) type Hash = [u8; 32];

/// 256 random bits in hexadecimal.
pub(super) fn new() -> Result<Secret, ClientError> {
    let bytes = Zeroizing::new(random::<32>()?);
    Ok(Secret::from(hex(bytes.as_slice())))
}

/// A plain hash will do for a text that nobody can guess.
pub(super) fn hash(token: &Secret) -> Hash {
    sha256(token.expose())
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], ClientError> {
    primitives::random().map_err(|error| ClientError::Setup(format!("this machine has no randomness to give: {error}")))
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
