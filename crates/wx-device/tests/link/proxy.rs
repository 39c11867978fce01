//! The network between a host and an agent, in a test's hands.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// Passes bytes on between whoever connects and one address, as long as it is let.
#[derive(Clone)]
pub(crate) struct Proxy(Arc<Parts>);

struct Parts {
    address: SocketAddr,
    to: Mutex<SocketAddr>,
    /// How the network is now.
    state: watch::Sender<State>,
    /// The next piece towards the host is changed on its way.
    spoil: AtomicBool,
    connections: AtomicUsize,
    /// Connections up to this one are held.
    held_up_to: watch::Sender<usize>,
    /// What the last connection sent towards the agent, from its first byte.
    sent: Mutex<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum State {
    /// Everything passes.
    Open,
    /// Everything passes late.
    Slow(Duration),
    /// Nothing passes, and nobody is told.
    Silent,
    /// What the agent says does not pass.
    Deaf,
    /// Connections are broken, and none is made.
    Cut,
}

impl Proxy {
    pub(crate) async fn before(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = Self(Arc::new(Parts {
            address,
            to: Mutex::new(to),
            state: watch::Sender::new(State::Open),
            spoil: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            held_up_to: watch::Sender::new(0),
            sent: Mutex::default(),
        }));
        let serving = proxy.clone();
        tokio::spawn(async move {
            loop {
                let (host, _) = listener.accept().await.unwrap();
                if *serving.0.state.borrow() != State::Cut {
                    let to = *serving.0.to.lock().unwrap();
                    tokio::spawn(serving.clone().pass(host, to));
                }
            }
        });
        proxy
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// From now on connections go there.
    pub(crate) fn lead_to(&self, to: SocketAddr) {
        *self.0.to.lock().unwrap() = to;
    }

    pub(crate) fn is(&self, state: State) {
        self.0.state.send_replace(state);
    }

    /// Breaks what connections there are; new ones pass.
    pub(crate) fn break_once(&self) {
        self.is(State::Cut);
        self.is(State::Open);
        // A watcher that was not scheduled in between must still see that something happened.
        self.0.connections.fetch_add(1 << 32, Ordering::SeqCst);
    }

    pub(crate) fn spoil(&self) {
        self.0.spoil.store(true, Ordering::SeqCst);
    }

    /// From now on the connections there are pass nothing on, and are not broken either; later ones pass.
    pub(crate) fn hold_this_one(&self) {
        self.0.held_up_to.send_replace(self.connections());
    }

    /// What was held back passes.
    pub(crate) fn let_go(&self) {
        self.0.held_up_to.send_replace(0);
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.0.connections.load(Ordering::SeqCst) & 0xffff_ffff
    }

    fn breaks(&self) -> usize {
        self.0.connections.load(Ordering::SeqCst) >> 32
    }

    /// What the last connection sent towards the agent.
    pub(crate) fn sent(&self) -> Vec<u8> {
        self.0.sent.lock().unwrap().clone()
    }

    async fn pass(self, host: TcpStream, to: SocketAddr) {
        let Ok(agent) = TcpStream::connect(to).await else { return };
        let this = (self.0.connections.fetch_add(1, Ordering::SeqCst) & 0xffff_ffff) + 1;
        self.0.sent.lock().unwrap().clear();
        host.set_nodelay(true).unwrap();
        agent.set_nodelay(true).unwrap();
        let breaks = self.breaks();
        let mut state = self.0.state.subscribe();
        let ((from_host, to_host), (from_agent, to_agent)) = (host.into_split(), agent.into_split());
        let broken = async {
            while *state.borrow_and_update() != State::Cut && self.breaks() == breaks {
                state.changed().await.unwrap();
            }
        };
        tokio::select! {
            () = self.copy(this, from_host, to_agent, false) => {}
            () = self.copy(this, from_agent, to_host, true) => {}
            () = broken => {}
        }
    }

    async fn copy(&self, this: usize, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, towards_host: bool) {
        let mut state = self.0.state.subscribe();
        let mut buffer = vec![0; 1 << 14];
        loop {
            let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
            if !towards_host {
                self.0.sent.lock().unwrap().extend_from_slice(&buffer[..length]);
            } else if self.0.spoil.swap(false, Ordering::SeqCst) {
                buffer[length / 2] ^= 1;
            }
            loop {
                let now = *state.borrow_and_update();
                match now {
                    State::Open | State::Cut => break,
                    State::Deaf if !towards_host => break,
                    State::Slow(by) => {
                        tokio::time::sleep(by).await; // this is what the test is about
                        break;
                    }
                    State::Silent | State::Deaf => state.changed().await.unwrap(),
                }
            }
            self.0.held_up_to.subscribe().wait_for(|held| *held < this).await.unwrap();
            if to.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    }
}
