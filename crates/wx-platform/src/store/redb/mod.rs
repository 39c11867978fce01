mod disk;
mod form;
mod steps;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

use std::{fmt, path::Path, sync::Arc};

use async_trait::async_trait;
use redb::ReadableTable;
use wx_api::{AppId, Timestamp, UserId};
use wx_rules::login::CodeError;

use self::{
    disk::Disk,
    form::{Stored, get},
    writer::Writer,
};
use super::{
    App, HostKey, Identity, Result, Session, SoterKey, Store, Token, TokenKind, User,
    fingerprint::{fingerprint, fingerprint_of_code},
};

/// A durable store for one server, in a folder of its own.
///
/// Whatever changes goes to one thread, which commits all that wait in one transaction and brings it to the disk before it answers any of
/// them. So the disk sets how long a change takes, and hardly how many happen at once. Reads go round that thread and see what was
/// committed.
///
/// What nobody waits for any more before its turn comes is left out. Dropping the store waits until its file is closed. When the disk
/// fails, what waited for it is told so; then the store opens its file anew, reading all of it if it was damaged, and goes on if it can.
/// Until it is open everything fails at once, and between two attempts lies a second.
///
/// Codes are kept as hashes, after the moment when they were given out. Session keys and access tokens are kept as they are, because they are needed again: the folder and the
/// file are made for their owner alone.
///
/// ```
/// use wx_platform::store::{RedbStore, Store, StoreError};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("platform");
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = RedbStore::open(&path)?;
/// assert!(matches!(RedbStore::open(&path), Err(StoreError::InUse { .. }))); // one server, one folder
/// assert!(store.apps().await?.is_empty());
/// # Ok::<(), StoreError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RedbStore {
    disk: Arc<Disk>,
    writer: Writer,
}

impl RedbStore {
    /// Opens the store in this folder, and makes both if they are not there. Reads the whole file once, to find damage now rather than in
    /// use.
    ///
    /// # Errors
    ///
    /// [`StoreError::InUse`](super::StoreError::InUse) when another server has it; [`StoreError::Unreadable`](super::StoreError::Unreadable) when it is damaged, or not a store of this version;
    /// [`StoreError::Failed`](super::StoreError::Failed) when the folder or the file cannot be made or read.
    pub fn open(path: &Path) -> Result<Self> {
        Self::over(Disk::open(path)?)
    }

    fn over(disk: Disk) -> Result<Self> {
        let disk = Arc::new(disk);
        let writer = Writer::start(disk.clone())?;
        Ok(Self { disk, writer })
    }

    /// The record of this key.
    fn one<K: redb::Key, R: Stored>(&self, table: tables::Records<K>, key: K::SelfType<'_>) -> Result<Option<R>> {
        self.disk.read(|read| get(&read.open_table(table)?, key))
    }

    /// Every record, by key.
    fn all<R: Stored>(&self, table: tables::Records<&'static str>) -> Result<Vec<R>> {
        self.disk.read(|read| read.open_table(table)?.iter()?.map(|entry| R::from_stored(entry?.1.value())).collect())
    }
}

