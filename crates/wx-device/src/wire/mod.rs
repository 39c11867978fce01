//! The words of the protocol: pure, without a single read or write. `docs/link-protocol.md` is their specification.

mod frames;
mod message;
mod parts;
pub(crate) mod value;

pub(crate) use self::{
    frames::Frames,
    message::{Call, Context, Event, Hello, Limits, Message, Subscribe, Welcome},
    parts::{PART, Parts, split},
};
