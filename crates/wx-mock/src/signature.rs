//! What a developer's server does with the session keys of its users.

use std::fmt;

use async_trait::async_trait;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::{RawValue, to_raw_value};
use wx_api::signature::{Opened, Sealed, Signature, SignatureError, Watermark};
use wx_crypto::{Expect, OpenDataError, SessionKey, open_data, signature};

use crate::server::Server;

/// How old opened data may be, in seconds: two hours.
const MAX_AGE: u64 = 7200;
/// How far ahead its watermark may be, in seconds. In one world there is one clock, but the rule is the real server's.
const MAX_SKEW: u64 = 300;

#[async_trait]
impl Signature for Server {
    async fn sign(&self, openid: &str, raw_data: &str) -> Result<String, SignatureError> {
        Ok(signature::sign(raw_data.as_bytes(), &self.key(openid)?))
    }

    async fn verify(&self, openid: &str, raw_data: &str, signature: &str) -> Result<(), SignatureError> {
        let genuine = signature::verify(raw_data.as_bytes(), &self.key(openid)?, signature);
        if genuine { Ok(()) } else { Err(SignatureError::Mismatch) }
    }

    async fn seal(&self, openid: &str, json: &str) -> Result<Sealed, SignatureError> {
        let key = self.key(openid)?;
        let mark = Mark { timestamp: self.platform().now().as_secs(), appid: self.app().as_str() };
        let sealed = open_data::seal(marked(json, &mark)?.as_bytes(), &key, self.platform().iv());
        Ok(Sealed { encrypted_data: sealed.encrypted_data, iv: sealed.iv })
    }

    async fn open(&self, openid: &str, sealed: &Sealed) -> Result<Opened, SignatureError> {
        let key = self.key(openid)?;
        let now_s = i64::try_from(self.platform().now().as_secs()).unwrap_or(i64::MAX);
        let expect = Expect { appid: self.app().as_str(), now_s, max_age_s: MAX_AGE, max_skew_s: MAX_SKEW };
        let opened = open_data::open(&sealed.encrypted_data, &sealed.iv, &key, &expect).map_err(|error| refusal(&error))?;
        let timestamp = u64::try_from(opened.watermark.timestamp)
            .map_err(|_| SignatureError::BadData("the watermark is from before 1970".to_owned()))?;
        Ok(Opened { json: opened.json, watermark: Watermark { appid: opened.watermark.appid, timestamp } })
    }
}

impl Server {
    fn key(&self, openid: &str) -> Result<SessionKey, SignatureError> {
        self.platform().key(self.app(), openid).ok_or(SignatureError::NoSession)
    }
}

/// A watermark as the platform writes it.
#[derive(Serialize)]
pub(crate) struct Mark<'a> {
    pub(crate) timestamp: u64,
    pub(crate) appid: &'a str,
}

/// The same JSON object with this watermark, in place of one it had. Every other member keeps its text.
fn marked(json: &str, mark: &Mark<'_>) -> Result<String, SignatureError> {
    // The position only: serde_json's own message may quote the data.
    let refused = |error: serde_json::Error| {
        SignatureError::BadData(format!("not a JSON object (line {}, column {})", error.line(), error.column()))
    };
    let mut object: Object = serde_json::from_str(json).map_err(refused)?;
    object.0.retain(|(name, _)| name != "watermark");
    object.0.push(("watermark".to_owned(), to_raw_value(mark).map_err(refused)?));
    serde_json::to_string(&object).map_err(refused)
}

/// The members of an object, in their order and with the texts of their values.
struct Object(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

fn refusal(error: &OpenDataError) -> SignatureError {
    match error {
        OpenDataError::IllegalAesKey => SignatureError::BadKey,
        OpenDataError::IllegalIv => SignatureError::BadIv,
        OpenDataError::DecodeBase64Error => SignatureError::BadBase64,
        other => SignatureError::BadData(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    const MARK: Mark<'_> = Mark { timestamp: 7, appid: "wx1" };

    #[test]
    fn a_watermark_is_added_and_every_other_member_keeps_its_text() {
        let marked = marked(r#"{"z": 1.50, "a":12345678901234567890123, "é":{"watermark":null}}"#, &MARK).unwrap();
        assert_eq!(
            marked,
            r#"{"z":1.50,"a":12345678901234567890123,"é":{"watermark":null},"watermark":{"timestamp":7,"appid":"wx1"}}"#
        );
    }

    #[test]
    fn a_watermark_is_replaced() {
        let marked = marked(r#"{"watermark":{"timestamp":1,"appid":"other"},"a":1}"#, &MARK).unwrap();
        assert_eq!(marked, r#"{"a":1,"watermark":{"timestamp":7,"appid":"wx1"}}"#);
    }

    #[test]
    fn what_is_no_object_is_refused_without_quoting_it() {
        for json in ["", "[]", "null", r#""secret""#, r#"{"secret"}"#, r#"{"secret":1} x"#] {
            let SignatureError::BadData(reason) = marked(json, &MARK).unwrap_err() else { panic!("{json}") };
            assert!(reason.starts_with("not a JSON object") && !reason.contains("secret"), "{reason}");
        }
    }

    #[test]
    fn every_refusal_keeps_its_official_code() {
        for error in [
            OpenDataError::IllegalAesKey,
            OpenDataError::IllegalIv,
            OpenDataError::DecodeBase64Error,
            OpenDataError::Padding,
            OpenDataError::AppIdMismatch,
        ] {
            assert_eq!(refusal(&error).code(), Some(error.code()));
        }
    }
}
