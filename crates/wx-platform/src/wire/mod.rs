//! What travels, field by field, shared by the client and the server.
//!
//! - [`session`]: codes and session keys.
//! - [`token`]: access tokens.
//! - [`soter`]: verifying SOTER results.
//! - [`host`]: what the real platform keeps private, under a prefix of our own, for hosts that run mini-programs.
//!
//! A text that a request lacks reads as the empty text: the platform does not tell them apart either. Every request but those of
//! hosts carries the app's secret or an access token in the query or the body, because the documented endpoints want it so: never
//! log a URL or a body of these endpoints.

mod hidden;
pub mod host;
pub mod session;
pub mod soter;
pub mod token;

use serde::{Deserialize, Serialize};

pub use self::hidden::Hidden;
use crate::Errcode;

/// A refusal, or a bare `ok`: the two fields that every answer of the platform but a successful `jscode2session` may have.
///
/// ```
/// use wx_platform::{Errcode, wire::Refusal};
///
/// let refusal: Refusal = serde_json::from_str(r#"{"errcode":40029,"errmsg":"invalid code, rid: 5f1"}"#)?;
/// assert_eq!(refusal.code(), Errcode::BAD_CODE);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why, as a number; 0 for ok.
    pub errcode: i32,
    /// Why, as a text, which ends in `rid: ` and the number of the request in the server's log.
    #[serde(default)]
    pub errmsg: String,
}

impl Refusal {
    /// The number as a type.
    pub const fn code(&self) -> Errcode {
        Errcode::new(self.errcode)
    }
}
