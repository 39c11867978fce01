use std::{
    env, fmt, io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::TcpListener,
    task::{JoinHandle, spawn_blocking},
};
use wx_api::Clock;
use wx_crypto::Secret;
use wx_platform::{
    client::{ClientError, HostClient},
    platform::{Refused, Rules, UnknownApps},
    server::Server,
    store::{RedbStore, Store, StoreError},
};

use crate::{
    Desktop,
    hce::{DesktopHce, Vpcd},
    platform::{Platform, authority},
    soter::{DesktopSoter, OpenSoter, Opened, SoterDevice},
};

/// Where the platform is.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum PlatformAt {
    /// In this process: a server on 127.0.0.1, which ends with the [`Desktop`] and all its hosts. It makes an app as soon as somebody
    /// signs in to it.
    #[default]
    Here,
    /// Elsewhere.
    Url {
        /// Its base, such as `https://platform.example`.
        url: String,
        /// What it knows this host by. One of an administrator, if the desktop is to make secrets and users.
        host_key: Secret,
    },
}

/// The host and the port only: somebody may have put a password before them.
impl fmt::Debug for PlatformAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here => f.write_str("Here"),
            Self::Url { url, .. } => f.debug_struct("Url").field("at", &authority(url)).finish_non_exhaustive(),
        }
    }
}

/// Puts a [`Desktop`] together. Made by [`Desktop::builder`].
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    clock: Arc<dyn Clock>,
    platform: PlatformAt,
    data_dir: Option<PathBuf>,
    port: u16,
    patience: Duration,
    hce: Option<Arc<DesktopHce>>,
    soter: Option<Opened>,
}

impl Builder {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            platform: PlatformAt::Here,
            data_dir: None,
            port: 0,
            patience: Duration::from_secs(30),
            hce: None,
            soter: None,
        }
    }

    /// Where the platform is: in this process, unless told otherwise.
    pub fn platform(mut self, platform: PlatformAt) -> Self {
        self.platform = platform;
        self
    }

    /// Where a platform in this process keeps its data: `$XDG_DATA_HOME/wx/platform` unless told otherwise, and
    /// `~/.local/share/wx/platform` without that variable. One process has it at a time.
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(folder.into());
        self
    }

    /// The port of a platform in this process; any that is free unless told otherwise.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// How long a call may take before it ends in `fail timeout`, unless the host's layers end it earlier: the wait for its turn, its request
    /// and whatever is asked again. 30 seconds unless told otherwise.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Card emulation of the host's making: over another reader than [`Vpcd::default`], or shared with another desktop.
    pub fn hce(mut self, hce: Arc<DesktopHce>) -> Self {
        self.hce = Some(hce);
        self
    }

    /// Biometric confirmation with this device. Without one SOTER is not there, and says so: who asks for a finger is the host's to say.
    pub fn soter(mut self, device: SoterDevice) -> Self {
        self.soter = Some(Opened::by(Arc::new(device)));
        self
    }

    /// As [`soter`](Self::soter), with a device that is opened when something is first to be confirmed: until then no key is made, and nobody
    /// is asked for a password.
    pub fn soter_when_needed(mut self, opener: Arc<dyn OpenSoter>) -> Self {
        self.soter = Some(Opened::by(opener));
        self
    }

    /// Starts what is to run in this process. A server runs on the tokio runtime that this is called on.
    ///
    /// # Errors
    ///
    /// What could not be set up, such as a data folder that another process has open.
    pub async fn start(self) -> Result<Desktop, SetupError> {
        let clock = self.clock;
        let hce = self.hce.unwrap_or_else(|| Arc::new(DesktopHce::new(Arc::new(Vpcd::default()), clock.clone())));
        let (platform, server) = match self.platform {
            PlatformAt::Url { url, host_key } => {
                let client = HostClient::new(&url, host_key, self.patience)?;
                (Arc::new(Platform::at(url, client, self.patience)?), None)
            }
            PlatformAt::Here => {
                let folder = self.data_dir.or_else(data_dir).ok_or(SetupError::NoDataDir)?;
                let (server, host_key) = open(folder, clock.clone()).await?;
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
                let listening = async { bound(TcpListener::bind(address).await?) };
                let (listener, address) = listening.await.map_err(|source| SetupError::Listen { address, source })?;
                let url = format!("http://{address}");
                let client = HostClient::new(&url, host_key, self.patience)?;
                let platform = Arc::new(Platform::at(url, client, self.patience)?);
                let server: JoinHandle<_> = tokio::spawn(server.serve(listener, platform.stopped()));
                (platform, Some(server))
            }
        };
        let soter = self.soter.map(|device| Arc::new(DesktopSoter::new(platform.clone(), clock, device)));
        Ok(Desktop { platform, server, hce, soter })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("platform", &self.platform).finish_non_exhaustive()
    }
}

/// How the server in this process knows the host in it.
const HOST: &str = "desktop";

/// A server over the data in this folder, and a key of an administrator for it.
async fn open(folder: PathBuf, clock: Arc<dyn Clock>) -> Result<(Server, Secret), SetupError> {
    let opening = spawn_blocking(move || RedbStore::open(&folder)); // after a crash, that may take a while
    let store: Arc<dyn Store> = Arc::new(opening.await.map_err(io::Error::other)??);
    store.remove_host_keys(HOST).await?; // nobody knows the keys of earlier runs any more
    let rules = Rules { unknown_apps: UnknownApps::Create, ..Rules::default() };
    let platform = wx_platform::platform::Platform::open(store, clock, rules).await?;
    let key = platform.add_host_key(HOST, true).await?;
    Ok((Server::new(Arc::new(platform)), key))
}

fn bound(listener: TcpListener) -> io::Result<(TcpListener, SocketAddr)> {
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// The user's folder for the platform's data. The variable is to be ignored unless it is an absolute path.
fn data_dir() -> Option<PathBuf> {
    let named = env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let folder = named.or_else(|| Some(env::home_dir()?.join(".local/share")))?;
    Some(folder.join("wx/platform"))
}

/// Why a [`Desktop`] did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// Nothing says where the user's data is.
    #[error("there is no folder for the platform's data, as this user has no home: name one with `data_dir`")]
    NoDataDir,
    /// The data folder cannot be used; another process may have it open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server cannot listen.
    #[error("the platform server cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The platform in this process cannot be set up.
    #[error("the platform cannot be set up: {0}")]
    Platform(#[from] Refused),
    /// The address of the platform is none, or no client can be made for it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The operating system has no random numbers.
    #[error("the operating system has no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// The data folder could not be opened at all.
    #[error("the platform's data cannot be opened: {0}")]
    Open(#[from] io::Error),
}
