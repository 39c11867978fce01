//! How often is too often.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use wx_api::{AppId, Timestamp};

use super::{Refused, Rules, identity::TAG};
use crate::Errcode;

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

/// What was counted in this process.
#[derive(Debug, Default)]
pub(super) struct Limits {
    calls: Mutex<HashMap<AppId, Calls>>,
    exchanges: Mutex<Exchanges>,
    forced: Mutex<HashMap<AppId, Forced>>,
}

#[derive(Debug, Default)]
struct Calls {
    minute: Window,
    day: Window,
}

/// Of the present minute alone, so that what is counted cannot pile up.
#[derive(Debug, Default)]
struct Exchanges {
    minute: u64,
    of_user: HashMap<[u8; TAG], u32>,
}

#[derive(Debug, Default)]
struct Forced {
    last: Option<Timestamp>,
    day: Window,
}

/// How many there were in the present window.
#[derive(Debug, Default)]
struct Window {
    number: u64,
    count: u32,
}

impl Window {
    /// Whether there may be one more; 0 allows any number.
    fn allows(&mut self, now: Timestamp, length: u64, most: u32) -> bool {
        if turns(&mut self.number, now.as_millis() / length) {
            self.count = 0;
        }
        most == 0 || self.count < most
    }
}

/// Whether `present` is another window than this one, which it then becomes. The one just before is none: whoever looked at the clock a
/// moment ago belongs to this one.
fn turns(number: &mut u64, present: u64) -> bool {
    let turns = present != *number && present.saturating_add(1) != *number;
    if turns {
        *number = present;
    }
    turns
}

impl Limits {
    /// Counts a call of this app's server.
    pub(super) fn call(&self, rules: &Rules, app: &AppId, now: Timestamp) -> Result<(), Refused> {
        if rules.calls_per_minute == 0 && rules.calls_per_day == 0 {
            return Ok(());
        }
        let mut calls = lock(&self.calls);
        if !calls.contains_key(app) {
            calls.insert(app.clone(), Calls::default());
        }
        let Some(Calls { minute, day }) = calls.get_mut(app) else { return Ok(()) };
        if !minute.allows(now, MINUTE, rules.calls_per_minute) {
            return Err(Errcode::TOO_OFTEN.into());
        }
        if !day.allows(now, DAY, rules.calls_per_day) {
            return Err(Errcode::DAILY_QUOTA.into());
        }
        minute.count += 1;
        day.count += 1;
        Ok(())
    }

    /// Counts an exchange of the user of this tag, before anything is waited for: of many at once no more pass than may.
    pub(super) fn exchange(&self, rules: &Rules, tag: [u8; TAG], now: Timestamp) -> Result<(), Refused> {
        let most = rules.exchanges_per_minute_and_user;
        if most == 0 {
            return Ok(());
        }
        let mut exchanges = lock(&self.exchanges);
        let Exchanges { minute, of_user } = &mut *exchanges;
        if turns(minute, now.as_millis() / MINUTE) {
            of_user.clear();
        }
        let count = of_user.entry(tag).or_default();
        if *count >= most {
            return Err(Errcode::TOO_OFTEN.into());
        }
        *count += 1;
        Ok(())
    }

    /// Takes back what [`exchange`](Self::exchange) counted then: the code was none, and of those there may be any number.
    pub(super) fn no_exchange(&self, tag: [u8; TAG], then: Timestamp) {
        let mut exchanges = lock(&self.exchanges);
        if exchanges.minute == then.as_millis() / MINUTE
            && let Some(count) = exchanges.of_user.get_mut(&tag)
        {
            *count = count.saturating_sub(1);
        }
    }

    /// Counts a stable token that this app forces.
    pub(super) fn force(&self, rules: &Rules, app: &AppId, now: Timestamp) -> Result<(), Refused> {
        let mut forced = lock(&self.forced);
        let Forced { last, day } = forced.entry(app.clone()).or_default();
        if !day.allows(now, DAY, rules.forced_tokens_per_day) {
            return Err(Refused::because(Errcode::DAILY_QUOTA, "reach max api daily quota limit of force_refresh"));
        }
        // A time that lies ahead is from a clock that was wrong.
        if last.is_some_and(|last| last <= now && now - last < rules.forced_tokens_apart) {
            return Err(Refused::because(Errcode::TOO_OFTEN, "force_refresh must slow: leave the documented pause in between"));
        }
        day.count += 1;
        *last = Some(now);
        Ok(())
    }

