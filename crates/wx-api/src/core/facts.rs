use serde::{Serialize, de::DeserializeOwned};

use crate::{Call, Error, Reply, Scope, Version};

/// What is known of one API beside its types. It stands next to the request in the domain's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The name scripts use, such as `getHCEState`.
    pub name: &'static str,
    /// The first base library that has it.
    pub since: Version,
    /// The consent a user must have given before it runs.
    pub scope: Option<Scope>,
    /// What running it twice would do.
    pub effect: Effect,
    /// Whether its page documents `errCode`, which is then 0 on success.
    pub err_code: bool,
}

/// What running a call twice would do. Links and recorders decide by it whether a lost answer may be asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing: may be repeated freely.
    Read,
    /// Changes something, and a repetition changes nothing further.
    Set,
    /// Every run has an effect of its own, so it must never be repeated silently.
    Once,
}

/// What is known of one event beside its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventFacts {
    /// The name scripts subscribe with, such as `onHCEMessage`.
    pub on: &'static str,
    /// The name scripts unsubscribe with.
    pub off: &'static str,
    /// The first base library that has `on`.
    pub since: Version,
    /// The first base library that has `off`.
    pub off_since: Version,
    /// What happens when a subscriber does not keep up.
    pub policy: Policy,
}

/// What happens to an event when its subscriber does not keep up. No other subscriber notices, and no other event of the same
/// subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// Every event matters. This many of it wait at most; what comes after is counted and reported as
    /// [`Lagged`](crate::Lagged).
    Lossless(usize),
    /// Only the newest matters: it replaces one that still waits, and nobody misses the old one.
    Latest,
}

/// The request of one API: its parameters, its result and its facts.
///
/// ```
/// use wx_api::{Request, login::LoginRequest};
///
/// assert_eq!(LoginRequest::FACTS.name, "login");
/// ```
pub trait Request: Clone + Serialize + DeserializeOwned + Into<Call> + Send + 'static {
    /// What a successful call answers.
    type Reply: TryFrom<Reply, Error = Error> + Into<Reply> + Serialize + DeserializeOwned + Send + 'static;
    /// The facts of the API.
    const FACTS: Facts;
    /// The first base library of each parameter that is younger than its API, by the parameter's name in scripts.
    const PARAMS_SINCE: &'static [(&'static str, Version)] = &[];

    /// Adds to a parameter error what the API's page documents for it, such as a code. `parameter` is the name of the one that is
    /// wrong, and empty when the arguments as a whole are.
    fn bad_parameter(parameter: &str, error: Error) -> Error {
        let _ = parameter;
        error
    }
}

/// The payload of one event and its facts.
pub trait EventType: Clone + Serialize + DeserializeOwned + Send + 'static {
    /// The facts of the event.
    const FACTS: EventFacts;
}

/// One parameter of an API as a script sees it: derived from the request type, checked at the JSON edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// The name scripts use.
    pub name: &'static str,
    /// The type it must have.
    pub ty: JsType,
    /// Whether it must be given.
    pub required: bool,
    /// The first base library that has it.
    pub since: Version,
}

/// The JavaScript type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsType {
    /// A string.
    String,
    /// A string out of a closed list.
    OneOf(&'static [&'static str]),
    /// A number.
    Number,
    /// A boolean.
    Boolean,
    /// Binary data; `{"base64": ".."}` in JSON.
    ArrayBuffer,
    /// An array whose elements all have one type.
    Array(&'static JsType),
    /// An object.
    Object,
}

impl JsType {
    /// The name the documented message uses: `parameter.scope should be String instead of Number;`.
    pub fn name(self) -> &'static str {
        match self {
            Self::String | Self::OneOf(_) => "String",
            Self::Number => "Number",
            Self::Boolean => "Boolean",
            Self::ArrayBuffer => "ArrayBuffer",
            Self::Array(_) => "Array",
            Self::Object => "Object",
        }
    }
}
