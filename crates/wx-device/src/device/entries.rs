//! What a host keeps of its calls and subscriptions.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::sync::{Notify, oneshot};
use wx_api::{Api, Clock, Error, EventSender, Reply, Result, Timestamp};

use super::state::Shared;
use crate::{numbered::Numbered, outgoing::Outgoing, terms::may_repeat, wire};

/// A call without an answer.
pub(super) struct Pending {
    pub(super) api: Api,
    pub(super) context: u64,
    pub(super) args: Vec<u8>,
    pub(super) deadline: Option<Timestamp>,
    /// Whether an agent may have seen it.
    pub(super) was_sent: bool,
    pub(super) answer: oneshot::Sender<Result<Reply>>,
}

/// A subscription.
pub(super) struct Listening {
    pub(super) context: u64,
    pub(super) events: Vec<Api>,
    pub(super) out: EventSender,
    /// The number of the last event that came, and of the last that the agent was told of.
    pub(super) taken: u64,
    pub(super) told: u64,
    pub(super) was_sent: bool,
}

impl Pending {
    /// Whether it may have had an effect by now, so that it is never sent again where it is not known.
    pub(super) fn may_have_run(&self) -> bool {
        self.was_sent && !may_repeat(self.api)
    }

    pub(super) fn send(&mut self, number: u64, out: &Outgoing, clock: &dyn Clock) {
        self.was_sent = true;
        let remaining = self.deadline.map(|at| millis(at - clock.now()));
        let (context, api) = (self.context, self.api.name());
        out.say(wire::Call { call: number, context, remaining, api, args: &self.args });
    }
}

impl Listening {
    pub(super) fn send(&mut self, number: u64, out: &Outgoing) {
        self.was_sent = true;
        self.told = self.taken;
        let events = self.events.iter().map(|event| event.name()).collect();
        out.say(wire::Subscribe { subscription: number, context: self.context, events, taken: self.taken });
    }
}

/// Takes those out of which `which` is true.
pub(super) fn take_if<T>(from: &mut Numbered<T>, which: impl Fn(&T) -> bool) -> Vec<T> {
    from.extract_if(|_, item| which(item)).map(|(_, item)| item).collect()
}

/// All of them in the order in which they were numbered.
pub(super) fn in_order<T>(from: &mut Numbered<T>) -> Vec<(u64, &mut T)> {
    let mut all: Vec<(u64, &mut T)> = from.iter_mut().map(|(number, item)| (*number, item)).collect();
    all.sort_unstable_by_key(|(number, _)| *number);
    all
}

fn millis(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}

/// A call that waits for room, counted from the moment it has to until it no longer does.
#[derive(Default)]
pub(super) struct Queued(Option<Arc<Shared>>);

impl Queued {
    pub(super) fn join(&mut self, shared: &Arc<Shared>) {
        if self.0.is_none() {
            shared.queued.fetch_add(1, Ordering::SeqCst);
            self.0 = Some(shared.clone());
        }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            shared.queued.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Whom to tell of an end, once the lock is free: what is woken may call back.
#[derive(Default)]
pub(super) struct Gone {
    answers: Vec<(oneshot::Sender<Result<Reply>>, Result<Reply>)>,
    pub(super) streams: Vec<EventSender>,
}

impl Gone {
    /// These calls fail, each in this way.
    pub(super) fn fail(&mut self, calls: impl IntoIterator<Item = Pending>, how: impl Fn(&Pending) -> Error) {
        self.answers.extend(calls.into_iter().map(|call| {
            let error = how(&call);
            (call.answer, Err(error))
        }));
    }

    pub(super) fn tell(self, room: &Notify) {
        room.notify_waiters();
        for (answer, result) in self.answers {
            let _ = answer.send(result); // who called may just have gone
        }
        drop(self.streams);
    }
}
