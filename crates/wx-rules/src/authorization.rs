//! What a user has decided about the scopes of one app.

use std::collections::BTreeMap;

use wx_api::{Profile, Scope};

/// The decisions of one user about one app. Forgetting the app is dropping its ledger.
///
/// ```
/// use wx_api::{Profile, Scope};
/// use wx_rules::authorization::{Decision, Ledger};
///
/// let (mut ledger, profile) = (Ledger::default(), Profile::default());
/// assert_eq!(ledger.decide(Scope::Record, &profile), Decision::Ask);
/// ledger.record(Scope::Record, false);
/// assert_eq!(ledger.decide(Scope::Record, &profile), Decision::Refused);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger(BTreeMap<Scope, bool>);

/// What a ledger says about a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Go on, without a prompt.
    Granted,
    /// Fail, without a prompt.
    Refused,
    /// Ask the user.
    Ask,
}

impl Ledger {
    /// What to do when an app wants this scope.
    ///
    /// What the user decided counts, whatever the profile. Undecided, a scope that the profile no longer asks for is granted.
    pub fn decide(&self, scope: Scope, profile: &Profile) -> Decision {
        match self.0.get(&scope) {
            Some(true) => Decision::Granted,
            Some(false) => Decision::Refused,
            None if profile.asks(scope) => Decision::Ask,
            None => Decision::Granted,
        }
    }

    /// Keeps the user's answer to a prompt. A prompt that was closed without an answer is not recorded.
    pub fn record(&mut self, scope: Scope, granted: bool) {
        self.0.insert(scope, granted);
    }

    /// Every scope the user was asked for, and whether it is granted: what `getSetting` answers, what the settings page shows,
    /// and what a store keeps.
    pub fn switches(&self) -> &BTreeMap<Scope, bool> {
        &self.0
    }

    /// Takes the settings page as the user left it. A switch the page did not have is ignored: nothing can be granted that was
    /// never asked for. A switch that is missing stays as it was.
    pub fn close_settings(&mut self, left: BTreeMap<Scope, bool>) {
        for (scope, granted) in left {
            if let Some(switch) = self.0.get_mut(&scope) {
                *switch = granted;
            }
        }
    }
}

/// The ledger whose [`switches`](Ledger::switches) a store kept.
impl From<BTreeMap<Scope, bool>> for Ledger {
    fn from(switches: BTreeMap<Scope, bool>) -> Self {
        Self(switches)
    }
}

#[cfg(test)]
mod tests {
    use wx_api::Version;

    use super::*;

    #[test]
    fn nothing_is_decided_at_first() {
        let ledger = Ledger::default();
        for &scope in Scope::ALL {
            assert_eq!(ledger.decide(scope, &Profile::seed()), Decision::Ask, "{scope}");
        }
        assert!(ledger.switches().is_empty());
    }

    #[test]
    fn a_decision_holds_until_it_is_changed() {
        let (mut ledger, profile) = (Ledger::default(), Profile::default());
        for (granted, decision) in [(false, Decision::Refused), (true, Decision::Granted)] {
            ledger.record(Scope::UserInfo, granted);
            assert_eq!(ledger.decide(Scope::UserInfo, &profile), decision);
            assert_eq!(ledger.switches(), &BTreeMap::from([(Scope::UserInfo, granted)]));
        }
        assert_eq!(ledger.decide(Scope::Camera, &profile), Decision::Ask, "one scope says nothing of another");
    }

    #[test]
    fn a_scope_that_is_no_longer_asked_for_is_granted_unlisted() {
        let ledger = Ledger::default();
        assert_eq!(ledger.decide(Scope::Address, &Profile::default()), Decision::Granted);
        assert_eq!(ledger.decide(Scope::Address, &Profile::seed()), Decision::Ask);
        assert!(ledger.switches().is_empty());
    }

    #[test]
    fn a_refusal_outlives_a_profile_that_no_longer_asks() {
        let mut ledger = Ledger::default();
        ledger.record(Scope::Address, false);
        let later = Profile::seed().with_sdk(Version(3, 0, 0));
        assert_eq!(ledger.decide(Scope::Address, &later), Decision::Refused);
    }

    #[test]
    fn the_settings_page_grants_and_revokes_what_was_asked() {
        let mut ledger = Ledger::from(BTreeMap::from([(Scope::Record, false), (Scope::Camera, true), (Scope::Werun, true)]));
        ledger.close_settings(BTreeMap::from([(Scope::Record, true), (Scope::Camera, false)]));
        let left = BTreeMap::from([(Scope::Record, true), (Scope::Camera, false), (Scope::Werun, true)]);
        assert_eq!(ledger.switches(), &left);
    }

    #[test]
    fn the_settings_page_cannot_grant_the_unasked() {
        let mut ledger = Ledger::default();
        ledger.close_settings(BTreeMap::from([(Scope::Record, true)]));
        assert_eq!(ledger.decide(Scope::Record, &Profile::default()), Decision::Ask);
        assert!(ledger.switches().is_empty());
    }
}
