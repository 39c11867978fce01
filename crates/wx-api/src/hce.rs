//! Card emulation: a reader talks to the mini-program as if it were a contactless smart card.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    Api, ApiSet, Cx, Effect, Error, ErrorKind, EventFacts, EventSender, EventType, Facts, Policy, Request, Result, Version,
    json,
};

/// Card emulation over ISO 14443-4. The system routes a reader's commands by the applications (AIDs) it selects, by the rules of
/// Android.
///
/// ```
/// # use wx_api::{Cx, Result, hce::{Hce, StartHceRequest}};
/// # async fn example(hce: &dyn Hce, cx: &Cx) -> Result<()> {
/// hce.start_hce(cx, StartHceRequest { aid_list: vec!["F222222222".into()] }).await?;
/// # Ok(())
/// # }
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Hce: Send + Sync {
    /// The APIs of this domain that really work.
    fn supported(&self) -> ApiSet;

    /// `wx.getHCEState`: whether this device can emulate a card now.
    ///
    /// # Behavior
    ///
    /// - a device that can answers ok with `errCode` 0 (`hce::ready_device_answers_ok`)
    /// - without NFC it is 13000 (`hce::state_without_nfc_is_13000`), with NFC switched off 13001
    ///   (`hce::state_with_nfc_off_is_13001`), with NFC that cannot emulate 13002 (`hce::state_without_hce_is_13002`), and when
    ///   the host is not the default payment app 13004 (`hce::state_without_default_app_is_13004`)
    /// - it follows the device: switched on again, it answers ok (`hce::state_follows_the_switch`)
    /// - a platform without card emulation is 13002 (`hce::platform_without_hce_is_13002`)
    ///
    /// # Errors
    ///
    /// [`HceCode::NoNfc`], [`HceCode::NfcOff`], [`HceCode::NoHce`], [`HceCode::NotDefault`].
    async fn get_hce_state(&self, cx: &Cx, req: GetHceStateRequest) -> Result<GetHceStateResult> {
        let _ = (cx, req);
        Err(Error::unsupported(Api::GetHceState))
    }

    /// `wx.startHCE`: registers the applications this mini-program plays.
    ///
    /// # Behavior
    ///
    /// - the example of the page works, with `errCode` 0 (`hce::start_accepts_the_example`)
    /// - an AID is 5 to 16 bytes in hex: shorter (`hce::short_aid_is_13003`), longer (`hce::long_aid_is_13003`), an odd number of
    ///   digits (`hce::odd_aid_is_13003`) or other letters (`hce::aid_that_is_not_hex_is_13003`) are 13003
    /// - both cases of letters are hex (`hce::aid_case_does_not_matter`)
    /// - an empty list is 13003 (`hce::empty_aid_list_is_13003`), and so are more than 256 AIDs (`hce::too_many_aids_are_13003`)
    /// - one bad AID spoils the list, and nothing is registered (`hce::one_bad_aid_registers_nothing`); the reason names it and
    ///   what is wrong with it (`hce::bad_aid_is_told`)
    /// - an `aid_list` of another type is 13003 as well (`hce::parameter_error_of_start_is_13003`)
    /// - a device that cannot emulate fails with its code: 13000 (`hce::start_without_nfc_is_13000`), 13001
    ///   (`hce::start_with_nfc_off_is_13001`), 13002 (`hce::start_without_hce_is_13002`), 13004
    ///   (`hce::start_without_default_app_is_13004`); so does a platform that cannot
    ///   (`hce::start_on_a_platform_without_hce_is_13002`)
    /// - an AID that another app holds is 13006 (`hce::aid_of_another_app_is_13006`)
    /// - a registration the system refuses is 13006 (`hce::refused_registration_is_13006`)
    /// - started again, the new list replaces the old (`hce::start_again_replaces_the_list`)
    ///
    /// # Errors
    ///
    /// Any [`HceCode`] but [`HceCode::BadResponse`].
    async fn start_hce(&self, cx: &Cx, req: StartHceRequest) -> Result<StartHceResult> {
        let _ = (cx, req);
        Err(Error::unsupported(Api::StartHce))
    }

    /// `wx.stopHCE`: gives the applications back.
    ///
    /// # Behavior
    ///
    /// - it answers ok with `errCode` 0 (`hce::stop_answers_ok`), also when nothing was started (`hce::stop_without_start_is_ok`)
    /// - a reader then finds nothing (`hce::stopped_app_is_not_found`)
    /// - a mini-program can start again (`hce::start_works_after_stop`)
    /// - a stop while a reader waits ends its wait (`hce::stop_ends_the_wait_of_a_reader`)
    /// - without NFC it is 13000 (`hce::stop_without_nfc_is_13000`), without card emulation 13002
    ///   (`hce::stop_without_hce_is_13002`), also by the platform (`hce::stop_on_a_platform_without_hce_is_13002`)
    /// - with NFC switched off it is ok (`hce::stop_with_nfc_off_is_ok`)
    ///
    /// # Errors
    ///
    /// [`HceCode::NoNfc`], [`HceCode::NoHce`].
    async fn stop_hce(&self, cx: &Cx, req: StopHceRequest) -> Result<StopHceResult> {
        let _ = (cx, req);
        Err(Error::unsupported(Api::StopHce))
    }

    /// `wx.onHCEMessage`: what the reader does.
    ///
    /// # Behavior
    ///
    /// - selecting a registered AID reaches the mini-program as a command (`hce::select_reaches_the_program`), and so does every
    ///   command after it (`hce::commands_follow_the_selection`), byte for byte (`hce::commands_arrive_byte_for_byte`): extended
    ///   lengths and chains of commands are the mini-program's to read (`hce::long_commands_are_left_to_the_program`)
    /// - a command has `messageType` 1 and `data` only (`hce::command_has_type_1_and_data`)
    /// - a reader that leaves is `messageType` 2 and `reason` only (`hce::leaving_has_type_2_and_reason`): reason 0 when the field is
    ///   lost (`hce::lost_field_is_reason_0`), 1 when another app was selected (`hce::selection_of_another_app_is_reason_1`)
    /// - a reader that leaves without having selected says nothing (`hce::leaving_without_selection_says_nothing`)
    /// - selecting an AID nobody registered answers 6A82 (`hce::unknown_aid_answers_6a82`) and keeps the selection
    ///   (`hce::unknown_aid_keeps_the_selection`)
    /// - a command before any selection answers 6F00 (`hce::command_before_selection_answers_6f00`)
    /// - selecting another AID of the same app is no departure (`hce::another_own_aid_is_no_departure`)
    /// - a SELECT of another class is data (`hce::select_of_another_class_is_data`)
    /// - `*` registers a prefix (`hce::prefix_matches_longer_aids`), `#` a subset (`hce::subset_matches_shorter_aids`); without
    ///   either a shortened AID does not match (`hce::shortened_aid_does_not_match`)
    /// - the system's own ping AID is answered without the mini-program: 14 81 00 00 90 00
    ///   (`hce::ping_is_answered_by_the_system`)
    /// - every listener hears every message (`hce::every_listener_hears`), in order (`hce::messages_come_in_order`)
    /// - a listener that was taken off is as if it had never been there: nothing is kept for it, and one that comes later hears
    ///   only what comes later (`hce::off_ends_a_subscription`); the others go on (`hce::off_of_one_leaves_the_others`)
    /// - a listener that does not read is told how much it missed and delays no other
    ///   (`hce::slow_listener_is_told_and_delays_nobody`)
    /// - a listener may come before the start (`hce::listener_may_come_before_start`)
    ///
    /// # Errors
    ///
    /// Only [`Unsupported`](ErrorKind::Unsupported).
    fn on_hce_message(&self, cx: &Cx, out: EventSender) -> Result<()> {
        let _ = (cx, out);
        Err(Error::unsupported(Api::OnHceMessage))
    }

    /// `wx.sendHCEMessage`: answers the reader's command.
    ///
    /// # Behavior
    ///
    /// - it answers ok with `errCode` 0 and the reader gets the bytes (`hce::answer_reaches_the_reader`)
    /// - a response of one byte is 13005 (`hce::one_byte_response_is_13005`), and so are an empty one
    ///   (`hce::empty_response_is_13005`) and one whose last two bytes are no status (`hce::response_without_status_is_13005`)
    /// - after an illegal response the reader still waits for a legal one (`hce::reader_still_waits_after_illegal_response`)
    /// - an answer after the reader left is dropped (`hce::late_answer_is_dropped`), and so are a second one
    ///   (`hce::second_answer_is_dropped`) and one of an app that is no longer selected
    ///   (`hce::answer_of_a_deselected_app_is_dropped`)
    /// - one command is outstanding at a time: the next one reaches the mini-program after the answer
    ///   (`hce::one_command_at_a_time`)
    /// - before a start it is 13006: nothing is registered (`hce::send_before_start_is_13006`)
    /// - `data` of another type is 13005 as well (`hce::parameter_error_of_send_is_13005`)
    /// - a platform without card emulation is 13002 (`hce::send_on_a_platform_without_hce_is_13002`)
    /// - a response of 65,535 bytes, the longest that reader stacks carry, passes whole (`hce::longest_response_passes_whole`)
    ///
    /// # Errors
    ///
    /// [`HceCode::BadResponse`], [`HceCode::NotRegistered`], [`HceCode::NoNfc`], [`HceCode::NoHce`].
    async fn send_hce_message(&self, cx: &Cx, req: SendHceMessageRequest) -> Result<SendHceMessageResult> {
        let _ = (cx, req);
        Err(Error::unsupported(Api::SendHceMessage))
    }
}

