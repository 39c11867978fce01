use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::Notify, task::JoinHandle};
use wx_api::EventStream;

use super::session::Session;
use crate::{
    terms::TOO_LONG,
    wire::{self, Message, value},
};

/// How many events of one subscription may be under way. What comes when so many have not been taken waits in the subscription's own
/// queue, where the event's policy decides.
const WINDOW: usize = 64;

/// One subscription of a host: what was sent and not taken is kept, to be sent again over the next connection.
pub(super) struct Subscription {
    state: Arc<State>,
    pump: JoinHandle<()>,
    /// The connection over which the host last named it.
    pub(super) connection: u64,
}

pub(super) struct State {
    sent: Mutex<Sent>,
    /// Some was taken.
    room: Notify,
}

#[derive(Default)]
struct Sent {
    last: u64,
    /// By number, each as a whole message.
    kept: VecDeque<(u64, Vec<u8>)>,
}

impl Subscription {
    /// Sends what comes out of the stream, to the host of this session.
    pub(super) fn start(number: u64, mut stream: EventStream, session: Arc<Session>, connection: u64) -> Self {
        let state = Arc::new(State { sent: Mutex::default(), room: Notify::new() });
        let pumped = state.clone();
        let pump = tokio::spawn(async move {
            loop {
                pumped.room().await;
                let (event, lost, payload) = match stream.next().await {
                    Some(Ok(event)) => (event.api(), None, value::encode(&event)),
                    Some(Err(lagged)) => (lagged.event, Some(lagged.count), Ok(Vec::new())),
                    None => break pumped.end(number, &session),
                };
                // What is too long for a link is lost, and said to be.
                let (lost, payload) = match payload {
                    Ok(payload) if payload.len() < TOO_LONG => (lost, payload),
                    _ => (Some(1), Vec::new()),
                };
                let mut sent = pumped.lock();
                sent.last += 1;
                let (place, event) = (sent.last, event.name());
                let message = match lost {
                    Some(count) => Message::Lost(wire::Lost { subscription: number, number: place, event, count }),
                    None => Message::Event(wire::Event { subscription: number, number: place, event, payload: &payload }),
                };
                sent.kept.push_back((place, message.to_vec()));
                session.say(message);
            }
        });
        Self { state, pump, connection }
    }

    /// What of it others may hold on to without the session's lock.
    pub(super) fn state(&self) -> Arc<State> {
        self.state.clone()
    }

    /// Stops, for good: once this is over the stream is gone.
    pub(super) async fn stop(self) {
        self.pump.abort();
        let _ = self.pump.await; // it was told to end, so that it did is no news
    }
}

impl State {
    /// The host has the events up to this number.
    pub(super) fn taken(&self, number: u64) {
        self.lock().kept.retain(|(kept, _)| *kept > number);
        self.room.notify_one();
    }

    /// Sends again what the host does not have.
    pub(super) fn again(&self, session: &Session) {
        for (_, message) in &self.lock().kept {
            if let Ok(message) = minicbor::decode::<Message<'_>>(message) {
                session.say(message);
            }
        }
    }

    /// No more will come. That is kept as well, until the host unsubscribes: it may not hear it now.
    fn end(&self, number: u64, session: &Session) {
        let mut sent = self.lock();
        let message = Message::Ended(wire::Ended { subscription: number });
        sent.kept.push_back((u64::MAX, message.to_vec()));
        session.say(message);
    }

    async fn room(&self) {
        while self.lock().kept.len() >= WINDOW {
            self.room.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner) // whole messages only
    }
}
