//! Verifying what a device signed: is this result the one, and what does it say?
//!
//! `startSoterAuthentication` gives a mini-program `resultJSON` and `resultJSONSignature`, and the mini-program's server has them
//! verified. [`verify`] is that, given the device's public key. It knows nothing of the past: whoever calls it tells
//! [`Report::confirms`] the challenge it sent and the last counter it saw, lest a result be used twice.

mod error;
mod rewritten;

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use self::error::SoterError;
use crate::json::{self, Fault, Keys, Quoted};
use crate::pss::{self, SIGNATURE_LEN, SaltLen, SoterVerifier};

/// The longest result that is read, in bytes: 64 KiB. Real ones have some hundred.
pub const MAX_RESULT_LEN: usize = 64 * 1024;

/// What a device signed, after its signature has been found good.
///
/// The fields tell a person and a device from others, so [`Debug`](fmt::Debug) shows the counter and the salt only.
///
/// # Examples
///
/// See [`verify`].
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The challenge that was signed: compare it with the one that was sent.
    pub raw: String,
    /// Rises with every signature of this key: one that does not is a replay.
    pub counter: u64,
    /// The number of the finger on this device, on Android. Some devices end it in a NUL, which is not part of it.
    pub fid: Option<String>,
    /// The name of the trusted environment.
    pub tee_n: Option<String>,
    /// The version of the trusted environment.
    pub tee_v: Option<String>,
    /// The name of the reader.
    pub fp_n: Option<String>,
    /// The version of the reader.
    pub fp_v: Option<String>,
    /// What tells this machine from others; an update of its system may change it.
    pub cpu_id: Option<String>,
    /// The number of the host application in the device's system.
    pub uid: Option<String>,
    /// How long the signature's salt is.
    pub salt: SaltLen,
}

