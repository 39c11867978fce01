//! What a script is told, turned back into what the host said.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, SeqAccess, Visitor},
};
use serde_json::{Map, Value};
use wx_api::{Api, Error, ErrorKind, Event, Reply, Result};

/// The answers of one call, in the order in which they came.
#[derive(Default)]
pub(crate) struct Told {
    api: Option<Api>,
    by_promise: bool,
    answers: Vec<(String, Value)>,
}

impl Told {
    pub(crate) fn new(api: Api, by_promise: bool) -> Self {
        Self { api: Some(api), by_promise, answers: Vec::new() }
    }

    pub(crate) fn tell(&mut self, how: String, answer: Value) {
        self.answers.push((how, answer));
    }

    /// The answer, if it came as the conventions say: by `success` or `fail`, then by `complete`, each once; or by one promise.
    ///
    /// # Errors
    ///
    /// The failure that the script was told, of this kind; or what is wrong with how it was told.
    pub(crate) fn into_result(mut self, kind: Option<ErrorKind>) -> Result<Reply> {
        let api = self.api.unwrap_or(Api::Login);
        let wrong = |what: &dyn fmt::Display| Error::internal(api, format_args!("what the script was told: {what}"));
        let shown = format!("{:?}", self.answers.iter().map(|(how, _)| how).collect::<Vec<_>>());
        let complete = if self.by_promise { None } else { self.answers.pop() };
        let (Some((how, answer)), true) = (self.answers.pop(), self.answers.is_empty()) else {
            return Err(wrong(&format_args!("not one answer but {shown}")));
        };
        if complete.is_some_and(|(last, completed)| last != "complete" || completed != answer) {
            return Err(wrong(&format_args!("complete comes last, with the same answer, but there is {shown}")));
        }
        let Value::Object(mut answer) = answer else { return Err(wrong(&"the answer is no object")) };
        let said = match answer.remove("errMsg") {
            Some(Value::String(said)) => said,
            other => return Err(wrong(&format_args!("the errMsg is {other:?}"))),
        };
        let code = answer.remove("errCode").and_then(|code| code.as_i64()).and_then(|code| i32::try_from(code).ok());
        let Some(outcome) = said.strip_prefix(api.name()) else { return Err(wrong(&format_args!("the errMsg is {said}"))) };
        match (how.as_str(), outcome.strip_prefix(":fail")) {
            ("success", None) if outcome == ":ok" => {
                let documented = api.facts().is_some_and(|facts| facts.err_code).then_some(0);
                if code != documented {
                    return Err(wrong(&format_args!("the errCode of a success is {code:?}")));
                }
                Reply::deserialize(api, Value::Object(answer)).map_err(|error| wrong(&error))
            }
            ("fail", Some(reason)) => Err(failure(api, kind, reason, code, answer)),
            _ => Err(wrong(&format_args!("{how} has the errMsg {said}"))),
        }
    }
}

/// The failure as the host had it. One that the host knows nothing of is the binding's own.
fn failure(api: Api, kind: Option<ErrorKind>, reason: &str, code: Option<i32>, fields: Map<String, Value>) -> Error {
    let has_fields = !fields.is_empty();
    let mut reason = reason.chars();
    let separator = reason.next().unwrap_or(' ');
    let error = Error::new(api, kind.unwrap_or(ErrorKind::Internal), reason.as_str().to_owned()).with_separator(separator);
    let error = match code {
        Some(code) => error.with_code(code),
        None => error,
    };
    match Reply::deserialize(api, Value::Object(fields)) {
        Ok(reply) if has_fields => error.with_reply(reply),
        _ => error,
    }
}

/// An event as a listener hears it: the arguments are its name and its payload.
pub(crate) struct Heard(pub(crate) Event);

impl<'de> Deserialize<'de> for Heard {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_tuple(2, NameAndPayload).map(Self)
    }
}

struct NameAndPayload;

impl<'de> Visitor<'de> for NameAndPayload {
    type Value = Event;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an event and its payload")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut args: A) -> std::result::Result<Event, A::Error> {
        let name: Option<String> = args.next_element()?;
        let event = name.as_deref().and_then(Api::from_name).ok_or_else(|| A::Error::custom("the name is of no event"))?;
        args.next_element_seed(Payload(event))?.ok_or_else(|| A::Error::custom("there is no payload"))
    }
}

/// Binary in it is binary: nothing of it passes through text.
struct Payload(Api);

impl<'de> DeserializeSeed<'de> for Payload {
    type Value = Event;

    fn deserialize<D: Deserializer<'de>>(self, payload: D) -> std::result::Result<Event, D::Error> {
        Event::deserialize(self.0, payload)
    }
}
