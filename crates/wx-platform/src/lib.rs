//! The server side of mini-programs, both ends of it.
//!
//! - [`wire`]: what travels, field by field, and [`Errcode`], what it is refused with.
#![cfg_attr(feature = "client", doc = "- [`client`]: asking a platform, the real one or the server here.")]
#![cfg_attr(feature = "client", doc = "- [`developer`]: what a developer's server hands to its mini-program.")]
#![cfg_attr(feature = "server", doc = "- [`platform`]: what a platform decides.")]
#![cfg_attr(feature = "server", doc = "- [`server`]: a platform over HTTP.")]
#![cfg_attr(feature = "server", doc = "- [`store`]: what a server keeps, durably.")]
#![cfg_attr(all(feature = "client", feature = "server"), doc = include_str!("docs/example.md"))]

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "client")]
pub mod developer;
mod errcode;
#[cfg(feature = "server")]
pub mod platform;
mod primitives;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod store;
pub mod wire;

pub use errcode::Errcode;