    /// Forgets what this app did.
    pub(super) fn forget(&self, app: &AppId) {
        lock(&self.calls).remove(app);
        lock(&self.forced).remove(app);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner) // nothing panics under the lock
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_526_000_000_000 / DAY * DAY);

    fn code(outcome: Result<(), Refused>) -> Option<Errcode> {
        outcome.err().map(|refused| refused.code)
    }

    #[test]
    fn calls_are_counted_by_app_and_minute() {
        let (limits, rules) = (Limits::default(), Rules { calls_per_minute: 2, ..Rules::default() });
        let app = AppId::from("wx1");
        let outcomes = [(); 3].map(|()| code(limits.call(&rules, &app, START)));
        assert_eq!(outcomes, [None, None, Some(Errcode::TOO_OFTEN)]);
        assert_eq!(code(limits.call(&rules, &"wx2".into(), START)), None, "another app");
        assert_eq!(code(limits.call(&rules, &app, START + Duration::from_millis(59_999))), Some(Errcode::TOO_OFTEN));
        assert_eq!(code(limits.call(&rules, &app, START + Duration::from_secs(60))), None);
    }

    #[test]
    fn calls_are_counted_by_day_and_a_refused_one_does_not_count() {
        let (limits, rules) = (Limits::default(), Rules { calls_per_minute: 2, calls_per_day: 3, ..Rules::default() });
        let app = AppId::from("wx1");
        let minutes = |minutes: u64| START + Duration::from_secs(60 * minutes);
        for _ in 0..10 {
            let _ = limits.call(&rules, &app, START); // two that count, eight that do not
        }
        assert_eq!(code(limits.call(&rules, &app, minutes(1))), None);
        assert_eq!(code(limits.call(&rules, &app, minutes(1))), Some(Errcode::DAILY_QUOTA));
        assert_eq!(code(limits.call(&rules, &app, minutes(24 * 60))), None);
    }

    #[test]
    fn exchanges_are_counted_by_user_and_minute() {
        let (limits, rules) = (Limits::default(), Rules { exchanges_per_minute_and_user: 1, ..Rules::default() });
        let (one, other) = ([1; TAG], [2; TAG]);
        for _ in 0..3 {
            assert_eq!(code(limits.exchange(&rules, one, START)), None);
            limits.no_exchange(one, START); // the code was none
        }
        assert_eq!(code(limits.exchange(&rules, one, START)), None);
        assert_eq!(code(limits.exchange(&rules, one, START)), Some(Errcode::TOO_OFTEN));
        assert_eq!(code(limits.exchange(&rules, other, START)), None);
        assert_eq!(code(limits.exchange(&rules, one, START + Duration::from_secs(60))), None);
    }

    #[test]
    fn who_comes_late_turns_no_minute_back() {
        let (limits, rules) = (Limits::default(), Rules { exchanges_per_minute_and_user: 1, ..Rules::default() });
        let (one, minute) = ([1; TAG], START + Duration::from_secs(60));
        assert_eq!(code(limits.exchange(&rules, one, minute)), None);
        limits.no_exchange(one, START); // counted in a minute that is over
        assert_eq!(code(limits.exchange(&rules, [2; TAG], START)), None, "looked at the clock a moment before");
        assert_eq!(code(limits.exchange(&rules, one, minute)), Some(Errcode::TOO_OFTEN));
    }

    #[test]
    fn a_clock_that_is_set_right_begins_anew() {
        let (limits, rules) = (Limits::default(), Rules { exchanges_per_minute_and_user: 1, ..Rules::default() });
        let ahead = START + Duration::from_secs(86_400 * 365);
        assert_eq!(code(limits.exchange(&rules, [1; TAG], ahead)), None);
        assert_eq!(code(limits.exchange(&rules, [1; TAG], START)), None);
        assert_eq!(code(limits.force(&rules, &"wx1".into(), ahead)), None);
        assert_eq!(code(limits.force(&rules, &"wx1".into(), START)), None);
    }

    #[test]
    fn a_token_is_forced_twenty_times_a_day_with_a_pause_in_between() {
        let (limits, rules, app) = (Limits::default(), Rules::default(), AppId::from("wx1"));
        let after = |pauses| START + rules.forced_tokens_apart * pauses;
        assert_eq!(code(limits.force(&rules, &app, START)), None);
        assert_eq!(code(limits.force(&rules, &app, START)), Some(Errcode::TOO_OFTEN));
        for pauses in 1..20 {
            assert_eq!(code(limits.force(&rules, &app, after(pauses))), None, "after {pauses} pauses");
        }
        assert_eq!(code(limits.force(&rules, &app, after(20))), Some(Errcode::DAILY_QUOTA));
        assert_eq!(code(limits.force(&rules, &app, START + Duration::from_millis(DAY))), None);
    }
}
