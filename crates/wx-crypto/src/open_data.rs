//! Encrypted open data: AES-128-CBC with PKCS#7 padding, and a watermark inside that says for whom and when.
//!
//! [`seal`] is the platform's side. [`decrypt`] undoes it and stops there. [`open`] is what a server should call: it also checks
//! that the plain text is honest JSON and that its watermark names this mini-program and a recent time. [`open_lenient`] is for data
//! whose base64 some web stack has damaged on the way; it says what it repaired.
//!
//! # The order of the checks
//!
//! Key, iv, base64 of the data, length, size, padding, UTF-8, JSON, duplicate keys, watermark, appid, freshness. The first that
//! fails names the [`OpenDataError`], so two implementations that keep to the order agree on the answer. The key is checked
//! first because a [`SessionKey`] cannot be had without the check.

mod error;
mod repair;
mod watermark;

use std::fmt;

use aes::Aes128;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};

pub use self::error::OpenDataError;
pub use self::repair::{Repair, Repaired, Repairs, open_lenient, repair};
pub use self::watermark::Watermark;
use crate::SessionKey;

/// The longest encrypted data that is decrypted, in bytes after base64: 1 MiB.
///
/// Real data are some hundred bytes to some ten thousand; the limit keeps a stranger from making a server parse more.
pub const MAX_ENCRYPTED_LEN: usize = 1024 * 1024;

const BLOCK_LEN: usize = 16;

/// Encrypted open data as an API returns it: both parts in standard base64 with padding.
///
/// # Examples
///
/// ```
/// use wx_crypto::{SessionKey, open_data};
///
/// let sealed = open_data::seal(b"{}", &SessionKey::from_bytes([0; 16]), [0; 16]);
/// assert_eq!(sealed.iv, "AAAAAAAAAAAAAAAAAAAAAA==");
/// assert_eq!(sealed.encrypted_data.len(), 24);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The field `encryptedData`.
    pub encrypted_data: String,
    /// The field `iv`.
    pub iv: String,
}

/// What [`open`] demands of a watermark.
///
/// # Examples
///
/// ```
/// use wx_crypto::Expect;
///
/// // Two hours old at most, and at most five minutes ahead of this server's clock.
/// let expect = Expect { appid: "wx4f4bc4dec97d474b", now_s: 1_800_000_000, max_age_s: 7200, max_skew_s: 300 };
/// assert_eq!(expect.appid, "wx4f4bc4dec97d474b");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expect<'a> {
    /// The mini-program that the data must belong to.
    pub appid: &'a str,
    /// The time now, in seconds since 1970.
    pub now_s: i64,
    /// How old the watermark may be, in seconds; exactly this old is still fresh.
    pub max_age_s: u64,
    /// How far ahead of `now_s` the watermark may be, in seconds, because two clocks never agree; exactly this far is allowed.
    pub max_skew_s: u64,
}

/// Open data that passed every check.
///
/// [`Debug`](fmt::Debug) shows the length of the JSON instead of the JSON, which holds names and phone numbers.
///
/// # Examples
///
/// ```
/// use wx_crypto::{Opened, Watermark};
///
/// let watermark = Watermark { appid: "wx1".into(), timestamp: 1 };
/// let opened = Opened { json: r#"{"phoneNumber":"13580006666"}"#.into(), watermark };
/// assert!(!format!("{opened:?}").contains("13580006666"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// The plain text, byte for byte: unknown fields, order and white space are as they were sealed.
    pub json: String,
    /// The watermark found in it.
    pub watermark: Watermark,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("json", &format_args!("<{} bytes>", self.json.len()))
            .field("watermark", &self.watermark)
            .finish()
    }
}

/// Encrypts `plain`, which should be a JSON object with a watermark for [`open`] to accept it later.
///
/// The caller gives the `iv` and must draw it anew, unpredictably, for every call: the same key and iv show which data begin
/// alike. Plain text of [`MAX_ENCRYPTED_LEN`] bytes or more is sealed but never opened again.
///
/// # Examples
///
/// ```
/// use wx_crypto::{OpenDataError, SessionKey, open_data};
///
/// let key = SessionKey::from_bytes([3; 16]);
/// let sealed = open_data::seal(b"some text", &key, [5; 16]);
/// assert_eq!(open_data::decrypt(&sealed.encrypted_data, &sealed.iv, &key)?, b"some text");
/// # Ok::<(), OpenDataError>(())
/// ```
pub fn seal(plain: &[u8], key: &SessionKey, iv: [u8; 16]) -> Sealed {
    let encrypted = cbc::Encryptor::<Aes128>::new(key.bytes().into(), &iv.into()).encrypt_padded_vec::<Pkcs7>(plain);
    Sealed { encrypted_data: STANDARD.encode(encrypted), iv: STANDARD.encode(iv) }
}

