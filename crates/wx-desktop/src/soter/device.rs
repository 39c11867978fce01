//! What confirms for a host: a device that is open, or will be.

use std::{fmt, path::Path, sync::Arc};

use async_trait::async_trait;
use tokio::sync::OnceCell;
use wx_api::BiometricPrompt;

use super::{FileCounter, MonotonicCounter, Seal, SoftwareKey, SoterKeyStore, StoreError, WrongTries};

/// What confirms for the mini-programs of a host. Any number of desktops may share the parts.
#[derive(Clone)]
pub struct SoterDevice {
    /// Where the key is.
    pub keys: Arc<dyn SoterKeyStore>,
    /// What counts the key's signatures. One key, one counter.
    pub counter: Arc<dyn MonotonicCounter>,
    /// Who asks for the finger.
    pub prompt: Arc<dyn BiometricPrompt>,
    /// Where wrong fingers are remembered.
    pub wrong_tries: WrongTries,
}

impl SoterDevice {
    /// A key, a counter and the wrong tries in files of this folder, which are made if they are not there. The key is kept as the seal has it.
    /// Making a key takes a tenth of a second or two.
    ///
    /// # Errors
    ///
    /// As [`FileCounter::open`] and [`SoftwareKey::open`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use wx_desktop::soter::{MemoryFinger, Seal, SoterDevice};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let finger = Arc::new(MemoryFinger::default()); // a product has a real one
    /// let device = SoterDevice::software(folder, finger, &Seal::none())?;
    /// assert_eq!(device.keys.name(), "software"); // and does not pretend to be more
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn software(folder: impl AsRef<Path>, prompt: Arc<dyn BiometricPrompt>, seal: &Seal) -> Result<Self, StoreError> {
        let counter = Arc::new(FileCounter::open(&folder)?); // first: it is begun in an empty folder only
        let wrong_tries = WrongTries::open(&folder)?;
        Ok(Self { keys: Arc::new(SoftwareKey::open(&folder, seal)?), counter, prompt, wrong_tries })
    }
}

impl fmt::Debug for SoterDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoterDevice").field("keys", &self.keys).field("counter", &self.counter).finish_non_exhaustive()
    }
}

/// Opens a [`SoterDevice`] when something is first to be confirmed. See [`Builder::soter_when_needed`](crate::Builder::soter_when_needed).
///
/// ```no_run
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use tokio::task::spawn_blocking;
/// use wx_api::BiometricPrompt;
/// use wx_desktop::soter::{OpenSoter, Seal, SoterDevice, StoreError};
///
/// struct Later(Arc<dyn BiometricPrompt>);
///
/// #[async_trait]
/// impl OpenSoter for Later {
///     fn prompt(&self) -> Arc<dyn BiometricPrompt> {
///         self.0.clone()
///     }
///
///     async fn open(&self) -> Result<SoterDevice, StoreError> {
///         let prompt = self.prompt();
///         spawn_blocking(|| SoterDevice::software("/home/li/.local/share/wx/soter", prompt, &Seal::none())).await?
///     }
/// }
/// ```
#[async_trait]
pub trait OpenSoter: Send + Sync {
    /// Who asks for the finger, and knows of the reader before anything is open.
    fn prompt(&self) -> Arc<dyn BiometricPrompt>;

    /// Opens the device. The call that needs it waits, so what blocks belongs on another thread.
    ///
    /// # Errors
    ///
    /// It cannot be opened at this moment. The call fails with 90007, and has the reason as its source; the next one tries again.
    async fn open(&self) -> Result<SoterDevice, StoreError>;
}

/// A device that is open opens itself.
#[async_trait]
impl OpenSoter for SoterDevice {
    fn prompt(&self) -> Arc<dyn BiometricPrompt> {
        self.prompt.clone()
    }

    async fn open(&self) -> Result<SoterDevice, StoreError> {
        Ok(self.clone())
    }
}

/// A device that is open, or will be.
pub(crate) struct Opened {
    prompt: Arc<dyn BiometricPrompt>,
    opener: Arc<dyn OpenSoter>,
    device: OnceCell<SoterDevice>,
}

impl Opened {
    pub(crate) fn by(opener: Arc<dyn OpenSoter>) -> Self {
        Self { prompt: opener.prompt(), opener, device: OnceCell::new() }
    }

    pub(super) fn prompt(&self) -> &dyn BiometricPrompt {
        &*self.prompt
    }

    /// The device, open.
    pub(super) async fn get(&self) -> Result<&SoterDevice, StoreError> {
        self.device.get_or_try_init(|| self.opener.open()).await
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Opened").field(&self.device.get()).finish()
    }
}
