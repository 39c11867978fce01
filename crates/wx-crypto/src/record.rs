//! SOTER's keys as devices export them, and how they vouch for one another.
//!
//! A device's key (ATTK) vouches for the one of a host application (ASK), and that one for the key that signs results (`AuthKey`). Each is
//! exported as a record: the length of a JSON text in four bytes, little-endian; the text, which names the key; and the signature of the
//! key above over that text. Nothing is above an ATTK, so it signs its own record.
//!
//! That a chain verifies says that who has the ATTK vouches for the `AuthKey`. Whether that is a device, and which, is for the caller to
//! know: by [`pss::fingerprint`] of the ATTK.

mod chain;
mod error;

use std::borrow::Cow;
use std::fmt;

pub use self::chain::{Chain, ChainError, Link, VerifiedChain};
pub use self::error::RecordError;
use crate::json::{self, Fault, Keys, Quoted};
use crate::pss::{self, PssError, SIGNATURE_LEN, SaltLen, SoterVerifier};

/// The longest JSON text of a record that is read, in bytes: 1 MiB. Real ones have some hundred, or some thousand with certificates.
pub const MAX_JSON_LEN: usize = 1024 * 1024;

/// Bytes of the length that a record begins with.
const PREFIX_LEN: usize = 4;

/// What a record says of a key.
///
/// The fields tell a device from others, so [`Debug`](fmt::Debug) shows the counter and the salt only.
///
/// # Examples
///
/// ```
/// # let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/test-only.spki.pem"));
/// use wx_crypto::{SaltLen, record::KeyRecord};
///
/// let (cpu_id, uid) = ("5f1".to_owned(), "10115".to_owned());
/// let key = KeyRecord { public_key: pem.to_owned(), cpu_id, counter: 240, uid, salt: SaltLen::Bytes20 };
/// assert!(key.to_json().ends_with(r#","cpu_id":"5f1","counter":240,"uid":"10115"}"#));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key as SPKI in PEM.
    pub public_key: String,
    /// What tells the device from others.
    pub cpu_id: String,
    /// From where on the key's results count: theirs are above it.
    pub counter: u64,
    /// The number of the host application in the device's system.
    pub uid: String,
    /// How long the salt of this record's signature is. 20 bytes, if it declares none.
    pub salt: SaltLen,
}

impl KeyRecord {
    /// The text that the key above signs.
    ///
    /// # Examples
    ///
    /// See [`KeyRecord`].
    pub fn to_json(&self) -> String {
        let [key, cpu_id, uid] = [&self.public_key, &self.cpu_id, &self.uid].map(|text| serde_json::Value::from(text.as_str()));
        let salt = match self.salt {
            SaltLen::Bytes20 => String::new(),
            declared @ SaltLen::Bytes32 => format!(r#","rsa_pss_saltlen":{}"#, declared.bytes()),
        };
        format!(r#"{{"pub_key":{key},"cpu_id":{cpu_id},"counter":{},"uid":{uid}{salt}}}"#, self.counter)
    }

    /// The key, to verify with.
    ///
    /// # Errors
    ///
    /// What is wrong with the key; nothing in a record that was verified.
    ///
    /// # Examples
    ///
    /// See [`verify`].
    pub fn key(&self) -> Result<SoterVerifier, PssError> {
        SoterVerifier::from_spki_pem(&self.public_key)
    }
}

impl fmt::Debug for KeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRecord").field("counter", &self.counter).field("salt", &self.salt).finish_non_exhaustive()
    }
}

/// The record of this text and its signature.
///
/// # Errors
///
/// [`TooLong`](RecordError::TooLong); [`Mismatch`](RecordError::Mismatch) for a signature that has not [`SIGNATURE_LEN`] bytes.
///
/// # Examples
///
/// See [`verify`].
pub fn seal(json: &str, signature: &[u8]) -> Result<Vec<u8>, RecordError> {
    let too_long = RecordError::TooLong { declared: json.len() };
    if json.len() > MAX_JSON_LEN {
        return Err(too_long);
    }
    if signature.len() != SIGNATURE_LEN {
        return Err(RecordError::Mismatch);
    }
    let len = u32::try_from(json.len()).map_err(|_| too_long)?;
    Ok([&len.to_le_bytes(), json.as_bytes(), signature].concat())
}

