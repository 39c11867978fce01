use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use wx_api::{Api, ApiSet, Cx, Error};
use wx_host::Wx;

use super::{
    Agent, Inner, LIMITS, SessionKey,
    events::Subscription,
    journal::{Entry, Journal},
};
use crate::{
    LinkError,
    incoming::garbage,
    numbered::Numbered,
    outgoing::Outgoing,
    wire::{self, Context, Message, Subscribe, value},
};

/// After so many messages of one batch the answers to them are sent.
const TOGETHER: usize = 32;

/// What one process of a host has going with the agent, over any number of connections, one at a time.
pub(super) struct Session {
    pub(super) key: SessionKey,
    pub(super) wx: Wx,
    pub(super) journal: Arc<Journal>,
    state: Mutex<State>,
    /// Held by the connection that is listened to: what one says is done before another is heard.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
pub(super) struct State {
    /// The connection there is, and how many there were.
    pub(super) out: Option<Arc<Outgoing>>,
    connections: u64,
    /// Since when there has been none, after there was one.
    away_since: Option<Instant>,
    /// By number: over which connection it was last named, in which launch of the host, and who that is.
    pub(super) contexts: Numbered<(u64, u64, Cx)>,
    pub(super) calls: Numbered<Under>,
    subscriptions: Numbered<Subscription>,
}

/// A call, and over which connection the host last named it.
pub(super) struct Under {
    pub(super) connection: u64,
    pub(super) running: Running,
}

pub(super) enum Running {
    /// A task of its own runs it.
    Now(JoinHandle<()>),
    /// It has this answer, a whole message, which the host does not have for certain.
    Done(Arc<[u8]>),
}

impl Session {
    pub(super) fn new(agent: &Agent, key: SessionKey) -> Arc<Self> {
        let (wx, journal) = (agent.0.wx.clone(), agent.0.journal.clone());
        Arc::new(Self { key, wx, journal, state: Mutex::default(), turn: tokio::sync::Mutex::default() })
    }

    /// A session of an earlier life: what was done has its answer, and what was only begun will never have one.
    pub(super) fn recalled(agent: &Agent, key: SessionKey) -> Arc<Self> {
        let session = Self::new(agent, key);
        let calls = agent.0.journal.recall(key).unwrap_or_default().into_iter();
        let answered = calls.map(|(number, entry)| {
            let answer = match entry {
                Entry::Done(answer) => answer,
                Entry::Begun(api) => {
                    let api = Api::from_name(&api).unwrap_or(Api::Login); // the host goes by the call's number
                    let error = Error::outcome_unknown(api, "the device's agent ended before it had an answer");
                    Message::Failure(value::failure(number, &error)).to_vec().into()
                }
            };
            (number, Under { connection: 0, running: Running::Done(answer) })
        });
        session.lock().calls = answered.collect();
        session
    }

    pub(super) fn key(&self) -> SessionKey {
        self.key
    }

    /// Answers over this connection from now on; its number. The one before is closed.
    pub(super) fn attach(&self, out: Arc<Outgoing>) -> u64 {
        let mut state = self.lock();
        state.connections += 1;
        state.away_since = None;
        if let Some(before) = state.out.replace(out) {
            before.close();
        }
        state.connections
    }

    /// Whether this is the number of the connection there is, or was last.
    pub(super) fn is_of(&self, number: u64) -> bool {
        self.lock().connections == number
    }

    /// The connection with this number is no more. Unless the host is back in time, the session ends.
    pub(super) fn wait_for_its_host(self: &Arc<Self>, agent: &Agent, number: u64) {
        let mut state = self.lock();
        if state.connections != number {
            return; // there is a newer one
        }
        state.out = None;
        state.away_since = Some(Instant::now());
        drop(state);
        let (session, agent, linger) = (Arc::downgrade(self), Arc::downgrade(&agent.0), agent.0.linger);
        tokio::spawn(async move {
            sleep(linger).await;
            let Some(session) = session.upgrade() else { return };
            match agent.upgrade() {
                Some(agent) => Agent(agent).end(&session, number).await,
                None => session.stop().await, // nobody could come back to it
            }
        });
    }

    /// Since when its host has been away, if it is.
    pub(super) fn away_since(&self) -> Option<Instant> {
        self.lock().away_since
    }

    /// Says it, if there is a connection.
    pub(super) fn say<'a>(&self, message: impl Into<Message<'a>>) {
        if let Some(out) = &self.lock().out {
            out.say_after_all(message);
        }
    }

