//! SOTER on the desktop: its codes, its faults, and what it signs as others verify it.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

mod bench;
mod codes;
mod faults;
mod opening;
mod secrets;
mod tries;
mod verified;
