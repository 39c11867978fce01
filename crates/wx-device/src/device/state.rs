use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::{Notify, oneshot};
use wx_api::{Api, ApiSet, Clock, Cx, Error, ErrorKind, EventSender, Result, Timestamp};

use super::{
    calls::Waiting,
    contexts::Contexts,
    entries::{Gone, Listening, Pending, Queued, in_order, take_if},
};
use crate::{
    LinkError,
    numbered::Numbered,
    outgoing::Outgoing,
    waits::until,
    wire::{self, Limits, Welcome, value},
};

/// What all clones of a device and its driver share.
pub(super) struct Shared {
    pub(super) session: [u8; 16],
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// There is room for another call, or none is needed any more; and how many calls wait for it.
    room: Notify,
    pub(super) queued: AtomicUsize,
    /// The driver has ended.
    over: Notify,
}

#[derive(Default)]
pub(super) struct State {
    /// The link, while there is one.
    pub(super) out: Option<Arc<Outgoing>>,
    /// Why there is none, and whether calls are to wait for one.
    away: Away,
    epoch: Option<[u8; 16]>,
    limits: Option<Limits>,
    supported: ApiSet,
    contexts: Contexts,
    next: u64,
    pub(super) calls: Numbered<Pending>,
    pub(super) subscriptions: Numbered<Listening>,
    /// Whether the agent has worked off all it was told again over this connection.
    pub(super) is_proven: bool,
    pub(super) pings: HashMap<u64, oneshot::Sender<()>>,
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

/// What a call is longer than its arguments, at most.
const ENVELOPE: usize = 1024;

/// The ping whose pong shows that the agent has worked off all it was told again.
pub(super) const PROOF: u64 = u64::MAX;

impl Shared {
    pub(super) fn new(clock: Arc<dyn Clock>) -> std::result::Result<Arc<Self>, LinkError> {
        let mut session = [0; 16];
        getrandom::fill(&mut session).map_err(std::io::Error::other)?;
        Ok(Arc::new(Self {
            session,
            clock,
            state: Mutex::default(),
            room: Notify::new(),
            queued: AtomicUsize::new(0),
            over: Notify::new(),
        }))
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(super) fn supported(&self) -> ApiSet {
        self.lock().supported
    }

    /// Calls, now or as soon as there is a link and the agent takes another call; or why not.
    pub(super) async fn call(self: &Arc<Self>, cx: &Cx, api: Api, args: Vec<u8>) -> Result<Waiting> {
        let args_len = args.len();
        let mut pending = Some((args, Queued::default()));
        loop {
            let room = {
                let mut state = self.lock();
                if !state.supported.contains(api) {
                    return Err(Error::unsupported(api));
                }
                let away = |why| Error::new(api, ErrorKind::Unavailable, why);
                state.check().map_err(away)?;
                if state.limits.is_some_and(|limits| args_len + ENVELOPE > limits.message as usize) {
                    return Err(Error::new(api, ErrorKind::Refused, "the request is longer than the device takes"));
                }
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
                let mut room = Box::pin(self.room.notified());
                room.as_mut().enable();
                room
            };
            room.await;
        }
    }

    fn begin(
        self: &Arc<Self>,
        state: &mut State,
        context: u64,
        deadline: Option<Timestamp>,
        api: Api,
        args: Vec<u8>,
    ) -> Waiting {
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
    pub(super) fn one_less(&self) {
        if self.queued.load(Ordering::SeqCst) > 0 {
            self.room.notify_one();
        }
    }

    /// Nobody waits for this call any more.
    pub(super) fn cancel(&self, number: u64) {
        let mut state = self.lock();
        let Some(pending) = state.calls.remove(&number) else { return };
        self.one_less();
        // Without a link the agent learns of it once it is told which calls there are.
        if let (true, Some(out)) = (pending.was_sent, &state.out) {
            out.say_after_all(wire::Cancel { call: number });
        }
        drop(state);
    }

    pub(super) fn subscribe(self: &Arc<Self>, cx: &Cx, events: &[Api], out: &EventSender) -> std::result::Result<(), String> {
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
        until(&self.over, || self.lock().is_over).await;
    }

    /// There is a link. Everything that is still of use is said again, before anything new.
    pub(super) fn attach(&self, out: Arc<Outgoing>, welcome: &Welcome<'_>) {
        let mut gone = Gone::default();
        let mut state = self.lock();
        let is_new = state.epoch.replace(welcome.epoch).is_some_and(|epoch| epoch != welcome.epoch);
        state.supported = welcome.apis.iter().filter_map(|name| Api::from_name(name)).collect();
        state.limits = Some(welcome.limits);
        if !welcome.resumed {
            let why = "the device no longer knows what this host asked of it";
            let lost = take_if(&mut state.calls, Pending::may_have_run);
            gone.fail(lost, |call| Error::outcome_unknown(call.api, why));
        }
        if is_new || !welcome.resumed {
            let ended = take_if(&mut state.subscriptions, |listening| listening.was_sent);
            gone.streams.extend(ended.into_iter().map(|listening| listening.out));
        }
        let State { contexts, calls, subscriptions, .. } = &mut *state;
        for (number, cx) in contexts.all() {
            introduce(number, cx, &out);
        }
        for (number, listening) in in_order(subscriptions) {
            listening.send(number, &out);
        }
        for (number, call) in in_order(calls) {
            call.send(number, &out, &*self.clock);
        }
        // What was not named now the agent may forget: nobody waits for it any more, or it has arrived.
        out.say_after_all(wire::Told {});
        out.say_after_all(wire::Ping { number: PROOF });
        state.out = Some(out);
        state.is_proven = false;
        state.away = Away::Briefly;
        drop(state);
        gone.tell(&self.room);
    }

    /// Whether the last connection was one that worked.
    pub(super) fn is_proven(&self) -> bool {
        self.lock().is_proven
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
        let why = format!("the device is away: {why}");
        let mut gone = Gone::default();
        let mut state = self.lock();
        let waiting = take_if(&mut state.calls, |call| !call.may_have_run());
        gone.fail(waiting, |call| Error::new(call.api, ErrorKind::Unavailable, why.clone()));
        state.away = Away::Long(why);
        drop(state);
        gone.tell(&self.room);
    }

    /// The device is away for so long that it has forgotten what it was asked.
    pub(super) fn give_up(&self, why: &str) {
        let mut gone = Gone::default();
        let calls = std::mem::take(&mut self.lock().calls);
        gone.fail(calls.into_values(), |call| Error::outcome_unknown(call.api, format_args!("the device is away: {why}")));
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
        let mut gone = Gone::default();
        gone.streams.extend(subscriptions.into_values().map(|listening| listening.out));
        gone.fail(calls.into_values(), |call| {
            let why = "the link was closed";
            if call.may_have_run() {
                Error::outcome_unknown(call.api, why)
            } else {
                Error::new(call.api, ErrorKind::Unavailable, why)
            }
        });
        gone.tell(&self.room);
        drop(pings); // whoever waits learns that nothing will come
        self.over.notify_waiters();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
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
            let mut in_use =
                calls.values().map(|call| call.context).chain(subscriptions.values().map(|listening| listening.context));
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
    // A profile is a few short fields, which always have a form.
    let profile = value::encode(cx.profile()).unwrap_or_default();
    out.say(value::context(number, cx, &profile));
}
