//! How key files are kept: as they are, or encrypted under a key of the user's.

#[cfg(feature = "secret-service")]
mod secrets;
#[cfg(feature = "secret-service")]
mod service;
#[cfg(feature = "secret-service")]
mod talk;
#[cfg(feature = "secret-service")]
mod transport;

use std::{fmt, fs, io, path::Path};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    error::Unspecified,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

#[cfg(feature = "secret-service")]
pub use self::secrets::{SecretService, SecretsError};
use super::{StoreError, folder::Locked, software};
#[cfg(feature = "secret-service")]
use aws_lc_rs::constant_time::verify_slices_are_equal;

/// How key files are kept: as they are, or encrypted under a key that the user's secret service has.
///
/// A file that is there as it is gets encrypted when it is opened with a key. One that was encrypted is never kept as it is again: without its key
/// it is not opened, and nothing takes its place. With the feature `secret-service`, `SecretService` has one.
///
/// ```
/// use wx_desktop::soter::Seal;
///
/// assert!(!Seal::none().encrypts());
/// ```
pub struct Seal {
    /// The first one closes; each opens what it has closed.
    keys: Vec<SealKey>,
}

/// One key, and what files call it.
pub(super) struct SealKey {
    pub(super) id: Id,
    /// On the heap: what lies in the structure itself is left behind wherever it is moved from.
    pub(super) key: Zeroizing<Vec<u8>>,
}

/// Tells keys apart, and no more about them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(pub(super) [u8; 16]);

/// How an encrypted file begins: what it is, and in which form. Then come the key's name and, in base64, the nonce, the text and the tag.
const FORM: &str = "wx-sealed-1";
/// What all forms begin with, those of a version to come too.
const SEALED: &str = "wx-sealed-";
const NONCE: usize = 12;

impl Seal {
    /// Files are kept as they are, and their owner alone can read them.
    pub fn none() -> Self {
        Self { keys: Vec::new() }
    }

    /// Whether a key file of this folder is encrypted, so that it takes its key to open it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] if a file cannot be read.
    pub fn is_needed(folder: impl AsRef<Path>) -> Result<bool, StoreError> {
        for name in software::FILES {
            let path = folder.as_ref().join(name);
            match fs::read(&path).map(Zeroizing::new) {
                Ok(text) if text.starts_with(SEALED.as_bytes()) => return Ok(true),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(StoreError::Io { doing: "read", path, source }),
            }
        }
        Ok(false)
    }

    #[cfg(any(feature = "secret-service", test))]
    pub(super) fn of(mut keys: Vec<SealKey>) -> Self {
        keys.sort_unstable_by_key(|key| key.id); // all processes close with the same one
        Self { keys }
    }

    /// Whether files are encrypted.
    pub fn encrypts(&self) -> bool {
        !self.keys.is_empty()
    }

    /// What the key file says, as `understand` reads it; `None` without a file. One that was kept as it is gets encrypted once it is understood,
    /// if there is a key.
    pub(super) fn read<T>(
        &self,
        locked: &Locked<'_>,
        name: &str,
        understand: impl FnOnce(&str) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let Some(text) = locked.read_secret(name)? else { return Ok(None) };
        if text.starts_with(SEALED) {
            return understand(&self.opened(locked, name, &text)?).map(Some);
        }
        let understood = understand(&text)?;
        if self.encrypts() {
            self.write(locked, name, &text)?;
        }
        Ok(Some(understood))
    }

    /// Whether a key file is kept as it is, although there is a key.
    pub(super) fn would_encrypt(&self, locked: &Locked<'_>, name: &str) -> Result<bool, StoreError> {
        let is_open = |text: Zeroizing<String>| !text.starts_with(SEALED);
        Ok(self.encrypts() && locked.read_secret(name)?.is_some_and(is_open))
    }

    /// Writes a key file.
    pub(super) fn write(&self, locked: &Locked<'_>, name: &str, text: &str) -> Result<(), StoreError> {
        let Some(key) = self.keys.first() else { return locked.write(name, text) };
        let broken = |_| StoreError::Io { doing: "encrypted", path: locked.path(name), source: io::ErrorKind::Other.into() };
        locked.write(name, &key.close(name, text).map_err(broken)?)
    }

