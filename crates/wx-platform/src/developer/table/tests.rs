use std::time::Duration;

use wx_crypto::SessionKey;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const NOON: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A table, with tokens and keys by number.
struct Bench(Table);

impl Bench {
    fn new(per_user: usize, most: usize) -> Self {
        let rules = Rules { life: SECOND * 100, grace: SECOND * 10, per_user, most, ..Rules::default() };
        Self(Table::new(rules))
    }

    fn begin(&mut self, number: u8, openid: &str, now: Timestamp) -> Timestamp {
        let session_key = SessionKey::from_bytes([number; 16]);
        let exchanged = client::SignedIn { openid: openid.to_owned(), session_key, unionid: None };
        let expires = self.0.begin([number; 32], exchanged, u64::from(number), now);
        self.is_sound();
        expires
    }

    fn good(&mut self, now: Timestamp) -> Vec<u8> {
        let good = (0..=9).filter(|&number| self.0.session(&[number; 32], now).is_some()).collect();
        self.is_sound();
        good
    }

    /// The three lists name the same sessions, and no user is there without one.
    fn is_sound(&self) {
        let table = &self.0;
        assert!(table.oldest.values().all(|token| table.sessions.contains_key(token)));
        assert_eq!(table.oldest.len(), table.sessions.len());
        assert_eq!(table.users.values().map(|user| user.sessions.len()).sum::<usize>(), table.sessions.len());
        assert!(table.users.values().all(|user| !user.sessions.is_empty()));
    }
}

#[test]
fn a_session_ends_when_its_life_is_over() {
    let mut bench = Bench::new(5, 9);
    let expires = bench.begin(1, "o1", NOON);
    assert_eq!(expires, NOON + SECOND * 100);
    assert_eq!(bench.good(NOON + SECOND * 99), [1]);
    assert_eq!(bench.good(expires), [0_u8; 0]);
    assert!(bench.0.users.is_empty(), "the keys are gone with the last session");
}

#[test]
fn a_new_sign_in_leaves_the_earlier_tokens_of_that_user_a_grace() {
    let mut bench = Bench::new(5, 9);
    bench.begin(1, "o1", NOON);
    bench.begin(2, "o2", NOON);
    bench.begin(3, "o1", NOON + SECOND);
    assert_eq!(bench.good(NOON + SECOND * 10), [1, 2, 3]);
    assert_eq!(bench.good(NOON + SECOND * 11), [2, 3]);
}

#[test]
fn a_grace_does_not_prolong() {
    let mut bench = Bench::new(5, 9);
    bench.begin(1, "o1", NOON);
    bench.begin(2, "o1", NOON + SECOND * 95);
    assert_eq!(bench.good(NOON + SECOND * 100), [2]);
}

#[test]
fn a_sign_in_that_was_overtaken_leaves_the_later_one_alone_and_gets_the_grace() {
    let mut bench = Bench::new(5, 9);
    bench.begin(1, "o1", NOON);
    assert_eq!(bench.begin(3, "o1", NOON), NOON + SECOND * 100);
    assert_eq!(bench.begin(2, "o1", NOON + SECOND), NOON + SECOND * 11);
    assert_eq!(bench.good(NOON + SECOND * 10), [2, 3]);
    assert_eq!(bench.good(NOON + SECOND * 99), [3]);
}

#[test]
fn a_grace_longer_than_the_life_does_not_prolong_one_that_was_overtaken() {
    let mut bench = Bench::new(5, 9);
    bench.0.rules.grace = SECOND * 1000;
    bench.begin(2, "o1", NOON);
    assert_eq!(bench.begin(1, "o1", NOON), NOON + SECOND * 100);
}

#[test]
fn one_too_many_that_was_overtaken_goes_itself() {
    let mut bench = Bench::new(1, 9);
    bench.begin(2, "o1", NOON);
    assert_eq!(bench.begin(1, "o1", NOON), NOON, "it is over as it begins");
    assert_eq!(bench.good(NOON), [2]);
}

#[test]
fn of_too_many_sessions_of_a_user_the_oldest_goes() {
    let mut bench = Bench::new(2, 9);
    for (number, openid) in [(1, "o1"), (2, "o2"), (3, "o1"), (4, "o1")] {
        bench.begin(number, openid, NOON);
    }
    assert_eq!(bench.good(NOON), [2, 3, 4]);
}

#[test]
fn of_too_many_sessions_in_all_the_oldest_goes() {
    let mut bench = Bench::new(5, 2);
    for (number, openid) in [(1, "o1"), (2, "o2"), (3, "o3")] {
        bench.begin(number, openid, NOON);
    }
    assert_eq!(bench.good(NOON), [2, 3]);
}

#[test]
fn rules_that_allow_none_allow_the_newest() {
    let mut bench = Bench::new(0, 0);
    bench.begin(1, "o1", NOON);
    bench.begin(2, "o1", NOON);
    assert_eq!(bench.good(NOON), [2]);
}

#[test]
fn a_sign_in_drops_what_has_expired() {
    let mut bench = Bench::new(5, 9);
    bench.begin(1, "o1", NOON);
    bench.begin(2, "o2", NOON + SECOND * 50);
    bench.begin(3, "o3", NOON + SECOND * 100);
    assert_eq!(bench.0.len(), 2);
}

#[test]
fn a_key_is_no_previous_key_once_its_last_session_has_expired() {
    let mut bench = Bench::new(5, 9);
    bench.begin(1, "o2", NOON);
    bench.begin(2, "o1", NOON);
    bench.begin(3, "o1", NOON);
    assert!(bench.0.revoke(&[3; 32], NOON), "what is left of o1 ends with the grace, behind the long session of o2");
    bench.begin(4, "o1", NOON + SECOND * 10);
    assert!(bench.0.keys_by_user("o1", NOON + SECOND * 10).is_some_and(|keys| keys.previous.is_none()));
}

#[test]
fn a_revoked_token_is_gone_and_the_users_other_one_is_not() {
    let mut bench = Bench::new(5, 9);
    bench.begin(1, "o1", NOON);
    bench.begin(2, "o1", NOON);
    assert!(bench.0.revoke(&[2; 32], NOON));
    assert!(!bench.0.revoke(&[2; 32], NOON), "there is nothing left to revoke");
    assert_eq!(bench.good(NOON), [1]);
    assert!(bench.0.keys_by_user("o1", NOON).is_some());
    assert!(bench.0.keys_by_user("o1", NOON + SECOND * 10).is_none(), "only the shortened one was left");
}

#[test]
fn revoking_a_user_ends_all_their_sessions_and_nobody_elses() {
    let mut bench = Bench::new(5, 9);
    for (number, openid) in [(1, "o1"), (2, "o2"), (3, "o1")] {
        bench.begin(number, openid, NOON);
    }
    assert_eq!(bench.0.revoke_user("o1", NOON), 2);
    assert_eq!(bench.0.revoke_user("o1", NOON), 0);
    assert_eq!(bench.good(NOON), [2]);
}

#[test]
fn a_unionid_that_is_known_is_kept() {
    let mut bench = Bench::new(5, 9);
    let exchanged = |unionid: Option<&str>| client::SignedIn {
        openid: "o1".to_owned(),
        session_key: SessionKey::from_bytes([1; 16]),
        unionid: unionid.map(str::to_owned),
    };
    bench.0.begin([1; 32], exchanged(Some("u1")), 1, NOON);
    bench.0.begin([2; 32], exchanged(None), 2, NOON);
    assert_eq!(bench.0.session(&[2; 32], NOON).and_then(|session| session.unionid).as_deref(), Some("u1"));
}
