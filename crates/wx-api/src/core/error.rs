use std::{borrow::Cow, error, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{Api, Profile, Reply};

/// The result of every API.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. Its `Display` is the `errMsg` a script sees: `<api>:fail <reason>`.
///
/// Rust code matches [`kind`](Self::kind) and [`code`](Self::code), never the text.
///
/// ```
/// use wx_api::{Api, Error, ErrorKind};
///
/// let error = Error::timeout(Api::Login);
/// assert_eq!(error.kind(), ErrorKind::Timeout);
/// assert_eq!(error.to_string(), "login:fail timeout");
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    api: Api,
    kind: ErrorKind,
    code: Option<i32>,
    separator: char,
    reason: Cow<'static, str>,
    reply: Option<Reply>,
    source: Option<Arc<dyn error::Error + Send + Sync>>,
}

/// What sort of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ErrorKind {
    /// This backend or this base library does not have the API.
    Unsupported,
    /// A parameter is missing, of the wrong type, or out of range.
    Parameter,
    /// The user has not consented.
    Denied,
    /// The user, or whoever made the call, broke it off.
    Cancelled,
    /// No answer in time.
    Timeout,
    /// There is no session, or it has ended.
    Session,
    /// The device, a part of it, or the server is not there or is switched off.
    Unavailable,
    /// The call was understood and refused: the code says why.
    Refused,
    /// The call was begun, and what became of it is not known: a device restarted meanwhile, or stayed away. Do not repeat it blindly.
    OutcomeUnknown,
    /// The backend failed in a way that is not the caller's doing.
    Internal,
}

impl ErrorKind {
    /// Every kind there is.
    pub const ALL: &'static [Self] = &[
        Self::Unsupported,
        Self::Parameter,
        Self::Denied,
        Self::Cancelled,
        Self::Timeout,
        Self::Session,
        Self::Unavailable,
        Self::Refused,
        Self::OutcomeUnknown,
        Self::Internal,
    ];

    /// The kind of this [`name`](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// What it is called in texts, spelled as serde spells it: `unsupported`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsupported => "unsupported",
            Self::Parameter => "parameter",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
            Self::Session => "session",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::OutcomeUnknown => "outcomeUnknown",
            Self::Internal => "internal",
        }
    }
}

impl Error {
    /// A failure of `api`; `reason` follows `<api>:fail `.
    pub fn new(api: Api, kind: ErrorKind, reason: impl Into<Cow<'static, str>>) -> Self {
        let reason = reason.into();
        Self(Box::new(Inner { api, kind, code: None, separator: ' ', reason, reply: None, source: None }))
    }

    /// The answer of an API that is not there: `<api>:fail not supported`.
    pub fn unsupported(api: Api) -> Self {
        Self::new(api, ErrorKind::Unsupported, "not supported")
    }

    /// A bad parameter; `detail` is what is wrong with it, such as
    /// `parameter.scope should be String instead of Number;`.
    pub fn parameter(api: Api, detail: impl fmt::Display) -> Self {
        Self::new(api, ErrorKind::Parameter, format!("parameter error: {detail}"))
    }

    /// The user has not consented. The text is the profile's: versions differ.
    pub fn denied(api: Api, profile: &Profile) -> Self {
        let mut error = Self::new(api, ErrorKind::Denied, "auth deny");
        error.0.separator = profile.denial_separator();
        error
    }

    /// The user broke it off.
    pub fn cancelled(api: Api) -> Self {
        Self::new(api, ErrorKind::Cancelled, "cancel")
    }

    /// No answer in time.
    pub fn timeout(api: Api) -> Self {
        Self::new(api, ErrorKind::Timeout, "timeout")
    }

    /// It was begun, and what became of it is not known; `why` says how that came.
    ///
    /// ```
    /// use wx_api::{Api, Error};
    ///
    /// let error = Error::outcome_unknown(Api::Login, "the device restarted");
    /// assert_eq!(error.to_string(), "login:fail outcome unknown: the device restarted");
    /// ```
    pub fn outcome_unknown(api: Api, why: impl fmt::Display) -> Self {
        Self::new(api, ErrorKind::OutcomeUnknown, format!("outcome unknown: {why}"))
    }

    /// A failure of the backend that is not the caller's doing.
    pub fn internal(api: Api, reason: impl fmt::Display) -> Self {
        Self::new(api, ErrorKind::Internal, format!("internal error: {reason}"))
    }

    /// The same failure with a documented code.
    #[must_use]
    pub fn with_code(mut self, code: i32) -> Self {
        self.0.code = Some(code);
        self
    }

    /// The same failure, its reason followed by what exactly was wrong: `<reason>: <detail>`. Scripts see it.
    ///
    /// ```
    /// use wx_api::{Api, hce::HceCode};
    ///
    /// let error = HceCode::BadAids.error(Api::StartHce).with_detail("aid_list[1]: 5 digits");
    /// assert_eq!(error.to_string(), "startHCE:fail invalid aid_list: aid_list[1]: 5 digits");
    /// ```
    #[must_use]
    pub fn with_detail(mut self, detail: impl fmt::Display) -> Self {
        self.0.reason = format!("{}: {detail}", self.0.reason).into();
        self
    }

    /// The same failure with the error that caused it. Scripts never see it.
    #[must_use]
    pub fn with_source(mut self, source: impl error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// The same failure with what a failed answer carries all the same, where a page documents it.
    #[must_use]
    pub fn with_reply(mut self, reply: impl Into<Reply>) -> Self {
        self.0.reply = Some(reply.into());
        self
    }

    /// The same failure told of another API: a call that fails because consent failed says so in its own name.
    #[must_use]
    pub fn of(mut self, api: Api) -> Self {
        self.0.api = api;
        self
    }

    /// The same failure with another character between `fail` and the reason, as some versions write it.
    #[must_use]
    pub fn with_separator(mut self, separator: char) -> Self {
        self.0.separator = separator;
        self
    }

    /// The API that failed.
    pub fn api(&self) -> Api {
        self.0.api
    }

    /// What sort of failure it was.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The documented code, if there is one.
    pub fn code(&self) -> Option<i32> {
        self.0.code
    }

    /// What follows `<api>:fail `.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The character between `fail` and the reason: a space, or a colon in some versions.
    pub fn separator(&self) -> char {
        self.0.separator
    }

    /// What the failed answer carries all the same.
    pub fn reply(&self) -> Option<&Reply> {
        self.0.reply.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:fail{}{}", self.0.api.name(), self.0.separator, self.0.reason)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("errMsg", &self.to_string()).field("kind", &self.0.kind);
        if let Some(code) = self.0.code {
            debug.field("code", &code);
        }
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish_non_exhaustive()
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_named_as_it_is_written_as_json() {
        for &kind in ErrorKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(ErrorKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(ErrorKind::from_name("fine"), None);
    }
}
