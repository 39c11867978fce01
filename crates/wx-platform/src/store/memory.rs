use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use wx_api::{AppId, Timestamp, UserId};
use wx_rules::login::CodeError;

use super::{
    App, Code, HostKey, Identity, MOST_SOTER_KEYS, Result, Session, SoterKey, Store, Token, TokenKind, User,
    fingerprint::{Fingerprint, fingerprint, fingerprint_of_code},
};

/// A store that lasts as long as its process: for tests, and for a server whose users sign in anew after a restart.
///
/// ```
/// use wx_api::Timestamp;
/// use wx_platform::store::{MemoryStore, Store};
/// use wx_rules::login::CodeError;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = MemoryStore::default();
/// let now = Timestamp::from_millis(0);
/// assert_eq!(store.consume_code(&"wx4f4bc4dec97d474b".into(), "no code", now).await?, Err(CodeError::Unknown));
/// # Ok::<(), wx_platform::store::StoreError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Default)]
struct State {
    identity: Option<Identity>,
    host_keys: HashMap<Fingerprint, HostKey>,
    apps: BTreeMap<AppId, Arc<App>>,
    users: BTreeMap<UserId, User>,
    /// In order: codes of one moment are used up at about the same time, and lie side by side in memory.
    codes: HashMap<AppId, BTreeMap<Fingerprint, Code>>,
    /// The codes by when they were given out, for [`Store::forget`].
    codes_by_age: BTreeSet<(Timestamp, AppId, Fingerprint)>,
    sessions: HashMap<AppId, HashMap<String, Session>>,
    /// The version that was given last.
    version: u64,
    tokens: HashMap<Fingerprint, Token>,
    current_tokens: HashMap<(AppId, TokenKind), Fingerprint>,
    soter_keys: HashMap<AppId, HashMap<String, Vec<SoterKey>>>,
}

impl MemoryStore {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock; if something did, the other users still have their sessions.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl State {
    fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    fn current_token(&self, app: &AppId, kind: TokenKind) -> Option<&Token> {
        self.tokens.get(self.current_tokens.get(&(app.clone(), kind))?)
    }

