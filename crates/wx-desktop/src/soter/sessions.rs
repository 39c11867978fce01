//! A connection to a part that may go away and come back.

use std::sync::{Mutex, PoisonError};

use super::StoreError;

/// The session there is, if any, for one caller at a time.
pub(super) struct Sessions<S>(Mutex<Option<S>>);

impl<S> Sessions<S> {
    /// With this one at hand.
    pub(super) fn new(session: S) -> Self {
        Self(Mutex::new(Some(session)))
    }

    /// Does this in the session there is, or else in a new one: the part may have been away since. Nothing is kept of a session that failed.
    pub(super) fn with<T>(
        &self,
        begin: impl FnOnce() -> Result<S, StoreError>,
        mut work: impl FnMut(&mut S) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // What panicked under the lock has left a session that at worst fails once.
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut session) = current.take()
            && let Ok(done) = work(&mut session)
        {
            *current = Some(session);
            return Ok(done);
        }
        let mut session = begin()?;
        let done = work(&mut session)?;
        *current = Some(session);
        Ok(done)
    }

    /// Does this while there is no session: the one there is ends.
    #[cfg(feature = "tpm")]
    pub(super) fn without<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(current.take());
        work()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use std::cell::Cell;

    use super::*;

    fn gone() -> StoreError {
        StoreError::Hardware { part: "part", source: "gone".into() }
    }

    #[test]
    fn a_session_that_works_is_kept_and_one_that_fails_is_not() {
        let begun = Cell::new(0);
        let begin = || {
            begun.set(begun.get() + 1);
            Ok(begun.get())
        };
        let sessions = Sessions::new(0);
        assert_eq!(sessions.with(begin, |session| Ok(*session)).unwrap(), 0);
        // The first has gone: a second one does it, and is kept.
        let second = |session: &mut u32| if *session == 0 { Err(gone()) } else { Ok(*session) };
        assert_eq!([(); 2].map(|()| sessions.with(begin, second).unwrap()), [1, 1]);
        // A new one fails too: that is told, and a third one begins next time.
        assert!(sessions.with(begin, |_| Err::<(), _>(gone())).is_err());
        assert_eq!(sessions.with(begin, |session| Ok(*session)).unwrap(), 3);
        assert_eq!(begun.get(), 3);
    }

    #[cfg(feature = "tpm")]
    #[test]
    fn what_wants_no_session_ends_the_one_there_is() {
        let sessions = Sessions::new(0);
        assert_eq!(sessions.without(|| 7), 7);
        assert_eq!(sessions.with(|| Ok(1), |session| Ok(*session)).unwrap(), 1);
    }

    #[test]
    fn a_part_that_is_not_there_is_told() {
        let sessions = Sessions::new(0);
        assert!(sessions.with(|| Err(gone()), |_| Err::<(), _>(gone())).is_err());
        assert!(sessions.with(|| Err(gone()), |_| Ok(())).is_err(), "nothing was kept");
    }
}
