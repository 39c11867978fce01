//! The user's profile, signed and sealed with the key of their session.

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
        let raw_data = serde_json::to_string(&user_info).map_err(|_| not_json())?;
        let mut answer =
            UserInfoAnswer { user_info, raw_data: Hidden::from(raw_data), signature: None, encrypted_data: None, iv: None };
        let Some(session) = session else {
            return if request.with_credentials == Some(true) { Err(Errcode::NO_SESSION.into()) } else { Ok(answer) };
        };
        answer.signature = Some(signature::sign(answer.raw_data.expose().as_bytes(), &session.key));
        if request.with_credentials != Some(false) {
            let account = self.store.app(&app).await?.and_then(|app| app.account.clone());
            let unionid = account.map(|account| identity::unionid(&self.identity, &account, &user));
            let plain = wx_rules::open_data::user_info(&answer.user_info, &session.openid, unionid.as_deref(), &app, now);
            let plain = Hidden::from(plain.map_err(|_| not_json())?);
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

fn not_json() -> Refused {
    Refused::because(Errcode::BUSY, "system error: the profile is not JSON")
}
