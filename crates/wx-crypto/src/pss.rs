//! The signatures of SOTER: SHA256withRSA/PSS over RSA-2048.
//!
//! The salt is the caller's, so [`sign`] is a pure function and its tests need no randomness. The salt's length is 20 bytes
//! unless a device declares 32 in its result (`"rsa_pss_saltlen":32`); [`verify`] accepts exactly the length it is told. Letting
//! the signature choose ("auto") would let whoever makes it choose.
//!
//! # Limits of the private operation
//!
//! The RSA below is written in portable Rust and does not take constant time (RUSTSEC-2023-0071). [`sign`] blinds the operation
//! and checks its result, but a key that matters belongs into hardware or a TPM; sign here in mocks and tests. [`verify`] uses
//! public data only and is not concerned.

mod blinding;
mod encoding;

use std::fmt;

use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePublicKey, LineEnding};
use rsa::pss::{Signature, VerifyingKey};
use rsa::sha2::Sha256; // digest 0.10, as rsa 0.9 needs; the workspace's own sha2 is of digest 0.11
use rsa::signature::Verifier as _;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPrivateKey, RsaPublicKey};

use self::blinding::Blinder;

/// Bits of every SOTER key.
const KEY_BITS: usize = 2048;

/// Bytes of every signature.
///
/// # Examples
///
/// ```
/// // A key as SOTER exports it ends in a signature of this length.
/// assert_eq!(wx_crypto::pss::SIGNATURE_LEN, 256);
/// ```
pub const SIGNATURE_LEN: usize = KEY_BITS / 8;

/// How long the salt of a signature is: the two lengths that SOTER knows.
///
/// # Examples
///
/// ```
/// use wx_crypto::{PssError, SaltLen};
///
/// assert_eq!(SaltLen::default(), SaltLen::Bytes20); // a result that declares none
/// assert_eq!(SaltLen::try_from(32), Ok(SaltLen::Bytes32)); // "rsa_pss_saltlen":32
/// assert_eq!(SaltLen::try_from(0), Err(PssError::SaltLength { bytes: 0 }));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SaltLen {
    /// 20 bytes: what a device uses that declares nothing.
    #[default]
    Bytes20,
    /// 32 bytes: what some devices declare.
    Bytes32,
}

impl SaltLen {
    /// The length in bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(wx_crypto::SaltLen::Bytes20.bytes(), 20);
    /// ```
    pub const fn bytes(self) -> usize {
        match self {
            Self::Bytes20 => 20,
            Self::Bytes32 => 32,
        }
    }
}

impl TryFrom<usize> for SaltLen {
    type Error = PssError;

    fn try_from(bytes: usize) -> Result<Self, PssError> {
        match bytes {
            20 => Ok(Self::Bytes20),
            32 => Ok(Self::Bytes32),
            _ => Err(PssError::SaltLength { bytes }),
        }
    }
}

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

    /// The private operation gave a wrong result, which was not released.
    #[error(
        "the private operation gave a wrong result: the key is inconsistent or the machine is faulty; \
         do not sign with this key again before it has been checked"
    )]
    PrivateOperation,
}

/// A private key of SOTER, held in memory.
///
/// Wiped on drop; [`Debug`](fmt::Debug) prints `SoterSigner(..)`; not `Clone`, so that there is one copy to wipe.
///
/// # Examples
///
/// ```
/// # let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/test-only.pkcs8.pem"));
/// use wx_crypto::SoterSigner;
///
/// let signer = SoterSigner::from_pkcs8_pem(pem)?;
/// assert_eq!(format!("{signer:?}"), "SoterSigner(..)");
/// # Ok::<(), wx_crypto::PssError>(())
/// ```
pub struct SoterSigner {
    // Wipes itself on drop.
    private: RsaPrivateKey,
    public_pem: String,
}

impl SoterSigner {
    /// The key in a PEM text that begins with `-----BEGIN PRIVATE KEY-----`.
    ///
    /// The text itself is the caller's to wipe.
    ///
    /// # Errors
    ///
    /// [`PssError::PrivateKey`] if the text is something else or its numbers do not fit together, [`PssError::KeySize`] if the
    /// key is not RSA-2048.
    ///
    /// # Examples
    ///
    /// ```
    /// use wx_crypto::{PssError, SoterSigner};
    ///
    /// assert_eq!(SoterSigner::from_pkcs8_pem("").unwrap_err(), PssError::PrivateKey);
    /// ```
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, PssError> {
        let private = RsaPrivateKey::from_pkcs8_pem(pem).map_err(|_| PssError::PrivateKey)?;
        check_size(&private)?;
        private.validate().map_err(|_| PssError::PrivateKey)?;
        let public_pem = private.to_public_key().to_public_key_pem(LineEnding::LF).map_err(|_| PssError::PrivateKey)?;
        Ok(Self { private, public_pem })
    }

    /// The public half as SPKI in PEM: the `pub_key` of SOTER's key JSON.
    ///
    /// # Examples
    ///
    /// ```
    /// # let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/test-only.pkcs8.pem"));
    /// use wx_crypto::{SoterSigner, SoterVerifier};
    ///
    /// let signer = SoterSigner::from_pkcs8_pem(pem)?;
    /// assert!(signer.public_pem().starts_with("-----BEGIN PUBLIC KEY-----\n"));
    /// let verifier = SoterVerifier::from_spki_pem(signer.public_pem())?;
    /// # Ok::<(), wx_crypto::PssError>(())
    /// ```
    pub fn public_pem(&self) -> &str {
        &self.public_pem
    }
}

