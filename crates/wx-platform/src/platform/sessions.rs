//! Sessions: whether they live, and whose key is whose.

use std::net::IpAddr;

use subtle::ConstantTimeEq as _;
use wx_api::AppId;

use super::{Platform, Refused, app_id, random, sha256, user_id};
use crate::{
    Errcode,
    store::Session,
    wire::{
        Hidden,
        host::{SessionAnswer, SessionRequest},
        session::{CHECK_SESSION, NewSessionKey, RESET_SESSION_KEY, SIG_METHOD, SessionQuery, sign},
    },
};

/// How often a session that other servers keep changing is tried.
const TRIES: usize = 16;
/// Bytes of the longest name of a life cycle.
const LONGEST_LAUNCH: usize = 64;

impl Platform {
    /// Whether the user's session lives; if so, it does for the rest of this life cycle.
    ///
    /// # Errors
    ///
    /// [`Errcode::BAD_FORMAT`], [`Errcode::BUSY`].
    pub async fn session_alive(&self, request: &SessionRequest) -> Result<SessionAnswer, Refused> {
        let (app, user, launch) = (app_id(&request.app)?, user_id(&request.user)?, launch(&request.launch)?);
        let now = self.now();
        let checked = self
            .change_session(&app, &self.openid(&app, &user), |session| {
                // Nothing to keep if this life cycle was the last to check: its place in line stays the same.
                let known = session.life.checked_in().last() == Some(&launch);
                Ok(known || session.life.check(now, launch))
            })
            .await?;
        Ok(SessionAnswer { alive: checked.is_some_and(|(_, alive)| alive) })
    }

    /// Whether the caller has the key of the user's living session.
    ///
    /// # Errors
    ///
    /// [`Errcode::TOKEN_MISSING`], [`Errcode::INVALID_CREDENTIAL`], [`Errcode::TOKEN_EXPIRED`], [`Errcode::IP_NOT_ALLOWED`],
    /// [`Errcode::NOT_AUTHORISED`] and the limits; [`Errcode::BAD_FORMAT`] for another `sig_method`, [`Errcode::BAD_OPENID`],
    /// [`Errcode::BAD_SESSION_SIGNATURE`], [`Errcode::BUSY`].
    pub async fn check_session(&self, from: IpAddr, query: &SessionQuery) -> Result<(), Refused> {
        let app = self.session_caller(from, query, CHECK_SESSION).await?;
        let session = self.store.session(&app, &query.openid).await?.ok_or(Errcode::BAD_OPENID)?;
        self.prove(&session, query)
    }

    /// Gives the user's session a new key.
    ///
    /// # Errors
    ///
    /// As [`check_session`](Self::check_session).
    pub async fn reset_session_key(&self, from: IpAddr, query: &SessionQuery) -> Result<NewSessionKey, Refused> {
        let app = self.session_caller(from, query, RESET_SESSION_KEY).await?;
        let key = random::session_key()?;
        let changed = self
            .change_session(&app, &query.openid, |session| {
                self.prove(session, query)?;
                session.key = key.clone();
                Ok(())
            })
            .await?;
        let (session, ()) = changed.ok_or(Errcode::BAD_OPENID)?;
        Ok(NewSessionKey {
            errcode: 0,
            errmsg: "ok".to_owned(),
            openid: session.openid,
            session_key: Hidden::from(session.key.expose_base64().as_str()),
        })
    }

    /// Changes the session as it is now, after those who came before; again if another server or a login came first. Nothing if there is
    /// no session.
    pub(super) async fn change_session<T>(
        &self,
        app: &AppId,
        openid: &str,
        mut change: impl FnMut(&mut Session) -> Result<T, Refused>,
    ) -> Result<Option<(Session, T)>, Refused> {
        let _turn = self.turns.take(app, openid).await;
        for _ in 0..TRIES {
            let Some(before) = self.store.session(app, openid).await? else { return Ok(None) };
            let mut after = before.clone();
            let answer = change(&mut after)?;
            if after == before || self.store.replace_session(after.clone()).await? {
                return Ok(Some((after, answer)));
            }
        }
        Err(Refused::because(Errcode::BUSY, "system error: the session keeps changing"))
    }

    async fn session_caller(&self, from: IpAddr, query: &SessionQuery, path: &str) -> Result<AppId, Refused> {
        let app = self.by_token(from, &query.access_token, path).await?;
        if query.sig_method != SIG_METHOD {
            return Err(Refused::because(Errcode::BAD_FORMAT, "data format error: sig_method must be hmac_sha256"));
        }
        Ok(app)
    }

    fn prove(&self, session: &Session, query: &SessionQuery) -> Result<(), Refused> {
        // A developer's server is in no life cycle: what one of them was promised does not count for it, only time does.
        let life = wx_rules::login::Session::restore(session.life.last_use(), session.life.uses(), &[]);
        if !life.alive(self.now(), 0) {
            return Err(Refused::because(Errcode::BAD_SESSION_SIGNATURE, "invalid signature: the session has ended"));
        }
        if !bool::from(sign(b"", &session.key).as_bytes().ct_eq(query.signature.expose().as_bytes())) {
            return Err(Errcode::BAD_SESSION_SIGNATURE.into());
        }
        Ok(())
    }
}

/// The number of a life cycle, which hosts name by a text.
pub(super) fn launch(text: &str) -> Result<u64, Refused> {
    if text.len() > LONGEST_LAUNCH {
        let reason = "data format error: launch must be at most 64 bytes";
        return Err(Refused::because(Errcode::BAD_FORMAT, reason));
    }
    Ok(sha256(text)[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
