use crate::Errcode;

/// Why there is no answer to go by.
///
/// Neither `Display` nor `Debug` shows a URL, a secret, a token, a code or a session key, so an error may be logged as it is.
///
/// ```
/// use wx_platform::{Errcode, client::ClientError};
///
/// let error = ClientError::Refused { code: Errcode::BAD_CODE, errmsg: "invalid code, rid: 5f1".to_owned() };
/// assert_eq!(error.to_string(), "the platform refused with 40029 invalid code: it said \"invalid code, rid: 5f1\"");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The platform answered that it will not.
    #[error("the platform refused with {code}: it said {errmsg:?}")]
    Refused {
        /// Why, as a number.
        code: Errcode,
        /// Why, in the platform's words, with the number of the request in its log. At most 300 characters, none of them a control
        /// character; withheld if it repeats a secret of the request.
        errmsg: String,
    },
    /// No whole answer came in time. What was asked may have happened: a code may be used up.
    #[error("the platform did not answer in time")]
    Timeout,
    /// No connection came about, or it broke before the whole answer was there; the text says which. In the second case what was asked may
    /// have happened.
    #[error("the platform cannot be reached: {0}")]
    Unreachable(String),
    /// What came is no answer of a platform: the text says what is wrong with it, without quoting it.
    #[error("what answered does not answer as the platform does: {0}")]
    BadAnswer(String),
    /// Nothing was asked, because what this process was given or has will not do.
    #[error("the client cannot work like this: {0}")]
    Setup(String),
}

impl ClientError {
    /// The number that the platform refused with, if it did.
    pub const fn errcode(&self) -> Option<Errcode> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }
}
