//! The user's profile, signed and sealed by the platform server.

use std::sync::Arc;

use async_trait::async_trait;
use wx_api::{
    Api, ApiSet, Cx, Result,
    user::{GetUserInfoRequest, GetUserInfoResult, User},
};
use wx_platform::wire::host::{UserInfoAnswer, UserInfoRequest};

use crate::platform::Platform;

/// The profile that the platform has of the user. Consent is the business of the host's gate.
#[derive(Debug)]
pub(crate) struct DesktopUser(pub(crate) Arc<Platform>);

#[async_trait]
impl User for DesktopUser {
    fn supported(&self) -> ApiSet {
        Api::GetUserInfo.into()
    }

    async fn get_user_info(&self, cx: &Cx, req: GetUserInfoRequest) -> Result<GetUserInfoResult> {
        let request = UserInfoRequest {
            app: cx.app().to_string(),
            user: cx.user().to_string(),
            launch: self.0.launch(cx),
            lang: req.lang.unwrap_or_default(),
            with_credentials: req.with_credentials,
        };
        let UserInfoAnswer { user_info, raw_data, signature, encrypted_data, iv } =
            self.0.ask(Api::GetUserInfo, self.0.client().user_info(&request)).await?;
        Ok(GetUserInfoResult { user_info, raw_data: raw_data.expose().to_owned(), signature, encrypted_data, iv })
    }
}
