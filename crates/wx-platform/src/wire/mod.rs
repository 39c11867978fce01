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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use wx_api::user::Lang;

    use super::{host, session::SessionQuery, soter::VerifyRequest};

    #[test]
    fn debug_shows_no_proof_no_signed_text_and_no_place() {
        let query = SessionQuery { signature: "must-not-show".into(), ..SessionQuery::default() };
        let (json_string, json_signature) = ("must-not-show".to_owned(), "must-not-show".to_owned());
        let verify = VerifyRequest { openid: "o1".to_owned(), json_string, json_signature };
        let place = host::Place { city: "must-not-show".to_owned(), ..host::Place::default() };
        let user = host::User { places: Some(BTreeMap::from([(Lang::En, place)])), ..host::User::default() };
        let shown = format!("{query:?} {verify:?} {user:?}");
        assert!(!shown.contains("must-not-show"), "{shown}");
        for told in ["signature: Hidden(..)", "openid: \"o1\"", "En: Place { .. }"] {
            assert!(shown.contains(told), "{told}: {shown}");
        }
    }
}
