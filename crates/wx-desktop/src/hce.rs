//! Card emulation on a real reader: a mini-program that every program with a card reader can talk to.
//!
//! [`DesktopHce`] puts one card into one reader while a mini-program plays it. What a command means is decided by
//! [`wx_rules::hce`]; how it comes from the reader is the business of a [`Transport`]: [`Vpcd`], the virtual reader that
//! PC/SC programs see, or [`MemoryReader`], for tests. With the feature `pn532`, which is experimental, also `Pn532`: a chip that is
//! a card to terminals outside.

mod card;
mod field;
mod listeners;
mod memory;
#[cfg(feature = "pn532")]
mod pn532;
mod trace;
mod transport;
mod vpcd;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::watch;
use wx_api::{
    Api, ApiSet, Clock, Cx, EventSender, Result,
    hce::{
        GetHceStateRequest, GetHceStateResult, Hce, HceCode, SendHceMessageRequest, SendHceMessageResult, StartHceRequest,
        StartHceResult, StopHceRequest, StopHceResult,
    },
};
use wx_rules::hce::{present, ready, start};

use self::card::Card;
#[cfg(feature = "pn532")]
pub use self::pn532::Pn532;
pub use self::{
    field::CardState,
    memory::MemoryReader,
    trace::{Difference, Entry, Hex, Lost, Outcome, Routed, Trace, What},
    transport::{Answers, Link, NotInserted, Signal, Signals, Transport},
    vpcd::{NotLoopback, Vpcd},
};

/// Card emulation for all mini-programs of a host, over one reader.
///
/// A card is in the reader as long as some mini-program has registered AIDs and NFC is switched on. When the reader goes away, it is
/// put in again as soon as there is one. Dropping this takes it out.
pub struct DesktopHce(Arc<Card>);

impl DesktopHce {
    /// How long a reader waits for a mini-program, unless told otherwise.
    ///
    /// Terminals in shops give up within seconds; a PC/SC program would wait for ever.
    pub const PATIENCE: Duration = Duration::from_secs(10);

    /// Card emulation over this reader. Needs a tokio runtime, with time enabled.
    pub fn new(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Card::new(transport, clock, Self::PATIENCE)))
    }

    /// The same, where a command that its mini-program has not answered for so long ends the conversation: the reader finds no card,
    /// as if it had been taken away, and the mini-program hears of a departure.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self(Arc::new(Card::new(self.0.transport().clone(), self.0.clock().clone(), patience)))
    }

    /// Keeps everything that passes from now on in this trace; nothing any more for `None`.
    pub fn set_trace(&self, trace: Option<Trace>) {
        self.0.field().trace = trace;
    }

    /// Switches NFC on or off, as the user does. It is on at first. What mini-programs have registered outlives it being off; what a
    /// reader had selected does not.
    pub fn switch(&self, on: bool) {
        self.0.switch(on);
    }

    /// Whether a reader has the card, now and whenever that changes.
    pub fn card_state(&self) -> watch::Receiver<CardState> {
        self.0.field().state()
    }
}

impl Drop for DesktopHce {
    fn drop(&mut self) {
        self.0.switch(false);
    }
}

impl fmt::Debug for DesktopHce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DesktopHce").field("transport", self.0.transport()).field("card", &*self.card_state().borrow()).finish()
    }
}

#[async_trait]
impl Hce for DesktopHce {
    fn supported(&self) -> ApiSet {
        ApiSet::of(&[Api::GetHceState, Api::StartHce, Api::StopHce, Api::OnHceMessage, Api::SendHceMessage])
    }

    async fn get_hce_state(&self, cx: &Cx, _: GetHceStateRequest) -> Result<GetHceStateResult> {
        ready(self.0.radio(), cx.profile()).map_err(in_name_of(Api::GetHceState))?;
        Ok(GetHceStateResult {})
    }

    async fn start_hce(&self, cx: &Cx, req: StartHceRequest) -> Result<StartHceResult> {
        let aids = start(self.0.radio(), cx.profile(), &req.aid_list)?;
        self.0.start(cx.app(), aids).await?;
        Ok(StartHceResult {})
    }

    async fn stop_hce(&self, cx: &Cx, _: StopHceRequest) -> Result<StopHceResult> {
        present(self.0.radio(), cx.profile()).map_err(in_name_of(Api::StopHce))?;
        self.0.stop(cx.app()).await;
        Ok(StopHceResult {})
    }

    fn on_hce_message(&self, cx: &Cx, out: EventSender) -> Result<()> {
        self.0.field().listen(cx.app(), out);
        Ok(())
    }

    async fn send_hce_message(&self, cx: &Cx, req: SendHceMessageRequest) -> Result<SendHceMessageResult> {
        present(self.0.radio(), cx.profile()).map_err(in_name_of(Api::SendHceMessage))?;
        self.0.respond(cx.app(), &req.data).await?;
        Ok(SendHceMessageResult {})
    }
}

fn in_name_of(api: Api) -> impl FnOnce(HceCode) -> wx_api::Error {
    move |code| code.error(api)
}
