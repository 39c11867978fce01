use std::{fmt, sync::Arc, time::Duration};

use wx_api::AppId;
use wx_crypto::{Secret, SessionKey};

use super::{
    ClientError, Tokens, Transport,
    http::{Again, Http, Question},
    tokens::Keeper,
};
use crate::{
    Errcode,
    wire::{
        Hidden, Refusal,
        session::{self, CodeToSession, NewSessionKey, SessionQuery},
        soter::{self, TokenQuery, Verdict, VerifyRequest},
    },
};

/// The platform as the server of one app sees it. Clones share connections and the access token.
///
/// Every request ends within the time-out, counted for each try. One that was never sent, because no connection came about, is tried
/// again twice; `checksession` and the fetching of tokens also after silence and "busy". A code is never sent twice, because it works
/// once, and a session key is never reset twice.
///
/// A method that needs an access token and is refused because of it takes another token and tries once more.
///
/// Cloning is cheap, and dropping a method's future gives it up; whether the platform has done what was asked is then not known.
#[derive(Clone)]
pub struct Client {
    http: Arc<Http>,
    app: AppId,
    secret: Secret,
    tokens: Keeper,
}

/// Makes a [`Client`].
#[derive(Clone, Debug)]
#[must_use = "nothing is made before `build`"]
pub struct ClientBuilder {
    base_url: String,
    app: AppId,
    secret: Secret,
    transport: Transport,
    tokens: Tokens,
}

/// What a code was exchanged for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The user in this app.
    pub openid: String,
    /// The key of the user's session. It must not leave the server.
    pub session_key: SessionKey,
    /// The user across the apps of one open-platform account, if this app is bound to one.
    pub unionid: Option<String>,
}

impl ClientBuilder {
    /// How long a try may take, from the connection to the last byte. Ten seconds unless said otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.transport.timeout = timeout;
        self
    }

    /// How often a request that may be tried again is. Twice unless said otherwise.
    pub fn retries(mut self, retries: u32) -> Self {
        self.transport.retries = retries;
        self
    }

    /// Which of the platform's two kinds of access token to use. [`Tokens::Stable`] unless said otherwise.
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = tokens;
        self
    }

    /// Lets the app's secret, tokens and session keys travel in the open, which is right only inside a network that nobody else is in.
    /// On this machine itself plain http needs no permission.
    pub fn allow_plain_http(mut self) -> Self {
        self.transport.plain_http = true;
        self
    }

    /// The client. Nothing is asked of the platform yet.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`] for a base URL that will not do, or if TLS cannot be set up on this machine.
    pub fn build(self) -> Result<Client, ClientError> {
        let http = Arc::new(Http::new(&self.base_url, &self.transport)?);
        let tokens = Keeper::new(http.clone(), self.app.clone(), self.secret.clone(), self.tokens);
        Ok(Client { http, app: self.app, secret: self.secret, tokens })
    }
}

impl Client {
    /// A client for this app of the platform at `base_url`: [`WEIXIN`](super::WEIXIN), or a server of one's own.
    ///
    /// ```
    /// use wx_api::AppId;
    /// use wx_crypto::Secret;
    /// use wx_platform::client::{Client, WEIXIN};
    ///
    /// let secret = Secret::from("the app's secret".to_owned());
    /// let client = Client::builder(WEIXIN, AppId::from("wx4f4bc4dec97d474b"), secret.clone()).build()?;
    /// assert_eq!(format!("{client:?}"), r#"Client { platform: "https://api.weixin.qq.com", app: "wx4f4bc4dec97d474b", .. }"#);
    ///
    /// // Secrets travel in queries, so a platform elsewhere must speak https.
    /// assert!(Client::builder("http://platform.example", AppId::from("wx4f4bc4dec97d474b"), secret).build().is_err());
    /// # Ok::<(), wx_platform::client::ClientError>(())
    /// ```
    pub fn builder(base_url: &str, app: AppId, secret: Secret) -> ClientBuilder {
        let (transport, tokens) = (Transport::default(), Tokens::default());
        ClientBuilder { base_url: base_url.to_owned(), app, secret, transport, tokens }
    }

    /// The app it speaks for.
    pub fn app(&self) -> &AppId {
        &self.app
    }

    /// Exchanges a code of `wx.login` for the user and their session key.
    ///
    /// After [`ClientError::Timeout`], [`ClientError::Unreachable`] and a refusal as [`Errcode::BUSY`] (-1) the code may be used up: let the
    /// mini-program call `wx.login` again.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with 40029 or 40163 for a code that is not good (any more), 40226 for a user who is blocked, 40125 for a
    /// wrong secret and others; any other [`ClientError`].
    pub async fn code_to_session(&self, code: &str) -> Result<SignedIn, ClientError> {
        let query = CodeToSession {
            appid: self.app.to_string(),
            secret: (&self.secret).into(),
            js_code: code.into(),
            grant_type: session::GRANT_TYPE.to_owned(),
        };
        let hidden = [self.secret.expose(), code];
        let question = Question { path: session::CODE_TO_SESSION, again: Again::No, hidden: &hidden };
        let answer: session::Session = self.http.ask(question, |client, url| client.get(url).query(&query)).await?;
        if answer.openid.is_empty() {
            return Err(ClientError::BadAnswer("the openid is empty".to_owned()));
        }
        Ok(SignedIn { session_key: key(&answer.session_key)?, openid: answer.openid, unionid: answer.unionid })
    }

