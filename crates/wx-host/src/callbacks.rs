use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::Answer;

type Callback = Box<dyn FnOnce(&str) + Send>;

/// The three callbacks of a script's call. Each is optional and gets the answer as JSON text.
///
/// # Behavior
///
/// - a success runs `success`, then `complete` (`conventions::success_then_complete`)
/// - a failure runs `fail`, then `complete` (`conventions::fail_then_complete`)
/// - `complete` runs also when it is the only one (`conventions::complete_runs_alone_too`)
///
/// ```
/// use wx_host::Callbacks;
///
/// let callbacks = Callbacks::new().success(|result| println!("{result}")).complete(|_| println!("done"));
/// assert_eq!(format!("{callbacks:?}"), "Callbacks { success: true, fail: false, complete: true }");
/// ```
#[derive(Default)]
pub struct Callbacks {
    success: Option<Callback>,
    fail: Option<Callback>,
    complete: Option<Callback>,
}

impl Callbacks {
    /// No callback yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs when the call succeeds.
    #[must_use]
    pub fn success(mut self, callback: impl FnOnce(&str) + Send + 'static) -> Self {
        self.success = Some(Box::new(callback));
        self
    }

    /// Runs when the call fails.
    #[must_use]
    pub fn fail(mut self, callback: impl FnOnce(&str) + Send + 'static) -> Self {
        self.fail = Some(Box::new(callback));
        self
    }

    /// Runs after either.
    #[must_use]
    pub fn complete(mut self, callback: impl FnOnce(&str) + Send + 'static) -> Self {
        self.complete = Some(Box::new(callback));
        self
    }

    fn run(self, answer: &Answer) {
        let outcome = if answer.is_ok() { self.success } else { self.fail };
        for callback in [outcome, self.complete].into_iter().flatten() {
            // What a callback throws is its own affair: the one after it runs all the same.
            if catch_unwind(AssertUnwindSafe(|| callback(answer.json()))).is_err() {
                tracing::error!("a callback panicked");
            }
        }
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks")
            .field("success", &self.success.is_some())
            .field("fail", &self.fail.is_some())
            .field("complete", &self.complete.is_some())
            .finish()
    }
}

/// Callbacks that owe their script one answer: the call's, or `abort` if the call is dropped before.
pub(crate) struct Owed {
    name: String,
    callbacks: Option<Callbacks>,
}

impl Owed {
    pub(crate) fn new(name: &str, callbacks: Callbacks) -> Self {
        Self { name: name.to_owned(), callbacks: Some(callbacks) }
    }

    /// Of the API that was called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn pay(mut self, answer: &Answer) {
        if let Some(callbacks) = self.callbacks.take() {
            callbacks.run(answer);
        }
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if let Some(callbacks) = self.callbacks.take() {
            callbacks.run(&Answer::aborted(&self.name));
        }
    }
}
