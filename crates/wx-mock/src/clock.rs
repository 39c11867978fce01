//! Time that stands still until a script moves it.

use std::{
    collections::BTreeMap,
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use async_trait::async_trait;
use wx_api::{Clock, Timestamp};

/// A clock that only its owner moves.
///
/// ```
/// use std::time::Duration;
/// use wx_api::Clock as _;
/// use wx_mock::VirtualClock;
///
/// let clock = VirtualClock::default();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(300));
/// assert_eq!(clock.now() - before, Duration::from_secs(300));
/// ```
pub struct VirtualClock(Mutex<Time>);

struct Time {
    now: Timestamp,
    /// By the moment they wait for, then by the order in which they came.
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
    next_sleeper: u64,
    /// Rises whenever somebody falls asleep, or stops sleeping: a sign that tasks still run.
    stirs: u64,
}

impl VirtualClock {
    /// When time begins in every world: 2018-05-11T01:33:20Z, the age of base library 1.9.94.
    pub const START: Timestamp = Timestamp::from_millis(1_526_002_400_000);

    /// A clock that shows this moment.
    pub const fn new(now: Timestamp) -> Self {
        Self(Mutex::new(Time { now, sleepers: BTreeMap::new(), next_sleeper: 0, stirs: 0 }))
    }

    /// Moves time on, and wakes whoever sleeps until then, the earliest first.
    ///
    /// Nobody runs meanwhile: woken tasks run after this returns and see the time it ended with, and who falls asleep again then
    /// counts from there. [`pass`](Self::pass) lets each see its own moment.
    pub fn advance(&self, by: Duration) {
        let end = self.now() + by;
        while self.step(end) {}
    }

    /// Moves time on like [`advance`](Self::advance), but stops at every moment somebody sleeps until and lets the other tasks
    /// run, as real time would.
    ///
    /// It goes on when all is quiet, as far as a clock can know: when it has given way 16 times in a row, and nobody has fallen
    /// asleep or stopped sleeping. That is enough on a runtime with one thread, or in one `join!`, for any task that hears of the
    /// moment over fewer than 16 others. Not seen are a longer chain, tasks on other threads, and what happens outside, such as
    /// in a file; and tasks that never come to rest are left behind after 1024 turns. What must have happened by a moment, a
    /// script awaits.
    pub async fn pass(&self, by: Duration) {
        let end = self.now() + by;
        while self.step(end) {
            self.quiet().await;
        }
        self.quiet().await;
    }

    /// Runs `work` to its end with nobody to move time: whenever all is quiet, time goes on to the next moment that somebody sleeps
    /// until. None, when nobody sleeps either: nothing would ever happen again.
    ///
    /// All is quiet when `work` waits and nobody has woken it. So whatever wakes it must be in this world, or part of `work` itself:
    /// other tasks and other threads are not waited for.
    ///
    /// ```
    /// # use std::{future::pending, time::Duration};
    /// use wx_api::Clock as _;
    /// use wx_mock::VirtualClock;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let clock = VirtualClock::default();
    /// let tomorrow = clock.now() + Duration::from_secs(86_400);
    /// assert_eq!(clock.run(clock.sleep_until(tomorrow)).await, Some(()));
    /// assert_eq!(clock.now(), tomorrow);
    /// assert_eq!(clock.run(pending::<()>()).await, None);
    /// # });
    /// ```
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let call = Arc::new(Call::default());
        let waker = Waker::from(call.clone());
        poll_fn(|task| {
            call.answer(task.waker());
            loop {
                if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Poll::Ready(Some(done));
                }
                if call.came() {
                    return Poll::Pending; // and whoever called has woken this task, too
                }
                let next = self.lock().sleepers.keys().next().map(|(at, _)| *at);
                if !next.is_some_and(|at| self.step(at)) {
                    return Poll::Ready(None);
                }
            }
        })
        .await
    }

    /// How many sleep.
    pub fn sleepers(&self) -> usize {
        self.lock().sleepers.len()
    }

    /// Goes to the next moment that somebody sleeps until and wakes one of them; to the end, if there is none before it.
    fn step(&self, end: Timestamp) -> bool {
        let mut time = self.lock();
        let due = time.sleepers.first_entry().filter(|sleeper| sleeper.key().0 <= end);
        let Some(sleeper) = due else {
            time.now = time.now.max(end);
            return false;
        };
        let ((at, _), waker) = sleeper.remove_entry();
        time.now = time.now.max(at);
        time.stirs += 1;
        drop(time);
        waker.wake();
        true
    }

    /// Gives way until nobody stirs any more.
    async fn quiet(&self) {
        let (mut stirs, mut still) = (self.lock().stirs, 0);
        for _ in 0..MOST_TURNS {
            give_way().await;
            let now = self.lock().stirs;
            still = if now == stirs { still + 1 } else { 0 };
            stirs = now;
            if still == STILL_TURNS {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Time> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // nothing panics under the lock
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut bed = Bed { clock: self, at, id: None };
        poll_fn(|task| {
            let mut time = self.lock();
            if time.now >= at {
                return Poll::Ready(());
            }
            let id = *bed.id.get_or_insert_with(|| {
                time.next_sleeper += 1;
                time.next_sleeper
            });
            if time.sleepers.insert((at, id), task.waker().clone()).is_none() {
                time.stirs += 1;
            }
            Poll::Pending
        })
        .await;
    }
}

/// A sleeper's entry, taken out when it stops sleeping.
struct Bed<'a> {
    clock: &'a VirtualClock,
    at: Timestamp,
    id: Option<u64>,
}

