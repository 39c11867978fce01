//! Consent outside the mock: asked on the terminal, given ahead on the command line, or refused because nobody can answer.

use std::{
    collections::BTreeMap,
    io::stdin,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use wx_api::{Answer, AppId, Cx, Prompt, Scope, UserId};
use wx_host::{ConsentStore, StoreError};

use crate::terminal;

/// Asks the person at the terminal, one question after the other.
#[derive(Debug, Default)]
pub(crate) struct TerminalPrompt(tokio::sync::Mutex<()>);

#[async_trait]
impl Prompt for TerminalPrompt {
    async fn ask(&self, cx: &Cx, scope: Scope) -> Answer {
        if !terminal::is_interactive() {
            terminal::say(&format!(
                "wx: {} asks for {scope} and nobody can answer: run it on a terminal, or pass --grant {scope} or --deny {scope}",
                cx.app()
            ));
            return Answer::Dismiss;
        }
        let _turn = self.0.lock().await;
        loop {
            terminal::say(&format!("{} asks for {scope}. Allow it? [y]es, [n]o, Enter to decide later", cx.app()));
            match read_line().await.as_deref() {
                Some("y" | "Y" | "yes") => return Answer::Allow,
                Some("n" | "N" | "no") => return Answer::Deny,
                Some("") | None => return Answer::Dismiss,
                Some(_) => {}
            }
        }
    }

    async fn settings(&self, cx: &Cx, mut switches: BTreeMap<Scope, bool>) -> BTreeMap<Scope, bool> {
        if !terminal::is_interactive() {
            terminal::say("wx: nobody can turn a switch on the settings page: run it on a terminal");
            return switches;
        }
        let _turn = self.0.lock().await;
        loop {
            terminal::say(&page(cx.app(), &switches));
            let Some(line) = read_line().await.filter(|line| !line.is_empty()) else { return switches };
            let number = line.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            if let Some(switch) = number.and_then(|index| switches.values_mut().nth(index)) {
                *switch = !*switch;
            }
        }
    }
}

/// The settings page as text.
fn page(app: &AppId, switches: &BTreeMap<Scope, bool>) -> String {
    let mut lines = vec![format!("Settings of {app}. A number turns its switch, Enter leaves the page.")];
    lines.extend(
        (1..).zip(switches).map(|(number, (scope, on))| format!("  {number} [{}] {scope}", if *on { 'x' } else { ' ' })),
    );
    lines.join("\n")
}

/// What the person types, without the line end; nothing when they close the input.
async fn read_line() -> Option<String> {
    let read = || {
        let mut line = String::new();
        stdin().read_line(&mut line).ok().filter(|&bytes| bytes > 0).map(|_| line.trim().to_owned())
    };
    tokio::task::spawn_blocking(read).await.ok().flatten()
}

/// Decisions of this run over those that are kept: what the command line decides hides what the user decided, and is not kept.
#[derive(Debug)]
pub(crate) struct ForThisRun<S> {
    kept: S,
    decided: Mutex<BTreeMap<Scope, bool>>,
}

impl<S> ForThisRun<S> {
    /// These decisions, whoever asks, over what `kept` keeps.
    pub(crate) fn new(kept: S, decided: BTreeMap<Scope, bool>) -> Self {
        Self { kept, decided: Mutex::new(decided) }
    }

    fn decided(&self) -> MutexGuard<'_, BTreeMap<Scope, bool>> {
        self.decided.lock().unwrap_or_else(PoisonError::into_inner) // nothing under the lock panics
    }
}

#[async_trait]
impl<S: ConsentStore> ConsentStore for ForThisRun<S> {
    async fn load(&self, app: &AppId, user: &UserId) -> Result<BTreeMap<Scope, bool>, StoreError> {
        let mut decisions = self.kept.load(app, user).await?;
        decisions.extend(self.decided().iter());
        Ok(decisions)
    }

    async fn save(&self, app: &AppId, user: &UserId, decisions: &BTreeMap<Scope, bool>) -> Result<(), StoreError> {
        let mut kept = self.kept.load(app, user).await?;
        for (scope, granted) in decisions {
            // A switch that is turned on the settings page turns for this run, too.
            match self.decided().get_mut(scope) {
                Some(decided) => *decided = *granted,
                None => drop(kept.insert(*scope, *granted)),
            }
        }
        self.kept.save(app, user, &kept).await
    }

    async fn forget(&self, app: &AppId) -> Result<(), StoreError> {
        self.kept.forget(app).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use wx_host::MemoryStore;

    use super::*;

    #[test]
    fn the_settings_page_shows_every_switch() {
        let switches = [(Scope::Record, true), (Scope::Camera, false)].into();
        let expected =
            "Settings of wx1. A number turns its switch, Enter leaves the page.\n  1 [x] scope.record\n  2 [ ] scope.camera";
        assert_eq!(page(&"wx1".into(), &switches), expected);
    }

    #[tokio::test]
    async fn what_the_command_line_decides_holds_for_this_run_and_is_not_kept() {
        let (app, user) = ("wx1".into(), "li".into());
        let kept = MemoryStore::default();
        kept.save(&app, &user, &[(Scope::Record, false)].into()).await.unwrap();
        let store = ForThisRun::new(kept, [(Scope::Record, true)].into());
        assert_eq!(store.load(&app, &user).await.unwrap(), [(Scope::Record, true)].into());

        store.save(&app, &user, &[(Scope::Record, true), (Scope::Camera, true)].into()).await.unwrap();
        let expected = [(Scope::Record, false), (Scope::Camera, true)].into();
        assert_eq!(store.kept.load(&app, &user).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn a_switch_turned_on_the_settings_page_turns_for_this_run() {
        let (app, user) = ("wx1".into(), "li".into());
        let store = ForThisRun::new(MemoryStore::default(), [(Scope::Record, false)].into());
        store.save(&app, &user, &[(Scope::Record, true)].into()).await.unwrap();
        assert_eq!(store.load(&app, &user).await.unwrap(), [(Scope::Record, true)].into());
    }
}