/// The codes of this domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HceCode {
    /// 13000: the device has no NFC.
    NoNfc = 13000,
    /// 13001: the device has NFC, switched off.
    NfcOff = 13001,
    /// 13002: the device has NFC without card emulation.
    NoHce = 13002,
    /// 13003: the AID list is malformed.
    BadAids = 13003,
    /// 13004: the host is not the default payment app.
    NotDefault = 13004,
    /// 13005: the response is illegal.
    BadResponse = 13005,
    /// 13006: the AIDs could not be registered.
    NotRegistered = 13006,
}

impl HceCode {
    /// Every code of the domain.
    pub const ALL: &'static [Self] =
        &[Self::NoNfc, Self::NfcOff, Self::NoHce, Self::BadAids, Self::NotDefault, Self::BadResponse, Self::NotRegistered];

    /// The number.
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The failure of `api` with this code.
    ///
    /// ```
    /// use wx_api::{Api, hce::HceCode};
    ///
    /// let error = HceCode::NfcOff.error(Api::GetHceState);
    /// assert_eq!((error.code(), error.to_string().as_str()), (Some(13001), "getHCEState:fail NFC is switched off"));
    /// ```
    pub fn error(self, api: Api) -> Error {
        let (kind, reason) = match self {
            Self::NoNfc => (ErrorKind::Unavailable, "the device has no NFC"),
            Self::NfcOff => (ErrorKind::Unavailable, "NFC is switched off"),
            Self::NoHce => (ErrorKind::Unavailable, "the device does not support HCE"),
            Self::BadAids => (ErrorKind::Parameter, "invalid aid_list"),
            Self::NotDefault => (ErrorKind::Unavailable, "not the default NFC payment app"),
            Self::BadResponse => (ErrorKind::Parameter, "invalid response APDU"),
            Self::NotRegistered => (ErrorKind::Refused, "the aid_list could not be registered"),
        };
        Error::new(api, kind, reason).with_code(self.code())
    }
}

