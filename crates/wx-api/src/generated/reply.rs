// Derived by `cargo xtask codegen` from the domain files. Do not edit.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{Api, Error, authorization, hce, login, soter, user};

/// The result of any API. Serialises as its fields alone. Large results are boxed, so that every layer moves little.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Reply {
    /// `wx.authorize`.
    Authorize(authorization::AuthorizeResult),
    /// `wx.getSetting`.
    GetSetting(authorization::GetSettingResult),
    /// `wx.openSetting`.
    OpenSetting(authorization::OpenSettingResult),
    /// `wx.getHCEState`.
    GetHceState(hce::GetHceStateResult),
    /// `wx.startHCE`.
    StartHce(hce::StartHceResult),
    /// `wx.stopHCE`.
    StopHce(hce::StopHceResult),
    /// `wx.sendHCEMessage`.
    SendHceMessage(hce::SendHceMessageResult),
    /// `wx.login`.
    Login(login::LoginResult),
    /// `wx.checkSession`.
    CheckSession(login::CheckSessionResult),
    /// `wx.checkIsSupportSoterAuthentication`.
    CheckIsSupportSoterAuthentication(soter::CheckIsSupportSoterAuthenticationResult),
    /// `wx.checkIsSoterEnrolledInDevice`.
    CheckIsSoterEnrolledInDevice(soter::CheckIsSoterEnrolledInDeviceResult),
    /// `wx.startSoterAuthentication`.
    StartSoterAuthentication(Box<soter::StartSoterAuthenticationResult>),
    /// `wx.getUserInfo`.
    GetUserInfo(Box<user::GetUserInfoResult>),
}

impl Reply {
    /// The API it answers.
    pub fn api(&self) -> Api {
        match self {
            Self::Authorize(_) => Api::Authorize,
            Self::GetSetting(_) => Api::GetSetting,
            Self::OpenSetting(_) => Api::OpenSetting,
            Self::GetHceState(_) => Api::GetHceState,
            Self::StartHce(_) => Api::StartHce,
            Self::StopHce(_) => Api::StopHce,
            Self::SendHceMessage(_) => Api::SendHceMessage,
            Self::Login(_) => Api::Login,
            Self::CheckSession(_) => Api::CheckSession,
            Self::CheckIsSupportSoterAuthentication(_) => Api::CheckIsSupportSoterAuthentication,
            Self::CheckIsSoterEnrolledInDevice(_) => Api::CheckIsSoterEnrolledInDevice,
            Self::StartSoterAuthentication(_) => Api::StartSoterAuthentication,
            Self::GetUserInfo(_) => Api::GetUserInfo,
        }
    }

    /// Reads a result of `api`.
    ///
    /// # Errors
    ///
    /// A result of another shape, or an event, which has none.
    pub fn deserialize<'de, D: Deserializer<'de>>(api: Api, result: D) -> Result<Self, D::Error> {
        match api {
            Api::Authorize => <authorization::AuthorizeResult>::deserialize(result).map(Self::Authorize),
            Api::GetSetting => <authorization::GetSettingResult>::deserialize(result).map(Self::GetSetting),
            Api::OpenSetting => <authorization::OpenSettingResult>::deserialize(result).map(Self::OpenSetting),
            Api::GetHceState => <hce::GetHceStateResult>::deserialize(result).map(Self::GetHceState),
            Api::StartHce => <hce::StartHceResult>::deserialize(result).map(Self::StartHce),
            Api::StopHce => <hce::StopHceResult>::deserialize(result).map(Self::StopHce),
            Api::SendHceMessage => <hce::SendHceMessageResult>::deserialize(result).map(Self::SendHceMessage),
            Api::Login => <login::LoginResult>::deserialize(result).map(Self::Login),
            Api::CheckSession => <login::CheckSessionResult>::deserialize(result).map(Self::CheckSession),
            Api::CheckIsSupportSoterAuthentication => <soter::CheckIsSupportSoterAuthenticationResult>::deserialize(result)
                .map(Self::CheckIsSupportSoterAuthentication),
            Api::CheckIsSoterEnrolledInDevice => {
                <soter::CheckIsSoterEnrolledInDeviceResult>::deserialize(result).map(Self::CheckIsSoterEnrolledInDevice)
            }
            Api::StartSoterAuthentication => {
                <Box<soter::StartSoterAuthenticationResult>>::deserialize(result).map(Self::StartSoterAuthentication)
            }
            Api::GetUserInfo => <Box<user::GetUserInfoResult>>::deserialize(result).map(Self::GetUserInfo),
            _ => Err(D::Error::custom(format_args!("{} is an event", api.name()))),
        }
    }

    fn instead_of(&self, api: Api) -> Error {
        Error::internal(api, format_args!("the backend answered with a result of {}", self.api().name()))
    }
}

impl From<authorization::AuthorizeResult> for Reply {
    fn from(result: authorization::AuthorizeResult) -> Self {
        Self::Authorize(result)
    }
}

impl TryFrom<Reply> for authorization::AuthorizeResult {
    type Error = Error;
    fn try_from(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::Authorize(result) => Ok(result),
            other => Err(other.instead_of(Api::Authorize)),
        }
    }
}
impl From<authorization::GetSettingResult> for Reply {
    fn from(result: authorization::GetSettingResult) -> Self {
        Self::GetSetting(result)
    }
}

