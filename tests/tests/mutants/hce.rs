//! Mutants of the domain `hce`.

use std::collections::BTreeMap;

use bytes::Bytes;
use wx_api::{
    Api, AppId, Call, Cx, Error, ErrorKind, Event,
    hce::{Departure, HceCode, HceMessage, SendHceMessageResult, StartHceResult, StopHceResult},
};

use crate::{
    list::{Mutant, miscode},
    spoil::{Down, Memory, Spoil},
};

pub(crate) const MUTANTS: &[Mutant] = &[
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
            Spoil::answers(move |_, call, answer| {
                started.with(|flag| *flag |= call.api() == Api::StartHce);
                if call.api() == Api::StopHce && !started.with(|flag| *flag) {
                    answer?;
                    return Err(Error::new(Api::StopHce, ErrorKind::Refused, "not started"));
                }
                answer
            })
        },
    },
    Mutant {
        what: "a stop without NFC is fine",
        case: "hce::stop_without_nfc_is_13000",
        spoil: || stop_is_fine(|_, code| code == HceCode::NoNfc.code()),
    },
    Mutant {
        what: "a stop without card emulation is fine",
        case: "hce::stop_without_hce_is_13002",
        spoil: || stop_is_fine(|cx, code| cx.profile().has_hce() && code == HceCode::NoHce.code()),
    },
    Mutant {
        what: "a stop on a platform without card emulation is fine",
        case: "hce::stop_on_a_platform_without_hce_is_13002",
        spoil: || stop_is_fine(|cx, _| !cx.profile().has_hce()),
    },
    Mutant {
        what: "a start on a platform without card emulation is fine",
        case: "hce::start_on_a_platform_without_hce_is_13002",
        spoil: || {
            Spoil::down(|cx, call| match call {
                Call::StartHce(_) if !cx.profile().has_hce() => Down::Answered(Ok(StartHceResult {}.into())),
                call => Down::On(call),
            })
        },
    },
    Mutant {
        what: "a response on a platform without card emulation looks like one before a start",
        case: "hce::send_on_a_platform_without_hce_is_13002",
        spoil: || miscode(Api::SendHceMessage, HceCode::NoHce.code(), HceCode::NotRegistered.code()),
    },
    Mutant {
        what: "a response before a start looks illegal",
        case: "hce::send_before_start_is_13006",
        spoil: || miscode(Api::SendHceMessage, HceCode::NotRegistered.code(), HceCode::BadResponse.code()),
    },
    Mutant {
        what: "a bad AID is not told",
        case: "hce::bad_aid_is_told",
        spoil: || {
            Spoil::answers(|_, call, answer| {
                answer.map_err(|error| match (call.api(), error.code()) {
                    (Api::StartHce, Some(code)) if code == HceCode::BadAids.code() => HceCode::BadAids.error(Api::StartHce),
                    _ => error,
                })
            })
        },
    },
    Mutant {
        what: "the ping reaches the mini-program, too",
        case: "hce::ping_is_answered_by_the_system",
        spoil: || {
            Spoil::reader(|command, got| {
                let pong = got.is_some_and(|got| got.len() == 6);
                pong.then(|| HceMessage::command(command.to_vec()))
            })
        },
    },
    Mutant {
        what: "an unknown AID looks like a departure",
        case: "hce::unknown_aid_keeps_the_selection",
        spoil: || {
            let selected = Memory::<bool>::default();
            Spoil::reader(move |command, got| {
                let select = command.starts_with(&[0x00, 0xA4, 0x04]);
                let got = got.map(AsRef::as_ref).unwrap_or_default();
                selected.with(|selected| *selected |= select && got == [0x90, 0x00]);
                let departs = select && got == [0x6A, 0x82] && selected.with(|selected| *selected);
                departs.then(|| HceMessage::departure(Departure::Deselected))
            })
        },
    },
    Mutant {
        what: "a list adds to the one before it",
        case: "hce::start_again_replaces_the_list",
        spoil: || {
            let held = Memory::<BTreeMap<AppId, Vec<String>>>::default();
            Spoil::down(move |cx, call| match call {
                Call::StartHce(mut req) if req.aid_list.len() < 128 && req.aid_list.iter().all(|aid| is_hex(aid)) => {
                    let before = held.with(|held| held.insert(cx.app().clone(), req.aid_list.clone()));
                    req.aid_list.extend(before.unwrap_or_default());
                    Down::On(req.into())
                }
                call => {
                    if call.api() == Api::StopHce {
                        held.with(|held| held.remove(cx.app()));
                    }
                    Down::On(call)
                }
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

/// Turns failures of `stopHCE` with some codes into an ok.
fn stop_is_fine(spoilt: fn(&Cx, i32) -> bool) -> Spoil {
    Spoil::answers(move |cx, call, answer| match answer {
        Err(error) if call.api() == Api::StopHce && error.code().is_some_and(|code| spoilt(cx, code)) => {
            Ok(StopHceResult {}.into())
        }
        answer => answer,
    })
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
