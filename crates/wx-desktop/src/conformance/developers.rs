//! The servers of the apps' developers, which exchange codes over HTTP and keep their users' session keys.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::{sync::OnceCell, task::JoinHandle};
use wx_api::{
    AppId,
    signature::{Opened, Sealed, Signature, SignatureError},
};
use wx_conformance::{AppServer, Exchanged, Failure, Outcome, ServerError, ServerHandle};
use wx_crypto::Secret;
use wx_platform::{
    Errcode,
    client::{Client, ClientError},
    developer::Sessions,
    platform::Platform,
    wire::host,
};

use super::clock::VirtualClock;

/// The platform's side of the world, and a server for each app that somebody asks after.
pub(super) struct Developers {
    platform: Arc<Platform>,
    url: String,
    clock: Arc<VirtualClock>,
    servers: Mutex<HashMap<AppId, Arc<Developer>>>,
    server: JoinHandle<io::Result<()>>,
    _folder: TempDir,
}

impl Developers {
    /// Beside the platform whose `server` listens at `address` and has its data in `folder`. Both go with the value.
    pub(super) fn new(
        platform: Arc<Platform>,
        address: SocketAddr,
        clock: Arc<VirtualClock>,
        server: JoinHandle<io::Result<()>>,
        folder: TempDir,
    ) -> Self {
        Self { platform, url: format!("http://{address}"), clock, servers: Mutex::default(), server, _folder: folder }
    }
}

impl Drop for Developers {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl ServerHandle for Developers {
    fn of(&self, app: &AppId) -> Arc<dyn AppServer> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner); // nothing panics under the lock
        let server = servers.entry(app.clone()).or_insert_with(|| {
            Arc::new(Developer {
                app: app.clone(),
                platform: self.platform.clone(),
                url: self.url.clone(),
                clock: self.clock.clone(),
                desk: OnceCell::new(),
            })
        });
        server.clone()
    }
}

struct Developer {
    app: AppId,
    platform: Arc<Platform>,
    url: String,
    clock: Arc<VirtualClock>,
    /// From the first exchange on.
    desk: OnceCell<Desk>,
}

/// What a developer's server works with once it has the app's secret.
struct Desk {
    client: Client,
    sessions: Sessions,
}

impl Developer {
    async fn desk(&self) -> Result<&Desk, ClientError> {
        self.desk.get_or_try_init(|| self.open_desk()).await
    }

    async fn open_desk(&self) -> Result<Desk, ClientError> {
        let wanted = host::App { app: self.app.to_string(), new_secret: true, ..host::App::default() };
        let made = self.platform.set_app(&wanted).await;
        let secret =
            made.ok().and_then(|made| made.secret).ok_or_else(|| ClientError::Setup("the app got no secret".to_owned()))?;
        let client = Client::builder(&self.url, self.app.clone(), Secret::from(&secret)).build()?;
        let sessions = Sessions::new(client.clone(), self.clock.clone());
        Ok(Desk { client, sessions })
    }

    /// The sessions of a server that has exchanged a code; one that has not has none.
    fn sessions(&self) -> Result<&Sessions, SignatureError> {
        self.desk.get().map(|desk| &desk.sessions).ok_or(SignatureError::NoSession)
    }
}

#[async_trait]
impl AppServer for Developer {
    async fn exchange(&self, code: &str) -> Result<Exchanged, ServerError> {
        let desk = self.desk().await.map_err(|error| refusal(&error))?;
        let session = desk.client.code_to_session(code).await.map_err(|error| refusal(&error))?;
        let exchanged = Exchanged {
            openid: session.openid.clone(),
            session_key: session.session_key.expose_base64().to_string(),
            unionid: session.unionid.clone(),
        };
        desk.sessions.admit(session).map_err(|error| refusal(&error))?;
        Ok(exchanged)
    }

    fn signature(&self) -> &dyn Signature {
        self
    }

    async fn bind(&self, bound: bool) -> Outcome {
        let account = if bound { "the developer's account" } else { "" };
        let wanted = host::App { app: self.app.to_string(), account: Some(account.to_owned()), ..host::App::default() };
        self.platform.set_app(&wanted).await.map(drop).map_err(|error| Failure(error.to_string()))
    }
}

fn refusal(error: &ClientError) -> ServerError {
    ServerError { errcode: error.errcode().map_or(-1, Errcode::number), errmsg: error.to_string() }
}

#[async_trait]
impl Signature for Developer {
    async fn sign(&self, openid: &str, raw_data: &str) -> Result<String, SignatureError> {
        self.sessions()?.sign(openid, raw_data).await
    }

    async fn verify(&self, openid: &str, raw_data: &str, signature: &str) -> Result<(), SignatureError> {
        // The contract's, by `openid`: that of `Sessions` itself goes by token.
        Signature::verify(self.sessions()?, openid, raw_data, signature).await
    }

    async fn seal(&self, openid: &str, json: &str) -> Result<Sealed, SignatureError> {
        self.sessions()?.seal(openid, json).await
    }

    async fn open(&self, openid: &str, sealed: &Sealed) -> Result<Opened, SignatureError> {
        Signature::open(self.sessions()?, openid, sealed).await
    }
}
