//! What a store must do: every sentence of the documentation of [`wx_platform::store::Store`], over every store.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed
#![cfg(feature = "server")]

mod behavior;
mod file;
mod place;
mod same;
mod samples;
