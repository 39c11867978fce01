//! From a finger to a signature: what was confirmed, stated once, and signed once.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use wx_api::{
    Sensor,
    soter::{AuthMode, SoterResult, StartSoterAuthenticationResult},
};
use wx_crypto::SaltLen;
use wx_rules::soter::result_text;

use super::keys::SoterKeyStore;

/// The proof that the user has just confirmed this challenge with a finger. A dialog makes it, a statement uses it up.
pub(super) struct Presence {
    pub(super) mode: AuthMode,
    /// The finger, where the profile names it.
    pub(super) fid: Option<String>,
    /// How long the salt is to be, where the profile declares it.
    pub(super) declared_salt: Option<u8>,
    pub(super) challenge: String,
}

/// Where a statement comes from, in the words of the page.
pub(super) struct Origin {
    tee_n: String,
    tee_v: String,
    fp_n: String,
    fp_v: String,
    cpu_id: String,
    uid: String,
}

/// What the user has just confirmed, with the number it was counted by: the text of `resultJSON`, to be signed as it is.
///
/// Only a dialog in which a finger matched leads to one, and there is no second: it cannot be cloned, and
/// [`signed`](Self::signed) uses it up.
///
/// ```compile_fail
/// fn twice(statement: wx_desktop::soter::Statement) {
///     statement.signed(vec![]);
///     statement.signed(vec![]);
/// }
/// ```
pub struct Statement {
    mode: AuthMode,
    text: String,
    salt: SaltLen,
}

/// A statement and its signature.
pub struct Signed {
    statement: Statement,
    signature: Vec<u8>,
}

impl Origin {
    pub(super) fn of(keys: &dyn SoterKeyStore, sensor: Sensor) -> Self {
        Self {
            tee_n: keys.name().to_owned(),
            tee_v: keys.version().to_owned(),
            fp_n: sensor.name,
            fp_v: sensor.version,
            cpu_id: keys.records().cpu_id.clone(),
            uid: user(),
        }
    }
}

/// What tells this device from others: its key does, and says nothing else about it.
pub(super) fn fingerprint(public_key: &str) -> String {
    Sha256::digest(public_key)[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The number of the user that this process runs as; empty where the system has none.
pub(super) fn user() -> String {
    #[cfg(target_os = "linux")]
    if let Ok(process) = std::fs::metadata("/proc/self") {
        return std::os::unix::fs::MetadataExt::uid(&process).to_string();
    }
    String::new()
}

impl Presence {
    /// States what was confirmed, under this number.
    pub(super) fn state(self, counter: u64, origin: Origin) -> Statement {
        let Origin { tee_n, tee_v, fp_n, fp_v, cpu_id, uid } = origin;
        let (raw, fid, rsa_pss_saltlen) = (self.challenge, self.fid, self.declared_salt);
        let result = SoterResult { raw, fid, counter, tee_n, tee_v, fp_n, fp_v, cpu_id, uid, rsa_pss_saltlen };
        // A profile declares no other length than there is.
        let salt = rsa_pss_saltlen.and_then(|bytes| usize::from(bytes).try_into().ok()).unwrap_or_default();
        Statement { mode: self.mode, text: result_text(&result), salt }
    }
}

impl Statement {
    /// What is to be signed: these bytes and no others.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How long the signature's salt is to be: as the text says, or else 20 bytes.
    pub fn salt(&self) -> SaltLen {
        self.salt
    }

    /// The statement with its signature: SHA256withRSA/PSS with a salt of [this length](Self::salt).
    pub fn signed(self, signature: Vec<u8>) -> Signed {
        Signed { statement: self, signature }
    }
}

impl From<Signed> for StartSoterAuthenticationResult {
    fn from(Signed { statement: Statement { mode, text, .. }, signature }: Signed) -> Self {
        Self { auth_mode: mode, result_json: text, result_json_signature: STANDARD.encode(signature) }
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").finish_non_exhaustive()
    }
}
