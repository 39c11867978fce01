//! Asking a platform: the real one at [`WEIXIN`], or a server of one's own.
//!
//! - [`Client`]: what an app's server asks. Codes, session keys, access tokens, SOTER results.
//! - [`HostClient`]: what a host asks that runs mini-programs. Only a server of one's own answers that.
//!
//! ```no_run
//! use wx_api::AppId;
//! use wx_crypto::Secret;
//! use wx_platform::client::{Client, WEIXIN};
//!
//! # async fn exchange(code_from_the_mini_program: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let secret = Secret::from(std::env::var("APP_SECRET")?);
//! let client = Client::builder(WEIXIN, AppId::from("wx4f4bc4dec97d474b"), secret).build()?;
//! let user = client.code_to_session(code_from_the_mini_program).await?;
//! println!("{} is here", user.openid);
//! # Ok(())
//! # }
//! ```
//!
//! # Invariants
//!
//! - What may work only once is sent at most once; see [`Client`].
//! - Secrets go to the base URL and nowhere else: no redirect is followed, and plain http stays on this machine unless it is allowed.
//! - No error, no `Debug` and no log shows a secret, a token, a code, a session key or a URL with a query.
//! - An answer of more than 8 MiB is refused before it is in memory.
//!
//! Methods need a tokio runtime with I/O and time enabled.

mod answer;
mod app;
mod base;
mod error;
mod host;
mod http;
mod tokens;

use std::time::Duration;

pub use self::{
    app::{Client, ClientBuilder, SignedIn},
    error::ClientError,
    host::HostClient,
};

/// The real platform.
pub const WEIXIN: &str = "https://api.weixin.qq.com";

/// How a client sends its requests.
///
/// ```
/// use std::time::Duration;
/// use wx_platform::client::Transport;
///
/// let patient = Transport { timeout: Duration::from_secs(30), ..Transport::default() };
/// assert_eq!(patient.retries, 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transport {
    /// How long a try may take, from the connection to the last byte.
    pub timeout: Duration,
    /// How often a request that may be tried again is, after 100 ms, 200 ms and so on up to 5 s.
    pub retries: u32,
    /// Whether plain http may leave this machine: then secrets travel in the open.
    pub plain_http: bool,
}

impl Default for Transport {
    /// Ten seconds, two retries, no plain http.
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), retries: 2, plain_http: false }
    }
}

/// Which kind of access token to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tokens {
    /// Of `stable_token`: all servers of an app get the same one until it nears its end.
    #[default]
    Stable,
    /// Of `token`: a new one each time, which ends the one before it five minutes later. For an app with one server.
    Plain,
}
