//! Biometric confirmation: the order of one attempt, and when the reader freezes.
//!
//! A backend asks [`begin`] whether an attempt may start, shows its dialog, and tells the [`Attempt`] what the reader reports
//! until it has ended:
//!
//! ```
//! use wx_api::{Timestamp, soter::{AuthMode, StartSoterAuthenticationRequest}};
//! use wx_rules::soter::{Device, Finger, Lockout, Step, begin};
//!
//! let device = Device { supported: true, authorized: true, modes: vec![AuthMode::FingerPrint], enrolled: true };
//! let req = StartSoterAuthenticationRequest {
//!     request_auth_modes: vec![AuthMode::Facial, AuthMode::FingerPrint],
//!     challenge: "order 42".into(),
//!     auth_content: None,
//! };
//! let (mut lockout, now) = (Lockout::default(), Timestamp::from_millis(0));
//! let attempt = begin(&req, &device, &lockout, now, false)?;
//! let Step::TryAgain(attempt) = attempt.finger(Finger::NoMatch, now, &mut lockout) else { panic!("a second try") };
//! let step = attempt.finger(Finger::Match { fid: "2".into() }, now, &mut lockout);
//! assert_eq!(step, Step::Matched { mode: AuthMode::FingerPrint, fid: "2".into() });
//! # Ok::<(), wx_rules::soter::Failure>(())
//! ```

use std::{error, fmt, time::Duration};

use serde::{Deserialize, Serialize};
use wx_api::{
    Api, Error, Profile, Timestamp,
    soter::{
        AuthMode, CheckIsSoterEnrolledInDeviceRequest, CheckIsSoterEnrolledInDeviceResult,
        CheckIsSupportSoterAuthenticationResult, MAX_AUTH_CONTENT, MAX_CHALLENGE, SoterCode, SoterResult,
        StartSoterAuthenticationRequest, StartSoterAuthenticationResult,
    },
};

/// The wrong tries that one dialog takes; the last of them ends it.
pub const TRIES_PER_DIALOG: u32 = 3;
/// The wrong tries in a row, over all dialogs, that freeze the reader.
pub const TRIES_BEFORE_FREEZE: u32 = 5;
/// How long a frozen reader stays frozen.
pub const FREEZE: Duration = Duration::from_secs(30);

/// What a device is, as far as SOTER goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Whether it supports SOTER.
    pub supported: bool,
    /// Whether the user has authorised this API.
    pub authorized: bool,
    /// The modes it can do.
    pub modes: Vec<AuthMode>,
    /// Whether something is enrolled.
    pub enrolled: bool,
}

impl Device {
    /// Whether it can do this mode. The mode nobody knows, no device has.
    fn has(&self, mode: AuthMode) -> bool {
        mode != AuthMode::Unknown && self.modes.contains(&mode)
    }
}

/// The answer of `wx.checkIsSupportSoterAuthentication`.
///
/// # Errors
///
/// [`SoterCode::NoSupport`].
pub fn support(device: &Device) -> Result<CheckIsSupportSoterAuthenticationResult, Error> {
    if !device.supported {
        return Err(SoterCode::NoSupport.error(Api::CheckIsSupportSoterAuthentication));
    }
    let support_mode = device.modes.iter().copied().filter(|&mode| device.has(mode)).collect();
    Ok(CheckIsSupportSoterAuthenticationResult { support_mode })
}

/// The answer of `wx.checkIsSoterEnrolledInDevice`.
///
/// # Errors
///
/// [`SoterCode::NoSupport`]; [`SoterCode::ModeNotSupported`]; [`SoterCode::NotEnrolled`] where the profile says that a missing
/// enrolment is a failure.
pub fn enrolment(
    req: &CheckIsSoterEnrolledInDeviceRequest,
    device: &Device,
    profile: &Profile,
) -> Result<CheckIsSoterEnrolledInDeviceResult, Error> {
    let code = if !device.supported {
        SoterCode::NoSupport
    } else if !device.has(req.check_auth_mode) {
        SoterCode::ModeNotSupported
    } else if device.enrolled || !profile.missing_enrolment_fails() {
        return Ok(CheckIsSoterEnrolledInDeviceResult { is_enrolled: device.enrolled });
    } else {
        SoterCode::NotEnrolled
    };
    Err(code.error(Api::CheckIsSoterEnrolledInDevice))
}

