//! The decisions that every backend shares, as pure state machines.
//!
//! A backend moves bytes, shows dialogs and keeps time; what the right answer is, it asks here. So the fake in memory and the
//! backend on real hardware cannot disagree, and a rule is tested once, without either.
//!
//! | module | decides |
//! |---|---|
//! | [`aid`] | which AIDs are well-formed, and which of them a reader's selection means |
//! | [`apdu`] | what of a command selects an application, and which responses are legal |
//! | [`hce`] | whether a device can emulate a card, and which app a reader's command goes to |
//! | [`soter`] | the order of one biometric confirmation, and when the reader freezes |
//! | [`login`] | whether a code may be redeemed, and whether a session lives |
//! | [`open_data`] | what is sealed about a user, and for whom |
//! | [`authorization`] | whether a scope is granted, refused or still to be asked |
//!
//! ```
//! use wx_api::Api;
//! use wx_rules::{
//!     aid::parse_aid_list,
//!     hce::{Respond, Router, Step},
//! };
//!
//! let mut router = Router::default();
//! router.register("wallet", parse_aid_list(&["F222222222".into()])?).map_err(|code| code.error(Api::StartHce))?;
//!
//! // A reader selects the wallet: the command is the wallet's to answer.
//! let select = [0x00, 0xA4, 0x04, 0x00, 0x05, 0xF2, 0x22, 0x22, 0x22, 0x22];
//! assert_eq!(router.command(&select), Step::Deliver { to: "wallet", deselected: None });
//! assert_eq!(router.respond(&"wallet", &[0x90, 0x00])?, Respond::Send);
//!
//! // The card is taken away: the wallet is told.
//! assert_eq!(router.field_lost(), Some("wallet"));
//! # Ok::<(), wx_api::Error>(())
//! ```
//!
//! # Invariants
//!
//! - No I/O, no clock, no randomness, no locks, no runtime: time is an argument, and the same arguments give the same answer.
//! - No input panics, however malformed: commands and AIDs come from outside.
//! - What fails changes nothing, except where a rule counts failures.

pub mod aid;
pub mod apdu;
pub mod authorization;
pub mod hce;
pub mod login;
pub mod open_data;
pub mod soter;
