//! Sign-in, by the platform server.

use std::sync::Arc;

use async_trait::async_trait;
use wx_api::{
    Api, ApiSet, Cx, Result,
    login::{CheckSessionRequest, CheckSessionResult, Login, LoginRequest, LoginResult, session_expired},
};
use wx_platform::wire::host;

use crate::platform::Platform;

/// Sign-in over the platform. `timeout` is the business of the host's layers.
#[derive(Debug)]
pub(crate) struct DesktopLogin(pub(crate) Arc<Platform>);

#[async_trait]
impl Login for DesktopLogin {
    fn supported(&self) -> ApiSet {
        ApiSet::of(&[Api::Login, Api::CheckSession])
    }

    async fn login(&self, cx: &Cx, _: LoginRequest) -> Result<LoginResult> {
        let request = host::LoginRequest { app: cx.app().to_string(), user: cx.user().to_string() };
        let answer = self.0.ask(Api::Login, self.0.client().login(&request)).await?;
        Ok(LoginResult { code: answer.code.expose().to_owned() })
    }

    async fn check_session(&self, cx: &Cx, _: CheckSessionRequest) -> Result<CheckSessionResult> {
        let request =
            host::SessionRequest { app: cx.app().to_string(), user: cx.user().to_string(), launch: self.0.launch(cx) };
        let answer = self.0.ask(Api::CheckSession, self.0.client().session_alive(&request)).await?;
        if answer.alive { Ok(CheckSessionResult {}) } else { Err(session_expired(Api::CheckSession)) }
    }
}
