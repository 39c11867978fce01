//! A mock behind an agent in this process, and a host that was paired with it.

use std::{sync::Arc, time::Duration};

use tempfile::TempDir;
use tokio::net::TcpListener;
use wx_device::{Address, Device, Invitation, KeyRing, LinkError, agent::Agent};
use wx_host::{TokioClock, Wx};
use wx_mock::World;

pub(crate) struct Pair {
    pub(crate) wx: Wx,
    pub(crate) agent: Agent,
    pub(crate) address: Address,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) folder: TempDir,
}

/// An agent over a world of its own, and a host's keys that know it.
pub(crate) async fn paired() -> Pair {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(1);
    let agents = Arc::new(KeyRing::open(folder.path().join("agent")).unwrap());
    let wx = Wx::builder(world.host()).build();
    let agent = Agent::builder(wx.clone(), agents.clone(), Arc::new(TokioClock)).name("kiosk").start(folder.path().join("journal")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap().to_string());
    let serving = agent.clone();
    tokio::spawn(async move { serving.serve_tcp(listener).await });
    let keys = Arc::new(KeyRing::open(folder.path().join("host")).unwrap());
    let secret = agents.offer(Duration::from_secs(60)).unwrap();
    let name = Invitation::new(address.clone(), secret).accept(&keys, "a test").await.unwrap();
    assert_eq!(name, "kiosk");
    Pair { wx, agent, address, keys, folder }
}

pub(crate) async fn connect(address: &Address, keys: &Arc<KeyRing>) -> Result<Device, LinkError> {
    Device::builder(address.clone(), keys.clone(), Arc::new(TokioClock)).connect().await
}

impl Pair {
    pub(crate) async fn connect(&self) -> Device {
        connect(&self.address, &self.keys).await.unwrap()
    }
}
