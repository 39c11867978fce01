//! Access tokens.

use std::{net::IpAddr, time::Duration};

use wx_api::AppId;

use super::{Platform, Refused, apps::allow_ip, random};
use crate::{
    Errcode,
    store::{Token, TokenKind},
    wire::{
        Hidden,
        token::{AccessToken, GRANT_TYPE, STABLE_TOKEN, TOKEN, TokenRequest},
    },
};

/// How long the token before the newest stays good, and how long before its end a stable token is followed by the next.
const OVERLAP: Duration = Duration::from_secs(5 * 60);
/// How often a token that others keep replacing is tried.
const TRIES: usize = 4;

impl Platform {
    /// A new access token. The one before it stays good for five more minutes.
    ///
    /// # Errors
    ///
    /// In this order: [`Errcode::APPID_MISSING`], [`Errcode::SECRET_MISSING`], [`Errcode::BAD_GRANT_TYPE`], [`Errcode::BAD_APPID`],
    /// [`Errcode::IP_NOT_ALLOWED`], [`Errcode::SECRET_FROZEN`], [`Errcode::BAD_SECRET`], [`Errcode::NOT_AUTHORISED`],
    /// [`Errcode::TOO_OFTEN`], [`Errcode::DAILY_QUOTA`]; and [`Errcode::BUSY`] at any time.
    pub async fn token(&self, from: IpAddr, request: &TokenRequest) -> Result<AccessToken, Refused> {
        let app = self.token_caller(from, request, TOKEN).await?;
        self.next_token(&app, TokenKind::Plain, OVERLAP, |_| false).await
    }

    /// The app's stable access token: the same one until five minutes before it ends, or until the app forces a new one, which ends it.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token); [`Errcode::DAILY_QUOTA`] and [`Errcode::TOO_OFTEN`] also when it is forced more often than the rules allow.
    pub async fn stable_token(&self, from: IpAddr, request: &TokenRequest) -> Result<AccessToken, Refused> {
        let app = self.token_caller(from, request, STABLE_TOKEN).await?;
        if request.force_refresh {
            self.limits.force(&self.rules, &app, self.now())?;
            return self.next_token(&app, TokenKind::Stable, Duration::ZERO, |_| false).await;
        }
        self.next_token(&app, TokenKind::Stable, OVERLAP, |token| token.expires - self.now() >= OVERLAP).await
    }

    /// The newest token if it will do, or else the next one. Of callers at the same time one makes it, and the others share it.
    async fn next_token(
        &self,
        app: &AppId,
        kind: TokenKind,
        overlap: Duration,
        will_do: impl Fn(&Token) -> bool,
    ) -> Result<AccessToken, Refused> {
        for _ in 0..TRIES {
            let now = self.now();
            let current = self.store.current_token(app, kind).await?;
            let newest = match current {
                Some(token) if will_do(&token) => token,
                current => {
                    let expires = now + self.rules.token_life;
                    let token = Token { text: random::secret::<48>()?, app: app.clone(), kind, expires };
                    let was = current.as_ref().map(|token| token.text.expose());
                    self.store.replace_token(was, token, now + overlap).await?
                }
            };
            let left = newest.expires - now;
            if !left.is_zero() {
                return Ok(AccessToken { access_token: Hidden::from(&newest.text), expires_in: left.as_secs() });
            }
            // Revoked in between: the app's secret has changed.
        }
        Err(Errcode::BUSY.into())
    }

    async fn token_caller(&self, from: IpAddr, request: &TokenRequest, path: &str) -> Result<AppId, Refused> {
        if request.appid.is_empty() {
            return Err(Errcode::APPID_MISSING.into());
        }
        if request.secret.is_empty() {
            return Err(Errcode::SECRET_MISSING.into());
        }
        if request.grant_type != GRANT_TYPE {
            return Err(Errcode::BAD_GRANT_TYPE.into());
        }
        Ok(self.by_secret(from, &request.appid, &request.secret, path).await?.id.clone())
    }

    /// The app whose access token the caller has, if it may use this endpoint now.
    pub(super) async fn by_token(&self, from: IpAddr, token: &Hidden, path: &str) -> Result<AppId, Refused> {
        if token.is_empty() {
            return Err(Errcode::TOKEN_MISSING.into());
        }
        let token = self.store.token(token.expose()).await?.ok_or(Errcode::INVALID_CREDENTIAL)?;
        if token.expires <= self.now() {
            return Err(Errcode::TOKEN_EXPIRED.into());
        }
        let app = self.store.app(&token.app).await?.ok_or(Errcode::INVALID_CREDENTIAL)?;
        allow_ip(&app, from)?;
        self.admit(&app, path)?;
        Ok(token.app)
    }
}
