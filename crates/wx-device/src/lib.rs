//! A device elsewhere as a backend.
mod address;
#[cfg(feature = "agent")]
pub mod agent;
mod device;
mod error;
mod incoming;
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals;
mod keyring;
mod outgoing;
mod pairing;
mod secure;
mod wire;

pub use self::{
    address::{Address, AddressError},
    device::{Builder, Device},
    error::LinkError,
    keyring::{KeyRing, Peer},
    pairing::{Invitation, InvitationError},
    secure::{Identity, PairingSecret, PublicKey},
};

/// Waits until it is true, or nobody is left who could make it so.
async fn is_set(flag: &mut tokio::sync::watch::Receiver<bool>) {
    let _ = flag.wait_for(|set| *set).await; // either way the wait is over
}
