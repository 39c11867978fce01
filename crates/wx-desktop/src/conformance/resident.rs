//! Who the person at the device is, and what is kept about them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use wx_api::{
    AppId, Scope, UserId,
    user::{Lang, UserInfo},
};
use wx_conformance::{Choice, Failure, Outcome, Shown, UserHandle};
use wx_host::Consent;
use wx_platform::{
    platform::{Platform, Refused},
    wire::host::{Place, User},
};

use super::person::Person;

/// The person, their profile on the platform, and the device they keep their apps on.
pub(super) struct Resident {
    person: Arc<Person>,
    consent: Arc<Consent>,
    platform: Arc<Platform>,
    user: UserId,
    nick_name: Mutex<String>,
}

const LANGUAGES: [Lang; 3] = [Lang::En, Lang::ZhCn, Lang::ZhTw];

impl Resident {
    pub(super) fn new(person: Arc<Person>, consent: Arc<Consent>, platform: Arc<Platform>, user: UserId) -> Self {
        Self { person, consent, platform, user, nick_name: Mutex::new("Band".to_owned()) }
    }

    /// Tells the platform who they are.
    pub(super) async fn describe(&self) -> Result<(), Refused> {
        let places = LANGUAGES.map(|lang| {
            let UserInfo { city, province, country, .. } = self.profile(lang);
            (lang, Place { city, province, country })
        });
        let user = User {
            user: self.user.to_string(),
            profile: Some(self.profile(Lang::En)),
            places: Some(places.into()),
            ..User::default()
        };
        self.platform.set_user(&user).await
    }
}

#[async_trait]
impl UserHandle for Resident {
    fn answer(&self, scope: Scope, choice: Choice) {
        self.person.answer(scope, choice);
    }

    fn prompts(&self) -> Vec<Shown> {
        self.person.prompts()
    }

    fn open_prompts(&self) -> Vec<Scope> {
        self.person.open_prompts()
    }

    async fn wait_for_prompts(&self, count: usize) {
        self.person.wait_for_prompts(count).await;
    }

    fn turn(&self, scope: Scope, on: bool) {
        self.person.turn(scope, on);
    }

    fn settings_pages(&self) -> Vec<BTreeMap<Scope, bool>> {
        self.person.settings_pages()
    }

    fn profile(&self, lang: Lang) -> UserInfo {
        let [city, province, country] = match lang {
            Lang::En => ["Guangzhou", "Guangdong", "China"],
            Lang::ZhCn => ["广州", "广东", "中国"],
            Lang::ZhTw => ["廣州", "廣東", "中國"],
        }
        .map(str::to_owned);
        let nick_name = self.nick_name.lock().unwrap_or_else(PoisonError::into_inner).clone(); // nothing panics under the lock
        let avatar_url =
            "http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIG/0".to_owned();
        UserInfo { nick_name, gender: 1, language: lang, city, province, country, avatar_url }
    }

    async fn rename(&self, nick_name: &str) -> Outcome {
        nick_name.clone_into(&mut self.nick_name.lock().unwrap_or_else(PoisonError::into_inner));
        self.describe().await.map_err(|error| Failure(error.to_string()))
    }

    async fn remove_app(&self, app: &AppId) -> Outcome {
        self.platform.remove_app(app).await.map_err(|error| Failure(error.to_string()))?;
        self.consent.forget_app(app).await.map_err(|error| Failure(error.to_string()))
    }
}
