use async_trait::async_trait;

use crate::Cx;

/// The fingerprint reader, and the dialog that asks for a finger. A backend that signs confirmations asks it; the rules around it, such as
/// how many wrong fingers are too many, are those of [`Soter`](crate::soter::Soter) and not the reader's.
///
/// ```
/// use async_trait::async_trait;
/// use wx_api::{BiometricDialog, BiometricPrompt, Cx, Sensor, Touch};
///
/// /// A kiosk whose reader is covered: whoever is asked for a finger closes the dialog.
/// struct Covered;
///
/// #[async_trait]
/// impl BiometricPrompt for Covered {
///     async fn sensor(&self, _: &Cx) -> Option<Sensor> {
///         Some(Sensor { name: "covered".into(), version: "1".into(), allowed: true, enrolled: true })
///     }
///     fn open(&self, _: &Cx, _: &str) -> Box<dyn BiometricDialog> {
///         Box::new(Covered)
///     }
/// }
///
/// #[async_trait]
/// impl BiometricDialog for Covered {
///     async fn touch(&mut self) -> Touch {
///         Touch::Cancel
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let cx = Cx::new("wx4f4bc4dec97d474b");
/// assert_eq!(Covered.open(&cx, "confirm order 42").touch().await, Touch::Cancel);
/// # });
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait BiometricPrompt: Send + Sync {
    /// The reader as it is at this moment for this user; `None` when there is none.
    async fn sensor(&self, cx: &Cx) -> Option<Sensor>;

    /// Shows the dialog with this text, which may be empty, and gets ready for a finger. Whatever goes wrong about that, the first
    /// [`touch`](BiometricDialog::touch) tells.
    fn open(&self, cx: &Cx, text: &str) -> Box<dyn BiometricDialog>;
}

/// A dialog on the screen. Dropping it takes it off and frees the reader: one that is opened next gets it.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait BiometricDialog: Send {
    /// Waits for what happens next, as long as it takes. Called again after [`Touch::NoMatch`] only.
    async fn touch(&mut self) -> Touch;
}

/// A fingerprint reader as it is at one moment, for one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sensor {
    /// Its name, as results tell it.
    pub name: String,
    /// The version of what drives it, as results tell it.
    pub version: String,
    /// Whether the user lets this host use it.
    pub allowed: bool,
    /// Whether the user has enrolled a finger.
    pub enrolled: bool,
}

/// What happens on the reader or in the dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touch {
    /// An enrolled finger of the user.
    Match {
        /// Its number on this machine; `0` where the reader does not tell.
        finger: String,
    },
    /// Another finger. One that could not be read, because it moved too fast, is none of these: wait on.
    NoMatch,
    /// The user closed the dialog.
    Cancel,
    /// The reader failed, is in use elsewhere, or went away.
    Fault,
    /// The reader finds nothing enrolled any more.
    NotEnrolled,
}

/// The picture that asks for a finger, for a reader that has none of its own: a window, a line on a terminal.
///
/// ```
/// use async_trait::async_trait;
/// use wx_api::{Cx, FingerScreen};
///
/// /// A kiosk whose reader has a light: there is nothing to show, and nothing to close.
/// struct Light;
///
/// #[async_trait]
/// impl FingerScreen for Light {
///     async fn show(&self, _: &Cx, _: &str) {
///         std::future::pending().await
///     }
/// }
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait FingerScreen: Send + Sync {
    /// Shows this text, which may be empty, and waits until the user closes it. Dropping the future takes it off the screen.
    async fn show(&self, cx: &Cx, text: &str);
}
