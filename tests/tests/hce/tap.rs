//! A mini-program on one side, a terminal on the other, and a PC/SC stack between them.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use wx_api::{
    Api, Clock, Cx, Event, EventStream, Result, event_channel,
    hce::{Hce, HceMessage, SendHceMessageRequest, StartHceRequest, StopHceRequest},
};
use wx_desktop::hce::{CardState, DesktopHce, Trace, Vpcd};
use wx_mock::VirtualClock;
use wx_rig::{Stack, Terminal};

pub(crate) const WALLET: &str = "F222222222";
pub(crate) const TICKET: &str = "F333333333";
pub(crate) const OK: &[u8] = &[0x90, 0x00];
pub(crate) const READ: &[u8] = &[0x00, 0xB0, 0x00, 0x00, 0x10];

/// The command that selects an application.
pub(crate) fn select(aid: &str) -> Vec<u8> {
    let aid: Vec<u8> = (0..aid.len()).step_by(2).map(|at| u8::from_str_radix(&aid[at..at + 2], 16).unwrap()).collect();
    [&[0x00, 0xA4, 0x04, 0x00, u8::try_from(aid.len()).unwrap()], aid.as_slice(), &[0x00]].concat()
}

/// A stack with a terminal, and card emulation on it.
pub(crate) struct Tap {
    pub(crate) hce: Arc<DesktopHce>,
    pub(crate) terminal: Terminal,
    pub(crate) stack: Stack,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) trace: Trace,
}

impl Tap {
    pub(crate) fn new() -> Self {
        let stack = Stack::new().unwrap();
        stack.start().unwrap();
        let terminal = stack.terminal().unwrap();
        let clock = Arc::new(VirtualClock::new(VirtualClock::START));
        let (hce, trace) = (Arc::new(card(&stack, clock.clone())), Trace::keeping(10_000));
        hce.set_trace(Some(trace.clone()));
        Self { hce, terminal, stack, clock, trace }
    }

    pub(crate) fn app(&self, id: &str) -> App {
        App::of(self.hce.clone(), id)
    }

    /// A mini-program that plays this AID, whose card the terminal sees.
    pub(crate) async fn wallet(&self) -> App {
        let app = self.app("wallet");
        app.start(&[WALLET]).await.unwrap();
        self.terminal.present().await.unwrap();
        app
    }

    /// The terminal selects the wallet, and waits for what it says.
    pub(crate) async fn selects(&self) -> Option<Vec<u8>> {
        self.terminal.transmit(&select(WALLET)).await
    }

    /// A whole exchange, which must work.
    pub(crate) async fn works(&self, app: &mut App) {
        let (got, ()) = tokio::join!(self.selects(), async {
            assert_eq!(app.hears().await, HceMessage::command(select(WALLET)));
            app.answer(OK).await.unwrap();
        });
        assert_eq!(got.as_deref(), Some(OK), "\n{}", self.trace);
    }

    /// How many open sockets lead to the virtual reader.
    pub(crate) fn sockets(&self) -> usize {
        let (table, reader) = (std::fs::read_to_string("/proc/net/tcp").unwrap(), format!(":{:04X}", self.stack.vpcd().port()));
        let leads_there = |line: &&str| {
            let columns: Vec<_> = line.split_ascii_whitespace().collect();
            columns[2].ends_with(&reader) && columns[9] != "0" // without an inode nobody has it open any more
        };
        table.lines().skip(1).filter(leads_there).count()
    }

    /// Until the reader has the card, or until none is wanted.
    pub(crate) async fn settled(&self) -> CardState {
        *self.hce.card_state().wait_for(|state| *state != CardState::Awaited).await.unwrap()
    }
}

/// Card emulation on this stack.
pub(crate) fn card(stack: &Stack, clock: Arc<dyn Clock>) -> DesktopHce {
    DesktopHce::new(Arc::new(Vpcd::at(stack.vpcd()).unwrap().with_pcscd(stack.socket())), clock)
}

/// A mini-program, on whatever backend.
pub(crate) struct App {
    hce: Arc<dyn Hce>,
    pub(crate) cx: Cx,
    messages: EventStream,
}

impl App {
    pub(crate) fn of(hce: Arc<dyn Hce>, id: &str) -> Self {
        let (out, messages) = event_channel(Api::OnHceMessage.into());
        let cx = Cx::new(id);
        hce.on_hce_message(&cx, out).unwrap();
        Self { hce, cx, messages }
    }

    pub(crate) async fn start(&self, aids: &[&str]) -> Result<()> {
        let aid_list = aids.iter().map(|&aid| aid.to_owned()).collect();
        self.hce.start_hce(&self.cx, StartHceRequest { aid_list }).await.map(drop)
    }

    pub(crate) async fn stop(&self) -> Result<()> {
        self.hce.stop_hce(&self.cx, StopHceRequest {}).await.map(drop)
    }

    pub(crate) async fn answer(&self, response: &[u8]) -> Result<()> {
        let data = Bytes::copy_from_slice(response);
        self.hce.send_hce_message(&self.cx, SendHceMessageRequest { data }).await.map(drop)
    }

    pub(crate) async fn hears(&mut self) -> HceMessage {
        match self.messages.next().await {
            Some(Ok(Event::HceMessage(message))) => message,
            other => panic!("heard {other:?}"),
        }
    }

    /// What there is to hear by now.
    pub(crate) fn has_heard(&mut self) -> Vec<HceMessage> {
        std::iter::from_fn(|| self.hears().now_or_never()).collect()
    }
}
