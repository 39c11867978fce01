//! A key and a counter in a TPM 2.0.

mod device;
mod raw;
mod record;
mod session;

use std::{fmt, path::Path, str::FromStr as _};

use tss_esapi::{TctiNameConf, constants::PropertyTag, traits::Marshall as _};
use wx_crypto::{SaltLen, attestation::Attestation, record::Link};

use self::{
    raw::Raw,
    record::{Record, Sealed},
    session::Session,
};
use super::{
    MonotonicCounter, Records, Signed, SoterKeyStore, Statement, StoreError,
    folder::{Folder, Locked},
    records::Draft,
    sessions::Sessions,
};

/// A key that was made in a TPM 2.0 and never leaves it, and a counter that it keeps. With a copy of the folder alone nobody can sign, and
/// an older copy of it brings no number back.
///
/// The keys that vouch for it are in the TPM as well: the host application's, and the device's, which is the TPM's own and the same for every
/// program of this machine.
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
    /// Its address, as text and as the library has it.
    address: String,
    tcti: TctiNameConf,
    record: Record,
    name: String,
    version: String,
    public_key: String,
    records: Records,
    sessions: Sessions<Session>,
}

const NAME: &str = "key.tpm";
/// The host application's key.
const ASK: &str = "ask.tpm";

impl Tpm {
    /// The key and the counter of this folder in the TPM at `tcti`, which is written as the TPM's own tools do; new ones, if the folder
    /// has none. The owner of the TPM must have no password, and `device:/dev/tpmrm0` lets several programs share it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Hardware`] if there is no such TPM, or it is another one than the key was made in; [`StoreError::Exposed`],
    /// [`StoreError::Damaged`] and [`StoreError::Io`] for the folder.
    pub fn open(folder: impl AsRef<Path>, tcti: &str) -> Result<Self, StoreError> {
        let address = tcti.to_owned();
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
        let public_key = record.key.pem().ok_or_else(damaged)?;
        let records = Records::of(&locked, &public_key, || vouched(&locked, &public_key, &mut session))?;
        let maker = session.property(PropertyTag::Manufacturer)?.to_be_bytes();
        let firmware = session.property(PropertyTag::FirmwareVersion1)?;
        Ok(Self {
            address,
            tcti,
            record,
            name: format!("TPM 2.0 {}", String::from_utf8_lossy(&maker).trim_matches([' ', '\0'])),
            version: format!("{}.{}", firmware >> 16, firmware & 0xffff),
            public_key,
            records,
            sessions: Sessions::new(session),
        })
    }

    /// The TPM may have been reset since.
    fn with<T>(&self, work: impl FnMut(&mut Session) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.sessions.with(|| Session::begin(&self.tcti, &self.record), work)
    }
}

/// Has the TPM's own key and the host application's, which is made if it is not there, vouch for this one.
fn vouched(locked: &Locked<'_>, auth_key: &str, session: &mut Session) -> Result<Records, StoreError> {
    let damaged = || StoreError::Damaged { path: locked.path(ASK), problem: "it is no record of a key in a TPM" };
    let ask = if let Some(text) = locked.read_secret(ASK)? {
        Sealed::read(&text).ok_or_else(damaged)?
    } else {
        let ask = session.make_voucher()?;
        locked.write(ASK, &ask.text()?)?;
        ask
    };
    let (attk, ask_pem) = (session.device()?.pem()?, ask.pem().ok_or_else(damaged)?);
    // A TPM salts its own signatures with 32 bytes. Counting once sets the counter up, if nobody has used it yet.
    let (salt, counter) = (SaltLen::Bytes32, session.count()?);
    let draft = Draft { attk: &attk, ask: &ask_pem, auth_key, salt, counter };
    draft.signed(|by, json| match by {
        Link::Attk => session.device()?.sign(json),
        _ => session.vouch(&ask, json.as_bytes()),
    })
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

    fn records(&self) -> &Records {
        &self.records
    }

    /// `None` where the TPM is behind a daemon: the library cannot ask for the attestation of a counter, and bytes of our own do not pass.
    fn attest(&self, nonce: &[u8]) -> Result<Option<Attestation>, StoreError> {
        let Sealed { public, auth, .. } = &self.record.key;
        let key = self.with(|session| session.certify(public, nonce))?;
        let template = device::template().and_then(|template| template.marshall()).map_err(failed)?;
        let (index, password) = (self.record.counter.into(), auth.value());
        self.sessions.without(|| {
            let Some(mut tpm) = Raw::connect(&self.address)? else { return Ok(None) };
            let counter = tpm.certify_counter(&template, index, password, nonce)?;
            Ok(Some(Attestation { key, counter }))
        })
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