impl TryFrom<Reply> for authorization::GetSettingResult {
    type Error = Error;
    fn try_from(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::GetSetting(result) => Ok(result),
            other => Err(other.instead_of(Api::GetSetting)),
        }
    }
}
impl From<authorization::OpenSettingResult> for Reply {
    fn from(result: authorization::OpenSettingResult) -> Self {
        Self::OpenSetting(result)
    }
}

impl TryFrom<Reply> for authorization::OpenSettingResult {
    type Error = Error;
    fn try_from(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::OpenSetting(result) => Ok(result),
            other => Err(other.instead_of(Api::OpenSetting)),
        }
    }
}
impl From<hce::GetHceStateResult> for Reply {
    fn from(result: hce::GetHceStateResult) -> Self {
        Self::GetHceState(result)
    }
}

impl TryFrom<Reply> for hce::GetHceStateResult {
    type Error = Error;
    fn try_from(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::GetHceState(result) => Ok(result),
            other => Err(other.instead_of(Api::GetHceState)),
        }
    }
}
impl From<hce::StartHceResult> for Reply {
    fn from(result: hce::StartHceResult) -> Self {
        Self::StartHce(result)
    }
}

impl TryFrom<Reply> for hce::StartHceResult {
    type Error = Error;
    fn try_from(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::StartHce(result) => Ok(result),
            other => Err(other.instead_of(Api::StartHce)),
        }
    }
}
impl From<hce::StopHceResult> for Reply {
    fn from(result: hce::StopHceResult) -> Self {
        Self::StopHce(result)
    }
}

impl TryFrom<Reply> for hce::StopHceResult {
    type Error = Error;
    fn try_from(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::StopHce(result) => Ok(result),
            other => Err(other.instead_of(Api::StopHce)),
        }
    }
}
impl From<hce::SendHceMessageResult> for Reply {
    fn from(result: hce::SendHceMessageResult) -> Self {
        Self::SendHceMessage(result)
    }
}

impl TryFrom<Reply> for hce::SendHceMessageResult {
    type Error = Error;
    fn try_from(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::SendHceMessage(result) => Ok(result),
            other => Err(other.instead_of(Api::SendHceMessage)),
        }
    }
}
impl From<login::LoginResult> for Reply {
    fn from(result: login::LoginResult) -> Self {
        Self::Login(result)
    }
}

impl TryFrom<Reply> for login::LoginResult {
    type Error = Error;
    fn try_from(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::Login(result) => Ok(result),
            other => Err(other.instead_of(Api::Login)),
        }
    }
}
impl From<login::CheckSessionResult> for Reply {
    fn from(result: login::CheckSessionResult) -> Self {
        Self::CheckSession(result)
    }
}

impl TryFrom<Reply> for login::CheckSessionResult {
    type Error = Error;
    fn try_from(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::CheckSession(result) => Ok(result),
            other => Err(other.instead_of(Api::CheckSession)),
        }
    }
}
impl From<soter::CheckIsSupportSoterAuthenticationResult> for Reply {
    fn from(result: soter::CheckIsSupportSoterAuthenticationResult) -> Self {
        Self::CheckIsSupportSoterAuthentication(result)
    }
}

impl TryFrom<Reply> for soter::CheckIsSupportSoterAuthenticationResult {
    type Error = Error;
    fn try_from(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::CheckIsSupportSoterAuthentication(result) => Ok(result),
            other => Err(other.instead_of(Api::CheckIsSupportSoterAuthentication)),
        }
    }
}
impl From<soter::CheckIsSoterEnrolledInDeviceResult> for Reply {
    fn from(result: soter::CheckIsSoterEnrolledInDeviceResult) -> Self {
        Self::CheckIsSoterEnrolledInDevice(result)
    }
}

impl TryFrom<Reply> for soter::CheckIsSoterEnrolledInDeviceResult {
    type Error = Error;
    fn try_from(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::CheckIsSoterEnrolledInDevice(result) => Ok(result),
            other => Err(other.instead_of(Api::CheckIsSoterEnrolledInDevice)),
        }
    }
}
impl From<soter::StartSoterAuthenticationResult> for Reply {
    fn from(result: soter::StartSoterAuthenticationResult) -> Self {
        Self::StartSoterAuthentication(Box::new(result))
    }
}

impl TryFrom<Reply> for soter::StartSoterAuthenticationResult {
    type Error = Error;
    fn try_from(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::StartSoterAuthentication(result) => Ok(*result),
            other => Err(other.instead_of(Api::StartSoterAuthentication)),
        }
    }
}
impl From<user::GetUserInfoResult> for Reply {
    fn from(result: user::GetUserInfoResult) -> Self {
        Self::GetUserInfo(Box::new(result))
    }
}

impl TryFrom<Reply> for user::GetUserInfoResult {
    type Error = Error;
    fn try_from(reply: Reply) -> Result<Self, Error> {
        match reply {
            Reply::GetUserInfo(result) => Ok(*result),
            other => Err(other.instead_of(Api::GetUserInfo)),
        }
    }
}
