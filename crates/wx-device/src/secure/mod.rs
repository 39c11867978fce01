//! Who is at the other end, and keeping everybody else out: greetings, handshakes, records.

#[cfg(feature = "aws-lc-rs")]
mod cipher;
mod greeting;
mod handshake;
mod keys;
mod records;

/// The versions this crate speaks, as texts have them.
pub(crate) const VERSION_TEXT: &str = "1 to 1";

pub use self::keys::{Identity, PairingSecret, PublicKey};
pub(crate) use self::{
    greeting::Purpose,
    handshake::{accept, busy, greet, link_as_agent, link_as_host, pair_as_agent, pair_as_host},
    records::{Opener, Sealer},
};

#[cfg(test)]
pub(crate) use self::handshake::tests::vectors;
