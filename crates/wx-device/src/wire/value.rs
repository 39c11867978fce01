//! What the contract's types are on the wire: CBOR, as serde writes it, with binary as byte strings.

use std::fmt::Display;

use minicbor_serde::{Deserializer, Serializer};
use serde::{Deserialize, Serialize};
use wx_api::{Api, Call, Cx, Error, ErrorKind, Event, Profile, Reply};

use super::message::{Context, Failure};

/// Data of the other end that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other end sent {what} that does not read: {why}")]
pub(crate) struct BadValue {
    what: &'static str,
    why: String,
}

impl BadValue {
    fn new(what: &'static str, why: impl Display) -> Self {
        Self { what, why: format!("{why}") }
    }
}

pub(crate) fn encode(value: &impl Serialize) -> Result<Vec<u8>, BadValue> {
    let mut out = Vec::with_capacity(64); // most are shorter
    value.serialize(&mut Serializer::new(&mut out)).map_err(|error| BadValue::new("nothing, but has a value", error))?;
    Ok(out)
}

pub(crate) fn call(api: Api, args: &[u8]) -> Result<Call, BadValue> {
    Call::deserialize(api, &mut Deserializer::new(args)).map_err(|error| BadValue::new("arguments", error))
}

pub(crate) fn reply(api: Api, result: &[u8]) -> Result<Reply, BadValue> {
    Reply::deserialize(api, &mut Deserializer::new(result)).map_err(|error| BadValue::new("a result", error))
}

pub(crate) fn event(api: Api, payload: &[u8]) -> Result<Event, BadValue> {
    Event::deserialize(api, &mut Deserializer::new(payload)).map_err(|error| BadValue::new("an event", error))
}

pub(crate) fn profile(bytes: &[u8]) -> Result<Profile, BadValue> {
    Profile::deserialize(&mut Deserializer::new(bytes)).map_err(|error| BadValue::new("a profile", error))
}

/// A context on the wire borrows its profile from `profile`.
pub(crate) fn context<'a>(number: u64, cx: &'a Cx, profile: &'a [u8]) -> Context<'a> {
    Context { number, app: cx.app().as_str(), user: cx.user().as_str(), launch: cx.launch(), profile }
}

/// A failure on the wire. Its source stays here: it is for the logs of the machine it happened on.
pub(crate) fn failure(call: u64, error: &Error) -> Failure<'_> {
    let carried = error.reply().and_then(|reply| Some((reply.api().name(), encode(reply).ok()?)));
    let (carried_of, carried) = carried.map_or((None, None), |(api, bytes)| (Some(api), Some(bytes.into())));
    Failure {
        call,
        api: error.api().name(),
        kind: error.kind().name(),
        code: error.code(),
        separator: error.separator(),
        reason: error.reason(),
        carried,
        carried_of,
    }
}

/// The failure of a call of `called`. What a newer agent says in words this version does not know becomes what comes nearest.
pub(crate) fn error(called: Api, failure: &Failure<'_>) -> Error {
    let api = Api::from_name(failure.api).unwrap_or(called);
    let kind = ErrorKind::from_name(failure.kind).unwrap_or(ErrorKind::Internal);
    let mut error = Error::new(api, kind, failure.reason.to_owned()).with_separator(failure.separator);
    if let Some(code) = failure.code {
        error = error.with_code(code);
    }
    let carried = failure.carried_of.and_then(Api::from_name).zip(failure.carried.as_ref());
    match carried.and_then(|(of, bytes)| reply(of, bytes).ok()) {
        Some(reply) => error.with_reply(reply),
        None => error,
    }
}
