//! One behaviour suite that every backend of the mini-program runtime API must pass.
//!
//! The contract's documentation is the specification: every bullet under `# Behavior` in [`wx_api`] names a case of this crate.
//! A backend supplies a [`Harness`], which opens a fresh [`Bench`] for each case: the APIs behind every layer a product would
//! have, and handles on the outside (the user, the server, the finger, the reader, time) for the case to drive. A stranger's
//! backend that supplies no handles yet is judged from a test file of three lines with `harness = false`:
//!
//! ```no_run
//! # mod kiosk { pub fn host() -> wx_api::Host { wx_api::Host::default() } }
//! fn main() -> std::process::ExitCode {
//!     wx_conformance::main(wx_conformance::Plain::new("kiosk", kiosk::host))
//! }
//! ```
//!
//! One case can be judged alone:
//!
//! ```
//! use wx_api::{Host, Profile};
//! use wx_conformance::{Plain, Verdict, cases, judge};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let case = cases().find(|case| case.name == "login::codes_differ").unwrap();
//! let report = judge(&Plain::new("nothing", Host::default), case, Profile::default()).await;
//! assert_eq!(report.verdict, Verdict::Unsupported { apis: vec!["login".into()] });
//! # });
//! ```
//!
//! # Invariants
//!
//! - Every case gives a visible verdict: nothing passes because it was not run.
//! - A case checks one behaviour, by what anyone outside can see. Signatures and sealed data are checked with
//!   [`wx_crypto`] and the session key, never by asking the backend whether it is content with itself.
//! - No backend is a dependency, and no case knows one. What differs between platforms a case asks the profile.
//! - No case sleeps. Time is the bench's clock, and everything else is awaited.
//! - A failure's text holds neither a session key nor a sign-in code.

mod all;
mod case;
mod cases;
mod harness;
mod report;
mod run;
mod suite;
mod trials;
mod world;

pub use self::{
    all::judge_all,
    case::*,
    harness::{Harness, KnownFailure, Plain},
    report::{CaseReport, Report, Verdict},
    run::{LIMIT, judge},
    suite::{cases, label, profiles},
    trials::{REPORT, main},
    world::*,
};
