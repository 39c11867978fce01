//! Mutants of the domain `login`.

use wx_api::{Api, Error, ErrorKind, Reply, login::CheckSessionResult};

use crate::{
    list::Mutant,
    spoil::{Memory, Spoil},
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
        what: "a code comes back",
        case: "login::codes_differ",
        spoil: || {
            let last = Memory::<Option<Reply>>::default();
            // Only the third: two logins are enough for every other case.
            let count = Memory::<u32>::default();
            Spoil::answers(move |_, _, answer| {
                let Ok(Reply::Login(_)) = &answer else { return answer };
                let nth = count.with(|n| {
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
