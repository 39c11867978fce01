//! The field between the device's NFC part and a reader: who is registered, and what is under way.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use wx_api::{
    Api, AppId, Event, EventHub, EventSender, Profile,
    hce::{Departure, HceCode, HceMessage},
};
use wx_rules::{
    aid::AidPattern,
    hce::{Nfc, Radio, Respond, RespondError, Router, Step, ready},
};

/// Everything that card emulation knows, of all apps of a world.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) radio: Radio,
    /// Whether the system refuses to register AIDs.
    pub(crate) refuses: bool,
    router: Router<AppId>,
    listeners: BTreeMap<AppId, EventHub>,
    /// How many apps may be in `listeners` before it is searched for those that no longer listen.
    search_at: usize,
    /// Rises whenever the card goes away from the reader: what was under way before gets no answer.
    absence: u64,
    next_ticket: u64,
    /// Commands that have not reached an app yet, in the order of the reader.
    queue: VecDeque<u64>,
    /// The command an app owes an answer to. None while the reader does not wait for it any more.
    delivered: Option<u64>,
    /// Answers that their commands have not picked up yet.
    answers: BTreeMap<u64, Bytes>,
}

/// A command under way: its number, and since which absence the card is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    number: u64,
    absence: u64,
}

/// What became of a command.
#[derive(Debug)]
pub(crate) enum Handed {
    /// It is over.
    Ended(End),
    /// An app has it.
    Delivered,
}

/// How a command ended for the reader.
#[derive(Debug)]
pub(crate) enum End {
    Answer(Bytes),
    NoCard,
}

/// Fewer apps than this are not worth a search.
const FIRST_SEARCH: usize = 16;

impl Default for Field {
    fn default() -> Self {
        Self {
            radio: Radio { nfc: Nfc::On, hce: true, default_app: true },
            refuses: false,
            router: Router::default(),
            listeners: BTreeMap::new(),
            search_at: FIRST_SEARCH,
            absence: 0,
            next_ticket: 0,
            queue: VecDeque::new(),
            delivered: None,
            answers: BTreeMap::new(),
        }
    }
}

// The app's side.
impl Field {
    pub(crate) fn listen(&mut self, app: &AppId, out: EventSender) {
        if self.listeners.len() >= self.search_at {
            self.listeners.retain(|_, hub| hub.has_listener(Api::OnHceMessage));
            // So that a search is as rare as it is long.
            self.search_at = FIRST_SEARCH.max(2 * self.listeners.len());
        }
        self.listeners.entry(app.clone()).or_default().add(out);
    }

    pub(crate) fn register(&mut self, app: &AppId, aids: Vec<AidPattern>) -> Result<(), HceCode> {
        if self.refuses {
            return Err(HceCode::NotRegistered);
        }
        self.router.register(app.clone(), aids)
    }

    /// Gives back what the app registered. With the last registration the card is gone; while others are left, a reader that
    /// waits gets the system's answer.
    pub(crate) fn unregister(&mut self, app: &AppId) {
        let owed = self.router.unregister(app);
        if !self.has_card() {
            self.card_gone();
        } else if let Some(answer) = owed {
            self.answer(Bytes::from_static(answer));
        }
    }

    /// The app is taken off the device: its AIDs and its listeners go.
    pub(crate) fn remove(&mut self, app: &AppId) {
        self.unregister(app);
        self.listeners.remove(app);
    }

    pub(crate) fn respond(&mut self, app: &AppId, response: Bytes) -> Result<(), RespondError> {
        match self.router.respond(app, &response)? {
            Respond::Send => self.answer(response),
            Respond::Dropped(_) => {}
        }
        Ok(())
    }
}

// The reader's side.
impl Field {
    pub(crate) fn begin(&mut self) -> Ticket {
        self.next_ticket += 1;
        self.queue.push_back(self.next_ticket);
        Ticket { number: self.next_ticket, absence: self.absence }
    }