/// Starts an attempt, or says why none may start, before any dialog shows. `busy` tells that another dialog is open.
///
/// The device is judged first, then the request, then the moment; the first mode of the request that the device has is used.
///
/// # Errors
///
/// In this order: [`SoterCode::NoSupport`], [`SoterCode::NotAuthorized`], [`SoterCode::ModeNotSupported`],
/// [`SoterCode::BadChallenge`], [`SoterCode::BadAuthContent`], [`SoterCode::NotEnrolled`], [`SoterCode::Frozen`],
/// [`SoterCode::Internal`] when busy.
pub fn begin(
    req: &StartSoterAuthenticationRequest,
    device: &Device,
    lockout: &Lockout,
    now: Timestamp,
    busy: bool,
) -> Result<Attempt, Failure> {
    let requested = &req.request_auth_modes;
    let used = requested.iter().copied().find(|&mode| device.has(mode));
    let mode = used.or_else(|| requested.first().copied()).unwrap_or(AuthMode::FingerPrint);
    let too_long = |text: &str, most| text.encode_utf16().nth(most).is_some();

    let code = if !device.supported {
        SoterCode::NoSupport
    } else if !device.authorized {
        SoterCode::NotAuthorized
    } else if used.is_none() {
        SoterCode::ModeNotSupported
    } else if req.challenge.is_empty() || too_long(&req.challenge, MAX_CHALLENGE) {
        SoterCode::BadChallenge
    } else if req.auth_content.as_deref().is_some_and(|text| too_long(text, MAX_AUTH_CONTENT)) {
        SoterCode::BadAuthContent
    } else if !device.enrolled {
        SoterCode::NotEnrolled
    } else if lockout.is_frozen(now) {
        SoterCode::Frozen
    } else if busy {
        SoterCode::Internal
    } else {
        return Ok(Attempt { mode, wrong: 0 });
    };
    Err(Failure { code, mode })
}

/// One dialog that is open. It ends with [`Step::Matched`] or [`Step::Failed`]; breaking the call off is dropping it.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Attempt {
    mode: AuthMode,
    wrong: u32,
}

/// What the reader or the dialog reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finger {
    /// An enrolled finger.
    Match {
        /// Its number on this device.
        fid: String,
    },
    /// A finger that is not enrolled.
    NoMatch,
    /// The user closed the dialog.
    Cancel,
    /// The reader failed.
    Fault,
    /// The reader finds nothing enrolled any more.
    NotEnrolled,
}

/// How an attempt goes on.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// The dialog stays open for another finger.
    TryAgain(Attempt),
    /// The user is recognised: sign now, and only now.
    Matched {
        /// The mode that was used.
        mode: AuthMode,
        /// The finger. What of it belongs into the result, [`named`] says.
        fid: String,
    },
    /// The dialog closes.
    Failed(Failure),
}

impl Attempt {
    /// The mode in use.
    pub fn mode(&self) -> AuthMode {
        self.mode
    }

    /// Takes what the reader reports. A frozen reader recognises nobody, not even the right finger.
    pub fn finger(self, outcome: Finger, now: Timestamp, lockout: &mut Lockout) -> Step {
        lockout.settle(now);
        let code = match outcome {
            Finger::Match { .. } | Finger::NoMatch if lockout.is_frozen(now) => SoterCode::Frozen,
            Finger::Match { fid } => {
                *lockout = Lockout::default();
                return Step::Matched { mode: self.mode, fid };
            }
            Finger::NoMatch => {
                lockout.count_wrong(now);
                let wrong = self.wrong + 1;
                if lockout.is_frozen(now) {
                    SoterCode::Frozen
                } else if wrong >= TRIES_PER_DIALOG {
                    SoterCode::NotRecognized
                } else {
                    return Step::TryAgain(Self { wrong, ..self });
                }
            }
            Finger::Cancel => SoterCode::Cancelled,
            Finger::Fault => SoterCode::Internal,
            Finger::NotEnrolled => SoterCode::NotEnrolled,
        };
        Step::Failed(Failure { code, mode: self.mode })
    }
}

