//! A finger that a program plays.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::watch;
use wx_api::{BiometricDialog, BiometricPrompt, Cx, Sensor, Touch};

/// A reader in memory and the finger on it, for tests. Until told otherwise it is there, allowed, and one finger is enrolled.
///
/// ```
/// use wx_api::{BiometricPrompt, Cx, Touch};
/// use wx_desktop::soter::MemoryFinger;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let finger = MemoryFinger::default();
/// finger.touch(Touch::NoMatch);
/// assert_eq!(finger.open(&Cx::new("wx4f4bc4dec97d474b"), "confirm").touch().await, Touch::NoMatch);
/// assert_eq!(finger.dialogs(), ["confirm"]);
/// # });
/// ```
pub struct MemoryFinger {
    sensor: Mutex<Option<Sensor>>,
    seen: watch::Sender<Seen>,
}

#[derive(Default)]
struct Seen {
    touches: VecDeque<Touch>,
    dialogs: Vec<String>,
}

impl MemoryFinger {
    /// What happens next on the reader. Touches wait for their dialogs in order; a dialog without one stays open.
    pub fn touch(&self, touch: Touch) {
        self.seen.send_modify(|seen| seen.touches.push_back(touch));
    }

    /// Drops every touch that no dialog has taken yet.
    pub fn lift(&self) {
        self.seen.send_modify(|seen| seen.touches.clear());
    }

    /// A reader as it is until told otherwise.
    pub fn usual_sensor() -> Sensor {
        Sensor { name: "memory".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned(), allowed: true, enrolled: true }
    }

    /// What the reader is like from now on; `None` for none.
    pub fn set_sensor(&self, sensor: Option<Sensor>) {
        *self.lock() = sensor;
    }

    /// Changes what the reader is like, if there is one.
    pub fn change_sensor(&self, change: impl FnOnce(&mut Sensor)) {
        if let Some(sensor) = &mut *self.lock() {
            change(sensor);
        }
    }

    /// The text of every dialog so far.
    pub fn dialogs(&self) -> Vec<String> {
        self.seen.borrow().dialogs.clone()
    }

    /// Waits until this many dialogs were shown since the beginning.
    pub async fn wait_for_dialogs(&self, count: usize) {
        // It can only fail once the sender is gone, which `self` has.
        let _ = self.seen.subscribe().wait_for(|seen| seen.dialogs.len() >= count).await;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Sensor>> {
        self.sensor.lock().unwrap_or_else(PoisonError::into_inner) // nothing panics under the lock
    }
}

impl Default for MemoryFinger {
    fn default() -> Self {
        Self { sensor: Mutex::new(Some(Self::usual_sensor())), seen: watch::Sender::default() }
    }
}

impl fmt::Debug for MemoryFinger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryFinger").finish_non_exhaustive()
    }
}

#[async_trait]
impl BiometricPrompt for MemoryFinger {
    async fn sensor(&self, _: &Cx) -> Option<Sensor> {
        self.lock().clone()
    }

    fn open(&self, _: &Cx, text: &str) -> Box<dyn BiometricDialog> {
        self.seen.send_modify(|seen| seen.dialogs.push(text.to_owned()));
        Box::new(Dialog(self.seen.clone()))
    }
}

struct Dialog(watch::Sender<Seen>);

#[async_trait]
impl BiometricDialog for Dialog {
    async fn touch(&mut self) -> Touch {
        let mut changes = self.0.subscribe();
        loop {
            let mut touch = None;
            self.0.send_if_modified(|seen| {
                touch = seen.touches.pop_front();
                false // whoever waits for dialogs has nothing to see
            });
            if let Some(touch) = touch {
                return touch;
            }
            let _ = changes.changed().await; // it can only fail once the sender is gone, which `self` has
        }
    }
}
