//! Mutants of what holds for every API.

use wx_api::{Api, Error, ErrorKind};

use crate::{list::Mutant, spoil::Spoil};

pub(crate) const MUTANTS: &[Mutant] = &[Mutant {
    what: "a call without consent is worded in another way than authorize",
    case: "conventions::denied_scope_says_auth_deny",
    spoil: || {
        Spoil::above(|_, call, answer| {
            answer.map_err(|error| match (call.api(), error.kind()) {
                (Api::GetUserInfo, ErrorKind::Denied) => Error::new(error.api(), ErrorKind::Denied, "permission denied"),
                _ => error,
            })
        })
    },
}];
