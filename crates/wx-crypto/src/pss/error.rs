//! Why a key was refused or a signature not made.

/// Why a key was refused or a signature not made.
///
/// None of them repeats key material.
///
/// # Examples
///
/// ```
/// use wx_crypto::{PssError, SoterVerifier};
///
/// let refused = SoterVerifier::from_spki_pem("ssh-rsa AAAA").unwrap_err();
/// assert_eq!(refused, PssError::PublicKey);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PssError {
    /// The text is not an RSA private key as PKCS#8 in PEM.
    #[error(
        "not an RSA private key as PKCS#8 in PEM (`BEGIN PRIVATE KEY`): \
         convert it with `openssl pkcs8 -topk8 -nocrypt`"
    )]
    PrivateKey,

    /// The text is not an RSA public key as SPKI in PEM.
    #[error(
        "not an RSA public key as SPKI in PEM (`BEGIN PUBLIC KEY`): \
         convert it with `openssl rsa -RSAPublicKey_in -pubout`"
    )]
    PublicKey,

    /// The key is not RSA-2048.
    #[error("the key has {bits} bits, and SOTER's have 2048: use a key of that size")]
    KeySize {
        /// Length of the modulus.
        bits: usize,
    },

    /// The salt is neither 20 nor 32 bytes long.
    #[error("a salt of {bytes} bytes, and SOTER knows 20 and 32: use the length the result declares, or 20")]
    SaltLength {
        /// Length that was given.
        bytes: usize,
    },

    /// The private operation failed or gave a wrong result, which was not released.
    #[error(
        "the private operation failed or gave a wrong result: the key is inconsistent or the machine is faulty; \
         do not sign with this key again before it has been checked"
    )]
    PrivateOperation,
}
