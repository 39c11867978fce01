//! The outside with one thing wrong: the developers' servers, and the reader.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use wx_api::{
    AppId,
    hce::HceMessage,
    signature::{Opened, Sealed, Signature, SignatureError},
};
use wx_conformance::{AppServer, Exchanged, Outcome, ReaderHandle, ServerError, ServerHandle, World};

use crate::spoil::{Listeners, Memory, Spoil};

/// What an exchange answers.
pub(crate) type Exchange = Result<Exchanged, ServerError>;

/// What every user of one app was last exchanged for, by their `openid`.
pub(crate) type Users = BTreeMap<String, Exchanged>;

impl Spoil {
    /// Changes what exchanges of codes answer.
    pub(crate) fn exchanges(spoil: impl Fn(&AppId, &str, Exchange) -> Exchange + Send + Sync + 'static) -> Self {
        Self::world(servers(spoil, Right))
    }

    /// Changes what exchanges of codes answer, too.
    pub(crate) fn with_exchanges(self, spoil: impl Fn(&AppId, &str, Exchange) -> Exchange + Send + Sync + 'static) -> Self {
        self.with_world(servers(spoil, Right))
    }

    /// Changes what the servers do with session keys.
    pub(crate) fn desk(desk: impl Desk + 'static) -> Self {
        Self::world(servers(|_, _, answer| answer, desk))
    }

    /// Tells the mini-programs of what the reader did and what it got, where `spoil` says so.
    pub(crate) fn reader(spoil: impl Fn(&[u8], Option<&Bytes>) -> Option<HceMessage> + Send + Sync + 'static) -> Self {
        Self::world(|mut world, listeners| {
            let spoil = Box::new(spoil);
            world.reader = world.reader.map(|inner| Arc::new(Reader { inner, spoil, listeners }) as _);
            world
        })
    }
}

/// What a server does with session keys. What is left out stays right.
#[async_trait]
pub(crate) trait Desk: Send + Sync {
    async fn sign(&self, server: &dyn Signature, _: &Users, openid: &str, raw_data: &str) -> Result<String, SignatureError> {
        server.sign(openid, raw_data).await
    }

    async fn verify(
        &self,
        server: &dyn Signature,
        openid: &str,
        raw_data: &str,
        signature: &str,
    ) -> Result<(), SignatureError> {
        server.verify(openid, raw_data, signature).await
    }

    async fn seal(&self, server: &dyn Signature, _: &Users, openid: &str, json: &str) -> Result<Sealed, SignatureError> {
        server.seal(openid, json).await
    }

    async fn open(&self, server: &dyn Signature, _: &Users, openid: &str, sealed: &Sealed) -> Result<Opened, SignatureError> {
        server.open(openid, sealed).await
    }
}

/// Nothing wrong.
struct Right;

impl Desk for Right {}

type SpoilExchange = dyn Fn(&AppId, &str, Exchange) -> Exchange + Send + Sync;

fn servers(
    exchange: impl Fn(&AppId, &str, Exchange) -> Exchange + Send + Sync + 'static,
    desk: impl Desk + 'static,
) -> impl FnOnce(World, Listeners) -> World + Send + Sync {
    |mut world, _| {
        let (exchange, desk, users) = (Arc::new(exchange), Arc::new(desk), Memory::default());
        world.server = world.server.map(|inner| Arc::new(Servers { inner, exchange, desk, users }) as _);
        world
    }
}

struct Servers {
    inner: Arc<dyn ServerHandle>,
    exchange: Arc<SpoilExchange>,
    desk: Arc<dyn Desk>,
    users: Memory<BTreeMap<AppId, Users>>,
}

impl ServerHandle for Servers {
    fn of(&self, app: &AppId) -> Arc<dyn AppServer> {
        Arc::new(Server {
            app: app.clone(),
            inner: self.inner.of(app),
            exchange: self.exchange.clone(),
            desk: self.desk.clone(),
            users: self.users.clone(),
        })
    }
}

struct Server {
    app: AppId,
    inner: Arc<dyn AppServer>,
    exchange: Arc<SpoilExchange>,
    desk: Arc<dyn Desk>,
    users: Memory<BTreeMap<AppId, Users>>,
}

impl Server {
    fn users(&self) -> Users {
        self.users.with(|users| users.get(&self.app).cloned().unwrap_or_default())
    }
}

#[async_trait]
impl AppServer for Server {
    async fn exchange(&self, code: &str) -> Exchange {
        let answer = self.inner.exchange(code).await;
        if let Ok(session) = &answer {
            self.users.with(|users| {
                users.entry(self.app.clone()).or_default().insert(session.openid.clone(), session.clone());
            });
        }
        (self.exchange)(&self.app, code, answer)
    }

    fn signature(&self) -> &dyn Signature {
        self
    }

    async fn bind(&self, bound: bool) -> Outcome {
        self.inner.bind(bound).await
    }
}

#[async_trait]
impl Signature for Server {
    async fn sign(&self, openid: &str, raw_data: &str) -> Result<String, SignatureError> {
        self.desk.sign(self.inner.signature(), &self.users(), openid, raw_data).await
    }

    async fn verify(&self, openid: &str, raw_data: &str, signature: &str) -> Result<(), SignatureError> {
        self.desk.verify(self.inner.signature(), openid, raw_data, signature).await
    }

    async fn seal(&self, openid: &str, json: &str) -> Result<Sealed, SignatureError> {
        self.desk.seal(self.inner.signature(), &self.users(), openid, json).await
    }

    async fn open(&self, openid: &str, sealed: &Sealed) -> Result<Opened, SignatureError> {
        self.desk.open(self.inner.signature(), &self.users(), openid, sealed).await
    }
}

struct Reader {
    inner: Arc<dyn ReaderHandle>,
    spoil: Box<SpoilCommand>,
    listeners: Listeners,
}

type SpoilCommand = dyn Fn(&[u8], Option<&Bytes>) -> Option<HceMessage> + Send + Sync;

#[async_trait]
impl ReaderHandle for Reader {
    async fn transceive(&self, command: &[u8]) -> Option<Bytes> {
        let got = self.inner.transceive(command).await;
        if let Some(message) = (self.spoil)(command, got.as_ref()) {
            self.listeners.with(|listeners| listeners.iter().for_each(|listener| listener.send(message.clone().into())));
        }
        got
    }

    async fn leave(&self) {
        self.inner.leave().await;
    }
}