/// Parameters of `wx.getHCEState`: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GetHceStateRequest {}

/// What `wx.getHCEState` answers: that it is ok.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GetHceStateResult {}

impl Request for GetHceStateRequest {
    type Reply = GetHceStateResult;
    const FACTS: Facts =
        Facts { name: "getHCEState", since: Version(1, 7, 0), scope: None, effect: Effect::Read, err_code: true };
}

/// Parameters of `wx.startHCE`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StartHceRequest {
    /// The AIDs to register, each in hex.
    pub aid_list: Vec<String>,
}

/// What `wx.startHCE` answers: that it is ok.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StartHceResult {}

impl Request for StartHceRequest {
    type Reply = StartHceResult;
    const FACTS: Facts = Facts { name: "startHCE", since: Version(1, 7, 0), scope: None, effect: Effect::Set, err_code: true };

    fn bad_parameter(_: &str, error: Error) -> Error {
        error.with_code(HceCode::BadAids.code())
    }
}

/// Parameters of `wx.stopHCE`: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StopHceRequest {}

/// What `wx.stopHCE` answers: that it is ok.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StopHceResult {}

impl Request for StopHceRequest {
    type Reply = StopHceResult;
    const FACTS: Facts = Facts { name: "stopHCE", since: Version(1, 7, 0), scope: None, effect: Effect::Set, err_code: true };
}

/// Parameters of `wx.sendHCEMessage`. A card's answer may be personal, so `Debug` hides it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SendHceMessageRequest {
    /// The response: data and two status bytes.
    #[serde(with = "json::buffer")]
    pub data: Bytes,
}

impl fmt::Debug for SendHceMessageRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendHceMessageRequest").finish_non_exhaustive()
    }
}

/// What `wx.sendHCEMessage` answers: that it is ok.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SendHceMessageResult {}

impl Request for SendHceMessageRequest {
    type Reply = SendHceMessageResult;
    const FACTS: Facts =
        Facts { name: "sendHCEMessage", since: Version(1, 7, 0), scope: None, effect: Effect::Once, err_code: true };

    fn bad_parameter(_: &str, error: Error) -> Error {
        error.with_code(HceCode::BadResponse.code())
    }
}

/// The event of `wx.onHCEMessage`. A reader's command may be personal, so `Debug` hides it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HceMessage {
    /// 1 for a command, 2 for a departure.
    pub message_type: u8,
    /// The command, when `messageType` is 1.
    #[serde(with = "json::optional_buffer", default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Bytes>,
    /// Why the reader is gone, when `messageType` is 2: 0 the field was lost, 1 another app was selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<u8>,
}

impl HceMessage {
    /// The reader sent a command.
    pub fn command(data: impl Into<Bytes>) -> Self {
        Self { message_type: 1, data: Some(data.into()), reason: None }
    }

    /// The reader is gone.
    pub fn departure(reason: Departure) -> Self {
        Self { message_type: 2, data: None, reason: Some(reason as u8) }
    }
}

impl fmt::Debug for HceMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message_type, reason, data: _ } = self;
        f.debug_struct("HceMessage").field("message_type", message_type).field("reason", reason).finish_non_exhaustive()
    }
}

/// Why a reader is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Departure {
    /// The field was lost.
    LinkLoss = 0,
    /// Another app was selected.
    Deselected = 1,
}

impl EventType for HceMessage {
    const FACTS: EventFacts = EventFacts {
        on: "onHCEMessage",
        off: "offHCEMessage",
        since: Version(1, 7, 0),
        off_since: Version(2, 8, 1),
        policy: Policy::Lossless(256),
    };
}
