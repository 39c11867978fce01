//! The conformance suite over the desktop backend.

mod reader;

use std::{io, process::ExitCode};

use wx_desktop::conformance::{DesktopHarness, NearField};

fn main() -> ExitCode {
    wx_conformance::main(DesktopHarness { near_field })
}

/// A real reader, where there is one.
fn near_field() -> io::Result<NearField> {
    match wx_rig::missing() {
        None => Ok(reader::RealReader::new()?.near_field()),
        Some(_) => NearField::in_memory(),
    }
}
