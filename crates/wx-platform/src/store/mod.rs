//! What a platform server keeps, and what it demands of the place.

mod fingerprint;
mod memory;
mod records;
mod redb;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use wx_api::{AppId, Timestamp, UserId};
use wx_rules::login::CodeError;

pub use self::memory::MemoryStore;
pub use self::records::{App, Code, HostKey, Identity, Session, SoterKey, Token, TokenKind, User};
pub use self::redb::RedbStore;

/// An answer of a store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Where a platform server keeps everything.
///
/// Each method is one atomic step: whoever calls two of them at once, from one server or from many on one store, sees one happen
/// wholly before the other. Most need no more than a compare-and-set on a few keys that are known beforehand, so that a store across the
/// network can do it in one script of its own.
///
/// Everything of one app must then be in one place: in a Redis cluster, all its keys carry the hash tag `{app}` and share a slot.
/// [`token`](Self::token) is asked without the app: let an entry of its own lead from the text to the app.
///
/// A few methods touch sets of any size: [`apps`](Self::apps) and [`users`](Self::users) list everything,
/// [`remove_host_keys`](Self::remove_host_keys) looks through the keys of hosts, [`remove_app`](Self::remove_app) takes along every code,
/// session and key of the app, [`revoke_tokens`](Self::revoke_tokens) every token of it, and [`forget`](Self::forget) whatever expired. They
/// are for administrators and housekeeping, but for `revoke_tokens` where a secret changes while a token is made.
///
/// # Behavior
///
/// A store that says it is durable has what a method changed on stable storage before the method answers. A process that is killed at any moment
/// loses nothing that was answered, and what was not answered happened wholly or not at all.
///
/// The tests in `tests/store` of this crate judge an implementation.
#[async_trait]
pub trait Store: Send + Sync {
    /// Who this server is: the first identity that was ever offered, which from then on never changes.
    async fn identity(&self, offered: Identity) -> Result<Identity>;

    /// The key of a host, by its SHA-256.
    async fn host_key(&self, hash: &[u8; 32]) -> Result<Option<HostKey>>;
    /// Adds the key of a host, or replaces the one of the same hash.
    async fn put_host_key(&self, hash: [u8; 32], key: HostKey) -> Result<()>;
    /// Takes every key of this name away; answers how many there were.
    async fn remove_host_keys(&self, name: &str) -> Result<usize>;

    /// The app of this id.
    async fn app(&self, app: &AppId) -> Result<Option<Arc<App>>>;
    /// Every app, by id.
    async fn apps(&self) -> Result<Vec<Arc<App>>>;
    /// Adds the app, or replaces the one of the same id.
    async fn put_app(&self, app: App) -> Result<()>;
    /// Removes the app with its codes, sessions, tokens and keys; answers whether there was one.
    async fn remove_app(&self, app: &AppId) -> Result<bool>;

    /// The user of this id.
    async fn user(&self, user: &UserId) -> Result<Option<User>>;
    /// Every user, by id.
    async fn users(&self) -> Result<Vec<User>>;
    /// Adds the user, or replaces the one of the same id.
    async fn put_user(&self, user: User) -> Result<()>;

    /// Begins `session` in place of the user's old one in this app, and keeps a code that leads to it. The session's
    /// [`version`](Session::version) is the store's business: it differs from that of every earlier session of this `openid`.
    async fn begin_session(&self, code: &str, issued: Timestamp, session: Session) -> Result<()>;
    /// Uses the code up, and answers the session of its user as it is now, which a later login may have begun.
    ///
    /// [`CodeError::Unknown`] for a code of another app, which stays good for its own, and for one whose session was removed;
    /// [`CodeError::Expired`] and [`CodeError::Used`] as [`wx_rules::login::Code`] decides. Of any number of callers with one code, one
    /// gets the session. This is also true across a restart.
    async fn consume_code(&self, app: &AppId, code: &str, now: Timestamp) -> Result<std::result::Result<Session, CodeError>>;
    /// The session of this user in this app, alive or not.
    async fn session(&self, app: &AppId, openid: &str) -> Result<Option<Session>>;
    /// Puts `session` in place of the one with the same `app`, `openid` and `version`, which the new one follows with a version of its
    /// own; answers whether that still was the current one.
    async fn replace_session(&self, session: Session) -> Result<bool>;

    /// The token of this text, expired or not.
    async fn token(&self, text: &str) -> Result<Option<Token>>;
    /// The newest token of this kind of this app, expired or not.
    async fn current_token(&self, app: &AppId, kind: TokenKind) -> Result<Option<Token>>;
    /// Makes `token` the newest of its app and kind, if the newest has the text `was` (`None`: if there is none); that one then expires
    /// at `was_until`, unless it does so earlier. Answers the newest token afterwards: `token`, or the one that came before it. Where
    /// there is no newest any more, because it was forgotten or revoked, nothing came before `token`.
    async fn replace_token(&self, was: Option<&str>, token: Token, was_until: Timestamp) -> Result<Token>;
    /// Ends every token of this app now.
    async fn revoke_tokens(&self, app: &AppId) -> Result<()>;

    /// The SOTER keys of this user of this app, the oldest first.
    async fn soter_keys(&self, app: &AppId, openid: &str) -> Result<Vec<SoterKey>>;
    /// Adds a SOTER key; answers whether it is there now. One that was there before, by its public key, stays as it is, counter
    /// included. Where there are [`MOST_SOTER_KEYS`], no other is added: none goes, for its counter would go with it and could begin
    /// anew.
    async fn add_soter_key(&self, app: &AppId, openid: &str, key: SoterKey) -> Result<bool>;
    /// Raises the last counter seen with this public key; answers whether it rose. It never falls.
    async fn raise_counter(&self, app: &AppId, openid: &str, public_key: &str, to: u64) -> Result<bool>;

    /// Whether a change would be kept now: goes all the way that one goes, and changes nothing.
    async fn healthy(&self) -> Result<()>;

    /// Drops codes five minutes old and tokens that expired, which nobody can tell from the ones that never were.
    async fn forget(&self, now: Timestamp) -> Result<()>;
}

/// How many devices of one user of one app may have a SOTER key.
pub const MOST_SOTER_KEYS: usize = 8;

/// Why a store failed. What it was asked may have happened or not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another server has the store open.
    #[error("the store {} is in use by another server: stop that one, or give this one a folder of its own", path.display())]
    InUse {
        /// The store.
        path: PathBuf,
    },
    /// The store cannot be opened, read or written.
    #[error("the store {} failed: {reason}", path.display())]
    Failed {
        /// The store.
        path: PathBuf,
        /// What went wrong and what to do.
        reason: String,
    },
    /// What is stored was written by another version, or damaged.
    #[error("the store {} holds what this version cannot read: {reason}", path.display())]
    Unreadable {
        /// The store.
        path: PathBuf,
        /// What cannot be read; no secret of it.
        reason: String,
    },
}
