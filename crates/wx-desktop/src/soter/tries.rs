//! What is remembered of wrong fingers, over the end of the process.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task::spawn_blocking;
use wx_api::{Timestamp, Touch};
use wx_rules::soter::{Attempt, Finger, Lockout, Step};

use super::{StoreError, folder::Folder};

/// Where wrong fingers are counted, and when the reader froze. One for each reader: whoever shares it shares the tries.
#[derive(Clone, Debug)]
pub struct WrongTries(Kept);

#[derive(Clone, Debug)]
enum Kept {
    Memory(Arc<Mutex<Lockout>>),
    Folder(Folder),
}

pub(super) const NAME: &str = "lockout";

impl WrongTries {
    /// In this folder, for any number of processes. Before an answer tells of a wrong finger, it is on the disk that there was one: whoever
    /// starts the program anew has no new tries.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if the folder cannot be made.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use wx_desktop::soter::{FileCounter, MemoryFinger, Seal, SoftwareKey, SoterDevice, WrongTries};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let counter = Arc::new(FileCounter::open(folder)?);
    /// let keys = Arc::new(SoftwareKey::open(folder, &Seal::none())?);
    /// let wrong_tries = WrongTries::open(folder)?;
    /// let device = SoterDevice { keys, counter, prompt: Arc::new(MemoryFinger::default()), wrong_tries };
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        Ok(Self(Kept::Folder(Folder::open(folder.as_ref())?)))
    }

    /// In memory, for tests: a new process has all its tries.
    pub fn in_memory() -> Self {
        Self(Kept::Memory(Arc::default()))
    }

    /// As they are at this moment.
    pub(super) async fn at(&self, now: Timestamp) -> Result<Lockout, StoreError> {
        self.change(move |lockout| {
            lockout.settle(now);
            lockout.clone()
        })
        .await
    }

    /// What a touch does to an attempt. It is remembered also if nobody waits for the answer any more.
    pub(super) async fn judge(&self, attempt: Attempt, touch: Touch, now: Timestamp) -> Result<Step, StoreError> {
        let finger = match touch {
            Touch::Match { finger } => Finger::Match { fid: finger },
            Touch::NoMatch => Finger::NoMatch,
            Touch::Cancel => Finger::Cancel,
            Touch::Fault => Finger::Fault,
            Touch::NotEnrolled => Finger::NotEnrolled,
        };
        self.change(move |lockout| attempt.finger(finger, now, lockout)).await
    }

    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Lockout) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.0 {
            // Nothing panics under the lock.
            Kept::Memory(lockout) => Ok(change(&mut lockout.lock().unwrap_or_else(PoisonError::into_inner))),
            Kept::Folder(folder) => {
                let folder = folder.clone();
                spawn_blocking(move || change_file(&folder, change)).await?
            }
        }
    }
}

fn change_file<T>(folder: &Folder, change: impl FnOnce(&mut Lockout) -> T) -> Result<T, StoreError> {
    let locked = folder.lock()?;
    let damaged = |_| StoreError::Damaged { path: locked.path(NAME), problem: "it does not say how often fingers were wrong" };
    let before: Lockout = match locked.read(NAME)? {
        Some(text) => serde_json::from_str(&text).map_err(damaged)?,
        None => Lockout::default(),
    };
    let mut after = before.clone();
    let answer = change(&mut after);
    if after != before {
        locked.write(NAME, &serde_json::to_string(&after).map_err(damaged)?)?;
    }
    Ok(answer)
}
