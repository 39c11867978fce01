//! A PN532 as a card. Experimental: written by the chip's manual, tested against a fake of it, never with one.

mod chip;
mod frames;
mod target;

use std::{
    convert::Infallible,
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot},
};
use wx_api::Clock;
use wx_rules::hce::{Nfc, Radio};

use self::{
    chip::{Chip, within},
    target::Target,
};
use super::transport::{Answers, Link, NotInserted, Signal, Signals, Transport};

/// How long a line may take to open.
const OPENED: Duration = Duration::from_secs(3);

/// What the chip takes of a response.
const LONGEST: usize = 262;

/// A PN532 on a serial line (HSU), as a contactless card to terminals outside. **Experimental:** no hardware was ever attached.
///
/// The host opens the line, with whatever it has for serial ports: 115,200 bits a second, 8 data bits, no parity, one stop bit, no flow
/// control. It is opened whenever the card is put in, and closed when it comes out, so that a chip may be unplugged and come back.
///
/// ```
/// use std::{io, sync::Arc};
///
/// use tokio::io::DuplexStream;
/// use wx_api::{Cx, hce::{Hce, StartHceRequest}};
/// use wx_desktop::hce::{DesktopHce, Pn532};
/// use wx_host::TokioClock;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// // A host opens its serial port here; this one has none.
/// let open = || async { Err::<DuplexStream, io::Error>(io::ErrorKind::NotFound.into()) };
/// let chip = Pn532::new("/dev/ttyUSB0", Arc::new(TokioClock), open);
/// let hce = DesktopHce::new(Arc::new(chip), Arc::new(TokioClock));
/// let start = StartHceRequest { aid_list: vec!["F222222222".into()] };
/// let failed = hce.start_hce(&Cx::new("wx4f4bc4dec97d474b"), start).await.unwrap_err();
/// assert_eq!(failed.code(), Some(13000));
/// # }
/// ```
pub struct Pn532<F> {
    at: String,
    clock: Arc<dyn Clock>,
    open: F,
    /// Held by whoever has the line.
    line: Arc<tokio::sync::Mutex<()>>,
}

impl<F> Pn532<F> {
    /// A chip at the end of the line that `open` opens. `at` is what errors call it.
    pub fn new(at: impl Into<String>, clock: Arc<dyn Clock>, open: F) -> Self {
        Self { at: at.into(), clock, open, line: Arc::default() }
    }
}

impl<F> fmt::Debug for Pn532<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pn532").field("at", &self.at).finish_non_exhaustive()
    }
}

#[async_trait]
impl<F, Opening, S> Transport for Pn532<F>
where
    F: Fn() -> Opening + Send + Sync,
    Opening: Future<Output = io::Result<S>> + Send,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    /// A chip cannot be looked at without disturbing it: all is said to be well, and putting the card in shows.
    fn radio(&self) -> Radio {
        Radio { nfc: Nfc::On, hce: true, default_app: true }
    }

    /// Ends once terminals can find the card, for nobody knows when one comes.
    async fn insert(&self) -> Result<Link, NotInserted> {
        let no_reader = |source| NotInserted::NoReader { at: self.at.clone(), source };
        let turn = self.line.clone().lock_owned().await;
        let until = self.clock.now() + OPENED;
        let line = within(&*self.clock, Some(until), (self.open)()).await.map_err(no_reader)?;

        let (answer, answers) = mpsc::unbounded_channel();
        let (signals, signalled) = mpsc::unbounded_channel();
        let (ready, is_ready) = oneshot::channel();
        let (keep, taken_out) = oneshot::channel();
        // From here on, dropping these takes the card out: also when the future is dropped.
        let answers_end = Arc::new(ToChip(Mutex::new(Some(In { answer, _keep: keep }))));
        let mut target = Target { chip: Chip::new(line, self.clock.clone()), clock: self.clock.clone(), answers };
        tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = taken_out => {}
                () = target.run(ready, signals) => {}
            }
            target.sleep().await;
            drop(target); // and the line with it: whoever is next opens it anew
            drop(turn);
        });
        match is_ready.await.unwrap_or_else(|_| Err(io::ErrorKind::UnexpectedEof.into())) {
            Ok(()) => Ok(Link { signals: Box::new(FromChip(signalled)), answers: answers_end }),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(NotInserted::Refused { at: self.at.clone(), how: "cannot be a card: it does not understand" })
            }
            Err(error) => Err(no_reader(error)),
        }
    }
}

struct FromChip(mpsc::UnboundedReceiver<Signal>);

#[async_trait]
impl Signals for FromChip {
    async fn next(&mut self) -> Option<Signal> {
        self.0.recv().await
    }
}

/// The card's end, while it is in.
struct ToChip(Mutex<Option<In>>);

struct In {
    answer: mpsc::UnboundedSender<Bytes>,
    /// The card is in the reader as long as this lives.
    _keep: oneshot::Sender<Infallible>,
}

#[async_trait]
impl Answers for ToChip {
    /// Does not wait for the chip: one that does not take the response is lost, which the signals say.
    async fn answer(&self, response: &[u8]) -> io::Result<()> {
        if response.len() > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "longer than the chip can say"));
        }
        let card = self.0.lock().unwrap_or_else(PoisonError::into_inner); // nothing panics under the lock
        let sent = card.as_ref().is_some_and(|card| card.answer.send(Bytes::copy_from_slice(response)).is_ok());
        if sent { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    }

    fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
