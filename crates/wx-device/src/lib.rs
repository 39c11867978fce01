//! A device elsewhere as a backend: an agent there serves any backend, and [`Device`] is the same APIs here.
//!
//! The two are paired once, by a secret that a person brings from one to the other ([`Invitation`]), and know one another's keys from then on
//! ([`KeyRing`]). The link between them may be any stream of bytes ([`Address`]). A whole example is in the README of this crate; the
//! protocol is specified in `docs/link-protocol.md`.
//!
//! # Invariants
//!
//! - No API is named here. What can be called, and how, is the contract's to say.
//! - A call has exactly one answer. What does not only read is never run twice, whatever breaks.
//! - Nothing is said before the handshake but which versions there are; everything after it is encrypted.
//! - What may come from the other end is limited before it is read: frames, messages, calls, contexts, subscriptions, answers that are kept.
//! - No secret is in a log, an error or a `Debug` text.

mod address;
pub mod agent;
mod device;
mod error;
mod incoming;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod keyring;
mod numbered;
mod outgoing;
mod pairing;
mod secure;
mod terms;
mod waits;
mod wire;

pub use self::{
    address::{Address, AddressError},
    device::{Builder, Device},
    error::LinkError,
    keyring::{KeyRing, Peer},
    pairing::{Invitation, InvitationError},
    secure::{Identity, PairingSecret, PublicKey},
};

/// The README's example runs as a test of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
