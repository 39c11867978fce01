//! Real parts of the outside for tests.
//!
//! [`Stack`] is a PC/SC stack of a test's own: pcscd with the virtual reader of vsmartcard, on a socket, a configuration and a port
//! that nobody else has, so any number run at once. [`Terminal`] is a program with a card reader: pyscard, on a stack. [`Fingerprints`]
//! is an fprintd with libfprint's virtual reader, on a bus of its own. [`Swtpm`] is a TPM, [`Softhsm`] a PKCS#11 token, both in software.
//! [`Keyring`] is a secret service on a bus of its own, with a user who types passwords.
//!
//! Nothing here sleeps or polls: a stack is ready when its first program is, for pcscd answers none before it has its readers, and a bus
//! starts fprintd when it is first asked.
//!
//! What a machine lacks of a [`Facility`] is told by [`Facility::missing`], and a test that needs it says so instead of passing.

mod bus;
mod facility;
mod fingerprint;
mod keyring;
mod polkit;
mod ports;
mod softhsm;
mod stack;
mod swtpm;
mod terminal;
mod trials;

pub use self::{
    facility::{FINGERPRINTS, Facility, JAVA, NETWORKS, PCSC, SECRETS, TOKENS, TPM},
    fingerprint::{Fingerprints, Progress},
    keyring::Keyring,
    softhsm::Softhsm,
    stack::Stack,
    swtpm::Swtpm,
    terminal::Terminal,
    trials::{Test, main},
};
