//! Mutants of the domain `signature`: servers that do the wrong thing with a session key.

use async_trait::async_trait;
use serde_json::Value;
use wx_api::signature::{Opened, Sealed, Signature, SignatureError, Watermark};
use wx_crypto::{SessionKey, open_data, signature};

use crate::{
    list::Mutant,
    outside::{Desk, Users},
    spoil::Spoil,
};

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        what: "the first byte of the data is not looked at",
        case: "signature::changed_data_does_not_verify",
        spoil: || Spoil::desk(FirstByteFree),
    },
    Mutant {
        what: "the last digit of a signature is not looked at",
        case: "signature::changed_signature_does_not_verify",
        spoil: || Spoil::desk(LastDigitFree),
    },
    Mutant {
        what: "a signature that does not match is told as damaged data",
        case: "signature::mismatch_is_87009",
        spoil: || Spoil::desk(MismatchIsDamage),
    },
    Mutant { what: "signatures are in capitals", case: "signature::is_lower_case_hex", spoil: || Spoil::desk(Capitals) },
    Mutant {
        what: "the watermark is an hour slow",
        case: "signature::seal_adds_a_watermark",
        spoil: || Spoil::desk(SlowWatermark),
    },
    Mutant {
        what: "a session that has ended still signs",
        case: "signature::ended_session_is_refused",
        spoil: || Spoil::desk(SignsOn),
    },
    Mutant {
        what: "any user's session key opens the data",
        case: "signature::other_users_sealed_data_does_not_open",
        spoil: || Spoil::desk(AnyKeyOpens),
    },
];

struct FirstByteFree;

#[async_trait]
impl Desk for FirstByteFree {
    async fn verify(
        &self,
        server: &dyn Signature,
        openid: &str,
        raw_data: &str,
        signature: &str,
    ) -> Result<(), SignatureError> {
        let said = server.verify(openid, raw_data, signature).await;
        match raw_data.get(1..) {
            Some(rest) if said.is_err() => server.verify(openid, &format!("{{{rest}"), signature).await,
            _ => said,
        }
    }
}

struct LastDigitFree;

#[async_trait]
impl Desk for LastDigitFree {
    async fn verify(
        &self,
        server: &dyn Signature,
        openid: &str,
        raw_data: &str,
        signature: &str,
    ) -> Result<(), SignatureError> {
        let genuine = server.sign(openid, raw_data).await?;
        let same = genuine[..39] == signature[..39];
        server.verify(openid, raw_data, if same { &genuine } else { signature }).await
    }
}

struct MismatchIsDamage;

#[async_trait]
impl Desk for MismatchIsDamage {
    async fn verify(
        &self,
        server: &dyn Signature,
        openid: &str,
        raw_data: &str,
        signature: &str,
    ) -> Result<(), SignatureError> {
        server.verify(openid, raw_data, signature).await.map_err(|error| match error {
            SignatureError::Mismatch => SignatureError::BadData("it is not what was signed".to_owned()),
            error => error,
        })
    }
}

struct Capitals;

#[async_trait]
impl Desk for Capitals {
    async fn sign(&self, server: &dyn Signature, _: &Users, openid: &str, raw_data: &str) -> Result<String, SignatureError> {
        server.sign(openid, raw_data).await.map(|signed| signed.to_uppercase())
    }

    async fn verify(
        &self,
        server: &dyn Signature,
        openid: &str,
        raw_data: &str,
        signature: &str,
    ) -> Result<(), SignatureError> {
        server.verify(openid, raw_data, &signature.to_lowercase()).await
    }
}

struct SlowWatermark;

#[async_trait]
impl Desk for SlowWatermark {
    async fn seal(&self, server: &dyn Signature, users: &Users, openid: &str, json: &str) -> Result<Sealed, SignatureError> {
        let sealed = server.seal(openid, json).await?;
        let Some(key) = key(users, openid) else { return Ok(sealed) };
        let plain = open_data::decrypt(&sealed.encrypted_data, &sealed.iv, &key).unwrap();
        let mut data: Value = serde_json::from_slice(&plain).unwrap();
        data["watermark"]["timestamp"] = (data["watermark"]["timestamp"].as_u64().unwrap() - 3600).into();
        let sealed = open_data::seal(data.to_string().as_bytes(), &key, [9; 16]);
        Ok(Sealed { encrypted_data: sealed.encrypted_data, iv: sealed.iv })
    }
}

struct SignsOn;

#[async_trait]
impl Desk for SignsOn {
    async fn sign(
        &self,
        server: &dyn Signature,
        users: &Users,
        openid: &str,
        raw_data: &str,
    ) -> Result<String, SignatureError> {
        match (server.sign(openid, raw_data).await, key(users, openid)) {
            (Err(SignatureError::NoSession), Some(key)) => Ok(signature::sign(raw_data.as_bytes(), &key)),
            (answer, _) => answer,
        }
    }
}

struct AnyKeyOpens;

#[async_trait]
impl Desk for AnyKeyOpens {
    async fn open(
        &self,
        server: &dyn Signature,
        users: &Users,
        openid: &str,
        sealed: &Sealed,
    ) -> Result<Opened, SignatureError> {
        let refused = match server.open(openid, sealed).await {
            Ok(opened) => return Ok(opened),
            Err(refused) => refused,
        };
        for other in users.keys().filter(|other| *other != openid) {
            let plain = key(users, other).and_then(|key| open_data::decrypt(&sealed.encrypted_data, &sealed.iv, &key).ok());
            if let Some(json) = plain.and_then(|plain| String::from_utf8(plain).ok()) {
                return Ok(Opened { json, watermark: Watermark { appid: String::new(), timestamp: 0 } });
            }
        }
        Err(refused)
    }
}

fn key(users: &Users, openid: &str) -> Option<SessionKey> {
    users.get(openid).and_then(|session| SessionKey::from_base64(&session.session_key).ok())
}
