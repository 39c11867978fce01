//! A backend behind an agent in this process, and a host that was paired with it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use wx_api::{Clock, Host};
use wx_device::{Address, Builder, Device, Invitation, KeyRing, LinkError, agent::Agent};
use wx_host::{TokioClock, Wx};

use crate::proxy::Proxy;

pub(crate) struct Pair {
    pub(crate) wx: Wx,
    pub(crate) agent: Agent,
    /// What the host connects to; the agent is behind it.
    pub(crate) proxy: Proxy,
    pub(crate) address: Address,
    /// The keys of the host, and of the agent.
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) agents: Arc<KeyRing>,
    there: SocketAddr,
    serving: JoinHandle<()>,
    folder: TempDir,
}

/// How long the sessions of these agents outlive their connections.
const LINGER: Duration = Duration::from_secs(60);

async fn start(wx: Wx, keys: Arc<KeyRing>, folder: &TempDir, linger: Duration) -> (Agent, SocketAddr, JoinHandle<()>) {
    start_with(Arc::new(TokioClock), wx, keys, folder, linger).await
}

async fn start_with(
    clock: Arc<dyn Clock>,
    wx: Wx,
    keys: Arc<KeyRing>,
    folder: &TempDir,
    linger: Duration,
) -> (Agent, SocketAddr, JoinHandle<()>) {
    let agent = Agent::builder(wx, keys, clock).name("kiosk").linger(linger);
    let agent = agent.silence(Duration::from_secs(5)).start(folder.path().join("journal")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = agent.clone();
    let serving = tokio::spawn(async move { serving.serve_tcp(listener).await.unwrap() });
    (agent, address, serving)
}

/// An agent over this backend, and a host's keys that know it.
pub(crate) async fn paired(host: Host) -> Pair {
    paired_by(host, Arc::new(TokioClock), LINGER).await
}

/// The same, where the agent has another clock or another patience.
pub(crate) async fn paired_by(host: Host, clock: Arc<dyn Clock>, linger: Duration) -> Pair {
    let folder = tempfile::tempdir().unwrap();
    let agents = Arc::new(KeyRing::open(folder.path().join("agent")).unwrap());
    let wx = Wx::builder(host).build();
    let (agent, address, serving) = start_with(clock, wx.clone(), agents.clone(), &folder, linger).await;
    let there = address;
    let proxy = Proxy::before(there).await;
    let address = Address::Tcp(proxy.address().to_string());
    let keys = Arc::new(KeyRing::open(folder.path().join("host")).unwrap());
    let secret = agents.offer(Duration::from_secs(60)).unwrap();
    let name = Invitation::new(address.clone(), secret).accept(&keys, "a test").await.unwrap();
    assert_eq!(name, "kiosk");
    Pair { wx, agent, proxy, address, keys, agents, there, serving, folder }
}

pub(crate) fn builder(address: &Address, keys: &Arc<KeyRing>) -> Builder {
    Device::builder(address.clone(), keys.clone(), Arc::new(TokioClock))
}

pub(crate) async fn connect(address: &Address, keys: &Arc<KeyRing>) -> Result<Device, LinkError> {
    builder(address, keys).connect().await
}

impl Pair {
    /// By the network of its own that nothing happens to.
    pub(crate) async fn connect_past_the_proxy(&self) -> Device {
        let address = Address::Tcp(self.there.to_string());
        self.keys.add("kiosk", self.agents.identity().public(), Some(&address.to_string())).unwrap();
        let device = connect(&address, &self.keys).await.unwrap();
        self.keys.add("kiosk", self.agents.identity().public(), Some(&self.address.to_string())).unwrap();
        device
    }

    pub(crate) async fn connect(&self) -> Device {
        connect(&self.address, &self.keys).await.unwrap()
    }

    /// The next life of the agent, with the same journal and keys.
    pub(crate) async fn restart(&mut self, host: Host) {
        self.agent.shutdown().await;
        self.serving.abort();
        let wx = Wx::builder(host).build();
        let (agent, address, serving) = start(wx, self.agents.clone(), &self.folder, LINGER).await;
        self.proxy.lead_to(address);
        (self.agent, self.serving) = (agent, serving);
    }
}
