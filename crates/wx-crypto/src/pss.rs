//! The signatures of SOTER: SHA256withRSA/PSS over RSA-2048.
//!
//! The salt's length is 20 bytes unless a device declares 32 in its result (`"rsa_pss_saltlen":32`); [`verify`] accepts exactly
//! the length it is told. Letting the signature choose ("auto") would let whoever makes it choose. To verify a whole result, use
//! [`soter`](crate::soter).
//!
//! # Who does the arithmetic
//!
//! | feature | verifies | signs |
//! |---|---|---|
//! | `aws-lc-rs` (default) | yes | `SoterSigner`, with random salts |
//! | `rsa` | yes, if the other is absent | `SaltedSigner`, with salts that a test or a fake chooses |
//!
//! Keys are read here and not by either, so that both accept the same ones. Without any of the two features this module does not
//! exist: signatures of open data and encrypted data need no RSA.

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
mod der;
mod encoding;
mod error;
mod pem;
#[cfg(any(test, not(feature = "aws-lc-rs")))]
mod portable;
#[cfg(feature = "rsa")]
mod salted;

use std::fmt;

use sha2::{Digest as _, Sha256};

#[cfg(feature = "aws-lc-rs")]
use self::aws_lc as provider;
#[cfg(feature = "aws-lc-rs")]
pub use self::aws_lc::{SoterSigner, sign};
use self::der::PublicNumbers;
#[cfg(not(feature = "aws-lc-rs"))]
use self::portable as provider;
#[cfg(feature = "rsa")]
pub use self::salted::{SaltedSigner, sign_with_salt};
pub use self::{encoding::encode, error::PssError};

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
#[derive(Clone, PartialEq, Eq)]
pub struct SoterVerifier {
    // Preparing the key anew adds a sixth to verifying: too little to keep one prepared for each provider and salt.
    key: PublicNumbers,
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
        let spki = pem::decode(pem, pem::PUBLIC).ok_or(PssError::PublicKey)?;
        let key = der::public_key(&spki).ok_or(PssError::PublicKey)?;
        check_bits(key.bits())?;
        Ok(Self { key })
    }

    /// Whether it is the key of these numbers, in the form of a TPM: 0 is the usual exponent.
    pub(crate) fn has_numbers(&self, modulus: &[u8], exponent: u32) -> bool {
        let exponent = if exponent == 0 { 65_537 } else { exponent };
        let known = self.key.exponent.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)); // of at most 33 bits
        self.key.modulus == modulus && known == u64::from(exponent)
    }
}

impl fmt::Debug for SoterVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoterVerifier").finish_non_exhaustive()
    }
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
    signature.try_into().is_ok_and(|signature| provider::verify(&verifier.key, message, signature, salt_len))
}

/// The public key of this modulus as SPKI in PEM, for a key whose place tells nothing else. Its exponent is 65537.
///
/// # Errors
///
/// [`PssError::KeySize`] if the modulus is not one of 2048 bits.
///
/// # Examples
///
/// ```
/// use wx_crypto::{PssError, SoterVerifier, pss};
///
/// let pem = pss::public_pem(&[0xc5; 256])?;
/// assert!(SoterVerifier::from_spki_pem(&pem).is_ok());
/// assert_eq!(pss::public_pem(&[0xc5; 128]).unwrap_err(), PssError::KeySize { bits: 1024 });
/// # Ok::<(), wx_crypto::PssError>(())
/// ```
pub fn public_pem(modulus: &[u8]) -> Result<String, PssError> {
    let number = modulus.iter().position(|byte| *byte != 0).map_or(&[][..], |first| &modulus[first..]);
    check_bits(der::bits(number))?;
    Ok(pem::encode(pem::PUBLIC, &[der::SPKI_2048, number, der::EXPONENT_65537].concat()))
}

/// What tells a public key from others however its text is broken into lines: the SHA-256 of its SPKI in DER, as
/// `openssl pkey -pubin -outform DER | sha256sum` prints it.
///
/// # Errors
///
/// As [`SoterVerifier::from_spki_pem`].
///
/// # Examples
///
/// ```
/// # let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/test-only.spki.pem"));
/// use wx_crypto::pss;
///
/// assert_eq!(pss::fingerprint(pem)?, pss::fingerprint(&pem.replace('\n', "\r\n"))?);
/// assert_eq!(pss::fingerprint(pem)?.len(), 64);
/// # Ok::<(), wx_crypto::PssError>(())
/// ```
pub fn fingerprint(pem: &str) -> Result<String, PssError> {
    SoterVerifier::from_spki_pem(pem)?;
    let spki = pem::decode(pem, pem::PUBLIC).ok_or(PssError::PublicKey)?;
    Ok(Sha256::digest(&*spki).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn check_bits(bits: usize) -> Result<(), PssError> {
    if bits == KEY_BITS { Ok(()) } else { Err(PssError::KeySize { bits }) }
}

#[cfg(test)]
mod tests;
