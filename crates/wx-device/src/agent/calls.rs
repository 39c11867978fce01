//! Running what a host calls: once, whatever breaks.

use std::{panic::AssertUnwindSafe, sync::Arc, task::Poll, time::Duration};

use futures_util::FutureExt as _;
use wx_api::{Api, Cx, Error, ErrorKind, Reply, Result};

use super::{
    Inner, LIMITS,
    session::{Running, Session, Under},
};
use crate::{
    outgoing::Outgoing,
    terms::{TOO_LONG, may_repeat},
    wire::{self, Call, Message, value},
};

impl Session {
    /// Writes down all calls of one batch that must not run twice and are not known yet, together: one wait for the disk serves them all.
    pub(super) async fn begin_together(&self, agent: &Inner, messages: &[Message<'_>]) -> std::io::Result<()> {
        let once = messages.iter().filter_map(|message| match message {
            Message::Call(call) if Api::from_name(call.api).is_some_and(|api| !may_repeat(api)) => Some((call.call, call.api)),
            _ => None,
        });
        let mut calls: Vec<(u64, &str)> = once.collect();
        if !calls.is_empty() {
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

    pub(super) fn call(
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
                    if may_repeat(api) {
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
        if let (Err(error), false) = (begun, may_repeat(api)) {
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
        if !may_repeat(api) {
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
        let answer = if may_repeat(api) { message.to_vec().into() } else { self.keep(number, &message) };
        let mut state = self.lock();
        let Some(connection) = state.calls.get(&number).map(|under| under.connection) else { return }; // nobody waits any more
        let was_said = state.out.as_ref().map(|out| out.say(message)).is_some();
        if was_said && may_repeat(api) {
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
    if written.len() < TOO_LONG { Ok(written) } else { Err(Error::internal(api, "the answer is longer than a link carries")) }
}

fn message(number: u64, result: &Result<Vec<u8>>) -> Message<'_> {
    match result {
        Ok(result) => Message::Reply(wire::Reply { call: number, result }),
        Err(error) => Message::Failure(value::failure(number, error)),
    }
}
