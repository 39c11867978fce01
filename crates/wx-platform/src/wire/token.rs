//! Access tokens: what an app's server shows at every endpoint but the exchange of codes.

use serde::{Deserialize, Serialize};

use super::Hidden;

/// Where a token is asked for: GET, with [`TokenRequest`] in the query. A new one each time; the one before it stays good for five minutes.
pub const TOKEN: &str = "/cgi-bin/token";
/// Where a stable token is asked for: POST, with [`TokenRequest`] as JSON. The same one until it is about to expire, or until
/// `force_refresh`.
pub const STABLE_TOKEN: &str = "/cgi-bin/stable_token";

/// The only `grant_type` of both.
pub const GRANT_TYPE: &str = "client_credential";

/// The request of [`TOKEN`] and [`STABLE_TOKEN`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenRequest {
    /// [`GRANT_TYPE`].
    pub grant_type: String,
    /// The app.
    pub appid: String,
    /// The app's secret.
    pub secret: Hidden,
    /// Whether a new token is wanted though the old one is still good. Stable tokens only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub force_refresh: bool,
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessToken {
    /// The token.
    pub access_token: Hidden,
    /// For how many seconds more it is good.
    pub expires_in: u64,
}