impl Drop for Bed<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let mut time = self.clock.lock();
            if time.sleepers.remove(&(self.at, id)).is_some() {
                time.stirs += 1;
            }
        }
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new(Self::START)
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.lock();
        f.debug_struct("VirtualClock").field("now", &time.now).field("sleepers", &time.sleepers.len()).finish()
    }
}

/// Whether somebody called for a task, and whom to tell.
#[derive(Default)]
struct Call {
    came: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Call {
    /// From now on this task is told.
    fn answer(&self, task: &Waker) {
        self.came.store(false, Ordering::SeqCst);
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.clone()); // nothing panics under the lock
    }

    /// Whether somebody called since the last question.
    fn came(&self) -> bool {
        self.came.swap(false, Ordering::SeqCst)
    }
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.came.store(true, Ordering::SeqCst);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone(); // as above
        if let Some(task) = task {
            task.wake();
        }
    }
}

/// How often the clock gives way before it takes stillness for rest: a woken task may wake another, and that one a third.
const STILL_TURNS: u32 = 16;
/// How often it gives way at most. Somebody who sleeps and gives it up again and again would stop time for ever.
const MOST_TURNS: u32 = 1024;

/// Lets everybody else who can run do so once.
async fn give_way() {
    let mut given = false;
    poll_fn(|task| {
        if given {
            return Poll::Ready(());
        }
        given = true;
        task.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use futures_util::{FutureExt, future::join_all};

    use super::*;
    use crate::monitor::Monitor;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn sleepers_wake_in_the_order_of_time_whatever_the_order_they_came_in() {
        let clock = VirtualClock::default();
        let woken = RefCell::new(Vec::new());
        let sleepers = join_all([3, 1, 2, 1].into_iter().enumerate().map(|(name, seconds)| {
            let (clock, woken) = (&clock, &woken);
            async move {
                clock.sleep_until(VirtualClock::START + SECOND * seconds).await;
                woken.borrow_mut().push((name, clock.now() - VirtualClock::START));
            }
        }));
        tokio::join!(sleepers, clock.pass(SECOND * 10));
        assert_eq!(*woken.borrow(), [(1, SECOND), (3, SECOND), (2, SECOND * 2), (0, SECOND * 3)]);
        assert_eq!(clock.now(), VirtualClock::START + SECOND * 10);
    }

    #[tokio::test]
    async fn a_sleep_ends_at_its_moment_and_not_before() {
        let clock = VirtualClock::default();
        let mut sleep = pin!(clock.sleep_until(VirtualClock::START + SECOND));
        assert!(sleep.as_mut().now_or_never().is_none());
        clock.advance(Duration::from_millis(999));
        assert!(sleep.as_mut().now_or_never().is_none());
        clock.advance(Duration::from_millis(1));
        assert!(sleep.as_mut().now_or_never().is_some());
    }

    #[tokio::test]
    async fn time_waits_for_tasks_that_hear_of_it_from_others() {
        let clock = VirtualClock::default();
        let rung = Monitor::new(false);
        let alarm = async {
            clock.sleep_until(VirtualClock::START + SECOND).await;
            rung.change(|rung| *rung = true);
        };
        // Polled in an order in which every link needs a turn of its own, and the last one sleeps once more.
        let chain = async {
            rung.until(|rung| rung.then_some(())).await;
            for _ in 0..STILL_TURNS - 4 {
                give_way().await;
            }
            clock.sleep_until(VirtualClock::START + SECOND * 2).await;
            clock.now() - VirtualClock::START
        };
        let (woken, (), ()) = tokio::join!(chain, alarm, clock.pass(SECOND * 10));
        assert_eq!(woken, SECOND * 2);
    }

    #[tokio::test]
    async fn somebody_who_never_rests_does_not_stop_time() {
        let clock = VirtualClock::default();
        let restless = async {
            loop {
                let _ = clock.sleep_until(VirtualClock::START + SECOND * 60).now_or_never();
                give_way().await;
            }
        };
        tokio::select! {
            () = restless => {}
            () = clock.pass(SECOND) => {}
        }
        assert_eq!(clock.now(), VirtualClock::START + SECOND);
    }

    #[tokio::test]
    async fn time_passes_by_itself_only_while_everybody_waits() {
        let clock = VirtualClock::default();
        let busy = async {
            for _ in 0..1000 {
                give_way().await;
                assert_eq!(clock.now(), VirtualClock::START, "somebody still runs");
            }
            clock.sleep_until(VirtualClock::START + SECOND).await;
            clock.now() - VirtualClock::START
        };
        assert_eq!(clock.run(busy).await, Some(SECOND));
        let rung = Monitor::new(false);
        assert_eq!(clock.run(rung.until(|rung| rung.then_some(()))).await, None, "nobody will ever ring");
    }

    #[test]
    fn a_moment_that_has_passed_is_not_waited_for() {
        let clock = VirtualClock::default();
        assert!(clock.sleep_until(VirtualClock::START).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_dropped_sleep_is_forgotten() {
        let clock = VirtualClock::default();
        {
            let mut sleep = pin!(clock.sleep_until(VirtualClock::START + SECOND));
            assert!(sleep.as_mut().now_or_never().is_none());
            assert!(sleep.as_mut().now_or_never().is_none());
            assert_eq!(clock.sleepers(), 1);
        }
        assert_eq!(clock.sleepers(), 0);
    }

    #[tokio::test]
    async fn who_falls_asleep_again_is_woken_again_on_the_way() {
        let clock = VirtualClock::default();
        let ticking = async {
            for second in 1..=3 {
                clock.sleep_until(VirtualClock::START + SECOND * second).await;
                assert_eq!(clock.now(), VirtualClock::START + SECOND * second);
            }
        };
        tokio::join!(ticking, clock.pass(SECOND * 5));
    }
}
