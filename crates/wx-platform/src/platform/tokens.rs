//! Access tokens.

use std::{net::IpAddr, sync::Arc, time::Duration};

use subtle::ConstantTimeEq as _;
use wx_api::AppId;

use super::{Platform, Refused, apps::allow_ip, random};
use crate::{
    Errcode,
    store::{App, Token, TokenKind},
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
            self.limits.force(&self.rules, &app.id, self.now())?;
            return self.next_token(&app, TokenKind::Stable, Duration::ZERO, |_| false).await;
        }
        self.next_token(&app, TokenKind::Stable, OVERLAP, |token| self.left(token) >= OVERLAP).await
    }

    /// The newest token if it will do, or else the next one. Of callers at the same time one makes it, and the others share it.
    ///
    /// `app` is the app as it was when its secret was seen.
    async fn next_token(
        &self,
        app: &App,
        kind: TokenKind,
        overlap: Duration,
        will_do: impl Fn(&Token) -> bool,
    ) -> Result<AccessToken, Refused> {
        for _ in 0..TRIES {
            let now = self.now();
            let current = self.store.current_token(&app.id, kind).await?;
            let newest = match current {
                Some(token) if will_do(&token) => token,
                current => {
                    let expires = now + self.rules.token_life;
                    let token = Token { text: random::secret::<48>()?, app: app.id.clone(), kind, expires };
                    let was = current.as_ref().map(|token| token.text.expose());
                    self.store.replace_token(was, token, now + overlap).await?
                }
            };
            self.still_secret(app).await?;
            let left = newest.expires - now;
            if !left.is_zero() {
                return Ok(AccessToken { access_token: Hidden::from(&newest.text), expires_in: left.as_secs() });
            }
            // Revoked in between: the app's secret has changed.
        }
        Err(Errcode::BUSY.into())
    }

    /// How long the token is still good. One that would last longer than any new one was made when a clock was ahead, and is not good; a few
    /// minutes are no matter, for servers on one store have a clock each.
    fn left(&self, token: &Token) -> Duration {
        let most = self.rules.token_life + OVERLAP;
        Some(token.expires - self.now()).filter(|left| *left <= most).unwrap_or_default()
    }

    /// Refuses a caller whose secret was changed after it was seen. The change ended every token it found; the one at hand may be later.
    async fn still_secret(&self, seen: &App) -> Result<(), Refused> {
        if self.store.app(&seen.id).await?.is_some_and(|now| bool::from(now.secret.ct_eq(&seen.secret))) {
            return Ok(());
        }
        self.store.revoke_tokens(&seen.id).await?;
        Err(Errcode::BAD_SECRET.into())
    }

    async fn token_caller(&self, from: IpAddr, request: &TokenRequest, path: &str) -> Result<Arc<App>, Refused> {
        if request.appid.is_empty() {
            return Err(Errcode::APPID_MISSING.into());
        }
        if request.secret.is_empty() {
            return Err(Errcode::SECRET_MISSING.into());
        }
        if request.grant_type != GRANT_TYPE {
            return Err(Errcode::BAD_GRANT_TYPE.into());
        }
        self.by_secret(from, &request.appid, &request.secret, path).await
    }

    /// The app whose access token the caller has, if it may use this endpoint now.
    pub(super) async fn by_token(&self, from: IpAddr, token: &Hidden, path: &str) -> Result<AppId, Refused> {
        if token.is_empty() {
            return Err(Errcode::TOKEN_MISSING.into());
        }
        let token = self.store.token(token.expose()).await?.ok_or(Errcode::INVALID_CREDENTIAL)?;
        if self.left(&token).is_zero() {
            return Err(Errcode::TOKEN_EXPIRED.into());
        }
        let app = self.store.app(&token.app).await?.ok_or(Errcode::INVALID_CREDENTIAL)?;
        allow_ip(&app, from)?;
        self.admit(&app, path)?;
        Ok(token.app)
    }
}
