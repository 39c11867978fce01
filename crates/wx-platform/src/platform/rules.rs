use std::{collections::BTreeSet, time::Duration};

/// What an operator decides.
///
/// Limits are counted in this process: several servers on one store allow as many times as much.
///
/// ```
/// use wx_platform::platform::{Rules, UnknownApps};
///
/// let rules = Rules { unknown_apps: UnknownApps::Create, ..Rules::default() };
/// assert_eq!(rules.exchanges_per_minute_and_user, 100);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What becomes of a host's login for an app that nobody made. Refused by default.
    pub unknown_apps: UnknownApps,
    /// How long an access token is good. Two hours by default, as documented.
    pub token_life: Duration,
    /// How many calls of its server an app has each minute, before 45011; 0 for any number, the default.
    pub calls_per_minute: u32,
    /// How many it has each day of UTC, before 45009; 0 for any number, the default.
    pub calls_per_day: u32,
    /// How many codes of one user in one app are exchanged each minute, before 45011; 0 for any number. 100 by default, as documented.
    pub exchanges_per_minute_and_user: u32,
    /// How often each day of UTC an app may force a new stable token, before 45009; 0 for any number. 20 by default, as documented.
    pub forced_tokens_per_day: u32,
    /// How long an app must wait between two of these, before 45011. 30 seconds by default, as documented.
    pub forced_tokens_apart: Duration,
    /// Whose SOTER keys are enrolled. Those of all devices that hosts speak for by default.
    pub soter_devices: SoterDevices,
    /// Whether only such SOTER keys are enrolled as a TPM attests. False by default. Without [`SoterDevices::Pinned`] it keeps out mistakes, not
    /// lies.
    pub attested_soter_keys_only: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            unknown_apps: UnknownApps::Refuse,
            token_life: Duration::from_secs(7200),
            calls_per_minute: 0,
            calls_per_day: 0,
            exchanges_per_minute_and_user: 100,
            forced_tokens_per_day: 20,
            forced_tokens_apart: Duration::from_secs(30),
            soter_devices: SoterDevices::OfHosts,
            attested_soter_keys_only: false,
        }
    }
}

/// What becomes of a host's login for an app that nobody made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownApps {
    /// It is refused with 40013.
    #[default]
    Refuse,
    /// It makes the app. Nobody knows its secret: an administrator asks for a new one.
    Create,
}

/// Whose SOTER keys are enrolled.
///
/// ```
/// use wx_platform::platform::{Rules, SoterDevices};
///
/// let tpm = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned();
/// let rules = Rules { soter_devices: SoterDevices::Pinned([tpm].into()), ..Rules::default() };
/// assert_ne!(rules.soter_devices, SoterDevices::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SoterDevices {
    /// Those of every device whose host has a key of this server: the host speaks for the device, the first time and each time.
    #[default]
    OfHosts,
    /// Those of the devices whose own key (ATTK) has one of these [fingerprints](wx_crypto::pss::fingerprint), and no others.
    Pinned(BTreeSet<String>),
}
