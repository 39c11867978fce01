use std::{io, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot},
};
use wx_api::Clock;

use super::{super::transport::Signal, chip::Chip};

/// `SAMConfiguration`: no security module. (The chip wants a time-out and an interrupt, and needs neither.)
const NO_SAM: &[u8] = &[0x14, 0x01, 0x14, 0x01];

/// `SetParameters`: as a target it answers a terminal's RATS, and speaks ISO 14443-4 for us.
const ISO_14443_4: &[u8] = &[0x12, 0x30];

/// `TgInitAsTarget`: as a card, at 106 kbit/s.
const INIT: &[u8] = &[0x8C, 0x05];
/// What says of a terminal that it has taken the chip for a card of ISO 14443-4.
const AS_CARD: u8 = 0x08;

const GET_DATA: &[u8] = &[0x86];
const SET_DATA: u8 = 0x8E;
const GET_STATUS: &[u8] = &[0x8A];
/// A terminal has the target.
const ACTIVATED: u8 = 0x01;

/// `PowerDown`, until something comes on the line.
const SLEEP: &[u8] = &[0x16, 0x10];

/// In a status: the terminal's command goes on.
const MORE: u8 = 0x40;
/// In a status: what has gone wrong.
const ERROR: u8 = 0x3F;

/// The longest command there is: a header, extended lengths, and 65,535 bytes.
const LONGEST: usize = 4 + 3 + 65_535 + 2;

/// How often a chip is asked for its terminal, while a mini-program thinks: it tells nothing by itself.
const LOOK: Duration = Duration::from_millis(500);

/// A chip that is a card.
pub(super) struct Target<S> {
    pub(super) chip: Chip<S>,
    pub(super) clock: Arc<dyn Clock>,
    /// What mini-programs answer.
    pub(super) answers: mpsc::UnboundedReceiver<Bytes>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Target<S> {
    /// Is a card, until the chip fails. Says when a terminal can find it, or why none can.
    pub(super) async fn run(&mut self, ready: oneshot::Sender<io::Result<()>>, signals: mpsc::UnboundedSender<Signal>) {
        let started = self.start().await;
        let is_started = started.is_ok();
        if ready.send(started).is_ok() && is_started {
            let Err(error) = self.serve(&signals).await;
            tracing::debug!(%error, "a chip that was a card is lost");
        }
    }

    async fn start(&mut self) -> io::Result<()> {
        self.chip.ask(NO_SAM).await?;
        self.chip.ask(ISO_14443_4).await?;
        self.init().await
    }

    /// Lets terminals find the card.
    async fn init(&mut self) -> io::Result<()> {
        let mut number = [0; 3]; // the chip puts 08 before it: one that is made up anew each time
        getrandom::fill(&mut number).map_err(|error| io::Error::other(error.to_string()))?;
        let [a, b, c] = number;
        // What it is to ISO 14443-3: answer to request, number, "speaks ISO 14443-4". Then what it would be to FeliCa (18 bytes) and
        // to a peer (10 bytes), and no bytes of its own for either.
        let card = [0x04, 0x00, a, b, c, 0x20];
        self.chip.send(&[INIT, &card, &[0; 18 + 10], &[0, 0]].concat()).await
    }

    async fn serve(&mut self, signals: &mpsc::UnboundedSender<Signal>) -> io::Result<std::convert::Infallible> {
        loop {
            let mode = self.chip.response(INIT, None).await?;
            if mode.first().is_some_and(|mode| mode & AS_CARD != 0) {
                self.converse(signals).await?;
                let _ = signals.send(Signal::FieldLost); // nobody listens to a card that is being taken out
            }
            self.init().await?;
        }
    }

    /// Ends once the terminal has gone.
    async fn converse(&mut self, signals: &mpsc::UnboundedSender<Signal>) -> io::Result<()> {
        while let Some(command) = self.command().await? {
            while self.answers.try_recv().is_ok() {} // to a terminal that has gone
            let _ = signals.send(Signal::Command(command));
            let Some(answer) = self.answer().await? else { break };
            let taken = self.chip.ask(&[&[SET_DATA], &answer[..]].concat()).await?;
            if status(&taken)? & ERROR != 0 {
                break;
            }
        }
        Ok(())
    }

    /// The terminal's next command. None, if it has gone instead.
    async fn command(&mut self) -> io::Result<Option<Bytes>> {
        let mut command = BytesMut::new();
        loop {
            self.chip.send(GET_DATA).await?;
            let part = self.chip.response(GET_DATA, None).await?;
            let status = status(&part)?;
            command.extend(part.slice(1..));
            match () {
                () if status & ERROR != 0 || command.len() > LONGEST => return Ok(None),
                () if status & MORE == 0 => return Ok(Some(command.freeze())),
                () => {}
            }
        }
    }

    /// The mini-program's answer. None, if the terminal has gone instead.
    async fn answer(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            tokio::select! {
                Some(answer) = self.answers.recv() => return Ok(Some(answer)),
                () = self.clock.sleep_until(self.clock.now() + LOOK) => {}
            }
            if status(&self.chip.ask(GET_STATUS).await?)? != ACTIVATED {
                return Ok(None);
            }
        }
    }

    /// Takes the card out: the chip stops what it does, and sleeps.
    pub(super) async fn sleep(&mut self) {
        let sleep = async {
            self.chip.stop().await?;
            self.chip.ask(SLEEP).await
        };
        if let Err(error) = sleep.await {
            tracing::debug!(%error, "a chip may still be a card");
        }
    }
}

/// The first byte of a response.
fn status(response: &[u8]) -> io::Result<u8> {
    response.first().copied().ok_or_else(|| io::ErrorKind::InvalidData.into())
}
