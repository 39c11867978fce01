//! The server side of mini-programs, both ends of it.
//!
//! - [`wire`]: what travels, field by field, and [`Errcode`], what it is refused with.
#![cfg_attr(feature = "server", doc = "- [`store`]: what a server keeps, durably.")]

mod errcode;
#[cfg(feature = "server")]
pub mod platform;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod store;
pub mod wire;

pub use errcode::Errcode;
