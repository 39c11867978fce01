//! The session keys of one user: the current one, and the one before it.

use wx_api::Timestamp;
use wx_crypto::SessionKey;

/// The keys, by when the sign-in that brought them began.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub(super) current: SessionKey,
    begun: u64,
    /// When it was exchanged, which ended the one before it.
    since: Timestamp,
    pub(super) previous: Option<Previous>,
}

/// A key that a later login has replaced.
#[derive(Clone, Debug)]
pub(super) struct Previous {
    pub(super) key: SessionKey,
    begun: u64,
    /// When the later login was exchanged.
    pub(super) ended: Timestamp,
}

impl Keys {
    /// The key of a user's first sign-in.
    pub(super) fn new(key: SessionKey, begun: u64, now: Timestamp) -> Self {
        Self { current: key, begun, since: now, previous: None }
    }

    /// Takes in the key of another sign-in, which began as number `begun` and has ended now.
    pub(super) fn add(&mut self, key: SessionKey, begun: u64, now: Timestamp) {
        if key == self.current {
            self.begun = self.begun.max(begun); // another code of the same login
        } else if begun > self.begun {
            let key = std::mem::replace(&mut self.current, key);
            self.previous = Some(Previous { key, begun: self.begun, ended: now });
            (self.begun, self.since) = (begun, now);
        } else if self.previous.as_ref().is_none_or(|previous| previous.begun < begun) {
            // An answer that was overtaken: its key ended when that of the later sign-in came.
            self.previous = Some(Previous { key, begun, ended: self.since });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> SessionKey {
        SessionKey::from_bytes([number; 16])
    }

    fn at(second: u64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn previous(keys: &Keys) -> Option<(SessionKey, Timestamp)> {
        keys.previous.as_ref().map(|previous| (previous.key.clone(), previous.ended))
    }

    #[test]
    fn a_later_sign_in_makes_the_current_key_the_previous_one() {
        let mut keys = Keys::new(key(1), 1, at(1));
        keys.add(key(2), 2, at(2));
        assert_eq!((keys.current.clone(), previous(&keys)), (key(2), Some((key(1), at(2)))));
        keys.add(key(3), 3, at(3));
        assert_eq!((keys.current.clone(), previous(&keys)), (key(3), Some((key(2), at(3)))));
    }

    #[test]
    fn an_answer_that_was_overtaken_brings_a_previous_key() {
        let mut keys = Keys::new(key(2), 2, at(2));
        keys.add(key(1), 1, at(9));
        assert_eq!((keys.current.clone(), previous(&keys)), (key(2), Some((key(1), at(2)))));
    }

    #[test]
    fn an_answer_older_than_both_keys_changes_nothing() {
        let mut keys = Keys::new(key(2), 2, at(2));
        keys.add(key(3), 3, at(3));
        keys.add(key(1), 1, at(4));
        assert_eq!((keys.current.clone(), previous(&keys)), (key(3), Some((key(2), at(3)))));
    }

    #[test]
    fn the_same_key_again_leaves_the_previous_one_alone() {
        let mut keys = Keys::new(key(1), 1, at(1));
        keys.add(key(2), 2, at(2));
        keys.add(key(2), 4, at(4));
        assert_eq!((keys.current.clone(), previous(&keys)), (key(2), Some((key(1), at(2)))));
        keys.add(key(3), 3, at(5));
        assert_eq!(keys.current, key(2), "the third sign-in began before the one that brought this key last");
    }
}
