//! Mutants of the domain `authorization`.

use std::collections::BTreeMap;

use wx_api::{
    Api, Call, ErrorKind, Reply, Scope,
    authorization::{AuthorizeRequest, AuthorizeResult, INVALID_SCOPE, OpenSettingResult, REFUSED_EARLIER, REFUSED_NOW},
};

use crate::{
    list::{Mutant, miscode},
    spoil::{Down, Memory, Spoil},
};

pub(crate) const MUTANTS: &[Mutant] = &[
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
                Call::Authorize(req) => match Scope::ALL.iter().find(|scope| scope.name().eq_ignore_ascii_case(&req.scope)) {
                    Some(&scope) => AuthorizeRequest::new(scope).into(),
                    None => req.into(),
                },
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
        what: "a refusal at the prompt has the code of an unknown scope",
        case: "authorization::refusal_answers_auth_deny",
        spoil: || miscode(Api::Authorize, REFUSED_NOW, INVALID_SCOPE),
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
        what: "a prompt that was closed is listed as a refusal",
        case: "authorization::undecided_scopes_are_not_listed",
        spoil: || {
            let closed = Memory::<Vec<Scope>>::default();
            Spoil::answers(move |_, call, answer| match (call, answer) {
                (Call::Authorize(req), Err(error)) if error.kind() == ErrorKind::Cancelled => {
                    closed.with(|closed| closed.extend(req.scope.parse::<Scope>().ok()));
                    Err(error)
                }
                (_, Ok(Reply::GetSetting(mut result))) => {
                    for scope in closed.with(|closed| closed.clone()) {
                        result.auth_setting.entry(scope).or_insert(false);
                    }
                    Ok(Reply::GetSetting(result))
                }
                (_, answer) => answer,
            })
        },
    },
    Mutant {
        what: "an empty settings page grants the microphone",
        case: "authorization::settings_page_answers_nothing_unasked",
        spoil: || {
            Spoil::answers(|_, _, answer| match answer {
                Ok(Reply::OpenSetting(mut result)) if result.auth_setting.is_empty() => {
                    result.auth_setting.insert(Scope::Record, true);
                    Ok(Reply::OpenSetting(result))
                }
                answer => answer,
            })
        },
    },
    Mutant {
        what: "the settings page answers what it showed",
        case: "authorization::settings_page_answers_what_was_left",
        spoil: || {
            let decided = Memory::<BTreeMap<Scope, bool>>::default();
            Spoil::answers(move |_, call, answer| match (call, answer) {
                (Call::OpenSetting(_), Ok(_)) => {
                    Ok(OpenSettingResult { auth_setting: decided.with(|decided| decided.clone()) }.into())
                }
                (Call::Authorize(req), answer) => {
                    let decision = match &answer {
                        Ok(_) => Some(true),
                        Err(error) => (error.kind() == ErrorKind::Denied).then_some(false),
                    };
                    if let (Ok(scope), Some(decision)) = (req.scope.parse(), decision) {
                        decided.with(|decided| decided.insert(scope, decision));
                    }
                    answer
                }
                (_, answer) => answer,
            })
        },
    },
];
