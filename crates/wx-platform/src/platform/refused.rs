use std::{borrow::Cow, error, fmt};

use crate::{Errcode, store::StoreError};

/// Why a request is refused.
///
/// ```
/// use wx_platform::{Errcode, platform::Refused};
///
/// assert_eq!(Refused::new(Errcode::BAD_CODE).to_string(), "40029 invalid code");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The number.
    pub code: Errcode,
    /// Why, for `errmsg` and the log: it repeats no secret.
    pub reason: Cow<'static, str>,
}

impl Refused {
    /// With the platform's short text as the reason.
    pub const fn new(code: Errcode) -> Self {
        let text = match code.text() {
            Some(text) => text,
            None => "refused",
        };
        Self { code, reason: Cow::Borrowed(text) }
    }

    /// With a reason of its own.
    pub fn because(code: Errcode, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { code, reason: reason.into() }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code.number(), self.reason)
    }
}

impl error::Error for Refused {}

impl From<StoreError> for Refused {
    /// What is wrong with the store is the operator's business: it is in the log, and the caller may try again.
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        Self::new(Errcode::BUSY)
    }
}

impl From<Errcode> for Refused {
    fn from(code: Errcode) -> Self {
        Self::new(code)
    }
}
