//! What SOTER has outside: a key, a counter, and a reader with a finger on it.

use std::{
    fmt, fs, io,
    path::Path,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use tempfile::TempDir;
use wx_api::BiometricPrompt;
use wx_conformance::{FingerHandle, Touch};

use crate::soter::{FileCounter, MemoryFinger, Seal, SoftwareKey, SoterDevice, SoterKeyStore, WrongTries};

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
        let (folder, finger) = (tempfile::tempdir()?, Arc::new(MemoryFinger::default()));
        let device = Self::software(folder.path(), finger.clone())?;
        let handle = InMemory { finger, keys: device.keys.clone(), _folder: folder };
        Ok(Self { device, handle: Arc::new(handle) })
    }

    /// A key and a counter in files of this folder. All benches of a process have a copy of one key: to make one takes longer than all
    /// the rest of a case.
    ///
    /// # Errors
    ///
    /// The files could not be made.
    pub fn software(folder: &Path, prompt: Arc<dyn BiometricPrompt>) -> io::Result<SoterDevice> {
        let counter = Arc::new(FileCounter::open(folder).map_err(io::Error::other)?);
        for name in [KEY, RECORDS] {
            fs::copy(first()?.join(name), folder.join(name))?; // with its permissions
        }
        let keys = Arc::new(SoftwareKey::open(folder, &Seal::none()).map_err(io::Error::other)?);
        let wrong_tries = WrongTries::open(folder).map_err(io::Error::other)?;
        Ok(SoterDevice { keys, counter, prompt, wrong_tries })
    }
}

impl fmt::Debug for FingerReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FingerReader").field("device", &self.device).finish_non_exhaustive()
    }
}

const KEY: &str = "key.pem";
/// Who vouches for it.
const RECORDS: &str = "records";

/// The folder of the key that all have a copy of.
fn first() -> io::Result<&'static Path> {
    static FIRST: OnceLock<Result<TempDir, String>> = OnceLock::new();
    let make = || {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        SoftwareKey::open(&folder, &Seal::none()).map_err(|error| error.to_string())?;
        Ok(folder)
    };
    FIRST.get_or_init(make).as_ref().map(TempDir::path).map_err(|error: &String| io::Error::other(error.clone()))
}

struct InMemory {
    finger: Arc<MemoryFinger>,
    keys: Arc<dyn SoterKeyStore>,
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
