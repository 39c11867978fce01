use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use wx_api::{Api, ApiSet, Cx, Effect, Error, ErrorKind, Reply, Result};
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
    wire::{self, Call, Context, Message, Subscribe, value},
};

/// What one process of a host has going with the agent, over any number of connections, one at a time.
pub(super) struct Session {
    key: SessionKey,
    wx: Wx,
    journal: Arc<Journal>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The connection there is, and how many there were.
    out: Option<Arc<Outgoing>>,
    connections: u64,
    /// Since when there has been none, after there was one.
    away_since: Option<Instant>,
    contexts: Numbered<(u64, Cx)>,
    calls: Numbered<Running>,
    subscriptions: Numbered<Subscription>,
}

enum Running {
    /// A task of its own runs it.
    Now(JoinHandle<()>),
    /// It has this answer, a whole message, which the host does not have for certain.
    Done(Arc<[u8]>),
}

impl Session {
    pub(super) fn new(agent: &Agent, key: SessionKey) -> Arc<Self> {
        let (wx, journal) = (agent.0.wx.clone(), agent.0.journal.clone());
        Arc::new(Self { key, wx, journal, state: Mutex::default() })
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
            (number, Running::Done(answer))
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

    /// The connection with this number is no more. Unless the host is back in time, the session ends.
    pub(super) fn wait_for_its_host(self: &Arc<Self>, agent: &Agent, number: u64) {
        let mut state = self.lock();
        if state.connections != number {
            return; // there is a newer one
        }
        state.out = None;
        state.away_since = Some(Instant::now());
        drop(state);
        let (session, agent) = (Arc::downgrade(self), Arc::downgrade(&agent.0));
        tokio::spawn(async move {
            let Some(linger) = agent.upgrade().map(|agent| agent.linger) else { return };
            sleep(linger).await;
            let Some((session, agent)) = session.upgrade().zip(agent.upgrade()) else { return };
            if session.lock().connections == number {
                Agent(agent).sessions().remove(&session.key);
                session.end().await;
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
            out.say(message);
        }
    }

    /// Does what the host says; `true` once it said goodbye.
    pub(super) async fn hear(
        self: &Arc<Self>,
        agent: &Inner,
        messages: Vec<Message<'_>>,
        out: &Outgoing,
    ) -> std::result::Result<bool, LinkError> {
        let begun = self.begin_together(agent, &messages).await;
        for message in messages {
            match message {
                Message::Context(context) => self.introduce(&context)?,
                Message::Forget(wire::Forget { context }) => drop(self.lock().contexts.remove(&context)),
                Message::Call(call) => match (Api::from_name(call.api), &begun) {
                    (Some(api), Err(error)) if !is_read(api) => {
                        out.say(value::failure(call.call, &Error::internal(api, error)))
                    }
                    (Some(api), _) => self.call(agent, api, &call, out),
                    // The host goes by the call's number.
                    (None, _) => out.say(value::failure(call.call, &Error::unsupported(Api::Login))),
                },
                Message::Cancel(wire::Cancel { call }) => self.forget(vec![call]).await?,
                Message::Ack(wire::Ack { calls }) => self.forget(calls).await?,
                Message::Subscribe(subscribe) => self.subscribe(&subscribe)?,
                Message::Unsubscribe(wire::Unsubscribe { subscription }) => {
                    let subscription = self.lock().subscriptions.remove(&subscription);
                    if let Some(subscription) = subscription {
                        subscription.stop().await;
                    }
                }
                Message::Taken(wire::Taken { subscription, number }) => {
                    if let Some(subscription) = self.lock().subscriptions.get(&subscription) {
                        subscription.taken(number);
                    }
                }
                Message::Ping(wire::Ping { number }) => out.say(wire::Pong { number }),
                Message::Pong(wire::Pong { .. }) => {}
                Message::Goodbye(wire::Goodbye { reason }) => {
                    tracing::info!(reason, "a host left");
                    return Ok(true);
                }
                _ => return Err(garbage("a message that is an agent's to send")),
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
        for running in calls.into_values() {
            running.stop().await;
        }
        for subscription in subscriptions.into_values() {
            subscription.stop().await;
        }
    }

    fn introduce(&self, context: &Context<'_>) -> std::result::Result<(), LinkError> {
        let profile = value::profile(context.profile).map_err(garbage)?;
        let mut state = self.lock();
        if state.contexts.len() >= LIMITS.contexts as usize && !state.contexts.contains_key(&context.number) {
            return Err(garbage("more contexts than were agreed on"));
        }
        // Contexts of one launch there are contexts of one launch here.
        let same = |(launch, cx): &&(u64, Cx)| *launch == context.launch && cx.app().as_str() == context.app;
        let cx = match state.contexts.values().find(same) {
            Some((_, cx)) => cx.clone(),
            None => Cx::new(context.app),
        };
        let cx = cx.with_user(context.user).with_profile(profile);
        state.contexts.insert(context.number, (context.launch, cx));
        Ok(())
    }

    /// Writes down all calls of one batch that must not run twice, together: one wait for the disk serves them all.
    async fn begin_together(&self, agent: &Inner, messages: &[Message<'_>]) -> std::io::Result<()> {
        let once = messages.iter().filter_map(|message| match message {
            Message::Call(call) if Api::from_name(call.api).is_some_and(|api| !is_read(api)) => Some((call.call, call.api)),
            _ => None,
        });
        let mut calls: Vec<(u64, &str)> = once.collect();
        if calls.is_empty() {
            return Ok(());
        }
        {
            let state = self.lock();
            calls.retain(|(number, _)| !state.calls.contains_key(number));
        }
        if agent.journal.is_full() {
            return Err(std::io::Error::other("the device keeps as many answers as it may: take those there are first"));
        }
        for (number, api) in &calls {
            tracing::debug!(target: "wx_device::journal", step = "received", number, api);
        }
        agent.journal.begun(self.key, &calls).await?;
        for (number, api) in &calls {
            tracing::debug!(target: "wx_device::journal", step = "begun", number, api);
        }
        Ok(())
    }

    fn call(self: &Arc<Self>, agent: &Inner, api: Api, call: &Call<'_>, out: &Outgoing) {
        let number = call.call;
        let cx = {
            let mut state = self.lock();
            match state.calls.get(&number) {
                Some(Running::Now(_)) => return, // it will answer over this connection
                Some(Running::Done(answer)) => {
                    if let Ok(answer) = minicbor::decode::<Message<'_>>(answer) {
                        out.say(answer);
                    }
                    if is_read(api) {
                        state.calls.remove(&number); // the host does not say that it has this one
                    }
                    return;
                }
                None if state.calls.len() >= LIMITS.calls as usize => {
                    return out.say(value::failure(number, &Error::new(api, ErrorKind::Refused, "too many calls at a time")));
                }
                None => state.contexts.get(&call.context).map(|(_, cx)| cx.clone()),
            }
        };
        match read(agent, api, cx, call) {
            Ok((cx, request)) => self.run(number, cx, request, out),
            Err(error) => self.answer(number, api, Err(error), out),
        }
    }

    /// Runs a call: here, if it answers at once, and else in a task of its own.
    fn run(self: &Arc<Self>, number: u64, cx: Cx, call: wx_api::Call, out: &Outgoing) {
        let (wx, api) = (self.wx.clone(), call.api());
        let mut running = Box::pin(AssertUnwindSafe(async move { wx.invoke(&cx, call).await }).catch_unwind());
        let result = move |caught: std::thread::Result<Result<Reply>>| {
            caught.unwrap_or_else(|_| Err(Error::internal(api, "the backend panicked")))
        };
        // This waker does nothing: whoever has not answered at once is asked again by its task.
        let first = running.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        if let Poll::Ready(caught) = first {
            return self.answer(number, api, result(caught), out);
        }
        // Under the lock, so that a task that ends at once finds its call.
        let mut state = self.lock();
        let session = self.clone();
        let task = tokio::spawn(async move { session.answer_later(number, api, result(running.await)) });
        state.calls.insert(number, Running::Now(task));
    }

    /// Answers a call over the connection it came by, where its host is waiting.
    fn answer(&self, number: u64, api: Api, result: Result<Reply>, out: &Outgoing) {
        let result = written(api, result);
        let message = message(number, &result);
        if !is_read(api) {
            let answer = self.keep(number, &message);
            self.lock().calls.insert(number, Running::Done(answer));
        }
        out.say(message);
        tracing::debug!(target: "wx_device::journal", step = "said", number);
    }

    /// Answers a call that took its time, over the connection there is.
    fn answer_later(&self, number: u64, api: Api, result: Result<Reply>) {
        let result = written(api, result);
        let message = message(number, &result);
        let answer = if is_read(api) { message.to_vec().into() } else { self.keep(number, &message) };
        let mut state = self.lock();
        if !state.calls.contains_key(&number) {
            return; // nobody waits any more
        }
        let was_said = state.out.as_ref().map(|out| out.say(message)).is_some();
        if was_said && is_read(api) {
            state.calls.remove(&number); // should this answer be lost, the host asks again
        } else {
            state.calls.insert(number, Running::Done(answer));
        }
        drop(state);
        tracing::debug!(target: "wx_device::journal", step = "said", number);
    }

    /// Writes an answer down, before it leaves.
    fn keep(&self, number: u64, message: &Message<'_>) -> Arc<[u8]> {
        let answer: Arc<[u8]> = message.to_vec().into();
        tracing::debug!(target: "wx_device::journal", step = "ran", number);
        if let Err(error) = self.journal.done(self.key, number, &answer) {
            tracing::error!(%error, "the journal cannot be written");
        }
        tracing::debug!(target: "wx_device::journal", step = "done", number);
        answer
    }

    /// Nobody waits for these calls any more: they are stopped, if they still run, and forgotten.
    async fn forget(&self, calls: Vec<u64>) -> std::io::Result<()> {
        let known: Vec<(u64, Running)> = {
            let mut state = self.lock();
            calls.into_iter().filter_map(|call| Some((call, state.calls.remove(&call)?))).collect()
        };
        let settled = known.iter().map(|(call, _)| *call).collect();
        for (_, running) in known {
            running.stop().await;
        }
        self.journal.settled(self.key, settled)
    }

    fn subscribe(self: &Arc<Self>, wanted: &Subscribe<'_>) -> std::result::Result<(), LinkError> {
        let state = self.lock();
        if let Some(subscription) = state.subscriptions.get(&wanted.subscription) {
            subscription.taken(wanted.taken);
            drop(state);
            let subscription = self.lock().subscriptions.remove(&wanted.subscription);
            if let Some(subscription) = subscription {
                subscription.again(self);
                self.lock().subscriptions.insert(wanted.subscription, subscription);
            }
            return Ok(());
        }
        if state.subscriptions.len() >= LIMITS.subscriptions as usize {
            return Err(garbage("more subscriptions than were agreed on"));
        }
        let cx = state.contexts.get(&wanted.context).map(|(_, cx)| cx.clone());
        drop(state);
        let events: ApiSet = wanted.events.iter().filter_map(|name| Api::from_name(name)).collect();
        let stream = cx.and_then(|cx| self.wx.subscribe(&cx, events).ok());
        match stream {
            Some(stream) => {
                let subscription = Subscription::start(wanted.subscription, stream, self.clone());
                self.lock().subscriptions.insert(wanted.subscription, subscription);
            }
            None => self.say(wire::Ended { subscription: wanted.subscription }),
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner) // every change under the lock is whole
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

/// What a call asks for, and who asks until when.
fn read(agent: &Inner, api: Api, cx: Option<Cx>, call: &Call<'_>) -> Result<(Cx, wx_api::Call)> {
    if !agent.supported.contains(api) {
        return Err(Error::unsupported(api));
    }
    let cx = cx.ok_or_else(|| Error::internal(api, "the host did not say who calls"))?;
    let cx = match call.remaining {
        Some(remaining) => cx.with_deadline(agent.clock.now() + Duration::from_millis(remaining)),
        None => cx,
    };
    let request = value::call(api, call.args).map_err(|error| Error::internal(api, error))?;
    Ok((cx, request))
}

/// An answer as it is written.
fn written(api: Api, result: Result<Reply>) -> Result<Vec<u8>> {
    value::encode(&result?).map_err(|error| Error::internal(api, error))
}

fn message<'a>(number: u64, result: &'a Result<Vec<u8>>) -> Message<'a> {
    match result {
        Ok(result) => Message::Reply(wire::Reply { call: number, result }),
        Err(error) => Message::Failure(value::failure(number, error)),
    }
}

/// Whether a call changes nothing, so that it may be repeated and need not be remembered.
fn is_read(api: Api) -> bool {
    api.facts().is_some_and(|facts| facts.effect == Effect::Read)
}
