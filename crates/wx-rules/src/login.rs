//! How long a sign-in code is good, and how long the session it led to.

use std::{error, fmt, time::Duration};

use wx_api::Timestamp;

/// A code has expired once this much time has passed.
pub const CODE_LIFE: Duration = Duration::from_secs(5 * 60);

/// A day: what a session may idle at first, and what every use adds.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The most a session may idle, in days.
const MOST_DAYS: u32 = 30;

/// The most life cycles of one session whose checks are remembered.
pub const MOST_LAUNCHES: usize = 8;

/// The state of one code of `wx.login`. What the code is and whose, its store knows.
///
/// ```
/// use wx_api::Timestamp;
/// use wx_rules::login::{Code, CodeError};
///
/// let now = Timestamp::from_millis(0);
/// let mut code = Code::new(now);
/// assert_eq!(code.redeem(now), Ok(()));
/// assert_eq!(code.redeem(now), Err(CodeError::Used));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// When it was given out.
    pub issued: Timestamp,
    /// Whether it was redeemed.
    pub used: bool,
}

impl Code {
    /// A code given out now.
    pub const fn new(now: Timestamp) -> Self {
        Self { issued: now, used: false }
    }

    /// Exchanges the code, once, before five minutes have passed.
    ///
    /// Expiry comes first, so that a store may forget a code after five minutes, used or not, and nobody can tell.
    ///
    /// # Errors
    ///
    /// [`CodeError::Expired`] or [`CodeError::Used`].
    pub fn redeem(&mut self, now: Timestamp) -> Result<(), CodeError> {
        if self.expired(now) {
            Err(CodeError::Expired)
        } else if self.used {
            Err(CodeError::Used)
        } else {
            self.used = true;
            Ok(())
        }
    }

    /// Whether five minutes have passed. A code from further ahead than that was given out when the clock was wrong, and is no better.
    pub fn expired(&self, now: Timestamp) -> bool {
        now - self.issued >= CODE_LIFE || self.issued - now >= CODE_LIFE
    }
}

/// Why a code was not exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeError {
    /// Nobody was given this code, or it belongs to another app.
    Unknown,
    /// Five minutes have passed.
    Expired,
    /// It was exchanged before.
    Used,
}

impl CodeError {
    /// The `errcode` of the server's answer: 40163 for a used code, 40029 for any other.
    pub const fn errcode(self) -> i32 {
        match self {
            Self::Unknown | Self::Expired => 40029,
            Self::Used => 40163,
        }
    }
}

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "invalid code, unknown to this app: let the mini-program call wx.login",
            Self::Expired => "invalid code, older than five minutes: let the mini-program call wx.login again",
            Self::Used => "code been used, it was exchanged before: let the mini-program call wx.login again",
        })
    }
}

impl error::Error for CodeError {}

/// How long one user's session of one app lives.
///
/// The page says only that it fails sooner the longer it is not used, and lives as long as it is used. The rule here: a session
/// may idle for one day, and for one day more with every use, up to 30 days. A session that has ended stays ended.
///
/// A check that found it alive holds for the rest of that life cycle, as the page promises, whatever the clock says. Another
/// life cycle checks afresh, and the time counts from the last use: a check is none.
///
/// Nobody tells when a life cycle ends, and several may be under way at once. So the last [`MOST_LAUNCHES`] that checked are
/// remembered, and an older one has to do without the promise.
///
/// ```
/// use std::time::Duration;
/// use wx_api::Timestamp;
/// use wx_rules::login::Session;
///
/// let start = Timestamp::from_millis(0);
/// let day = Duration::from_secs(86_400);
/// let (launch, next_launch) = (1, 2);
/// let mut session = Session::begin(start);
/// assert!(session.check(start, launch));
/// assert!(session.alive(start + day, launch) && !session.alive(start + day, next_launch));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    last_use: Timestamp,
    uses: u32,
    /// The life cycles in which a check found it alive, the latest check last; [`MOST_LAUNCHES`] at most.
    checked_in: Vec<u64>,
}

impl Session {
    /// A session that begins now, with a login.
    pub const fn begin(now: Timestamp) -> Self {
        Self { last_use: now, uses: 0, checked_in: Vec::new() }
    }

