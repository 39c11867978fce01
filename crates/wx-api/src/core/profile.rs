use serde::{Deserialize, Serialize};

use crate::{Api, ApiSet, Scope, Version};

/// What differs between platforms and base-library versions. Backends and rules ask it instead of asking what they run on.
///
/// The default is Android with the newest base library the contract declares.
///
/// ```
/// use wx_api::{Platform, Profile, Version};
///
/// let seed = Profile::seed();
/// assert_eq!((seed.platform(), seed.sdk()), (Platform::Android, Version(1, 9, 94)));
/// assert!(!seed.has_promises() && Profile::default().has_promises());
/// ```
///
/// As serde writes it, a profile is its platform, its base library and its peculiarities: what follows from those is worked out again
/// where it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Described")]
pub struct Profile {
    platform: Platform,
    sdk: Version,
    #[serde(skip)]
    apis: ApiSet,
    denial_separator: char,
    declared_soter_salt: Option<u8>,
    ends_finger_in_nul: bool,
}

/// What a profile is read from. What is missing is as on most phones.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    platform: Platform,
    sdk: Version,
    #[serde(default = "space")]
    denial_separator: char,
    #[serde(default)]
    declared_soter_salt: Option<u8>,
    #[serde(default)]
    ends_finger_in_nul: bool,
}

fn space() -> char {
    ' '
}

impl From<Described> for Profile {
    fn from(described: Described) -> Self {
        let Described { platform, sdk, denial_separator, declared_soter_salt, ends_finger_in_nul } = described;
        let profile = Self::new(platform).with_sdk(sdk).with_denial_separator(denial_separator);
        // There is one other salt than the usual one.
        let profile = if declared_soter_salt == Some(32) { profile.with_long_soter_salt() } else { profile };
        if ends_finger_in_nul { profile.with_nul_ended_finger() } else { profile }
    }
}

/// The kind of system a profile describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Platform {
    /// A phone with Android.
    Android,
    /// A phone with iOS.
    Ios,
    /// The developer tools.
    Devtools,
}

impl Profile {
    /// This platform with the newest base library the contract declares.
    pub fn new(platform: Platform) -> Self {
        let newest = Self {
            platform,
            sdk: NEWEST,
            apis: ApiSet::NONE,
            denial_separator: ' ',
            declared_soter_salt: None,
            ends_finger_in_nul: false,
        };
        newest.with_sdk(NEWEST)
    }

    /// The age of the official pages this contract began with: Android with base library 1.9.94.
    pub fn seed() -> Self {
        Self::default().with_sdk(Version(1, 9, 94))
    }

    /// The same platform with another base library.
    #[must_use]
    pub fn with_sdk(mut self, sdk: Version) -> Self {
        self.sdk = sdk;
        self.apis = Api::ALL.iter().copied().filter(|api| api.since() <= sdk).collect();
        self
    }

    /// The same with `fail:auth deny` where others write `fail auth deny`: some versions do.
    #[must_use]
    pub fn with_denial_separator(mut self, separator: char) -> Self {
        self.denial_separator = separator;
        self
    }

    /// The same on a phone of a maker whose SOTER results declare a salt of 32 bytes (`"rsa_pss_saltlen":32`) and are signed with one.
    ///
    /// ```
    /// use wx_api::Profile;
    ///
    /// assert_eq!(Profile::default().declared_soter_salt(), None); // it has 20 bytes, and no result says so
    /// assert_eq!(Profile::default().with_long_soter_salt().declared_soter_salt(), Some(32));
    /// ```
    #[must_use]
    pub fn with_long_soter_salt(mut self) -> Self {
        self.declared_soter_salt = Some(32);
        self
    }

    /// The same on a phone of a maker whose SOTER results end the finger's number (`fid`) in the NUL of its C string. Where no finger is
    /// named there is none to end.
    #[must_use]
    pub fn with_nul_ended_finger(mut self) -> Self {
        self.ends_finger_in_nul = true;
        self
    }

    /// The platform.
    pub fn platform(&self) -> Platform {
        self.platform
    }

    /// The base library.
    pub fn sdk(&self) -> Version {
        self.sdk
    }

    /// The APIs this base library has, whether or not a backend does them.
    pub fn apis(&self) -> ApiSet {
        self.apis
    }

    /// The character between `fail` and `auth deny`.
    pub fn denial_separator(&self) -> char {
        self.denial_separator
    }

    /// Whether a call without callbacks returns a promise.
    pub fn has_promises(&self) -> bool {
        self.sdk >= Version(2, 10, 2)
    }

    /// Whether phones of this platform can emulate a card at all.
    pub fn has_hce(&self) -> bool {
        self.platform == Platform::Android
    }

    /// Whether a SOTER result names the finger (`fid`).
    pub fn names_finger(&self) -> bool {
        self.platform == Platform::Android
    }

    /// Whether that name ends in a NUL, which is not part of it.
    pub fn ends_finger_in_nul(&self) -> bool {
        self.names_finger() && self.ends_finger_in_nul
    }

    /// How many bytes of salt a SOTER result declares to be signed with. One that declares none is signed with 20.
    pub fn declared_soter_salt(&self) -> Option<u8> {
        self.declared_soter_salt
    }

    /// Whether asking if a finger is enrolled fails when none is, instead of answering `false`.
    pub fn missing_enrolment_fails(&self) -> bool {
        self.platform == Platform::Android
    }

    /// Whether this scope is still asked for. Later base libraries grant the postal address and the invoice title unasked.
    pub fn asks(&self, scope: Scope) -> bool {
        !(matches!(scope, Scope::Address | Scope::InvoiceTitle) && self.sdk >= UNASKED_SINCE)
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::new(Platform::Android)
    }
}

/// The newest base library that the official pages mention.
const NEWEST: Version = Version(3, 16, 2);

/// From this base library on, address and invoice title are not asked for. The official pages say that it changed, not in
/// which version; this is the first version of the year in which it did.
const UNASKED_SINCE: Version = Version(3, 0, 0);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_the_same_after_a_journey() {
        let plain = Profile::new(Platform::Ios).with_sdk(Version(1, 9, 94)).with_denial_separator(':');
        for profile in [plain.clone(), plain.clone().with_long_soter_salt(), plain.with_nul_ended_finger()] {
            let text = serde_json::to_string(&profile).unwrap();
            assert_eq!(serde_json::from_str::<Profile>(&text).unwrap(), profile, "{text}");
        }
        let little = serde_json::from_str::<Profile>(r#"{"platform":"android","sdk":"1.9.94"}"#).unwrap();
        assert_eq!(little, Profile::seed());
    }
}