    fn remove_tokens(&mut self, gone: impl Fn(&Token) -> bool) {
        self.tokens.retain(|_, token| !gone(token));
        self.current_tokens.retain(|_, current| self.tokens.contains_key(current));
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn identity(&self, offered: Identity) -> Result<Identity> {
        Ok(self.state().identity.get_or_insert(offered).clone())
    }

    async fn host_key(&self, hash: &[u8; 32]) -> Result<Option<HostKey>> {
        Ok(self.state().host_keys.get(hash).cloned())
    }

    async fn put_host_key(&self, hash: [u8; 32], key: HostKey) -> Result<()> {
        self.state().host_keys.insert(hash, key);
        Ok(())
    }

    async fn remove_host_keys(&self, name: &str) -> Result<usize> {
        Ok(self.state().host_keys.extract_if(|_, key| key.name == name).count())
    }

    async fn app(&self, app: &AppId) -> Result<Option<Arc<App>>> {
        Ok(self.state().apps.get(app).cloned())
    }

    async fn apps(&self) -> Result<Vec<Arc<App>>> {
        Ok(self.state().apps.values().cloned().collect())
    }

    async fn put_app(&self, app: App) -> Result<()> {
        self.state().apps.insert(app.id.clone(), Arc::new(app));
        Ok(())
    }

    async fn remove_app(&self, app: &AppId) -> Result<bool> {
        let mut state = self.state();
        state.codes.remove(app);
        state.codes_by_age.retain(|(_, of, _)| of != app);
        state.sessions.remove(app);
        state.remove_tokens(|token| token.app == *app);
        state.soter_keys.remove(app);
        Ok(state.apps.remove(app).is_some())
    }

    async fn user(&self, user: &UserId) -> Result<Option<User>> {
        Ok(self.state().users.get(user).cloned())
    }

    async fn users(&self) -> Result<Vec<User>> {
        Ok(self.state().users.values().cloned().collect())
    }

    async fn put_user(&self, user: User) -> Result<()> {
        self.state().users.insert(user.id.clone(), user);
        Ok(())
    }

    async fn begin_session(&self, code: &str, issued: Timestamp, mut session: Session) -> Result<()> {
        let (app, openid, hash) = (session.app.clone(), session.openid.clone(), fingerprint_of_code(code));
        let code = Code { app: app.clone(), openid: openid.clone(), state: wx_rules::login::Code::new(issued) };
        let mut state = self.state();
        let same = state.codes.entry(app.clone()).or_default().insert(hash, code);
        if let Some(same) = same {
            state.codes_by_age.remove(&(same.state.issued, app.clone(), hash));
        }
        state.codes_by_age.insert((issued, app.clone(), hash));
        session.version = state.next_version();
        state.sessions.entry(app).or_default().insert(openid, session);
        Ok(())
    }

    async fn consume_code(&self, app: &AppId, code: &str, now: Timestamp) -> Result<std::result::Result<Session, CodeError>> {
        let hash = fingerprint_of_code(code);
        let mut state = self.state();
        let State { codes, sessions, .. } = &mut *state;
        let Some(code) = codes.get_mut(app).and_then(|of_app| of_app.get_mut(&hash)) else {
            return Ok(Err(CodeError::Unknown));
        };
        let Some(session) = sessions.get(app).and_then(|of_app| of_app.get(&code.openid)) else {
            return Ok(Err(CodeError::Unknown));
        };
        Ok(code.state.redeem(now).map(|()| session.clone()))
    }

    async fn session(&self, app: &AppId, openid: &str) -> Result<Option<Session>> {
        Ok(self.state().sessions.get(app).and_then(|of_app| of_app.get(openid)).cloned())
    }

    async fn replace_session(&self, mut session: Session) -> Result<bool> {
        let mut state = self.state();
        let current = state.sessions.get(&session.app).and_then(|of_app| of_app.get(&session.openid));
        let is_current = current.is_some_and(|current| current.version == session.version);
        if is_current {
            session.version = state.next_version();
            state.sessions.entry(session.app.clone()).or_default().insert(session.openid.clone(), session);
        }
        Ok(is_current)
    }

    async fn token(&self, text: &str) -> Result<Option<Token>> {
        Ok(self.state().tokens.get(&fingerprint(text)).cloned())
    }

    async fn current_token(&self, app: &AppId, kind: TokenKind) -> Result<Option<Token>> {
        Ok(self.state().current_token(app, kind).cloned())
    }

    async fn replace_token(&self, was: Option<&str>, token: Token, was_until: Timestamp) -> Result<Token> {
        let text = fingerprint(token.text.expose());
        let was = was.map(fingerprint);
        let mut state = self.state();
        let current = state.current_tokens.get(&(token.app.clone(), token.kind)).copied();
        if let Some(old) = current.and_then(|current| state.tokens.get_mut(&current)) {
            if current != was {
                return Ok(old.clone());
            }
            old.expires = old.expires.min(was_until);
        }
        state.current_tokens.insert((token.app.clone(), token.kind), text);
        state.tokens.insert(text, token.clone());
        Ok(token)
    }

    async fn revoke_tokens(&self, app: &AppId) -> Result<()> {
        self.state().remove_tokens(|token| token.app == *app);
        Ok(())
    }

    async fn soter_keys(&self, app: &AppId, openid: &str) -> Result<Vec<SoterKey>> {
        let state = self.state();
        Ok(state.soter_keys.get(app).and_then(|of_app| of_app.get(openid)).cloned().unwrap_or_default())
    }

    async fn add_soter_key(&self, app: &AppId, openid: &str, key: SoterKey) -> Result<bool> {
        let mut state = self.state();
        let keys = state.soter_keys.entry(app.clone()).or_default().entry(openid.to_owned()).or_default();
        if keys.iter().any(|known| known.public_key == key.public_key) {
            return Ok(true);
        }
        let has_room = keys.len() < MOST_SOTER_KEYS;
        if has_room {
            keys.push(key);
        }
        Ok(has_room)
    }

    async fn raise_counter(&self, app: &AppId, openid: &str, public_key: &str, to: u64) -> Result<bool> {
        let mut state = self.state();
        let keys = state.soter_keys.get_mut(app).and_then(|of_app| of_app.get_mut(openid));
        let key = keys.and_then(|keys| keys.iter_mut().find(|key| key.public_key == public_key));
        Ok(key.is_some_and(|key| {
            let rises = key.counter.is_none_or(|counter| counter < to);
            if rises {
                key.counter = Some(to);
            }
            rises
        }))
    }

    async fn healthy(&self) -> Result<()> {
        Ok(())
    }

    async fn forget(&self, now: Timestamp) -> Result<()> {
        let mut state = self.state();
        while let Some((issued, app, code)) = state.codes_by_age.pop_first() {
            if !(wx_rules::login::Code { issued, used: true }).expired(now) {
                state.codes_by_age.insert((issued, app, code));
                break;
            }
            if let Some(of_app) = state.codes.get_mut(&app) {
                of_app.remove(&code);
            }
        }
        // A handful for each app: not worth an index.
        state.remove_tokens(|token| token.expires <= now);
        Ok(())
    }
}
