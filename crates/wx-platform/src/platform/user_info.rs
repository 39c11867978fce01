//! The user's profile, signed and sealed with the key of their session.

use serde::Serialize;
use wx_api::user::{Lang, UserInfo};
use wx_crypto::{open_data, signature};

use super::{Platform, Refused, app_id, identity, random, sessions::launch, user_id};
use crate::{
    Errcode,
    store::User,
    wire::{
        Hidden,
        host::{UserInfoAnswer, UserInfoRequest},
    },
};

/// What only the developer's server may read, in the order of the documentation.
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

#[derive(Serialize)]
struct Mark<'a> {
    timestamp: u64,
    appid: &'a str,
}

impl Platform {
    /// The user's profile, empty for a user whom nobody described. This uses their session, which prolongs it.
    ///
    /// # Errors
    ///
    /// [`Errcode::NO_SESSION`] when the credentials are asked for and no session lives; [`Errcode::USER_BLOCKED`],
    /// [`Errcode::BAD_FORMAT`], [`Errcode::BUSY`].
    pub async fn user_info(&self, request: &UserInfoRequest) -> Result<UserInfoAnswer, Refused> {
        let (app, user, launch) = (app_id(&request.app)?, user_id(&request.user)?, launch(&request.launch)?);
        let known = self.admitted(&user).await?;
        let now = self.now();
        let used = self.change_session(&app, &self.openid(&app, &user), |session| Ok(session.life.touch(now, launch))).await?;
        let session = used.and_then(|(session, alive)| alive.then_some(session));

        let user_info = profile(known, request.lang);
        let raw_data = text(&user_info)?;
        let mut answer =
            UserInfoAnswer { user_info, raw_data: Hidden::from(raw_data), signature: None, encrypted_data: None, iv: None };
        let Some(session) = session else {
            return if request.with_credentials == Some(true) { Err(Errcode::NO_SESSION.into()) } else { Ok(answer) };
        };
        answer.signature = Some(signature::sign(answer.raw_data.expose().as_bytes(), &session.key));
        if request.with_credentials != Some(false) {
            let account = self.store.app(&app).await?.and_then(|app| app.account.clone());
            let unionid = account.map(|account| identity::unionid(&self.identity, &account, &user));
            let plain = Hidden::from(text(&Sealed {
                open_id: &session.openid,
                profile: &answer.user_info,
                union_id: unionid.as_deref(),
                watermark: Mark { timestamp: now.as_secs(), appid: app.as_str() },
            })?);
            let sealed = open_data::seal(plain.expose().as_bytes(), &session.key, random::bytes()?);
            (answer.encrypted_data, answer.iv) = (Some(sealed.encrypted_data), Some(sealed.iv));
        }
        Ok(answer)
    }
}

/// The profile with the places in this language, or else in English.
fn profile(user: Option<User>, lang: Lang) -> UserInfo {
    let Some(User { profile, mut places, .. }) = user else { return UserInfo { language: lang, ..UserInfo::default() } };
    let place = places.remove(&lang).or_else(|| places.remove(&Lang::En)).unwrap_or_default();
    UserInfo { language: lang, city: place.city, province: place.province, country: place.country, ..profile }
}

fn text(value: &impl Serialize) -> Result<String, Refused> {
    serde_json::to_string(value).map_err(|_| Refused::because(Errcode::BUSY, "system error: the profile is not JSON"))
}