/// What a reader remembers of wrong fingers, from one dialog to the next. One for each reader, whoever uses it. It can be kept as it is
/// written, so that a host that starts anew gives nobody new tries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lockout {
    /// Wrong tries since the last match or freeze.
    wrong: u32,
    frozen_at: Option<Timestamp>,
}

impl Lockout {
    /// Whether the reader is frozen at this moment.
    pub fn is_frozen(&self, now: Timestamp) -> bool {
        self.frozen_at.is_some_and(|at| now < at + FREEZE)
    }

    /// Freezes the reader, as the last wrong try does. It has all its tries again when it thaws.
    pub fn freeze(&mut self, now: Timestamp) {
        *self = Self { wrong: 0, frozen_at: Some(now) };
    }

    /// Takes note of the time. Where the clock was put back, a freeze begins anew: it may have been put back by a year, and whether it has
    /// lasted long enough cannot be told.
    pub fn settle(&mut self, now: Timestamp) {
        self.frozen_at = self.frozen_at.map(|at| at.min(now)).filter(|at| now < *at + FREEZE);
    }

    fn count_wrong(&mut self, now: Timestamp) {
        self.wrong = self.wrong.saturating_add(1); // what was kept may say anything
        if self.wrong >= TRIES_BEFORE_FREEZE {
            self.freeze(now);
        }
    }
}

/// Why an attempt failed. Becomes the failure of `wx.startSoterAuthentication`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The code a mini-program sees.
    pub code: SoterCode,
    /// The mode it was about: the one in use, else the first requested, else the finger.
    pub mode: AuthMode,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        failure(self.code, self.mode).fmt(f)
    }
}

impl error::Error for Failure {}

impl From<Failure> for Error {
    fn from(Failure { code, mode }: Failure) -> Self {
        failure(code, mode)
    }
}

/// The failure of `wx.startSoterAuthentication`, which carries the mode and empty results.
pub fn failure(code: SoterCode, mode: AuthMode) -> Error {
    code.error(Api::StartSoterAuthentication).with_reply(StartSoterAuthenticationResult::failed(mode))
}

/// The finger as a result of this profile names it.
///
/// ```
/// use wx_api::{Platform, Profile};
/// use wx_rules::soter::named;
///
/// assert_eq!(named("2".into(), &Profile::default()).as_deref(), Some("2"));
/// assert_eq!(named("2".into(), &Profile::default().with_nul_ended_finger()).as_deref(), Some("2\0"));
/// assert_eq!(named("2".into(), &Profile::new(Platform::Ios)), None);
/// ```
pub fn named(mut fid: String, profile: &Profile) -> Option<String> {
    if profile.ends_finger_in_nul() {
        fid.push('\0');
    }
    profile.names_finger().then_some(fid)
}

/// The text of `resultJSON`: the fields of the page in its order, without spaces. Made once, and signed and passed on as it is:
/// another text of the same fields has another signature.
///
/// ```
/// use wx_api::soter::SoterResult;
/// use wx_rules::soter::result_text;
///
/// let result = SoterResult {
///     raw: "msg".into(),
///     fid: Some("2".into()),
///     counter: 123,
///     tee_n: "TEE Name".into(),
///     tee_v: "1".into(),
///     fp_n: "Sensor".into(),
///     fp_v: "1".into(),
///     cpu_id: "CPU Id".into(),
///     uid: "21".into(),
///     rsa_pss_saltlen: None,
/// };
/// assert!(result_text(&result).starts_with(r#"{"raw":"msg","fid":"2","counter":123,"tee_n":"TEE Name","#));
/// ```
pub fn result_text(result: &SoterResult) -> String {
    serde_json::to_string(result).expect("a structure of texts and one number is always JSON")
}
