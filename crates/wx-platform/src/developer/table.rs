//! Who is signed in.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use wx_api::Timestamp;

use super::{Rules, Session, keys::Keys, token::Hash};
use crate::client;

/// Every session, by token and by user. A user is there as long as one of their sessions is.
#[derive(Debug)]
pub(super) struct Table {
    rules: Rules,
    sessions: HashMap<Hash, Entry>,
    /// By the number of the sign-in.
    oldest: BTreeMap<u64, Hash>,
    users: HashMap<Arc<str>, User>,
}

#[derive(Debug)]
struct Entry {
    /// The number of the sign-in, in the order in which they began. Answers may come in another.
    begun: u64,
    openid: Arc<str>,
    expires: Timestamp,
}

#[derive(Debug)]
struct User {
    unionid: Option<String>,
    keys: Keys,
    /// By when the sign-in began, the oldest first; never empty.
    sessions: VecDeque<Hash>,
}

impl Table {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, sessions: HashMap::new(), oldest: BTreeMap::new(), users: HashMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Begins the session of the sign-in that began as number `begun`, which no other has; answers until when it is good. One that a later
    /// sign-in of the user has overtaken gets the grace that it would have been left.
    pub(super) fn begin(&mut self, token: Hash, exchanged: client::SignedIn, begun: u64, now: Timestamp) -> Timestamp {
        let client::SignedIn { openid, session_key, unionid } = exchanged;
        self.drop_expired(now);
        self.drop_expired_of(&openid, now);
        let openid: Arc<str> = openid.into();
        let (life, grace) = (now + self.rules.life, now + self.rules.grace);
        let mut expires = life;
        if let Some(user) = self.users.get_mut(&openid) {
            let earlier = |token: &Hash| self.sessions.get(token).is_some_and(|entry| entry.begun < begun);
            let place = user.sessions.partition_point(earlier);
            for earlier in user.sessions.range(..place) {
                if let Some(entry) = self.sessions.get_mut(earlier) {
                    entry.expires = entry.expires.min(grace);
                }
            }
            if place < user.sessions.len() {
                expires = life.min(grace);
            }
            user.keys.add(session_key, begun, now);
            user.unionid = unionid.or(user.unionid.take());
            user.sessions.insert(place, token);
        } else {
            let user = User { unionid, keys: Keys::new(session_key, begun, now), sessions: VecDeque::from([token]) };
            self.users.insert(openid.clone(), user);
        }
        self.sessions.insert(token, Entry { begun, openid: openid.clone(), expires });
        self.oldest.insert(begun, token);
        while let Some(oldest) = self.one_too_many(&openid) {
            self.remove(&oldest);
        }
        self.sessions.get(&token).map_or(now, |entry| entry.expires) // it may have been the one too many
    }

    pub(super) fn session(&mut self, token: &Hash, now: Timestamp) -> Option<Session> {
        let (openid, expires) = self.good(token, now)?;
        let unionid = self.users.get(&openid)?.unionid.clone();
        Some(Session { openid: openid.to_string(), unionid, expires })
    }

    /// The keys of the user whose token this is.
    pub(super) fn keys_by_token(&mut self, token: &Hash, now: Timestamp) -> Option<Keys> {
        let (openid, _) = self.good(token, now)?;
        self.users.get(&openid).map(|user| user.keys.clone())
    }

    /// The keys of this user, if a session of theirs is good.
    pub(super) fn keys_by_user(&mut self, openid: &str, now: Timestamp) -> Option<Keys> {
        self.drop_expired_of(openid, now);
        self.users.get(openid).map(|user| user.keys.clone())
    }

    pub(super) fn revoke(&mut self, token: &Hash, now: Timestamp) -> bool {
        let was_good = self.good(token, now).is_some();
        self.remove(token);
        was_good
    }

    pub(super) fn revoke_user(&mut self, openid: &str, now: Timestamp) -> usize {
        self.drop_expired_of(openid, now);
        let sessions = self.users.get(openid).map(|user| user.sessions.clone()).unwrap_or_default();
        for token in &sessions {
            self.remove(token);
        }
        sessions.len()
    }

    /// The owner of a token that is good, and until when. One that has expired is dropped.
    fn good(&mut self, token: &Hash, now: Timestamp) -> Option<(Arc<str>, Timestamp)> {
        let entry = self.sessions.get(token)?;
        if now < entry.expires {
            return Some((entry.openid.clone(), entry.expires));
        }
        self.remove(token);
        None
    }

    /// The session that must go for the rules' sake, if one must. The latest one stays in any case.
    fn one_too_many(&self, openid: &str) -> Option<Hash> {
        let of_user = self.users.get(openid).map(|user| &user.sessions)?;
        if of_user.len() > self.rules.per_user.max(1) {
            of_user.front().copied()
        } else if self.sessions.len() > self.rules.most.max(1) {
            self.oldest.values().next().copied()
        } else {
            None
        }
    }

    /// Drops the oldest sessions that have expired. One that was shortened by a new sign-in may be behind one that is good; it goes
    /// when it is met, or when its whole life would be over.
    fn drop_expired(&mut self, now: Timestamp) {
        while let Some(oldest) = self.oldest.values().next().copied() {
            if self.good(&oldest, now).is_some() {
                break;
            }
        }
    }

    fn drop_expired_of(&mut self, openid: &str, now: Timestamp) {
        let sessions = self.users.get(openid).map(|user| user.sessions.clone()).unwrap_or_default();
        for token in &sessions {
            self.good(token, now);
        }
    }

    fn remove(&mut self, token: &Hash) {
        let Some(entry) = self.sessions.remove(token) else { return };
        self.oldest.remove(&entry.begun);
        if let Some(user) = self.users.get_mut(&entry.openid) {
            user.sessions.retain(|other| other != token);
            if user.sessions.is_empty() {
                self.users.remove(&entry.openid); // and wipes the keys
            }
        }
    }
}

#[cfg(test)]
mod tests;
