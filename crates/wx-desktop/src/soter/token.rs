//! A key in a PKCS#11 token.

mod session;

use std::{fmt, path::Path};

use wx_crypto::{SaltLen, Secret, attestation::Attestation, pss, record::Link};

use self::session::{Id, Place, Session};
use super::{
    Records, Seal, Signed, SoterKeyStore, Statement, StoreError,
    folder::{Folder, Locked},
    records::Draft,
    sessions::Sessions,
    software::{self, ATTK},
};

/// A key that was made in a PKCS#11 token, such as a smart card, and never leaves it. It has no counter of its own: put a
/// [`FileCounter`](super::FileCounter) of the same folder beside it.
///
/// The host application's key, which vouches for it, is in the token too. The device's, which vouches for that one, is in a file, encrypted if
/// there is a [`Seal`]: a device is this folder.
///
/// ```no_run
/// use std::sync::Arc;
/// use wx_crypto::Secret;
/// use wx_desktop::soter::{FileCounter, MemoryFinger, Seal, SoterDevice, Token, WrongTries};
///
/// let (folder, pin) = ("/home/li/.local/share/wx/soter", Secret::from("1234".to_owned()));
/// let counter = Arc::new(FileCounter::open(folder)?); // first: it is begun in an empty folder only
/// let keys = Arc::new(Token::open(folder, "/usr/lib/opensc-pkcs11.so", "li", pin, &Seal::none())?);
/// let wrong_tries = WrongTries::open(folder)?;
/// let device = SoterDevice { keys, counter, prompt: Arc::new(MemoryFinger::default()), wrong_tries };
/// # Ok::<(), wx_desktop::soter::StoreError>(())
/// ```
pub struct Token {
    place: Place,
    id: Id,
    name: String,
    version: String,
    public_key: String,
    records: Records,
    sessions: Sessions<Session>,
}

/// Says which of the token's keys is this folder's.
const NAME: &str = "key.pkcs11";
/// And which is the host application's.
const ASK: &str = "ask.pkcs11";

impl Token {
    /// The key of this folder in the token of this label, by this module, which is loaded; a new one, if the folder has none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Hardware`] if there is no such module, token or key, or the PIN is wrong; the others for the folder.
    pub fn open(
        folder: impl AsRef<Path>,
        module: impl AsRef<Path>,
        label: &str,
        pin: Secret,
        seal: &Seal,
    ) -> Result<Self, StoreError> {
        let folder = Folder::open(folder.as_ref())?;
        let locked = folder.lock()?;
        let place = Place { module: module.as_ref().to_owned(), label: label.to_owned(), pin };
        let (id, session) = key(&locked, NAME, &place)?;
        software::encrypt(&locked, &[ATTK], seal)?;
        let public_key = pss::public_pem(&session.modulus()?)?;
        let (model, version) = session.model()?;
        let records = Records::of(&locked, &public_key, || {
            let (attk, (_, ask)) = (software::signer(&locked, ATTK, seal)?, key(&locked, ASK, &place)?);
            let ask_pem = pss::public_pem(&ask.modulus()?)?;
            let (salt, counter) = (SaltLen::Bytes20, 0);
            let draft = Draft { attk: attk.public_pem(), ask: &ask_pem, auth_key: &public_key, salt, counter };
            draft.signed(|by, json| {
                if by == Link::Attk { software::sign(&attk, json) } else { ask.sign(json.as_bytes(), SaltLen::Bytes20) }
            })
        })?;
        let (name, sessions) = (format!("PKCS#11 {model}"), Sessions::new(session));
        Ok(Self { place, id, name, version, public_key, records, sessions })
    }
}

/// The key that this file names; a new one, if there is no file.
fn key(locked: &Locked<'_>, name: &str, place: &Place) -> Result<(Id, Session), StoreError> {
    if let Some(text) = locked.read_secret(name)? {
        let damaged = || StoreError::Damaged { path: locked.path(name), problem: "it names no key of a token" };
        let id = identifier(&text).ok_or_else(damaged)?;
        return Ok((id, Session::begin(place, id)?));
    }
    let id = random()?;
    let session = Session::create(place, id)?;
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    locked.write(name, &hex)?;
    Ok((id, session))
}

/// The key's identifier in the token.
fn identifier(text: &str) -> Option<Id> {
    u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32).map(u128::to_be_bytes)
}

fn random() -> Result<Id, StoreError> {
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

    fn records(&self) -> &Records {
        &self.records
    }

    fn attest(&self, _nonce: &[u8]) -> Result<Option<Attestation>, StoreError> {
        Ok(None)
    }

    /// The token may have been taken out and put back since.
    fn sign(&self, statement: Statement) -> Result<Signed, StoreError> {
        let begin = || Session::begin(&self.place, self.id);
        let (message, salt) = (statement.text().as_bytes(), statement.salt());
        let signature = self.sessions.with(begin, |session| session.sign(message, salt))?;
        Ok(statement.signed(signature))
    }
}
