//! The session key: the one secret of open data.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::open_data::OpenDataError;

/// Base64 characters that 16 bytes take, padding included.
const TEXT_LEN: usize = 24;

/// The 16 bytes that a mini-program's server shares with the platform for one user's session.
///
/// Whoever has it reads the user's encrypted data and forges signatures, so the type makes leaking it an explicit act:
///
/// - [`Debug`](fmt::Debug) prints `SessionKey(..)`, and there is no `Display`;
/// - it is wiped from memory on drop;
/// - `==` takes constant time;
/// - it has no serde implementation, so it cannot slip into a reply or a log record as part of a larger struct:
///
/// ```compile_fail
/// fn send<T: serde::Serialize>(_: T) {}
/// send(wx_crypto::SessionKey::from_bytes([7; 16]));
/// ```
///
/// # Examples
///
/// ```
/// use wx_crypto::SessionKey;
///
/// let key = SessionKey::from_base64("HyVFkGl5F5OQWJZZaNzBBg==")?;
/// assert_eq!(format!("{key:?}"), "SessionKey(..)");
/// # Ok::<(), wx_crypto::OpenDataError>(())
/// ```
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SessionKey {
    bytes: [u8; 16],
    /// The same in base64, which every signature hashes.
    text: [u8; TEXT_LEN],
}

impl SessionKey {
    /// The key made of these bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use wx_crypto::SessionKey;
    ///
    /// let key = SessionKey::from_bytes([0; 16]);
    /// assert_eq!(key.expose_base64().as_str(), "AAAAAAAAAAAAAAAAAAAAAA==");
    /// ```
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let mut text = [0; TEXT_LEN];
        let written = STANDARD.encode_slice(bytes, &mut text);
        debug_assert_eq!(written, Ok(TEXT_LEN), "16 bytes take 24 characters");
        Self { bytes, text }
    }

    /// The key in the form in which the platform hands it out: standard base64 with padding, of exactly 16 bytes.
    ///
    /// Nothing is repaired: no missing `=`, no URL-safe alphabet, no line breaks, no stray bits behind the last byte. The
    /// text of the key is part of what [`signature::sign`](crate::signature::sign) hashes, so a key with two texts would have
    /// two signatures.
    ///
    /// # Errors
    ///
    /// [`OpenDataError::IllegalAesKey`] (-41001) for anything else. The error does not repeat the text.
    ///
    /// # Examples
    ///
    /// ```
    /// use wx_crypto::{OpenDataError, SessionKey};
    ///
    /// assert!(SessionKey::from_base64("HyVFkGl5F5OQWJZZaNzBBg==").is_ok());
    /// assert_eq!(SessionKey::from_base64("HyVFkGl5F5OQWJZZaNzBBg"), Err(OpenDataError::IllegalAesKey));
    /// ```
    pub fn from_base64(text: &str) -> Result<Self, OpenDataError> {
        if text.len() != TEXT_LEN {
            return Err(OpenDataError::IllegalAesKey);
        }
        // 24 characters may hold up to 18 bytes; a key of 17 or 18 must be refused, not cut.
        let mut decoded = Zeroizing::new([0_u8; 18]);
        match (STANDARD.decode_slice(text, decoded.as_mut_slice()), decoded.first_chunk()) {
            (Ok(16), Some(bytes)) => Ok(Self::from_bytes(*bytes)),
            _ => Err(OpenDataError::IllegalAesKey),
        }
    }

    /// The base64 text of the key, wiped from memory on drop.
    ///
    /// For the reply of the login endpoint and for a server's own store. It must not reach the mini-program's client.
    ///
    /// # Examples
    ///
    /// ```
    /// use wx_crypto::SessionKey;
    ///
    /// let key = SessionKey::from_base64("HyVFkGl5F5OQWJZZaNzBBg==")?;
    /// assert_eq!(key.expose_base64().as_str(), "HyVFkGl5F5OQWJZZaNzBBg==");
    /// # Ok::<(), wx_crypto::OpenDataError>(())
    /// ```
    pub fn expose_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(self.text.iter().copied().map(char::from).collect())
    }

    /// The same text, for the hash in this crate.
    pub(crate) const fn text(&self) -> &[u8; TEXT_LEN] {
        &self.text
    }

    /// The bytes, for the cipher in this crate.
    pub(crate) const fn bytes(&self) -> &[u8; 16] {
        &self.bytes
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(..)")
    }
}

impl ConstantTimeEq for SessionKey {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.bytes.ct_eq(&other.bytes)
    }
}

impl PartialEq for SessionKey {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for SessionKey {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that unwraps an error should fail

    use super::*;

    const TEXT: &str = "HyVFkGl5F5OQWJZZaNzBBg==";

    #[test]
    fn a_key_survives_its_base64_text() {
        let key = SessionKey::from_base64(TEXT).unwrap();
        assert_eq!(key.expose_base64().as_str(), TEXT);
        assert_eq!(key.text(), TEXT.as_bytes());
    }

    #[test]
    fn debug_shows_nothing_of_the_key_even_inside_other_types() {
        let key = Some(SessionKey::from_base64(TEXT).unwrap());
        assert_eq!(format!("{key:?}"), "Some(SessionKey(..))");
        assert!(!format!("{key:#?}").contains("31"));
    }

    #[test]
    fn keys_are_equal_only_if_all_their_bytes_are() {
        let key = SessionKey::from_bytes([1; 16]);
        assert_eq!(key, key.clone());
        for i in 0..16 {
            let mut bytes = [1; 16];
            bytes[i] ^= 0x80;
            assert_ne!(key, SessionKey::from_bytes(bytes));
        }
    }

    #[test]
    fn stray_bits_behind_the_last_byte_are_refused() {
        // `Bh` decodes to the same byte as `Bg` wherever a decoder drops the low bits.
        assert_eq!(SessionKey::from_base64("HyVFkGl5F5OQWJZZaNzBBh=="), Err(OpenDataError::IllegalAesKey));
    }

    #[test]
    fn seventeen_and_eighteen_bytes_are_refused_though_their_text_is_as_long() {
        for text in ["HyVFkGl5F5OQWJZZaNzBBgA=", "HyVFkGl5F5OQWJZZaNzBBgAA"] {
            assert_eq!(text.len(), TEXT_LEN);
            assert_eq!(SessionKey::from_base64(text), Err(OpenDataError::IllegalAesKey));
        }
    }

    #[test]
    fn nothing_around_the_text_is_trimmed() {
        for text in ["", " HyVFkGl5F5OQWJZZaNzBBg=", "HyVFkGl5F5OQWJZZaNzBBg==\n", "HyVFkGl5F5OQWJZZaNzB\u{e9}=="] {
            assert_eq!(SessionKey::from_base64(text), Err(OpenDataError::IllegalAesKey));
        }
    }

    #[test]
    fn zeroising_wipes_the_bytes() {
        let mut key = SessionKey::from_bytes([9; 16]);
        key.zeroize();
        assert_eq!((key.bytes(), key.text()), (&[0; 16], &[0; TEXT_LEN]));
    }
}
