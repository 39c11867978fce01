//! The conformance suite over the desktop backend, its platform, its developers' servers, and a real card reader and a real fingerprint
//! reader where there are such.

mod finger;
mod reader;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    sync::Arc,
};

use wx_desktop::conformance::{DesktopHarness, FingerReader};
use wx_rig::{FINGERPRINTS, Facility, PCSC};

fn main() -> ExitCode {
    let mut harness = DesktopHarness::default();
    match is_there(&PCSC, "card emulation") {
        Ok(true) => harness.near_field = Arc::new(|| Ok(reader::RealReader::new()?.near_field())),
        Ok(false) => {}
        Err(failure) => return failure,
    }
    match is_there(&FINGERPRINTS, "SOTER") {
        Ok(true) => harness.finger = Arc::new(|| finger::RealFinger::reader(FingerReader::software)),
        Ok(false) => {}
        Err(failure) => return failure,
    }
    wx_conformance::main(harness)
}

/// Whether the machine has this facility. One that it must have and has not is a failure.
fn is_there(facility: &Facility, cases: &str) -> Result<bool, ExitCode> {
    let Some(missing) = facility.missing() else { return Ok(true) };
    if facility.is_required() {
        let _ = writeln!(io::stderr(), "{} is set, but it is {missing}", facility.required);
        return Err(ExitCode::FAILURE);
    }
    let _ = writeln!(io::stderr(), "the cases of {cases} use a reader in memory: the real one is {missing}");
    Ok(false)
}
