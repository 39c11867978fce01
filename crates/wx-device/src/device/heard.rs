//! What the agent says, and what it means for those who wait.

use wx_api::{Api, Error, EventSender, Reply, Result};

use super::state::{PROOF, Shared, State};
use crate::{
    LinkError,
    incoming::garbage,
    terms::may_repeat,
    wire::{self, Message, value},
};

/// After so many events the agent is told that they came.
const TELL: u64 = 32;

impl Shared {
    /// Does what the agent says. Answers that the agent should know to have arrived are added to `arrived`.
    pub(super) fn hear(&self, message: &Message<'_>, arrived: &mut Vec<u64>) -> std::result::Result<(), LinkError> {
        match message {
            Message::Reply(wire::Reply { call, result }) => {
                let read = |api| value::reply(api, result).map_err(|error| Error::internal(api, error));
                self.answer(*call, arrived, read);
            }
            Message::Failure(failure) => self.answer(failure.call, arrived, |api| Err(value::error(api, failure))),
            Message::Event(event) => {
                let Some(out) = self.next_of(event.subscription, event.number) else { return Ok(()) };
                if let Some(api) = Api::from_name(event.event) {
                    match value::event(api, event.payload) {
                        Ok(event) => out.send(event),
                        Err(_) => out.lose(api, 1), // of a shape that this version does not know
                    }
                }
            }
            Message::Lost(wire::Lost { subscription, number, event, count }) => {
                if let (Some(out), Some(api)) = (self.next_of(*subscription, *number), Api::from_name(event)) {
                    out.lose(api, *count);
                }
            }
            Message::Ended(wire::Ended { subscription }) => {
                let mut state = self.lock();
                let ended = state.subscriptions.remove(subscription);
                if let Some(out) = &state.out {
                    out.say(wire::Unsubscribe { subscription: *subscription }); // heard: it may be forgotten
                }
                drop(state);
                drop(ended); // not under the lock: whatever a sender holds may call back
            }
            Message::Pong(wire::Pong { number }) => {
                let mut state = self.lock();
                state.is_proven |= *number == PROOF;
                let pong = state.pings.remove(number);
                drop(state);
                if let Some(pong) = pong {
                    let _ = pong.send(()); // who asked need not have waited
                }
            }
            Message::Goodbye(wire::Goodbye { reason }) => return Err(LinkError::Goodbye((*reason).to_owned())),
            _ => return Err(garbage("a message that is a host's to send")),
        }
        Ok(())
    }

    fn answer(&self, number: u64, arrived: &mut Vec<u64>, result: impl FnOnce(Api) -> Result<Reply>) {
        let Some(call) = self.lock().calls.remove(&number) else { return };
        self.one_less();
        if !may_repeat(call.api) {
            arrived.push(number);
        }
        let _ = call.answer.send(result(call.api)); // who called may just have gone
    }

    /// Where the event with this number goes, if it is the next of its subscription: others have come already, or will come again.
    fn next_of(&self, subscription: u64, number: u64) -> Option<EventSender> {
        let mut state = self.lock();
        let State { subscriptions, out, .. } = &mut *state;
        let listening = subscriptions.get_mut(&subscription)?;
        if number != listening.taken + 1 {
            return None;
        }
        listening.taken = number;
        if number - listening.told >= TELL
            && let Some(out) = out
        {
            listening.told = number;
            out.say(wire::Taken { subscription, number });
        }
        Some(listening.out.clone())
    }

    /// The agent should know that these answers arrived. Should the link break first, they are not named over the next, which says the same.
    pub(super) fn arrived(&self, calls: Vec<u64>) {
        if let Some(out) = &self.lock().out {
            out.say(wire::Ack { calls });
        }
    }
}
