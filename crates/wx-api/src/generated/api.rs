// Derived by `cargo xtask codegen` from the domain files. Do not edit.

use crate::{Error, EventFacts, EventType, Facts, JsType, Param, Request, Version, authorization, hce, login, soter, user};

/// Every API and event of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Api {
    /// `wx.authorize`: [`Authorization::authorize`](crate::authorization::Authorization::authorize).
    Authorize,
    /// `wx.getSetting`: [`Authorization::get_setting`](crate::authorization::Authorization::get_setting).
    GetSetting,
    /// `wx.openSetting`: [`Authorization::open_setting`](crate::authorization::Authorization::open_setting).
    OpenSetting,
    /// `wx.getHCEState`: [`Hce::get_hce_state`](crate::hce::Hce::get_hce_state).
    GetHceState,
    /// `wx.startHCE`: [`Hce::start_hce`](crate::hce::Hce::start_hce).
    StartHce,
    /// `wx.stopHCE`: [`Hce::stop_hce`](crate::hce::Hce::stop_hce).
    StopHce,
    /// `wx.sendHCEMessage`: [`Hce::send_hce_message`](crate::hce::Hce::send_hce_message).
    SendHceMessage,
    /// `wx.onHCEMessage`: [`Hce::on_hce_message`](crate::hce::Hce::on_hce_message).
    OnHceMessage,
    /// `wx.login`: [`Login::login`](crate::login::Login::login).
    Login,
    /// `wx.checkSession`: [`Login::check_session`](crate::login::Login::check_session).
    CheckSession,
    /// `wx.checkIsSupportSoterAuthentication`: [`Soter::check_is_support_soter_authentication`](crate::soter::Soter::check_is_support_soter_authentication).
    CheckIsSupportSoterAuthentication,
    /// `wx.checkIsSoterEnrolledInDevice`: [`Soter::check_is_soter_enrolled_in_device`](crate::soter::Soter::check_is_soter_enrolled_in_device).
    CheckIsSoterEnrolledInDevice,
    /// `wx.startSoterAuthentication`: [`Soter::start_soter_authentication`](crate::soter::Soter::start_soter_authentication).
    StartSoterAuthentication,
    /// `wx.getUserInfo`: [`User::get_user_info`](crate::user::User::get_user_info).
    GetUserInfo,
}

