//! The fingerprint reader and the finger on it.

use std::collections::VecDeque;

use wx_api::{
    Timestamp,
    soter::{AuthMode, StartSoterAuthenticationRequest},
};
use wx_rules::soter::{self, Attempt, Device, Failure, Lockout, Step};

use crate::{
    history::{History, KEPT},
    monitor::Monitor,
};

/// What happens on the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Touch {
    /// The enrolled finger.
    Match,
    /// Another finger.
    NoMatch,
    /// The person cancels the dialog.
    Cancel,
    /// The reader breaks down.
    Fault,
    /// One wrong finger too many: the reader freezes.
    Freeze,
    /// The reader finds nothing enrolled any more. Whether a finger is enrolled stays as [`Finger::enroll`] said.
    NotEnrolled,
}

/// The fingerprint reader and the finger on it. Until told otherwise, the device supports SOTER, the person allows it, and one
/// finger is enrolled, whose number is 1.
///
/// Every device of every world signs with one and the same published key: what verifies with it proves nothing.
#[derive(Debug, Default)]
pub struct Finger(Monitor<Sensor>);

#[derive(Debug)]
struct Sensor {
    device: Device,
    lockout: Lockout,
    touches: VecDeque<Touch>,
    dialogs: History<String>,
    dialog_open: bool,
    counter: u64,
}

impl Default for Sensor {
    fn default() -> Self {
        Self {
            device: Device { supported: true, authorized: true, modes: vec![AuthMode::FingerPrint], enrolled: true },
            lockout: Lockout::default(),
            touches: VecDeque::new(),
            dialogs: History::default(),
            dialog_open: false,
            counter: 0,
        }
    }
}

impl Finger {
    /// What happens next on the reader. Touches wait for their dialogs in order; a dialog without one stays open.
    ///
    /// At most 4096 touches wait. A further one is lost.
    pub fn touch(&self, touch: Touch) {
        self.0.change(|sensor| {
            if sensor.touches.len() < KEPT {
                sensor.touches.push_back(touch);
            }
        });
    }

    /// Takes the finger away: touches that no dialog has taken yet are dropped.
    pub fn lift(&self) {
        self.0.change(|sensor| sensor.touches.clear());
    }

    /// Whether the device supports SOTER at all.
    pub fn support(&self, supported: bool) {
        self.0.change(|sensor| sensor.device.supported = supported);
    }

    /// Whether the person allows SOTER to this host.
    pub fn authorize(&self, allowed: bool) {
        self.0.change(|sensor| sensor.device.authorized = allowed);
    }

    /// Whether a finger is enrolled.
    pub fn enroll(&self, enrolled: bool) {
        self.0.change(|sensor| sensor.device.enrolled = enrolled);
    }

    /// The text of every dialog shown so far, empty where the mini-program gave none. Only the last 4096 are kept.
    pub fn dialogs(&self) -> Vec<String> {
        self.0.read(|sensor| sensor.dialogs.to_vec())
    }

    /// Waits until this many dialogs were shown since the beginning.
    pub async fn wait_for_dialogs(&self, count: usize) {
        self.0.until(|sensor| (sensor.dialogs.total() >= count).then_some(())).await;
    }

    /// The device's public key as PEM (`SubjectPublicKeyInfo`): the same for every device.
    pub fn public_key(&self) -> &'static str {
        PUBLIC_KEY
    }

    pub(crate) fn device(&self) -> Device {
        self.0.read(|sensor| sensor.device.clone())
    }

    /// Opens a dialog, if one may open.
    pub(crate) fn begin(
        &self,
        req: &StartSoterAuthenticationRequest,
        now: Timestamp,
    ) -> Result<(Dialog<'_>, Attempt), Failure> {
        self.0.change(|sensor| {
            let attempt = soter::begin(req, &sensor.device, &sensor.lockout, now, sensor.dialog_open)?;
            sensor.dialog_open = true;
            sensor.dialogs.push(req.auth_content.clone().unwrap_or_default());
            Ok((Dialog { finger: self }, attempt))
        })
    }

    /// The number of the next signature. It never comes back, whatever becomes of the signature.
    pub(crate) fn count(&self) -> u64 {
        self.0.change(|sensor| {
            sensor.counter += 1;
            sensor.counter
        })
    }
}

/// The dialog on the screen. Dropping it closes it, and another may open.
pub(crate) struct Dialog<'a> {
    finger: &'a Finger,
}

impl Dialog<'_> {
    /// Waits for something to happen on the reader.
    pub(crate) async fn touched(&self) -> Touch {
        self.finger.0.until(|sensor| sensor.touches.pop_front()).await
    }

    /// What this does to the attempt.
    pub(crate) fn judge(&self, attempt: Attempt, touch: Touch, now: Timestamp) -> Step {
        self.finger.0.change(|sensor| {
            let outcome = match touch {
                Touch::Match if !sensor.device.enrolled => soter::Finger::NotEnrolled,
                Touch::Match => soter::Finger::Match { fid: "1".to_owned() },
                Touch::NoMatch => soter::Finger::NoMatch,
                Touch::Cancel => soter::Finger::Cancel,
                Touch::Fault => soter::Finger::Fault,
                Touch::Freeze => {
                    sensor.lockout.freeze(now);
                    soter::Finger::NoMatch
                }
                Touch::NotEnrolled => soter::Finger::NotEnrolled,
            };
            attempt.finger(outcome, now, &mut sensor.lockout)
        })
    }
}

impl Drop for Dialog<'_> {
    fn drop(&mut self) {
        self.finger.0.change(|sensor| sensor.dialog_open = false);
    }
}

const PUBLIC_KEY: &str = include_str!("../keys/every-mock-device.spki.pem");
