use std::{
    collections::VecDeque,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::Notify;
use wx_api::{Api, AppId, Clock, Error};
use wx_rules::{
    aid::AidPattern,
    hce::{Nfc, Radio, Step},
};

use super::{
    field::Field,
    trace::Lost,
    transport::{Answers, Link, NotInserted, Signal, Transport},
};

/// A machine on which everything works, as far as that is not the user's to say.
const ALL_WELL: Radio = Radio { nfc: Nfc::On, hce: true, default_app: true };

/// How long to wait before looking for a reader that went away: from the first time to the last and every later one.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// A longer answer than this is reported: some terminals have gone by then. A frame waiting time of FWI 7 is 38.7 ms.
const TERMINAL: u64 = 38_700;

/// How many commands may wait for the answer before them. No reader sends even one: whoever goes on is no reader.
const MOST_WAITING: usize = 16;

/// The one card of a host: it keeps it in the reader while it is wanted, and moves what passes.
pub(super) struct Card {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    patience: Duration,
    field: Mutex<Field>,
    /// Whoever puts the card in, for there is only one.
    putting_in: tokio::sync::Mutex<()>,
    /// Whoever decides what the reader gets, until it has got it: so that answers go out in the order of the decisions.
    answering: tokio::sync::Mutex<()>,
    /// Nobody owes an answer any more.
    settled: Notify,
}

impl Card {
    pub(super) fn new(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>, patience: Duration) -> Self {
        let (field, settled) = (Mutex::default(), Notify::new());
        let (putting_in, answering) = (tokio::sync::Mutex::default(), tokio::sync::Mutex::default());
        Self { transport, clock, patience, field, putting_in, answering, settled }
    }

    pub(super) fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(super) fn field(&self) -> MutexGuard<'_, Field> {
        self.field.lock().unwrap_or_else(PoisonError::into_inner) // nothing panics under the lock
    }

    /// What the machine has. With a card in the reader all is well, and the machine need not be asked.
    pub(super) fn radio(&self) -> Radio {
        let (has_card, is_off) = {
            let field = self.field();
            (field.has_card(), field.is_off())
        };
        let radio = if has_card { ALL_WELL } else { self.transport.radio() };
        match radio.nfc {
            Nfc::On if is_off => Radio { nfc: Nfc::Off, ..radio },
            _ => radio,
        }
    }

    pub(super) async fn start(self: &Arc<Self>, app: &AppId, aids: Vec<AidPattern>) -> Result<(), Error> {
        if let Some(served) = self.put_in().await? {
            tokio::spawn(self.clone().keep_in(served));
        }
        let mut field = self.field();
        let registered = field.register(app, aids);
        if !field.wants_card() {
            field.take_out();
        }
        registered.map_err(|code| code.error(Api::StartHce))
    }

    pub(super) async fn stop(&self, app: &AppId) {
        let _in_turn = self.answering.lock().await;
        let owed = self.field().unregister(app);
        self.settled.notify_one();
        if let Some((card, answer)) = owed {
            self.answer(&card, answer).await;
        }
    }

    pub(super) async fn respond(&self, app: &AppId, response: &[u8]) -> Result<(), Error> {
        let _in_turn = self.answering.lock().await;
        let due = self.field().respond(app, response)?;
        if let Some(due) = due {
            if due.after > TERMINAL {
                tracing::warn!(%app, micros = due.after, "a mini-program answered a reader late: a terminal may have gone by now");
            }
            self.answer(&due.to, response).await;
        }
        Ok(())
    }

    pub(super) fn switch(self: &Arc<Self>, on: bool) {
        let mut field = self.field();
        field.switch(on);
        self.settled.notify_one();
        if field.wants_card() && !field.has_card() {
            let card = self.clone();
            tokio::spawn(async move {
                if let Some(served) = card.put_in_again().await {
                    card.keep_in(served).await;
                }
            });
        }
    }

    /// In turn. A reader that does not take its answer has let the card go: whoever serves it hears of that.
    async fn answer(&self, card: &Arc<dyn Answers>, answer: &[u8]) {
        let answered = card.answer(answer).await;
        self.settled.notify_one();
        if answered.is_err() {
            card.close();
        }
    }

    /// Puts the card in. None, if it is in the reader already.
    async fn put_in(self: &Arc<Self>) -> Result<Option<Served>, NotInserted> {
        let _turn = self.putting_in.lock().await;
        if self.field().has_card() {
            return Ok(None);
        }
        let link = self.transport.insert().await?;
        self.field().put_in(link.answers.clone());
        Ok(Some(Served { card: self.clone(), link, until: Lost::ReaderGone }))
    }

    /// Looks for a reader until there is one. None, once no card is wanted any more or somebody else put it in.
    async fn put_in_again(self: &Arc<Self>) -> Option<Served> {
        let (mut pause, longest) = LOOK_AGAIN;
        while self.field().wants_card() {
            match self.put_in().await {
                Ok(served) => {
                    let mut field = self.field();
                    if !field.wants_card() {
                        field.take_out(); // nobody else would
                    }
                    return served;
                }
                // In real time: a reader is outside, and no mini-program's clock moves it.
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause = longest.min(2 * pause);
        }
        None
    }

    /// Serves the reader with the card in it, and puts the card in again when it comes out and is wanted.
    async fn keep_in(self: Arc<Self>, served: Served) {
        let mut next = Some(served);
        while let Some(mut served) = next {
            served.until = self.serve(&mut served.link).await;
            drop(served); // its socket with it: a reader may be long in coming
            next = self.put_in_again().await;
        }
    }

    /// Moves what passes between the reader and the mini-programs, until the card is out of the reader.
    async fn serve(&self, link: &mut Link) -> Lost {
        let Link { signals, answers } = link;
        let mut too_long = pin!(self.too_long(answers));
        let mut waiting = VecDeque::new();
        loop {
            let mut next = signals.next();
            let signal = loop {
                tokio::select! {
                    signal = &mut next => break signal,
                    () = self.settled.notified(), if !waiting.is_empty() => self.hand_in(answers, &mut waiting).await,
                    () = &mut too_long => return Lost::Unanswered,
                }
            };
            match signal {
                None => return Lost::ReaderGone,
                Some(Signal::FieldLost) => {
                    waiting.clear();
                    self.field().lose(Lost::PowerOff);
                }
                Some(Signal::Command(_)) if waiting.len() == MOST_WAITING => return Lost::ReaderGone,
                Some(Signal::Command(command)) => {
                    waiting.push_back(command);
                    self.hand_in(answers, &mut waiting).await;
                }
            }
        }
    }

    /// Hands in the commands whose turn has come: the others wait until the one before them is answered. From a card that has been
    /// taken out, none: its link is about to say so.
    async fn hand_in(&self, card: &Arc<dyn Answers>, waiting: &mut VecDeque<Bytes>) {
        while let Some(command) = waiting.front() {
            let _in_turn = self.answering.lock().await;
            let step = {
                let mut field = self.field();
                if !field.is_in(card) {
                    return;
                }
                field.command(command, self.clock.now())
            };
            match step {
                Step::Wait => return,
                Step::Answer(answer) => self.answer(card, answer).await,
                Step::Deliver { .. } => {}
            }
            waiting.pop_front();
        }
    }

    /// Ends when an answer has been owed for too long.
    async fn too_long(&self, card: &Arc<dyn Answers>) {
        loop {
            let owed = { self.field().owes().map(|owes| owes.since) };
            let end = owed.unwrap_or_else(|| self.clock.now()) + self.patience;
            if owed.is_some() && end <= self.clock.now() {
                return;
            }
            self.clock.sleep_until(end).await;
            if !self.field().is_in(card) {
                return std::future::pending().await;
            }
        }
    }
}

/// A card in the reader. With this it comes out: also when whoever served it was dropped because the runtime has ended, for otherwise the
/// reader would wait for ever.
struct Served {
    card: Arc<Card>,
    link: Link,
    until: Lost,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.card.field().let_go(&self.link.answers, self.until);
        self.link.answers.close();
    }
}
