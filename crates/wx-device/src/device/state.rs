use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, oneshot};
use wx_api::{Api, ApiSet, Clock, Cx, Effect, Error, ErrorKind, EventSender, Reply, Result, Timestamp};

use super::{calls::Waiting, contexts::Contexts};
use crate::{
    LinkError,
    outgoing::Outgoing,
    wire::{self, Limits, Message, Welcome, value},
};

/// What all clones of a device and its driver share.
pub(super) struct Shared {
    pub(super) session: [u8; 16],
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// There is room for another call, or none is needed any more; and how many calls wait for it.
    room: Notify,
    queued: AtomicUsize,
    /// The driver has ended.
    over: Notify,
}

#[derive(Default)]
struct State {
    /// The link, while there is one.
    out: Option<Arc<Outgoing>>,
    /// Why there is none, and whether calls are to wait for one.
    away: Away,
    epoch: Option<[u8; 16]>,
    limits: Option<Limits>,
    supported: ApiSet,
    contexts: Contexts,
    next: u64,
    calls: HashMap<u64, Pending>,
    subscriptions: HashMap<u64, Listening>,
    /// What the agent should forget, and was not told: calls that nobody waits for, or whose answers are here.
    forgotten: Vec<u64>,
    pings: HashMap<u64, oneshot::Sender<()>>,
    is_over: bool,
}

#[derive(Default)]
enum Away {
    /// It will soon be back, as far as anybody knows.
    #[default]
    Briefly,
    /// For so long that waiting makes no sense: why.
    Long(String),
}

struct Pending {
    api: Api,
    context: u64,
    args: Vec<u8>,
    deadline: Option<Timestamp>,
    /// Whether an agent may have seen it.
    was_sent: bool,
    answer: oneshot::Sender<Result<Reply>>,
}

struct Listening {
    context: u64,
    events: Vec<Api>,
    out: EventSender,
    /// The number of the last event that came, and of the last that the agent was told of.
    taken: u64,
    told: u64,
    was_sent: bool,
}

/// After so many events the agent is told that they came.
const TELL: u64 = 32;

