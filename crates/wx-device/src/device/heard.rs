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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use std::sync::Arc;

    use wx_api::{Cx, Event, event_channel, hce::HceMessage};
    use wx_host::TokioClock;

    use super::*;
    use crate::{
        outgoing::Outgoing,
        wire::{Limits, Welcome},
    };

    #[tokio::test]
    async fn an_event_that_has_come_and_one_that_is_too_early_are_left_alone() {
        let shared = Shared::new(Arc::new(TokioClock)).unwrap();
        let limits = Limits { calls: 1, contexts: 1, subscriptions: 1, message: 1 << 20 };
        let welcome = Welcome { epoch: [1; 16], resumed: false, build: "", apis: vec!["onHCEMessage"], limits };
        shared.attach(Arc::new(Outgoing::default()), &welcome);
        let (out, mut stream) = event_channel(Api::OnHceMessage.into());
        shared.subscribe(&Cx::new("wx4f4bc4dec97d474b"), &[Api::OnHceMessage], &out).unwrap();
        drop(out);
        let event = |number: u8| Event::from(HceMessage::command(vec![number]));
        for number in [1, 3, 1, 2, 2, 3] {
            let payload = value::encode(&event(number)).unwrap();
            let message = wire::Event { subscription: 1, number: number.into(), event: "onHCEMessage", payload: &payload };
            shared.hear(&message.into(), &mut Vec::new()).unwrap();
        }
        shared.hear(&wire::Ended { subscription: 1 }.into(), &mut Vec::new()).unwrap();
        for number in 1..=3 {
            assert_eq!(stream.next().await, Some(Ok(event(number))));
        }
        assert_eq!(stream.next().await, None);
    }
}
