//! Sign-in, by the platform of the world.

use std::sync::Arc;

use async_trait::async_trait;
use wx_api::{
    Api, ApiSet, Cx, Result,
    login::{CheckSessionRequest, CheckSessionResult, Login, LoginRequest, LoginResult, session_expired},
};

use crate::{network::Network, platform::Platform};

/// Sign-in over the world's network. `timeout` is the business of the host's layers.
#[derive(Debug)]
pub(crate) struct MockLogin {
    pub(crate) network: Arc<Network>,
    pub(crate) platform: Arc<Platform>,
}

#[async_trait]
impl Login for MockLogin {
    fn supported(&self) -> ApiSet {
        ApiSet::of(&[Api::Login, Api::CheckSession])
    }

    async fn login(&self, cx: &Cx, _: LoginRequest) -> Result<LoginResult> {
        // The network first: a login that never arrives replaces no key.
        self.network.reach(Api::Login).await?;
        Ok(LoginResult { code: self.platform.sign_in(cx) })
    }

    async fn check_session(&self, cx: &Cx, _: CheckSessionRequest) -> Result<CheckSessionResult> {
        self.network.reach(Api::CheckSession).await?;
        if self.platform.check(cx) { Ok(CheckSessionResult {}) } else { Err(session_expired(Api::CheckSession)) }
    }
}
