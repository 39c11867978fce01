use std::{
    fmt::Display,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Identity, LinkError, PairingSecret, PublicKey};

/// One end's folder: its own key pair, and whom it was paired with. Files that only their owner can read.
///
/// Several programs may use it at once: what one changes, the others see the next time they look.
///
/// ```
/// use std::time::Duration;
/// use wx_device::KeyRing;
///
/// # let folder = tempfile::tempdir()?;
/// let keys = KeyRing::open(folder.path().join("agent"))?;
/// assert!(keys.peers()?.is_empty());
/// let secret = keys.offer(Duration::from_secs(600))?;
/// assert_eq!(keys.offered()?, Some(secret));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct KeyRing {
    folder: PathBuf,
    identity: Identity,
}

/// Somebody this end was paired with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// What it called itself, or what it is called here.
    pub name: String,
    /// What it proves itself by.
    pub key: PublicKey,
    /// Where it is, for a device.
    pub address: Option<String>,
    /// When that was, in seconds since 1970.
    pub since: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PeerFile {
    name: String,
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    since: u64,
}

impl KeyRing {
    /// Opens the folder, and makes it with a new key pair if it is not there.
    ///
    /// # Errors
    ///
    /// [`LinkError::Keys`]: the folder cannot be made, others can read the key, or a file is damaged.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, LinkError> {
        let folder = folder.into();
        make_folder(&folder).map_err(|error| failed(&folder, error))?;
        let _lock = lock(&folder)?;
        let path = folder.join("identity");
        let identity = if let Some(text) = read_private(&path)? {
            read_identity(&text).ok_or_else(|| failed(&path, "is damaged: remove it, and pair again"))?
        } else {
            let identity = Identity::generate().map_err(|_| failed(&path, "the system has no randomness"))?;
            let private = Zeroizing::new(URL_SAFE_NO_PAD.encode(identity.private()));
            let text = Zeroizing::new(format!("{}\n{}\n", *private, identity.public()));
            write_private(&path, text.as_bytes())?;
            identity
        };
        Ok(Self { folder, identity })
    }

    /// What this end is known by.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Everybody it was paired with, in the order in which that was.
    ///
    /// # Errors
    ///
    /// [`LinkError::Keys`]: the file cannot be read, or is damaged.
    pub fn peers(&self) -> Result<Vec<Peer>, LinkError> {
        let path = self.path("peers.json");
        let Some(text) = read_private(&path)? else { return Ok(Vec::new()) };
        let damaged = |why: &dyn ToString| failed(&path, format!("is damaged: {}", why.to_string()));
        let peers: Vec<PeerFile> = serde_json::from_slice(&text).map_err(|error| damaged(&error))?;
        let read = |peer: PeerFile| {
            let key = PublicKey::from_text(&peer.key).ok_or_else(|| damaged(&format!("the key of {}", peer.name)))?;
            Ok(Peer { name: peer.name, key, address: peer.address, since: peer.since })
        };
        peers.into_iter().map(read).collect()
    }

    /// Whether it was paired with the owner of this key, and that was not taken back. Who cannot be looked up is unknown.
    pub(crate) fn knows(&self, key: PublicKey) -> bool {
        self.peers().is_ok_and(|peers| peers.iter().any(|peer| peer.key == key))
    }

    /// The device that was paired at this address.
    ///
    /// # Errors
    ///
    /// [`LinkError::Unpaired`], [`LinkError::Keys`].
    pub fn at(&self, address: &str) -> Result<Peer, LinkError> {
        let mut peers = self.peers()?.into_iter().rev();
        peers.find(|peer| peer.address.as_deref() == Some(address)).ok_or_else(|| LinkError::Unpaired(address.to_owned()))
    }

    /// Adds somebody. Who had that key or that address before makes way.
    ///
    /// # Errors
    ///
    /// [`LinkError::Keys`]: the file cannot be written.
    pub fn add(&self, name: &str, key: PublicKey, address: Option<&str>) -> Result<(), LinkError> {
        self.change(|peers| {
            peers.retain(|peer| peer.key != key && (address.is_none() || peer.address.as_deref() != address));
            peers.push(Peer { name: name.to_owned(), key, address: address.map(str::to_owned), since: now() });
        })
    }

    /// Takes everybody back who has this name or this key; how many that were.
    ///
    /// # Errors
    ///
    /// [`LinkError::Keys`]: the file cannot be written.
    pub fn revoke(&self, name_or_key: &str) -> Result<usize, LinkError> {
        let mut gone = 0;
        self.change(|peers| {
            let before = peers.len();
            peers.retain(|peer| peer.name != name_or_key && peer.key.to_string() != name_or_key);
            gone = before - peers.len();
        })?;
        Ok(gone)
    }

    /// Lets one other end pair by a new secret, once, for so long. An earlier secret no longer works.
    ///
    /// # Errors
    ///
    /// [`LinkError::Keys`]: the file cannot be written.
    pub fn offer(&self, for_so_long: Duration) -> Result<PairingSecret, LinkError> {
        let path = self.path("pairing");
        let secret = PairingSecret::generate().map_err(|_| failed(&path, "the system has no randomness"))?;
        let until = now().saturating_add(for_so_long.as_secs());
        let text = Zeroizing::new(format!("{until}\n{}\n", *secret.expose()));
        let _lock = lock(&self.folder)?;
        write_private(&path, text.as_bytes())?;
        Ok(secret)
    }

    /// The secret that somebody may pair by now.
    ///
    /// # Errors
    ///
    /// [`LinkError::Keys`]: the file cannot be read.
    pub fn offered(&self) -> Result<Option<PairingSecret>, LinkError> {
        let Some(text) = read_private(&self.path("pairing"))? else { return Ok(None) };
        let text = std::str::from_utf8(&text).unwrap_or_default();
        let (until, secret) = text.split_once('\n').unwrap_or_default();
        let is_open = until.parse::<u64>().is_ok_and(|until| now() < until);
        Ok(PairingSecret::from_text(secret.trim_end()).filter(|_| is_open))
    }

    /// Adds who paired by this secret, and takes the secret back; `false` if somebody else was faster.
    pub(crate) fn redeem(&self, secret: &PairingSecret, name: &str, key: PublicKey) -> Result<bool, LinkError> {
        {
            let _lock = lock(&self.folder)?;
            if self.offered()?.as_ref() != Some(secret) {
                return Ok(false);
            }
            let path = self.path("pairing");
            fs::remove_file(&path).map_err(|error| failed(&path, error))?;
        }
        self.add(name, key, None)?;
        Ok(true)
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Peer>)) -> Result<(), LinkError> {
        let _lock = lock(&self.folder)?;
        let mut peers = self.peers()?;
        change(&mut peers);
        let file =
            |peer: Peer| PeerFile { name: peer.name, key: peer.key.to_string(), address: peer.address, since: peer.since };
        let peers: Vec<PeerFile> = peers.into_iter().map(file).collect();
        let path = self.path("peers.json");
        let text = serde_json::to_vec_pretty(&peers).map_err(|error| failed(&path, error))?;
        write_private(&path, &text)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn read_identity(text: &[u8]) -> Option<Identity> {
    let (private, public) = std::str::from_utf8(text).ok()?.split_once('\n')?;
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(private).ok()?);
    let mut private = Zeroizing::new([0; 32]);
    (bytes.len() == private.len()).then(|| private.copy_from_slice(&bytes))?;
    Some(Identity::from_halves(private, PublicKey::from_text(public.trim_end())?))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let others = fs::metadata(folder)?.permissions().mode() & 0o022;
    if others == 0 { Ok(()) } else { Err(io::Error::other("others can write there: take that away with `chmod 700`")) }
}

