//! Signing with a salt of the caller's, by `rsa`.

mod blinding;

use std::fmt;

use rsa::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rsa::{BigUint, RsaPrivateKey};

use self::blinding::Blinder;
use super::{PssError, SIGNATURE_LEN, check_bits, der, encode, pem};

/// A private key of SOTER for tests and fakes: it signs with the salt it is given, so that the same message can have the same
/// signature twice.
///
/// # Limits
///
/// The private operation is portable Rust that does not take constant time (RUSTSEC-2023-0071). It is blinded and its result
/// checked, but a key that matters belongs into hardware, or at least into a `SoterSigner`.
///
/// Wiped on drop; [`Debug`](fmt::Debug) prints `SaltedSigner(..)`; not `Clone`, so that there is one copy to wipe. With the
/// feature `rsa`.
///
/// # Examples
///
/// ```
/// # let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/test-only.pkcs8.pem"));
/// use wx_crypto::SaltedSigner;
///
/// let signer = SaltedSigner::from_pkcs8_pem(pem)?;
/// assert_eq!(format!("{signer:?}"), "SaltedSigner(..)");
/// # Ok::<(), wx_crypto::PssError>(())
/// ```
pub struct SaltedSigner {
    // Wipes itself on drop.
    private: RsaPrivateKey,
    public_pem: String,
}

impl SaltedSigner {
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
    /// use wx_crypto::{PssError, SaltedSigner};
    ///
    /// assert_eq!(SaltedSigner::from_pkcs8_pem("").unwrap_err(), PssError::PrivateKey);
    /// ```
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, PssError> {
        let pkcs8 = pem::decode(pem, pem::PRIVATE).ok_or(PssError::PrivateKey)?;
        check_bits(der::private_key_bits(&pkcs8).ok_or(PssError::PrivateKey)?)?;
        let private = RsaPrivateKey::from_pkcs8_der(&pkcs8).map_err(|_| PssError::PrivateKey)?;
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
    /// use wx_crypto::{SaltedSigner, SoterVerifier};
    ///
    /// let verifier = SoterVerifier::from_spki_pem(SaltedSigner::from_pkcs8_pem(pem)?.public_pem())?;
    /// # Ok::<(), wx_crypto::PssError>(())
    /// ```
    pub fn public_pem(&self) -> &str {
        &self.public_pem
    }
}

impl fmt::Debug for SaltedSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SaltedSigner(..)")
    }
}

/// Signs `message` with this salt: the same three always give the same [`SIGNATURE_LEN`] bytes. With the feature `rsa`.
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
/// use wx_crypto::{SaltLen, SaltedSigner, SoterVerifier, pss};
///
/// let signer = SaltedSigner::from_pkcs8_pem(pem)?;
/// let result_json = br#"{"raw":"challenge","counter":7}"#;
/// let signature = pss::sign_with_salt(&signer, result_json, &[9; 20])?;
/// assert_eq!(signature, pss::sign_with_salt(&signer, result_json, &[9; 20])?);
///
/// let verifier = SoterVerifier::from_spki_pem(signer.public_pem())?;
/// assert!(pss::verify(&verifier, result_json, &signature, SaltLen::Bytes20));
/// # Ok::<(), wx_crypto::PssError>(())
/// ```
pub fn sign_with_salt(signer: &SaltedSigner, message: &[u8], salt: &[u8]) -> Result<Vec<u8>, PssError> {
    let encoded = encode(message, salt)?;
    let mut blinder = Blinder::new(&signer.private, &encoded);
    // "and_check": a fault in one half of the CRT would otherwise give a signature that reveals the key.
    let signature = rsa::hazmat::rsa_decrypt_and_check(&signer.private, Some(&mut blinder), &BigUint::from_bytes_be(&encoded))
        .map_err(|_| PssError::PrivateOperation)?;
    left_pad(&signature.to_bytes_be())
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
