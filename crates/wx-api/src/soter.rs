//! Biometric confirmation: the user confirms a challenge with a finger, and the device signs what was confirmed.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Api, ApiSet, Cx, Effect, Error, ErrorKind, Facts, Request, Result, Version};

/// The most characters a challenge may have, counted as scripts count them: UTF-16 units.
pub const MAX_CHALLENGE: usize = 512;
/// The most characters the text of the dialog may have, counted likewise.
pub const MAX_AUTH_CONTENT: usize = 42;

/// Biometric confirmation. A key that never leaves the device signs the challenge together with a counter that never repeats.
///
/// ```
/// # use wx_api::{Cx, Result, soter::{CheckIsSupportSoterAuthenticationRequest, Soter}};
/// # async fn example(soter: &dyn Soter, cx: &Cx) -> Result<()> {
/// let modes = soter.check_is_support_soter_authentication(cx, CheckIsSupportSoterAuthenticationRequest {}).await?.support_mode;
/// # Ok(drop(modes))
/// # }
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Soter: Send + Sync {
    /// The APIs of this domain that really work.
    fn supported(&self) -> ApiSet;

    /// `wx.checkIsSupportSoterAuthentication`: the modes this device can do.
    ///
    /// # Behavior
    ///
    /// - a device with a reader lists `fingerPrint` (`soter::support_lists_finger_print`)
    /// - faces and voices are not supported yet (`soter::faces_and_voices_are_not_supported_yet`)
    /// - a device without SOTER fails with 90001 (`soter::support_without_soter_is_90001`)
    ///
    /// # Errors
    ///
    /// [`SoterCode::NoSupport`].
    async fn check_is_support_soter_authentication(
        &self,
        cx: &Cx,
        req: CheckIsSupportSoterAuthenticationRequest,
    ) -> Result<CheckIsSupportSoterAuthenticationResult> {
        let _ = (cx, req);
        Err(Error::unsupported(Api::CheckIsSupportSoterAuthentication))
    }

    /// `wx.checkIsSoterEnrolledInDevice`: whether the user has enrolled a finger.
    ///
    /// # Behavior
    ///
    /// - with a finger enrolled it answers true (`soter::enrolled_finger_answers_true`)
    /// - with none, Android fails with 90011 and iOS answers false (`soter::missing_enrolment_follows_the_profile`)
    /// - a mode the device does not have is 90003 (`soter::enrolment_of_unsupported_mode_is_90003`), and so is one nobody knows
    ///   (`soter::enrolment_of_unknown_mode_is_90003`)
    /// - a device without SOTER fails with 90001 (`soter::enrolment_without_soter_is_90001`)
    ///
    /// # Errors
    ///
    /// [`SoterCode::NoSupport`], [`SoterCode::ModeNotSupported`], [`SoterCode::NotEnrolled`].
    async fn check_is_soter_enrolled_in_device(
        &self,
        cx: &Cx,
        req: CheckIsSoterEnrolledInDeviceRequest,
    ) -> Result<CheckIsSoterEnrolledInDeviceResult> {
        let _ = (cx, req);
        Err(Error::unsupported(Api::CheckIsSoterEnrolledInDevice))
    }

    /// `wx.startSoterAuthentication`: lets the user confirm a challenge.
    ///
    /// # Behavior
    ///
    /// - a finger that matches answers ok with `errCode` 0 (`soter::matching_finger_answers_ok`) and the mode that was used
    ///   (`soter::auth_mode_is_finger_print`)
    /// - `resultJSON` has the fields of the page (`soter::result_has_the_fields_of_the_page`); `raw` is the challenge
    ///   (`soter::raw_is_the_challenge`), letter by letter (`soter::any_text_survives_as_challenge`)
    /// - `fid` names the finger, on Android only (`soter::finger_is_named_on_android_only`); on phones of some makers the name ends in a
    ///   NUL (`soter::finger_ends_in_nul_where_the_profile_says`)
    /// - `counter` rises (`soter::counter_rises`), also over a relaunch (`soter::counter_survives_a_relaunch`)
    /// - `resultJSONSignature` verifies with the device's key (`soter::signature_verifies`): SHA256withRSA/PSS with a salt of 20
    ///   bytes and no other (`soter::salt_is_20_bytes`), over the exact text (`soter::signature_covers_the_exact_text`)
    /// - on phones of some makers `resultJSON` declares another salt, which the signature then has
    ///   (`soter::declared_salt_follows_the_profile`)
    /// - the dialog shows `authContent` (`soter::dialog_shows_auth_content`)
    /// - of several modes it uses one the device has (`soter::uses_a_mode_the_device_has`)
    /// - only modes the device lacks are 90003 (`soter::unsupported_modes_are_90003`), and so are no modes
    ///   (`soter::no_modes_are_90003`) and modes nobody knows (`soter::unknown_modes_are_90003`)
    /// - a challenge of 512 characters is fine (`soter::longest_challenge_is_fine`), a longer one is 90004
    ///   (`soter::longer_challenge_is_90004`), and so are an empty one (`soter::empty_challenge_is_90004`) and a missing one
    ///   (`soter::missing_challenge_is_90004`)
    /// - `authContent` of 42 characters is fine (`soter::longest_auth_content_is_fine`), longer is 90005
    ///   (`soter::longer_auth_content_is_90005`)
    /// - a device without SOTER fails with 90001 (`soter::without_soter_is_90001`), a user who has not allowed it with 90002
    ///   (`soter::not_authorized_is_90002`), nothing enrolled with 90011 (`soter::nothing_enrolled_is_90011`)
    /// - a fault of the reader is 90007 (`soter::reader_fault_is_90007`)
    /// - a user who cancels is 90008 (`soter::user_cancel_is_90008`)
    /// - a wrong finger may try again (`soter::wrong_finger_may_try_again`); when the tries of one dialog are spent it is 90009
    ///   (`soter::wrong_finger_is_90009`)
    /// - too many wrong tries freeze the reader: 90010 (`soter::too_many_tries_are_90010`), also for the right finger
    ///   (`soter::frozen_reader_refuses_the_right_finger`), until some time has passed (`soter::frozen_reader_thaws`)
    /// - a failed answer carries `authMode` and empty `resultJSON` and `resultJSONSignature`
    ///   (`soter::failure_carries_empty_results`), also for a parameter of the wrong type
    ///   (`soter::parameter_error_carries_empty_results`)
    /// - parameters are judged before the dialog shows (`soter::bad_parameters_show_no_dialog`)
    /// - while one dialog is open a second call fails at once with 90007 (`soter::one_dialog_at_a_time`)
    /// - a call broken off frees the reader (`soter::broken_off_call_frees_the_reader`)
    /// - a failed try is never signed (`soter::next_success_after_failures_verifies`)
    ///
    /// # Errors
    ///
    /// Any [`SoterCode`], with [`StartSoterAuthenticationResult::failed`] as its reply.
    async fn start_soter_authentication(
        &self,
        cx: &Cx,
        req: StartSoterAuthenticationRequest,
    ) -> Result<StartSoterAuthenticationResult> {
        let _ = (cx, req);
        Err(Error::unsupported(Api::StartSoterAuthentication))
    }
}

