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

/// The longest result. Hosts take twice as much.
const LONGEST: usize = 8 << 20;

/// What one process of a host has going with the agent, over any number of connections, one at a time.
pub(super) struct Session {
    key: SessionKey,
    wx: Wx,
    journal: Arc<Journal>,
    state: Mutex<State>,
    /// Held by the connection that is listened to: what one says is done before another is heard.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// The connection there is, and how many there were.
    out: Option<Arc<Outgoing>>,
    connections: u64,
    /// Since when there has been none, after there was one.
    away_since: Option<Instant>,
    /// By number: over which connection it was last named, in which launch of the host, and who that is.
    contexts: Numbered<(u64, u64, Cx)>,
    calls: Numbered<Under>,
    subscriptions: Numbered<Subscription>,
}

/// A call, and over which connection the host last named it.
struct Under {
    connection: u64,
    running: Running,
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
    ) -> std::result::Result<bool, LinkError> {
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
        for message in messages {
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

    fn introduce(&self, context: &Context<'_>, number: u64) -> std::result::Result<(), LinkError> {
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

    /// Writes down all calls of one batch that must not run twice and are not known yet, together: one wait for the disk serves them all.
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
            // Those for which there is no room are refused, and leave nothing behind.
            calls.truncate((LIMITS.calls as usize).saturating_sub(state.running()));
        }
        if calls.is_empty() {
            return Ok(());
        }
        if agent.journal.is_full() {
            return Err(std::io::Error::other("the device keeps as many answers as it may: take those there are first"));
        }
        for (number, api) in &calls {
            tracing::debug!(target: "wx_device::journal", step = "received", number, api);
        }
        if let Err(error) = agent.journal.begun(self.key, &calls).await {
            self.settle(calls.into_iter().map(|(number, _)| number).collect());
            return Err(error);
        }
        for (number, api) in &calls {
            tracing::debug!(target: "wx_device::journal", step = "begun", number, api);
        }
        Ok(())
    }

    fn call(
        self: &Arc<Self>,
        agent: &Inner,
        api: Api,
        call: &Call<'_>,
        begun: &std::io::Result<()>,
        connection: u64,
        out: &Outgoing,
    ) {
        let number = call.call;
        let refuse = |error: &Error| out.say(value::failure(number, error));
        let cx = {
            let mut state = self.lock();
            let cx = state.contexts.get(&call.context).map(|(_, _, cx)| cx.clone());
            let running = state.running();
            match state.calls.get_mut(&number) {
                Some(Under { connection: named, running: Running::Now(_) }) => {
                    *named = connection;
                    return; // it will answer over this connection
                }
                Some(Under { connection: named, running: Running::Done(answer) }) => {
                    *named = connection;
                    if let Ok(answer) = minicbor::decode::<Message<'_>>(answer) {
                        out.say(answer);
                    }
                    if is_read(api) {
                        state.calls.remove(&number); // the host does not say that it has this one
                    }
                    return;
                }
                None if running >= LIMITS.calls as usize => {
                    return refuse(&Error::new(api, ErrorKind::Refused, "too many calls at a time"));
                }
                None => cx,
            }
        };
        if let (Err(error), false) = (begun, is_read(api)) {
            return refuse(&Error::internal(api, error));
        }
        match read(agent, api, cx, call) {
            Ok((cx, request)) => self.run(number, cx, request, connection, out),
            Err(error) => self.answer(number, api, Err(error), connection, out),
        }
    }

    /// Runs a call: here, if it answers at once, and else in a task of its own.
    fn run(self: &Arc<Self>, number: u64, cx: Cx, call: wx_api::Call, connection: u64, out: &Outgoing) {
        let (wx, api) = (self.wx.clone(), call.api());
        let mut running = Box::pin(AssertUnwindSafe(async move { wx.invoke(&cx, call).await }).catch_unwind());
        let result = move |caught: std::thread::Result<Result<Reply>>| {
            caught.unwrap_or_else(|_| Err(Error::internal(api, "the backend panicked")))
        };
        // This waker does nothing: whoever has not answered at once is asked again by its task.
        let first = running.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        if let Poll::Ready(caught) = first {
            return self.answer(number, api, result(caught), connection, out);
        }
        // Under the lock, so that a task that ends at once finds its call.
        let mut state = self.lock();
        let session = self.clone();
        let task = tokio::spawn(async move { session.answer_later(number, api, result(running.await)) });
        state.calls.insert(number, Under { connection, running: Running::Now(task) });
    }

    /// Answers a call over the connection it came by, where its host is waiting.
    fn answer(&self, number: u64, api: Api, result: Result<Reply>, connection: u64, out: &Outgoing) {
        let result = written(api, result);
        let message = message(number, &result);
        if !is_read(api) {
            let answer = self.keep(number, &message);
            self.lock().calls.insert(number, Under { connection, running: Running::Done(answer) });
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
        let Some(connection) = state.calls.get(&number).map(|under| under.connection) else { return }; // nobody waits any more
        let was_said = state.out.as_ref().map(|out| out.say(message)).is_some();
        if was_said && is_read(api) {
            state.calls.remove(&number); // should this answer be lost, the host asks again
        } else {
            state.calls.insert(number, Under { connection, running: Running::Done(answer) });
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

    fn settle(&self, calls: Vec<u64>) {
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

    fn subscribe(self: &Arc<Self>, wanted: &Subscribe<'_>, number: u64) -> std::result::Result<(), LinkError> {
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

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner) // every change under the lock is whole
    }
}

impl State {
    /// How many calls run. Those that are done cost no more than what they hold, which the journal limits.
    fn running(&self) -> usize {
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
    let written = value::encode(&result?).map_err(|error| Error::internal(api, error))?;
    if written.len() < LONGEST { Ok(written) } else { Err(Error::internal(api, "the answer is longer than a link carries")) }
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

/// What the other end says of itself, fit for a log.
pub(super) fn told(text: &str) -> String {
    text.chars().take(200).flat_map(char::escape_debug).collect()
}
