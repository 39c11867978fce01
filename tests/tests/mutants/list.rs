//! The mutants: each is broken in one behaviour, and names the one case that must see it.

use wx_api::{Api, Error};

use crate::{authorization, conventions, hce, login, signature, soter, spoil::Spoil, user};

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
pub(crate) fn recode(error: &Error, code: i32) -> Error {
    let recoded =
        Error::new(error.api(), error.kind(), error.reason().to_owned()).with_code(code).with_separator(error.separator());
    match error.reply() {
        Some(reply) => recoded.with_reply(reply.clone()),
        None => recoded,
    }
}

/// Turns one code of one API into another.
pub(crate) fn miscode(api: Api, from: i32, to: i32) -> Spoil {
    Spoil::answers(move |_, call, answer| {
        answer.map_err(|error| if call.api() == api && error.code() == Some(from) { recode(&error, to) } else { error })
    })
}

/// Every mutant.
pub(crate) fn mutants() -> impl Iterator<Item = &'static Mutant> {
    let domains = [
        conventions::MUTANTS,
        login::MUTANTS,
        authorization::MUTANTS,
        user::MUTANTS,
        signature::MUTANTS,
        soter::MUTANTS,
        hce::MUTANTS,
    ];
    domains.into_iter().flatten()
}
