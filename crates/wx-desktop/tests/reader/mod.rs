//! The outside of card emulation, made of real parts: pcscd, its virtual reader, and a program that uses them.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use async_trait::async_trait;
use bytes::Bytes;
use wx_conformance::{Nfc, RadioHandle, ReaderHandle};
use wx_desktop::{
    conformance::NearField,
    hce::{CardState, DesktopHce, Link, NotInserted, Transport, Vpcd},
};
use wx_rig::{Stack, Terminal};
use wx_rules::hce::Radio;

/// A PC/SC stack of a bench's own, which is only started when something needs it: most cases do not.
#[derive(Clone, Debug)]
pub(crate) struct RealReader(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    stack: Stack,
    state: Mutex<State>,
    /// How many commands the terminal waits for.
    under_way: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    terminal: Option<Arc<Terminal>>,
    /// Whether somebody has set the stack up, so that it is not to be started by the way.
    is_set: bool,
    /// Whose card is in the reader instead of ours.
    other_card: Option<TcpStream>,
    /// What listens where vpcd should, and lets every card go.
    refusing: Option<Refusing>,
}

impl RealReader {
    pub(crate) fn new() -> io::Result<Self> {
        let parts = Parts { stack: Stack::new()?, state: Mutex::default(), under_way: AtomicUsize::new(0) };
        Ok(Self(Arc::new(parts)))
    }

    /// As a bench wants it: how card emulation gets to it, and the handles on it.
    pub(crate) fn near_field(&self) -> NearField {
        let (to_radio, to_reader) = (self.clone(), self.clone());
        NearField {
            transport: Arc::new(self.clone()),
            handles: Box::new(move |hce| {
                let radio: Arc<dyn RadioHandle> = Arc::new(RealRadio { reader: to_radio, hce: hce.clone() });
                let reader: Arc<dyn ReaderHandle> =
                    Arc::new(AtReader { reader: to_reader, hce, turn: tokio::sync::Mutex::default() });
                (radio, reader)
            }),
        }
    }

    fn vpcd(&self) -> Vpcd {
        Vpcd::at(self.0.stack.vpcd()).expect("it is on this machine").with_pcscd(self.0.stack.socket())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The terminal, and with it the stack, started if there is none.
    fn terminal(&self) -> Option<Arc<Terminal>> {
        let mut state = self.state();
        if state.terminal.is_none() && !state.is_set {
            state.terminal = Some(Arc::new(self.start().expect("the stack starts")));
        }
        state.terminal.clone()
    }

    fn start(&self) -> io::Result<Terminal> {
        self.0.stack.start()?;
        self.0.stack.terminal()
    }

    /// Sets the stack up anew: as `set` leaves it.
    fn set(&self, set: impl FnOnce(&Stack, &mut State) -> io::Result<()>) {
        let mut state = self.state();
        *state = State { is_set: true, ..State::default() };
        self.0.stack.stop();
        set(&self.0.stack, &mut state).expect("the stack can be set up");
    }

    /// Sets it up as it should be.
    fn restore(&self) {
        *self.state() = State::default();
        self.0.stack.stop();
        self.terminal();
    }
}

/// Over vpcd, which is there when it is looked for.
#[async_trait]
impl Transport for RealReader {
    fn radio(&self) -> Radio {
        self.terminal();
        self.vpcd().radio()
    }

    async fn insert(&self) -> Result<Link, NotInserted> {
        self.terminal();
        self.vpcd().insert().await
    }
}

/// The NFC part of the machine.
struct RealRadio {
    reader: RealReader,
    hce: Arc<DesktopHce>,
}

impl RadioHandle for RealRadio {
    fn nfc(&self, nfc: Nfc) {
        match nfc {
            Nfc::Absent => self.reader.set(|_, _| Ok(())),
            Nfc::Off => self.hce.switch(false),
            Nfc::On => {
                if self.reader.state().is_set {
                    self.reader.restore();
                }
                self.hce.switch(true);
            }
        }
    }

    fn emulation(&self, possible: bool) {
        if possible {
            self.reader.restore();
        } else {
            self.reader.set(|stack, _| stack.start_without_reader());
        }
    }

    /// Another program's card is in the reader.
    fn default_app(&self, default: bool) {
        self.reader.terminal();
        let other_card = || TcpStream::connect(self.reader.0.stack.vpcd()).expect("the stack has been started");
        let other_card = (!default).then(other_card);
        self.reader.state().other_card = other_card;
    }

    /// The reader takes no card.
    fn refuse_registration(&self, refuse: bool) {
        if refuse {
            self.reader.set(|stack, state| {
                state.refusing = Some(Refusing::at(TcpListener::bind(stack.vpcd())?)?);
                Ok(())
            });
        } else {
            self.reader.restore();
        }
    }
}

/// The program with the reader.
struct AtReader {
    reader: RealReader,
    hce: Arc<DesktopHce>,
    /// Whose command is to be sent next.
    turn: tokio::sync::Mutex<()>,
}

#[async_trait]
impl ReaderHandle for AtReader {
    async fn transceive(&self, command: &[u8]) -> Option<Bytes> {
        // Until it is sent, in turn: the program's answers come from another thread, and a later command must not overtake this one.
        let turn = self.turn.lock().await;
        // Whether there is a card is the device's to say, and the program must come to see it so.
        let mut card = self.hce.card_state();
        let state = *card.wait_for(|state| *state != CardState::Awaited).await.ok()?;
        let terminal = self.reader.terminal()?;
        let CardState::Inserted(_) = state else {
            terminal.absent().await;
            return None;
        };
        terminal.present().await?;
        let _one_more = UnderWay::new(&self.reader.0.under_way);
        let response = terminal.transmit(command);
        drop(turn);
        response.await.map(Bytes::from)
    }

    /// Takes the power away, as a terminal does that has finished. One that waits for a response cannot: it crashes.
    async fn leave(&self) {
        if self.reader.0.under_way.load(Ordering::Relaxed) > 0 {
            self.reader.restore();
        } else if let Some(terminal) = self.reader.terminal() {
            terminal.unpower().await;
        }
    }
}

struct UnderWay<'a>(&'a AtomicUsize);

impl<'a> UnderWay<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Listens where vpcd should, and lets every card go at once.
#[derive(Debug)]
struct Refusing {
    at: SocketAddr,
    listening: Option<thread::JoinHandle<()>>,
    ended: Arc<AtomicBool>,
}

impl Refusing {
    fn at(listener: TcpListener) -> io::Result<Self> {
        let (at, ended) = (listener.local_addr()?, Arc::<AtomicBool>::default());
        let end = ended.clone();
        let listening = thread::spawn(move || {
            while let Ok((card, _)) = listener.accept() {
                drop(card);
                if end.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        Ok(Self { at, listening: Some(listening), ended })
    }
}

impl Drop for Refusing {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.at); // it looks up
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}
