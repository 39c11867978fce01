//! Time that stands still until a case moves it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{sync::watch, task::yield_now};
use wx_api::{Clock, Timestamp};
use wx_conformance::ClockHandle;

/// The clock of one bench: the platform's, the developers' servers' and the host's.
pub(super) struct VirtualClock {
    now: watch::Sender<Timestamp>,
    sleepers: Mutex<Sleepers>,
}

#[derive(Default)]
struct Sleepers {
    last: u64,
    until: BTreeMap<u64, Timestamp>,
}

/// 2018-05-11T01:33:20Z, the age of base library 1.9.94.
const START: Timestamp = Timestamp::from_millis(1_526_002_400_000);

/// How often the clock gives way to sleepers that are due. One that nobody polls would stop time for ever.
const MOST_TURNS: u32 = 1024;
/// How often it gives way to those that the sleepers woke in turn.
const LAST_TURNS: u32 = 16;

impl VirtualClock {
    fn sleepers(&self) -> MutexGuard<'_, Sleepers> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner) // nothing panics under the lock
    }

    fn is_anybody_due(&self) -> bool {
        let now = *self.now.borrow();
        self.sleepers().until.values().any(|at| *at <= now)
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self { now: watch::Sender::new(START), sleepers: Mutex::default() }
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, at: Timestamp) {
        let _bed = Bed::new(self, at);
        // It can only fail once the sender is gone, which `self` has.
        let _ = self.now.subscribe().wait_for(|now| *now >= at).await;
    }
}

#[async_trait]
impl ClockHandle for VirtualClock {
    fn now(&self) -> Timestamp {
        Clock::now(self)
    }

    /// Moves time on in one step, and ends once everybody who slept until then has run. On a runtime with one thread: there a task that
    /// is awake again has also done what it woke up for, up to its next wait.
    async fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now = *now + by);
        for _ in 0..MOST_TURNS {
            if !self.is_anybody_due() {
                break;
            }
            yield_now().await;
        }
        for _ in 0..LAST_TURNS {
            yield_now().await;
        }
    }
}

/// A sleeper's entry, taken out when it stops sleeping.
struct Bed<'a> {
    clock: &'a VirtualClock,
    id: u64,
}

impl<'a> Bed<'a> {
    fn new(clock: &'a VirtualClock, at: Timestamp) -> Self {
        let mut sleepers = clock.sleepers();
        sleepers.last += 1;
        let id = sleepers.last;
        sleepers.until.insert(id, at);
        Self { clock, id }
    }
}

impl Drop for Bed<'_> {
    fn drop(&mut self) {
        self.clock.sleepers().until.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use std::sync::Arc;

    use tokio::sync::mpsc;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn whoever_is_due_has_run_before_time_is_said_to_have_passed() {
        let clock = Arc::new(VirtualClock::default());
        let (woken, mut all) = mpsc::unbounded_channel();
        for seconds in [3, 1, 2] {
            let (clock, woken) = (clock.clone(), woken.clone());
            tokio::spawn(async move {
                clock.sleep_until(START + SECOND * seconds).await;
                clock.sleep_until(START + SECOND * seconds * 2).await; // past for all but the third
                woken.send(seconds).unwrap();
            });
        }
        clock.advance(Duration::ZERO).await;
        clock.advance(SECOND * 4).await;
        let mut early = [all.try_recv().unwrap(), all.try_recv().unwrap()];
        early.sort_unstable();
        assert_eq!(early, [1, 2]);
        assert!(all.try_recv().is_err());
        clock.advance(SECOND * 2).await;
        assert_eq!(all.try_recv(), Ok(3));
        assert!(clock.sleepers().until.is_empty());
    }

    #[tokio::test]
    async fn a_sleep_ends_at_its_moment_and_not_before() {
        let clock = VirtualClock::default();
        let mut sleep = Box::pin(clock.sleep_until(START + SECOND));
        tokio::select! {
            biased;
            () = &mut sleep => panic!("it is too early"),
            () = clock.advance(Duration::from_millis(999)) => {}
        }
        clock.advance(Duration::from_millis(1)).await; // although nobody drives the sleeper meanwhile
        sleep.await;
        assert_eq!(Clock::now(&clock), START + SECOND);
    }
}
