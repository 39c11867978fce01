//! The user's profile, signed and sealed for the developer's server.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Api, ApiSet, Cx, Effect, Error, Facts, Request, Result, Scope, Version};

/// User data. What a mini-program may read is plain and signed; what only the developer's server may read is sealed with the
/// session key.
///
/// ```
/// # use wx_api::{Cx, Result, user::{GetUserInfoRequest, User}};
/// # async fn example(user: &dyn User, cx: &Cx) -> Result<()> {
/// let name = user.get_user_info(cx, GetUserInfoRequest::default()).await?.user_info.nick_name;
/// # Ok(drop(name))
/// # }
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait User: Send + Sync {
    /// The APIs of this domain that really work.
    fn supported(&self) -> ApiSet;

    /// `wx.getUserInfo`: the user's profile. Needs `scope.userInfo`.
    ///
    /// # Behavior
    ///
    /// - it answers the user's profile (`user::answers_the_profile`)
    /// - `rawData` is the same profile as JSON text (`user::raw_data_is_the_profile`) without `openId`, `unionId` or watermark
    ///   (`user::raw_data_has_no_identifiers`)
    /// - `signature` is `sha1(rawData + session_key)` (`user::signature_is_sha1_of_raw_data_and_key`), over the exact bytes of any
    ///   script (`user::signature_covers_exact_bytes`), and the server agrees (`user::server_verifies_the_signature`)
    /// - `rawData` changed on the way no longer verifies (`user::changed_raw_data_does_not_verify`)
    /// - `encryptedData` opens with the session key (`user::sealed_data_opens`) and repeats the profile
    ///   (`user::sealed_data_repeats_the_profile`) with the user's `openId` (`user::sealed_data_names_the_user`)
    /// - it carries `unionId` only when the app is bound (`user::sealed_union_id_only_when_bound`)
    /// - its watermark names the app (`user::watermark_names_the_app`) and the time (`user::watermark_tells_the_time`)
    /// - `iv` is 16 bytes in base64 (`user::iv_is_16_bytes`), new each time (`user::iv_is_new_each_time`)
    /// - `withCredentials: false` leaves out `encryptedData` and `iv` (`user::without_credentials_nothing_is_sealed`)
    /// - `withCredentials: true` needs a living session (`user::credentials_need_a_session`,
    ///   `user::credentials_need_a_living_session`)
    /// - without the parameter the credentials come along when there is a session (`user::credentials_come_with_a_session`)
    ///   and are left out when there is none (`user::profile_needs_no_session`)
    /// - `lang` selects the language of place names (`user::lang_selects_the_language`), English by default
    ///   (`user::default_language_is_english`)
    /// - another `lang` is a parameter error (`user::unknown_lang_is_a_parameter_error`)
    ///
    /// # Errors
    ///
    /// [`Denied`](crate::ErrorKind::Denied) without consent; [`Session`](crate::ErrorKind::Session) when credentials were asked for
    /// and there is no living session; [`Unavailable`](crate::ErrorKind::Unavailable) when the server cannot be reached.
    async fn get_user_info(&self, cx: &Cx, req: GetUserInfoRequest) -> Result<GetUserInfoResult> {
        let _ = (cx, req);
        Err(Error::unsupported(Api::GetUserInfo))
    }
}

/// Parameters of `wx.getUserInfo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GetUserInfoRequest {
    /// Whether the answer must carry what only the server may read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_credentials: Option<bool>,
    /// The language of place names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<Lang>,
}

/// A language that place names come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lang {
    /// English.
    #[default]
    #[serde(rename = "en")]
    En,
    /// Simplified Chinese.
    #[serde(rename = "zh_CN")]
    ZhCn,
    /// Traditional Chinese.
    #[serde(rename = "zh_TW")]
    ZhTw,
}

/// What `wx.getUserInfo` answers. It is personal, so `Debug` hides it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetUserInfoResult {
    /// The profile.
    pub user_info: UserInfo,
    /// The profile as the JSON text that was signed.
    pub raw_data: String,
    /// `sha1(rawData + session_key)` in lower-case hex; absent without a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// The profile with the user's identifiers and a watermark, sealed with the session key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted_data: Option<String>,
    /// The initial vector of `encryptedData`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iv: Option<String>,
}

impl fmt::Debug for GetUserInfoResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetUserInfoResult").finish_non_exhaustive()
    }
}

/// A user's profile. It is personal, so `Debug` hides it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserInfo {
    /// The name the user goes by.
    pub nick_name: String,
    /// 0 unknown, 1 male, 2 female.
    pub gender: u8,
    /// The language of the place names.
    pub language: Lang,
    /// The city.
    pub city: String,
    /// The province.
    pub province: String,
    /// The country.
    pub country: String,
    /// Where the picture is.
    pub avatar_url: String,
}

impl fmt::Debug for UserInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserInfo").finish_non_exhaustive()
    }
}

impl Request for GetUserInfoRequest {
    type Reply = GetUserInfoResult;
    const FACTS: Facts = Facts {
        name: "getUserInfo",
        since: Version(1, 0, 0),
        scope: Some(Scope::UserInfo),
        effect: Effect::Read,
        err_code: false,
    };
}
