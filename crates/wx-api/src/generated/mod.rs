// Derived by `cargo xtask codegen` from the domain files. Do not edit.

//! What is derived from the domain files.

mod api;
mod call;
mod event;
mod host;
mod reply;

pub use self::{api::Api, call::Call, event::Event, host::Host, reply::Reply};