    /// Hands a command in when its turn has come.
    pub(crate) fn hand_in(&mut self, ticket: Ticket, command: &[u8]) -> Option<Handed> {
        if ticket.absence != self.absence {
            return Some(Handed::Ended(End::NoCard));
        }
        if self.queue.front() != Some(&ticket.number) {
            return None;
        }
        let handed = if self.has_card() {
            match self.router.command(command) {
                Step::Wait => return None,
                Step::Answer(answer) => Handed::Ended(End::Answer(Bytes::from_static(answer))),
                Step::Deliver { to, deselected } => {
                    self.delivered = Some(ticket.number);
                    if let Some(app) = deselected {
                        self.tell(&app, HceMessage::departure(Departure::Deselected));
                    }
                    self.tell(&to, HceMessage::command(command.to_vec()));
                    Handed::Delivered
                }
            }
        } else {
            Handed::Ended(End::NoCard)
        };
        self.queue.pop_front();
        Some(handed)
    }

    /// The answer to a command that an app has: none, if the card went away.
    pub(crate) fn collect(&mut self, ticket: Ticket) -> Option<End> {
        match self.answers.remove(&ticket.number) {
            Some(answer) => Some(End::Answer(answer)),
            None if ticket.absence != self.absence => Some(End::NoCard),
            None => None,
        }
    }

    /// The reader no longer waits for this command.
    pub(crate) fn end(&mut self, ticket: Ticket) {
        self.queue.retain(|number| *number != ticket.number);
        self.delivered.take_if(|number| *number == ticket.number);
        self.answers.remove(&ticket.number);
    }

    /// The reader is out of reach, or the radio is off: the app it had selected is told.
    pub(crate) fn lose(&mut self) {
        if let Some(app) = self.router.field_lost() {
            self.tell(&app, HceMessage::departure(Departure::LinkLoss));
        }
        self.card_gone();
    }

    /// After a change of the radio: one that cannot emulate a card has none in its field.
    pub(crate) fn settle(&mut self) {
        if !self.can_emulate() {
            self.lose();
        }
    }
}

impl Field {
    fn has_card(&self) -> bool {
        self.can_emulate() && !self.router.is_empty()
    }

    /// A reader sees the device, not the base library: the profile of the platform that has card emulation is the device's.
    fn can_emulate(&self) -> bool {
        ready(self.radio, &Profile::default()).is_ok()
    }

    /// Answers the command that an app has. A reader that broke it off does not wait: then the answer goes nowhere, and must not
    /// become the next command's.
    fn answer(&mut self, answer: Bytes) {
        if let Some(command) = self.delivered.take() {
            self.answers.insert(command, answer);
        }
    }

    fn card_gone(&mut self) {
        self.absence += 1;
        self.queue.clear();
        self.delivered = None;
    }

    /// Under the world's lock on purpose: so messages cannot overtake one another. A queue takes them without waiting.
    fn tell(&self, app: &AppId, message: HceMessage) {
        if let Some(hub) = self.listeners.get(app) {
            hub.send(&Event::from(message));
        }
    }
}

#[cfg(test)]
mod tests {
    use wx_api::event_channel;

    use super::*;

    #[test]
    fn apps_that_no_longer_listen_are_forgotten() {
        let mut field = Field::default();
        let (out, _stays) = event_channel(Api::OnHceMessage.into());
        field.listen(&"wx-stays".into(), out);
        for app in 0..1000 {
            let (out, stream) = event_channel(Api::OnHceMessage.into());
            field.listen(&format!("wx{app}").as_str().into(), out);
            drop(stream);
        }
        assert!(field.listeners.len() <= FIRST_SEARCH, "{}", field.listeners.len());
        assert!(field.listeners.contains_key(&AppId::from("wx-stays")));
        field.remove(&"wx-stays".into());
        assert!(!field.listeners.contains_key(&AppId::from("wx-stays")));
    }
}
