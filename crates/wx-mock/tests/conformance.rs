//! The conformance suite over the mock world.

use std::process::ExitCode;

use wx_mock::conformance::MockHarness;

fn main() -> ExitCode {
    wx_conformance::main(MockHarness)
}
