//! What a mini-program's server and a host compute over users' data: signatures, encrypted open data, and the RSA-PSS
//! signatures of SOTER.
//!
//! - [`signature`]: `sha1(rawData + session_key)`, made and checked.
//! - [`open_data`]: AES-128-CBC with a watermark, sealed, decrypted and checked, with a reason for every refusal.
//! - [`soter`]: what a device signed, verified and read.
//! - [`record`]: the keys it signs with, as it exports them, each vouched for by another.
//! - [`attestation`]: what a TPM says of such a key, and of its counter.
//! - [`pss`]: SHA256withRSA/PSS with the salt lengths that SOTER knows.
//!
//! ```
//! use wx_crypto::{Expect, OpenDataError, SessionKey, open_data};
//!
//! let key = SessionKey::from_base64("HyVFkGl5F5OQWJZZaNzBBg==")?;
//! let json = r#"{"openId":"o1","watermark":{"appid":"wx4f4bc4dec97d474b","timestamp":1800000000}}"#;
//!
//! // The host seals ...
//! let sealed = open_data::seal(json.as_bytes(), &key, [7; 16]);
//!
//! // ... and the server opens, a minute later.
//! let expect = Expect { appid: "wx4f4bc4dec97d474b", now_s: 1_800_000_060, max_age_s: 7200, max_skew_s: 300 };
//! let opened = open_data::open(&sealed.encrypted_data, &sealed.iv, &key, &expect)?;
//! assert_eq!(opened.json, json);
//! assert_eq!(opened.watermark.timestamp, 1_800_000_000);
//!
//! // The next day the same data is refused, and the error says why.
//! let tomorrow = Expect { now_s: expect.now_s + 86_400, ..expect };
//! let refused = open_data::open(&sealed.encrypted_data, &sealed.iv, &key, &tomorrow);
//! assert_eq!(refused.map_err(|e| (e.code(), e.reason())).unwrap_err(), (-41003, "Stale"));
//! # Ok::<(), OpenDataError>(())
//! ```
//!
//! # Features
//!
//! The last four of these modules need RSA: from `aws-lc-rs`, which is the default and takes a C compiler, or in pure Rust from `rsa`.
//! With both, `aws-lc-rs` does the work; see [`pss`]. Without either, the modules are not there, and the others are as they were.
//!
//! # Invariants
//!
//! - Pure functions: no I/O, no clock, no source of randomness. The time, the initialisation vector and the salt are arguments.
//!   `pss::sign` alone draws its salt itself, and `SoterSigner::generate` its key.
//! - No input makes a function panic, recurse without bound, or allocate more than a small multiple of the input's size.
//! - Secrets are wiped on drop, never printed by `Debug`, and compared in constant time. Errors repeat neither a secret nor
//!   decrypted data, so they may be logged.
//! - Nothing is repaired or guessed: one text has one meaning, or is refused. Who wants repairs says so, and is told of each:
//!   [`open_data::open_lenient`].
//!
//! # Tell the log why, not the client
//!
//! AES-CBC without a MAC tells whoever may submit altered data and learn whether the *padding* was wrong what the data says.
//! Reasons are for a server's log and its operator. Answer a client with the numeric code alone, and check the
//! [`signature`] first where the API gives one.

#[cfg(any(feature = "aws-lc-rs", feature = "rsa"))]
pub mod attestation;
mod json;
pub mod open_data;
#[cfg(any(feature = "aws-lc-rs", feature = "rsa"))]
pub mod pss;
#[cfg(any(feature = "aws-lc-rs", feature = "rsa"))]
pub mod record;
mod secret;
mod session_key;
pub mod signature;
#[cfg(any(feature = "aws-lc-rs", feature = "rsa"))]
pub mod soter;

pub use open_data::{Expect, OpenDataError, Opened, Sealed, Watermark};
#[cfg(feature = "rsa")]
pub use pss::SaltedSigner;
#[cfg(feature = "aws-lc-rs")]
pub use pss::SoterSigner;
#[cfg(any(feature = "aws-lc-rs", feature = "rsa"))]
pub use pss::{PssError, SaltLen, SoterVerifier};
#[cfg(any(feature = "aws-lc-rs", feature = "rsa"))]
pub use record::RecordError;
pub use secret::Secret;
pub use session_key::SessionKey;
#[cfg(any(feature = "aws-lc-rs", feature = "rsa"))]
pub use soter::SoterError;

/// The README's examples run as tests of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
