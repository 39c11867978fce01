//! The conformance suite over the desktop backend, its platform and its developers' servers.

use std::process::ExitCode;

use wx_desktop::conformance::DesktopHarness;

fn main() -> ExitCode {
    wx_conformance::main(DesktopHarness)
}
