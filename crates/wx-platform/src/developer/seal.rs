//! Signed and sealed data by user, with the current key alone: the contract.

use async_trait::async_trait;
use wx_api::{
    Timestamp,
    signature::{Opened, Sealed, Signature, SignatureError},
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
        let json = wx_rules::open_data::marked(json, self.client.app(), now)?;
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
