//! What the server side does with session keys: sign, verify, seal, open.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Signed and sealed user data, as the developer's server meets it.
///
/// An implementation belongs to one app and holds the session keys of its users, so it is never part of a
/// [`Host`](crate::Host): no mini-program can reach it. Users are named by their `openid`.
///
/// # Behavior
///
/// - what it signs verifies (`signature::signed_data_verifies`), and is lower-case hex of 20 bytes (`signature::is_lower_case_hex`)
/// - one changed byte of the data (`signature::changed_data_does_not_verify`) or of the signature does not
///   (`signature::changed_signature_does_not_verify`), nor does another user's (`signature::other_users_data_does_not_verify`);
///   that is 87009 (`signature::mismatch_is_87009`)
/// - what it seals opens (`signature::sealed_data_opens`), with a watermark of this app and this moment
///   (`signature::seal_adds_a_watermark`) and everything else as it was (`signature::sealing_keeps_every_field`)
/// - an illegal iv is -41002 (`signature::illegal_iv_is_41002`), bad base64 -41004 (`signature::bad_base64_is_41004`), anything
///   wrong after decoding -41003 (`signature::damaged_data_is_41003`)
/// - data of another app does not open (`signature::other_apps_data_does_not_open`), nor does another user's
///   (`signature::other_users_sealed_data_does_not_open`)
/// - a user without a session is refused (`signature::user_without_session_is_refused`), and so is one whose session has ended
///   (`signature::ended_session_is_refused`)
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Signature: Send + Sync {
    /// Signs `raw_data` with the user's session key: `sha1(raw_data + session_key)` in lower-case hex.
    ///
    /// # Errors
    ///
    /// [`SignatureError::NoSession`].
    async fn sign(&self, openid: &str, raw_data: &str) -> Result<String, SignatureError>;

    /// Checks in constant time that `signature` is what [`sign`](Self::sign) answers for these exact bytes.
    ///
    /// # Errors
    ///
    /// [`SignatureError::Mismatch`], [`SignatureError::NoSession`].
    async fn verify(&self, openid: &str, raw_data: &str, signature: &str) -> Result<(), SignatureError>;

    /// Seals a JSON object with the user's session key, after adding a watermark.
    ///
    /// # Errors
    ///
    /// [`SignatureError::NoSession`]; [`SignatureError::BadData`] if `json` is not an object.
    async fn seal(&self, openid: &str, json: &str) -> Result<Sealed, SignatureError>;

    /// Opens sealed data with the user's session key and checks its watermark.
    ///
    /// # Errors
    ///
    /// Any of [`SignatureError`] but a mismatch.
    async fn open(&self, openid: &str, sealed: &Sealed) -> Result<Opened, SignatureError>;
}

/// Sealed data as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sealed {
    /// Base64 of the AES-128-CBC ciphertext.
    pub encrypted_data: String,
    /// Base64 of the initial vector.
    pub iv: String,
}

/// Opened data. It is personal, so `Debug` shows the watermark alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// The JSON text, watermark included.
    pub json: String,
    /// Its watermark.
    pub watermark: Watermark,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("watermark", &self.watermark).finish_non_exhaustive()
    }
}

/// Who the data is for and when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// The app it was read for.
    pub appid: String,
    /// When, in seconds since 1970.
    pub timestamp: u64,
}

/// Why signed or sealed data was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The user has no session, or it has ended.
    #[error("this user has no session: let the mini-program call wx.login and exchange the code")]
    NoSession,
    /// The signature is not that of this data under this session key.
    #[error("the signature does not match: the data was changed, or signed under another session key")]
    Mismatch,
    /// The session key is not 16 bytes in base64: for implementations that are given keys as text.
    #[error("illegal session key: it must be 16 bytes in base64")]
    BadKey,
    /// The initial vector is not 16 bytes in base64.
    #[error("illegal iv: it must be 16 bytes in base64")]
    BadIv,
    /// Something is wrong after decoding; the text says what.
    #[error("illegal data: {0}")]
    BadData(String),
    /// The data is not base64.
    #[error("the data is not base64: was it changed by URL encoding?")]
    BadBase64,
}

impl SignatureError {
    /// The official code, where there is one.
    pub fn code(&self) -> Option<i32> {
        match self {
            Self::NoSession => None,
            Self::Mismatch => Some(87009),
            Self::BadKey => Some(-41001),
            Self::BadIv => Some(-41002),
            Self::BadData(_) => Some(-41003),
            Self::BadBase64 => Some(-41004),
        }
    }
}
