//! The conformance suite over a link: the mock is in another process, behind an agent, and everything it answers comes over TCP.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

#[path = "../remote/mod.rs"]
mod remote;

use std::process::ExitCode;

use wx_mock::conformance::MockHarness;

fn main() -> ExitCode {
    remote::serve_if_asked(|| MockHarness);
    wx_conformance::main(remote::Remote::start("device"))
}
