use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::{Cx, Scope};

/// What the user did with a consent prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Yes.
    Allow,
    /// No.
    Deny,
    /// Closed the dialog without deciding, or nobody is there to decide. Nothing is kept.
    Dismiss,
}

/// The user interface of consent. The host shows it; the rules around it are
/// [`Authorization`](crate::authorization::Authorization)'s.
///
/// Dropping a future takes the dialog off the screen.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use async_trait::async_trait;
/// use wx_api::{Answer, Cx, Prompt, Scope};
///
/// /// A kiosk, where nobody may switch the microphone on.
/// struct Kiosk;
///
/// #[async_trait]
/// impl Prompt for Kiosk {
///     async fn ask(&self, _: &Cx, scope: Scope) -> Answer {
///         if scope == Scope::Record { Answer::Deny } else { Answer::Allow }
///     }
///     async fn settings(&self, _: &Cx, switches: BTreeMap<Scope, bool>) -> BTreeMap<Scope, bool> {
///         switches
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// assert_eq!(Kiosk.ask(&Cx::new("wx4f4bc4dec97d474b"), Scope::Record).await, Answer::Deny);
/// # });
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Prompt: Send + Sync {
    /// Asks the user whether the app may use this scope, and waits for as long as the user takes.
    async fn ask(&self, cx: &Cx, scope: Scope) -> Answer;

    /// Shows the settings page with these switches, and answers how the user leaves them.
    async fn settings(&self, cx: &Cx, switches: BTreeMap<Scope, bool>) -> BTreeMap<Scope, bool>;
}
