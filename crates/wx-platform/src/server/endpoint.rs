//! The endpoints, in one table.

use axum::http::{Method, StatusCode};

use crate::{
    Errcode,
    wire::{host, session, soter, token},
};

/// What a request can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Endpoint {
    CodeToSession,
    CheckSession,
    ResetSessionKey,
    Token,
    StableToken,
    VerifySoter,
    HostLogin,
    HostCheckSession,
    HostUserInfo,
    HostSoterKey,
    HostEnrolSoterKey,
    HostApp,
    HostUser,
    HostApps,
    HostRemoveApp,
    HostUsers,
    /// A path that is none of ours.
    Unknown,
}

impl Endpoint {
    /// Every one that has a path, in the order above.
    pub(super) const ALL: [Self; 16] = [
        Self::CodeToSession,
        Self::CheckSession,
        Self::ResetSessionKey,
        Self::Token,
        Self::StableToken,
        Self::VerifySoter,
        Self::HostLogin,
        Self::HostCheckSession,
        Self::HostUserInfo,
        Self::HostSoterKey,
        Self::HostEnrolSoterKey,
        Self::HostApp,
        Self::HostUser,
        Self::HostApps,
        Self::HostRemoveApp,
        Self::HostUsers,
    ];

    /// Its path, by which logs and metrics call it.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::CodeToSession => session::CODE_TO_SESSION,
            Self::CheckSession => session::CHECK_SESSION,
            Self::ResetSessionKey => session::RESET_SESSION_KEY,
            Self::Token => token::TOKEN,
            Self::StableToken => token::STABLE_TOKEN,
            Self::VerifySoter => soter::VERIFY_SIGNATURE,
            Self::HostLogin => host::LOGIN,
            Self::HostCheckSession => host::CHECK_SESSION,
            Self::HostUserInfo => host::USER_INFO,
            Self::HostSoterKey => host::SOTER_KEY,
            Self::HostEnrolSoterKey => host::ENROL_SOTER_KEY,
            Self::HostApp => host::APP,
            Self::HostUser => host::USER,
            Self::HostApps => host::APPS,
            Self::HostRemoveApp => host::REMOVE_APP,
            Self::HostUsers => host::USERS,
            Self::Unknown => "unknown",
        }
    }

    /// The one of this path.
    pub(super) fn of(path: &str) -> Self {
        Self::ALL.into_iter().find(|endpoint| endpoint.path() == path).unwrap_or(Self::Unknown)
    }

    /// Who may ask.
    pub(super) const fn caller(self) -> Caller {
        match self {
            Self::HostApp | Self::HostUser | Self::HostApps | Self::HostRemoveApp | Self::HostUsers => Caller::Administrator,
            Self::HostLogin | Self::HostCheckSession | Self::HostUserInfo | Self::HostSoterKey | Self::HostEnrolSoterKey => {
                Caller::Host
            }
            _ => Caller::App,
        }
    }

    /// Refuses another method than its own.
    pub(super) fn check_method(self, method: &Method) -> Result<(), Errcode> {
        match self {
            Self::Unknown => Err(Errcode::BAD_PATH),
            Self::CodeToSession | Self::CheckSession | Self::ResetSessionKey | Self::Token => {
                if method == Method::GET {
                    Ok(())
                } else {
                    Err(Errcode::GET_REQUIRED)
                }
            }
            _ if method == Method::POST => Ok(()),
            _ => Err(Errcode::POST_REQUIRED),
        }
    }

    /// The HTTP status of an answer. The documented endpoints always answer 200, as the real ones do.
    pub(super) fn status(self, code: Option<Errcode>) -> StatusCode {
        let Some(code) = code else { return StatusCode::OK };
        match (self, self.caller()) {
            (Self::Unknown, _) => StatusCode::NOT_FOUND,
            (_, Caller::App) => StatusCode::OK,
            (_, Caller::Host | Caller::Administrator) => match code {
                Errcode::BUSY => StatusCode::SERVICE_UNAVAILABLE,
                Errcode::TOKEN_MISSING | Errcode::INVALID_CREDENTIAL => StatusCode::UNAUTHORIZED,
                Errcode::NOT_AUTHORISED | Errcode::USER_BLOCKED => StatusCode::FORBIDDEN,
                Errcode::BAD_APPID | Errcode::BAD_OPENID | Errcode::NO_SESSION => StatusCode::NOT_FOUND,
                Errcode::TOO_OFTEN | Errcode::DAILY_QUOTA => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::BAD_REQUEST,
            },
        }
    }
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// An app's server, which shows a secret or a token in the request itself.
    App,
    /// A host, which shows its key in a header.
    Host,
    /// A host whose key is an administrator's.
    Administrator,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_endpoint_in_its_place() {
        let places: Vec<usize> =
            Endpoint::ALL.into_iter().chain([Endpoint::Unknown]).map(|endpoint| endpoint as usize).collect();
        assert_eq!(places, (0..=Endpoint::Unknown as usize).collect::<Vec<_>>());
    }
}