/// Decrypts, and checks the iv, the data's base64, length and size, and the padding; not what the plain text says.
///
/// There is no MAC: a wrong key or iv is usually, not always, seen by the padding. Prefer [`open`] unless the plain text is
/// not JSON.
///
/// # Errors
///
/// In this order: [`IllegalIv`](OpenDataError::IllegalIv), [`DecodeBase64Error`](OpenDataError::DecodeBase64Error),
/// [`Length`](OpenDataError::Length), [`TooLarge`](OpenDataError::TooLarge), [`Padding`](OpenDataError::Padding).
///
/// # Examples
///
/// ```
/// use wx_crypto::{OpenDataError, SessionKey, open_data};
///
/// let key = SessionKey::from_bytes([3; 16]);
/// // `+` arrived as a space: somebody forgot to encode a URL.
/// let refused = open_data::decrypt("ab cdefghijklmnopqrstuw==", "AAAAAAAAAAAAAAAAAAAAAA==", &key);
/// assert_eq!(refused, Err(OpenDataError::DecodeBase64Error));
/// ```
pub fn decrypt(encrypted_data: &str, iv: &str, key: &SessionKey) -> Result<Vec<u8>, OpenDataError> {
    let iv = decode_iv(iv)?;
    // Decoding before looking at the size keeps the order of the checks; it allocates less than the caller already holds.
    let mut data = STANDARD.decode(encrypted_data).map_err(|_| OpenDataError::DecodeBase64Error)?;
    if data.is_empty() || !data.len().is_multiple_of(BLOCK_LEN) {
        return Err(OpenDataError::Length { bytes: data.len() });
    }
    if data.len() > MAX_ENCRYPTED_LEN {
        return Err(OpenDataError::TooLarge { bytes: data.len() });
    }
    // Pkcs7 accepts a last byte of 1 to 16 only, and compares every byte of the padding with it.
    let plain_len = cbc::Decryptor::<Aes128>::new(key.bytes().into(), &iv.into())
        .decrypt_padded::<Pkcs7>(&mut data)
        .map_err(|_| OpenDataError::Padding)?
        .len();
    data.truncate(plain_len);
    Ok(data)
}

/// Decrypts, and checks everything: the steps of [`decrypt`], then that the plain text is a JSON object without duplicate keys
/// whose watermark names `expect.appid` and a time within `-max_age_s ..= max_skew_s` of `expect.now_s`.
///
/// Only the top level's `watermark` counts; a string or a nested object that looks like one does not. JSON nested more than
/// 127 levels deep is refused.
///
/// # Errors
///
/// In this order: those of [`decrypt`], then [`Utf8`](OpenDataError::Utf8), [`Json`](OpenDataError::Json),
/// [`DuplicateKey`](OpenDataError::DuplicateKey), [`WatermarkMissing`](OpenDataError::WatermarkMissing),
/// [`AppIdMismatch`](OpenDataError::AppIdMismatch), and [`Stale`](OpenDataError::Stale) or
/// [`FromTheFuture`](OpenDataError::FromTheFuture).
///
/// # Examples
///
/// ```
/// use wx_crypto::{Expect, OpenDataError, SessionKey, open_data};
///
/// let key = SessionKey::from_bytes([3; 16]);
/// let json = br#"{"watermark":{"appid":"wx-of-somebody-else","timestamp":1800000000}}"#;
/// let sealed = open_data::seal(json, &key, [5; 16]);
///
/// let expect = Expect { appid: "wx-mine", now_s: 1_800_000_000, max_age_s: 7200, max_skew_s: 300 };
/// let refused = open_data::open(&sealed.encrypted_data, &sealed.iv, &key, &expect);
/// assert_eq!(refused.unwrap_err().reason(), "AppIdMismatch");
/// ```
pub fn open(encrypted_data: &str, iv: &str, key: &SessionKey, expect: &Expect<'_>) -> Result<Opened, OpenDataError> {
    let plain = decrypt(encrypted_data, iv, key)?;
    let json = String::from_utf8(plain).map_err(|_| OpenDataError::Utf8)?;
    let watermark = watermark::read(&json)?;
    if watermark.appid != expect.appid {
        return Err(OpenDataError::AppIdMismatch);
    }
    check_freshness(watermark.timestamp, expect)?;
    Ok(Opened { json, watermark })
}

fn decode_iv(text: &str) -> Result<[u8; 16], OpenDataError> {
    // 24 characters may hold up to 18 bytes. A text of another length is not decoded for nothing.
    let mut decoded = [0; 18];
    if text.len() != 24 || STANDARD.decode_slice(text, &mut decoded) != Ok(16) {
        return Err(OpenDataError::IllegalIv);
    }
    decoded.first_chunk().copied().ok_or(OpenDataError::IllegalIv)
}

fn check_freshness(timestamp: i64, expect: &Expect<'_>) -> Result<(), OpenDataError> {
    // Saturating: the ends of i64 are further away than any age or skew that a caller could mean.
    if timestamp < expect.now_s.saturating_sub_unsigned(expect.max_age_s) {
        return Err(OpenDataError::Stale { timestamp, now_s: expect.now_s, max_age_s: expect.max_age_s });
    }
    if timestamp > expect.now_s.saturating_add_unsigned(expect.max_skew_s) {
        return Err(OpenDataError::FromTheFuture { timestamp, now_s: expect.now_s, max_skew_s: expect.max_skew_s });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
