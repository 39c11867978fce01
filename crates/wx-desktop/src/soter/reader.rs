//! Whose turn it is at the reader, and what it remembers of wrong fingers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wx_api::{Timestamp, Touch, soter::StartSoterAuthenticationRequest};
use wx_rules::soter::{Attempt, Device, Failure, Finger, Lockout, Step, begin};

/// One reader, which one dialog has at a time.
#[derive(Debug, Default)]
pub(super) struct Reader(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    lockout: Lockout,
    is_taken: bool,
}

/// The reader is ours until this is dropped.
#[derive(Debug)]
pub(super) struct Turn(Arc<Mutex<State>>);

impl Reader {
    /// Begins an attempt, or says why there may be none at this moment.
    pub(super) fn begin(
        &self,
        req: &StartSoterAuthenticationRequest,
        device: &Device,
        now: Timestamp,
    ) -> Result<(Attempt, Turn), Failure> {
        let mut state = lock(&self.0);
        let attempt = begin(req, device, &state.lockout, now, state.is_taken)?;
        state.is_taken = true;
        Ok((attempt, Turn(self.0.clone())))
    }
}

impl Turn {
    /// What this does to the attempt.
    pub(super) fn judge(&self, attempt: Attempt, touch: Touch, now: Timestamp) -> Step {
        let finger = match touch {
            Touch::Match { finger } => Finger::Match { fid: finger },
            Touch::NoMatch => Finger::NoMatch,
            Touch::Cancel => Finger::Cancel,
            Touch::Fault => Finger::Fault,
            Touch::NotEnrolled => Finger::NotEnrolled,
        };
        attempt.finger(finger, now, &mut lock(&self.0).lockout)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&self.0).is_taken = false;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner) // nothing panics under the lock
}
