use std::{sync::Arc, time::Instant};

use tokio::sync::watch;
use wx_api::{
    AppId, EventSender, Timestamp,
    hce::{Departure, HceCode, HceMessage},
};
use wx_rules::{
    aid::AidPattern,
    hce::{Respond, RespondError, Router, Step},
};

use super::{
    listeners::Listeners,
    trace::{Hex, Lost, Routed, Trace, What, micros, outcome},
    transport::Answers,
};

/// Whether the one card of a host is in the reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CardState {
    /// No mini-program plays a card, or NFC is switched off.
    #[default]
    NotWanted,
    /// A card is wanted, and there is no reader to put it in.
    Awaited,
    /// The reader has it, for this many a time.
    Inserted(u64),
}

/// Everything between the mini-programs and the reader: who has registered, who listens, what is under way. It decides nothing
/// itself: it asks the rules, tells the listeners, and keeps the trace.
#[derive(Default)]
pub(super) struct Field {
    router: Router<AppId>,
    listeners: Listeners,
    /// The card's end of the link, while a card is in the reader.
    card: Option<Arc<dyn Answers>>,
    /// How often a card was put in.
    times: u64,
    state: watch::Sender<CardState>,
    is_off: bool,
    /// Since when a mini-program owes an answer.
    owes: Option<Owes>,
    pub(super) trace: Option<Trace>,
}

/// Since when an answer is owed.
#[derive(Clone, Copy)]
pub(super) struct Owes {
    /// By the host's clock.
    pub(super) since: Timestamp,
    /// By the process's own, for the trace.
    began: Instant,
}

/// An answer that is due to a reader.
pub(super) struct Due {
    pub(super) to: Arc<dyn Answers>,
    /// How long the mini-program took.
    pub(super) after: u64,
}

// The mini-programs' side.
impl Field {
    pub(super) fn listen(&mut self, app: &AppId, out: EventSender) {
        self.listeners.add(app, out);
    }

    pub(super) fn register(&mut self, app: &AppId, aids: Vec<AidPattern>) -> Result<(), HceCode> {
        let named = self.trace.as_ref().map(|_| aids.iter().map(ToString::to_string).collect());
        let registered = self.router.register(app.clone(), aids);
        self.show();
        self.trace(|| What::Started { app: app.to_string(), aids: named.unwrap_or_default(), taken: registered.is_ok() });
        registered
    }

    /// Gives back what the app registered. A reader that waits for it is due an answer, unless the card goes with the app.
    pub(super) fn unregister(&mut self, app: &AppId) -> Option<(Arc<dyn Answers>, &'static [u8])> {
        if !self.router.is_registered(app) {
            return None;
        }
        let answer = self.router.unregister(app);
        self.trace(|| What::Stopped { app: app.to_string(), answer: answer.map(|answer| Hex(answer.to_vec())) });
        if self.router.is_empty() {
            self.lose(Lost::NobodyLeft);
            self.take_out();
        }
        self.owes.take_if(|_| answer.is_some());
        self.show();
        self.card.clone().zip(answer)
    }

    pub(super) fn respond(&mut self, app: &AppId, response: &[u8]) -> Result<Option<Due>, RespondError> {
        let decided = self.router.respond(app, response);
        let owed = if decided == Ok(Respond::Send) { self.owes.take() } else { None };
        let after = owed.map(|owed| micros(owed.began.elapsed()));
        self.trace(|| What::Response { app: app.to_string(), data: Hex(response.to_vec()), outcome: outcome(decided), after });
        match decided? {
            Respond::Send => Ok(self.card.clone().zip(after).map(|(to, after)| Due { to, after })),
            Respond::Dropped(_) => Ok(None),
        }
    }
}

// The reader's side.
impl Field {
    /// Puts a card into the reader, if one is wanted and none is there.
    pub(super) fn put_in(&mut self, card: Arc<dyn Answers>) {
        self.trace(|| What::Inserted);
        self.card = Some(card);
        self.times += 1;
        self.show();
    }

    /// Routes a command. What is to be delivered has been when this returns: under the lock on purpose, so that messages cannot
    /// overtake one another. A queue takes them without waiting.
    pub(super) fn command(&mut self, command: &bytes::Bytes, now: Timestamp) -> Step<AppId> {
        let step = self.router.command(command);
        self.trace(|| What::Command { data: Hex(command.to_vec()), routed: routed(&step) });
        if let Step::Deliver { to, deselected } = &step {
            self.owes = Some(Owes { since: now, began: Instant::now() });
            if let Some(app) = deselected {
                self.listeners.tell(app, HceMessage::departure(Departure::Deselected));
            }
            self.listeners.tell(to, HceMessage::command(command.clone()));
        }
        step
    }

    /// The field is lost: the mini-program that was selected is told.
    pub(super) fn lose(&mut self, why: Lost) {
        let told = self.router.field_lost();
        self.owes = None;
        if let Some(app) = &told {
            self.listeners.tell(app, HceMessage::departure(Departure::LinkLoss));
        }
        self.trace(|| What::Lost { why, told: told.map(|app| app.to_string()) });
    }

    /// Takes the card out of the reader.
    pub(super) fn take_out(&mut self) {
        if let Some(card) = self.card.take() {
            card.close();
        }
        self.show();
    }

    /// The reader has let this card go. Nothing, if it was taken out before.
    pub(super) fn let_go(&mut self, card: &Arc<dyn Answers>, why: Lost) {
        if self.is_in(card) {
            self.lose(why);
            self.take_out();
        }
    }

    pub(super) fn is_in(&self, card: &Arc<dyn Answers>) -> bool {
        self.card.as_ref().is_some_and(|it| Arc::ptr_eq(it, card))
    }

    pub(super) fn has_card(&self) -> bool {
        self.card.is_some()
    }

    /// Whether a card should be in the reader.
    pub(super) fn wants_card(&self) -> bool {
        !self.is_off && !self.router.is_empty()
    }

    pub(super) fn is_off(&self) -> bool {
        self.is_off
    }

    /// Switches it on or off, as the user does.
    pub(super) fn switch(&mut self, on: bool) {
        self.is_off = !on;
        if !on && self.has_card() {
            self.lose(Lost::SwitchedOff);
            self.take_out();
        }
        self.show();
    }

    pub(super) fn state(&self) -> watch::Receiver<CardState> {
        self.state.subscribe()
    }

    fn show(&self) {
        let state = match (self.wants_card(), self.has_card()) {
            (false, _) => CardState::NotWanted,
            (true, false) => CardState::Awaited,
            (true, true) => CardState::Inserted(self.times),
        };
        self.state.send_if_modified(|shown| {
            *shown != state && {
                *shown = state;
                true
            }
        });
    }

    pub(super) fn owes(&self) -> Option<Owes> {
        self.owes
    }

    fn trace(&self, what: impl FnOnce() -> What) {
        if let Some(trace) = &self.trace {
            trace.add(what());
        }
    }
}

fn routed(step: &Step<AppId>) -> Routed {
    match step {
        Step::Answer(answer) => Routed::Answer(Hex(answer.to_vec())),
        Step::Deliver { to, deselected } => {
            Routed::To { app: to.to_string(), deselected: deselected.as_ref().map(ToString::to_string) }
        }
        Step::Wait => Routed::Wait,
    }
}
