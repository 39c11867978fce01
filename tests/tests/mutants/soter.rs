//! Mutants of the domain `soter`.

use wx_api::{
    Api, Call, Error, Reply,
    soter::{
        AuthMode, CheckIsSoterEnrolledInDeviceResult, CheckIsSupportSoterAuthenticationResult, SoterCode,
        StartSoterAuthenticationRequest, StartSoterAuthenticationResult,
    },
};

use crate::{
    list::{Mutant, recode},
    spoil::Spoil,
};

pub(crate) const MUTANTS: &[Mutant] = &[
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
        what: "the only mode asked for is told wrong",
        case: "soter::auth_mode_is_finger_print",
        spoil: || {
            Spoil::answers(|_, call, answer| match (call, answer) {
                (Call::StartSoterAuthentication(req), Ok(Reply::StartSoterAuthentication(result)))
                    if req.request_auth_modes.len() == 1 =>
                {
                    Ok(StartSoterAuthenticationResult { auth_mode: AuthMode::Facial, ..*result }.into())
                }
                (_, answer) => answer,
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
        what: "a challenge that is too long has the code of an internal error",
        case: "soter::longer_challenge_is_90004",
        spoil: || miscode_when(|req| req.challenge.len() > 512, 90004, 90007),
    },
    Mutant {
        what: "a text that is too long has the code of a bad challenge",
        case: "soter::longer_auth_content_is_90005",
        spoil: || miscode_when(|req| req.auth_content.is_some(), 90005, 90004),
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
                    Call::StartSoterAuthentication(req)
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "no modes have the code of a bad challenge",
        case: "soter::no_modes_are_90003",
        spoil: || miscode_when(|req| req.request_auth_modes.is_empty(), 90003, 90004),
    },
    Mutant {
        what: "the dialog hides what is confirmed",
        case: "soter::dialog_shows_auth_content",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::StartSoterAuthentication(mut req) => {
                    req.auth_content = req.auth_content.filter(|text| text.encode_utf16().count() > 42);
                    Call::StartSoterAuthentication(req)
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "the challenge loses its rarer line ends",
        case: "soter::any_text_survives_as_challenge",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::StartSoterAuthentication(mut req) => {
                    req.challenge = req.challenge.replace('\u{2028}', " ");
                    Call::StartSoterAuthentication(req)
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "a salt of 32 bytes is not declared",
        case: "soter::declared_salt_follows_the_profile",
        spoil: || rewritten(r#","rsa_pss_saltlen":32"#, ""),
    },
    Mutant {
        what: "the finger never ends in a NUL",
        case: "soter::finger_ends_in_nul_where_the_profile_says",
        spoil: || rewritten(r#"\u0000""#, "\""),
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
];

/// Writes another text in the place of one in every result.
fn rewritten(text: &'static str, other: &'static str) -> Spoil {
    Spoil::answers(move |_, _, answer| match answer {
        Ok(Reply::StartSoterAuthentication(mut result)) => {
            result.result_json = result.result_json.replace(text, other);
            Ok((*result).into())
        }
        answer => answer,
    })
}

/// Turns one code into another for some requests.
fn miscode_when(condition: fn(&StartSoterAuthenticationRequest) -> bool, from: i32, to: i32) -> Spoil {
    Spoil::answers(move |_, call, answer| {
        answer.map_err(|error| match call {
            Call::StartSoterAuthentication(req) if error.code() == Some(from) && condition(req) => recode(&error, to),
            _ => error,
        })
    })
}
