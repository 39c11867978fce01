//! Codes and session keys: `jscode2session`, `checksession`, `resetusersessionkey`.

use serde::{Deserialize, Serialize};

use super::Hidden;

/// Where a code is exchanged: GET, with [`CodeToSession`] in the query.
pub const CODE_TO_SESSION: &str = "/sns/jscode2session";
/// Where a session key is checked: GET, with [`SessionQuery`] in the query; answers [`Refusal`](super::Refusal), 0 for ok.
pub const CHECK_SESSION: &str = "/wxa/checksession";
/// Where a session key is replaced: GET, with [`SessionQuery`] in the query; answers [`NewSessionKey`].
pub const RESET_SESSION_KEY: &str = "/wxa/resetusersessionkey";

/// The only `grant_type` of [`CODE_TO_SESSION`].
pub const GRANT_TYPE: &str = "authorization_code";
/// The only `sig_method` of [`SessionQuery`].
pub const SIG_METHOD: &str = "hmac_sha256";

/// The query of [`CODE_TO_SESSION`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CodeToSession {
    /// The app.
    pub appid: String,
    /// The app's secret.
    pub secret: Hidden,
    /// The code that `wx.login` answered.
    pub js_code: Hidden,
    /// [`GRANT_TYPE`].
    pub grant_type: String,
}

/// What a code is exchanged for. There is no `errcode` in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The user in this app.
    pub openid: String,
    /// The key of the user's session: 16 bytes in base64.
    pub session_key: Hidden,
    /// The user across the apps of one open-platform account; only when the app is bound to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unionid: Option<String>,
}

/// The query of [`CHECK_SESSION`] and of [`RESET_SESSION_KEY`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionQuery {
    /// The app's access token.
    pub access_token: Hidden,
    /// The user in this app.
    pub openid: String,
    /// [`sign`] of the empty text with the session key that the caller believes in. Hidden: it is the same as long as the key is, and proves it.
    pub signature: Hidden,
    /// [`SIG_METHOD`].
    pub sig_method: String,
}

/// What [`RESET_SESSION_KEY`] answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSessionKey {
    /// 0.
    #[serde(default)]
    pub errcode: i32,
    /// `ok`.
    #[serde(default)]
    pub errmsg: String,
    /// The user in this app.
    pub openid: String,
    /// The key from now on.
    pub session_key: Hidden,
}

/// The signature of a request in a user's session: HMAC-SHA256 of the body, which GET has none of, keyed with the text of the session key,
/// in lower-case hex.
///
/// ```
/// use wx_crypto::SessionKey;
/// use wx_platform::wire::session::sign;
///
/// let key = SessionKey::from_base64("o0q0otL8aEzpcZL/FT9WsQ==")?;
/// let signature = sign(br#"{"foo":"bar"}"#, &key);
/// assert_eq!(signature, "654571f79995b2ce1e149e53c0a33dc39c0a74090db514261454e8dbe432aa0b");
/// # Ok::<(), wx_crypto::OpenDataError>(())
/// ```
pub fn sign(body: &[u8], key: &wx_crypto::SessionKey) -> String {
    use hmac::{KeyInit as _, Mac as _};

    let text = key.expose_base64();
    // HMAC takes keys of any length; the type says otherwise only for other MACs.
    let Ok(mut mac) = hmac::Hmac::<sha2::Sha256>::new_from_slice(text.as_bytes()) else { return String::new() };
    mac.update(body);
    crate::primitives::hex(&mac.finalize().into_bytes())
}
