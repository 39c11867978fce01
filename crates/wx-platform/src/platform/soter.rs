//! SOTER results: genuine, from a device of this user, and new.

use std::{fmt, net::IpAddr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use wx_api::AppId;
use wx_crypto::{
    SoterError, SoterVerifier,
    attestation::{Attestation, Certified},
    pss,
    record::{Chain, KeyRecord, VerifiedChain},
    soter,
};

use super::{Platform, Refused, SoterDevices, app_id, user_id};
use crate::{
    Errcode,
    store::{self, MOST_SOTER_KEYS},
    wire::{
        host::{SoterAttestation, SoterCertified, SoterEnrolled, SoterEnrolment, SoterKey, SoterKeyAnswer},
        soter::{TokenQuery, VERIFY_SIGNATURE, Verdict, VerifyRequest},
    },
};

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";
/// Characters to a line of a key.
const LINE: usize = 64;

impl Platform {
    /// Whether this key is enrolled for this user of this app, however its text is broken into lines.
    ///
    /// # Errors
    ///
    /// [`Errcode::BAD_FORMAT`] for what is no RSA-2048 key as SPKI in PEM, [`Errcode::BAD_APPID`] for an app that nobody made, unless
    /// the rules say otherwise; [`Errcode::BUSY`].
    pub async fn soter_key(&self, key: &SoterKey) -> Result<SoterKeyAnswer, Refused> {
        let (app, user) = (app_id(&key.app)?, user_id(&key.user)?);
        SoterVerifier::from_spki_pem(&key.public_key)
            .map_err(|error| Refused::because(Errcode::BAD_FORMAT, format!("data format error: public_key: {error}")))?;
        self.hosted_app(&app).await?;
        let openid = self.openid(&app, &user);
        let enrolled = self.known_soter_key(&app, &openid, &canonical(&key.public_key)).await?.is_some();
        let nonce = if enrolled { None } else { Some(STANDARD.encode(self.nonces.give(openid, self.now())?)) };
        Ok(SoterKeyAnswer { enrolled, nonce })
    }

    async fn known_soter_key(&self, app: &AppId, openid: &str, public_key: &str) -> Result<Option<store::SoterKey>, Refused> {
        let known = self.store.soter_keys(app, openid).await?;
        Ok(known.into_iter().find(|known| known.public_key == public_key))
    }

    /// Enrols a device's key for this user of this app, if the records that come with it vouch for it, and if it is what its TPM attests, where
    /// it comes with that too. One that is enrolled keeps its counter.
    ///
    /// # Errors
    ///
    /// [`Errcode::BAD_FORMAT`] for what is not base64; [`Errcode::NOT_AUTHORISED`] for a record or an attestation that does not hold, which the
    /// reason names, for a device or a key that the [rules](super::Rules) keep out, and for a device more than [`MOST_SOTER_KEYS`], as none of
    /// their counters may be forgotten; [`Errcode::BAD_APPID`] for an app that nobody made, unless the rules say otherwise;
    /// [`Errcode::BUSY`].
    pub async fn enrol_soter_key(&self, enrolment: &SoterEnrolment) -> Result<SoterEnrolled, Refused> {
        let (app, user) = (app_id(&enrolment.app)?, user_id(&enrolment.user)?);
        let VerifiedChain { attk, mut auth_key } = self.vouched_for(enrolment)?;
        self.hosted_app(&app).await?;
        let (openid, public_key) = (self.openid(&app, &user), canonical(&auth_key.public_key));
        let attested = enrolment.attestation.is_some();
        if let Some(attestation) = &enrolment.attestation {
            let known = self.known_soter_key(&app, &openid, &public_key).await?.and_then(|known| known.counter);
            auth_key.counter = auth_key.counter.max(known.unwrap_or_default());
            auth_key.counter = self.attested_counter(attestation, &attk, &auth_key, &openid)?;
        } else if self.rules.attested_soter_keys_only {
            return Err(not_authorised("no TPM attests the key, and this server enrols no other"));
        }
        let new = store::SoterKey { public_key, counter: Some(auth_key.counter) };
        if !self.store.add_soter_key(&app, &openid, new).await? {
            return Err(not_authorised(format!(
                "{MOST_SOTER_KEYS} devices of this user are enrolled, and there may be no more"
            )));
        }
        self.still_there(&app).await?;
        Ok(SoterEnrolled { attested })
    }

    /// The key, if one of the devices that this server believes vouches for it.
    fn vouched_for(&self, enrolment: &SoterEnrolment) -> Result<VerifiedChain, Refused> {
        let attk = decode("attk", &enrolment.attk)?;
        let ask = decode("ask", &enrolment.ask)?;
        let auth_key = decode("auth_key", &enrolment.auth_key)?;
        let chain = Chain { attk: &attk, ask: &ask, auth_key: &auth_key };
        let chain = chain.verify().map_err(not_authorised)?;
        if let SoterDevices::Pinned(pinned) = &self.rules.soter_devices
            && !pss::fingerprint(&chain.attk.public_key).is_ok_and(|fingerprint| pinned.contains(&fingerprint))
        {
            return Err(not_authorised(
                "the device is none of those that this server was told of (the fingerprint of its ATTK)",
            ));
        }
        Ok(chain)
    }

    /// Where the counter stands by an attestation that was made for this user's nonce, which is used up.
    fn attested_counter(
        &self,
        attestation: &SoterAttestation,
        attk: &KeyRecord,
        auth_key: &KeyRecord,
        openid: &str,
    ) -> Result<u64, Refused> {
        let SoterAttestation { nonce, key, counter } = attestation;
        let (nonce, key, counter) = (decode("nonce", nonce)?, certified(key)?, certified(counter)?);
        if !self.nonces.take(&nonce, openid, self.now()) {
            let why = "the attestation's nonce was not given out for this user, was used before, or is older than 5 minutes";
            return Err(not_authorised(why));
        }
        Attestation { key, counter }.verify(attk, auth_key, &nonce).map_err(not_authorised)
    }

    /// Whether a SOTER result was signed by a device of this user and is newer than every one before it. What is not is no refusal:
    /// the verdict says so, and why.
    ///
    /// # Errors
    ///
    /// Those of an access token, as in [`check_session`](Self::check_session); [`Errcode::BAD_OPENID`], [`Errcode::BUSY`].
    pub async fn verify_soter(&self, from: IpAddr, token: &TokenQuery, request: &VerifyRequest) -> Result<Verdict, Refused> {
        let app = self.by_token(from, &token.access_token, VERIFY_SIGNATURE).await?;
        let openid = &request.openid;
        let keys = self.store.soter_keys(&app, openid).await?;
        if keys.is_empty() {
            self.store.session(&app, openid).await?.ok_or(Errcode::BAD_OPENID)?;
            return Ok(refused("no device of this user is enrolled"));
        }
        let mut why = "no enrolled key can be read".to_owned();
        for key in keys {
            let Ok(verifier) = SoterVerifier::from_spki_pem(&key.public_key) else { continue };
            match soter::verify(&request.json_string, &request.json_signature, &verifier) {
                // The store decides, so that of two requests with one result only one is accepted.
                Ok(report) if self.store.raise_counter(&app, openid, &key.public_key, report.counter).await? => {
                    return Ok(Verdict { errcode: 0, errmsg: "ok".to_owned(), is_ok: true });
                }
                Ok(_) => return Ok(refused("replayed: the counter is not above the last one of this device")),
                Err(error @ SoterError::ReEscaped) => return Ok(refused(error.to_string())), // by this key: no other one knows more
                Err(error) => why = error.to_string(),
            }
        }
        Ok(refused(why))
    }
}

/// The text of a key that was read before, with its lines broken as `openssl` does. White space is all in which two texts of one key can
/// differ: of the bytes themselves only one form is read.
fn canonical(pem: &str) -> String {
    let body = pem.trim_ascii().trim_start_matches(BEGIN).trim_end_matches(END);
    let mut text = BEGIN.to_owned();
    for (n, character) in body.chars().filter(|character| !character.is_ascii_whitespace()).enumerate() {
        if n % LINE == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text + "\n" + END + "\n"
}

fn certified(certified: &SoterCertified) -> Result<Certified, Refused> {
    let SoterCertified { public, attest, signature } = certified;
    Ok(Certified {
        public: decode("public", public)?,
        attest: decode("attest", attest)?,
        signature: decode("signature", signature)?,
    })
}

fn decode(name: &str, text: &str) -> Result<Vec<u8>, Refused> {
    let reason = || format!("data format error: {name} is not padded standard base64");
    STANDARD.decode(text).map_err(|_| Refused::because(Errcode::BAD_FORMAT, reason()))
}

fn not_authorised(why: impl fmt::Display) -> Refused {
    Refused::because(Errcode::NOT_AUTHORISED, format!("api unauthorized: {why}"))
}

fn refused(why: impl Into<String>) -> Verdict {
    Verdict { errcode: 0, errmsg: why.into(), is_ok: false }
}
