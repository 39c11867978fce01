//! `setTimeout` and `setInterval` on the host's clock.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rquickjs::{Ctx, Function, Persistent, Value, function::Args};
use wx_api::{Clock, Timestamp};

use crate::shared::Shared;

/// What a timer runs.
#[derive(Clone)]
pub(crate) struct Task {
    pub(crate) function: Persistent<Function<'static>>,
    pub(crate) args: Vec<Persistent<Value<'static>>>,
}

struct Timer {
    id: u32,
    task: Task,
    every: Option<Duration>,
}

type Sleep = Pin<Box<dyn Future<Output = ()>>>;

/// The timers of one app, in the order in which they are due.
pub(crate) struct Timers {
    clock: Arc<dyn Clock>,
    due: BTreeMap<(Timestamp, u64), Timer>,
    keys: HashMap<u32, (Timestamp, u64)>,
    set: u64,
    last_id: u32,
    sleep: Option<(Timestamp, Sleep)>,
}

impl Timers {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, due: BTreeMap::new(), keys: HashMap::new(), set: 0, last_id: 0, sleep: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }

    /// Sets a timer and answers its number.
    pub(crate) fn set(&mut self, task: Task, after: Duration, again: bool) -> u32 {
        // A number is used again only after four billion others.
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        let every = again.then(|| after.max(Duration::from_millis(1)));
        self.insert(Timer { id: self.last_id, task, every }, every.unwrap_or(after));
        self.last_id
    }

    fn insert(&mut self, timer: Timer, after: Duration) {
        self.set += 1;
        let key = (self.clock.now() + after, self.set);
        self.keys.insert(timer.id, key);
        self.due.insert(key, timer);
    }

    /// Takes a timer away, if it is there.
    pub(crate) fn clear(&mut self, id: u32) {
        if let Some(key) = self.keys.remove(&id) {
            self.due.remove(&key);
        }
    }

    /// The next task that is due. An interval is set again before its task runs, so that the task may clear it.
    pub(crate) fn poll_due(&mut self, task: &mut Context<'_>) -> Poll<Task> {
        let Some((&(at, _), _)) = self.due.first_key_value() else {
            self.sleep = None;
            return Poll::Pending;
        };
        if self.clock.now() < at {
            if self.sleep.as_ref().is_none_or(|(until, _)| *until != at) {
                let clock = self.clock.clone();
                self.sleep = Some((at, Box::pin(async move { clock.sleep_until(at).await })));
            }
            if let Some((_, sleep)) = &mut self.sleep
                && sleep.as_mut().poll(task).is_pending()
            {
                return Poll::Pending;
            }
        }
        self.sleep = None;
        let Some((_, timer)) = self.due.pop_first() else { return Poll::Pending };
        self.keys.remove(&timer.id);
        let run = timer.task.clone();
        if let Some(every) = timer.every {
            self.insert(timer, every);
        }
        Poll::Ready(run)
    }

    pub(crate) fn remove_all(&mut self) {
        self.due.clear();
        self.keys.clear();
        self.sleep = None;
    }
}

impl Task {
    /// Runs it. What it throws is reported.
    pub(crate) fn run(self, shared: &Shared, ctx: &Ctx<'_>) {
        let run = || {
            let mut args = Args::new(ctx.clone(), self.args.len());
            for arg in self.args {
                args.push_arg(arg.restore(ctx)?)?;
            }
            self.function.restore(ctx)?.call_arg::<()>(args)
        };
        shared.report(ctx, run());
    }
}
