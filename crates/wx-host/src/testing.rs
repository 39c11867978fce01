//! Fakes for the tests of layers: a backend that answers as told, and a clock that stands still until it is moved.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use wx_api::{Api, ApiSet, Call, Clock, Cx, Error, EventSender, Invoke, Reply, Result, Timestamp};

pub(crate) fn cx() -> Cx {
    Cx::new("wx4f4bc4dec97d474b")
}

/// The output of a future that needs nothing to happen first.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match poll_once(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future still waits"),
    }
}

pub(crate) fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A backend that notes every call, and answers with what it was given, in order; without an answer a call waits for one.
#[derive(Clone)]
pub(crate) struct Script(Arc<Mutex<State>>, ApiSet);

struct State {
    calls: Vec<(Call, Option<Timestamp>)>,
    answers: VecDeque<Result<Reply>>,
    subscribers: Vec<EventSender>,
    waiting: Vec<Waker>,
}

impl Default for Script {
    fn default() -> Self {
        Self::supporting(ApiSet::ALL)
    }
}

impl Script {
    pub(crate) fn supporting(apis: ApiSet) -> Self {
        let state = State { calls: vec![], answers: VecDeque::new(), subscribers: vec![], waiting: vec![] };
        Self(Arc::new(Mutex::new(state)), apis)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn answer(&self, answer: Result<Reply>) {
        let mut state = self.state();
        state.answers.push_back(answer);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state().calls.iter().map(|(call, _)| call.clone()).collect()
    }

    pub(crate) fn deadlines(&self) -> Vec<Option<Timestamp>> {
        self.state().calls.iter().map(|(_, deadline)| *deadline).collect()
    }

    pub(crate) fn subscribers(&self) -> Vec<EventSender> {
        self.state().subscribers.clone()
    }
}

#[async_trait]
impl Invoke for Script {
    async fn invoke(&self, cx: &Cx, call: Call) -> Result<Reply> {
        self.state().calls.push((call, cx.deadline()));
        poll_fn(|task| {
            let mut state = self.state();
            let answer = state.answers.pop_front();
            if answer.is_none() {
                state.waiting.push(task.waker().clone());
            }
            answer.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    fn supported(&self) -> ApiSet {
        self.1
    }

    fn subscribe(&self, _: &Cx, out: EventSender) -> Result<()> {
        if !self.1.contains(Api::OnHceMessage) {
            return Err(Error::unsupported(Api::OnHceMessage));
        }
        self.state().subscribers.push(out);
        Ok(())
    }
}

/// A clock that moves when told, and counts the sleeps that were begun.
#[derive(Clone, Default)]
pub(crate) struct Still(Arc<Mutex<(u64, usize)>>);

impl Still {
    fn state(&self) -> MutexGuard<'_, (u64, usize)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.state().0 += u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
    }

    pub(crate) fn sleeps(&self) -> usize {
        self.state().1
    }
}

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.state().0)
    }

    /// Is only ever polled by hand, so it wakes nobody.
    async fn sleep_until(&self, at: Timestamp) {
        self.state().1 += 1;
        poll_fn(|_| if self.now() >= at { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}
