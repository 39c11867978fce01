//! RSA by `aws-lc-rs`: fast, in constant time, and with salts of its own only.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaParameters, RsaPssSaltLength, RsaPublicKeyComponents,
    RsaSignatureEncoding,
};

use super::der::PublicNumbers;
use super::{PssError, SIGNATURE_LEN, SaltLen, check_bits, der, pem};
use crate::Secret;

const VERIFY_20: RsaParameters = RSA_PSS_2048_8192_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(20));
const VERIFY_32: RsaParameters = RSA_PSS_2048_8192_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(32));
static SIGN_20: RsaSignatureEncoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(20));
static SIGN_32: RsaSignatureEncoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(32));

pub(super) fn verify(key: &PublicNumbers, message: &[u8], signature: &[u8; SIGNATURE_LEN], salt_len: SaltLen) -> bool {
    let parameters = match salt_len {
        SaltLen::Bytes20 => &VERIFY_20,
        SaltLen::Bytes32 => &VERIFY_32,
    };
    RsaPublicKeyComponents { n: &key.modulus, e: &key.exponent }.verify(parameters, message, signature).is_ok()
}

/// A private key of SOTER, held in memory, that signs with salts drawn at random.
///
/// Wiped on drop; [`Debug`](fmt::Debug) prints `SoterSigner(..)`; not `Clone`. With the feature `aws-lc-rs`.
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
    // Wiped by its library.
    private: KeyPair,
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
        let pkcs8 = pem::decode(pem, pem::PRIVATE).ok_or(PssError::PrivateKey)?;
        check_bits(der::private_key_bits(&pkcs8).ok_or(PssError::PrivateKey)?)?;
        Self::of(KeyPair::from_pkcs8(&pkcs8).map_err(|_| PssError::PrivateKey)?)
    }

    /// A new key, from the system's randomness. That takes a tenth of a second or two.
    ///
    /// # Errors
    ///
    /// [`PssError::PrivateKey`] if there is no randomness to be had.
    ///
    /// # Examples
    ///
    /// ```
    /// use wx_crypto::SoterSigner;
    ///
    /// let signer = SoterSigner::generate()?;
    /// let again = SoterSigner::from_pkcs8_pem(signer.to_pkcs8_pem()?.expose())?;
    /// assert_eq!(again.public_pem(), signer.public_pem());
    /// # Ok::<(), wx_crypto::PssError>(())
    /// ```
    pub fn generate() -> Result<Self, PssError> {
        Self::of(KeyPair::generate(KeySize::Rsa2048).map_err(|_| PssError::PrivateKey)?)
    }

    fn of(private: KeyPair) -> Result<Self, PssError> {
        let spki: PublicKeyX509Der<'_> = private.public_key().as_der().map_err(|_| PssError::PrivateKey)?;
        let public_pem = pem::encode(pem::PUBLIC, spki.as_ref());
        Ok(Self { private, public_pem })
    }

    /// The private key as text, to be kept where nobody else can read it.
    ///
    /// # Errors
    ///
    /// [`PssError::PrivateKey`] if its library will not have it so.
    ///
    /// # Examples
    ///
    /// See [`generate`](Self::generate).
    pub fn to_pkcs8_pem(&self) -> Result<Secret, PssError> {
        let pkcs8: Pkcs8V1Der<'_> = self.private.as_der().map_err(|_| PssError::PrivateKey)?;
        Ok(Secret::from(pem::encode(pem::PRIVATE, pkcs8.as_ref())))
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

/// Signs `message` with a salt of this length, drawn at random. With the feature `aws-lc-rs`.
///
/// What is signed is the message's exact bytes, so sign the text that will be sent, not a copy that is written anew later.
///
/// # Errors
///
/// [`PssError::PrivateOperation`].
///
/// # Examples
///
/// ```
/// # let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/test-only.pkcs8.pem"));
/// use wx_crypto::{SaltLen, SoterSigner, SoterVerifier, pss};
///
/// let signer = SoterSigner::from_pkcs8_pem(pem)?;
/// let result_json = br#"{"raw":"challenge","counter":7}"#;
/// let signature = pss::sign(&signer, result_json, SaltLen::Bytes20)?;
///
/// let verifier = SoterVerifier::from_spki_pem(signer.public_pem())?;
/// assert!(pss::verify(&verifier, result_json, &signature, SaltLen::Bytes20));
/// assert!(!pss::verify(&verifier, result_json, &signature, SaltLen::Bytes32));
/// # Ok::<(), wx_crypto::PssError>(())
/// ```
pub fn sign(signer: &SoterSigner, message: &[u8], salt_len: SaltLen) -> Result<Vec<u8>, PssError> {
    let encoding = match salt_len {
        SaltLen::Bytes20 => &SIGN_20,
        SaltLen::Bytes32 => &SIGN_32,
    };
    // The key has been checked to give signatures of this length.
    let mut signature = vec![0; SIGNATURE_LEN];
    signer.private.sign(encoding, &SystemRandom::new(), message, &mut signature).map_err(|_| PssError::PrivateOperation)?;
    Ok(signature)
}
