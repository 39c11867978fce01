//! A key in a PKCS#11 token.

mod session;

use std::{
    fmt,
    path::Path,
    sync::{Mutex, PoisonError},
};

use wx_crypto::{Secret, pss};

use self::session::{Place, Session};
use super::{Signed, SoterKeyStore, Statement, StoreError, folder::Folder};

/// A key that was made in a PKCS#11 token, such as a smart card, and never leaves it. It has no counter of its own: put a
/// [`FileCounter`](super::FileCounter) of the same folder beside it.
///
/// ```no_run
/// use std::sync::Arc;
/// use wx_crypto::Secret;
/// use wx_desktop::soter::{FileCounter, MemoryFinger, SoterDevice, Token, WrongTries};
///
/// let (folder, pin) = ("/home/li/.local/share/wx/soter", Secret::from("1234".to_owned()));
/// let counter = Arc::new(FileCounter::open(folder)?); // first: it is begun in an empty folder only
/// let keys = Arc::new(Token::open(folder, "/usr/lib/opensc-pkcs11.so", "li", pin)?);
/// let wrong_tries = WrongTries::open(folder)?;
/// let device = SoterDevice { keys, counter, prompt: Arc::new(MemoryFinger::default()), wrong_tries };
/// # Ok::<(), wx_desktop::soter::StoreError>(())
/// ```
pub struct Token {
    place: Place,
    name: String,
    version: String,
    public_key: String,
    /// None after one that failed.
    session: Mutex<Option<Session>>,
}

/// Says which of the token's keys is this folder's.
const NAME: &str = "key.pkcs11";

impl Token {
    /// The key of this folder in the token of this label, by this module, which is loaded; a new one, if the folder has none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Hardware`] if there is no such module, token or key, or the PIN is wrong; the others for the folder.
    pub fn open(folder: impl AsRef<Path>, module: impl AsRef<Path>, label: &str, pin: Secret) -> Result<Self, StoreError> {
        let folder = Folder::open(folder.as_ref())?;
        let locked = folder.lock()?;
        let text = locked.read_secret(NAME)?;
        let damaged = || StoreError::Damaged { path: locked.path(NAME), problem: "it names no key of a token" };
        let id = match &text {
            Some(text) => identifier(text).ok_or_else(damaged)?,
            None => random()?,
        };
        let place = Place { module: module.as_ref().to_owned(), label: label.to_owned(), pin, id };
        let session = if text.is_none() {
            let session = Session::create(&place)?;
            let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
            locked.write(NAME, &hex)?;
            session
        } else {
            Session::begin(&place)?
        };
        let public_key = pss::public_pem(&session.modulus()?)?;
        let (model, version) = session.model()?;
        Ok(Self { place, name: format!("PKCS#11 {model}"), version, public_key, session: Mutex::new(Some(session)) })
    }
}

/// The key's identifier in the token.
fn identifier(text: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32).map(u128::to_be_bytes)
}

fn random() -> Result<[u8; 16], StoreError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| StoreError::Hardware { part: "token", source: error.into() })?;
    Ok(id)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("name", &self.name).field("version", &self.version).finish_non_exhaustive()
    }
}

impl SoterKeyStore for Token {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn public_key(&self) -> &str {
        &self.public_key
    }

    /// In the session there is, or in a new one: the token may have been taken out and put back since.
    fn sign(&self, statement: Statement) -> Result<Signed, StoreError> {
        let (message, salt) = (statement.text().as_bytes(), statement.salt());
        // What panicked under the lock has left a session that at worst fails once.
        let mut current = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = current.take()
            && let Ok(signature) = session.sign(message, salt)
        {
            *current = Some(session);
            return Ok(statement.signed(signature));
        }
        let session = Session::begin(&self.place)?;
        let signature = session.sign(message, salt)?;
        *current = Some(session);
        Ok(statement.signed(signature))
    }
}