    /// Refuses a new key beside one that this does not open: nothing is to take the place of a key that may come back.
    pub(super) fn may_begin(&self, locked: &Locked<'_>) -> Result<(), StoreError> {
        for name in software::FILES {
            if let Some(text) = locked.read_secret(name)?.filter(|text| text.starts_with(SEALED)) {
                self.opened(locked, name, &text)?;
            }
        }
        Ok(())
    }

    fn opened(&self, locked: &Locked<'_>, name: &str, text: &str) -> Result<Zeroizing<String>, StoreError> {
        let damaged = |problem| StoreError::Damaged { path: locked.path(name), problem };
        let (id, sealed) = parts(text).ok_or_else(|| damaged("it is encrypted in no form that this version knows"))?;
        let key = self.keys.iter().find(|key| key.id == id).ok_or_else(|| {
            let problem = if self.encrypts() { "does not have it, or has it locked" } else { "was not asked for it" };
            StoreError::Sealed { path: locked.path(name), key: id.to_string(), problem }
        })?;
        key.open(name, sealed).ok_or_else(|| damaged("it is not what was encrypted"))
    }
}

/// The key's name, and what it closed.
fn parts(text: &str) -> Option<(Id, Vec<u8>)> {
    let mut words = text.strip_suffix('\n')?.split(' ');
    let (form, id, sealed) = (words.next()?, words.next()?, words.next()?);
    if form != FORM || words.next().is_some() {
        return None;
    }
    Some((Id::parse(id)?, STANDARD.decode(sealed).ok()?))
}

impl SealKey {
    /// Bytes of a key.
    #[cfg(any(feature = "secret-service", test))]
    pub(super) const LEN: usize = 32;

    /// Whether it is the same one.
    #[cfg(feature = "secret-service")]
    pub(super) fn is(&self, other: &Self) -> bool {
        self.id == other.id && verify_slices_are_equal(&self.key, &other.key).is_ok()
    }

    /// A new one.
    #[cfg(any(feature = "secret-service", test))]
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        let (mut id, mut key) = ([0; 16], Zeroizing::new(vec![0; Self::LEN]));
        getrandom::fill(&mut id)?;
        getrandom::fill(&mut key)?;
        Ok(Self { id: Id(id), key })
    }

    fn close(&self, name: &str, text: &str) -> Result<String, Unspecified> {
        let mut sealed = Vec::with_capacity(text.len() + AES_256_GCM.tag_len()); // or growing would leave the text behind
        sealed.extend_from_slice(text.as_bytes());
        let nonce = self.cipher()?.seal_in_place_append_tag(self.said(name), &mut sealed)?;
        let whole = [nonce.as_ref(), &sealed[..]].concat();
        Ok(format!("{FORM} {} {}\n", self.id, STANDARD.encode(whole)))
    }

    fn open(&self, name: &str, sealed: Vec<u8>) -> Option<Zeroizing<String>> {
        let mut sealed = Zeroizing::new(sealed);
        let (nonce, text) = sealed.split_first_chunk_mut::<NONCE>()?;
        let text = self.cipher().ok()?.open_in_place(Nonce::from(&*nonce), self.said(name), text).ok()?;
        Some(Zeroizing::new(str::from_utf8(text).ok()?.to_owned()))
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, Unspecified> {
        RandomizedNonceKey::new(&AES_256_GCM, &self.key)
    }

    /// What is not secret and nevertheless sealed: in another file's place the text is not opened.
    fn said(&self, name: &str) -> Aad<String> {
        Aad::from(format!("{FORM} {} {name}", self.id))
    }
}

