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
    hex_digest(raw_data, key).iter().flat_map(|word| word.to_be_bytes()).map(char::from).collect()
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
    // What differs is gathered first: comparing in constant time costs by the part.
    let pairs = hex_digest(raw_data, key).into_iter().zip(signature.as_chunks().0);
    let difference = pairs.fold(0, |all, (word, other)| all | (word ^ u64::from_be_bytes(*other)));
    difference.ct_eq(&0).into()
}

/// The digits, eight to a word, the first in its highest byte.
fn hex_digest(raw_data: &[u8], key: &SessionKey) -> [u64; 5] {
    let digest = Sha1::new().chain_update(raw_data).chain_update(key.text()).finalize();
    let (words, _) = digest.as_chunks();
    std::array::from_fn(|i| lower_hex(u32::from_be_bytes(words[i])))
}

/// The eight digits of a number, all at once: halves are moved apart until every byte has four bits, and each byte becomes its digit.
fn lower_hex(number: u32) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let mut bits = u64::from(number);
    bits = (bits | bits << 16) & 0x0000_ffff_0000_ffff;
    bits = (bits | bits << 8) & 0x00ff_00ff_00ff_00ff;
    bits = (bits | bits << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    let letters = ((bits + 6 * ONES) >> 4) & ONES; // 1 where it is 10 or more
    bits + ONES * u64::from(b'0') + letters * u64::from(b'a' - b'0' - 10)
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
        assert_eq!(lower_hex(0x0123_4567).to_be_bytes(), *b"01234567");
        assert_eq!(lower_hex(0x89ab_cdef).to_be_bytes(), *b"89abcdef");
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
