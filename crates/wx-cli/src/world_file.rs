//! `world.toml`: what the mock's world is like when a run begins.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use wx_api::Scope;
use wx_mock::{Choice, Nfc, Touch, World};

use crate::failure::Failure;

/// The whole file. Whatever is left out stays as the world has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WorldFile {
    /// The seed that every identifier grows from, unless the command line gives one.
    pub(crate) seed: Option<u64>,
    /// The person.
    pub(crate) user: User,
    nfc: NfcPart,
    fingerprint: Fingerprint,
    /// What the person decided before the run began.
    pub(crate) grants: BTreeMap<Scope, bool>,
    /// What the person does with prompts.
    answers: BTreeMap<Scope, Answer>,
}

/// The person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct User {
    /// By what name the host knows them, unless the command line says.
    pub(crate) id: Option<String>,
    /// Their nickname.
    name: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NfcPart {
    state: Option<NfcState>,
    emulation: Option<bool>,
    default_app: Option<bool>,
    refuse_registration: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum NfcState {
    Absent,
    Off,
    On,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Fingerprint {
    supported: Option<bool>,
    allowed: Option<bool>,
    enrolled: Option<bool>,
    /// What happens on the reader, in order.
    next: Vec<OnReader>,
}

/// What happens on the reader, by the names of scripts and files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnReader {
    Match,
    NoMatch,
    Cancel,
    Fault,
    Freeze,
    NotEnrolled,
}

/// What the person does with a prompt, by the names of scripts and files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    Allow,
    Deny,
    Dismiss,
    Ignore,
}

impl WorldFile {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |error: &dyn std::fmt::Display| Failure::misuse(format!("{}: {error}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| wrong(&error))?;
        toml::from_str(&text).map_err(|error| wrong(&error))
    }

    /// Makes the world so. The seed, the user's id and the grants are for whoever makes the world and its host.
    pub(crate) fn apply(&self, world: &World) {
        let (finger, radio, user) = (world.finger(), world.radio(), world.user());
        if let Some(name) = &self.user.name {
            user.rename(name);
        }
        for (scope, answer) in &self.answers {
            user.answer(*scope, (*answer).into());
        }
        let Fingerprint { supported, allowed, enrolled, next } = &self.fingerprint;
        supported.inspect(|&yes| finger.support(yes));
        allowed.inspect(|&yes| finger.authorize(yes));
        enrolled.inspect(|&yes| finger.enroll(yes));
        for touch in next {
            finger.touch((*touch).into());
        }
        let NfcPart { state, emulation, default_app, refuse_registration } = self.nfc;
        state.inspect(|&state| radio.nfc(state.into()));
        emulation.inspect(|&yes| radio.emulation(yes));
        default_app.inspect(|&yes| radio.default_app(yes));
        refuse_registration.inspect(|&yes| radio.refuse_registration(yes));
    }
}

impl From<NfcState> for Nfc {
    fn from(state: NfcState) -> Self {
        match state {
            NfcState::Absent => Self::Absent,
            NfcState::Off => Self::Off,
            NfcState::On => Self::On,
        }
    }
}

impl From<OnReader> for Touch {
    fn from(event: OnReader) -> Self {
        match event {
            OnReader::Match => Self::Match,
            OnReader::NoMatch => Self::NoMatch,
            OnReader::Cancel => Self::Cancel,
            OnReader::Fault => Self::Fault,
            OnReader::Freeze => Self::Freeze,
            OnReader::NotEnrolled => Self::NotEnrolled,
        }
    }
}

impl From<Answer> for Choice {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Allow => Self::Allow,
            Answer::Deny => Self::Deny,
            Answer::Dismiss => Self::Dismiss,
            Answer::Ignore => Self::Ignore,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    const WHOLE: &str = r#"
        seed = 7
        [user]
        id = "li"
        name = "Li"
        [nfc]
        state = "off"
        emulation = false
        default_app = false
        refuse_registration = true
        [fingerprint]
        supported = true
        allowed = true
        enrolled = false
        next = ["no-match", "match"]
        [grants]
        "scope.userInfo" = true
        [answers]
        "scope.record" = "deny"
    "#;

    #[test]
    fn every_part_of_the_world_can_be_set() {
        let file: WorldFile = toml::from_str(WHOLE).unwrap();
        assert_eq!((file.seed, file.user.id.as_deref()), (Some(7), Some("li")));
        assert_eq!(file.grants, [(Scope::UserInfo, true)].into());
        let world = World::new(7);
        file.apply(&world);
        assert_eq!(world.user().profile(wx_api::user::Lang::En).nick_name, "Li");
    }

    #[test]
    fn what_is_left_out_stays_as_it_is() {
        assert_eq!(toml::from_str::<WorldFile>("").unwrap(), WorldFile::default());
    }

    #[test]
    fn a_misspelt_field_is_found() {
        for text in ["sead = 1", "[nfc]\nstat = 'on'", "[grants]\n'scope.recrod' = true", "[fingerprint]\nnext = ['wave']"] {
            assert!(toml::from_str::<WorldFile>(text).is_err(), "{text}");
        }
    }
}
