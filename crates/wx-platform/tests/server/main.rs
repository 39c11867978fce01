//! The server over real HTTP.

#![cfg(feature = "server")]
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

mod chain;
mod disk;
mod errcodes;
mod hosts;
mod protection;
mod rig;
mod sessions;
mod soter;
mod tokens;
