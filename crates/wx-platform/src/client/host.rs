use std::{fmt, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use wx_crypto::Secret;

use super::{
    ClientError, Transport,
    http::{Again, Http, Question},
};
use crate::wire::{
    Refusal,
    host::{
        self, App, AppAnswer, Apps, LoginAnswer, LoginRequest, Page, RemoveApp, Removed, SessionAnswer, SessionRequest,
        SoterEnrolled, SoterEnrolment, SoterKey, SoterKeyAnswer, User, UserInfoAnswer, UserInfoRequest, Users,
    },
};

/// A platform server as a host sees it that runs mini-programs. The real platform keeps this side to itself: only a server of one's
/// own answers.
///
/// Every request ends within the time-out, counted for each try. One that was never sent, because no connection came about, is tried
/// again twice; those that may happen twice also after silence and "busy".
///
/// ```
/// use std::time::Duration;
/// use wx_crypto::Secret;
/// use wx_platform::client::HostClient;
///
/// let key = Secret::from("0f5c9a17".to_owned());
/// let client = HostClient::new("http://127.0.0.1:8000", key, Duration::from_secs(10))?;
/// assert_eq!(format!("{client:?}"), r#"HostClient { platform: "http://127.0.0.1:8000", .. }"#);
/// # Ok::<(), wx_platform::client::ClientError>(())
/// ```
pub struct HostClient {
    http: Http,
    key: Secret,
}

impl HostClient {
    /// A client with the key that the server gave this host. Plain http only to this machine.
    ///
    /// # Errors
    ///
    /// As [`with_transport`](Self::with_transport).
    pub fn new(base_url: &str, key: Secret, timeout: Duration) -> Result<Self, ClientError> {
        Self::with_transport(base_url, key, &Transport { timeout, ..Transport::default() })
    }

    /// The same, with every setting.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`] for a base URL or a key that will not do, or if TLS cannot be set up on this machine.
    pub fn with_transport(base_url: &str, key: Secret, transport: &Transport) -> Result<Self, ClientError> {
        if key.expose().is_empty() || !key.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ClientError::Setup("the host's key is empty, or has spaces or letters outside ASCII".to_owned()));
        }
        Ok(Self { http: Http::new(base_url, transport)?, key })
    }

    /// Begins a session for the user, and answers a code for the app's server.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with 40013 for an app that is not known, 40226 for a user who is blocked and others; any other
    /// [`ClientError`].
    pub async fn login(&self, request: &LoginRequest) -> Result<LoginAnswer, ClientError> {
        self.ask(host::LOGIN, Again::No, request).await
    }

    /// Whether the user's session lives.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn session_alive(&self, request: &SessionRequest) -> Result<SessionAnswer, ClientError> {
        self.ask(host::CHECK_SESSION, Again::Yes, request).await
    }

    /// The user's profile, signed and sealed with their session key.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with -13001 if the credentials are asked for and there is no living session; any other [`ClientError`].
    pub async fn user_info(&self, request: &UserInfoRequest) -> Result<UserInfoAnswer, ClientError> {
        self.ask(host::USER_INFO, Again::No, request).await // each use prolongs the session
    }

    /// Whether a device's key is enrolled for the user.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn soter_key(&self, key: &SoterKey) -> Result<SoterKeyAnswer, ClientError> {
        self.ask(host::SOTER_KEY, Again::Yes, key).await
    }

    /// Enrols a device's key for the user. One that is there already stays as it is.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with 48001 for a key that nobody vouches for whom the server believes; any other [`ClientError`].
    pub async fn enrol_soter_key(&self, enrolment: &SoterEnrolment) -> Result<SoterEnrolled, ClientError> {
        self.ask(host::ENROL_SOTER_KEY, Again::No, enrolment).await // an attestation is good once
    }

    /// Makes the app or changes it. Administrators only.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn set_app(&self, app: &App) -> Result<AppAnswer, ClientError> {
        self.ask(host::APP, Again::No, app).await // a new secret is shown once
    }

    /// Makes the user or changes them. Administrators only.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn set_user(&self, user: &User) -> Result<(), ClientError> {
        let _: Refusal = self.ask(host::USER, Again::Yes, user).await?;
        Ok(())
    }

    /// The next apps after this id, in the order of their ids; from the beginning after the empty text. Fewer than
    /// [`PAGE`](host::PAGE), and there are no more. Administrators only.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn apps(&self, after: &str) -> Result<Vec<App>, ClientError> {
        let Apps { apps } = self.ask(host::APPS, Again::Yes, &Page { after: after.to_owned() }).await?;
        Ok(apps)
    }

    /// Removes the app with all that belongs to it; answers whether there was one. Administrators only.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn remove_app(&self, app: &str) -> Result<bool, ClientError> {
        let Removed { removed } = self.ask(host::REMOVE_APP, Again::No, &RemoveApp { app: app.to_owned() }).await?;
        Ok(removed)
    }

    /// The next users after this id, as [`apps`](Self::apps) has the apps. Administrators only.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn users(&self, after: &str) -> Result<Vec<User>, ClientError> {
        let Users { users } = self.ask(host::USERS, Again::Yes, &Page { after: after.to_owned() }).await?;
        Ok(users)
    }

    async fn ask<A: DeserializeOwned>(
        &self,
        path: &'static str,
        again: Again,
        body: &(impl Serialize + Sync),
    ) -> Result<A, ClientError> {
        let hidden = [self.key.expose()];
        let question = Question { path, again, hidden: &hidden };
        // `bearer_auth` marks the header as one that must not be shown.
        self.http.ask(question, |client, url| client.post(url).bearer_auth(self.key.expose()).json(body)).await
    }
}

impl fmt::Debug for HostClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostClient").field("platform", &self.http.origin()).finish_non_exhaustive()
    }
}
