//! A backend of real parts for a desktop: today sign-in and user data, from a platform server, biometric confirmation, and card emulation
//! on a reader.
//!
//! The server is one elsewhere, or one that the backend starts in its own process, with its data in the user's folder. It is asked over
//! HTTP in both cases, and a developer's server asks it at the same address.
//!
//! ```
//! use std::sync::Arc;
//!
//! use wx_api::{Cx, Host, login::LoginRequest};
//! use wx_desktop::Desktop;
//! use wx_host::{TokioClock, Wx};
//! use wx_platform::client::Client;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let desktop = Desktop::builder(Arc::new(TokioClock)).data_dir(folder).start().await?;
//! let wx = Wx::builder(desktop.host()).build(); // a product adds its consent, and layers
//! let cx = Cx::new("wx4f4bc4dec97d474b");
//! let code = wx.call(&cx, LoginRequest::default()).await?.code;
//!
//! // The developer's server, on this machine or, with a platform elsewhere, anywhere.
//! let secret = desktop.app_secret(cx.app()).await?;
//! let server = Client::builder(desktop.platform_url(), cx.app().clone(), secret).build()?;
//! assert!(server.code_to_session(&code).await?.openid.starts_with('o'));
//! desktop.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The feature `pn532` adds card emulation on a chip. It is experimental: no hardware was ever attached.
//!
//! # Invariants
//!
//! - It prompts nobody: consent is the host's gate. It keeps no time: the clock is the host's.
//! - It keeps no state of a call. One that is dropped is over, and harms no later one.
//! - No error and no `Debug` shows a secret; of the platform's address they show the host and the port.

mod builder;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod hce;
mod login;
mod platform;
pub mod soter;
mod user;

use std::{fmt, io, sync::Arc};

use tokio::task::JoinHandle;
use wx_api::{AppId, Clock, Host, soter::Soter};
use wx_crypto::Secret;
use wx_platform::{client::ClientError, wire::host};

pub use self::builder::{Builder, PlatformAt, SetupError};
use self::{hce::DesktopHce, login::DesktopLogin, platform::Platform, soter::DesktopSoter, user::DesktopUser};

/// The backend, and the platform behind it.
///
/// A server in this process ends with [`shutdown`](Self::shutdown), or once this and every [`host`](Self::host) of it are dropped.
pub struct Desktop {
    platform: Arc<Platform>,
    server: Option<JoinHandle<io::Result<()>>>,
    hce: Arc<DesktopHce>,
    soter: Option<Arc<DesktopSoter>>,
}

impl Desktop {
    /// A backend to be put together. Time is the host's to supply: `wx_host::TokioClock`, in a product.
    pub fn builder(clock: Arc<dyn Clock>) -> Builder {
        Builder::new(clock)
    }

    /// What this backend does, for a host to link: sign-in, user data, card emulation, and SOTER if it was given a
    /// [`device`](Builder::soter). Any number of hosts may have it.
    pub fn host(&self) -> Host {
        Host {
            login: Some(Arc::new(DesktopLogin(self.platform.clone()))),
            user: Some(Arc::new(DesktopUser(self.platform.clone()))),
            hce: Some(self.hce.clone()),
            soter: self.soter.clone().map(|soter| soter as Arc<dyn Soter>),
            ..Host::default()
        }
    }

    /// Card emulation: its switch, its trace.
    pub fn hce(&self) -> &Arc<DesktopHce> {
        &self.hce
    }

    /// Where a developer's server finds the platform.
    pub fn platform_url(&self) -> &str {
        self.platform.url()
    }

    /// A new secret for the developer's server of this app, which is made if there is none. The earlier secret no longer works.
    ///
    /// # Errors
    ///
    /// The platform cannot be reached, or refuses: at a platform elsewhere, only administrators may.
    pub async fn app_secret(&self, app: &AppId) -> Result<Secret, ClientError> {
        let wanted = host::App { app: app.to_string(), new_secret: true, ..host::App::default() };
        let answer = self.platform.client().set_app(&wanted).await?;
        let secret = answer.secret.ok_or_else(|| ClientError::BadAnswer("a new secret was asked for, and none came".into()))?;
        Ok(Secret::from(&secret))
    }

    /// Makes a user or changes them: the profile that `getUserInfo` answers for the [`user`](wx_api::Cx::user) of this name.
    ///
    /// # Errors
    ///
    /// As [`app_secret`](Self::app_secret).
    pub async fn set_user(&self, user: &host::User) -> Result<(), ClientError> {
        self.platform.client().set_user(user).await
    }

    /// Ends the server in this process, if there is one: requests under way are answered, and then its data folder is free.
    /// Calls of its hosts then answer that the platform cannot be reached.
    ///
    /// # Errors
    ///
    /// What ended the server earlier.
    pub async fn shutdown(self) -> io::Result<()> {
        self.platform.stop();
        match self.server {
            Some(server) => server.await.map_err(io::Error::other)?,
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Desktop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desktop")
            .field("platform", &self.platform)
            .field("is_here", &self.server.is_some())
            .field("hce", &self.hce)
            .field("soter", &self.soter)
            .finish()
    }
}
