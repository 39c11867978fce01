//! The bounded queue behind every event stream: one per subscriber, so a slow one delays only itself.

use std::{
    collections::VecDeque,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use crate::{Api, Policy};

/// What a subscriber takes out: an item, or how many of its event were lost at this point.
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(crate) enum Entry<T> {
    Item(T),
    Lost(u64),
}

pub(crate) struct Queue<T>(Mutex<State<T>>);

struct State<T> {
    entries: VecDeque<(Api, Entry<T>)>,
    waker: Option<Waker>,
    senders: usize,
    closed: bool,
    /// What is to happen when the subscriber goes.
    farewells: Vec<Box<dyn FnOnce() + Send>>,
}

impl<T> State<T> {
    /// Whether as many entries of this event wait as may. Counted only when it can be so: the queue is seldom that long.
    fn is_full(&self, event: Api, limit: usize) -> bool {
        self.entries.len() >= limit && self.entries.iter().filter(|(of, _)| *of == event).count() >= limit
    }

    fn lose(&mut self, event: Api, lost: u64) {
        match self.entries.iter_mut().rev().find(|(of, _)| *of == event) {
            Some((_, Entry::Lost(count))) => *count = count.saturating_add(lost),
            _ => self.entries.push_back((event, Entry::Lost(lost))),
        }
    }
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { entries: VecDeque::new(), waker: None, senders: 1, closed: false, farewells: Vec::new() }))
    }

    /// Puts an item of this event in. The caller wakes whoever is returned, once it holds no lock of its own: a waker may run
    /// anything.
    #[must_use]
    pub(crate) fn push(&self, event: Api, item: T, policy: Policy) -> Option<Waker> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        match policy {
            Policy::Lossless(limit) if state.is_full(event, limit) => state.lose(event, 1),
            Policy::Lossless(_) => state.entries.push_back((event, Entry::Item(item))),
            Policy::Latest => {
                state.entries.retain(|(of, _)| *of != event);
                state.entries.push_back((event, Entry::Item(item)));
            }
        }
        state.waker.take()
    }

    /// So many of this event were lost before they came here. The caller wakes whoever is returned, as after [`push`](Self::push).
    #[must_use]
    pub(crate) fn lose(&self, event: Api, count: u64) -> Option<Waker> {
        let mut state = self.lock();
        if state.closed || count == 0 {
            return None;
        }
        state.lose(event, count);
        state.waker.take()
    }

    pub(crate) fn poll_pop(&self, task: &mut Context<'_>) -> Poll<Option<(Api, Entry<T>)>> {
        let mut state = self.lock();
        if let Some(entry) = state.entries.pop_front() {
            return Poll::Ready(Some(entry));
        }
        if state.closed || state.senders == 0 {
            return Poll::Ready(None);
        }
        let stale = match &state.waker {
            Some(waker) if waker.will_wake(task.waker()) => None,
            _ => state.waker.replace(task.waker().clone()),
        };
        drop(state);
        drop(stale); // not under the lock: it may be the last of a task that holds a sender
        Poll::Pending
    }

    /// No more items are taken: the subscriber has gone.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let unread = (mem::take(&mut state.entries), state.waker.take());
        let farewells = mem::take(&mut state.farewells);
        drop(state);
        drop(unread);
        for farewell in farewells {
            farewell();
        }
    }

    /// Runs this when the subscriber goes: at once if it has gone.
    pub(crate) fn on_close(&self, farewell: Box<dyn FnOnce() + Send>) {
        let mut state = self.lock();
        if !state.closed {
            return state.farewells.push(farewell);
        }
        drop(state);
        farewell();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    pub(crate) fn add_sender(&self) {
        self.lock().senders += 1;
    }

    /// After the last sender has gone, a subscriber that has taken everything sees the end.
    pub(crate) fn remove_sender(&self) {
        let mut state = self.lock();
        state.senders -= 1;
        let waker = if state.senders == 0 { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing that runs under the lock can panic half-way, so a poisoned state is still a whole one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        task::{Context, Poll, Waker},
    };

    use super::{Entry, Queue};
    use crate::{Api, Policy};

    // The queue only tells events apart; two names do for two events.
    const ONE: Api = Api::OnHceMessage;
    const OTHER: Api = Api::Login;

    fn put<const N: usize>(queue: &Queue<u32>, event: Api, policy: Policy, items: [u32; N]) {
        for item in items {
            assert!(queue.push(event, item, policy).is_none(), "nobody waits here");
        }
    }

    fn drain(queue: &Queue<u32>) -> Vec<(Api, Entry<u32>)> {
        let mut task = Context::from_waker(Waker::noop());
        std::iter::from_fn(|| match queue.poll_pop(&mut task) {
            Poll::Ready(entry) => entry,
            Poll::Pending => None,
        })
        .collect()
    }

    #[test]
    fn a_full_lossless_queue_counts_what_it_lost_in_its_place() {
        let queue = Queue::new();
        put(&queue, ONE, Policy::Lossless(2), [0, 1, 2, 3, 4]);
        let mut entries = drain(&queue);
        assert!(queue.lock().waker.take().is_some(), "the reader waits for more");
        assert_eq!(entries.pop(), Some((ONE, Entry::Lost(3))));
        assert_eq!(entries, [(ONE, Entry::Item(0)), (ONE, Entry::Item(1))]);
        put(&queue, ONE, Policy::Lossless(2), [9]);
        assert_eq!(drain(&queue), [(ONE, Entry::Item(9))]);
    }

    #[test]
    fn an_event_that_overflows_takes_no_room_from_another() {
        let queue = Queue::new();
        put(&queue, ONE, Policy::Lossless(1), [0, 1]);
        put(&queue, OTHER, Policy::Lossless(2), [10, 11, 12]);
        put(&queue, ONE, Policy::Lossless(1), [2]);
        let expected = [
            (ONE, Entry::Item(0)),
            (ONE, Entry::Lost(2)),
            (OTHER, Entry::Item(10)),
            (OTHER, Entry::Item(11)),
            (OTHER, Entry::Lost(1)),
        ];
        assert_eq!(drain(&queue), expected);
    }

    #[test]
    fn the_latest_item_replaces_the_one_it_makes_stale() {
        let queue = Queue::new();
        put(&queue, ONE, Policy::Latest, [1, 2]);
        put(&queue, OTHER, Policy::Latest, [11, 12]);
        assert_eq!(drain(&queue), [(ONE, Entry::Item(2)), (OTHER, Entry::Item(12))]);
    }

    #[test]
    fn a_reader_that_waits_is_handed_out_to_be_woken_once() {
        let queue = Queue::new();
        assert_eq!(drain(&queue), []);
        assert!(queue.push(ONE, 1, Policy::Latest).is_some());
        assert!(queue.push(ONE, 2, Policy::Latest).is_none());
    }

    #[test]
    fn what_was_lost_elsewhere_is_told_in_its_place_and_added_up() {
        let queue = Queue::new();
        put(&queue, ONE, Policy::Lossless(1), [0, 1]);
        assert!(queue.lose(ONE, 4).is_none() && queue.lose(OTHER, 2).is_none() && queue.lose(OTHER, 0).is_none());
        assert_eq!(drain(&queue), [(ONE, Entry::Item(0)), (ONE, Entry::Lost(5)), (OTHER, Entry::Lost(2))]);
        assert!(queue.lose(ONE, 1).is_some(), "the reader waits");
    }

    #[test]
    fn who_wants_to_know_of_the_end_is_told_once_and_also_afterwards() {
        let (queue, told) = (Queue::<u32>::new(), Arc::new(AtomicU32::new(0)));
        let tell = || {
            let told = told.clone();
            Box::new(move || {
                told.fetch_add(1, Ordering::Relaxed);
            })
        };
        queue.on_close(tell());
        assert_eq!(told.load(Ordering::Relaxed), 0);
        queue.close();
        queue.close();
        assert_eq!(told.load(Ordering::Relaxed), 1);
        queue.on_close(tell());
        assert_eq!(told.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_closed_queue_takes_nothing_and_ends() {
        let queue = Queue::new();
        put(&queue, ONE, Policy::Lossless(8), [1]);
        queue.close();
        put(&queue, ONE, Policy::Lossless(8), [2]);
        assert_eq!(drain(&queue), []);
        assert!(matches!(queue.poll_pop(&mut Context::from_waker(Waker::noop())), Poll::Ready(None)));
    }

    #[test]
    fn a_queue_without_senders_ends_after_its_last_item() {
        let queue = Queue::new();
        put(&queue, ONE, Policy::Lossless(8), [1]);
        queue.remove_sender();
        assert_eq!(drain(&queue), [(ONE, Entry::Item(1))]);
    }
}
