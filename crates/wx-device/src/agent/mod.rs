//! Serving a backend to hosts elsewhere. The agent runs where the backend is: prompts, consent and the clock are that machine's.

mod calls;
mod connection;
mod events;
mod journal;
mod session;

use std::{
    collections::HashMap,
    fmt, io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::{Semaphore, watch},
};
use wx_api::{ApiSet, Clock, Cx};
use wx_host::Wx;

use self::{journal::Journal, session::Session};
use crate::{KeyRing, LinkError, PublicKey, address::Stream, terms::LONGEST_MESSAGE, waits::is_set, wire::Limits};

/// How many hosts may be connected at a time.
const CONNECTIONS: usize = 64;

/// How many connections may be in their handshakes at a time.
const STRANGERS: usize = 64;

/// How long to wait when the system has no room for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// How many sessions of one host there may be, with a connection and without.
const SESSIONS: usize = 64;

/// What one session may ask for at a time.
const LIMITS: Limits = Limits { calls: 1024, contexts: 256, subscriptions: 256, message: LONGEST_MESSAGE };

/// Serves the APIs of one device to the hosts that were paired with it. Cheap to clone; every clone is the same agent.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use tokio::net::TcpListener;
/// use wx_api::Host;
/// use wx_device::{KeyRing, agent::Agent};
/// use wx_host::{TokioClock, Wx};
///
/// # async fn example(backend: Host) -> Result<(), Box<dyn std::error::Error>> {
/// let wx = Wx::builder(backend).build(); // a product adds its consent, and layers
/// let keys = Arc::new(KeyRing::open("/var/lib/kiosk/link")?);
/// let agent = Agent::builder(wx, keys, Arc::new(TokioClock)).name("kiosk").start("/var/lib/kiosk/journal")?;
/// agent.serve_tcp(TcpListener::bind("0.0.0.0:7411").await?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Agent(Arc<Inner>);

/// An agent to be put together. Made by [`Agent::builder`].
#[must_use = "a builder does nothing until the agent is started"]
pub struct Builder {
    wx: Wx,
    keys: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
    name: String,
    linger: Duration,
    silence: Duration,
}

struct Inner {
    wx: Wx,
    supported: ApiSet,
    keys: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
    name: String,
    linger: Duration,
    silence: Duration,
    epoch: [u8; 16],
    journal: Arc<Journal>,
    sessions: Mutex<HashMap<SessionKey, Arc<Session>>>,
    connections: Semaphore,
    strangers: Semaphore,
    /// Set once the agent is to end.
    ending: watch::Sender<bool>,
}

/// Whose session it is, and its name: what a host calls a session says nothing to another host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, minicbor::Encode, minicbor::Decode)]
struct SessionKey {
    #[cbor(n(0), with = "minicbor::bytes")]
    host: [u8; 32],
    #[cbor(n(1), with = "minicbor::bytes")]
    session: [u8; 16],
}

impl SessionKey {
    fn new(host: PublicKey, session: [u8; 16]) -> Self {
        Self { host: *host.as_bytes(), session }
    }

    #[cfg(test)]
    const fn test(byte: u8) -> Self {
        Self { host: [byte; 32], session: [byte; 16] }
    }
}

impl Agent {
    /// An agent of these APIs, for whoever is in `keys`. Time is the host's to supply: `wx_host::TokioClock`, in a product.
    pub fn builder(wx: Wx, keys: Arc<KeyRing>, clock: Arc<dyn Clock>) -> Builder {
        let (linger, silence) = (Duration::from_secs(300), Duration::from_secs(90));
        Builder { wx, keys, clock, name: "agent".to_owned(), linger, silence }
    }

    /// Serves everybody who connects, until [`shutdown`](Self::shutdown).
    ///
    /// # Errors
    ///
    /// None yet: what ends one connection ends no other.
    pub async fn serve_tcp(&self, listener: TcpListener) -> io::Result<()> {
        self.serve(Listener::Tcp(listener)).await
    }

    /// Serves everybody who connects on this machine, until [`shutdown`](Self::shutdown).
    ///
    /// # Errors
    ///
    /// None yet: what ends one connection ends no other.
    pub async fn serve_unix(&self, listener: UnixListener) -> io::Result<()> {
        self.serve(Listener::Unix(listener)).await
    }

