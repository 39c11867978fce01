//! The words of the protocol: pure, without a single read or write. `docs/link-protocol.md` is their specification.

mod frames;
mod message;
mod parts;
pub(crate) mod value;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod vectors;

pub(crate) use self::{
    frames::Frames,
    message::*,
    parts::{PART, Parts, split},
};