/// A way to recognise the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum AuthMode {
    /// By a finger.
    FingerPrint,
    /// By the face. Not supported yet, the page says.
    Facial,
    /// By the voice. Not supported yet, the page says.
    Speech,
    /// A mode nobody knows: what any other text becomes. No device has it.
    #[serde(other)]
    Unknown,
}

/// The codes of this domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SoterCode {
    /// 90001: the device does not support SOTER.
    NoSupport = 90001,
    /// 90002: the user has not authorised this API.
    NotAuthorized = 90002,
    /// 90003: none of the modes is supported.
    ModeNotSupported = 90003,
    /// 90004: the challenge is empty or longer than 512 characters.
    BadChallenge = 90004,
    /// 90005: the text of the dialog is longer than 42 characters.
    BadAuthContent = 90005,
    /// 90007: an internal error.
    Internal = 90007,
    /// 90008: the user cancelled.
    Cancelled = 90008,
    /// 90009: not recognised.
    NotRecognized = 90009,
    /// 90010: frozen after too many tries.
    Frozen = 90010,
    /// 90011: nothing enrolled.
    NotEnrolled = 90011,
}

impl SoterCode {
    /// Every code of the domain.
    pub const ALL: &'static [Self] = &[
        Self::NoSupport,
        Self::NotAuthorized,
        Self::ModeNotSupported,
        Self::BadChallenge,
        Self::BadAuthContent,
        Self::Internal,
        Self::Cancelled,
        Self::NotRecognized,
        Self::Frozen,
        Self::NotEnrolled,
    ];

    /// The number.
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The failure of `api` with this code.
    ///
    /// ```
    /// use wx_api::{Api, soter::SoterCode};
    ///
    /// let error = SoterCode::Cancelled.error(Api::StartSoterAuthentication);
    /// assert_eq!((error.code(), error.to_string().as_str()), (Some(90008), "startSoterAuthentication:fail cancel"));
    /// ```
    pub fn error(self, api: Api) -> Error {
        let (kind, reason) = match self {
            Self::NoSupport => (ErrorKind::Unavailable, "the device does not support soter"),
            Self::NotAuthorized => (ErrorKind::Denied, "the user has not authorized the api"),
            Self::ModeNotSupported => (ErrorKind::Refused, "auth mode not supported"),
            Self::BadChallenge => (ErrorKind::Parameter, "the challenge must have 1 to 512 characters"),
            Self::BadAuthContent => (ErrorKind::Parameter, "the authContent must have at most 42 characters"),
            Self::Internal => (ErrorKind::Internal, "internal error"),
            Self::Cancelled => (ErrorKind::Cancelled, "cancel"),
            Self::NotRecognized => (ErrorKind::Refused, "not recognized"),
            Self::Frozen => (ErrorKind::Refused, "frozen after too many tries"),
            Self::NotEnrolled => (ErrorKind::Refused, "nothing enrolled"),
        };
        Error::new(api, kind, reason).with_code(self.code())
    }
}

