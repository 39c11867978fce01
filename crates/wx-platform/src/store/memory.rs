use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use async_trait::async_trait;
use wx_api::{AppId, Timestamp, UserId};
use wx_rules::login::{CODE_LIFE, CodeError};

use super::{
    App, Code, HostKey, Identity, MOST_SOTER_KEYS, Result, Session, SoterKey, Store, Token, TokenKind, User,
    fingerprint::{Fingerprint, fingerprint, fingerprint_of_code},
};

/// A store that lasts as long as its process: for tests, and for a server whose users sign in anew after a restart.
///
/// ```
/// use wx_api::Timestamp;
/// use wx_platform::store::{MemoryStore, Store};
/// use wx_rules::login::{CODE_LIFE, CodeError};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = MemoryStore::default();
/// let now = Timestamp::from_millis(0);
/// assert_eq!(store.consume_code(&"wx4f4bc4dec97d474b".into(), "no code", now).await?, Err(CodeError::Unknown));
/// # Ok::<(), wx_platform::store::StoreError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Whoever needs both locks takes the one on the register first.
#[derive(Default)]
pub struct MemoryStore {
    register: RwLock<Register>,
    state: Mutex<State>,
}

/// What every request looks up and administrators change.
#[derive(Default)]
struct Register {
    identity: Option<Identity>,
    host_keys: HashMap<Fingerprint, HostKey>,
    apps: BTreeMap<AppId, Arc<App>>,
    users: BTreeMap<UserId, User>,
}

/// What requests change.
#[derive(Default)]
struct State {
    of_app: HashMap<AppId, OfApp>,
    /// The codes by when they were given out, for [`Store::forget`].
    codes_by_age: BTreeSet<(Timestamp, AppId, Fingerprint)>,
    /// The version that was given last.
    version: u64,
    tokens: HashMap<Fingerprint, Token>,
    current_tokens: HashMap<(AppId, TokenKind), Fingerprint>,
}

/// What belongs to one app, by openid but for the codes.
#[derive(Default)]
struct OfApp {
    /// In order: codes of one moment are used up at about the same time, and lie side by side in memory.
    codes: BTreeMap<Fingerprint, Code>,
    sessions: HashMap<String, Session>,
    soter_keys: HashMap<String, Vec<SoterKey>>,
}

impl MemoryStore {
    // Nothing panics while it holds a lock; if something did, the other users still have their sessions.

    fn register(&self) -> RwLockReadGuard<'_, Register> {
        self.register.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn register_mut(&self) -> RwLockWriteGuard<'_, Register> {
        self.register.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl State {
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
        Ok(self.register_mut().identity.get_or_insert(offered).clone())
    }

    async fn host_key(&self, hash: &[u8; 32]) -> Result<Option<HostKey>> {
        Ok(self.register().host_keys.get(hash).cloned())
    }

    async fn put_host_key(&self, hash: [u8; 32], key: HostKey) -> Result<()> {
        self.register_mut().host_keys.insert(hash, key);
        Ok(())
    }

    async fn remove_host_keys(&self, name: &str) -> Result<usize> {
        Ok(self.register_mut().host_keys.extract_if(|_, key| key.name == name).count())
    }

    async fn app(&self, app: &AppId) -> Result<Option<Arc<App>>> {
        Ok(self.register().apps.get(app).cloned())
    }

    async fn apps(&self) -> Result<Vec<Arc<App>>> {
        Ok(self.register().apps.values().cloned().collect())
    }

    async fn put_app(&self, app: App) -> Result<()> {
        self.register_mut().apps.insert(app.id.clone(), Arc::new(app));
        Ok(())
    }

    async fn remove_app(&self, app: &AppId) -> Result<bool> {
        let (mut register, mut state) = (self.register_mut(), self.state());
        state.of_app.remove(app);
        state.codes_by_age.retain(|(_, of, _)| of != app);
        state.remove_tokens(|token| token.app == *app);
        Ok(register.apps.remove(app).is_some())
    }

    async fn user(&self, user: &UserId) -> Result<Option<User>> {
        Ok(self.register().users.get(user).cloned())
    }

    async fn users(&self) -> Result<Vec<User>> {
        Ok(self.register().users.values().cloned().collect())
    }

    async fn put_user(&self, user: User) -> Result<()> {
        self.register_mut().users.insert(user.id.clone(), user);
        Ok(())
    }

    async fn begin_session(&self, code: &str, issued: Timestamp, mut session: Session) -> Result<()> {
        let (app, openid, hash) = (session.app.clone(), session.openid.clone(), fingerprint_of_code(code));
        let code = Code { app: app.clone(), openid: openid.clone(), state: wx_rules::login::Code::new(issued) };
        let mut state = self.state();
        state.version += 1;
        session.version = state.version;
        let of_app = state.of_app.entry(app.clone()).or_default();
        of_app.sessions.insert(openid, session);
        let same = of_app.codes.insert(hash, code);
        if let Some(same) = same {
            state.codes_by_age.remove(&(same.state.issued, app.clone(), hash));
        }
        state.codes_by_age.insert((issued, app, hash));
        Ok(())
    }

    async fn consume_code(&self, app: &AppId, code: &str, now: Timestamp) -> Result<std::result::Result<Session, CodeError>> {
        let hash = fingerprint_of_code(code);
        let mut state = self.state();
        let Some(OfApp { codes, sessions, .. }) = state.of_app.get_mut(app) else { return Ok(Err(CodeError::Unknown)) };
        let Some(code) = codes.get_mut(&hash) else { return Ok(Err(CodeError::Unknown)) };
        let Some(session) = sessions.get(&code.openid) else { return Ok(Err(CodeError::Unknown)) };
        Ok(code.state.redeem(now).map(|()| session.clone()))
    }

    async fn session(&self, app: &AppId, openid: &str) -> Result<Option<Session>> {
        Ok(self.state().of_app.get(app).and_then(|of_app| of_app.sessions.get(openid)).cloned())
    }

    async fn replace_session(&self, mut session: Session) -> Result<bool> {
        let mut state = self.state();
        let State { of_app, version, .. } = &mut *state;
        let current = of_app.get_mut(&session.app).and_then(|of_app| of_app.sessions.get_mut(&session.openid));
        let Some(current) = current.filter(|current| current.version == session.version) else { return Ok(false) };
        *version += 1;
        session.version = *version;
        *current = session;
        Ok(true)
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
        Ok(state.of_app.get(app).and_then(|of_app| of_app.soter_keys.get(openid)).cloned().unwrap_or_default())
    }

    async fn add_soter_key(&self, app: &AppId, openid: &str, key: SoterKey) -> Result<bool> {
        let mut state = self.state();
        let keys = state.of_app.entry(app.clone()).or_default().soter_keys.entry(openid.to_owned()).or_default();
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
        let keys = state.of_app.get_mut(app).and_then(|of_app| of_app.soter_keys.get_mut(openid));
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
            if now - issued < CODE_LIFE {
                state.codes_by_age.insert((issued, app, code));
                break;
            }
            if let Some(of_app) = state.of_app.get_mut(&app) {
                of_app.codes.remove(&code);
            }
        }
        // A handful for each app: not worth an index.
        state.remove_tokens(|token| token.expires <= now);
        Ok(())
    }
}
