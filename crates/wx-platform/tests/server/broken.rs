//! A store whose disk breaks.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use wx_api::{AppId, Timestamp, UserId};
use wx_platform::store::{
    App, HostKey, Identity, MemoryStore, Result, Session, SoterKey, Store, StoreError, Token, TokenKind, User,
};
use wx_rules::login::CodeError;

/// Works until it is broken.
#[derive(Default)]
pub(crate) struct Broken {
    inner: MemoryStore,
    broken: AtomicBool,
}

impl Broken {
    pub(crate) fn break_now(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }

    fn working(&self) -> Result<&MemoryStore> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(StoreError::Failed { path: PathBuf::from("store"), reason: "the disk is gone".to_owned() });
        }
        Ok(&self.inner)
    }
}

#[async_trait]
impl Store for Broken {
    async fn identity(&self, offered: Identity) -> Result<Identity> {
        self.working()?.identity(offered).await
    }

    async fn host_key(&self, hash: &[u8; 32]) -> Result<Option<HostKey>> {
        self.working()?.host_key(hash).await
    }

    async fn put_host_key(&self, hash: [u8; 32], key: HostKey) -> Result<()> {
        self.working()?.put_host_key(hash, key).await
    }

    async fn remove_host_keys(&self, name: &str) -> Result<usize> {
        self.working()?.remove_host_keys(name).await
    }

    async fn app(&self, app: &AppId) -> Result<Option<Arc<App>>> {
        self.working()?.app(app).await
    }

    async fn apps(&self) -> Result<Vec<Arc<App>>> {
        self.working()?.apps().await
    }

    async fn put_app(&self, app: App) -> Result<()> {
        self.working()?.put_app(app).await
    }

    async fn remove_app(&self, app: &AppId) -> Result<bool> {
        self.working()?.remove_app(app).await
    }

    async fn user(&self, user: &UserId) -> Result<Option<User>> {
        self.working()?.user(user).await
    }

    async fn users(&self) -> Result<Vec<User>> {
        self.working()?.users().await
    }

    async fn put_user(&self, user: User) -> Result<()> {
        self.working()?.put_user(user).await
    }

    async fn begin_session(&self, code: &str, issued: Timestamp, session: Session) -> Result<()> {
        self.working()?.begin_session(code, issued, session).await
    }

    async fn consume_code(&self, app: &AppId, code: &str, now: Timestamp) -> Result<std::result::Result<Session, CodeError>> {
        self.working()?.consume_code(app, code, now).await
    }

    async fn session(&self, app: &AppId, openid: &str) -> Result<Option<Session>> {
        self.working()?.session(app, openid).await
    }

    async fn replace_session(&self, session: Session) -> Result<bool> {
        self.working()?.replace_session(session).await
    }

    async fn token(&self, text: &str) -> Result<Option<Token>> {
        self.working()?.token(text).await
    }

    async fn current_token(&self, app: &AppId, kind: TokenKind) -> Result<Option<Token>> {
        self.working()?.current_token(app, kind).await
    }

    async fn replace_token(&self, was: Option<&str>, token: Token, was_until: Timestamp) -> Result<Token> {
        self.working()?.replace_token(was, token, was_until).await
    }

    async fn revoke_tokens(&self, app: &AppId) -> Result<()> {
        self.working()?.revoke_tokens(app).await
    }

    async fn soter_keys(&self, app: &AppId, openid: &str) -> Result<Vec<SoterKey>> {
        self.working()?.soter_keys(app, openid).await
    }

    async fn add_soter_key(&self, app: &AppId, openid: &str, key: SoterKey) -> Result<()> {
        self.working()?.add_soter_key(app, openid, key).await
    }

    async fn raise_counter(&self, app: &AppId, openid: &str, public_key: &str, to: u64) -> Result<bool> {
        self.working()?.raise_counter(app, openid, public_key, to).await
    }

    async fn forget(&self, now: Timestamp) -> Result<()> {
        self.working()?.forget(now).await
    }
}
