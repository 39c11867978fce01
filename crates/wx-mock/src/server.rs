//! The server of one app's developer.

use std::sync::Arc;

use wx_api::AppId;
use wx_crypto::SessionKey;
use wx_rules::login::CodeError;

use crate::platform::{Identity, Platform};

/// The server of one app's developer, with the app's secret: it exchanges codes, and signs, verifies, seals and opens its users'
/// data as a [`Signature`](wx_api::signature::Signature).
///
/// ```
/// use wx_api::{AppId, Cx, login::LoginRequest, signature::Signature as _};
/// use wx_mock::World;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (world, cx) = (World::new(1), Cx::new("wx4f4bc4dec97d474b"));
/// let code = world.host().login.unwrap().login(&cx, LoginRequest::default()).await?.code;
///
/// let server = world.server(cx.app());
/// let session = server.exchange(&code).unwrap();
/// let signature = server.sign(&session.openid, "some text").await.unwrap();
/// assert_eq!(signature, wx_crypto::signature::sign(b"some text", &session.session_key));
///
/// assert_eq!(server.exchange(&code).unwrap_err().errcode(), 40163);
/// # Ok::<(), wx_api::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct Server {
    app: AppId,
    platform: Arc<Platform>,
}

/// What a code was exchanged for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The user in this app.
    pub openid: String,
    /// The key of their session. Not for the mini-program: its `Debug` shows nothing.
    pub session_key: SessionKey,
    /// The user across the apps of one open-platform account, when the app is bound to one.
    pub unionid: Option<String>,
}

impl Server {
    pub(crate) fn new(app: AppId, platform: Arc<Platform>) -> Self {
        Self { app, platform }
    }

    /// The app.
    pub fn app(&self) -> &AppId {
        &self.app
    }

    /// Exchanges a code of `wx.login`. Whichever living code it is, the answer is the session as the last login left it.
    ///
    /// # Errors
    ///
    /// [`CodeError`], whose `errcode` is what the platform answers: 40029, or 40163 for a used code.
    pub fn exchange(&self, code: &str) -> Result<Exchange, CodeError> {
        let Identity { openid, unionid, key } = self.platform.exchange(&self.app, code)?;
        Ok(Exchange { openid, session_key: key, unionid })
    }

    /// Binds the app to an open-platform account, or takes it out. It is in none until told otherwise.
    pub fn bind(&self, bound: bool) {
        self.platform.bind(&self.app, bound);
    }

    pub(crate) fn platform(&self) -> &Platform {
        &self.platform
    }
}
