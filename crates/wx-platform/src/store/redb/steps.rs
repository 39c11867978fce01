//! What each change does to the tables. A step reads all it reads before it changes anything.

use redb::ReadableTable;
use wx_api::{AppId, Timestamp};
use wx_rules::login::{CODE_LIFE, CodeError};

use super::{
    disk::Trouble,
    form::{Stored, get, put},
    tables::{LAST_VERSION, Tables, number},
};
use crate::store::{
    App, Code, HostKey, Identity, MOST_SOTER_KEYS, Session, SoterKey, Token, TokenKind, User, fingerprint::Fingerprint,
    fingerprint::fingerprint,
};

/// How many codes and how many tokens one step forgets at most.
const PORTION: usize = 2000;

type Done<T> = Result<T, Trouble>;

impl Tables<'_> {
    pub(super) fn identity(&mut self, offered: Identity) -> Done<Identity> {
        if let Some(identity) = get(&self.identity, ())? {
            return Ok(identity);
        }
        put(&mut self.identity, (), &offered)?;
        Ok(offered)
    }

    pub(super) fn put_host_key(&mut self, hash: &[u8; 32], key: &HostKey) -> Done<()> {
        put(&mut self.host_keys, hash, key)
    }

    pub(super) fn remove_host_keys(&mut self, name: &str) -> Done<usize> {
        let mut named = Vec::new();
        for entry in self.host_keys.iter()? {
            let (hash, key) = entry?;
            if HostKey::from_stored(key.value())?.name == name {
                named.push(*hash.value());
            }
        }
        for hash in &named {
            self.host_keys.remove(hash)?;
        }
        Ok(named.len())
    }

    pub(super) fn put_app(&mut self, app: &App) -> Done<()> {
        put(&mut self.apps, app.id.as_str(), app)
    }

    pub(super) fn remove_app(&mut self, app: &AppId) -> Done<bool> {
        let (codes, tokens) = (self.codes_of(app)?, self.tokens_where(|token| token.app == *app)?);
        let app = app.as_str();
        for (hash, code) in &codes {
            self.codes.remove((app, hash))?;
            self.codes_by_age.remove((code.state.issued.as_millis(), app, hash))?;
        }
        for (hash, token) in &tokens {
            self.remove_token(hash, token)?;
        }
        let after = next_after(app);
        let all = (app, "")..(after.as_str(), "");
        self.sessions.retain_in(all.clone(), |_, _| false)?;
        self.soter_keys.retain_in(all, |_, _| false)?;
        Ok(self.apps.remove(app)?.is_some())
    }

    pub(super) fn put_user(&mut self, user: &User) -> Done<()> {
        put(&mut self.users, user.id.as_str(), user)
    }

    pub(super) fn begin_session(&mut self, code: &Fingerprint, issued: Timestamp, mut session: Session) -> Done<()> {
        let (app, openid) = (session.app.clone(), session.openid.clone());
        let same: Option<Code> = get(&self.codes, (app.as_str(), code))?;
        if let Some(same) = same {
            self.codes_by_age.remove((same.state.issued.as_millis(), app.as_str(), code))?;
        }
        let record = Code { app: app.clone(), openid: openid.clone(), state: wx_rules::login::Code::new(issued) };
        put(&mut self.codes, (app.as_str(), code), &record)?;
        self.codes_by_age.insert((issued.as_millis(), app.as_str(), code), ())?;
        session.version = self.next_version()?;
        put(&mut self.sessions, (app.as_str(), openid.as_str()), &session)
    }

    pub(super) fn consume_code(&mut self, app: &AppId, code: &Fingerprint, now: Timestamp) -> Done<Result<Session, CodeError>> {
        let key = (app.as_str(), code);
        let Some(mut code) = get::<_, Code>(&self.codes, key)? else { return Ok(Err(CodeError::Unknown)) };
        let Some(session) = get::<_, Session>(&self.sessions, (app.as_str(), code.openid.as_str()))? else {
            return Ok(Err(CodeError::Unknown));
        };
        if let Err(refused) = code.state.redeem(now) {
            return Ok(Err(refused));
        }
        put(&mut self.codes, key, &code)?;
        Ok(Ok(session))
    }

    pub(super) fn replace_session(&mut self, mut session: Session) -> Done<bool> {
        let (app, openid) = (session.app.clone(), session.openid.clone());
        let key = (app.as_str(), openid.as_str());
        let current = get::<_, Session>(&self.sessions, key)?;
        if current.is_none_or(|current| current.version != session.version) {
            return Ok(false);
        }
        session.version = self.next_version()?;
        put(&mut self.sessions, key, &session)?;
        Ok(true)
    }

    pub(super) fn replace_token(&mut self, was: Option<&Fingerprint>, token: Token, was_until: Timestamp) -> Done<Token> {
        let current = self.current_token(&token.app, token.kind)?;
        if let Some((hash, mut old)) = current {
            if Some(&hash) != was {
                return Ok(old);
            }
            self.remove_token(&hash, &old)?;
            old.expires = old.expires.min(was_until);
            self.put_token(&hash, &old)?;
        }
        let hash = fingerprint(token.text.expose());
        self.put_token(&hash, &token)?;
        self.current_tokens.insert((token.app.as_str(), number(token.kind)), &hash)?;
        Ok(token)
    }

    pub(super) fn revoke_tokens(&mut self, app: &AppId) -> Done<()> {
        for (hash, token) in self.tokens_where(|token| token.app == *app)? {
            self.remove_token(&hash, &token)?;
        }
        Ok(())
    }

    pub(super) fn add_soter_key(&mut self, app: &AppId, openid: &str, key: SoterKey) -> Done<bool> {
        let mut keys: Vec<SoterKey> = get(&self.soter_keys, (app.as_str(), openid))?.unwrap_or_default();
        if keys.iter().any(|known| known.public_key == key.public_key) {
            return Ok(true);
        }
        if keys.len() >= MOST_SOTER_KEYS {
            return Ok(false);
        }
        keys.push(key);
        put(&mut self.soter_keys, (app.as_str(), openid), &keys)?;
        Ok(true)
    }

    pub(super) fn raise_counter(&mut self, app: &AppId, openid: &str, public_key: &str, to: u64) -> Done<bool> {
        let mut keys: Vec<SoterKey> = get(&self.soter_keys, (app.as_str(), openid))?.unwrap_or_default();
        let known = keys.iter_mut().find(|known| known.public_key == public_key);
        let Some(lower) = known.filter(|known| known.counter.is_none_or(|counter| counter < to)) else { return Ok(false) };
        lower.counter = Some(to);
        put(&mut self.soter_keys, (app.as_str(), openid), &keys)?;
        Ok(true)
    }

    /// Writes what is there already, for the disk to show whether it takes it.
    pub(super) fn rewrite(&mut self) -> Done<()> {
        let last = self.numbers.get(LAST_VERSION)?.map_or(0, |last| last.value());
        self.numbers.insert(LAST_VERSION, last)?;
        Ok(())
    }

    /// Forgets a portion of what is too old; answers whether there may be more.
    pub(super) fn forget(&mut self, now: Timestamp) -> Done<bool> {
        let mut codes = Vec::new();
        // The youngest that expired was given out this long ago, and the hashes of that millisecond are below the next.
        let youngest = now.as_millis().checked_sub(u64::try_from(CODE_LIFE.as_millis()).unwrap_or(u64::MAX));
        if let Some(after) = youngest.and_then(|youngest| youngest.checked_add(1)) {
            for entry in self.codes_by_age.range(..(after, "", &[0; 32]))?.take(PORTION) {
                let (key, _) = entry?;
                let (issued, app, hash) = key.value();
                codes.push((issued, app.to_owned(), *hash));
            }
        }
        let (mut expiries, mut tokens) = (Vec::new(), Vec::new());
        for entry in self.tokens_by_expiry.range(..(now.as_millis().saturating_add(1), &[0; 32]))?.take(PORTION) {
            let (expires, hash) = entry.map(|(key, _)| (key.value().0, *key.value().1))?;
            expiries.push((expires, hash));
            tokens.extend(get::<_, Token>(&self.tokens, &hash)?.map(|token| (hash, token)));
        }
        for (issued, app, hash) in &codes {
            self.codes_by_age.remove((*issued, app.as_str(), hash))?;
            self.codes.remove((app.as_str(), hash))?;
        }
        for (expires, hash) in &expiries {
            self.tokens_by_expiry.remove((*expires, hash))?;
        }
        // One of a text that was there before may have a longer life now.
        for (hash, token) in tokens.iter().filter(|(_, token)| token.expires <= now) {
            self.remove_token(hash, token)?;
        }
        Ok(codes.len() == PORTION || expiries.len() == PORTION)
    }

    fn next_version(&mut self) -> Done<u64> {
        let last = self.numbers.get(LAST_VERSION)?.map_or(0, |last| last.value());
        let next = last.checked_add(1).ok_or_else(|| Trouble::Damaged("there are no versions of sessions left".into()))?;
        self.numbers.insert(LAST_VERSION, next)?;
        Ok(next)
    }

    fn codes_of(&self, app: &AppId) -> Done<Vec<(Fingerprint, Code)>> {
        let app = app.as_str();
        let mut codes = Vec::new();
        for entry in self.codes.range((app, &[0; 32])..=(app, &[0xFF; 32]))? {
            let (key, code) = entry?;
            codes.push((*key.value().1, Code::from_stored(code.value())?));
        }
        Ok(codes)
    }

    /// Looks at every token. There are a handful for each app, and this is for an administrator.
    fn tokens_where(&self, wanted: impl Fn(&Token) -> bool) -> Done<Vec<(Fingerprint, Token)>> {
        let mut tokens = Vec::new();
        for entry in self.tokens.iter()? {
            let (hash, token) = entry?;
            let token = Token::from_stored(token.value())?;
            if wanted(&token) {
                tokens.push((*hash.value(), token));
            }
        }
        Ok(tokens)
    }

    fn current_token(&self, app: &AppId, kind: TokenKind) -> Done<Option<(Fingerprint, Token)>> {
        let Some(hash) = self.current_tokens.get((app.as_str(), number(kind)))?.map(|hash| *hash.value()) else {
            return Ok(None);
        };
        Ok(get(&self.tokens, &hash)?.map(|token| (hash, token)))
    }

    fn put_token(&mut self, hash: &Fingerprint, token: &Token) -> Done<()> {
        put(&mut self.tokens, hash, token)?;
        self.tokens_by_expiry.insert((token.expires.as_millis(), hash), ())?;
        Ok(())
    }

    /// Removes the token, and if it was the newest, that there is a newest.
    fn remove_token(&mut self, hash: &Fingerprint, token: &Token) -> Done<()> {
        self.tokens.remove(hash)?;
        self.tokens_by_expiry.remove((token.expires.as_millis(), hash))?;
        let key = (token.app.as_str(), number(token.kind));
        let is_current = self.current_tokens.get(key)?.is_some_and(|current| current.value() == hash);
        if is_current {
            self.current_tokens.remove(key)?;
        }
        Ok(())
    }
}

/// The first text after this one in the order of the tables.
fn next_after(text: &str) -> String {
    format!("{text}\0")
}
