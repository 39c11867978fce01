//! The person's profile, signed and sealed by the platform.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use wx_api::{
    Api, ApiSet, Cx, Error, Result,
    login::session_expired,
    user::{GetUserInfoRequest, GetUserInfoResult, User, UserInfo},
};
use wx_crypto::{open_data, signature};

use crate::{network::Network, person::Person, platform::Platform, signature::Mark};

/// The profile of the world's person. Consent is the business of the host's gate.
#[derive(Debug)]
pub(crate) struct MockUser {
    pub(crate) network: Arc<Network>,
    pub(crate) platform: Arc<Platform>,
    pub(crate) person: Arc<Person>,
}

/// What only the developer's server may read, in the order of the page.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sealed<'a> {
    open_id: &'a str,
    #[serde(flatten)]
    profile: &'a UserInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    union_id: Option<&'a str>,
    watermark: Mark<'a>,
}

#[async_trait]
impl User for MockUser {
    fn supported(&self) -> ApiSet {
        Api::GetUserInfo.into()
    }

    async fn get_user_info(&self, cx: &Cx, req: GetUserInfoRequest) -> Result<GetUserInfoResult> {
        self.network.reach(Api::GetUserInfo).await?;
        let user_info = self.person.profile(req.lang.unwrap_or_default());
        let raw_data = text(&user_info)?;
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
        let plain = text(&Sealed {
            open_id: &identity.openid,
            profile: &user_info,
            union_id: identity.unionid.as_deref(),
            watermark: Mark { timestamp: self.platform.now().as_secs(), appid: cx.app().as_str() },
        })?;
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

fn text(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::internal(Api::GetUserInfo, "the profile is not JSON").with_source(error))
}