impl Api {
    /// Every API and event, in the order of the contract.
    pub const ALL: &'static [Self] = &[
        Self::Authorize,
        Self::GetSetting,
        Self::OpenSetting,
        Self::GetHceState,
        Self::StartHce,
        Self::StopHce,
        Self::SendHceMessage,
        Self::OnHceMessage,
        Self::Login,
        Self::CheckSession,
        Self::CheckIsSupportSoterAuthentication,
        Self::CheckIsSoterEnrolledInDevice,
        Self::StartSoterAuthentication,
        Self::GetUserInfo,
    ];

    /// The name scripts use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::GetSetting => "getSetting",
            Self::OpenSetting => "openSetting",
            Self::GetHceState => "getHCEState",
            Self::StartHce => "startHCE",
            Self::StopHce => "stopHCE",
            Self::SendHceMessage => "sendHCEMessage",
            Self::OnHceMessage => "onHCEMessage",
            Self::Login => "login",
            Self::CheckSession => "checkSession",
            Self::CheckIsSupportSoterAuthentication => "checkIsSupportSoterAuthentication",
            Self::CheckIsSoterEnrolledInDevice => "checkIsSoterEnrolledInDevice",
            Self::StartSoterAuthentication => "startSoterAuthentication",
            Self::GetUserInfo => "getUserInfo",
        }
    }

    /// The API or event that scripts call by this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "authorize" => Self::Authorize,
            "getSetting" => Self::GetSetting,
            "openSetting" => Self::OpenSetting,
            "getHCEState" => Self::GetHceState,
            "startHCE" => Self::StartHce,
            "stopHCE" => Self::StopHce,
            "sendHCEMessage" => Self::SendHceMessage,
            "login" => Self::Login,
            "checkSession" => Self::CheckSession,
            "checkIsSupportSoterAuthentication" => Self::CheckIsSupportSoterAuthentication,
            "checkIsSoterEnrolledInDevice" => Self::CheckIsSoterEnrolledInDevice,
            "startSoterAuthentication" => Self::StartSoterAuthentication,
            "getUserInfo" => Self::GetUserInfo,
            "onHCEMessage" => Self::OnHceMessage,
            _ => return None,
        })
    }

    /// The domain it belongs to: the name of its file and of its field in [`Host`](crate::Host).
    pub const fn domain(self) -> &'static str {
        match self {
            Self::Authorize => "authorization",
            Self::GetSetting => "authorization",
            Self::OpenSetting => "authorization",
            Self::GetHceState => "hce",
            Self::StartHce => "hce",
            Self::StopHce => "hce",
            Self::SendHceMessage => "hce",
            Self::OnHceMessage => "hce",
            Self::Login => "login",
            Self::CheckSession => "login",
            Self::CheckIsSupportSoterAuthentication => "soter",
            Self::CheckIsSoterEnrolledInDevice => "soter",
            Self::StartSoterAuthentication => "soter",
            Self::GetUserInfo => "user",
        }
    }

    /// The first base library that has it.
    pub const fn since(self) -> Version {
        match self {
            Self::Authorize => authorization::AuthorizeRequest::FACTS.since,
            Self::GetSetting => authorization::GetSettingRequest::FACTS.since,
            Self::OpenSetting => authorization::OpenSettingRequest::FACTS.since,
            Self::GetHceState => hce::GetHceStateRequest::FACTS.since,
            Self::StartHce => hce::StartHceRequest::FACTS.since,
            Self::StopHce => hce::StopHceRequest::FACTS.since,
            Self::SendHceMessage => hce::SendHceMessageRequest::FACTS.since,
            Self::OnHceMessage => hce::HceMessage::FACTS.since,
            Self::Login => login::LoginRequest::FACTS.since,
            Self::CheckSession => login::CheckSessionRequest::FACTS.since,
            Self::CheckIsSupportSoterAuthentication => soter::CheckIsSupportSoterAuthenticationRequest::FACTS.since,
            Self::CheckIsSoterEnrolledInDevice => soter::CheckIsSoterEnrolledInDeviceRequest::FACTS.since,
            Self::StartSoterAuthentication => soter::StartSoterAuthenticationRequest::FACTS.since,
            Self::GetUserInfo => user::GetUserInfoRequest::FACTS.since,
        }
    }

    /// The facts of an API; `None` for an event.
    pub const fn facts(self) -> Option<&'static Facts> {
        match self {
            Self::Authorize => Some(&authorization::AuthorizeRequest::FACTS),
            Self::GetSetting => Some(&authorization::GetSettingRequest::FACTS),
            Self::OpenSetting => Some(&authorization::OpenSettingRequest::FACTS),
            Self::GetHceState => Some(&hce::GetHceStateRequest::FACTS),
            Self::StartHce => Some(&hce::StartHceRequest::FACTS),
            Self::StopHce => Some(&hce::StopHceRequest::FACTS),
            Self::SendHceMessage => Some(&hce::SendHceMessageRequest::FACTS),
            Self::OnHceMessage => None,
            Self::Login => Some(&login::LoginRequest::FACTS),
            Self::CheckSession => Some(&login::CheckSessionRequest::FACTS),
            Self::CheckIsSupportSoterAuthentication => Some(&soter::CheckIsSupportSoterAuthenticationRequest::FACTS),
            Self::CheckIsSoterEnrolledInDevice => Some(&soter::CheckIsSoterEnrolledInDeviceRequest::FACTS),
            Self::StartSoterAuthentication => Some(&soter::StartSoterAuthenticationRequest::FACTS),
            Self::GetUserInfo => Some(&user::GetUserInfoRequest::FACTS),
        }
    }

    /// The facts of an event; `None` for an API.
    pub const fn event_facts(self) -> Option<&'static EventFacts> {
        match self {
            Self::OnHceMessage => Some(&hce::HceMessage::FACTS),
            _ => None,
        }
    }

    /// The parameters of an API as scripts see them.
    pub const fn params(self) -> &'static [Param] {
        match self {
            Self::Authorize => &[Param { name: "scope", ty: JsType::String, required: true, since: Version(1, 2, 0) }],
            Self::GetSetting => &[],
            Self::OpenSetting => &[],
            Self::GetHceState => &[],
            Self::StartHce => {
                &[Param { name: "aid_list", ty: JsType::Array(&JsType::String), required: true, since: Version(1, 7, 0) }]
            }
            Self::StopHce => &[],
            Self::SendHceMessage => &[Param { name: "data", ty: JsType::ArrayBuffer, required: true, since: Version(1, 7, 0) }],
            Self::OnHceMessage => &[],
            Self::Login => &[Param { name: "timeout", ty: JsType::Number, required: false, since: Version(1, 9, 90) }],
            Self::CheckSession => &[],
            Self::CheckIsSupportSoterAuthentication => &[],
            Self::CheckIsSoterEnrolledInDevice => {
                &[Param { name: "checkAuthMode", ty: JsType::String, required: true, since: Version(1, 6, 0) }]
            }
            Self::StartSoterAuthentication => &[
                Param { name: "requestAuthModes", ty: JsType::Array(&JsType::String), required: true, since: Version(1, 5, 0) },
                Param { name: "challenge", ty: JsType::String, required: true, since: Version(1, 5, 0) },
                Param { name: "authContent", ty: JsType::String, required: false, since: Version(1, 5, 0) },
            ],
            Self::GetUserInfo => &[
                Param { name: "withCredentials", ty: JsType::Boolean, required: false, since: Version(1, 0, 0) },
                Param { name: "lang", ty: JsType::OneOf(&["en", "zh_CN", "zh_TW"]), required: false, since: Version(1, 0, 0) },
            ],
        }
    }

    /// The names of the fields that a successful answer has, or of those of an event. A field inside another is named
    /// after it, as in `userInfo.nickName`.
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Authorize => &[],
            Self::GetSetting => &["authSetting"],
            Self::OpenSetting => &["authSetting"],
            Self::GetHceState => &[],
            Self::StartHce => &[],
            Self::StopHce => &[],
            Self::SendHceMessage => &[],
            Self::OnHceMessage => &["messageType", "data", "reason"],
            Self::Login => &["code"],
            Self::CheckSession => &[],
            Self::CheckIsSupportSoterAuthentication => &["supportMode"],
            Self::CheckIsSoterEnrolledInDevice => &["isEnrolled"],
            Self::StartSoterAuthentication => &["authMode", "resultJSON", "resultJSONSignature"],
            Self::GetUserInfo => &[
                "userInfo",
                "userInfo.nickName",
                "userInfo.gender",
                "userInfo.language",
                "userInfo.city",
                "userInfo.province",
                "userInfo.country",
                "userInfo.avatarUrl",
                "rawData",
                "signature",
                "encryptedData",
                "iv",
            ],
        }
    }

    /// Adds to a parameter error what the page of this API documents for it: see
    /// [`Request::bad_parameter`](crate::Request::bad_parameter).
    pub fn bad_parameter(self, parameter: &str, error: Error) -> Error {
        match self {
            Self::Authorize => authorization::AuthorizeRequest::bad_parameter(parameter, error),
            Self::StartHce => hce::StartHceRequest::bad_parameter(parameter, error),
            Self::SendHceMessage => hce::SendHceMessageRequest::bad_parameter(parameter, error),
            Self::Login => login::LoginRequest::bad_parameter(parameter, error),
            Self::CheckIsSoterEnrolledInDevice => soter::CheckIsSoterEnrolledInDeviceRequest::bad_parameter(parameter, error),
            Self::StartSoterAuthentication => soter::StartSoterAuthenticationRequest::bad_parameter(parameter, error),
            Self::GetUserInfo => user::GetUserInfoRequest::bad_parameter(parameter, error),
            _ => error,
        }
    }
}
