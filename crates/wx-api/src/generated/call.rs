// Derived by `cargo xtask codegen` from the domain files. Do not edit.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{Api, authorization, hce, login, soter, user};

/// A call of any API: what layers, links and bindings carry. Serialises as its parameters alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Call {
    /// `wx.authorize`.
    Authorize(authorization::AuthorizeRequest),
    /// `wx.getSetting`.
    GetSetting(authorization::GetSettingRequest),
    /// `wx.openSetting`.
    OpenSetting(authorization::OpenSettingRequest),
    /// `wx.getHCEState`.
    GetHceState(hce::GetHceStateRequest),
    /// `wx.startHCE`.
    StartHce(hce::StartHceRequest),
    /// `wx.stopHCE`.
    StopHce(hce::StopHceRequest),
    /// `wx.sendHCEMessage`.
    SendHceMessage(hce::SendHceMessageRequest),
    /// `wx.login`.
    Login(login::LoginRequest),
    /// `wx.checkSession`.
    CheckSession(login::CheckSessionRequest),
    /// `wx.checkIsSupportSoterAuthentication`.
    CheckIsSupportSoterAuthentication(soter::CheckIsSupportSoterAuthenticationRequest),
    /// `wx.checkIsSoterEnrolledInDevice`.
    CheckIsSoterEnrolledInDevice(soter::CheckIsSoterEnrolledInDeviceRequest),
    /// `wx.startSoterAuthentication`.
    StartSoterAuthentication(soter::StartSoterAuthenticationRequest),
    /// `wx.getUserInfo`.
    GetUserInfo(user::GetUserInfoRequest),
}

impl Call {
    /// The API it calls.
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

    /// Reads the parameters of `api`.
    ///
    /// # Errors
    ///
    /// Parameters of another shape, or an event, which cannot be called.
    pub fn deserialize<'de, D: Deserializer<'de>>(api: Api, args: D) -> Result<Self, D::Error> {
        match api {
            Api::Authorize => authorization::AuthorizeRequest::deserialize(args).map(Self::Authorize),
            Api::GetSetting => authorization::GetSettingRequest::deserialize(args).map(Self::GetSetting),
            Api::OpenSetting => authorization::OpenSettingRequest::deserialize(args).map(Self::OpenSetting),
            Api::GetHceState => hce::GetHceStateRequest::deserialize(args).map(Self::GetHceState),
            Api::StartHce => hce::StartHceRequest::deserialize(args).map(Self::StartHce),
            Api::StopHce => hce::StopHceRequest::deserialize(args).map(Self::StopHce),
            Api::SendHceMessage => hce::SendHceMessageRequest::deserialize(args).map(Self::SendHceMessage),
            Api::Login => login::LoginRequest::deserialize(args).map(Self::Login),
            Api::CheckSession => login::CheckSessionRequest::deserialize(args).map(Self::CheckSession),
            Api::CheckIsSupportSoterAuthentication => {
                soter::CheckIsSupportSoterAuthenticationRequest::deserialize(args).map(Self::CheckIsSupportSoterAuthentication)
            }
            Api::CheckIsSoterEnrolledInDevice => {
                soter::CheckIsSoterEnrolledInDeviceRequest::deserialize(args).map(Self::CheckIsSoterEnrolledInDevice)
            }
            Api::StartSoterAuthentication => {
                soter::StartSoterAuthenticationRequest::deserialize(args).map(Self::StartSoterAuthentication)
            }
            Api::GetUserInfo => user::GetUserInfoRequest::deserialize(args).map(Self::GetUserInfo),
            _ => Err(D::Error::custom(format_args!("{} is an event", api.name()))),
        }
    }

    /// How long the caller itself said it would wait.
    pub fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Login(req) => req.timeout.map(|ms| Duration::from_millis(ms.into())),
            _ => None,
        }
    }
}

impl From<authorization::AuthorizeRequest> for Call {
    fn from(req: authorization::AuthorizeRequest) -> Self {
        Self::Authorize(req)
    }
}
impl From<authorization::GetSettingRequest> for Call {
    fn from(req: authorization::GetSettingRequest) -> Self {
        Self::GetSetting(req)
    }
}
impl From<authorization::OpenSettingRequest> for Call {
    fn from(req: authorization::OpenSettingRequest) -> Self {
        Self::OpenSetting(req)
    }
}
impl From<hce::GetHceStateRequest> for Call {
    fn from(req: hce::GetHceStateRequest) -> Self {
        Self::GetHceState(req)
    }
}
impl From<hce::StartHceRequest> for Call {
    fn from(req: hce::StartHceRequest) -> Self {
        Self::StartHce(req)
    }
}
impl From<hce::StopHceRequest> for Call {
    fn from(req: hce::StopHceRequest) -> Self {
        Self::StopHce(req)
    }
}
impl From<hce::SendHceMessageRequest> for Call {
    fn from(req: hce::SendHceMessageRequest) -> Self {
        Self::SendHceMessage(req)
    }
}
impl From<login::LoginRequest> for Call {
    fn from(req: login::LoginRequest) -> Self {
        Self::Login(req)
    }
}
impl From<login::CheckSessionRequest> for Call {
    fn from(req: login::CheckSessionRequest) -> Self {
        Self::CheckSession(req)
    }
}
impl From<soter::CheckIsSupportSoterAuthenticationRequest> for Call {
    fn from(req: soter::CheckIsSupportSoterAuthenticationRequest) -> Self {
        Self::CheckIsSupportSoterAuthentication(req)
    }
}
impl From<soter::CheckIsSoterEnrolledInDeviceRequest> for Call {
    fn from(req: soter::CheckIsSoterEnrolledInDeviceRequest) -> Self {
        Self::CheckIsSoterEnrolledInDevice(req)
    }
}
impl From<soter::StartSoterAuthenticationRequest> for Call {
    fn from(req: soter::StartSoterAuthenticationRequest) -> Self {
        Self::StartSoterAuthentication(req)
    }
}
impl From<user::GetUserInfoRequest> for Call {
    fn from(req: user::GetUserInfoRequest) -> Self {
        Self::GetUserInfo(req)
    }
}
