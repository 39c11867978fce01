//! The records that vouch for a key: of the device's (ATTK), of this host application's (ASK), and of the key itself (`AuthKey`).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use wx_crypto::{
    SaltLen, pss,
    record::{self, Chain, KeyRecord, Link},
};

use super::{
    StoreError,
    folder::Locked,
    statement::{fingerprint, user},
};

/// The records of a key, as a platform server is told them. They hold nothing secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Records {
    /// The device's key.
    pub attk: Vec<u8>,
    /// This host application's.
    pub ask: Vec<u8>,
    /// The one that signs results.
    pub auth_key: Vec<u8>,
    /// What tells the device from others, as the three records and every result say it.
    pub cpu_id: String,
}

/// Where the folder keeps them. They can be made again, so what is no record there is not worth an error.
const NAME: &str = "records";

#[derive(Serialize, Deserialize)]
struct Text {
    attk: String,
    ask: String,
    auth_key: String,
}

/// Three keys that are to vouch for one another.
pub(super) struct Draft<'a> {
    pub(super) attk: &'a str,
    pub(super) ask: &'a str,
    pub(super) auth_key: &'a str,
    /// How long the salts of the ATTK's signatures are. All others have 20 bytes.
    pub(super) salt: SaltLen,
    /// From where on the `AuthKey`'s results count.
    pub(super) counter: u64,
}

impl Records {
    /// The fingerprint of the device's key, by which a platform server is told of the device.
    ///
    /// # Errors
    ///
    /// [`StoreError::Record`] and [`StoreError::Key`] for records that are none; not for those of a key in this crate.
    ///
    /// # Examples
    ///
    /// ```
    /// use wx_desktop::soter::{Seal, SoftwareKey, SoterKeyStore};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let key = SoftwareKey::open(folder, &Seal::none())?;
    /// assert_eq!(key.records().device()?.len(), 64); // wx platform serve --soter-device ...
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn device(&self) -> Result<String, StoreError> {
        Ok(pss::fingerprint(&record::verify_own(&self.attk)?.public_key)?)
    }

    /// Those in this folder, if they vouch for this key; else such as `make` makes.
    pub(super) fn of(
        locked: &Locked<'_>,
        public_key: &str,
        make: impl FnOnce() -> Result<Self, StoreError>,
    ) -> Result<Self, StoreError> {
        if let Some(text) = locked.read(NAME)?
            && let Some(records) = Self::read(&text, public_key)
        {
            return Ok(records);
        }
        let records = make()?;
        let Self { attk, ask, auth_key, .. } = &records;
        let text = Text { attk: STANDARD.encode(attk), ask: STANDARD.encode(ask), auth_key: STANDARD.encode(auth_key) };
        locked.write(NAME, &serde_json::to_string(&text).expect("a structure of texts is always JSON"))?;
        Ok(records)
    }

    fn read(text: &str, public_key: &str) -> Option<Self> {
        let text: Text = serde_json::from_str(text).ok()?;
        let decode = |record: &str| STANDARD.decode(record).ok();
        let (attk, ask, auth_key) = (decode(&text.attk)?, decode(&text.ask)?, decode(&text.auth_key)?);
        let verified = Chain { attk: &attk, ask: &ask, auth_key: &auth_key }.verify().ok()?;
        let cpu_id = verified.auth_key.cpu_id;
        (verified.auth_key.public_key == public_key).then_some(Self { attk, ask, auth_key, cpu_id })
    }
}

impl Draft<'_> {
    /// Has the first two keys sign the records.
    pub(super) fn signed(
        &self,
        mut sign: impl FnMut(Link, &str) -> Result<Vec<u8>, StoreError>,
    ) -> Result<Records, StoreError> {
        let cpu_id = fingerprint(self.attk);
        let mut signed = |key: &str, counter, by| {
            let salt = if by == Link::Attk { self.salt } else { SaltLen::Bytes20 };
            let key = KeyRecord { public_key: key.to_owned(), cpu_id: cpu_id.clone(), counter, uid: user(), salt };
            let json = key.to_json();
            Ok::<_, StoreError>(record::seal(&json, &sign(by, &json)?)?)
        };
        let attk = signed(self.attk, 0, Link::Attk)?;
        let ask = signed(self.ask, 0, Link::Attk)?;
        let auth_key = signed(self.auth_key, self.counter, Link::Ask)?;
        // A part that signs in another way than SOTER's would be found out by the server, and by nobody before.
        Chain { attk: &attk, ask: &ask, auth_key: &auth_key }.verify()?;
        Ok(Records { attk, ask, auth_key, cpu_id })
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use std::fs;

    use super::{
        super::{Seal, SoftwareKey, SoterKeyStore as _},
        *,
    };

    #[test]
    fn a_key_is_vouched_for_by_the_same_keys_for_as_long_as_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let first = SoftwareKey::open(&folder, &Seal::none()).unwrap();
        let Records { attk, ask, auth_key, cpu_id } = first.records();
        let chain = Chain { attk, ask, auth_key }.verify().unwrap();
        assert_eq!((&chain.attk.cpu_id, &chain.auth_key.cpu_id), (cpu_id, cpu_id));
        assert_eq!((chain.auth_key.public_key.as_str(), chain.auth_key.counter), (first.public_key(), 0));
        assert_eq!(SoftwareKey::open(&folder, &Seal::none()).unwrap().records(), first.records());

        // Another key: the two above vouch for it, and the device stays what it is.
        fs::remove_file(folder.path().join("key.pem")).unwrap();
        let second = SoftwareKey::open(&folder, &Seal::none()).unwrap();
        let Records { attk, ask, auth_key, cpu_id } = second.records();
        assert_ne!(second.public_key(), first.public_key());
        assert_eq!((cpu_id, Chain { attk, ask, auth_key }.verify().unwrap().attk), (&first.records().cpu_id, chain.attk));
    }

    #[test]
    fn records_that_are_damaged_or_of_another_key_are_made_anew() {
        let [folder, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let key = SoftwareKey::open(&folder, &Seal::none()).unwrap();
        SoftwareKey::open(&other, &Seal::none()).unwrap();
        let (path, others) = (folder.path().join(NAME), fs::read_to_string(other.path().join(NAME)).unwrap());
        for spoilt in ["", "{}", &others, &fs::read_to_string(&path).unwrap().replace('A', "B")] {
            fs::write(&path, spoilt).unwrap();
            let again = SoftwareKey::open(&folder, &Seal::none()).unwrap();
            let Records { attk, ask, auth_key, cpu_id } = again.records();
            let chain = Chain { attk, ask, auth_key }.verify().unwrap();
            assert_eq!((chain.auth_key.public_key.as_str(), cpu_id), (key.public_key(), &key.records().cpu_id));
        }
    }

    #[test]
    fn a_part_that_signs_in_another_way_is_told_before_anything_is_kept() {
        let signer = wx_crypto::SoterSigner::generate().unwrap();
        let pem = signer.public_pem();
        let draft = Draft { attk: pem, ask: pem, auth_key: pem, salt: SaltLen::Bytes32, counter: 7 };
        let with_20 = |json: &str| Ok(pss::sign(&signer, json.as_bytes(), SaltLen::Bytes20)?);
        let error = draft.signed(|_, json| with_20(json)).unwrap_err();
        assert!(error.to_string().starts_with("the record of the ATTK: the key above it has not signed it"), "{error}");
    }
}
