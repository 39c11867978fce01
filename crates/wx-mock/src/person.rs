//! The person at the device: what they answer, and who they are.

use std::{borrow::Cow, collections::BTreeMap, mem};

use async_trait::async_trait;
use wx_api::{
    Answer, AppId, Cx, Prompt, Scope, UserId,
    user::{Lang, UserInfo},
};

use crate::{history::History, monitor::Monitor};

/// What the person does with a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Choice {
    /// Taps allow.
    #[default]
    Allow,
    /// Taps deny.
    Deny,
    /// Closes the prompt without deciding.
    Dismiss,
    /// Leaves the prompt open.
    Ignore,
}

/// A prompt that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The app it named.
    pub app: AppId,
    /// Whom it asked.
    pub user: UserId,
    /// The scope it named.
    pub scope: Scope,
}

/// The person at the device, and all they see. Until told otherwise, they allow every scope at once and leave the settings as
/// they are.
///
/// A world has one person, whatever the number of users a host tells apart: they share the name and the face.
///
/// ```
/// use wx_api::{Answer, Cx, Prompt as _, Scope};
/// use wx_mock::{Choice, Person};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let person = Person::default();
/// person.answer(Scope::Camera, Choice::Deny);
/// assert_eq!(person.ask(&Cx::new("wx1"), Scope::Camera).await, Answer::Deny);
/// assert_eq!(person.prompts()[0].scope, Scope::Camera);
/// # });
/// ```
#[derive(Debug, Default)]
pub struct Person(Monitor<Mind>);

#[derive(Debug)]
struct Mind {
    nick_name: Cow<'static, str>,
    choices: BTreeMap<Scope, Choice>,
    shown: History<Shown>,
    /// What is on the screen, by its number among `shown`.
    open: BTreeMap<usize, Scope>,
    /// What to do on the next settings page.
    turns: BTreeMap<Scope, bool>,
    pages: History<BTreeMap<Scope, bool>>,
}

impl Default for Mind {
    fn default() -> Self {
        Self {
            nick_name: Cow::Borrowed("Band"),
            choices: BTreeMap::new(),
            shown: History::default(),
            open: BTreeMap::new(),
            turns: BTreeMap::new(),
            pages: History::default(),
        }
    }
}

impl Person {
    /// What to do with every prompt for this scope from now on, those on the screen included.
    pub fn answer(&self, scope: Scope, choice: Choice) {
        self.0.change(|mind| mind.choices.insert(scope, choice));
    }

    /// Every prompt shown so far, in order. Only the last 4096 are kept.
    pub fn prompts(&self) -> Vec<Shown> {
        self.0.read(|mind| mind.shown.to_vec())
    }

    /// The scopes whose prompts are on the screen now.
    pub fn open_prompts(&self) -> Vec<Scope> {
        self.0.read(|mind| mind.open.values().copied().collect())
    }

    /// Waits until this many prompts were shown since the beginning.
    pub async fn wait_for_prompts(&self, count: usize) {
        self.0.until(|mind| (mind.shown.total() >= count).then_some(())).await;
    }

    /// Turns this switch on the next settings page, and closes that page with it so, even where it was not on it: whoever shows
    /// the page must not believe that.
    pub fn turn(&self, scope: Scope, on: bool) {
        self.0.change(|mind| mind.turns.insert(scope, on));
    }

    /// Every settings page shown so far: its switches as they were when it opened. Only the last 4096 are kept.
    pub fn settings_pages(&self) -> Vec<BTreeMap<Scope, bool>> {
        self.0.read(|mind| mind.pages.to_vec())
    }

    /// The person's profile, with place names in this language.
    pub fn profile(&self, lang: Lang) -> UserInfo {
        let [city, province, country] = match lang {
            Lang::En => ["Guangzhou", "Guangdong", "China"],
            Lang::ZhCn => ["广州", "广东", "中国"],
            Lang::ZhTw => ["廣州", "廣東", "中國"],
        }
        .map(str::to_owned);
        UserInfo {
            nick_name: self.0.read(|mind| mind.nick_name.clone().into_owned()),
            gender: 1,
            language: lang,
            city,
            province,
            country,
            avatar_url: AVATAR.to_owned(),
        }
    }

