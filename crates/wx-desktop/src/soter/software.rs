//! A key in a file.

use std::path::Path;

use wx_crypto::{PssError, SaltLen, SoterSigner, attestation::Attestation, pss, record::Link};

use super::{
    Records, Seal, Signed, SoterKeyStore, Statement, StoreError,
    folder::{Folder, Locked},
    records::Draft,
};

/// A key in a file that its owner alone can read, encrypted if there is a [`Seal`], for a machine with nothing better: whoever runs as this
/// user can take it.
///
/// The keys that vouch for it, the device's and the host application's, are in files beside it: a device is this folder.
#[derive(Debug)]
pub struct SoftwareKey {
    key: SoterSigner,
    records: Records,
}

const NAME: &str = "key.pem";
const ASK: &str = "ask.pem";
/// A device's key in a file, for the stores that have no better place for one.
pub(super) const ATTK: &str = "attk.pem";
/// All files that have a key in them.
pub(super) const FILES: [&str; 3] = [NAME, ASK, ATTK];

impl SoftwareKey {
    /// The key in this folder; a new one, if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exposed`] for a key that others can read; [`StoreError::Damaged`] for one that is none; [`StoreError::Sealed`] for one
    /// that is encrypted under another key; [`StoreError::Io`]; [`StoreError::Key`] if the system has no randomness for one.
    ///
    /// # Examples
    ///
    /// ```
    /// use wx_desktop::soter::{Seal, SoftwareKey, SoterKeyStore};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let key = SoftwareKey::open(folder, &Seal::none())?;
    /// assert_eq!(key.public_key(), SoftwareKey::open(folder, &Seal::none())?.public_key());
    /// assert!(format!("{key:?}").starts_with("SoftwareKey { key: SoterSigner(..)"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(folder: impl AsRef<Path>, seal: &Seal) -> Result<Self, StoreError> {
        let folder = Folder::open(folder.as_ref())?;
        let locked = folder.lock()?;
        let key = signer(&locked, NAME, seal)?;
        encrypt(&locked, &[ATTK, ASK], seal)?;
        let records = Records::of(&locked, key.public_pem(), || {
            let (attk, ask) = (signer(&locked, ATTK, seal)?, signer(&locked, ASK, seal)?);
            let [attk_pem, ask_pem, auth_key] = [&attk, &ask, &key].map(SoterSigner::public_pem);
            let draft = Draft { attk: attk_pem, ask: ask_pem, auth_key, salt: SaltLen::Bytes20, counter: 0 };
            draft.signed(|by, json| sign(if by == Link::Attk { &attk } else { &ask }, json))
        })?;
        Ok(Self { key, records })
    }
}

/// The key in this file; a new one, if there is none.
pub(super) fn signer(locked: &Locked<'_>, name: &str, seal: &Seal) -> Result<SoterSigner, StoreError> {
    if let Some(signer) = kept(locked, name, seal)? {
        return Ok(signer);
    }
    seal.may_begin(locked)?;
    let signer = SoterSigner::generate()?;
    seal.write(locked, name, signer.to_pkcs8_pem()?.expose())?;
    Ok(signer)
}

fn kept(locked: &Locked<'_>, name: &str, seal: &Seal) -> Result<Option<SoterSigner>, StoreError> {
    let damaged = |_: PssError| StoreError::Damaged { path: locked.path(name), problem: "it is no RSA-2048 key in PEM" };
    seal.read(locked, name, |pem| SoterSigner::from_pkcs8_pem(pem).map_err(damaged))
}

/// Encrypts what was kept as it is of the keys in these files, which need not be opened for anything else.
pub(super) fn encrypt(locked: &Locked<'_>, names: &[&str], seal: &Seal) -> Result<(), StoreError> {
    for name in names {
        if seal.would_encrypt(locked, name)? {
            kept(locked, name, seal)?;
        }
    }
    Ok(())
}

pub(super) fn sign(key: &SoterSigner, text: &str) -> Result<Vec<u8>, StoreError> {
    Ok(pss::sign(key, text.as_bytes(), SaltLen::Bytes20)?)
}

impl SoterKeyStore for SoftwareKey {
    fn name(&self) -> &'static str {
        "software"
    }

    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    fn public_key(&self) -> &str {
        self.key.public_pem()
    }

    fn records(&self) -> &Records {
        &self.records
    }

    fn attest(&self, _nonce: &[u8]) -> Result<Option<Attestation>, StoreError> {
        Ok(None)
    }

    fn sign(&self, statement: Statement) -> Result<Signed, StoreError> {
        let signature = pss::sign(&self.key, statement.text().as_bytes(), statement.salt())?;
        Ok(statement.signed(signature))
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt as _,
    };

    use super::*;

    #[test]
    fn its_owner_alone_can_read_the_key() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("soter");
        SoftwareKey::open(&folder, &Seal::none()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(NAME))), (0o700, 0o600));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        SoftwareKey::open(&folder, &Seal::none()).unwrap();
        let path = folder.path().join(NAME);
        for mode in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert!(matches!(SoftwareKey::open(&folder, &Seal::none()), Err(StoreError::Exposed { .. })), "{mode:o}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        assert!(SoftwareKey::open(&folder, &Seal::none()).is_ok());
    }

    #[test]
    fn a_damaged_key_is_told_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        SoftwareKey::open(&folder, &Seal::none()).unwrap();
        let path = folder.path().join(NAME);
        let whole = fs::read_to_string(&path).unwrap();
        for damage in ["", &whole[..900], "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            fs::write(&path, damage).unwrap();
            let text = SoftwareKey::open(&folder, &Seal::none()).unwrap_err().to_string();
            assert!(text.ends_with("key.pem is damaged: it is no RSA-2048 key in PEM"), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damage);
        }
    }
}
