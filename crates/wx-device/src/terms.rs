//! What both ends hold to, whatever they agree on.

use std::time::Duration;

use wx_api::{Api, Effect};

/// How long it may take until two ends are sure of one another and have said hello.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long the last words may take.
pub(crate) const GOODBYE: Duration = Duration::from_secs(2);

/// What this end runs, for the logs of the other.
pub(crate) const BUILD: &str = concat!("wx-device ", env!("CARGO_PKG_VERSION"));

/// The most bytes of a message that either end takes, all parts together.
pub(crate) const LONGEST_MESSAGE: u32 = 16 << 20;

/// From this length on an agent says neither a result nor an event: half of what a host takes.
pub(crate) const TOO_LONG: usize = 8 << 20;

/// Whether a call changes nothing, so that it may be repeated and need not be remembered.
pub(crate) fn may_repeat(api: Api) -> bool {
    api.facts().is_some_and(|facts| facts.effect == Effect::Read)
}
