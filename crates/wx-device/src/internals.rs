//! What the fuzz targets need of the inside; no part of what this crate offers, and no more stable than the inside is.

use bytes::Bytes;
use wx_api::Api;

use crate::{
    LinkError,
    incoming::{garbage, read},
    wire::{self, Call, Context, Event, Frames, Message, Parts, value},
};

/// The messages in what arrives in these pieces, long ones put together, as either end finds them after the handshake.
///
/// # Errors
///
/// A frame, or parts of messages, of more bytes than may be sent.
pub fn messages<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, longest: usize) -> Result<Vec<Bytes>, LinkError> {
    let (mut frames, mut parts, mut messages) = (Frames::default(), Parts::new(longest), Vec::new());
    for piece in pieces {
        frames.arrived().extend_from_slice(piece);
        while let Some(frame) = frames.next().map_err(garbage)? {
            match read(&frame) {
                Ok(Message::Part(wire::Part { message, last, data })) => {
                    messages.extend(parts.add(message, last, data).map_err(garbage)?);
                }
                _ => messages.push(frame),
            }
        }
    }
    Ok(messages)
}

/// The frames of a message that goes in parts.
pub fn split(number: u64, message: &[u8]) -> Vec<Vec<u8>> {
    wire::split(number, message).collect()
}

/// Reads a message with all that is in it and writes it again. A result is read as one of `called`, of which nothing is said in it.
///
/// # Errors
///
/// Something in it that does not read.
pub fn rewrite(message: &[u8], called: Api) -> Result<Vec<u8>, LinkError> {
    let message = read(message)?;
    let known = |name: &str| Api::from_name(name).ok_or_else(|| garbage("an API that nobody knows"));
    Ok(match &message {
        Message::Context(context) => {
            let profile = again(&value::profile(context.profile).map_err(garbage)?)?;
            Message::Context(Context { profile: &profile, ..context.clone() }).to_vec()
        }
        Message::Call(call) => {
            let args = again(&value::call(known(call.api)?, call.args).map_err(garbage)?)?;
            Message::Call(Call { args: &args, ..call.clone() }).to_vec()
        }
        Message::Reply(wire::Reply { call, result }) => {
            let result = again(&value::reply(called, result).map_err(garbage)?)?;
            Message::Reply(wire::Reply { call: *call, result: &result }).to_vec()
        }
        Message::Failure(failure) => {
            let error = value::error(called, failure);
            Message::Failure(value::failure(failure.call, &error)).to_vec()
        }
        Message::Event(event) => {
            let payload = again(&value::event(known(event.event)?, event.payload).map_err(garbage)?)?;
            Message::Event(Event { payload: &payload, ..event.clone() }).to_vec()
        }
        other => other.to_vec(),
    })
}

fn again(value: &impl serde::Serialize) -> Result<Vec<u8>, LinkError> {
    value::encode(value).map_err(garbage)
}