/// Parameters of `wx.checkIsSupportSoterAuthentication`: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckIsSupportSoterAuthenticationRequest {}

/// What `wx.checkIsSupportSoterAuthentication` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckIsSupportSoterAuthenticationResult {
    /// The modes this device can do.
    pub support_mode: Vec<AuthMode>,
}

impl Request for CheckIsSupportSoterAuthenticationRequest {
    type Reply = CheckIsSupportSoterAuthenticationResult;
    const FACTS: Facts = Facts {
        name: "checkIsSupportSoterAuthentication",
        since: Version(1, 5, 0),
        scope: None,
        effect: Effect::Read,
        err_code: false,
    };
}

/// Parameters of `wx.checkIsSoterEnrolledInDevice`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckIsSoterEnrolledInDeviceRequest {
    /// The mode asked about.
    pub check_auth_mode: AuthMode,
}

/// What `wx.checkIsSoterEnrolledInDevice` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckIsSoterEnrolledInDeviceResult {
    /// Whether something is enrolled.
    pub is_enrolled: bool,
}

impl Request for CheckIsSoterEnrolledInDeviceRequest {
    type Reply = CheckIsSoterEnrolledInDeviceResult;
    const FACTS: Facts = Facts {
        name: "checkIsSoterEnrolledInDevice",
        since: Version(1, 6, 0),
        scope: None,
        effect: Effect::Read,
        err_code: false,
    };

    fn bad_parameter(_: &str, error: Error) -> Error {
        error.with_code(SoterCode::ModeNotSupported.code())
    }
}

/// Parameters of `wx.startSoterAuthentication`. `Debug` hides what the user is to confirm.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartSoterAuthenticationRequest {
    /// The acceptable modes.
    pub request_auth_modes: Vec<AuthMode>,
    /// What the user confirms, such as an order number. It comes back as `raw`.
    pub challenge: String,
    /// What the dialog shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_content: Option<String>,
}

impl fmt::Debug for StartSoterAuthenticationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartSoterAuthenticationRequest")
            .field("request_auth_modes", &self.request_auth_modes)
            .finish_non_exhaustive()
    }
}

/// What `wx.startSoterAuthentication` answers. `Debug` hides what was confirmed and the proof of it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartSoterAuthenticationResult {
    /// The mode that was used.
    pub auth_mode: AuthMode,
    /// What the device confirmed: the text of a [`SoterResult`]. Its exact bytes are signed, so it must reach the server as it
    /// is.
    #[serde(rename = "resultJSON")]
    pub result_json: String,
    /// Base64 of the signature over `resultJSON`.
    #[serde(rename = "resultJSONSignature")]
    pub result_json_signature: String,
}

impl StartSoterAuthenticationResult {
    /// What a failed answer carries: the mode, and nothing confirmed.
    pub fn failed(auth_mode: AuthMode) -> Self {
        Self { auth_mode, result_json: String::new(), result_json_signature: String::new() }
    }
}

impl fmt::Debug for StartSoterAuthenticationResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartSoterAuthenticationResult").field("auth_mode", &self.auth_mode).finish_non_exhaustive()
    }
}

impl Request for StartSoterAuthenticationRequest {
    type Reply = StartSoterAuthenticationResult;
    const FACTS: Facts =
        Facts { name: "startSoterAuthentication", since: Version(1, 5, 0), scope: None, effect: Effect::Once, err_code: true };

    fn bad_parameter(parameter: &str, error: Error) -> Error {
        let code = match parameter {
            "requestAuthModes" => Some(SoterCode::ModeNotSupported),
            "challenge" => Some(SoterCode::BadChallenge),
            "authContent" => Some(SoterCode::BadAuthContent),
            _ => None,
        };
        let error = error.with_reply(StartSoterAuthenticationResult::failed(AuthMode::FingerPrint));
        match code {
            Some(code) => error.with_code(code.code()),
            None => error,
        }
    }
}

/// The fields of `resultJSON`, in the order of the page. They tell a person and a machine from others, so `Debug` hides them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoterResult {
    /// The challenge.
    pub raw: String,
    /// The number of the finger on this device; Android only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fid: Option<String>,
    /// Against replay: rises with every signature.
    pub counter: u64,
    /// The name of the trusted environment.
    pub tee_n: String,
    /// The version of the trusted environment.
    pub tee_v: String,
    /// The name of the reader.
    pub fp_n: String,
    /// The version of the reader.
    pub fp_v: String,
    /// What tells this machine from others.
    pub cpu_id: String,
    /// The number of the host application in the system.
    pub uid: String,
    /// How many bytes of salt it is signed with, where the maker declares that. The page does not know this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rsa_pss_saltlen: Option<u8>,
}

impl fmt::Debug for SoterResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoterResult").finish_non_exhaustive()
    }
}
