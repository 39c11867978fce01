use crate::primitives::sha256;

/// SHA-256 of a secret text.
pub(super) type Fingerprint = [u8; 32];

/// By what stores know codes and tokens. Who reads the file of a store cannot use a code, and how long a look-up takes says nothing about
/// the secrets that are there.
pub(super) fn fingerprint(secret: &str) -> Fingerprint {
    sha256(secret)
}
