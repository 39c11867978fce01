//! The way from the desktop to the platform: a TCP proxy that can hold, swallow and cut what passes.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{Mutex, watch},
    task::{JoinHandle, JoinSet},
};
use wx_conformance::NetworkHandle;

/// A proxy before a server, open until told otherwise. It goes with the value.
pub(super) struct Proxy {
    address: SocketAddr,
    line: Arc<Line>,
    task: JoinHandle<()>,
}

/// What every connection asks before its bytes go on.
struct Line {
    state: watch::Sender<State>,
    /// Whose bytes go next: tokio's lock serves in the order in which it was asked.
    turn: Mutex<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    way: Way,
    /// Rises whenever bytes that are held may go: those held before it rose.
    releases: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Way {
    #[default]
    Open,
    Held,
    Stalled,
    Cut,
}

impl Proxy {
    /// A proxy before this server.
    pub(super) async fn before(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let line = Arc::new(Line { state: watch::Sender::default(), turn: Mutex::default() });
        let task = tokio::spawn(accept(listener, server, line.clone()));
        Ok(Self { address, line, task })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl NetworkHandle for Proxy {
    fn stall(&self) {
        self.line.set(Way::Stalled);
    }

    fn hold(&self) {
        self.line.set(Way::Held);
    }

    fn release(&self) {
        self.line.state.send_modify(|state| {
            state.way = Way::Open;
            state.releases += 1;
        });
    }

    fn cut(&self) {
        self.line.set(Way::Cut);
    }

    fn restore(&self) {
        self.release();
    }
}

impl Line {
    fn set(&self, way: Way) {
        self.state.send_modify(|state| state.way = way);
    }

    /// What becomes of bytes that have just come. Those that are held wait here.
    async fn pass(&self) -> Way {
        let came = *self.state.borrow();
        if matches!(came.way, Way::Stalled | Way::Cut) {
            return came.way;
        }
        // Also on an open line, where others that were held may still be on their way out.
        let _turn = self.turn.lock().await;
        if came.way == Way::Held {
            self.until(|state| state.releases > came.releases).await;
        }
        Way::Open
    }

    async fn until(&self, is_so: impl FnMut(&State) -> bool) {
        // It can only fail once the sender is gone, which `self` has.
        let _ = self.state.subscribe().wait_for(is_so).await;
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, line: Arc<Line>) {
    let mut connections = JoinSet::new(); // which end with this task
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(connect(client, server, line.clone()));
        while connections.try_join_next().is_some() {}
    }
}

/// One connection, until either end closes it or the line is cut.
async fn connect(mut client: TcpStream, server: SocketAddr, line: Arc<Line>) {
    tokio::select! {
        biased;
        () = line.until(|state| state.way == Way::Cut) => {
            let _ = client.set_zero_linger(); // a reset, and no farewell
        }
        // Whatever ends the connection, its ends see it.
        _ = carry(&mut client, server, &line) => {}
    }
}

async fn carry(client: &mut TcpStream, server: SocketAddr, line: &Line) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((from_client, mut to_client), (mut from_server, to_server)) = (client.split(), server.split());
    let answers = async {
        copy(&mut from_server, &mut to_client).await?;
        to_client.shutdown().await
    };
    tokio::try_join!(ask(from_client, to_server, line), answers)?;
    Ok(())
}

/// Takes what the client sends to the server.
async fn ask(mut client: ReadHalf<'_>, mut server: WriteHalf<'_>, line: &Line) -> io::Result<()> {
    let mut bytes = vec![0; 16 * 1024];
    let mut is_lost = false;
    loop {
        let length = client.read(&mut bytes).await?;
        if length == 0 {
            return server.shutdown().await;
        }
        // A request of which a part was swallowed never gets an answer, whatever follows.
        is_lost = is_lost || line.pass().await != Way::Open;
        if !is_lost {
            server.write_all(&bytes[..length]).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use tokio::task::yield_now;

    use super::*;

    /// A server that sends back what it gets, and a proxy before it.
    async fn echo() -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    copy(&mut from, &mut to).await
                });
            }
        });
        Proxy::before(address).await.unwrap()
    }

    async fn connected(proxy: &Proxy) -> TcpStream {
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(echoed(&mut stream, b"hello").await.unwrap(), b"hello");
        stream
    }

    async fn echoed(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<Vec<u8>> {
        stream.write_all(bytes).await?;
        heard(stream, bytes.len()).await
    }

    async fn heard(stream: &mut TcpStream, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        stream.read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    /// Drives the proxy until it holds bytes: only then does anybody keep the turn.
    async fn until_it_holds(proxy: &Proxy) {
        while proxy.line.turn.try_lock().is_ok() {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_is_held_goes_on_once_it_is_released() {
        let proxy = echo().await;
        let (mut old, mut new) = (connected(&proxy).await, TcpStream::connect(proxy.address()).await.unwrap());
        proxy.hold();
        old.write_all(b"one").await.unwrap();
        until_it_holds(&proxy).await;
        new.write_all(b"two").await.unwrap();
        assert_eq!(old.try_read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        proxy.release();
        assert_eq!(heard(&mut old, 3).await.unwrap(), b"one");
        assert_eq!(heard(&mut new, 3).await.unwrap(), b"two");
    }

    #[tokio::test]
    async fn a_new_hold_keeps_nothing_that_was_released() {
        let proxy = echo().await;
        let mut stream = connected(&proxy).await;
        proxy.hold();
        stream.write_all(b"one").await.unwrap();
        until_it_holds(&proxy).await;
        proxy.release();
        proxy.hold();
        assert_eq!(heard(&mut stream, 3).await.unwrap(), b"one");
        stream.write_all(b"two").await.unwrap();
        until_it_holds(&proxy).await;
    }

    #[tokio::test]
    async fn what_is_swallowed_stays_so_and_a_new_connection_works() {
        let proxy = echo().await;
        let (mut old, mut new) = (connected(&proxy).await, TcpStream::connect(proxy.address()).await.unwrap());
        proxy.stall();
        for stream in [&mut old, &mut new] {
            stream.write_all(b"lost").await.unwrap();
        }
        new.shutdown().await.unwrap();
        assert_eq!(new.read(&mut [0]).await.unwrap(), 0, "it is closed without a word");
        proxy.restore();
        old.write_all(b"more").await.unwrap();
        old.shutdown().await.unwrap();
        assert_eq!(old.read(&mut [0]).await.unwrap(), 0, "what was swallowed gets no answer later");
        connected(&proxy).await;
    }

    #[tokio::test]
    async fn a_cut_line_resets_connections_old_and_new() {
        let proxy = echo().await;
        let mut old = connected(&proxy).await;
        proxy.cut();
        assert_eq!(heard(&mut old, 1).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        let mut new = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(echoed(&mut new, b"lost").await.is_err());
        proxy.restore();
        connected(&proxy).await;
    }
}
