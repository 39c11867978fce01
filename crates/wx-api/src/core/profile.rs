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
/// As serde writes it, a profile is its platform, its base library and its peculiarities: what follows from those is worked out
/// again where it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Described")]
pub struct Profile {
    platform: Platform,
    sdk: Version,
    #[serde(skip)]
    apis: ApiSet,
    denial_separator: char,
}

/// What a profile is read from.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    platform: Platform,
    sdk: Version,
    denial_separator: char,
}

impl From<Described> for Profile {
    fn from(described: Described) -> Self {
        Self::new(described.platform).with_sdk(described.sdk).with_denial_separator(described.denial_separator)
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
        let newest = Self { platform, sdk: NEWEST, apis: ApiSet::NONE, denial_separator: ' ' };
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
        let profile = Profile::new(Platform::Ios).with_sdk(Version(1, 9, 94)).with_denial_separator(':');
        let text = serde_json::to_string(&profile).unwrap();
        assert_eq!(text, r#"{"platform":"ios","sdk":"1.9.94","denialSeparator":":"}"#);
        assert_eq!(serde_json::from_str::<Profile>(&text).unwrap(), profile);
    }
}