    /// Serves one connection, such as standard input and output, to its end.
    ///
    /// # Errors
    ///
    /// Why it ended, unless the host said goodbye or the agent was shut down.
    pub async fn serve_stream(
        &self,
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Result<(), LinkError> {
        let stream = Stream { reader: Box::new(reader), writer: Box::new(writer), child: None };
        connection::serve(self.clone(), stream).await
    }

    /// Says goodbye to every host and ends what is under way. What was begun and has no answer yet is *outcome unknown* to the next
    /// agent with this journal.
    pub async fn shutdown(&self) {
        self.0.ending.send_replace(true);
        // Connections have permits; when all are back, all have said goodbye, and nothing more begins.
        let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
        let _all = self.0.connections.acquire_many(all).await;
        let sessions: Vec<Arc<Session>> = self.sessions().drain().map(|(_, session)| session).collect();
        for session in sessions {
            session.stop().await;
        }
        self.0.journal.close();
    }

    async fn serve(&self, listener: Listener) -> io::Result<()> {
        let mut ending = self.0.ending.subscribe();
        loop {
            let stream = tokio::select! {
                stream = listener.accept() => stream,
                () = is_set(&mut ending) => return Ok(()),
            };
            match stream {
                Ok(stream) => {
                    let agent = self.clone();
                    tokio::spawn(async move {
                        if let Err(error) = connection::serve(agent, stream).await {
                            tracing::info!(%error, "a connection ended");
                        }
                    });
                }
                Err(error) => {
                    // One that broke off, or no room for more: neither is a reason to leave those who are there.
                    tracing::info!(%error, "a connection did not come about");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Ends this session for good, unless its host has come back over another connection than the one with this number.
    async fn end(&self, session: &Arc<Session>, number: u64) {
        {
            let mut sessions = self.sessions();
            let is_it = sessions.get(&session.key()).is_some_and(|there| Arc::ptr_eq(there, session));
            if !is_it || !session.is_of(number) {
                return;
            }
            sessions.remove(&session.key());
        }
        session.end().await;
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionKey, Arc<Session>>> {
        self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner) // only whole entries are put in and taken out
    }
}

/// Where hosts come in.
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => Ok(Stream::tcp(listener.accept().await?.0)),
            Self::Unix(listener) => Ok(Stream::unix(listener.accept().await?.0)),
        }
    }
}

impl Builder {
    /// What the device is called where hosts list their devices.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How long a session outlives its connection: five minutes, unless told otherwise. A host that comes back in time finds its calls
    /// and subscriptions as they are.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// How long a connection may say nothing before it counts as dead: 90 seconds, unless told otherwise. Hosts ask more often.
    pub fn silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// Starts the agent, with its journal in this file. It serves nobody yet. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// The journal cannot be read or written, or the system has no randomness.
    pub fn start(self, journal: impl Into<PathBuf>) -> io::Result<Agent> {
        let Self { wx, keys, clock, name, linger, silence } = self;
        let journal = Arc::new(Journal::open(&journal.into())?);
        let mut epoch = [0; 16];
        getrandom::fill(&mut epoch).map_err(io::Error::other)?;
        // What the device has; what a profile has of it is for each call to say.
        let supported = wx.supported(&Cx::new("wx0000000000000000"));
        let agent = Agent(Arc::new(Inner {
            wx,
            supported,
            keys,
            clock,
            name,
            linger,
            silence,
            epoch,
            journal: journal.clone(),
            sessions: Mutex::default(),
            connections: Semaphore::new(CONNECTIONS),
            strangers: Semaphore::new(STRANGERS),
            ending: watch::Sender::new(false),
        }));
        for key in journal.sessions() {
            let session = Session::recalled(&agent, key);
            agent.sessions().insert(key, session.clone());
            session.wait_for_its_host(&agent, 0);
        }
        Ok(agent)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("name", &self.name).field("linger", &self.linger).finish_non_exhaustive()
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sessions = self.sessions().len();
        let kept = self.0.journal.len();
        f.debug_struct("Agent")
            .field("name", &self.0.name)
            .field("sessions", &sessions)
            .field("kept_calls", &kept)
            .finish_non_exhaustive()
    }
}