    /// Does what the host says over the connection with this number; `true` once it said goodbye.
    pub(super) async fn hear(
        self: &Arc<Self>,
        agent: &Inner,
        messages: Vec<Message<'_>>,
        number: u64,
        out: &Outgoing,
    ) -> Result<bool, LinkError> {
        let _turn = self.turn.lock().await;
        if !self.is_of(number) {
            return Err(garbage("something over a connection that another has taken the place of"));
        }
        // What has arrived makes room in the journal for what is to begin.
        for message in &messages {
            if let Message::Ack(wire::Ack { calls }) = message {
                self.forget(calls).await;
            }
        }
        let begun = self.begin_together(agent, &messages).await;
        for (place, message) in messages.into_iter().enumerate() {
            if place % TOGETHER == TOGETHER - 1 {
                tokio::task::yield_now().await; // what is answered so far goes out, and the host works on it meanwhile
            }
            match message {
                Message::Context(context) => self.introduce(&context, number)?,
                Message::Forget(wire::Forget { context }) => drop(self.lock().contexts.remove(&context)),
                Message::Call(call) => match Api::from_name(call.api) {
                    Some(api) => self.call(agent, api, &call, &begun, number, out),
                    // The host goes by the call's number.
                    None => out.say(value::failure(call.call, &Error::unsupported(Api::Login))),
                },
                Message::Cancel(wire::Cancel { call }) => self.forget(&[call]).await,
                Message::Ack(_) => {}
                Message::Subscribe(subscribe) => self.subscribe(&subscribe, number)?,
                Message::Unsubscribe(wire::Unsubscribe { subscription }) => self.unsubscribe(subscription).await,
                Message::Taken(wire::Taken { subscription, number }) => {
                    let state = self.lock().subscriptions.get(&subscription).map(Subscription::state);
                    if let Some(state) = state {
                        state.taken(number);
                    }
                }
                Message::Told(wire::Told {}) => self.forget_all_but(number).await,
                Message::Ping(wire::Ping { number }) => out.say(wire::Pong { number }),
                Message::Pong(wire::Pong { .. }) => {}
                Message::Goodbye(wire::Goodbye { reason }) => {
                    tracing::info!(reason = told(reason), "a host left");
                    return Ok(true);
                }
                _ => return Err(garbage("a message that is an agent's to send")),
            }
            if !out.has_room() {
                let silent = |_| LinkError::Silent(agent.silence.as_secs());
                tokio::time::timeout(agent.silence, out.room()).await.map_err(silent)?;
            }
        }
        Ok(false)
    }

    /// Ends what is under way, and forgets all of it.
    pub(super) async fn end(&self) {
        self.stop().await;
        if let Err(error) = self.journal.closed(self.key) {
            tracing::error!(%error, "the journal cannot be written");
        }
    }

    /// Ends what is under way; the journal keeps what it knows.
    pub(super) async fn stop(&self) {
        let (calls, subscriptions) = {
            let mut state = self.lock();
            (std::mem::take(&mut state.calls), std::mem::take(&mut state.subscriptions))
        };
        for under in calls.into_values() {
            under.running.stop().await;
        }
        for subscription in subscriptions.into_values() {
            subscription.stop().await;
        }
    }

    fn introduce(&self, context: &Context<'_>, number: u64) -> Result<(), LinkError> {
        let profile = value::profile(context.profile).map_err(garbage)?;
        let mut state = self.lock();
        // Those of an earlier connection may be named again, or forgotten once the host has told all.
        let of_this = state.contexts.values().filter(|(connection, ..)| *connection == number).count();
        if of_this >= LIMITS.contexts as usize && !state.contexts.contains_key(&context.number) {
            return Err(garbage("more contexts than were agreed on"));
        }
        // Contexts of one launch there are contexts of one launch here.
        let same = |(_, launch, cx): &&(u64, u64, Cx)| *launch == context.launch && cx.app().as_str() == context.app;
        let cx = match state.contexts.values().find(same) {
            Some((_, _, cx)) => cx.clone(),
            None => Cx::new(context.app),
        };
        let cx = cx.with_user(context.user).with_profile(profile);
        state.contexts.insert(context.number, (number, context.launch, cx));
        Ok(())
    }

    /// Nobody waits for these calls any more: they are stopped, if they still run, and forgotten.
    async fn forget(&self, calls: &[u64]) {
        let known: Vec<Under> = {
            let mut state = self.lock();
            calls.iter().filter_map(|call| state.calls.remove(call)).collect()
        };
        for under in known {
            under.running.stop().await;
        }
        self.settle(calls.to_vec());
    }

