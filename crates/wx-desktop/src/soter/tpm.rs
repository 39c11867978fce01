//! A key and a counter in a TPM 2.0.

mod record;
mod session;

use std::{
    fmt,
    path::Path,
    str::FromStr as _,
    sync::{Mutex, PoisonError},
};

use tss_esapi::{TctiNameConf, constants::PropertyTag};
use wx_crypto::pss;

use self::{record::Record, session::Session};
use super::{MonotonicCounter, Signed, SoterKeyStore, Statement, StoreError, folder::Folder};

/// A key that was made in a TPM 2.0 and never leaves it, and a counter that it keeps. With a copy of the folder alone nobody can sign, and
/// an older copy of it brings no number back.
///
/// What the TPM does not know is whether a finger was there: who runs as this user can have it sign.
///
/// ```no_run
/// use std::sync::Arc;
/// use wx_desktop::soter::{MemoryFinger, SoterDevice, Tpm, WrongTries};
///
/// let folder = "/home/li/.local/share/wx/soter";
/// let (tpm, wrong_tries) = (Arc::new(Tpm::open(folder, "device:/dev/tpmrm0")?), WrongTries::open(folder)?);
/// let device = SoterDevice { keys: tpm.clone(), counter: tpm, prompt: Arc::new(MemoryFinger::default()), wrong_tries };
/// # Ok::<(), wx_desktop::soter::StoreError>(())
/// ```
pub struct Tpm {
    tcti: TctiNameConf,
    record: Record,
    name: String,
    version: String,
    public_key: String,
    /// None before the first use, and after one that failed.
    session: Mutex<Option<Session>>,
}

const NAME: &str = "key.tpm";

impl Tpm {
    /// The key and the counter of this folder in the TPM at `tcti`, which is written as the TPM's own tools do; new ones, if the folder
    /// has none. The owner of the TPM must have no password, and `device:/dev/tpmrm0` lets several programs share it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Hardware`] if there is no such TPM, or it is another one than the key was made in; [`StoreError::Exposed`],
    /// [`StoreError::Damaged`] and [`StoreError::Io`] for the folder.
    pub fn open(folder: impl AsRef<Path>, tcti: &str) -> Result<Self, StoreError> {
        let tcti = TctiNameConf::from_str(tcti).map_err(failed)?;
        let folder = Folder::open(folder.as_ref())?;
        let locked = folder.lock()?;
        let damaged = || StoreError::Damaged { path: locked.path(NAME), problem: "it is no record of a key in a TPM" };
        let (record, mut session) = if let Some(text) = locked.read_secret(NAME)? {
            let record = Record::read(&text).ok_or_else(damaged)?;
            let session = Session::begin(&tcti, &record)?;
            (record, session)
        } else {
            let (record, session) = Session::create(&tcti)?;
            locked.write(NAME, &record.text()?)?;
            (record, session)
        };
        let public_key = pss::public_pem(record.modulus().ok_or_else(damaged)?)?;
        let maker = session.property(PropertyTag::Manufacturer)?.to_be_bytes();
        let firmware = session.property(PropertyTag::FirmwareVersion1)?;
        Ok(Self {
            tcti,
            record,
            name: format!("TPM 2.0 {}", String::from_utf8_lossy(&maker).trim_matches([' ', '\0'])),
            version: format!("{}.{}", firmware >> 16, firmware & 0xffff),
            public_key,
            session: Mutex::new(Some(session)),
        })
    }

    /// Does this in the session there is, or in a new one: the TPM may have been reset since.
    fn with<T>(&self, mut work: impl FnMut(&mut Session) -> Result<T, StoreError>) -> Result<T, StoreError> {
        // What panicked under the lock has left a session that at worst fails once.
        let mut current = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut session) = current.take()
            && let Ok(done) = work(&mut session)
        {
            *current = Some(session);
            return Ok(done);
        }
        let mut session = Session::begin(&self.tcti, &self.record)?;
        let done = work(&mut session)?;
        *current = Some(session);
        Ok(done)
    }
}

impl fmt::Debug for Tpm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tpm").field("name", &self.name).field("version", &self.version).finish_non_exhaustive()
    }
}

impl SoterKeyStore for Tpm {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn public_key(&self) -> &str {
        &self.public_key
    }

    /// The TPM's own PSS has a salt of 32 bytes, so the message is encoded here, with a salt from the TPM, and the TPM does the rest.
    fn sign(&self, statement: Statement) -> Result<Signed, StoreError> {
        let signature = self.with(|session| session.sign(statement.text().as_bytes(), statement.salt()))?;
        Ok(statement.signed(signature))
    }
}

impl MonotonicCounter for Tpm {
    fn next(&self) -> Result<u64, StoreError> {
        self.with(Session::count)
    }
}

fn failed(error: tss_esapi::Error) -> StoreError {
    StoreError::Hardware { part: "TPM", source: error.into() }
}
