//! The JSON edge: from the text of a script's argument to a typed call, or to the documented parameter error.
//!
//! Two readers, one judgement. [`strict`] reads the text straight into the request, which is all that a right call costs. What it
//! refuses, [`declared`] reads again parameter by parameter in the order of the page: it finds out which one is wrong, and
//! accepts what only looks wrong, such as `5000.0` for a whole number.

mod declared;
mod strict;

use std::fmt;

use serde_json::{Deserializer, Value};
use wx_api::{Api, Call, Error, Result};

use self::{declared::Parameters, strict::Strict};

/// The longest arguments that are read, in bytes. Binary travels as base64 in them, so this is generous.
const LONGEST: usize = 32 << 20;

/// Reads the arguments of `api`.
pub(crate) fn read(api: Api, args: &str) -> Result<Call> {
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
    Parameters::of(api, &value)
        .and_then(|parameters| Call::deserialize(api, parameters))
        .map_err(|wrong| bad(api, wrong.parameter, &wrong))
}

/// The failure of a bad parameter, with the code and the fields that its page gives it. `parameter` is empty when it is the
/// arguments as a whole.
fn bad(api: Api, parameter: &str, detail: impl fmt::Display) -> Error {
    api.bad_parameter(parameter, Error::parameter(api, detail))
}

#[cfg(test)]
mod tests;
