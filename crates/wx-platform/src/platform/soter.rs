//! SOTER results: genuine, from a device of this user, and new.

use std::net::IpAddr;

use wx_crypto::{SoterError, SoterVerifier, soter};

use super::{Platform, Refused, app_id, user_id};
use crate::{
    Errcode,
    store::{self, MOST_SOTER_KEYS},
    wire::{
        self,
        soter::{TokenQuery, VERIFY_SIGNATURE, Verdict, VerifyRequest},
    },
};

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";
/// Characters to a line of a key.
const LINE: usize = 64;

impl Platform {
    /// Enrols a device's public key for this user of this app. One that is enrolled keeps its counter, however its text is broken into
    /// lines.
    ///
    /// # Errors
    ///
    /// [`Errcode::BAD_FORMAT`] for what is no RSA-2048 key as SPKI in PEM, [`Errcode::BAD_APPID`] for an app that nobody made, unless
    /// the rules say otherwise; [`Errcode::NOT_AUTHORISED`] for a device more than [`MOST_SOTER_KEYS`], as none of their counters may be
    /// forgotten; [`Errcode::BUSY`].
    pub async fn enrol_soter_key(&self, key: &wire::host::SoterKey) -> Result<(), Refused> {
        let (app, user) = (app_id(&key.app)?, user_id(&key.user)?);
        SoterVerifier::from_spki_pem(&key.public_key)
            .map_err(|error| Refused::because(Errcode::BAD_FORMAT, format!("data format error: public_key: {error}")))?;
        self.hosted_app(&app).await?;
        let new = store::SoterKey { public_key: canonical(&key.public_key), counter: None };
        if !self.store.add_soter_key(&app, &self.openid(&app, &user), new).await? {
            let reason =
                format!("api unauthorized: {MOST_SOTER_KEYS} devices of this user are enrolled, and there may be no more");
            return Err(Refused::because(Errcode::NOT_AUTHORISED, reason));
        }
        self.still_there(&app).await
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

fn refused(why: impl Into<String>) -> Verdict {
    Verdict { errcode: 0, errmsg: why.into(), is_ok: false }
}
