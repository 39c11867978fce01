//! The virtual reader of vsmartcard: every PC/SC program on the machine sees the card in it.

mod frames;
mod link;
mod machine;

use std::{
    env, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use wx_rules::hce::{Nfc, Radio};

use self::{link::Vicc, machine::Machine};
use super::transport::{Link, NotInserted, Transport};

/// The virtual reader (vpcd) that vsmartcard adds to pcscd, on TCP.
///
/// It takes one card at a time. Its protocol has no secrets and asks for no password: whoever reaches the port can be its card, so a
/// vpcd on another machine is refused unless it is [asked for](Self::anywhere).
///
/// ```
/// use wx_desktop::hce::Vpcd;
///
/// assert!(Vpcd::at(([127, 0, 0, 1], 35963).into()).is_ok());
/// let refused = Vpcd::at(([192, 0, 2, 1], 35963).into()).unwrap_err();
/// assert!(refused.to_string().contains("192.0.2.1:35963 is not on this machine"));
/// ```
#[derive(Clone, Debug)]
pub struct Vpcd {
    at: SocketAddr,
    pcscd: PathBuf,
    taken_within: Duration,
    /// From which port of this machine its card was last put in, so that it is not taken for another program's.
    own_port: Arc<AtomicU16>,
}

/// A vpcd that is not on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reader at {0} is not on this machine, and what passes is not encrypted: say `Vpcd::anywhere` if that is meant")]
pub struct NotLoopback(pub SocketAddr);

impl Default for Vpcd {
    /// The first virtual reader of this machine, where vsmartcard puts it: port 35963.
    fn default() -> Self {
        Self::anywhere((Ipv4Addr::LOCALHOST, Self::PORT).into())
    }
}

impl Vpcd {
    /// The port of the first virtual reader.
    pub const PORT: u16 = 35963;

    /// The virtual reader at this address of this machine.
    ///
    /// # Errors
    ///
    /// [`NotLoopback`] for an address of another machine.
    pub fn at(address: SocketAddr) -> Result<Self, NotLoopback> {
        if address.ip().is_loopback() { Ok(Self::anywhere(address)) } else { Err(NotLoopback(address)) }
    }

    /// The virtual reader at this address, on whatever machine: everybody in between can read what passes, and answer in its place.
    pub fn anywhere(address: SocketAddr) -> Self {
        let pcscd = env::var_os("PCSCLITE_CSOCK_NAME").map_or_else(|| "/run/pcscd/pcscd.comm".into(), PathBuf::from);
        Self { at: address, pcscd, taken_within: Duration::from_secs(3), own_port: Arc::default() }
    }

    /// Where pcscd listens for its programs: what `PCSCLITE_CSOCK_NAME` says, else `/run/pcscd/pcscd.comm`. A machine whose pcscd
    /// answers there without a vpcd has NFC, but cannot emulate a card.
    #[must_use]
    pub fn with_pcscd(mut self, socket: impl Into<PathBuf>) -> Self {
        self.pcscd = socket.into();
        self
    }

    /// How long a reader may take to notice the card: 3 seconds, unless told otherwise. pcscd looks every 400 ms.
    #[must_use]
    pub fn taken_within(mut self, limit: Duration) -> Self {
        self.taken_within = limit;
        self
    }
}

impl Vpcd {
    /// Connects from a port that is known before anybody can see the connection.
    async fn connect(&self) -> io::Result<TcpStream> {
        let (socket, any) = match self.at {
            SocketAddr::V4(_) => (TcpSocket::new_v4()?, IpAddr::from(Ipv4Addr::UNSPECIFIED)),
            SocketAddr::V6(_) => (TcpSocket::new_v6()?, IpAddr::from(Ipv6Addr::UNSPECIFIED)),
        };
        socket.bind((any, 0).into())?;
        self.own_port.store(socket.local_addr()?.port(), Ordering::Relaxed);
        socket.connect(self.at).await
    }
}

#[async_trait]
impl Transport for Vpcd {
    /// - no pcscd is no NFC
    /// - a pcscd without a vpcd is NFC that cannot emulate
    /// - a vpcd with another program's card in it is another default app
    fn radio(&self) -> Radio {
        let nfc = |nfc, hce, default_app| Radio { nfc, hce, default_app };
        match machine::look(self.at, &self.pcscd, self.own_port.load(Ordering::Relaxed)) {
            Machine::NoPcscd => nfc(Nfc::Absent, false, false),
            Machine::NoVpcd => nfc(Nfc::On, false, false),
            Machine::Taken => nfc(Nfc::On, true, false),
            Machine::Free => nfc(Nfc::On, true, true),
        }
    }

    async fn insert(&self) -> Result<Link, NotInserted> {
        let no_reader = |source| NotInserted::NoReader { at: self.at.to_string(), source };
        let refused = |how| NotInserted::Refused { at: self.at.to_string(), how };
        let connected = timeout(self.taken_within, self.connect()).await;
        let stream = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(no_reader)?;
        let mut vicc = Vicc::new(stream).map_err(no_reader)?;
        match timeout(self.taken_within, vicc.is_taken()).await {
            Ok(true) => Ok(vicc.into_link()),
            Ok(false) => Err(refused("lets the card go at once")),
            Err(_) => Err(refused("does not take the card: another one may be in it")),
        }
    }
}
