use std::io;

use crate::secure;

/// Why two ends do not come together, or no longer are. It never names a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The connection.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Somebody else listens there.
    #[error("what listens there is no agent: is the address right?")]
    NoAgent,
    /// No version in common.
    #[error("the other end speaks versions {} to {} of the protocol, this one {}: update the older of the two", theirs.0, theirs.1, secure::VERSION_TEXT)]
    Version {
        /// What the other end speaks, from and to.
        theirs: (u8, u8),
    },
    /// Too many connections.
    #[error("the agent has too many connections: try again later")]
    Busy,
    /// Nobody is expected to pair.
    #[error("the agent expects nobody: run `wx agent pair` at the device, and use what it shows within ten minutes")]
    NotPairing,
    /// One end does not know the other, or the secret is not the right one.
    #[error("the other end does not know this one, or is not the one that was paired: pair the two again")]
    Refused,
    /// Encryption failed: what came was changed on its way.
    #[error("what came does not decrypt: somebody or something changed it on its way")]
    Cipher,
    /// The other end does not keep to the protocol.
    #[error("the other end does not keep to the protocol: it sent {0}")]
    Garbage(String),
    /// Nothing came for too long.
    #[error("nothing came from the other end for {0} s")]
    Silent(u64),
    /// The other end said why it goes.
    #[error("the other end said goodbye: {0}")]
    Goodbye(String),
    /// The folder of keys.
    #[error("{path}: {why}")]
    Keys {
        /// Which file or folder.
        path: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// No device is paired at that address.
    #[error("no device is paired at {0}: run `wx agent pair` there, and `wx agent join` here with what it shows")]
    Unpaired(String),
}

impl From<snow::Error> for LinkError {
    /// What Noise says is of no use to a person, and some of it to an attacker.
    fn from(_: snow::Error) -> Self {
        Self::Cipher
    }
}