/// What a record says, if the key above has signed it.
///
/// Its fields are read as those of a result are: one that is unknown here is passed over, such as a vendor's certificates, and a text that
/// two parsers could read differently is refused. The salt has the length that the record declares, 20 or 32 bytes, or 20 if it declares
/// none.
///
/// # Errors
///
/// In this order: [`TooShort`](RecordError::TooShort), [`TooLong`](RecordError::TooLong), [`Length`](RecordError::Length),
/// [`Utf8`](RecordError::Utf8), [`Json`](RecordError::Json), [`DuplicateKey`](RecordError::DuplicateKey), [`Salt`](RecordError::Salt),
/// [`KeyMissing`](RecordError::KeyMissing), [`Key`](RecordError::Key), [`CounterMissing`](RecordError::CounterMissing),
/// [`DeviceMissing`](RecordError::DeviceMissing), [`HostMissing`](RecordError::HostMissing), and at last, since the salt's length must be
/// known, [`Mismatch`](RecordError::Mismatch).
///
/// # Examples
///
#[cfg_attr(feature = "aws-lc-rs", doc = include_str!("record/docs/verify.md"))]
#[cfg_attr(not(feature = "aws-lc-rs"), doc = "Making one takes a signer, of the feature `aws-lc-rs`.")]
pub fn verify(record: &[u8], above: &SoterVerifier) -> Result<KeyRecord, RecordError> {
    let Parts { json, signature } = split(record)?;
    let key = read(json)?;
    if pss::verify(above, json.as_bytes(), signature, key.salt) { Ok(key) } else { Err(RecordError::Mismatch) }
}

/// As [`verify`], for a key that nothing is above: it has signed its own record, so whoever exported it has it.
///
/// # Errors
///
/// As [`verify`].
///
/// # Examples
///
/// ```
/// use wx_crypto::{RecordError, record};
///
/// assert_eq!(record::verify_own(&[0; 259]), Err(RecordError::TooShort { bytes: 259 }));
/// assert_eq!(record::verify_own(&[0xff; 300]), Err(RecordError::TooLong { declared: 0xffff_ffff }));
/// ```
pub fn verify_own(record: &[u8]) -> Result<KeyRecord, RecordError> {
    let own = read(split(record)?.json)?.key()?;
    verify(record, &own)
}

struct Parts<'a> {
    json: &'a str,
    signature: &'a [u8],
}

fn split(record: &[u8]) -> Result<Parts<'_>, RecordError> {
    let too_short = RecordError::TooShort { bytes: record.len() };
    let Some((prefix, rest)) = record.split_first_chunk::<PREFIX_LEN>() else { return Err(too_short) };
    let Some((json, signature)) = rest.split_last_chunk::<SIGNATURE_LEN>() else { return Err(too_short) };
    // Nothing is allocated for a length that is only claimed.
    let declared = usize::try_from(u32::from_le_bytes(*prefix)).unwrap_or(usize::MAX);
    if declared > MAX_JSON_LEN {
        return Err(RecordError::TooLong { declared });
    }
    if declared != json.len() {
        return Err(RecordError::Length { declared, found: json.len() });
    }
    let json = str::from_utf8(json).map_err(|_| RecordError::Utf8)?;
    Ok(Parts { json, signature })
}

/// The values of the known fields, numbers as they are written.
#[derive(Default)]
struct Found<'a> {
    public_key: Option<String>,
    cpu_id: Option<String>,
    uid: Option<String>,
    counter: Option<&'a str>,
    salt: Option<&'a str>,
}

fn read(json: &str) -> Result<KeyRecord, RecordError> {
    let mut found = Found::default();
    let keys = json::walk(json, |outer, key, value| {
        if outer.is_none() {
            found.take(key, value);
        }
        true
    });
    if keys.map_err(|Fault { line, column }| RecordError::Json { line, column })? == Keys::Repeat {
        return Err(RecordError::DuplicateKey);
    }
    let salt = match found.salt {
        None => SaltLen::default(),
        Some(declared) => declared.parse().ok().and_then(|bytes: usize| bytes.try_into().ok()).ok_or(RecordError::Salt)?,
    };
    let public_key = found.public_key.ok_or(RecordError::KeyMissing)?;
    SoterVerifier::from_spki_pem(&public_key)?;
    Ok(KeyRecord {
        public_key,
        counter: found.counter.and_then(|counter| counter.parse().ok()).ok_or(RecordError::CounterMissing)?,
        cpu_id: found.cpu_id.ok_or(RecordError::DeviceMissing)?,
        uid: found.uid.ok_or(RecordError::HostMissing)?,
        salt,
    })
}

impl<'a> Found<'a> {
    fn take(&mut self, key: Quoted<'_>, value: &'a str) {
        let text = || json::text(value).map(Cow::into_owned);
        if key.is("pub_key") {
            self.public_key = text();
        } else if key.is("cpu_id") {
            self.cpu_id = text();
        } else if key.is("uid") {
            self.uid = text();
        } else if key.is("counter") {
            self.counter = Some(value);
        } else if key.is("rsa_pss_saltlen") {
            self.salt = Some(value);
        }
    }
}

#[cfg(test)]
mod tests;
