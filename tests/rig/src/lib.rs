//! Real parts of the outside for tests.
//!
//! [`Stack`] is a PC/SC stack of a test's own: pcscd with the virtual reader of vsmartcard, on a socket, a configuration and a port
//! that nobody else has, so any number run at once. [`Terminal`] is a program with a card reader: pyscard, on a stack.
//!
//! Nothing here sleeps or polls: a stack is ready when its first program is, for pcscd answers none before it has its readers.
//!
//! What a machine lacks is told by [`missing`], and a test that needs it says so instead of passing.

mod ports;
mod stack;
mod terminal;
mod trials;

use std::{path::Path, process::Command, sync::OnceLock};

pub use self::{
    stack::Stack,
    terminal::Terminal,
    trials::{Test, main},
};

/// The environment variable that makes tests fail on a machine without a PC/SC stack, instead of saying that they did not run.
pub const REQUIRED: &str = "WX_REQUIRE_PCSC";

/// The parts, and the Debian package of each.
const PARTS: &[(&str, &str)] =
    &[(stack::PCSCD, "pcscd"), (stack::DRIVER, "vsmartcard-vpcd"), (terminal::PYTHON, "python3-pyscard")];

/// What this machine lacks for a stack and a terminal, by the names of Debian's packages; `None` when all is there.
pub fn missing() -> Option<&'static str> {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    let look = || {
        let mut packages: Vec<_> =
            PARTS.iter().filter(|(file, _)| !Path::new(file).exists()).map(|(_, package)| *package).collect();
        let mut pyscard = Command::new(terminal::PYTHON);
        if packages.is_empty() && !pyscard.args(["-c", "import smartcard.scard"]).output().is_ok_and(|ran| ran.status.success())
        {
            packages.push("python3-pyscard");
        }
        if packages.is_empty() { None } else { Some(format!("not installed: {}", packages.join(", "))) }
    };
    MISSING.get_or_init(look).as_deref()
}
