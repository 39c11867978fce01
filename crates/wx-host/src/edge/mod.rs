//! The edge to scripts: from a script's argument to a typed call, or to the documented parameter error; and from what came of the
//! call to the answer its callbacks get.
//!
//! A binding that has the values of its engine at hand passes them as they are: it implements [`Argument`] for them, reads a call
//! with [`read`] or anything else with [`deserialize`], and shows an [`Outcome`] in its own form. What is refused, and in which
//! words, is decided here for all of them.
//!
//! JSON text has two readers and one judgement. `strict` reads the text straight into the request, which is all that a right call costs. What it
//! refuses, `declared` reads again parameter by parameter in the order of the page: it finds out which one is wrong, and
//! accepts what only looks wrong, such as `5000.0` for a whole number.

mod argument;
mod declared;
mod json;
mod strict;

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Value};
use wx_api::{Api, Call, Error, Result};

pub use self::{
    argument::{Argument, Kind, Number, Unreadable},
    declared::Wrong,
};
use self::{
    declared::{Node, Parameters},
    json::Json,
    strict::Strict,
};
pub use crate::answer::Outcome;

/// The longest arguments that are read, in bytes. Binary travels as base64 in them, so this is generous.
const LONGEST: usize = 32 << 20;

/// Reads the arguments of `api`: an object with its parameters, or `Undefined` or `Null` for none.
///
/// # Errors
///
/// The documented parameter error for the first parameter, in the order of the page, that is missing or wrong.
pub fn read<A: Argument>(api: Api, args: A) -> Result<Call> {
    Parameters::of(api, args)
        .and_then(|parameters| Call::deserialize(api, parameters))
        .map_err(|wrong| bad(api, wrong.parameter, &wrong))
}

/// Reads any one value, by the same rules: what a host's own functions take.
///
/// # Errors
///
/// What is wrong and where, in the words of parameter errors.
pub fn deserialize<T: DeserializeOwned>(value: impl Argument) -> Result<T, Wrong> {
    T::deserialize(Node::of(value))
}

/// Reads the arguments of `api` from JSON text.
pub(crate) fn read_json(api: Api, args: &str) -> Result<Call> {
    let args = match args.trim_matches([' ', '\t', '\r', '\n']) {
        "" | "null" | "undefined" => "{}",
        args => args,
    };
    if args.len() > LONGEST {
        return Err(bad(api, "", format_args!("the arguments are longer than {LONGEST} bytes")));
    }

    let mut text = Deserializer::from_str(args);
    if let Ok(call) = Call::deserialize(api, Strict(&mut text))
        && text.end().is_ok()
    {
        return Ok(call);
    }
    let value: Value = serde_json::from_str(args)
        .map_err(|error| bad(api, "", format_args!("the arguments cannot be read as JSON: {error}")))?;
    read(api, Json(Some(&value)))
}

/// The failure of a bad parameter, with the code and the fields that its page gives it. `parameter` is empty when it is the
/// arguments as a whole.
fn bad(api: Api, parameter: &str, detail: impl fmt::Display) -> Error {
    api.bad_parameter(parameter, Error::parameter(api, detail))
}

#[cfg(test)]
mod tests;