impl fmt::Debug for SoterSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SoterSigner(..)")
    }
}

/// A public key of SOTER.
///
/// # Examples
///
/// ```
/// # let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/test-only.spki.pem"));
/// use wx_crypto::{SaltLen, SoterVerifier, pss};
///
/// let verifier = SoterVerifier::from_spki_pem(pem)?;
/// assert!(!pss::verify(&verifier, b"message", b"not a signature", SaltLen::Bytes20));
/// # Ok::<(), wx_crypto::PssError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoterVerifier {
    public: RsaPublicKey,
}

impl SoterVerifier {
    /// The key in a PEM text that begins with `-----BEGIN PUBLIC KEY-----`.
    ///
    /// # Errors
    ///
    /// [`PssError::PublicKey`] if the text is something else, [`PssError::KeySize`] if the key is not RSA-2048.
    ///
    /// # Examples
    ///
    /// ```
    /// # let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/test-only.spki.pem"));
    /// use wx_crypto::{PssError, SoterVerifier};
    ///
    /// assert!(SoterVerifier::from_spki_pem(pem).is_ok());
    /// assert_eq!(SoterVerifier::from_spki_pem("").unwrap_err(), PssError::PublicKey);
    /// ```
    pub fn from_spki_pem(pem: &str) -> Result<Self, PssError> {
        let public = RsaPublicKey::from_public_key_pem(pem).map_err(|_| PssError::PublicKey)?;
        check_size(&public)?;
        Ok(Self { public })
    }
}

/// Signs `message` with this salt: the same three always give the same [`SIGNATURE_LEN`] bytes.
///
/// Draw the salt at random for every signature, unless a test wants the same one twice. What is signed is the message's exact
/// bytes, so sign the text that will be sent, not a copy that is written anew later.
///
/// # Errors
///
/// [`PssError::SaltLength`] if the salt is neither 20 nor 32 bytes long, [`PssError::PrivateOperation`] if the result does not
/// verify.
///
/// # Examples
///
/// ```
/// # let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/test-only.pkcs8.pem"));
/// use wx_crypto::{SaltLen, SoterSigner, SoterVerifier, pss};
///
/// let signer = SoterSigner::from_pkcs8_pem(pem)?;
/// let result_json = br#"{"raw":"challenge","counter":7}"#;
/// let signature = pss::sign(&signer, result_json, &[9; 20])?;
///
/// let verifier = SoterVerifier::from_spki_pem(signer.public_pem())?;
/// assert!(pss::verify(&verifier, result_json, &signature, SaltLen::Bytes20));
/// assert!(!pss::verify(&verifier, result_json, &signature, SaltLen::Bytes32));
/// # Ok::<(), wx_crypto::PssError>(())
/// ```
pub fn sign(signer: &SoterSigner, message: &[u8], salt: &[u8]) -> Result<Vec<u8>, PssError> {
    SaltLen::try_from(salt.len())?;
    let encoded = encoding::encode(message, salt);
    let mut blinder = Blinder::new(&signer.private, &encoded);
    // "and_check": a fault in one half of the CRT would otherwise give a signature that reveals the key.
    let signature = rsa::hazmat::rsa_decrypt_and_check(&signer.private, Some(&mut blinder), &BigUint::from_bytes_be(&encoded))
        .map_err(|_| PssError::PrivateOperation)?;
    left_pad(&signature.to_bytes_be())
}

/// Whether `signature` is one of `message` under this key, with a salt of exactly this length.
///
/// A signature of another length than [`SIGNATURE_LEN`] is refused, as is one that is not below the key's modulus.
///
/// # Examples
///
/// ```
/// # let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/test-only.spki.pem"));
/// # let signature = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/salt-20.sig"));
/// use wx_crypto::{SaltLen, SoterVerifier, pss};
///
/// let verifier = SoterVerifier::from_spki_pem(pem)?;
/// assert!(pss::verify(&verifier, br#"{"raw":"challenge","counter":7}"#, signature, SaltLen::default()));
/// # Ok::<(), wx_crypto::PssError>(())
/// ```
pub fn verify(verifier: &SoterVerifier, message: &[u8], signature: &[u8], salt_len: SaltLen) -> bool {
    if signature.len() != SIGNATURE_LEN {
        return false;
    }
    let Ok(signature) = Signature::try_from(signature) else {
        return false;
    };
    VerifyingKey::<Sha256>::new_with_salt_len(verifier.public.clone(), salt_len.bytes()).verify(message, &signature).is_ok()
}

fn check_size(key: &impl PublicKeyParts) -> Result<(), PssError> {
    match key.n().bits() {
        KEY_BITS => Ok(()),
        bits => Err(PssError::KeySize { bits }),
    }
}

/// The number's bytes, with the leading zeros that one signature in 256 needs.
fn left_pad(bytes: &[u8]) -> Result<Vec<u8>, PssError> {
    let zeros = SIGNATURE_LEN.checked_sub(bytes.len()).ok_or(PssError::PrivateOperation)?;
    let mut padded = vec![0; zeros];
    padded.extend_from_slice(bytes);
    Ok(padded)
}

#[cfg(test)]
mod tests;