    /// A session that a store kept, by its [`last_use`](Self::last_use), its [`uses`](Self::uses) and the life cycles it was
    /// [checked in](Self::checked_in).
    ///
    /// Where launches are numbered afresh in every process, a store that outlives the process must not keep those numbers as they
    /// are: another launch of the same number would inherit the promise.
    pub fn restore(last_use: Timestamp, uses: u32, checked_in: &[u64]) -> Self {
        Self { last_use, uses, checked_in: checked_in[checked_in.len().saturating_sub(MOST_LAUNCHES)..].to_vec() }
    }

    /// When it was last used, or began.
    pub const fn last_use(&self) -> Timestamp {
        self.last_use
    }

    /// How often it was used.
    pub const fn uses(&self) -> u32 {
        self.uses
    }

    /// The life cycles in which a check found it alive, the latest check last.
    pub fn checked_in(&self) -> &[u64] {
        &self.checked_in
    }

    /// Uses the session in life cycle `launch`, which prolongs it. Answers whether it was alive; one that has ended is left as
    /// it is, also where this life cycle was promised otherwise: nobody else shall see it come back.
    pub fn touch(&mut self, now: Timestamp, launch: u64) -> bool {
        let alive = self.alive(now, launch);
        if self.is_in_time(now) {
            self.last_use = self.last_use.max(now); // a clock set back takes nothing away
            self.uses = self.uses.saturating_add(1);
        }
        alive
    }

    /// Whether the session lives, seen from life cycle `launch`.
    pub fn alive(&self, now: Timestamp, launch: u64) -> bool {
        self.checked_in.contains(&launch) || self.is_in_time(now)
    }

    /// Whether it was used lately enough. A use more than a day ahead is from a clock that was wrong.
    fn is_in_time(&self, now: Timestamp) -> bool {
        now - self.last_use < self.allowance() && self.last_use - now < DAY
    }

    /// What `wx.checkSession` asks: whether the session lives. If so, it does for the rest of life cycle `launch`.
    pub fn check(&mut self, now: Timestamp, launch: u64) -> bool {
        let alive = self.alive(now, launch);
        if alive {
            self.checked_in.retain(|known| *known != launch);
            if self.checked_in.len() >= MOST_LAUNCHES {
                self.checked_in.remove(0);
            }
            self.checked_in.push(launch);
        }
        alive
    }

