//! What a host supplies rather than a backend: time and the user interface.

mod clock;
mod prompt;

#[cfg(feature = "mock")]
pub use self::{clock::MockClock, prompt::MockPrompt};
pub use self::{
    clock::{Clock, Timestamp},
    prompt::{Answer, Prompt},
};
