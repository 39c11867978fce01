//! A store whose disk stalls and breaks.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use tokio::sync::watch;
use wx_api::{AppId, Timestamp, UserId};
use wx_platform::store::{
    App, HostKey, Identity, MemoryStore, Result, Session, SoterKey, Store, StoreError, Token, TokenKind, User,
};
use wx_rules::login::CodeError;

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Disk {
    #[default]
    Works,
    /// Whoever asks waits until this changes.
    Stalls,
    Breaks,
    /// Whoever replaces a token waits until this changes.
    StallsAtTokens,
    /// Whoever begins a session or uses up a code does.
    StallsAtSignIn,
}

/// A store that does what its disk does.
#[derive(Default)]
pub(crate) struct OnDisk {
    inner: MemoryStore,
    disk: watch::Sender<Disk>,
}

impl OnDisk {
    pub(crate) fn set(&self, disk: Disk) {
        self.disk.send_replace(disk);
    }

    /// Waits while the disk does this.
    async fn past(&self, stall: Disk) {
        let _ = self.disk.subscribe().wait_for(|disk| *disk != stall).await; // it cannot fail: the sender is `self`
    }

    async fn working(&self) -> Result<&MemoryStore> {
        let mut watching = self.disk.subscribe();
        match watching.wait_for(|disk| *disk != Disk::Stalls).await.as_deref() {
            Ok(Disk::Works | Disk::StallsAtTokens | Disk::StallsAtSignIn) => Ok(&self.inner),
            _ => Err(StoreError::Failed { path: PathBuf::from("store"), reason: "the disk is gone".to_owned() }),
        }
    }
}

#[async_trait]
impl Store for OnDisk {
    async fn identity(&self, offered: Identity) -> Result<Identity> {
        self.working().await?.identity(offered).await
    }

    async fn host_key(&self, hash: &[u8; 32]) -> Result<Option<HostKey>> {
        self.working().await?.host_key(hash).await
    }

    async fn put_host_key(&self, hash: [u8; 32], key: HostKey) -> Result<()> {
        self.working().await?.put_host_key(hash, key).await
    }

    async fn remove_host_keys(&self, name: &str) -> Result<usize> {
        self.working().await?.remove_host_keys(name).await
    }

    async fn app(&self, app: &AppId) -> Result<Option<Arc<App>>> {
        self.working().await?.app(app).await
    }

    async fn apps(&self) -> Result<Vec<Arc<App>>> {
        self.working().await?.apps().await
    }

    async fn put_app(&self, app: App) -> Result<()> {
        self.working().await?.put_app(app).await
    }

    async fn remove_app(&self, app: &AppId) -> Result<bool> {
        self.working().await?.remove_app(app).await
    }

    async fn user(&self, user: &UserId) -> Result<Option<User>> {
        self.working().await?.user(user).await
    }

    async fn users(&self) -> Result<Vec<User>> {
        self.working().await?.users().await
    }

    async fn put_user(&self, user: User) -> Result<()> {
        self.working().await?.put_user(user).await
    }

    async fn begin_session(&self, code: &str, issued: Timestamp, session: Session) -> Result<()> {
        self.past(Disk::StallsAtSignIn).await;
        self.working().await?.begin_session(code, issued, session).await
    }

    async fn consume_code(&self, app: &AppId, code: &str, now: Timestamp) -> Result<std::result::Result<Session, CodeError>> {
        self.past(Disk::StallsAtSignIn).await;
        self.working().await?.consume_code(app, code, now).await
    }

    async fn session(&self, app: &AppId, openid: &str) -> Result<Option<Session>> {
        self.working().await?.session(app, openid).await
    }

    async fn replace_session(&self, session: Session) -> Result<bool> {
        self.working().await?.replace_session(session).await
    }

    async fn token(&self, text: &str) -> Result<Option<Token>> {
        self.working().await?.token(text).await
    }

    async fn current_token(&self, app: &AppId, kind: TokenKind) -> Result<Option<Token>> {
        self.working().await?.current_token(app, kind).await
    }

    async fn replace_token(&self, was: Option<&str>, token: Token, was_until: Timestamp) -> Result<Token> {
        self.past(Disk::StallsAtTokens).await;
        self.working().await?.replace_token(was, token, was_until).await
    }

    async fn revoke_tokens(&self, app: &AppId) -> Result<()> {
        self.working().await?.revoke_tokens(app).await
    }

    async fn soter_keys(&self, app: &AppId, openid: &str) -> Result<Vec<SoterKey>> {
        self.working().await?.soter_keys(app, openid).await
    }

    async fn add_soter_key(&self, app: &AppId, openid: &str, key: SoterKey) -> Result<bool> {
        self.working().await?.add_soter_key(app, openid, key).await
    }

    async fn raise_counter(&self, app: &AppId, openid: &str, public_key: &str, to: u64) -> Result<bool> {
        self.working().await?.raise_counter(app, openid, public_key, to).await
    }

    async fn healthy(&self) -> Result<()> {
        self.working().await?.healthy().await
    }

    async fn forget(&self, now: Timestamp) -> Result<()> {
        self.working().await?.forget(now).await
    }
}
