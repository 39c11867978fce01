//! What a host supplies rather than a backend: time and the user interface.

mod biometric;
mod clock;
mod prompt;

pub use self::{
    biometric::{BiometricDialog, BiometricPrompt, FingerScreen, Sensor, Touch},
    clock::{Clock, Timestamp},
    prompt::{Answer, Prompt},
};
#[cfg(feature = "mock")]
pub use self::{
    biometric::{MockBiometricDialog, MockBiometricPrompt, MockFingerScreen},
    clock::MockClock,
    prompt::MockPrompt,
};