/// Held while a file is changed: several programs may look after one folder.
fn lock(folder: &Path) -> Result<File, LinkError> {
    let path = folder.join("lock");
    let open = || {
        let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path)?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok(file)
    };
    open().map_err(|error: io::Error| failed(&path, error))
}

/// The file's bytes, if it is there and nobody else can read it.
fn read_private(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, LinkError> {
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, error)),
    };
    if meta.permissions().mode() & 0o077 != 0 {
        return Err(failed(path, "others can read it: take that away with `chmod 600`, or remove it and pair again"));
    }
    fs::read(path).map(|bytes| Some(Zeroizing::new(bytes))).map_err(|error| failed(path, error))
}

/// Replaces the file as a whole, durably.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), LinkError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?; // its owner's alone from the start
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error: io::Error| failed(path, error))
}

fn failed(path: &Path, why: impl Display) -> LinkError {
    LinkError::Keys { path: path.display().to_string(), why: format!("{why}") }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use super::*;

    fn key(byte: u8) -> PublicKey {
        PublicKey::read(&[byte; 32]).unwrap()
    }

    #[test]
    fn a_folder_keeps_its_identity_and_its_peers() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyRing::open(folder.path()).unwrap();
        keys.add("kiosk", key(1), Some("tcp://127.0.0.1:1")).unwrap();
        keys.add("phone", key(2), Some("tcp://127.0.0.1:2")).unwrap();
        let again = KeyRing::open(folder.path()).unwrap();
        assert_eq!(again.identity().public(), keys.identity().public());
        assert_eq!(again.identity().private(), keys.identity().private());
        assert_eq!(again.at("tcp://127.0.0.1:2").unwrap().key, key(2));
        assert!(matches!(again.at("tcp://127.0.0.1:3"), Err(LinkError::Unpaired(_))));
        assert_eq!(again.revoke("phone").unwrap(), 1);
        assert!(!keys.knows(key(2)) && keys.knows(key(1)));
        assert_eq!(keys.revoke(&key(1).to_string()).unwrap(), 1);
        assert_eq!(keys.peers().unwrap(), []);
    }

    #[test]
    fn a_device_that_moved_in_at_an_address_takes_the_place_of_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyRing::open(folder.path()).unwrap();
        keys.add("old", key(1), Some("tcp://127.0.0.1:1")).unwrap();
        keys.add("new", key(2), Some("tcp://127.0.0.1:1")).unwrap();
        assert_eq!(keys.peers().unwrap().len(), 1);
        assert_eq!(keys.at("tcp://127.0.0.1:1").unwrap().name, "new");
    }

    #[test]
    fn a_secret_is_good_once_and_for_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyRing::open(folder.path()).unwrap();
        assert_eq!(keys.offered().unwrap(), None);
        let first = keys.offer(Duration::from_secs(600)).unwrap();
        let second = keys.offer(Duration::from_secs(600)).unwrap();
        assert!(!keys.redeem(&first, "a", key(1)).unwrap(), "the second took its place");
        assert!(keys.redeem(&second, "b", key(2)).unwrap());
        assert!(!keys.redeem(&second, "c", key(3)).unwrap(), "used up");
        assert_eq!(keys.peers().unwrap().len(), 1);
        keys.offer(Duration::ZERO).unwrap();
        assert_eq!(keys.offered().unwrap(), None, "expired");
    }

    #[test]
    fn files_that_others_can_read_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        drop(KeyRing::open(folder.path()).unwrap());
        let path = folder.path().join("identity");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = KeyRing::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("others can read it"), "{error}");
    }
}
