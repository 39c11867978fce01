//! Signed and sealed data by user, with the current key alone: the contract.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::value::{RawValue, to_raw_value};
use wx_api::{
    Timestamp,
    signature::{Opened, Sealed, Signature, SignatureError, Watermark},
};
use wx_crypto::{SessionKey, open_data, signature};

use super::{Sessions, data, token};

/// By `openid`, as long as a session of that user is good. A login ends the key before it at once: what comes by token is
/// [`Sessions::verify`]'s and [`Sessions::open`]'s business.
#[async_trait]
impl Signature for Sessions {
    async fn sign(&self, openid: &str, raw_data: &str) -> Result<String, SignatureError> {
        Ok(signature::sign(raw_data.as_bytes(), &self.current(openid, self.clock.now())?))
    }

    async fn verify(&self, openid: &str, raw_data: &str, signature: &str) -> Result<(), SignatureError> {
        let genuine = signature::verify(raw_data.as_bytes(), &self.current(openid, self.clock.now())?, signature);
        if genuine { Ok(()) } else { Err(SignatureError::Mismatch) }
    }

    async fn seal(&self, openid: &str, json: &str) -> Result<Sealed, SignatureError> {
        let now = self.clock.now();
        let key = self.current(openid, now)?;
        let watermark = Watermark { appid: self.client.app().to_string(), timestamp: now.as_secs() };
        let json = marked(json, &watermark)?;
        let iv = token::random().map_err(|error| SignatureError::BadData(error.to_string()))?;
        let sealed = open_data::seal(json.as_bytes(), &key, iv);
        Ok(Sealed { encrypted_data: sealed.encrypted_data, iv: sealed.iv })
    }

    async fn open(&self, openid: &str, sealed: &Sealed) -> Result<Opened, SignatureError> {
        let now = self.clock.now();
        let key = self.current(openid, now)?;
        data::open(sealed, &key, self.client.app().as_str(), now, &self.rules).map_err(|unopened| unopened.error)
    }
}

impl Sessions {
    fn current(&self, openid: &str, now: Timestamp) -> Result<SessionKey, SignatureError> {
        self.table().keys_by_user(openid, now).map(|keys| keys.current).ok_or(SignatureError::NoSession)
    }
}

/// The same JSON object with this watermark, in place of one it had. Every other member keeps the text of its value.
fn marked(json: &str, watermark: &Watermark) -> Result<String, SignatureError> {
    // The position only: serde_json's own message may quote the data.
    let refused = |error: serde_json::Error| {
        SignatureError::BadData(format!("not a JSON object (line {}, column {})", error.line(), error.column()))
    };
    let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(json).map_err(refused)?;
    members.insert("watermark".to_owned(), to_raw_value(watermark).map_err(refused)?);
    serde_json::to_string(&members).map_err(refused)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    fn mark(json: &str) -> Result<String, SignatureError> {
        marked(json, &Watermark { appid: "wx1".to_owned(), timestamp: 7 })
    }

    #[test]
    fn a_watermark_is_added_and_every_other_member_keeps_its_text() {
        assert_eq!(
            mark(r#"{"a": 1.50, "b":12345678901234567890123, "é":{"watermark": null}}"#).unwrap(),
            r#"{"a":1.50,"b":12345678901234567890123,"watermark":{"appid":"wx1","timestamp":7},"é":{"watermark": null}}"#
        );
    }

    #[test]
    fn a_watermark_is_replaced() {
        let marked = mark(r#"{"watermark":{"timestamp":1,"appid":"other"},"a":1}"#).unwrap();
        assert_eq!(marked, r#"{"a":1,"watermark":{"appid":"wx1","timestamp":7}}"#);
    }

    #[test]
    fn what_is_no_object_is_refused_without_quoting_it() {
        for json in ["", "[]", "null", r#""secret""#, r#"{"secret"}"#, r#"{"secret":1} x"#] {
            let SignatureError::BadData(reason) = mark(json).unwrap_err() else { panic!("{json}") };
            assert!(reason.starts_with("not a JSON object") && !reason.contains("secret"), "{reason}");
        }
    }
}
