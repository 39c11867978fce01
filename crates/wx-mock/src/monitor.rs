//! A value that tasks change, and wait on.

use std::{
    fmt,
    future::poll_fn,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

/// A value with a lock around it, and tasks that wait until it has become what they need. The lock is never held over an await.
pub(crate) struct Monitor<T>(Mutex<Watched<T>>);

#[derive(Default)]
struct Watched<T> {
    value: T,
    waiting: Vec<(u64, Waker)>,
    next_waiter: u64,
}

impl<T> Monitor<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(Watched { value, waiting: Vec::new(), next_waiter: 0 }))
    }

    /// Looks at the value.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock().value)
    }

    /// Changes the value, and lets everybody who waits look at it again.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let mut watched = self.lock();
        let result = change(&mut watched.value);
        wake_all(watched);
        result
    }

    /// Waits until `take` has an answer. It may change the value when it has one, and must not when it has none. Dropping the
    /// future leaves nothing behind.
    pub(crate) async fn until<R>(&self, mut take: impl FnMut(&mut T) -> Option<R>) -> R {
        let mut place = Place { monitor: self, id: None };
        poll_fn(|task| {
            let mut watched = self.lock();
            if let Some(result) = take(&mut watched.value) {
                wake_all(watched);
                return Poll::Ready(result);
            }
            let id = *place.id.get_or_insert_with(|| {
                watched.next_waiter += 1;
                watched.next_waiter
            });
            match watched.waiting.iter_mut().find(|(waiter, _)| *waiter == id) {
                Some((_, waker)) => waker.clone_from(task.waker()),
                None => watched.waiting.push((id, task.waker().clone())),
            }
            Poll::Pending
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, Watched<T>> {
        // Poisoned only by a panic of the crate's own code, which a test shows better than a second panic here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes in the order in which they began to wait, after the lock is free again.
fn wake_all<T>(mut watched: MutexGuard<'_, Watched<T>>) {
    let waiting = mem::take(&mut watched.waiting);
    drop(watched);
    for (_, waker) in waiting {
        waker.wake();
    }
}

/// A waiter's place in the list, given up when it stops waiting.
struct Place<'a, T> {
    monitor: &'a Monitor<T>,
    id: Option<u64>,
}

impl<T> Drop for Place<'_, T> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.monitor.lock().waiting.retain(|(waiter, _)| *waiter != id);
        }
    }
}

impl<T: Default> Default for Monitor<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Monitor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read(|value| value.fmt(f))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use std::pin::pin;

    use super::Monitor;

    #[tokio::test]
    async fn whoever_waits_sees_the_change_it_waits_for() {
        let count = Monitor::new(0);
        let three = count.until(|n| (*n == 3).then_some("three"));
        let counting = async {
            for _ in 0..3 {
                count.change(|n| *n += 1);
                tokio::task::yield_now().await;
            }
        };
        assert_eq!(tokio::join!(three, counting).0, "three");
    }

    #[tokio::test]
    async fn what_one_takes_another_does_not_get() {
        let items = Monitor::new(vec![1]);
        let mut second = pin!(items.until(Vec::pop));
        assert_eq!(items.until(Vec::pop).now_or_never(), Some(1));
        assert_eq!(second.as_mut().now_or_never(), None);
        items.change(|items| items.push(2));
        assert_eq!(second.as_mut().now_or_never(), Some(2));
    }

    #[tokio::test]
    async fn a_dropped_waiter_leaves_its_place() {
        let never = Monitor::new(());
        {
            let mut waiting = pin!(never.until(|()| None::<()>));
            assert_eq!(waiting.as_mut().now_or_never(), None);
            assert_eq!(never.lock().waiting.len(), 1);
        }
        assert_eq!(never.lock().waiting.len(), 0);
    }
}
