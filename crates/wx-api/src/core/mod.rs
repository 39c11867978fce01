//! What every domain is made of. Nothing here knows a single domain.

mod api_set;
mod cx;
mod error;
mod event;
mod facts;
mod invoke;
pub mod json;
mod profile;
mod queue;
mod version;

#[cfg(feature = "mock")]
pub use self::invoke::MockInvoke;
pub use self::{
    api_set::ApiSet,
    cx::{AppId, Cx, UserId},
    error::{Error, ErrorKind, Result},
    event::{EventHub, EventSender, EventStream, Lagged, event_channel},
    facts::{Effect, EventFacts, EventType, Facts, JsType, Param, Policy, Request},
    invoke::{Answering, Invoke, Layer},
    profile::{Platform, Profile},
    version::{Version, VersionError},
};
