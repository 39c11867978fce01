//! Fingers on the machine's own reader, by fprintd.

mod bus;
mod verification;

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use async_trait::async_trait;
use tokio::{
    select,
    sync::{Mutex, mpsc, oneshot},
};
use wx_api::{BiometricDialog, BiometricPrompt, Cx, FingerScreen, Sensor, Touch};

use self::{bus::Bus, verification::verify};

/// The machine's fingerprint reader, by fprintd on the system's bus, for the user that this process runs as.
///
/// Nothing is kept from one call to the next but whose turn it is: a reader that was unplugged, an fprintd or a bus that was started anew
/// are found again. What fprintd's polkit does not allow is 90002.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use wx_api::{Cx, FingerScreen};
/// use wx_desktop::soter::{Fprint, Seal, SoterDevice};
///
/// struct Terminal;
///
/// #[async_trait]
/// impl FingerScreen for Terminal {
///     async fn show(&self, _: &Cx, text: &str) {
///         println!("{text}: touch the reader");
///         std::future::pending().await // there is nothing to close
///     }
/// }
///
/// let prompt = Arc::new(Fprint::system(Arc::new(Terminal)));
/// let device = SoterDevice::software("/home/li/.local/share/wx/soter", prompt, &Seal::none())?;
/// # Ok::<(), wx_desktop::soter::StoreError>(())
/// ```
pub struct Fprint {
    bus: Bus,
    screen: Arc<dyn FingerScreen>,
    /// Held from before the reader is claimed until it has been given back.
    turn: Arc<Mutex<()>>,
}

impl Fprint {
    /// By the fprintd of this machine. `screen` shows the dialogs, for fprintd has none.
    pub fn system(screen: Arc<dyn FingerScreen>) -> Self {
        Self { bus: Bus::System, screen, turn: Arc::default() }
    }

    /// By the fprintd on another bus, at an address as D-Bus writes them: `unix:path=/run/test/bus`.
    pub fn at(address: impl Into<String>, screen: Arc<dyn FingerScreen>) -> Self {
        Self { bus: Bus::At(address.into()), screen, turn: Arc::default() }
    }
}

impl fmt::Debug for Fprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fprint").field("bus", &self.bus).finish_non_exhaustive()
    }
}

#[async_trait]
impl BiometricPrompt for Fprint {
    async fn sensor(&self, _: &Cx) -> Option<Sensor> {
        bus::sensor(&self.bus).await.inspect_err(|error| tracing::debug!(%error, "there is no fingerprint reader")).ok()
    }

    fn open(&self, cx: &Cx, text: &str) -> Box<dyn BiometricDialog> {
        let (screen, cx, text) = (self.screen.clone(), cx.clone(), text.to_owned());
        let (fingers, wanted) = mpsc::channel(1);
        tokio::spawn(verify(self.bus.clone(), self.turn.clone(), wanted));
        Box::new(Dialog { shown: Box::pin(async move { screen.show(&cx, &text).await }), fingers })
    }
}

struct Dialog {
    /// Ends when the user closes the picture.
    shown: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Asks for one finger after the other. The reader is given back when this is dropped.
    fingers: mpsc::Sender<oneshot::Sender<Touch>>,
}

#[async_trait]
impl BiometricDialog for Dialog {
    async fn touch(&mut self) -> Touch {
        let finger = async {
            let (answer, finger) = oneshot::channel();
            let _ = self.fingers.send(answer).await;
            finger.await.unwrap_or(Touch::Fault) // nobody answers any more
        };
        select! {
            biased;
            () = &mut self.shown => Touch::Cancel,
            touch = finger => touch,
        }
    }
}
