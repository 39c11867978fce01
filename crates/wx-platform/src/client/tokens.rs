//! The access token: fetched by one request for all who wait for it, renewed ahead of its end while the one at hand still serves, replaced
//! once it is refused.
//!
//! Its life is counted on the monotonic clock from before it was asked for: what the platform tells is a duration, and a clock that
//! is set must neither keep a dead token nor drop a good one. (While a machine sleeps that clock may stand still. The token is then
//! refused, and replaced, at its first use.)

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared, WeakShared},
};
use tokio::time::Instant;
use wx_api::AppId;
use wx_crypto::Secret;

use super::{
    ClientError, Tokens,
    http::{Again, Http, Question},
};
use crate::wire::token::{AccessToken, GRANT_TYPE, STABLE_TOKEN, TOKEN, TokenRequest};

/// How long before its end a token is renewed; a tenth of its life if that is less.
const MARGIN: Duration = Duration::from_secs(5 * 60);
/// How long a renewal that failed is left alone while the old token is good.
const LULL: Duration = Duration::from_secs(30);
/// The longest life that is believed.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Where an app's token comes from and is kept. Clones are one keeper.
#[derive(Clone)]
pub(super) struct Keeper(Arc<Inner>);

struct Inner {
    http: Arc<Http>,
    app: AppId,
    secret: Secret,
    endpoint: Tokens,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// The last one that the platform refused: a flight that brings it once more has brought nothing.
    refused: Option<Secret>,
    /// Weak, so that a request nobody waits for any longer is dropped.
    flight: Option<WeakShared<Flight>>,
}

type Flight = BoxFuture<'static, Result<Secret, ClientError>>;

struct Token {
    text: Secret,
    renew_from: Instant,
    good_until: Instant,
}

impl Keeper {
    pub(super) fn new(http: Arc<Http>, app: AppId, secret: Secret, endpoint: Tokens) -> Self {
        Self(Arc::new(Inner { http, app, secret, endpoint, state: Mutex::default() }))
    }

    /// A token that should be good.
    pub(super) async fn token(&self) -> Result<Secret, ClientError> {
        let flight = {
            let mut state = self.0.state();
            let now = Instant::now();
            match &state.token {
                Some(token) if now < token.good_until => {
                    let (text, due) = (token.text.clone(), now >= token.renew_from);
                    if due && state.flight().is_none() {
                        tokio::spawn(self.begin(&mut state)); // nobody waits for it, so it must run by itself
                    }
                    return Ok(text);
                }
                _ => self.join(&mut state),
            }
        };
        flight.await
    }

    /// Another token than the one the platform has just refused. Of many callers with the same one, the first asks for it.
    pub(super) async fn instead_of(&self, refused: &Secret) -> Result<Secret, ClientError> {
        let flight = {
            let mut state = self.0.state();
            match &state.token {
                Some(token) if token.text != *refused => return Ok(token.text.clone()),
                _ => {
                    state.token = None;
                    state.refused = Some(refused.clone());
                    self.join(&mut state)
                }
            }
        };
        flight.await
    }

    /// The request that is under way, or a new one. All who wait for it drive it, so it does not depend on who began it.
    fn join(&self, state: &mut State) -> Shared<Flight> {
        state.flight().unwrap_or_else(|| self.begin(state))
    }

    fn begin(&self, state: &mut State) -> Shared<Flight> {
        let inner = self.0.clone();
        let flight = async move { inner.settle(inner.fetch().await) }.boxed().shared();
        state.flight = flight.downgrade();
        flight
    }
}

impl State {
    /// The request that is under way.
    fn flight(&self) -> Option<Shared<Flight>> {
        self.flight.as_ref().and_then(WeakShared::upgrade)
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner) // nothing under the lock panics
    }

    /// A token that was not refused before. It is forced only if the platform offers that one again: forcing ends the token of the
    /// app's other servers.
    async fn fetch(&self) -> Result<Token, ClientError> {
        let token = self.ask(false).await?;
        let refused = self.state().refused.as_ref() == Some(&token.text);
        if refused { self.ask(true).await } else { Ok(token) }
    }

    async fn ask(&self, force_refresh: bool) -> Result<Token, ClientError> {
        let (path, force_refresh) = match self.endpoint {
            Tokens::Plain => (TOKEN, false),
            Tokens::Stable => (STABLE_TOKEN, force_refresh),
        };
        let request = TokenRequest {
            grant_type: GRANT_TYPE.to_owned(),
            appid: self.app.to_string(),
            secret: (&self.secret).into(),
            force_refresh,
        };
        // Forcing is counted, and at most every 30 seconds.
        let again = if force_refresh { Again::No } else { Again::Yes };
        let asked = Instant::now();
        let question = Question { path, again, hidden: &[self.secret.expose()] };
        let answer: AccessToken = self
            .http
            .ask(question, |client, url| match self.endpoint {
                Tokens::Plain => client.get(url).query(&request),
                Tokens::Stable => client.post(url).json(&request),
            })
            .await?;
        if answer.access_token.is_empty() {
            return Err(ClientError::BadAnswer("the access token is empty".to_owned()));
        }
        tracing::debug!(path, force_refresh, expires_in = answer.expires_in, "a new access token");
        let life = Duration::from_secs(answer.expires_in).min(LONGEST);
        let good_until = asked + life;
        Ok(Token { text: (&answer.access_token).into(), renew_from: good_until - MARGIN.min(life / 10), good_until })
    }

    fn settle(&self, fetched: Result<Token, ClientError>) -> Result<Secret, ClientError> {
        let mut state = self.state();
        state.flight = None;
        let now = Instant::now();
        match (fetched, &mut state.token) {
            (Ok(token), kept) => Ok(kept.insert(token).text.clone()),
            // It was asked for ahead of need: the one at hand still does.
            (Err(error), Some(token)) if now < token.good_until => {
                tracing::warn!(%error, "the access token could not be renewed yet");
                token.renew_from = now + LULL;
                Ok(token.text.clone())
            }
            (Err(error), _) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;
    use crate::client::Transport;

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_fails_is_left_alone_for_a_while_and_the_token_serves_to_its_end() {
        let http = Arc::new(Http::new("http://127.0.0.1:1", &Transport::default()).unwrap()); // never asked
        let keeper = Keeper::new(http, AppId::from("wx1"), Secret::from("secret".to_owned()), Tokens::Stable);
        let now = Instant::now();
        let good_until = now + LULL * 2;
        let text = Secret::from("token".to_owned());
        keeper.0.state().token = Some(Token { text: text.clone(), renew_from: now, good_until });
        assert_eq!(keeper.0.settle(Err(ClientError::Timeout)), Ok(text));
        assert_eq!(keeper.0.state().token.as_ref().map(|token| token.renew_from), Some(now + LULL));
        tokio::time::advance(LULL * 2).await;
        assert_eq!(keeper.0.settle(Err(ClientError::Timeout)), Err(ClientError::Timeout));
    }
}
