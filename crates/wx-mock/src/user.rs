//! The person's profile, signed and sealed by the platform.

use std::sync::Arc;

use async_trait::async_trait;
use wx_api::{
    Api, ApiSet, Cx, Error, Result,
    login::session_expired,
    user::{GetUserInfoRequest, GetUserInfoResult, User},
};
use wx_crypto::{open_data, signature};

use crate::{network::Network, person::Person, platform::Platform};

/// The profile of the world's person. Consent is the business of the host's gate.
#[derive(Debug)]
pub(crate) struct MockUser {
    pub(crate) network: Arc<Network>,
    pub(crate) platform: Arc<Platform>,
    pub(crate) person: Arc<Person>,
}

#[async_trait]
impl User for MockUser {
    fn supported(&self) -> ApiSet {
        Api::GetUserInfo.into()
    }

    async fn get_user_info(&self, cx: &Cx, req: GetUserInfoRequest) -> Result<GetUserInfoResult> {
        self.network.reach(Api::GetUserInfo).await?;
        let user_info = self.person.profile(req.lang.unwrap_or_default());
        let raw_data = serde_json::to_string(&user_info)
            .map_err(|error| Error::internal(Api::GetUserInfo, "the profile is not JSON").with_source(error))?;
        let Some(identity) = self.platform.spend(cx) else {
            return if req.with_credentials == Some(true) {
                Err(session_expired(Api::GetUserInfo))
            } else {
                Ok(GetUserInfoResult { user_info, raw_data, signature: None, encrypted_data: None, iv: None })
            };
        };

        let signature = Some(signature::sign(raw_data.as_bytes(), &identity.key));
        if req.with_credentials == Some(false) {
            return Ok(GetUserInfoResult { user_info, raw_data, signature, encrypted_data: None, iv: None });
        }
        let (openid, unionid) = (&identity.openid, identity.unionid.as_deref());
        let plain = wx_rules::open_data::user_info(&user_info, openid, unionid, cx.app(), self.platform.now())
            .map_err(|error| Error::internal(Api::GetUserInfo, error.to_string()))?;
        let sealed = open_data::seal(plain.as_bytes(), &identity.key, self.platform.iv());
        Ok(GetUserInfoResult {
            user_info,
            raw_data,
            signature,
            encrypted_data: Some(sealed.encrypted_data),
            iv: Some(sealed.iv),
        })
    }
}
