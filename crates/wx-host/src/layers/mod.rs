//! The layers around a backend. Each wraps an [`Invoke`](wx_api::Invoke) and keeps its own state.
//!
//! They write out the signature of `invoke` instead of using `#[async_trait]`: a layer that has nothing to do for a call hands on
//! the future of the one below, and costs no allocation.

mod fault;
mod gate;
mod record;
mod replay;
mod timeout;
mod trace;

pub use self::{
    fault::{Fault, Trouble},
    gate::Gate,
    record::Record,
    replay::{Replay, ReplayError},
    timeout::Timeout,
    trace::Trace,
};