    /// Whether `key` is the key of this user's living session.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] for every code but 87009, which is the answer `false`; any other [`ClientError`].
    pub async fn check_session(&self, openid: &str, key: &SessionKey) -> Result<bool, ClientError> {
        let checked: Result<Refusal, _> = self.ask_about(session::CHECK_SESSION, Again::Yes, openid, key).await;
        match checked {
            Ok(_) => Ok(true),
            Err(error) if error.errcode() == Some(Errcode::BAD_SESSION_SIGNATURE) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives the user's session another key, for when the old one may have leaked. The session goes on.
    ///
    /// After [`ClientError::Timeout`], [`ClientError::Unreachable`] and a refusal as [`Errcode::BUSY`] (-1) there may be a new key that nobody
    /// knows: let the mini-program call `wx.login`.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with 87009 if `key` is not the key of the user's living session; any other [`ClientError`].
    pub async fn reset_session_key(&self, openid: &str, key: &SessionKey) -> Result<SessionKey, ClientError> {
        let answer: NewSessionKey = self.ask_about(session::RESET_SESSION_KEY, Again::No, openid, key).await?;
        if answer.openid != openid {
            return Err(ClientError::BadAnswer("the new key is another user's".to_owned()));
        }
        self::key(&answer.session_key)
    }

    /// Has the platform judge what `wx.startSoterAuthentication` answered. A verdict of `is_ok: false` is an answer like the other: look at
    /// the field.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with 40003 for an `openid` that is not of this app; any other [`ClientError`].
    pub async fn verify_soter(&self, request: &VerifyRequest) -> Result<Verdict, ClientError> {
        self.with_token(|access_token| async move {
            let hidden = [access_token.expose()];
            // A result counts once, so the second answer to the same one would be no.
            let question = Question { path: soter::VERIFY_SIGNATURE, again: Again::No, hidden: &hidden };
            let query = TokenQuery { access_token: access_token.clone() };
            self.http.ask(question, |client, url| client.post(url).query(&query).json(request)).await
        })
        .await
    }

    /// An access token, for endpoints that this client does not know. It is fetched if need be, and renewed ahead of its end.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with 40125 for a wrong secret and others; any other [`ClientError`].
    pub async fn access_token(&self) -> Result<Secret, ClientError> {
        self.tokens.token().await
    }

    /// Asks an endpoint that wants proof of the user's session key.
    async fn ask_about<A>(&self, path: &'static str, again: Again, openid: &str, key: &SessionKey) -> Result<A, ClientError>
    where
        A: serde::de::DeserializeOwned,
    {
        let signature = Hidden::from(session::sign(b"", key));
        self.with_token(|access_token| {
            let (openid, signature) = (openid.to_owned(), signature.clone());
            let query = SessionQuery { access_token, openid, signature, sig_method: session::SIG_METHOD.to_owned() };
            async move {
                let hidden = [query.access_token.expose(), query.signature.expose()];
                self.http.ask(Question { path, again, hidden: &hidden }, |client, url| client.get(url).query(&query)).await
            }
        })
        .await
    }

    /// Asks with the token at hand, and if that is refused once more with another.
    async fn with_token<A, F>(&self, ask: impl Fn(Hidden) -> F) -> Result<A, ClientError>
    where
        F: Future<Output = Result<A, ClientError>>,
    {
        let token = self.tokens.token().await?;
        match ask((&token).into()).await {
            Err(ClientError::Refused { code, .. }) if is_of_the_token(code) => {
                tracing::debug!(%code, "the access token was refused: trying another");
                let token = self.tokens.instead_of(&token).await?;
                ask((&token).into()).await
            }
            answer => answer,
        }
    }
}

/// Whether another token may help. (40014 is what some endpoints of the real service say for 40001.)
fn is_of_the_token(code: Errcode) -> bool {
    [Errcode::INVALID_CREDENTIAL, Errcode::TOKEN_EXPIRED, Errcode::new(40014)].contains(&code)
}

fn key(text: &Hidden) -> Result<SessionKey, ClientError> {
    SessionKey::from_base64(text.expose())
        .map_err(|_| ClientError::BadAnswer("the session key is not 16 bytes in base64".to_owned()))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("platform", &self.http.origin()).field("app", &self.app.as_str()).finish_non_exhaustive()
    }
}