    /// Takes another name.
    pub fn rename(&self, nick_name: &str) {
        self.0.change(|mind| mind.nick_name = Cow::Owned(nick_name.to_owned()));
    }
}

const AVATAR: &str = "http://wx.qlogo.cn/mmopen/vi_32/\
    1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/0";

#[async_trait]
impl Prompt for Person {
    async fn ask(&self, cx: &Cx, scope: Scope) -> Answer {
        let prompt = self.0.change(|mind| {
            let prompt = mind.shown.push(Shown { app: cx.app().clone(), user: cx.user().clone(), scope });
            mind.open.insert(prompt, scope);
            prompt
        });
        let _on_screen = OnScreen { person: self, prompt };
        self.0
            .until(|mind| match mind.choices.get(&scope).copied().unwrap_or_default() {
                Choice::Allow => Some(Answer::Allow),
                Choice::Deny => Some(Answer::Deny),
                Choice::Dismiss => Some(Answer::Dismiss),
                Choice::Ignore => None,
            })
            .await
    }

    async fn settings(&self, _: &Cx, mut switches: BTreeMap<Scope, bool>) -> BTreeMap<Scope, bool> {
        self.0.change(|mind| {
            mind.pages.push(switches.clone());
            switches.extend(mem::take(&mut mind.turns));
            switches
        })
    }
}

/// A prompt on the screen. It goes when it is answered, and when whoever asked no longer wants to know.
struct OnScreen<'a> {
    person: &'a Person,
    prompt: usize,
}

impl Drop for OnScreen<'_> {
    fn drop(&mut self) {
        self.person.0.change(|mind| mind.open.remove(&self.prompt));
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::*;

    fn cx() -> Cx {
        Cx::new("wx1")
    }

    #[test]
    fn every_choice_becomes_its_answer() {
        let person = Person::default();
        assert_eq!(person.ask(&cx(), Scope::Record).now_or_never(), Some(Answer::Allow), "allowed until told otherwise");
        for (choice, answer) in [
            (Choice::Deny, Some(Answer::Deny)),
            (Choice::Dismiss, Some(Answer::Dismiss)),
            (Choice::Ignore, None),
            (Choice::Allow, Some(Answer::Allow)),
        ] {
            person.answer(Scope::Record, choice);
            assert_eq!(person.ask(&cx(), Scope::Record).now_or_never(), answer);
        }
        assert_eq!(person.prompts().len(), 5);
        assert_eq!(person.open_prompts(), []);
    }

    #[tokio::test]
    async fn an_ignored_prompt_stays_until_it_is_answered() {
        let person = Person::default();
        let cx = cx();
        person.answer(Scope::Record, Choice::Ignore);
        let mut prompt = pin!(person.ask(&cx, Scope::Record));
        assert!(prompt.as_mut().now_or_never().is_none());
        assert_eq!(person.open_prompts(), [Scope::Record]);
        person.answer(Scope::Camera, Choice::Allow);
        assert!(prompt.as_mut().now_or_never().is_none(), "another scope's answer is not this one's");
        person.answer(Scope::Record, Choice::Allow);
        assert_eq!(prompt.await, Answer::Allow);
        assert_eq!(person.open_prompts(), []);
    }

    #[test]
    fn a_withdrawn_prompt_leaves_the_screen_and_stays_on_record() {
        let person = Person::default();
        person.answer(Scope::Record, Choice::Ignore);
        assert_eq!(person.ask(&cx(), Scope::Record).now_or_never(), None);
        assert_eq!((person.open_prompts().len(), person.prompts().len()), (0, 1));
    }

    #[test]
    fn a_switch_is_turned_on_the_next_page_only() {
        let person = Person::default();
        let page = BTreeMap::from([(Scope::Record, false), (Scope::Camera, true)]);
        person.turn(Scope::Record, true);
        let left = person.settings(&cx(), page.clone()).now_or_never();
        assert_eq!(left, Some(BTreeMap::from([(Scope::Record, true), (Scope::Camera, true)])));
        assert_eq!(person.settings(&cx(), page.clone()).now_or_never(), Some(page.clone()));
        assert_eq!(person.settings_pages(), [page.clone(), page]);
    }
}
