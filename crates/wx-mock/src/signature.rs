//! What a developer's server does with the session keys of its users.

use async_trait::async_trait;
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
        let json = wx_rules::open_data::marked(json, self.app(), self.platform().now())?;
        let sealed = open_data::seal(json.as_bytes(), &key, self.platform().iv());
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
