//! The bounded queue behind every event stream: one per subscriber, so a slow one delays only itself.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use crate::Policy;

/// What a subscriber takes out: an item, or how many were lost at this point.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry<T> {
    Item(T),
    Lost(u64),
}

#[derive(Debug)]
pub(crate) struct Queue<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    entries: VecDeque<Entry<T>>,
    waker: Option<Waker>,
    senders: usize,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { entries: VecDeque::new(), waker: None, senders: 1, closed: false }))
    }

    /// Puts an item in; `replaces` says which waiting item it makes stale under [`Policy::Latest`].
    pub(crate) fn push(&self, item: T, policy: Policy, replaces: impl Fn(&T) -> bool) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        match policy {
            Policy::Lossless(limit) if state.entries.len() >= limit => match state.entries.back_mut() {
                Some(Entry::Lost(lost)) => *lost += 1,
                _ => state.entries.push_back(Entry::Lost(1)),
            },
            Policy::Lossless(_) => state.entries.push_back(Entry::Item(item)),
            Policy::Latest => {
                state.entries.retain(|entry| !matches!(entry, Entry::Item(old) if replaces(old)));
                state.entries.push_back(Entry::Item(item));
            }
        }
        let waker = state.waker.take();
        drop(state); // waking under the lock would make the woken thread wait for us
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn poll_pop(&self, task: &mut Context<'_>) -> Poll<Option<Entry<T>>> {
        let mut state = self.lock();
        if let Some(entry) = state.entries.pop_front() {
            return Poll::Ready(Some(entry));
        }
        if state.closed || state.senders == 0 {
            return Poll::Ready(None);
        }
        match &state.waker {
            Some(waker) if waker.will_wake(task.waker()) => {}
            _ => state.waker = Some(task.waker().clone()),
        }
        Poll::Pending
    }

    /// No more items are taken: the subscriber has gone.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.entries.clear();
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
    use std::task::{Context, Poll, Waker};

    use super::{Entry, Queue};
    use crate::Policy;

    fn drain(queue: &Queue<u32>) -> Vec<Entry<u32>> {
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
        for n in 0..5 {
            queue.push(n, Policy::Lossless(2), |_| false);
        }
        assert_eq!(drain(&queue), [Entry::Item(0), Entry::Item(1), Entry::Lost(3)]);
        queue.push(9, Policy::Lossless(2), |_| false);
        assert_eq!(drain(&queue), [Entry::Item(9)]);
    }

    #[test]
    fn the_latest_item_replaces_the_one_it_makes_stale() {
        let queue = Queue::new();
        for n in [1, 2, 11, 12] {
            queue.push(n, Policy::Latest, |old| old / 10 == n / 10);
        }
        assert_eq!(drain(&queue), [Entry::Item(2), Entry::Item(12)]);
    }

    #[test]
    fn a_closed_queue_takes_nothing_and_ends() {
        let queue = Queue::new();
        queue.push(1, Policy::Lossless(8), |_| false);
        queue.close();
        queue.push(2, Policy::Lossless(8), |_| false);
        assert_eq!(drain(&queue), []);
        assert!(matches!(queue.poll_pop(&mut Context::from_waker(Waker::noop())), Poll::Ready(None)));
    }

    #[test]
    fn a_queue_without_senders_ends_after_its_last_item() {
        let queue = Queue::new();
        queue.push(1, Policy::Lossless(8), |_| false);
        queue.remove_sender();
        assert_eq!(drain(&queue), [Entry::Item(1)]);
    }
}
