//! The conformance suite over a link to the real parts of a desktop: platform server, card reader and fingerprint reader are in another
//! process, behind an agent.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed
#![allow(clippy::print_stderr)] // says what it does without

#[path = "../../../wx-desktop/tests/finger/mod.rs"]
mod finger;
#[path = "../../../wx-desktop/tests/reader/mod.rs"]
mod reader;
#[path = "../remote/mod.rs"]
mod remote;

use std::{process::ExitCode, sync::Arc};

use wx_desktop::conformance::{DesktopHarness, FingerReader};
use wx_rig::{FINGERPRINTS, PCSC};

fn main() -> ExitCode {
    for (facility, cases) in [(&PCSC, "card emulation"), (&FINGERPRINTS, "SOTER")] {
        let Some(missing) = facility.missing() else { continue };
        if facility.is_required() {
            eprintln!("{} is set, but it is {missing}", facility.required);
            return ExitCode::FAILURE;
        }
        eprintln!("the cases of {cases} use a reader in memory: the real one is {missing}");
    }
    remote::serve_if_asked(|| {
        let mut harness = DesktopHarness::default();
        if PCSC.missing().is_none() {
            harness.near_field = Arc::new(|| Ok(reader::RealReader::new()?.near_field()));
        }
        if FINGERPRINTS.missing().is_none() {
            harness.finger = Arc::new(|| finger::RealFinger::reader(FingerReader::software));
        }
        harness
    });
    wx_conformance::main(remote::Remote::start("device over desktop"))
}
