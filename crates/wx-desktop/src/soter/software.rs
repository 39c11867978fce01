//! A key in a file.

use std::path::Path;

use wx_crypto::{PssError, SoterSigner, pss};

use super::{Signed, SoterKeyStore, Statement, StoreError, folder::Folder};

/// A key in a file that its owner alone can read, for a machine with nothing better: whoever runs as this user can take it.
#[derive(Debug)]
pub struct SoftwareKey(SoterSigner);

const NAME: &str = "key.pem";

impl SoftwareKey {
    /// The key in this folder; a new one, if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exposed`] for a key that others can read; [`StoreError::Damaged`] for one that is none; [`StoreError::Io`];
    /// [`StoreError::Key`] if the system has no randomness for one.
    ///
    /// # Examples
    ///
    /// ```
    /// use wx_desktop::soter::{SoftwareKey, SoterKeyStore};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let key = SoftwareKey::open(folder)?;
    /// assert_eq!(key.public_key(), SoftwareKey::open(folder)?.public_key());
    /// assert_eq!(format!("{key:?}"), "SoftwareKey(SoterSigner(..))");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        let folder = Folder::open(folder.as_ref())?;
        let locked = folder.lock()?;
        if let Some(pem) = locked.read_secret(NAME)? {
            let damaged =
                |_: PssError| StoreError::Damaged { path: locked.path(NAME), problem: "it is no RSA-2048 key in PEM" };
            return Ok(Self(SoterSigner::from_pkcs8_pem(&pem).map_err(damaged)?));
        }
        let signer = SoterSigner::generate()?;
        locked.write(NAME, signer.to_pkcs8_pem()?.expose())?;
        Ok(Self(signer))
    }
}

impl SoterKeyStore for SoftwareKey {
    fn name(&self) -> &'static str {
        "software"
    }

    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    fn public_key(&self) -> &str {
        self.0.public_pem()
    }

    fn sign(&self, statement: Statement) -> Result<Signed, StoreError> {
        let signature = pss::sign(&self.0, statement.text().as_bytes(), statement.salt())?;
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
        SoftwareKey::open(&folder).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(NAME))), (0o700, 0o600));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        SoftwareKey::open(&folder).unwrap();
        let path = folder.path().join(NAME);
        for mode in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert!(matches!(SoftwareKey::open(&folder), Err(StoreError::Exposed { .. })), "{mode:o}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        assert!(SoftwareKey::open(&folder).is_ok());
    }

    #[test]
    fn a_damaged_key_is_told_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        SoftwareKey::open(&folder).unwrap();
        let path = folder.path().join(NAME);
        let whole = fs::read_to_string(&path).unwrap();
        for damage in ["", &whole[..900], "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            fs::write(&path, damage).unwrap();
            let text = SoftwareKey::open(&folder).unwrap_err().to_string();
            assert!(text.ends_with("key.pem is damaged: it is no RSA-2048 key in PEM"), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damage);
        }
    }
}
