//! Codes: given to a host, exchanged by a developer's server.

use std::net::IpAddr;

use super::{Platform, Refused, app_id, identity, random, user_id};
use crate::{
    Errcode,
    store::Session,
    wire::{
        Hidden,
        host::{LoginAnswer, LoginRequest},
        session::{self, CODE_TO_SESSION, CodeToSession, GRANT_TYPE},
    },
};

impl Platform {
    /// Begins a session with a new key, and gives out a code that leads to it.
    ///
    /// # Errors
    ///
    /// [`Errcode::BAD_APPID`] for an app that nobody made, unless the rules say otherwise; [`Errcode::USER_BLOCKED`],
    /// [`Errcode::BAD_FORMAT`], [`Errcode::BUSY`].
    pub async fn login(&self, request: &LoginRequest) -> Result<LoginAnswer, Refused> {
        let (app, user) = (app_id(&request.app)?, user_id(&request.user)?);
        self.hosted_app(&app).await?;
        self.admitted(&user).await?;
        let (now, openid) = (self.now(), self.openid(&app, &user));
        let code = identity::code(&self.identity, &openid, now)?;
        let life = wx_rules::login::Session::begin(now);
        let session = Session { app, openid, user, key: random::session_key()?, life, version: 0 };
        let app = session.app.clone();
        self.store.begin_session(&code, now, session).await?;
        self.still_there(&app).await?;
        Ok(LoginAnswer { code: Hidden::from(code) })
    }

    /// Exchanges a code, once, for the newest session of its user.
    ///
    /// What is refused before the code is looked at leaves it good.
    ///
    /// # Errors
    ///
    /// In this order: [`Errcode::APPID_MISSING`], [`Errcode::SECRET_MISSING`], [`Errcode::CODE_MISSING`], [`Errcode::BAD_GRANT_TYPE`],
    /// [`Errcode::BAD_APPID`], [`Errcode::IP_NOT_ALLOWED`], [`Errcode::SECRET_FROZEN`], [`Errcode::BAD_SECRET`],
    /// [`Errcode::NOT_AUTHORISED`], [`Errcode::TOO_OFTEN`], [`Errcode::DAILY_QUOTA`], [`Errcode::BAD_CODE`], [`Errcode::CODE_USED`],
    /// [`Errcode::USER_BLOCKED`]; and [`Errcode::BUSY`] at any time.
    pub async fn code_to_session(&self, from: IpAddr, query: &CodeToSession) -> Result<session::Session, Refused> {
        if query.appid.is_empty() {
            return Err(Errcode::APPID_MISSING.into());
        }
        if query.secret.is_empty() {
            return Err(Errcode::SECRET_MISSING.into());
        }
        if query.js_code.is_empty() {
            return Err(Errcode::CODE_MISSING.into());
        }
        if query.grant_type != GRANT_TYPE {
            return Err(Errcode::BAD_GRANT_TYPE.into());
        }
        let app = self.by_secret(from, &query.appid, &query.secret, CODE_TO_SESSION).await?;
        let (now, code) = (self.now(), query.js_code.expose());
        let tag = identity::tag(code).ok_or_else(|| refused(wx_rules::login::CodeError::Unknown))?;
        self.limits.exchange(&self.rules, tag, now)?;

        let session = self.store.consume_code(&app.id, code, now).await?.map_err(|error| {
            self.limits.no_exchange(tag, now);
            refused(error)
        })?;
        self.admitted(&session.user).await?;
        let unionid = app.account.as_deref().map(|account| identity::unionid(&self.identity, account, &session.user));
        let session_key = Hidden::from(std::mem::take(&mut *session.key.expose_base64()));
        Ok(session::Session { openid: session.openid, session_key, unionid })
    }
}

fn refused(error: wx_rules::login::CodeError) -> Refused {
    Refused::because(Errcode::new(error.errcode()), error.to_string())
}