impl Report {
    /// Whether it is the answer to this challenge, and newer than the last one that was accepted of this key.
    ///
    /// # Errors
    ///
    /// In this order: [`Challenge`](SoterError::Challenge), [`Replay`](SoterError::Replay).
    ///
    /// # Examples
    ///
    /// ```
    /// # let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/test-only.spki.pem"));
    /// # let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/salt-20.sig"));
    /// # use base64::{Engine as _, engine::general_purpose::STANDARD};
    /// # let signature = STANDARD.encode(bytes);
    /// use wx_crypto::{SoterError, SoterVerifier, soter};
    ///
    /// let key = SoterVerifier::from_spki_pem(pem)?;
    /// let report = soter::verify(r#"{"raw":"challenge","counter":7}"#, &signature, &key).unwrap();
    /// assert_eq!(report.confirms("challenge", Some(6)), Ok(()));
    /// assert_eq!(report.confirms("challenge", Some(7)), Err(SoterError::Replay));
    /// assert_eq!(report.confirms("another", None), Err(SoterError::Challenge));
    /// # Ok::<(), wx_crypto::PssError>(())
    /// ```
    pub fn confirms(&self, challenge: &str, last: Option<u64>) -> Result<(), SoterError> {
        if self.raw != challenge {
            Err(SoterError::Challenge)
        } else if last.is_some_and(|last| self.counter <= last) {
            Err(SoterError::Replay)
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("counter", &self.counter).field("salt", &self.salt).finish_non_exhaustive()
    }
}

/// Verifies that `signature_base64` is the signature of exactly the bytes of `json` by this key, and reads what they say.
///
/// The salt has the length that the result declares as `rsa_pss_saltlen`, 20 or 32, or 20 if it declares none; never what the
/// signature itself suggests. Fields that are unknown here are ignored, and descriptive ones that are no texts count as absent, but
/// a result that two parsers could read differently is refused.
///
/// # Errors
///
/// In this order: [`TooLarge`](SoterError::TooLarge), [`SignatureBase64`](SoterError::SignatureBase64),
/// [`SignatureLength`](SoterError::SignatureLength), [`Json`](SoterError::Json), [`DuplicateKey`](SoterError::DuplicateKey),
/// [`Salt`](SoterError::Salt), [`RawMissing`](SoterError::RawMissing), [`CounterMissing`](SoterError::CounterMissing), and at last,
/// since the salt's length must be known, [`Mismatch`](SoterError::Mismatch). In place of that one or of [`Json`](SoterError::Json) it is
/// [`ReEscaped`](SoterError::ReEscaped) if the signature is one of the same result written in another usual way: that one was parsed and
/// written anew, or made a text once more, and is refused as well.
///
/// # Examples
///
/// ```
/// # let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/test-only.spki.pem"));
/// # let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/salt-20.sig"));
/// # use base64::{Engine as _, engine::general_purpose::STANDARD};
/// # let signature = STANDARD.encode(bytes);
/// use wx_crypto::{SoterError, SoterVerifier, soter};
///
/// let key = SoterVerifier::from_spki_pem(pem)?;
/// let report = soter::verify(r#"{"raw":"challenge","counter":7}"#, &signature, &key).unwrap();
/// assert_eq!((report.raw.as_str(), report.counter), ("challenge", 7));
///
/// // The same JSON, written anew with a space, is other bytes:
/// let rewritten = soter::verify(r#"{"raw":"challenge", "counter":7}"#, &signature, &key);
/// assert_eq!(rewritten.unwrap_err(), SoterError::ReEscaped);
///
/// // And this is another result:
/// let forged = soter::verify(r#"{"raw":"challenge","counter":8}"#, &signature, &key);
/// assert_eq!(forged.unwrap_err(), SoterError::Mismatch);
/// # Ok::<(), wx_crypto::PssError>(())
/// ```
pub fn verify(json: &str, signature_base64: &str, key: &SoterVerifier) -> Result<Report, SoterError> {
    if json.len() > MAX_RESULT_LEN {
        return Err(SoterError::TooLarge { bytes: json.len() });
    }
    let signature = decode(signature_base64)?;
    let checked = check(json, &signature, key);
    if let Err(SoterError::Json { .. } | SoterError::Mismatch) = checked {
        let is_original = |text: &String| check(text, &signature, key).is_ok();
        if rewritten::originals(json).iter().any(is_original) {
            return Err(SoterError::ReEscaped);
        }
    }
    checked
}

fn check(json: &str, signature: &[u8], key: &SoterVerifier) -> Result<Report, SoterError> {
    let report = read(json)?;
    if pss::verify(key, json.as_bytes(), signature, report.salt) { Ok(report) } else { Err(SoterError::Mismatch) }
}

fn decode(text: &str) -> Result<Vec<u8>, SoterError> {
    // Base64 of a signature has 344 characters; a text many times as long is not decoded to say how wrong it is.
    if text.len() > 4 * SIGNATURE_LEN {
        return Err(SoterError::SignatureLength { bytes: text.len() / 4 * 3 });
    }
    let signature = STANDARD.decode(text).map_err(|_| SoterError::SignatureBase64)?;
    match signature.len() {
        SIGNATURE_LEN => Ok(signature),
        bytes => Err(SoterError::SignatureLength { bytes }),
    }
}

fn read(json: &str) -> Result<Report, SoterError> {
    let json = without_raw_nul(json);
    let mut found = Found::default();
    let keys = json::walk(&json, |outer, key, value| {
        if outer.is_none() {
            found.take(key, value);
        }
        true
    })
    .map_err(|Fault { line, column }| SoterError::Json { line, column })?;
    if keys == Keys::Repeat {
        return Err(SoterError::DuplicateKey);
    }
    let salt = match found.salt {
        None => SaltLen::default(),
        Some(declared) => declared.parse().ok().and_then(|bytes: usize| bytes.try_into().ok()).ok_or(SoterError::Salt)?,
    };
    let [raw, fid, tee_n, tee_v, fp_n, fp_v, cpu_id, uid] = found.texts;
    Ok(Report {
        raw: raw.ok_or(SoterError::RawMissing)?,
        counter: found.counter.and_then(|counter| counter.parse().ok()).ok_or(SoterError::CounterMissing)?,
        fid: fid.map(|fid| fid.trim_end_matches('\0').to_owned()),
        tee_n,
        tee_v,
        fp_n,
        fp_v,
        cpu_id,
        uid,
        salt,
    })
}

/// The fields that are texts, in the order of the documentation.
const TEXTS: [&str; 8] = ["raw", "fid", "tee_n", "tee_v", "fp_n", "fp_v", "cpu_id", "uid"];

/// The values of the known fields, numbers as they are written.
#[derive(Default)]
struct Found<'a> {
    texts: [Option<String>; TEXTS.len()],
    counter: Option<&'a str>,
    salt: Option<&'a str>,
}

impl<'a> Found<'a> {
    fn take(&mut self, key: Quoted<'_>, value: &'a str) {
        if key.is("counter") {
            self.counter = Some(value);
        } else if key.is("rsa_pss_saltlen") {
            self.salt = Some(value);
        } else if let Some(i) = TEXTS.iter().position(|text| key.is(text)) {
            self.texts[i] = json::text(value).map(Cow::into_owned);
        }
    }
}

/// The text as it is read, not as it is verified: some devices end a text in the NUL of its C string, unescaped, which no JSON
/// allows.
fn without_raw_nul(json: &str) -> Cow<'_, str> {
    if json.contains("\0\"") { Cow::Owned(json.replace("\0\"", "\"")) } else { Cow::Borrowed(json) }
}

#[cfg(test)]
mod tests;