impl Shared {
    pub(super) fn new(clock: Arc<dyn Clock>) -> std::result::Result<Arc<Self>, LinkError> {
        let mut session = [0; 16];
        getrandom::fill(&mut session).map_err(std::io::Error::other)?;
        Ok(Arc::new(Self { session, clock, state: Mutex::default(), room: Notify::new(), queued: AtomicUsize::new(0), over: Notify::new() }))
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(super) fn supported(&self) -> ApiSet {
        self.lock().supported
    }

    /// Calls, now or as soon as there is a link and the agent takes another call; or why not.
    pub(super) async fn call(self: &Arc<Self>, cx: &Cx, api: Api, args: Vec<u8>) -> Result<Waiting> {
        let mut pending = Some((args, Queued::default()));
        loop {
            let room = {
                let mut state = self.lock();
                if !state.supported.contains(api) {
                    return Err(Error::unsupported(api));
                }
                let away = |why| Error::new(api, ErrorKind::Unavailable, why);
                state.check().map_err(away)?;
                if state.has_room()
                    && let Some((args, _)) = pending.take()
                {
                    let context = state.context(cx).map_err(away)?;
                    return Ok(self.begin(&mut state, context, cx.deadline(), api, args));
                }
                // Still under the lock: whoever makes room from here on sees that somebody waits for it.
                if let Some((_, queued)) = &mut pending {
                    queued.join(self);
                }
                self.room.notified()
            };
            room.await;
        }
    }

    fn begin(self: &Arc<Self>, state: &mut State, context: u64, deadline: Option<Timestamp>, api: Api, args: Vec<u8>) -> Waiting {
        state.next += 1;
        let number = state.next;
        let (answer, answered) = oneshot::channel();
        let mut pending = Pending { api, context, args, deadline, was_sent: false, answer };
        if let Some(out) = &state.out {
            pending.send(number, out, &*self.clock);
        }
        state.calls.insert(number, pending);
        Waiting::new(self.clone(), number, answered)
    }

    /// There is one call less.
    fn one_less(&self) {
        if self.queued.load(Ordering::SeqCst) > 0 {
            self.room.notify_one();
        }
    }

    /// Nobody waits for this call any more.
    pub(super) fn cancel(&self, number: u64) {
        let mut state = self.lock();
        let Some(pending) = state.calls.remove(&number) else { return };
        self.one_less();
        match &state.out {
            Some(out) => out.say_after_all(wire::Cancel { call: number }),
            None if pending.was_sent => state.forgotten.push(number),
            None => {}
        }
        drop(state);
    }

    pub(super) fn subscribe(self: &Arc<Self>, cx: &Cx, events: &[Api], out: EventSender) -> std::result::Result<(), String> {
        let mut state = self.lock();
        state.check()?;
        if state.limits.is_some_and(|limits| state.subscriptions.len() >= limits.subscriptions as usize) {
            return Err("the device takes no more subscriptions".to_owned());
        }
        let context = state.context(cx)?;
        state.next += 1;
        let number = state.next;
        let events = events.to_vec();
        let mut listening = Listening { context, events, out: out.clone(), taken: 0, told: 0, was_sent: false };
        if let Some(out) = &state.out {
            listening.send(number, out);
        }
        state.subscriptions.insert(number, listening);
        drop(state);
        let shared = Arc::downgrade(self);
        out.on_close(move || {
            if let Some(shared) = shared.upgrade() {
                shared.unsubscribe(number);
            }
        });
        Ok(())
    }

    fn unsubscribe(&self, number: u64) {
        let mut state = self.lock();
        let gone = state.subscriptions.remove(&number);
        if let (Some(_), Some(out)) = (&gone, &state.out) {
            out.say(wire::Unsubscribe { subscription: number });
        }
        drop(state);
        drop(gone); // not under the lock: whatever a sender holds may call back
    }

    pub(super) fn ping(&self) -> std::result::Result<oneshot::Receiver<()>, String> {
        let mut state = self.lock();
        state.check()?;
        let Some(out) = state.out.clone() else { return Err("the device is away".to_owned()) };
        let (pong, ponged) = oneshot::channel();
        state.next += 1;
        let number = state.next;
        state.pings.insert(number, pong);
        drop(state);
        out.say_after_all(wire::Ping { number });
        Ok(ponged)
    }

    pub(super) async fn ended(&self) {
        loop {
            let over = self.over.notified();
            if self.lock().is_over {
                return;
            }
            over.await;
        }
    }

    /// There is a link. Everything that is still of use is said again, before anything new.
    pub(super) fn attach(&self, out: Arc<Outgoing>, welcome: &Welcome<'_>) {
        let mut gone = Gone::default();
        let mut state = self.lock();
        let is_new = state.epoch.replace(welcome.epoch).is_some_and(|epoch| epoch != welcome.epoch);
        state.supported = welcome.apis.iter().filter_map(|name| Api::from_name(name)).collect();
        state.limits = Some(welcome.limits);
        if !welcome.resumed {
            state.forgotten.clear();
            let lost = take_if(&mut state.calls, |call| call.was_sent && !call.may_repeat());
            let error = |call: Pending| {
                let error = Error::outcome_unknown(call.api, "the device no longer knows what this host asked of it");
                (call.answer, Err(error))
            };
            gone.answers.extend(lost.into_iter().map(error));
        }
        if is_new || !welcome.resumed {
            let ended = take_if(&mut state.subscriptions, |listening| listening.was_sent);
            gone.streams.extend(ended.into_iter().map(|listening| listening.out));
        }
        let State { contexts, calls, subscriptions, forgotten, .. } = &mut *state;
        for (number, cx) in contexts.all() {
            introduce(number, cx, &out);
        }
        if !forgotten.is_empty() {
            out.say(wire::Ack { calls: std::mem::take(forgotten) });
        }
        for (number, listening) in in_order(subscriptions) {
            listening.send(number, &out);
        }
        for (number, call) in in_order(calls) {
            call.send(number, &out, &*self.clock);
        }
        state.out = Some(out);
        state.away = Away::Briefly;
        drop(state);
        gone.tell(&self.room);
    }

    /// There is no link any more.
    pub(super) fn detach(&self) {
        let mut state = self.lock();
        state.out = None;
        let pings = std::mem::take(&mut state.pings);
        drop(state);
        drop(pings); // who waits for a pong learns that none will come
    }

    /// The device is away for longer than anybody should wait: calls that no agent has seen fail, and so do reads.
    pub(super) fn stop_waiting(&self, why: &str) {
        let mut state = self.lock();
        let why = format!("the device is away: {why}");
        let waiting = take_if(&mut state.calls, |call| !call.was_sent || call.may_repeat());
        let failed = waiting.into_iter().map(|call| (call.answer, Err(Error::new(call.api, ErrorKind::Unavailable, why.clone()))));
        let gone = Gone { answers: failed.collect(), streams: Vec::new() };
        state.away = Away::Long(why);
        drop(state);
        gone.tell(&self.room);
    }

    /// The device is away for so long that it has forgotten what it was asked.
    pub(super) fn give_up(&self, why: &str) {
        let mut state = self.lock();
        let error = |call: &Pending| Error::outcome_unknown(call.api, format_args!("the device is away: {why}"));
        let answers = std::mem::take(&mut state.calls).into_values().map(|call| {
            let error = error(&call);
            (call.answer, Err(error))
        });
        let gone = Gone { answers: answers.collect(), streams: Vec::new() };
        drop(state);
        gone.tell(&self.room);
    }

    /// Nothing will ever come any more.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.is_over = true;
        let calls = std::mem::take(&mut state.calls);
        let subscriptions = std::mem::take(&mut state.subscriptions);
        let pings = std::mem::take(&mut state.pings);
        drop(state);
        drop((calls, subscriptions, pings)); // whoever waits learns that nothing will come
        self.room.notify_waiters();
        self.over.notify_waiters();
    }

