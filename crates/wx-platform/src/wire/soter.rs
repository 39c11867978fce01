//! Verifying SOTER results: was this really the user's finger, on this user's device?

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where: POST, with the access token in the query ([`TokenQuery`]) and [`VerifyRequest`] as JSON.
pub const VERIFY_SIGNATURE: &str = "/cgi-bin/soter/verify_signature";

/// The query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenQuery {
    /// The app's access token.
    pub access_token: super::Hidden,
}

/// The body. `Debug` leaves out what was signed: the app chose its challenge.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VerifyRequest {
    /// The user in this app.
    pub openid: String,
    /// `resultJSON`, byte for byte as the mini-program got it. Parsing it and writing it again breaks the signature.
    pub json_string: String,
    /// `resultJSONSignature`.
    pub json_signature: String,
}

impl fmt::Debug for VerifyRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyRequest").field("openid", &self.openid).finish_non_exhaustive()
    }
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// 0: the request was understood, whatever the verdict.
    #[serde(default)]
    pub errcode: i32,
    /// `ok`, or why the result was not accepted, with the number of the request.
    #[serde(default)]
    pub errmsg: String,
    /// Whether the result is genuine and new.
    pub is_ok: bool,
}
