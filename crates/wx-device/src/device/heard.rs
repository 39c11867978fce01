//! What the agent says, and what it means for those who wait.

use wx_api::{Api, Error, EventSender, Reply, Result};

use super::state::{Shared, State};
use crate::{
    LinkError,
    incoming::garbage,
    wire::{self, Message, value},
};

/// After so many events the agent is told that they came.
const TELL: u64 = 32;

impl Shared {
    /// Does what the agent says. Answers that the agent should know to have arrived are added to `arrived`.
    pub(super) fn hear(&self, message: &Message<'_>, arrived: &mut Vec<u64>) -> std::result::Result<(), LinkError> {
        match message {
            Message::Reply(wire::Reply { call, result }) => {
                self.answer(*call, arrived, |api| match value::reply(api, result) {
                    Ok(reply) => Ok(reply),
                    Err(error) => Err(Error::internal(api, error)),
                })
            }
            Message::Failure(failure) => self.answer(failure.call, arrived, |api| Err(value::error(api, failure))),
            Message::Event(event) => {
                let Some(out) = self.next_of(event.subscription, event.number) else { return Ok(()) };
                if let Some(api) = Api::from_name(event.event) {
                    out.send(value::event(api, event.payload).map_err(garbage)?);
                }
            }
            Message::Lost(wire::Lost { subscription, number, event, count }) => {
                if let (Some(out), Some(api)) = (self.next_of(*subscription, *number), Api::from_name(event)) {
                    out.lose(api, *count);
                }
            }
            Message::Ended(wire::Ended { subscription }) => {
                let ended = self.lock().subscriptions.remove(subscription);
                drop(ended);
            }
            Message::Pong(wire::Pong { number }) => {
                let pong = self.lock().pings.remove(number);
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
        if !call.may_repeat() {
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

    /// The agent should know that these answers arrived; should the link break first, it is told over the next.
    pub(super) fn arrived(&self, calls: Vec<u64>) {
        let mut state = self.lock();
        match &state.out {
            Some(out) => out.say(wire::Ack { calls }),
            None => state.forgotten.extend(calls),
        }
    }
}