    /// Does what the agent says. Answers that the agent should know to have arrived are added to `arrived`.
    pub(super) fn hear(&self, message: &Message<'_>, arrived: &mut Vec<u64>) -> std::result::Result<(), LinkError> {
        match message {
            Message::Reply(wire::Reply { call, result }) => self.answer(*call, arrived, |api| match value::reply(api, result) {
                Ok(reply) => Ok(reply),
                Err(error) => Err(Error::internal(api, error)),
            }),
            Message::Failure(failure) => self.answer(failure.call, arrived, |api| Err(value::error(api, failure))),
            Message::Event(event) => {
                let Some(out) = self.next_of(event.subscription, event.number) else { return Ok(()) };
                if let Some(api) = Api::from_name(event.event) {
                    out.send(value::event(api, event.payload).map_err(crate::incoming::garbage)?);
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
            _ => return Err(crate::incoming::garbage("a message that is a host's to send")),
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

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner) // every change under the lock is whole
    }
}

impl State {
    /// Whether calls can be made; why not.
    fn check(&self) -> std::result::Result<(), String> {
        match &self.away {
            _ if self.is_over => Err("the link was closed".to_owned()),
            Away::Long(why) => Err(why.clone()),
            Away::Briefly => Ok(()),
        }
    }

    /// Whether the agent takes another call.
    fn has_room(&self) -> bool {
        self.limits.is_none_or(|limits| self.calls.len() < limits.calls as usize)
    }

    /// The number of who calls, which the agent knows once this is over.
    fn context(&mut self, cx: &Cx) -> std::result::Result<u64, String> {
        let most = self.limits.map_or(usize::MAX, |limits| limits.contexts as usize);
        let Self { contexts, calls, subscriptions, .. } = self;
        let used = |number| {
            let mut in_use = calls.values().map(|call| call.context).chain(subscriptions.values().map(|listening| listening.context));
            in_use.any(|context| context == number)
        };
        let known = contexts.number(cx, most, used);
        let (number, news) = known.ok_or("the device takes calls of no more apps, users and launches at a time")?;
        if let (Some(news), Some(out)) = (news, &self.out) {
            if let Some(context) = news.forgotten {
                out.say(wire::Forget { context });
            }
            introduce(number, cx, out);
        }
        Ok(number)
    }
}

fn introduce(number: u64, cx: &Cx, out: &Outgoing) {
    // A profile is three short fields, which always have a form.
    let profile = value::encode(cx.profile()).unwrap_or_default();
    out.say(value::context(number, cx, &profile));
}

impl Pending {
    fn may_repeat(&self) -> bool {
        self.api.facts().is_some_and(|facts| facts.effect == Effect::Read)
    }

    fn send(&mut self, number: u64, out: &Outgoing, clock: &dyn Clock) {
        self.was_sent = true;
        let remaining = self.deadline.map(|at| millis(at - clock.now()));
        let (context, api) = (self.context, self.api.name());
        out.say(wire::Call { call: number, context, remaining, api, args: &self.args });
    }
}

impl Listening {
    fn send(&mut self, number: u64, out: &Outgoing) {
        self.was_sent = true;
        self.told = self.taken;
        let events = self.events.iter().map(|event| event.name()).collect();
        out.say(wire::Subscribe { subscription: number, context: self.context, events, taken: self.taken });
    }
}

/// Takes those out of which `which` is true.
fn take_if<T>(from: &mut HashMap<u64, T>, which: impl Fn(&T) -> bool) -> Vec<T> {
    from.extract_if(|_, item| which(item)).map(|(_, item)| item).collect()
}

/// All of them in the order in which they were numbered.
fn in_order<T>(from: &mut HashMap<u64, T>) -> Vec<(u64, &mut T)> {
    let mut all: Vec<(u64, &mut T)> = from.iter_mut().map(|(number, item)| (*number, item)).collect();
    all.sort_unstable_by_key(|(number, _)| *number);
    all
}

fn millis(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap_or(u64::MAX)
}

/// A call that waits for room, counted from the moment it has to until it no longer does.
#[derive(Default)]
struct Queued(Option<Arc<Shared>>);

impl Queued {
    fn join(&mut self, shared: &Arc<Shared>) {
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
struct Gone {
    answers: Vec<(oneshot::Sender<Result<Reply>>, Result<Reply>)>,
    streams: Vec<EventSender>,
}

impl Gone {
    fn tell(self, room: &Notify) {
        room.notify_waiters();
        for (answer, result) in self.answers {
            let _ = answer.send(result); // who called may just have gone
        }
        drop(self.streams);
    }
}
