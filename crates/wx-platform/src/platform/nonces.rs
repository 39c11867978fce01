//! What devices have to sign, so that an old attestation is no new one.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use wx_api::Timestamp;

use super::{Refused, random};

/// How long one is good.
const LIFE: Duration = Duration::from_secs(5 * 60);
/// How many are kept. Whoever asks for more makes the oldest ones useless.
const MOST: usize = 4096;

/// Bytes that were given out and have not come back, the oldest first. They are kept in this process: what one server gave out, another does
/// not know.
#[derive(Default)]
pub(super) struct Nonces(Mutex<VecDeque<Given>>);

struct Given {
    nonce: [u8; 32],
    openid: String,
    good_until: Timestamp,
}

impl Nonces {
    /// A new one for this user of an app.
    pub(super) fn give(&self, openid: String, now: Timestamp) -> Result<[u8; 32], Refused> {
        let nonce = random::bytes()?;
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if given.len() >= MOST {
            given.pop_front();
        }
        given.push_back(Given { nonce, openid, good_until: now + LIFE });
        Ok(nonce)
    }

    /// Uses one up; answers whether it was this user's, and good.
    pub(super) fn take(&self, nonce: &[u8], openid: &str, now: Timestamp) -> bool {
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while given.front().is_some_and(|oldest| oldest.good_until <= now) {
            given.pop_front();
        }
        let at = given.iter().position(|given| given.nonce == nonce && given.openid == openid);
        // One more look at the time: a clock that went back may leave an old one behind a newer one.
        at.and_then(|at| given.remove(at)).is_some_and(|given| given.good_until > now)
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn give(nonces: &Nonces, openid: &str) -> [u8; 32] {
        nonces.give(openid.to_owned(), NOW).unwrap()
    }

    #[test]
    fn each_is_good_once_for_its_user() {
        let nonces = Nonces::default();
        let [one, other] = [(); 2].map(|()| give(&nonces, "o1"));
        assert_ne!(one, other);
        assert!(!nonces.take(&one, "o2", NOW) && !nonces.take(&one[..31], "o1", NOW));
        assert!(nonces.take(&other, "o1", NOW) && nonces.take(&one, "o1", NOW));
        assert!(!nonces.take(&one, "o1", NOW), "used up");
    }

    #[test]
    fn each_is_good_for_five_minutes() {
        let nonces = Nonces::default();
        let [one, other] = [(); 2].map(|()| give(&nonces, "o1"));
        assert!(nonces.take(&one, "o1", NOW + Duration::from_millis(299_999)));
        assert!(!nonces.take(&other, "o1", NOW + LIFE));
    }

    #[test]
    fn the_oldest_makes_room() {
        let nonces = Nonces::default();
        let first = give(&nonces, "o1");
        let second = give(&nonces, "o1");
        for _ in 1..MOST {
            give(&nonces, "o2");
        }
        assert!(!nonces.take(&first, "o1", NOW) && nonces.take(&second, "o1", NOW));
    }
}
