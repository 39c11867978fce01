//! The mutants: each is broken in one behaviour, and names the one case that must see it.

use bytes::Bytes;
use wx_api::{
    Api, Call, Error, ErrorKind, Event, Reply, Scope,
    authorization::{AuthorizeRequest, AuthorizeResult, REFUSED_EARLIER, REFUSED_NOW},
    hce::{HceCode, HceMessage, SendHceMessageResult, StopHceResult},
    login::CheckSessionResult,
    soter::{
        AuthMode, CheckIsSoterEnrolledInDeviceResult, CheckIsSupportSoterAuthenticationResult, SoterCode,
        StartSoterAuthenticationResult,
    },
    user::{GetUserInfoResult, Lang},
};

use crate::spoil::{Down, Memory, Spoil};

/// A deliberately broken backend.
pub(crate) struct Mutant {
    /// What it does wrong.
    pub(crate) what: &'static str,
    /// The case that must go red, and no other.
    pub(crate) case: &'static str,
    /// Breaks a fresh backend.
    pub(crate) spoil: fn() -> Spoil,
}

/// The failure with another code, and everything else as it was.
fn recode(error: &Error, code: i32) -> Error {
    let recoded = Error::new(error.api(), error.kind(), error.reason().to_owned()).with_code(code).with_separator(error.separator());
    match error.reply() {
        Some(reply) => recoded.with_reply(reply.clone()),
        None => recoded,
    }
}

