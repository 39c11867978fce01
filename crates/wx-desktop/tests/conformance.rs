//! The conformance suite over the desktop backend, its platform, its developers' servers, and a real reader where there is one.

mod reader;

use std::{
    env,
    io::{self, Write as _},
    process::ExitCode,
};

use wx_desktop::conformance::DesktopHarness;

fn main() -> ExitCode {
    match (wx_rig::missing(), env::var_os(wx_rig::REQUIRED)) {
        (Some(missing), Some(_)) => {
            let _ = writeln!(io::stderr(), "{} is set, but the PC/SC stack is {missing}", wx_rig::REQUIRED);
            ExitCode::FAILURE
        }
        (Some(missing), None) => {
            let _ = writeln!(io::stderr(), "the cases of card emulation use a reader in memory: the PC/SC stack is {missing}");
            wx_conformance::main(DesktopHarness::default())
        }
        (None, _) => wx_conformance::main(DesktopHarness {
            near_field: || Ok(reader::RealReader::new()?.near_field()),
            ..DesktopHarness::default()
        }),
    }
}
