//! The client, and the developer sessions over it, over real HTTP: against a platform that misbehaves on purpose, and against the server.

#![cfg(feature = "client")]
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

mod requests;
mod scripted;
#[cfg(feature = "server")]
mod server;
mod sessions;
mod tokens;
