//! What a developer's server hands to its mini-program in place of `openid` and `session_key`.
//!
//! Neither may serve as the mark of a session: the one never changes, the other must not leave the server. So the server exchanges the
//! code of `wx.login`, keeps both to itself, and answers a [token](SignedIn::token) of its own, which the mini-program keeps in its
//! storage and shows with every request.
//!
//! ```no_run
//! use std::sync::Arc;
//! use wx_api::{Clock, signature::Sealed};
//! use wx_crypto::Secret;
//! use wx_platform::{client::Client, developer::Sessions};
//!
//! # async fn handlers(client: Client, clock: Arc<dyn Clock>) -> Result<(), Box<dyn std::error::Error>> {
//! let sessions = Sessions::new(client, clock);
//!
//! // POST /login: the mini-program sends the code of wx.login and keeps the token.
//! let signed_in = sessions.sign_in("the code").await?;
//! let answer = signed_in.token.expose();
//!
//! // Any other request: the token says who it is.
//! let token = Secret::from(answer.to_owned());
//! let Some(session) = sessions.session(&token) else { return Ok(()) }; // HTTP 401: let it call wx.login
//! println!("{} is here", session.openid);
//!
//! // POST /profile: what wx.getUserInfo answered.
//! let sealed = Sealed { encrypted_data: "...".to_owned(), iv: "...".to_owned() };
//! let profile = sessions.open(&token, &sealed)?;
//! println!("{} bytes", profile.data.json.len());
//! # Ok(())
//! # }
//! ```
//!
//! # What it keeps, and where
//!
//! In memory. A restart makes every user sign in anew, which `wx.checkSession` does not tell the mini-program: let it call `wx.login` when the
//! server says 401. Several nodes do not share sessions: send a user's requests to the node they signed in at, or keep what is kept here
//! (by the SHA-256 of the token: the user, both keys and when each login began) in a store that all nodes share.
//!
//! # Invariants
//!
//! - A token is 256 random bits. Only its SHA-256 is kept and looked up, so neither the memory nor the time of a lookup helps to guess one.
//! - Tokens and session keys never show in `Debug`, errors or logs; session keys are wiped when a user's last token goes.
//! - A session ends [`Rules::life`] after its sign-in, used or not. A new sign-in of the same user shortens earlier ones to
//!   [`Rules::grace`]. Earlier is what began earlier: a sign-in whose answer comes after that of a later one shortens nothing, and lasts for
//!   the grace itself.
//! - There are at most [`Rules::per_user`] sessions of a user and [`Rules::most`] in all: the oldest goes.

mod data;
mod keys;
mod seal;
mod table;
mod token;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use wx_api::{Clock, Timestamp};
use wx_crypto::Secret;

pub use self::data::{DataError, Key, OpenedData};
use self::table::Table;
use crate::client::{self, Client, ClientError};

/// The sessions of one app's users.
///
/// Time is the clock's: watermarks are compared with it.
pub struct Sessions {
    client: Client,
    clock: Arc<dyn Clock>,
    rules: Rules,
    table: Mutex<Table>,
    /// How many sign-ins have begun.
    begun: AtomicU64,
}

/// How long things last, and how many there may be.
///
/// ```
/// use std::time::Duration;
/// use wx_platform::developer::Rules;
///
/// let strict = Rules { grace: Duration::ZERO, ..Rules::default() };
/// assert_eq!(strict.life, Duration::from_secs(2 * 60 * 60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long a session lasts. Two hours.
    pub life: Duration,
    /// How long after a new sign-in the user's earlier tokens are good, and data sealed before it open. Five minutes.
    pub grace: Duration,
    /// The most sessions of one user. Five.
    pub per_user: usize,
    /// The most sessions of all. A hundred thousand.
    pub most: usize,
    /// How old sealed data may be. Two hours.
    pub max_age: Duration,
    /// How far the platform's clock may differ from this server's. One minute.
    pub max_skew: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            life: Duration::from_secs(2 * 60 * 60),
            grace: Duration::from_secs(5 * 60),
            per_user: 5,
            most: 100_000,
            max_age: Duration::from_secs(2 * 60 * 60),
            max_skew: Duration::from_secs(60),
        }
    }
}

/// What the mini-program is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// What it shows from now on: 64 hexadecimal digits that say nothing.
    pub token: Secret,
    /// Until when, unless the user signs in again or the session is revoked.
    pub expires: Timestamp,
}

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The user in this app. Not for the mini-program.
    pub openid: String,
    /// The user across the apps of one open-platform account, if this app is bound to one.
    pub unionid: Option<String>,
    /// Until when the token is good.
    pub expires: Timestamp,
}

impl Sessions {
    /// No sessions yet, with the default rules.
    pub fn new(client: Client, clock: Arc<dyn Clock>) -> Self {
        Self::with_rules(client, clock, Rules::default())
    }

    /// The same, with other rules.
    pub fn with_rules(client: Client, clock: Arc<dyn Clock>, rules: Rules) -> Self {
        Self { client, clock, rules, table: Mutex::new(Table::new(rules)), begun: AtomicU64::new(0) }
    }

    /// Exchanges the code of `wx.login`, and begins a session.
    ///
    /// # Errors
    ///
    /// As [`Client::code_to_session`]; [`ClientError::Setup`] if this machine has no randomness to give.
    pub async fn sign_in(&self, code: &str) -> Result<SignedIn, ClientError> {
        let begun = self.begun.fetch_add(1, Ordering::Relaxed);
        let exchanged = self.client.code_to_session(code).await?;
        self.begin(exchanged, begun)
    }

    /// Begins a session for a user whose code was exchanged elsewhere, just now.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`] if this machine has no randomness to give.
    pub fn admit(&self, exchanged: client::SignedIn) -> Result<SignedIn, ClientError> {
        self.begin(exchanged, self.begun.fetch_add(1, Ordering::Relaxed))
    }

    fn begin(&self, exchanged: client::SignedIn, begun: u64) -> Result<SignedIn, ClientError> {
        let token = token::new()?;
        let expires = self.table().begin(token::hash(&token), exchanged, begun, self.clock.now());
        Ok(SignedIn { token, expires })
    }

    /// Whose token this is, if it is good.
    pub fn session(&self, token: &Secret) -> Option<Session> {
        self.table().session(&token::hash(token), self.clock.now())
    }

    /// Ends the session of this token; answers whether there was one.
    pub fn revoke(&self, token: &Secret) -> bool {
        self.table().revoke(&token::hash(token), self.clock.now())
    }

    /// Ends every session of this user, and answers how many there were.
    pub fn revoke_user(&self, openid: &str) -> usize {
        self.table().revoke_user(openid, self.clock.now())
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner) // nothing under the lock panics
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("client", &self.client)
            .field("rules", &self.rules)
            .field("sessions", &self.table().len())
            .finish_non_exhaustive()
    }
}
