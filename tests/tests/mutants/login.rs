//! Mutants of the domain `login`.

use std::collections::{BTreeMap, BTreeSet};

use wx_api::{Api, AppId, Error, ErrorKind, Reply, Result};
use wx_conformance::{Exchanged, ServerError};

use crate::{
    list::Mutant,
    spoil::{Down, Memory, Spoil},
};

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
        what: "a check before any login looks like a fault of the backend",
        case: "login::check_session_fails_before_login",
        spoil: || {
            before_login(|error| match error.code() {
                Some(code) => Error::internal(error.api(), "no session").with_code(code),
                None => error,
            })
        },
    },
    Mutant {
        what: "a check before any login has no code",
        case: "login::check_session_without_login_is_13001",
        spoil: || before_login(|error| Error::new(error.api(), error.kind(), error.reason().to_owned())),
    },
    Mutant {
        what: "a timeout is worded in another way",
        case: "login::timeout_answers_fail_timeout",
        spoil: || {
            Spoil::above(|_, _, answer| {
                answer.map_err(|error| match error.kind() {
                    ErrorKind::Timeout => Error::new(error.api(), ErrorKind::Timeout, "request:fail timeout"),
                    _ => error,
                })
            })
        },
    },
    Mutant {
        what: "a used code looks like one nobody was given",
        case: "login::code_works_once",
        spoil: || {
            Spoil::exchanges(|_, _, answer| {
                answer.map_err(|error| if error.errcode == 40163 { ServerError { errcode: 40029, ..error } } else { error })
            })
        },
    },
    Mutant {
        what: "any text nobody was given is a code",
        case: "login::made_up_code_is_40029",
        spoil: || {
            let given = Memory::<BTreeSet<String>>::default();
            let seen = given.clone();
            Spoil::answers(move |_, _, answer| {
                given.with(|given| given.extend(code(&answer)));
                answer
            })
            .with_exchanges(move |_, code, answer| match answer {
                Err(_) if !seen.with(|seen| seen.contains(code)) => {
                    let session_key = "AAAAAAAAAAAAAAAAAAAAAA==".to_owned();
                    Ok(Exchanged { openid: "oAnybody".to_owned(), session_key, unionid: None })
                }
                answer => answer,
            })
        },
    },
    Mutant {
        what: "every app learns who the user is across apps",
        case: "login::unionid_only_when_bound",
        spoil: || {
            Spoil::exchanges(|_, _, answer| {
                answer.map(|session| Exchanged {
                    unionid: Some(session.unionid.unwrap_or_else(|| "oEverybody".to_owned())),
                    ..session
                })
            })
        },
    },
    Mutant {
        what: "the openid is another in the next launch",
        case: "login::openid_is_stable",
        spoil: || {
            let first = Memory::<BTreeMap<AppId, u64>>::default();
            let later = Memory::<BTreeSet<String>>::default();
            let seen = later.clone();
            Spoil::answers(move |cx, _, answer| {
                if let Some(code) = code(&answer)
                    && first.with(|first| *first.entry(cx.app().clone()).or_insert(cx.launch())) != cx.launch()
                {
                    later.with(|later| later.insert(code));
                }
                answer
            })
            .with_exchanges(move |_, code, answer| {
                answer.map(|mut session| {
                    if seen.with(|seen| seen.contains(code)) {
                        session.openid.push('2');
                    }
                    session
                })
            })
        },
    },
    Mutant {
        what: "two logins under way get one code",
        case: "login::two_at_once_both_answer",
        spoil: || {
            let shared = Memory::<Option<Reply>>::default();
            overlapping(move |answer, last| {
                if last {
                    return shared.with(Option::take).map_or(answer, Ok);
                }
                shared.with(|shared| *shared = answer.as_ref().ok().cloned());
                answer
            })
        },
    },
    Mutant {
        what: "two logins under way lead to a session key each",
        case: "login::two_at_once_agree_on_one_session",
        spoil: || {
            let early = Memory::<BTreeSet<String>>::default();
            let seen = early.clone();
            overlapping(move |answer, last| {
                if !last {
                    early.with(|early| early.extend(code(&answer)));
                }
                answer
            })
            .with_exchanges(move |_, code, answer| {
                answer.map(|mut session| {
                    if seen.with(|seen| seen.contains(code)) {
                        let first = if session.session_key.starts_with('A') { "B" } else { "A" };
                        session.session_key.replace_range(..1, first);
                    }
                    session
                })
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
        what: "a code comes back",
        case: "login::codes_differ",
        spoil: || {
            let last = Memory::<Option<Reply>>::default();
            // Only an app's third: two logins are enough for every other case.
            let counts = Memory::<BTreeMap<AppId, u32>>::default();
            Spoil::answers(move |cx, _, answer| {
                let Ok(Reply::Login(_)) = &answer else { return answer };
                let nth = counts.with(|counts| {
                    let n = counts.entry(cx.app().clone()).or_default();
                    *n += 1;
                    *n
                });
                if nth == 3
                    && let Some(second) = last.with(|last| last.clone())
                {
                    return Ok(second);
                }
                last.with(|last| *last = answer.as_ref().ok().cloned());
                answer
            })
        },
    },
];

/// The code in the answer of a login.
fn code(answer: &Result<Reply>) -> Option<String> {
    match answer {
        Ok(Reply::Login(result)) => Some(result.code.clone()),
        _ => None,
    }
}

/// Changes the failure of `checkSession` until somebody has logged in.
fn before_login(change: fn(Error) -> Error) -> Spoil {
    let logged_in = Memory::<bool>::default();
    Spoil::answers(move |_, call, answer| {
        logged_in.with(|flag| *flag |= call.api() == Api::Login);
        let early = call.api() == Api::CheckSession && !logged_in.with(|flag| *flag);
        answer.map_err(|error| if early { change(error) } else { error })
    })
}

/// Changes the answers of logins, and says whether each is the last of those that were under way.
fn overlapping(change: impl Fn(Result<Reply>, bool) -> Result<Reply> + Send + Sync + 'static) -> Spoil {
    let under_way = Memory::<u32>::default();
    let ended = under_way.clone();
    Spoil::down(move |_, call| {
        under_way.with(|n| *n += u32::from(call.api() == Api::Login));
        Down::On(call)
    })
    .with_answers(move |_, call, answer| {
        if call.api() != Api::Login {
            return answer;
        }
        let last = ended.with(|n| {
            *n -= 1;
            *n == 0
        });
        change(answer, last)
    })
}
