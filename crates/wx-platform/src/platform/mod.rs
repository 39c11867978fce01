//! What a platform decides: everything about being one but HTTP.
//!
//! One file for each topic, and two sides. What a developer's server asks comes with its address, and with the app's secret or an access
//! token. What a host asks comes from a caller whose key was looked up with [`Platform::host`] before.

mod apps;
mod hosts;
mod identity;
mod limits;
mod login;
mod nonces;
mod random;
mod refused;
mod rules;
mod sessions;
mod soter;
mod tokens;
mod turns;
mod user_info;

use std::{fmt, sync::Arc};

use wx_api::{AppId, Clock, Timestamp, UserId};

use self::{limits::Limits, nonces::Nonces, turns::Turns};
pub use self::{
    refused::Refused,
    rules::{Rules, SoterDevices, UnknownApps},
};
use crate::{
    Errcode,
    primitives::sha256,
    store::{Identity, Store, StoreError},
};

/// A platform: apps, users, codes, sessions, tokens and keys, over a [`Store`].
///
/// ```
/// use std::sync::Arc;
///
/// use wx_host::TokioClock;
/// use wx_platform::{
///     platform::{Platform, Rules},
///     store::MemoryStore,
///     wire::{host, session},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let platform = Platform::open(Arc::new(MemoryStore::default()), Arc::new(TokioClock), Rules::default()).await?;
/// let app = "wx4f4bc4dec97d474b".to_owned();
/// let made = platform.set_app(&host::App { app: app.clone(), ..Default::default() }).await?;
/// let login = platform.login(&host::LoginRequest { app: app.clone(), user: "li".to_owned() }).await?;
///
/// let exchange = session::CodeToSession {
///     appid: app,
///     secret: made.secret.unwrap_or_default(),
///     js_code: login.code,
///     grant_type: session::GRANT_TYPE.to_owned(),
/// };
/// let session = platform.code_to_session([127, 0, 0, 1].into(), &exchange).await?;
/// assert!(session.openid.starts_with('o'));
/// # Ok(())
/// # }
/// ```
pub struct Platform {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    rules: Rules,
    identity: Identity,
    limits: Limits,
    nonces: Nonces,
    /// Held while an app or a user is read, changed and written.
    administration: tokio::sync::Mutex<()>,
    /// Held while a session is read, changed and written.
    turns: Turns,
}

impl Platform {
    /// Over this store, which learns who this server is if it does not know.
    ///
    /// # Errors
    ///
    /// What is wrong with the store.
    pub async fn open(store: Arc<dyn Store>, clock: Arc<dyn Clock>, rules: Rules) -> Result<Self, StoreError> {
        // A known identity wins over the offered one, so without random numbers nothing must be offered.
        let offered = random::secret::<32>().map_err(|_| StoreError::Failed {
            path: std::path::PathBuf::new(),
            reason: "the operating system has no random numbers to make an identity from".to_owned(),
        })?;
        let identity = store.identity(Identity(offered)).await?;
        Ok(Self {
            store,
            clock,
            rules,
            identity,
            limits: Limits::default(),
            nonces: Nonces::default(),
            administration: tokio::sync::Mutex::default(),
            turns: Turns::default(),
        })
    }

    /// Whether the store keeps changes.
    ///
    /// # Errors
    ///
    /// [`Errcode::BUSY`] if it does not.
    pub async fn healthy(&self) -> Result<(), Refused> {
        Ok(self.store.healthy().await?)
    }

    /// Drops what expired some minutes ago. A server calls this from time to time.
    ///
    /// Until then an expired token is told from one that never was.
    ///
    /// # Errors
    ///
    /// [`Errcode::BUSY`] if the store fails.
    pub async fn forget(&self) -> Result<(), Refused> {
        let then = self.now().as_millis().saturating_sub(REMEMBERED);
        Ok(self.store.forget(Timestamp::from_millis(then)).await?)
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn openid(&self, app: &AppId, user: &UserId) -> String {
        identity::openid(&self.identity, app, user)
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// How long what has expired is still known, in milliseconds: long enough for an app's server to see that its token is old.
const REMEMBERED: u64 = 5 * 60 * 1000;

/// Bytes of the longest identifier that a host may give an app or a user.
const LONGEST_ID: usize = 128;

/// Refuses what is no identifier. Control characters would make two of them one where they are hashed together.
fn check_id(what: &'static str, id: &str) -> Result<(), Refused> {
    if id.is_empty() || id.len() > LONGEST_ID || id.contains(char::is_control) {
        let reason = format!("data format error: {what} must be 1 to {LONGEST_ID} bytes without control characters");
        return Err(Refused::because(Errcode::BAD_FORMAT, reason));
    }
    Ok(())
}

fn app_id(text: &str) -> Result<AppId, Refused> {
    check_id("app", text)?;
    Ok(text.into())
}

fn user_id(text: &str) -> Result<UserId, Refused> {
    check_id("user", text)?;
    Ok(text.into())
}
