//! What SOTER has outside: a key, a counter, and a reader with a finger on it.

use std::{
    fmt, fs, io,
    path::Path,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use tempfile::TempDir;
use wx_conformance::{FingerHandle, Touch};

use crate::soter::{FileCounter, MemoryFinger, SoftwareKey, SoterDevice, SoterKeyStore, StoreError};

/// What SOTER has outside, for one bench.
pub struct FingerReader {
    /// The key, the counter and the reader.
    pub device: SoterDevice,
    /// The handle on the reader.
    pub handle: Arc<dyn FingerHandle>,
}

impl FingerReader {
    /// A key in a file, and a finger in memory.
    ///
    /// # Errors
    ///
    /// There is no folder to be had.
    pub fn in_memory() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let counter = FileCounter::open(&folder).map_err(io::Error::other)?;
        let keys = Arc::new(key(folder.path())?);
        let finger = Arc::new(MemoryFinger::default());
        let handle = InMemory { finger: finger.clone(), keys: keys.clone(), _folder: folder };
        Ok(Self { device: SoterDevice { keys, counter: Arc::new(counter), prompt: finger }, handle: Arc::new(handle) })
    }
}

impl fmt::Debug for FingerReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FingerReader").field("device", &self.device).finish_non_exhaustive()
    }
}

/// The key of this folder. All benches of a process have a copy of one: to make one takes longer than all the rest of a case.
fn key(folder: &Path) -> io::Result<SoftwareKey> {
    static FIRST: OnceLock<Result<TempDir, String>> = OnceLock::new();
    let make = || -> Result<TempDir, StoreError> {
        let folder = tempfile::tempdir().map_err(|source| StoreError::Io { doing: "made", path: "a folder".into(), source })?;
        SoftwareKey::open(&folder)?;
        Ok(folder)
    };
    let first = FIRST.get_or_init(|| make().map_err(|error| error.to_string()));
    let first = first.as_ref().map_err(|error| io::Error::other(error.clone()))?;
    fs::copy(first.path().join("key.pem"), folder.join("key.pem"))?; // with its permissions
    SoftwareKey::open(folder).map_err(io::Error::other)
}

struct InMemory {
    finger: Arc<MemoryFinger>,
    keys: Arc<SoftwareKey>,
    _folder: TempDir,
}

#[async_trait]
impl FingerHandle for InMemory {
    fn touch(&self, touch: Touch) {
        self.finger.touch(match touch {
            Touch::Match => wx_api::Touch::Match { finger: "7".to_owned() },
            Touch::NoMatch => wx_api::Touch::NoMatch,
            Touch::Cancel => wx_api::Touch::Cancel,
            Touch::Fault => wx_api::Touch::Fault,
        });
    }

    fn lift(&self) {
        self.finger.lift();
    }

    fn support(&self, supported: bool) {
        self.finger.set_sensor(supported.then(MemoryFinger::usual_sensor));
    }

    fn authorize(&self, allowed: bool) {
        self.finger.change_sensor(|sensor| sensor.allowed = allowed);
    }

    fn enroll(&self, enrolled: bool) {
        self.finger.change_sensor(|sensor| sensor.enrolled = enrolled);
    }

    fn dialogs(&self) -> Vec<String> {
        self.finger.dialogs()
    }

    async fn wait_for_dialogs(&self, count: usize) {
        self.finger.wait_for_dialogs(count).await;
    }

    fn public_key(&self) -> String {
        self.keys.public_key().to_owned()
    }
}