    /// How long it may idle.
    fn allowance(&self) -> Duration {
        DAY * self.uses.saturating_add(1).min(MOST_DAYS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_526_000_000_000);

    fn just_before(moment: Timestamp) -> Timestamp {
        Timestamp::from_millis(moment.as_millis() - 1)
    }

    #[test]
    fn a_code_works_until_five_minutes_have_passed() {
        assert_eq!(Code::new(START).redeem(just_before(START + CODE_LIFE)), Ok(()));
        assert_eq!(Code::new(START).redeem(START + CODE_LIFE), Err(CodeError::Expired));
    }

    #[test]
    fn a_code_works_once() {
        let mut code = Code::new(START);
        assert_eq!(code.redeem(START), Ok(()));
        assert_eq!(code.redeem(START), Err(CodeError::Used));
        assert_eq!(code.redeem(START + CODE_LIFE), Err(CodeError::Expired), "expiry comes first");
    }

    #[test]
    fn an_expired_code_is_not_used_up() {
        let mut code = Code::new(START);
        assert_eq!(code.redeem(START + CODE_LIFE), Err(CodeError::Expired));
        assert!(!code.used);
    }

    #[test]
    fn only_a_used_code_has_a_code_of_its_own() {
        let errcodes = [CodeError::Unknown, CodeError::Expired, CodeError::Used].map(CodeError::errcode);
        assert_eq!(errcodes, [40029, 40029, 40163]);
    }

    #[test]
    fn an_unused_session_lives_for_a_day() {
        let session = Session::begin(START);
        assert!(session.alive(just_before(START + DAY), 1));
        assert!(!session.alive(START + DAY, 1));
    }

    #[test]
    fn use_prolongs_a_session_and_more_use_prolongs_it_more() {
        let idles = |uses: u32| {
            let mut session = Session::begin(START);
            for _ in 0..uses {
                assert!(session.touch(START, 1));
            }
            (1..100).find(|&days| !session.alive(START + DAY * days, 1))
        };
        assert_eq!([0, 1, 2, 28, 29, 30, 1000].map(idles), [1, 2, 3, 29, 30, 30, 30].map(Some));
    }

    #[test]
    fn time_counts_from_the_last_use() {
        let mut session = Session::begin(START);
        let noon = START + DAY / 2;
        assert!(session.touch(noon, 1));
        assert!(session.alive(just_before(noon + DAY * 2), 1));
        assert!(!session.alive(noon + DAY * 2, 1));
    }

    #[test]
    fn a_session_that_has_ended_stays_ended() {
        let mut session = Session::begin(START);
        assert!(!session.touch(START + DAY, 1));
        assert!(!session.check(START + DAY, 1));
        assert!(!session.alive(START + DAY, 1));
    }

    #[test]
    fn a_checked_session_holds_for_this_launch_and_not_for_the_next() {
        let mut session = Session::begin(START);
        assert!(session.check(START, 1));
        for days in [1, 40, 4000] {
            assert!(session.check(START + DAY * days, 1), "after {days} days");
        }
        assert!(!session.check(START + DAY * 2, 2), "a check is no use");
    }

    #[test]
    fn a_check_in_one_launch_does_not_end_the_promise_to_another() {
        let mut session = Session::begin(START);
        assert!(session.check(START, 1) && session.check(START, 2));
        let later = START + DAY * 40;
        assert!(session.alive(later, 1) && session.alive(later, 2) && !session.alive(later, 3));
    }

    #[test]
    fn the_latest_checks_are_remembered_and_older_ones_are_not() {
        let (mut session, launches) = (Session::begin(START), 0..=MOST_LAUNCHES as u64);
        for launch in launches.clone() {
            assert!(session.check(START, launch));
            assert!(session.check(START, 1), "the second launch checks again and again");
        }
        let forgotten: Vec<u64> = launches.filter(|&launch| !session.alive(START + DAY * 40, launch)).collect();
        assert_eq!(forgotten, [0]);
    }

    #[test]
    fn a_failed_check_holds_nothing() {
        let mut session = Session::begin(START);
        assert!(!session.check(START + DAY, 1));
        assert!(!session.alive(START + DAY, 1));
    }

    #[test]
    fn a_stored_session_comes_back_as_it_was() {
        let mut session = Session::begin(START);
        assert!(session.touch(START, 1) && session.check(START, 1));
        assert_eq!(Session::restore(session.last_use(), session.uses(), session.checked_in()), session);
        let unchecked = Session::restore(session.last_use(), session.uses(), &[]);
        assert!(unchecked.alive(START + DAY, 1) && !unchecked.alive(START + DAY * 2, 1));
    }

    #[test]
    fn of_too_many_stored_checks_the_latest_count() {
        let launches: Vec<u64> = (0..=MOST_LAUNCHES as u64).collect();
        assert_eq!(Session::restore(START, 0, &launches).checked_in(), &launches[1..]);
    }

    #[test]
    fn a_promise_brings_no_session_back_for_others() {
        let mut session = Session::begin(START);
        assert!(session.check(START, 1));
        let later = START + DAY * 40;
        assert!(session.touch(later, 1), "as promised");
        assert!(!session.alive(later, 2));
        assert_eq!((session.last_use(), session.uses()), (START, 0));
    }

    #[test]
    fn a_clock_set_back_a_little_ends_nothing() {
        let mut session = Session::begin(START + DAY);
        assert!(session.touch(START + Duration::from_millis(1), 1));
        assert_eq!(session.last_use(), START + DAY);
        assert_eq!(Code::new(START + CODE_LIFE).redeem(START + Duration::from_millis(1)), Ok(()));
    }

    #[test]
    fn what_a_clock_far_ahead_began_does_not_last_until_then() {
        assert!(!Session::begin(START + DAY * 365).alive(START, 1));
        assert_eq!(Code::new(START + DAY * 365).redeem(START), Err(CodeError::Expired));
    }
}
