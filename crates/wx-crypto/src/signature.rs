//! The signature of open data: `sha1(rawData + session_key)`.
//!
//! `session_key` in that formula is the base64 **text** of the key, not its 16 bytes, and `rawData` is the exact text that
//! travelled, not a parsed and rewritten copy of it. Both are where implementations go wrong.

use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use crate::SessionKey;

/// The signature of `raw_data`: 40 lower-case hexadecimal characters.
///
/// # Examples
///
/// ```
/// use wx_crypto::{SessionKey, signature};
///
/// let key = SessionKey::from_base64("1MwdORwPsrdd/R9iyXLL0g==")?;
/// let raw_data = r#"{"nickName":"a\u0000b","watermark":{"timestamp":1800000000,"appid":"wx4f4bc4dec97d474b"}}"#;
/// assert_eq!(signature::sign(raw_data.as_bytes(), &key), "3712552a61661edef9be091ae0001796be67f81d");
/// # Ok::<(), wx_crypto::OpenDataError>(())
/// ```
pub fn sign(raw_data: &[u8], key: &SessionKey) -> String {
    hex_digest(raw_data, key).iter().copied().map(char::from).collect()
}

/// Whether `signature` is the signature of exactly these bytes under this key.
///
/// Takes constant time in the signature's content. Only the form that [`sign`] gives is accepted: upper-case hexadecimal,
/// spaces around it or a shortened text are not.
///
/// A `false` does not tell a forgery from a key that a later login has replaced: keep the key of the login that the data
/// came from until the data has been checked.
///
/// # Examples
///
/// ```
/// use wx_crypto::{SessionKey, signature};
///
/// let key = SessionKey::from_bytes([7; 16]);
/// let sent = signature::sign(br#"{"nickName":"Band"}"#, &key);
///
/// assert!(signature::verify(br#"{"nickName":"Band"}"#, &key, &sent));
/// // The same JSON, written anew with a space, is other bytes:
/// assert!(!signature::verify(br#"{"nickName": "Band"}"#, &key, &sent));
/// ```
pub fn verify(raw_data: &[u8], key: &SessionKey, signature: &str) -> bool {
    let Ok(signature) = <&[u8; 40]>::try_from(signature.as_bytes()) else { return false };
    words(&hex_digest(raw_data, key)).ct_eq(&words(signature)).into()
}

/// The same bytes in fewer parts: comparing in constant time costs by the part.
fn words(hex: &[u8; 40]) -> [u64; 5] {
    let (words, _) = hex.as_chunks();
    std::array::from_fn(|i| u64::from_ne_bytes(words[i]))
}

fn hex_digest(raw_data: &[u8], key: &SessionKey) -> [u8; 40] {
    let digest = Sha1::new().chain_update(raw_data).chain_update(key.text()).finalize();
    let mut hex = [0; 40];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(digest) {
        pair.copy_from_slice(&[lower_hex(byte >> 4), lower_hex(byte & 0x0f)]);
    }
    hex
}

/// The digit of a number below 16.
fn lower_hex(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that unwraps an error should fail

    use proptest::prelude::*;

    use super::*;

    /// The example of the documentation page on checking signatures.
    const RAW_DATA: &str = concat!(
        r#"{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN","#,
        r#""avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/0"}"#,
    );
    const SIGNATURE: &str = "75e81ceda165f4ffa64f4068af58c64b8f54b88c";

    fn key() -> SessionKey {
        SessionKey::from_base64("HyVFkGl5F5OQWJZZaNzBBg==").unwrap()
    }

    #[test]
    fn the_example_of_the_documentation_is_reproduced() {
        assert_eq!(sign(RAW_DATA.as_bytes(), &key()), SIGNATURE);
        assert!(verify(RAW_DATA.as_bytes(), &key(), SIGNATURE));
    }

    #[test]
    fn upper_case_and_padded_signatures_are_refused() {
        for wrong in [
            SIGNATURE.to_uppercase(),
            format!(" {SIGNATURE}"),
            format!("{SIGNATURE}\0"),
            SIGNATURE[..39].to_owned(),
            String::new(),
        ] {
            assert!(!verify(RAW_DATA.as_bytes(), &key(), &wrong), "{wrong:?}");
        }
    }

    #[test]
    fn digits_are_lower_case() {
        assert_eq!((0..16).map(lower_hex).collect::<Vec<_>>(), b"0123456789abcdef");
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies(raw in any::<Vec<u8>>(), key in any::<[u8; 16]>()) {
            let key = SessionKey::from_bytes(key);
            prop_assert!(verify(&raw, &key, &sign(&raw, &key)));
        }

        #[test]
        fn another_key_does_not_verify(raw in any::<Vec<u8>>(), a in any::<[u8; 16]>(), b in any::<[u8; 16]>()) {
            prop_assume!(a != b);
            let signature = sign(&raw, &SessionKey::from_bytes(a));
            prop_assert!(!verify(&raw, &SessionKey::from_bytes(b), &signature));
        }

        #[test]
        fn a_garbage_signature_is_refused_without_a_panic(raw in any::<Vec<u8>>(), signature in any::<String>()) {
            prop_assert!(!verify(&raw, &key(), &signature));
        }
    }
}
