//! Stands in for `wx_crypto::soter` until that is there.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use wx_crypto::{SaltLen, SoterVerifier, pss};

#[derive(Deserialize)]
pub(super) struct Report {
    pub(super) counter: u64,
    #[serde(default = "twenty")]
    rsa_pss_saltlen: usize,
}

fn twenty() -> usize {
    20
}

pub(super) struct SoterError(&'static str);

impl SoterError {
    pub(super) fn reason(&self) -> &'static str {
        self.0
    }
}

pub(super) fn verify(json: &str, signature: &str, key: &SoterVerifier) -> Result<Report, SoterError> {
    let signature = STANDARD.decode(signature).map_err(|_| SoterError("bad base64"))?;
    let report: Report = serde_json::from_str(json).map_err(|_| SoterError("not JSON"))?;
    let salt = SaltLen::try_from(report.rsa_pss_saltlen).map_err(|_| SoterError("salt neither 20 nor 32"))?;
    if !pss::verify(key, json.as_bytes(), &signature, salt) {
        return Err(SoterError("signature does not match: wrong key, or the JSON was re-escaped"));
    }
    Ok(report)
}