    pub(super) fn settle(&self, calls: Vec<u64>) {
        // They stay in the journal, then, and are settled with their session.
        if let Err(error) = self.journal.settled(self.key, calls) {
            tracing::error!(%error, "the journal cannot be written");
        }
    }

    /// The host has said all that it still wants; what it did not name over this connection it does not want.
    async fn forget_all_but(&self, number: u64) {
        let (calls, subscriptions) = {
            let mut state = self.lock();
            state.contexts.retain(|_, (connection, ..)| *connection == number);
            let calls = state.calls.iter().filter(|(_, under)| under.connection != number).map(|(call, _)| *call);
            let calls: Vec<u64> = calls.collect();
            let unnamed = state.subscriptions.iter().filter(|(_, subscription)| subscription.connection != number);
            (calls, unnamed.map(|(subscription, _)| *subscription).collect::<Vec<u64>>())
        };
        self.forget(&calls).await;
        for subscription in subscriptions {
            self.unsubscribe(subscription).await;
        }
    }

    fn subscribe(self: &Arc<Self>, wanted: &Subscribe<'_>, number: u64) -> Result<(), LinkError> {
        let (known, cx) = {
            let mut state = self.lock();
            let cx = state.contexts.get(&wanted.context).map(|(_, _, cx)| cx.clone());
            let known = state.subscriptions.get_mut(&wanted.subscription).map(|subscription| {
                subscription.connection = number;
                subscription.state()
            });
            let of_this = state.subscriptions.values().filter(|subscription| subscription.connection == number).count();
            if known.is_none() && of_this >= LIMITS.subscriptions as usize {
                return Err(garbage("more subscriptions than were agreed on"));
            }
            (known, cx)
        };
        if let Some(known) = known {
            known.taken(wanted.taken);
            known.again(self);
            return Ok(());
        }
        let events: ApiSet = wanted.events.iter().filter_map(|name| Api::from_name(name)).collect();
        let subscribe = || cx.and_then(|cx| self.wx.subscribe(&cx, events).ok());
        match std::panic::catch_unwind(AssertUnwindSafe(subscribe)).unwrap_or_default() {
            Some(stream) => {
                let subscription = Subscription::start(wanted.subscription, stream, self.clone(), number);
                self.lock().subscriptions.insert(wanted.subscription, subscription);
            }
            None => self.say(wire::Ended { subscription: wanted.subscription }),
        }
        Ok(())
    }

    async fn unsubscribe(&self, subscription: u64) {
        let subscription = self.lock().subscriptions.remove(&subscription);
        if let Some(subscription) = subscription {
            subscription.stop().await;
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner) // every change under the lock is whole
    }
}

impl State {
    /// How many calls run. Those that are done cost no more than what they hold, which the journal limits.
    pub(super) fn running(&self) -> usize {
        if self.calls.len() < LIMITS.calls as usize {
            return self.calls.len();
        }
        self.calls.values().filter(|under| matches!(under.running, Running::Now(_))).count()
    }
}

impl Running {
    async fn stop(self) {
        if let Self::Now(task) = self {
            task.abort();
            let _ = task.await; // it was told to end, so that it did is no news
        }
    }
}

/// What the other end says of itself, fit for a log.
pub(super) fn told(text: &str) -> String {
    text.chars().take(200).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use std::time::Duration;

    use wx_api::Host;
    use wx_host::TokioClock;

    use super::*;
    use crate::KeyRing;

    #[tokio::test]
    async fn what_still_comes_over_a_connection_whose_place_was_taken_is_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Arc::new(KeyRing::open(folder.path().join("keys")).unwrap());
        let agent = Agent::builder(Wx::builder(Host::default()).build(), keys, Arc::new(TokioClock));
        let agent = agent.linger(Duration::from_secs(1)).start(folder.path().join("journal")).unwrap();
        let session = Session::new(&agent, SessionKey::test(1));
        let (first, second) = (Arc::new(Outgoing::default()), Arc::new(Outgoing::default()));
        let old = session.attach(first.clone());
        let new = session.attach(second.clone());
        let goodbye = || vec![wire::Goodbye { reason: "" }.into()];
        session.hear(&agent.0, goodbye(), old, &first).await.unwrap_err();
        assert!(session.hear(&agent.0, goodbye(), new, &second).await.unwrap());
    }
}