impl fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStore").field("path", &self.disk.path()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for RedbStore {
    async fn identity(&self, offered: Identity) -> Result<Identity> {
        match self.one(tables::IDENTITY, ())? {
            Some(identity) => Ok(identity),
            None => self.writer.ask(move |tables| tables.identity(offered)).await,
        }
    }

    async fn host_key(&self, hash: &[u8; 32]) -> Result<Option<HostKey>> {
        self.one(tables::HOST_KEYS, hash)
    }

    async fn put_host_key(&self, hash: [u8; 32], key: HostKey) -> Result<()> {
        self.writer.ask(move |tables| tables.put_host_key(&hash, &key)).await
    }

    async fn remove_host_keys(&self, name: &str) -> Result<usize> {
        let name = name.to_owned();
        self.writer.ask(move |tables| tables.remove_host_keys(&name)).await
    }

    async fn app(&self, app: &AppId) -> Result<Option<Arc<App>>> {
        Ok(self.one(tables::APPS, app.as_str())?.map(Arc::new))
    }

    async fn apps(&self) -> Result<Vec<Arc<App>>> {
        Ok(self.all(tables::APPS)?.into_iter().map(Arc::new).collect())
    }

    async fn put_app(&self, app: App) -> Result<()> {
        self.writer.ask(move |tables| tables.put_app(&app)).await
    }

    async fn remove_app(&self, app: &AppId) -> Result<bool> {
        let app = app.clone();
        self.writer.ask(move |tables| tables.remove_app(&app)).await
    }

    async fn user(&self, user: &UserId) -> Result<Option<User>> {
        self.one(tables::USERS, user.as_str())
    }

    async fn users(&self) -> Result<Vec<User>> {
        self.all(tables::USERS)
    }

    async fn put_user(&self, user: User) -> Result<()> {
        self.writer.ask(move |tables| tables.put_user(&user)).await
    }

    async fn begin_session(&self, code: &str, issued: Timestamp, session: Session) -> Result<()> {
        let code = fingerprint_of_code(code);
        self.writer.ask(move |tables| tables.begin_session(&code, issued, session)).await
    }

    async fn consume_code(&self, app: &AppId, code: &str, now: Timestamp) -> Result<std::result::Result<Session, CodeError>> {
        let (app, code) = (app.clone(), fingerprint_of_code(code));
        self.writer.ask(move |tables| tables.consume_code(&app, &code, now)).await
    }

    async fn session(&self, app: &AppId, openid: &str) -> Result<Option<Session>> {
        self.one(tables::SESSIONS, (app.as_str(), openid))
    }

    async fn replace_session(&self, session: Session) -> Result<bool> {
        self.writer.ask(move |tables| tables.replace_session(session)).await
    }

    async fn token(&self, text: &str) -> Result<Option<Token>> {
        self.one(tables::TOKENS, &fingerprint(text))
    }

    async fn current_token(&self, app: &AppId, kind: TokenKind) -> Result<Option<Token>> {
        self.disk.read(|read| {
            let Some(current) = read.open_table(tables::CURRENT_TOKENS)?.get((app.as_str(), tables::number(kind)))? else {
                return Ok(None);
            };
            get(&read.open_table(tables::TOKENS)?, current.value())
        })
    }

    async fn replace_token(&self, was: Option<&str>, token: Token, was_until: Timestamp) -> Result<Token> {
        let was = was.map(fingerprint);
        self.writer.ask(move |tables| tables.replace_token(was.as_ref(), token, was_until)).await
    }

    async fn revoke_tokens(&self, app: &AppId) -> Result<()> {
        let app = app.clone();
        self.writer.ask(move |tables| tables.revoke_tokens(&app)).await
    }

    async fn soter_keys(&self, app: &AppId, openid: &str) -> Result<Vec<SoterKey>> {
        Ok(self.one(tables::SOTER_KEYS, (app.as_str(), openid))?.unwrap_or_default())
    }

    async fn add_soter_key(&self, app: &AppId, openid: &str, key: SoterKey) -> Result<bool> {
        let (app, openid) = (app.clone(), openid.to_owned());
        self.writer.ask(move |tables| tables.add_soter_key(&app, &openid, key)).await
    }

    async fn raise_counter(&self, app: &AppId, openid: &str, public_key: &str, to: u64) -> Result<bool> {
        let (app, openid, public_key) = (app.clone(), openid.to_owned(), public_key.to_owned());
        self.writer.ask(move |tables| tables.raise_counter(&app, &openid, &public_key, to)).await
    }

    #[allow(clippy::redundant_closure_for_method_calls)] // the method itself is not general enough in its lifetimes
    async fn healthy(&self) -> Result<()> {
        self.writer.ask(|tables| tables.rewrite()).await
    }

    async fn forget(&self, now: Timestamp) -> Result<()> {
        // In portions, so that nobody waits for all of it.
        while self.writer.ask(move |tables| tables.forget(now)).await? {}
        Ok(())
    }
}
