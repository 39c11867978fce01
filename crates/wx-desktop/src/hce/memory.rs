//! A reader in memory: for tests of hosts that have none.

use std::{
    collections::VecDeque,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};
use wx_rules::hce::{Nfc, Radio};

use super::transport::{Answers, Link, NotInserted, Signal, Signals, Transport};

/// A reader in memory, and the way to it.
///
/// ```
/// use std::sync::Arc;
///
/// use wx_api::{Cx, hce::{Hce, StartHceRequest}};
/// use wx_desktop::hce::{DesktopHce, MemoryReader};
/// use wx_host::TokioClock;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> wx_api::Result<()> {
/// let reader = MemoryReader::default();
/// let hce = DesktopHce::new(Arc::new(reader.clone()), Arc::new(TokioClock));
/// hce.start_hce(&Cx::new("wx4f4bc4dec97d474b"), StartHceRequest { aid_list: vec!["F222222222".into()] }).await?;
/// let unknown = [0x00, 0xA4, 0x04, 0x00, 0x05, 0xF3, 0x33, 0x33, 0x33, 0x33];
/// assert_eq!(reader.transceive(&unknown).await.as_deref(), Some(&[0x6A, 0x82][..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryReader(Arc<Inner>);

struct Inner {
    radio: Mutex<Radio>,
    /// Whether it lets every card go at once.
    refuses: Mutex<bool>,
    card: watch::Sender<Option<Card>>,
    /// Held by the command under way: others wait for their turn.
    turn: tokio::sync::Mutex<()>,
}

/// A machine that can emulate a card.
const ABLE: Radio = Radio { nfc: Nfc::On, hce: true, default_app: true };

/// The reader's side of the card in it.
struct Card {
    signals: mpsc::UnboundedSender<Signal>,
    waiting: Waiting,
}

/// Who waits for responses, in the order of their commands; some of them no longer do.
type Waiting = Arc<Mutex<VecDeque<oneshot::Sender<Bytes>>>>;

impl Default for MemoryReader {
    /// A device that can do everything, and no card.
    fn default() -> Self {
        let inner = Inner {
            radio: ABLE.into(),
            refuses: false.into(),
            card: watch::Sender::new(None),
            turn: tokio::sync::Mutex::new(()),
        };
        Self(Arc::new(inner))
    }
}

impl MemoryReader {
    /// What the machine has from now on. A card stays in a reader only as long as the machine can emulate one.
    pub fn set_radio(&self, radio: Radio) {
        *lock(&self.0.radio) = radio;
        if radio != ABLE {
            self.remove();
        }
    }

    /// Whether it lets every card go at once from now on.
    pub fn refuse(&self, refuses: bool) {
        *lock(&self.0.refuses) = refuses;
    }

    /// Sends a command and waits for its response, as long as it takes. `None` when there is no card, or it went away meanwhile.
    pub async fn transceive(&self, command: &[u8]) -> Option<Bytes> {
        let _turn = self.0.turn.lock().await;
        let (waiting, response) = oneshot::channel();
        if let Some(card) = &*self.0.card.borrow() {
            lock(&card.waiting).push_back(waiting);
            card.signals.send(Signal::Command(Bytes::copy_from_slice(command))).ok()?;
        } else {
            return None;
        }
        response.await.ok()
    }

    /// Takes the card's power away: for the card, the field is lost.
    pub fn power_off(&self) {
        if let Some(card) = &*self.0.card.borrow() {
            lock(&card.waiting).clear();
            let _ = card.signals.send(Signal::FieldLost); // a card that has gone needs no power
        }
    }

    /// Goes away, and whoever waited for a response with it. A card is put in again by itself.
    pub fn remove(&self) {
        self.0.card.send_replace(None);
    }
}

#[async_trait]
impl Transport for MemoryReader {
    fn radio(&self) -> Radio {
        *lock(&self.0.radio)
    }

    async fn insert(&self) -> Result<Link, NotInserted> {
        if *lock(&self.0.refuses) || self.radio() != ABLE {
            return Err(NotInserted::Refused { at: "memory".to_owned(), how: "lets every card go" });
        }
        let (signals, receive) = mpsc::unbounded_channel();
        let card = Card { signals, waiting: Arc::default() };
        let answers = MemoryAnswers { reader: self.clone(), waiting: card.waiting.clone() };
        self.0.card.send_replace(Some(card));
        Ok(Link { signals: Box::new(MemorySignals(receive)), answers: Arc::new(answers) })
    }
}

impl fmt::Debug for MemoryReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReader").field("has_card", &self.0.card.borrow().is_some()).finish_non_exhaustive()
    }
}

struct MemorySignals(mpsc::UnboundedReceiver<Signal>);

#[async_trait]
impl Signals for MemorySignals {
    async fn next(&mut self) -> Option<Signal> {
        self.0.recv().await
    }
}

struct MemoryAnswers {
    reader: MemoryReader,
    waiting: Waiting,
}

#[async_trait]
impl Answers for MemoryAnswers {
    async fn answer(&self, response: &[u8]) -> io::Result<()> {
        if let Some(waiting) = lock(&self.waiting).pop_front() {
            let _ = waiting.send(Bytes::copy_from_slice(response)); // or it has stopped waiting
        }
        Ok(())
    }

    fn close(&self) {
        lock(&self.waiting).clear();
        let is_ours = |card: &mut Option<Card>| card.take_if(|card| Arc::ptr_eq(&card.waiting, &self.waiting)).is_some();
        self.reader.0.card.send_if_modified(is_ours);
    }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner) // nothing panics under these locks
}
