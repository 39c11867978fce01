//! Whose turn it is at the reader.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wx_api::{Timestamp, soter::StartSoterAuthenticationRequest};
use wx_rules::soter::{Attempt, Device, Failure, Lockout, begin};

/// One reader, which one dialog has at a time: whether one does.
#[derive(Debug, Default)]
pub(super) struct Reader(Arc<Mutex<bool>>);

/// The reader is ours until this is dropped.
#[derive(Debug)]
pub(super) struct Turn(Arc<Mutex<bool>>);

impl Reader {
    /// Begins an attempt, or says why there may be none at this moment, as far as it does not depend on earlier fingers.
    pub(super) fn begin(
        &self,
        req: &StartSoterAuthenticationRequest,
        device: &Device,
        now: Timestamp,
    ) -> Result<(Attempt, Turn), Failure> {
        let mut is_taken = lock(&self.0);
        let attempt = begin(req, device, &Lockout::default(), now, *is_taken)?;
        *is_taken = true;
        Ok((attempt, Turn(self.0.clone())))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *lock(&self.0) = false;
    }
}

fn lock(is_taken: &Mutex<bool>) -> MutexGuard<'_, bool> {
    is_taken.lock().unwrap_or_else(PoisonError::into_inner) // nothing panics under the lock
}