impl Id {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let number = u128::from_str_radix(text, 16).ok()?;
        Some(Self(number.to_be_bytes())).filter(|id| id.to_string() == text)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| key.id.to_string())).finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;
    use crate::soter::folder::Folder;

    const NAME: &str = "key.pem";
    const TEXT: &str = "a text that nobody else may read";

    fn seal() -> Seal {
        Seal::of(vec![SealKey::random().unwrap()])
    }

    fn twin(seal: &Seal) -> SealKey {
        SealKey { id: seal.keys[0].id, key: seal.keys[0].key.clone() }
    }

    /// A folder with one file, the text of which is put there by `seal`.
    fn kept(seal: &Seal) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        seal.write(&Folder::open(folder.path()).unwrap().lock().unwrap(), NAME, TEXT).unwrap();
        folder
    }

    /// Whether the file says the text.
    fn reads(seal: &Seal, folder: &tempfile::TempDir, name: &str) -> Result<bool, StoreError> {
        let folder = Folder::open(folder.path()).unwrap();
        let locked = folder.lock().unwrap();
        let understand = |text: &str| {
            let damaged = || StoreError::Damaged { path: locked.path(name), problem: "it is not the text" };
            (text == TEXT).then_some(()).ok_or_else(damaged)
        };
        seal.read(&locked, name, understand).map(|text| text.is_some())
    }

    fn text(folder: &tempfile::TempDir) -> String {
        fs::read_to_string(folder.path().join(NAME)).unwrap()
    }

    #[test]
    fn what_was_encrypted_is_opened_by_its_key_alone_and_in_its_place() {
        let (seal, other) = (seal(), seal());
        let folder = kept(&seal);
        assert!(text(&folder).starts_with("wx-sealed-1 ") && !text(&folder).contains(TEXT), "{}", text(&folder));
        assert!(reads(&seal, &folder, NAME).unwrap());
        assert!(!reads(&seal, &folder, "ask.pem").unwrap(), "there is no such file");
        for keys in [[twin(&seal), twin(&other)], [twin(&other), twin(&seal)]] {
            assert!(reads(&Seal::of(keys.into()), &folder, NAME).unwrap());
        }

        let before = text(&folder);
        for (seal, problem) in [(&other, "does not have it, or has it locked"), (&Seal::none(), "was not asked for it")] {
            let error = reads(seal, &folder, NAME).unwrap_err().to_string();
            assert!(error.contains(problem) && error.contains(NAME), "{error}");
        }
        let liar = Seal::of(vec![SealKey { id: seal.keys[0].id, ..twin(&other) }]);
        assert!(reads(&liar, &folder, NAME).unwrap_err().to_string().ends_with("it is not what was encrypted"));
        fs::copy(folder.path().join(NAME), folder.path().join("ask.pem")).unwrap();
        assert!(reads(&seal, &folder, "ask.pem").unwrap_err().to_string().ends_with("it is not what was encrypted"));
        assert_eq!(text(&folder), before, "and is left as it is");
    }

    #[test]
    fn what_was_kept_as_it_is_gets_encrypted() {
        let (seal, folder) = (seal(), kept(&Seal::none()));
        assert_eq!(text(&folder), TEXT);
        assert!(reads(&Seal::none(), &folder, NAME).unwrap());
        assert_eq!(text(&folder), TEXT);
        assert!(reads(&seal, &folder, NAME).unwrap());
        assert!(text(&folder).starts_with("wx-sealed-1 "), "{}", text(&folder));
        assert!(reads(&seal, &folder, NAME).unwrap());
    }

    #[test]
    fn one_changed_character_is_told_and_nothing_is_written() {
        let seal = seal();
        let folder = kept(&seal);
        let whole = text(&folder);
        for at in 0..whole.len() {
            let mut changed = whole.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            fs::write(folder.path().join(NAME), &changed).unwrap();
            let error = reads(&seal, &folder, NAME).unwrap_err();
            assert!(matches!(error, StoreError::Damaged { .. } | StoreError::Sealed { .. }), "{at}: {error}");
            assert_eq!(fs::read(folder.path().join(NAME)).unwrap(), changed, "{at}");
        }
        for cut in 0..whole.len() {
            fs::write(folder.path().join(NAME), &whole[..cut]).unwrap();
            assert!(reads(&seal, &folder, NAME).is_err(), "{cut}");
            assert_eq!(text(&folder), whole[..cut]);
        }
    }

    #[test]
    fn two_files_of_one_text_are_not_alike_and_no_key_is_printed() {
        let seal = seal();
        assert_ne!(text(&kept(&seal)), text(&kept(&seal)));
        assert_eq!(format!("{seal:?} {:?}", Seal::none()), format!("[\"{}\"] []", seal.keys[0].id));
    }
}
