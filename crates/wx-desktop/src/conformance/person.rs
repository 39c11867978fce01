//! The person at the device: what they answer, and what they have seen.

use std::{collections::BTreeMap, mem};

use async_trait::async_trait;
use tokio::sync::watch;
use wx_api::{Answer, Cx, Prompt, Scope};
use wx_conformance::{Choice, Shown};

/// The person at the device. Until told otherwise, they allow every scope at once and leave the settings as they are.
#[derive(Default)]
pub(super) struct Person(watch::Sender<Mind>);

#[derive(Default)]
struct Mind {
    choices: BTreeMap<Scope, Choice>,
    shown: Vec<Shown>,
    /// What is on the screen, by its place among `shown`.
    open: BTreeMap<usize, Scope>,
    /// What to do on the next settings page.
    turns: BTreeMap<Scope, bool>,
    pages: Vec<BTreeMap<Scope, bool>>,
}

impl Person {
    pub(super) fn answer(&self, scope: Scope, choice: Choice) {
        self.0.send_modify(|mind| {
            mind.choices.insert(scope, choice);
        });
    }

    pub(super) fn prompts(&self) -> Vec<Shown> {
        self.0.borrow().shown.clone()
    }

    pub(super) fn open_prompts(&self) -> Vec<Scope> {
        self.0.borrow().open.values().copied().collect()
    }

    pub(super) async fn wait_for_prompts(&self, count: usize) {
        self.until(|mind| mind.shown.len() >= count).await;
    }

    pub(super) fn turn(&self, scope: Scope, on: bool) {
        self.0.send_modify(|mind| {
            mind.turns.insert(scope, on);
        });
    }

    pub(super) fn settings_pages(&self) -> Vec<BTreeMap<Scope, bool>> {
        self.0.borrow().pages.clone()
    }

    async fn until(&self, is_so: impl FnMut(&Mind) -> bool) {
        // It can only fail once the sender is gone, which `self` has.
        let _ = self.0.subscribe().wait_for(is_so).await;
    }
}

impl Mind {
    /// What they do with a prompt for this scope, if not nothing.
    fn decision(&self, scope: Scope) -> Option<Answer> {
        match self.choices.get(&scope) {
            None | Some(Choice::Allow) => Some(Answer::Allow),
            Some(Choice::Deny) => Some(Answer::Deny),
            Some(Choice::Dismiss) => Some(Answer::Dismiss),
            Some(Choice::Ignore) => None,
        }
    }
}

#[async_trait]
impl Prompt for Person {
    async fn ask(&self, cx: &Cx, scope: Scope) -> Answer {
        let _on_screen = OnScreen::show(self, Shown { app: cx.app().clone(), scope });
        let mut answer = None;
        self.until(|mind| {
            answer = mind.decision(scope);
            answer.is_some()
        })
        .await;
        answer.unwrap_or(Answer::Dismiss)
    }

    async fn settings(&self, _: &Cx, mut switches: BTreeMap<Scope, bool>) -> BTreeMap<Scope, bool> {
        self.0.send_modify(|mind| {
            mind.pages.push(switches.clone());
            switches.extend(mem::take(&mut mind.turns));
        });
        switches
    }
}

/// A prompt on the screen. It goes when it is answered, and when whoever asked no longer wants to know.
struct OnScreen<'a> {
    person: &'a Person,
    prompt: usize,
}

impl<'a> OnScreen<'a> {
    fn show(person: &'a Person, shown: Shown) -> Self {
        let mut prompt = 0;
        person.0.send_modify(|mind| {
            prompt = mind.shown.len();
            mind.open.insert(prompt, shown.scope);
            mind.shown.push(shown);
        });
        Self { person, prompt }
    }
}

impl Drop for OnScreen<'_> {
    fn drop(&mut self) {
        self.person.0.send_modify(|mind| {
            mind.open.remove(&self.prompt);
        });
    }
}