/// Turns one code of one API into another.
fn miscode(api: Api, from: i32, to: i32) -> Spoil {
    Spoil::answers(move |_, call, answer| {
        answer.map_err(|error| {
            if call.api() == api && error.code() == Some(from) { recode(&error, to) } else { error }
        })
    })
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Every mutant.
pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        what: "an expired session has no code",
        case: "login::check_session_fails_when_expired",
        spoil: || {
            let logged_in = Memory::<bool>::default();
            Spoil::answers(move |_, call, answer| {
                logged_in.with(|flag| *flag |= call.api() == Api::Login);
                answer.map_err(|error| match error.code() {
                    Some(-13001) if call.api() == Api::CheckSession && logged_in.with(|flag| *flag) => {
                        Error::new(error.api(), error.kind(), error.reason().to_owned())
                    }
                    _ => error,
                })
            })
        },
    },
    Mutant {
        what: "a session is fine before any login",
        case: "login::check_session_fails_before_login",
        spoil: || {
            let logged_in = Memory::<bool>::default();
            Spoil::answers(move |_, call, answer| {
                logged_in.with(|flag| *flag |= call.api() == Api::Login);
                if call.api() == Api::CheckSession && !logged_in.with(|flag| *flag) {
                    return Ok(CheckSessionResult {}.into());
                }
                answer
            })
        },
    },
    Mutant {
        what: "an unreachable server looks like a fault of the backend",
        case: "login::unreachable_server_says_so",
        spoil: || {
            Spoil::answers(|_, call, answer| {
                answer.map_err(|error| match (call.api(), error.kind()) {
                    (Api::Login, ErrorKind::Unavailable) => Error::internal(Api::Login, "something went wrong"),
                    _ => error,
                })
            })
        },
    },
    Mutant {
        what: "two logins at once get one code",
        case: "login::codes_differ",
        spoil: || {
            let last = Memory::<Option<Reply>>::default();
            // Only the third code repeats: two are enough for every other case.
            let count = Memory::<u32>::default();
            Spoil::answers(move |_, call, answer| {
                let Ok(Reply::Login(_)) = &answer else { return answer };
                let nth = count.with(|n| { *n += 1; *n });
                if call.api() == Api::Login && nth == 2 {
                    if let Some(first) = last.with(|last| last.clone()) {
                        return Ok(first);
                    }
                }
                last.with(|last| *last = answer.as_ref().ok().cloned());
                answer
            })
        },
    },
    Mutant {
        what: "the scope may lack its prefix",
        case: "authorization::scope_needs_its_prefix",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::Authorize(req) if !req.scope.starts_with("scope.") => {
                    AuthorizeRequest { scope: format!("scope.{}", req.scope) }.into()
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "letters of a scope may be of either case",
        case: "authorization::scope_case_matters",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::Authorize(req) => {
                    match Scope::ALL.iter().find(|scope| scope.name().eq_ignore_ascii_case(&req.scope)) {
                        Some(&scope) => AuthorizeRequest::new(scope).into(),
                        None => req.into(),
                    }
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "an unknown scope is granted",
        case: "authorization::unknown_scope_is_refused",
        spoil: || {
            Spoil::down(|_, call| match call {
                Call::Authorize(req)
                    if req.scope.starts_with("scope.")
                        && !Scope::ALL.iter().any(|scope| scope.name().eq_ignore_ascii_case(&req.scope)) =>
                {
                    Down::Answered(Ok(AuthorizeResult {}.into()))
                }
                call => Down::On(call),
            })
        },
    },
    Mutant {
        what: "a refusal at the prompt has the code of an earlier one",
        case: "authorization::refusal_answers_auth_deny",
        spoil: || miscode(Api::Authorize, REFUSED_NOW, REFUSED_EARLIER),
    },
    Mutant {
        what: "an earlier refusal has the code of one at the prompt",
        case: "authorization::refused_scope_is_not_asked_again",
        spoil: || miscode(Api::Authorize, REFUSED_EARLIER, REFUSED_NOW),
    },
    Mutant {
        what: "refusals are worded the same under every profile",
        case: "authorization::denial_text_follows_the_profile",
        spoil: || {
            Spoil::answers(|_, _, answer| {
                answer.map_err(|error| if error.kind() == ErrorKind::Denied { error.with_separator(' ') } else { error })
            })
        },
    },
    Mutant {
        what: "the settings page answers nothing",
        case: "authorization::settings_page_answers_what_was_left",
        spoil: || {
            Spoil::answers(|_, _, answer| match answer {
                Ok(Reply::OpenSetting(mut result)) => {
                    result.auth_setting.values_mut().for_each(|on| *on = !*on);
                    Ok(result.into())
                }
                answer => answer,
            })
        },
    },
    Mutant {
        what: "the initial vector repeats",
        case: "user::iv_is_new_each_time",
        spoil: || {
            let first = Memory::<Option<GetUserInfoResult>>::default();
            Spoil::answers(move |_, _, answer| match answer {
                Ok(Reply::GetUserInfo(result)) => first.with(|first| {
                    let first = first.get_or_insert_with(|| result.clone());
                    Ok(GetUserInfoResult {
                        iv: first.iv.clone(),
                        encrypted_data: first.encrypted_data.clone(),
                        ..result
                    }
                    .into())
                }),
                answer => answer,
            })
        },
    },
    Mutant {
        what: "sealed data comes without being asked for",
        case: "user::without_credentials_nothing_is_sealed",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::GetUserInfo(mut req) => {
                    req.with_credentials = req.with_credentials.filter(|wanted| *wanted);
                    req.into()
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "place names are Chinese unless asked otherwise",
        case: "user::default_language_is_english",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::GetUserInfo(mut req) => {
                    req.lang = Some(req.lang.unwrap_or(Lang::ZhCn));
                    req.into()
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "no signature without credentials in the answer",
        case: "user::credentials_need_a_session",
        spoil: || {
            let logged_in = Memory::<bool>::default();
            Spoil::calls(move |call| match call {
                Call::Login(req) => {
                    logged_in.with(|flag| *flag = true);
                    req.into()
                }
                Call::GetUserInfo(mut req) if !logged_in.with(|flag| *flag) => {
                    req.with_credentials = None;
                    req.into()
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "the device claims to know faces",
        case: "soter::faces_and_voices_are_not_supported_yet",
        spoil: || {
            Spoil::answers(|_, _, answer| match answer {
                Ok(Reply::CheckIsSupportSoterAuthentication(mut result)) => {
                    result.support_mode.push(AuthMode::Facial);
                    Ok(result.into())
                }
                answer => answer,
            })
        },
    },
    Mutant {
        what: "a device without a finger reader claims to have one",
        case: "soter::support_without_soter_is_90001",
        spoil: || {
            Spoil::answers(|_, call, answer| match (call, answer) {
                (Call::CheckIsSupportSoterAuthentication(_), Err(_)) => {
                    Ok(CheckIsSupportSoterAuthenticationResult { support_mode: vec![AuthMode::FingerPrint] }.into())
                }
                (_, answer) => answer,
            })
        },
    },
    Mutant {
        what: "a missing finger is always answered",
        case: "soter::missing_enrolment_follows_the_profile",
        spoil: || {
            Spoil::answers(|_, call, answer| match (call, answer) {
                (Call::CheckIsSoterEnrolledInDevice(_), Err(error)) if error.code() == Some(90011) => {
                    Ok(CheckIsSoterEnrolledInDeviceResult { is_enrolled: false }.into())
                }
                (_, answer) => answer,
            })
        },
    },
    Mutant {
        what: "the mode that was used is told wrong",
        case: "soter::auth_mode_is_finger_print",
        spoil: || {
            Spoil::answers(|_, _, answer| match answer {
                Ok(Reply::StartSoterAuthentication(result)) => {
                    Ok(StartSoterAuthenticationResult { auth_mode: AuthMode::Facial, ..result }.into())
                }
                answer => answer,
            })
        },
    },
    Mutant {
        what: "a failed authentication answers nothing besides its failure",
        case: "soter::failure_carries_empty_results",
        spoil: || {
            Spoil::answers(|_, call, answer| {
                answer.map_err(|error| match (call, error.code()) {
                    (Call::StartSoterAuthentication(_), Some(code)) => {
                        Error::new(error.api(), error.kind(), error.reason().to_owned()).with_code(code)
                    }
                    _ => error,
                })
            })
        },
    },
    Mutant {
        what: "a long challenge is cut",
        case: "soter::longer_challenge_is_90004",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::StartSoterAuthentication(mut req) => {
                    req.challenge = req.challenge.chars().take(512).collect();
                    req.into()
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "a long text of the dialog is cut",
        case: "soter::longer_auth_content_is_90005",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::StartSoterAuthentication(mut req) => {
                    req.auth_content = req.auth_content.map(|text| text.chars().take(42).collect());
                    req.into()
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "a mode nobody knows is taken for a finger",
        case: "soter::unknown_modes_are_90003",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::StartSoterAuthentication(mut req) => {
                    for mode in &mut req.request_auth_modes {
                        if *mode == AuthMode::Unknown {
                            *mode = AuthMode::FingerPrint;
                        }
                    }
                    req.into()
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "no modes are taken for a finger",
        case: "soter::no_modes_are_90003",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::StartSoterAuthentication(mut req) => {
                    if req.request_auth_modes.is_empty() {
                        req.request_auth_modes.push(AuthMode::FingerPrint);
                    }
                    req.into()
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "the dialog hides what is confirmed",
        case: "soter::dialog_shows_auth_content",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::StartSoterAuthentication(mut req) => {
                    req.auth_content = req.auth_content.filter(|text| text.chars().count() > 42);
                    req.into()
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "the challenge loses its outer white space",
        case: "soter::any_text_survives_as_challenge",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::StartSoterAuthentication(mut req) => {
                    req.challenge = req.challenge.replace('\u{2028}', " ");
                    req.into()
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "a cancelled dialog looks like an internal error",
        case: "soter::user_cancel_is_90008",
        spoil: || {
            Spoil::answers(|_, call, answer| {
                answer.map_err(|error| match (call, error.code()) {
                    (Call::StartSoterAuthentication(_), Some(90008)) => {
                        let reply = StartSoterAuthenticationResult::failed(AuthMode::FingerPrint);
                        SoterCode::Internal.error(Api::StartSoterAuthentication).with_reply(reply)
                    }
                    _ => error,
                })
            })
        },
    },
    Mutant {
        what: "NFC that is off is told as NFC that cannot emulate",
        case: "hce::state_with_nfc_off_is_13001",
        spoil: || miscode(Api::GetHceState, HceCode::NfcOff.code(), HceCode::NoHce.code()),
    },
    Mutant {
        what: "a missing NFC is told as one that is off",
        case: "hce::state_without_nfc_is_13000",
        spoil: || miscode(Api::GetHceState, HceCode::NoNfc.code(), HceCode::NfcOff.code()),
    },
    Mutant {
        what: "a start with NFC off is told as one without NFC",
        case: "hce::start_with_nfc_off_is_13001",
        spoil: || miscode(Api::StartHce, HceCode::NfcOff.code(), HceCode::NoNfc.code()),
    },
    Mutant {
        what: "a start of an app that is not the default is told as a failed registration",
        case: "hce::start_without_default_app_is_13004",
        spoil: || miscode(Api::StartHce, HceCode::NotDefault.code(), HceCode::NotRegistered.code()),
    },
    Mutant {
        what: "AIDs must be in capitals",
        case: "hce::aid_case_does_not_matter",
        spoil: || {
            Spoil::down(|_, call| match call {
                Call::StartHce(req)
                    if req.aid_list.iter().any(|aid| is_hex(aid) && aid.bytes().any(|byte| byte.is_ascii_lowercase())) =>
                {
                    Down::Answered(Err(HceCode::BadAids.error(Api::StartHce)))
                }
                call => Down::On(call),
            })
        },
    },
    Mutant {
        what: "an AID may have any length up to 17 bytes",
        case: "hce::long_aid_is_13003",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::StartHce(mut req) => {
                    for aid in &mut req.aid_list {
                        if aid.len() > 32 && is_hex(aid) {
                            aid.truncate(32);
                        }
                    }
                    req.into()
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "too many AIDs are cut",
        case: "hce::too_many_aids_are_13003",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::StartHce(mut req) => {
                    req.aid_list.truncate(256);
                    req.into()
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "the half byte of an odd AID is dropped",
        case: "hce::odd_aid_is_13003",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::StartHce(mut req) => {
                    for aid in &mut req.aid_list {
                        if aid.len() % 2 == 1 && aid.len() > 10 && is_hex(aid) {
                            aid.pop();
                        }
                    }
                    req.into()
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "a stop needs a start",
        case: "hce::stop_without_start_is_ok",
        spoil: || {
            let started = Memory::<bool>::default();
            Spoil::down(move |_, call| match call {
                Call::StopHce(_) if !started.with(|flag| *flag) => {
                    Down::Answered(Err(Error::new(Api::StopHce, ErrorKind::Refused, "not started")))
                }
                call => {
                    started.with(|flag| *flag |= call.api() == Api::StartHce);
                    Down::On(call)
                }
            })
        },
    },
    Mutant {
        what: "a stop does nothing",
        case: "hce::stopped_app_is_not_found",
        spoil: || {
            Spoil::down(|_, call| match call {
                Call::StopHce(_) => Down::Answered(Ok(StopHceResult {}.into())),
                call => Down::On(call),
            })
        },
    },
    Mutant {
        what: "a response of one byte is swallowed with an ok",
        case: "hce::one_byte_response_is_13005",
        spoil: || {
            Spoil::down(|_, call| match call {
                Call::SendHceMessage(req) if req.data.len() == 1 => Down::Answered(Ok(SendHceMessageResult {}.into())),
                call => Down::On(call),
            })
        },
    },
    Mutant {
        what: "an empty response is swallowed with an ok",
        case: "hce::empty_response_is_13005",
        spoil: || {
            Spoil::down(|_, call| match call {
                Call::SendHceMessage(req) if req.data.is_empty() => Down::Answered(Ok(SendHceMessageResult {}.into())),
                call => Down::On(call),
            })
        },
    },
    Mutant {
        what: "a long response loses its middle",
        case: "hce::longest_response_passes_whole",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::SendHceMessage(mut req) if req.data.len() > 4096 => {
                    let (head, tail) = (&req.data[..2048], &req.data[req.data.len() - 2048..]);
                    req.data = Bytes::from([head, tail].concat());
                    req.into()
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "a command carries a reason",
        case: "hce::command_has_type_1_and_data",
        spoil: || {
            Spoil::events(|event| match event {
                Event::HceMessage(message) if message.message_type == 1 => {
                    Some(HceMessage { reason: Some(0), ..message }.into())
                }
                event => Some(event),
            })
        },
    },
    Mutant {
        what: "a departure carries data",
        case: "hce::leaving_has_type_2_and_reason",
        spoil: || {
            Spoil::events(|event| match event {
                Event::HceMessage(message) if message.message_type == 2 => {
                    Some(HceMessage { data: Some(Bytes::new()), ..message }.into())
                }
                event => Some(event),
            })
        },
    },
    Mutant {
        what: "a lost field looks like another app",
        case: "hce::lost_field_is_reason_0",
        spoil: || {
            Spoil::events(|event| match event {
                Event::HceMessage(message) if message.reason == Some(0) => {
                    Some(HceMessage { reason: Some(1), ..message }.into())
                }
                event => Some(event),
            })
        },
    },
    Mutant {
        what: "another app looks like a lost field",
        case: "hce::selection_of_another_app_is_reason_1",
        spoil: || {
            Spoil::events(|event| match event {
                Event::HceMessage(message) if message.reason == Some(1) => {
                    Some(HceMessage { reason: Some(0), ..message }.into())
                }
                event => Some(event),
            })
        },
    },
];
