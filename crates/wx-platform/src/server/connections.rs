//! Connections: accepted, limited, and drained when the server stops.

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::TokioIo,
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::OwnedSemaphorePermit,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tower::ServiceExt as _;

use super::{Shared, endpoint::Endpoint};

/// How often what has expired is dropped from the store.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// How long to wait when no connection can be accepted, such as without file descriptors: trying at once would only burn time.
const PAUSE: Duration = Duration::from_millis(100);
/// Bytes of the longest head of a request.
const HEAD: usize = 16 * 1024;

pub(super) async fn serve(
    shared: &Arc<Shared>,
    router: Router,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    tracing::info!(%address, "serving");
    let (mut stop, mut housekeeping) = (pin!(stop), pin!(keep_house(shared)));
    let (mut connections, draining) = (JoinSet::new(), GracefulShutdown::new());
    loop {
        tokio::select! {
            () = &mut stop => break,
            () = &mut housekeeping => {} // never
            Some(_) = connections.join_next() => {} // only so that the set does not grow
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => match shared.open.clone().try_acquire_owned() {
                    Ok(permit) => {
                        let connection = connection(shared, &router, stream, peer, draining.watcher(), permit);
                        connections.spawn(connection);
                    }
                    Err(_) => shared.metrics.turned_away(), // dropping the stream closes it
                },
                Err(error) if is_of_the_connection(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "no connection can be accepted");
                    sleep(PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    if timeout(shared.limits.drain_time, draining.shutdown()).await.is_err() {
        tracing::warn!(%address, "requests are cut off: they took longer than the drain time");
    }
    connections.shutdown().await;
    tracing::info!(%address, "stopped");
    Ok(())
}

fn connection(
    shared: &Arc<Shared>,
    router: &Router,
    stream: TcpStream,
    peer: SocketAddr,
    watcher: Watcher,
    permit: OwnedSemaphorePermit,
) -> impl Future<Output = ()> + Send + use<> {
    let (patience, head_time) = (Arc::new(Patience::new()), shared.limits.head_time);
    let (shared, router, served) = (shared.clone(), router.clone(), patience.clone());
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        served.begin();
        let (shared, router, served) = (shared.clone(), router.clone(), served.clone());
        async move {
            let answer = match Endpoint::of(request.uri().path()) {
                // In a box, for a connection has room for its largest request.
                Endpoint::Unknown => Box::pin(router.oneshot(request.map(Body::new))).await,
                // Not by the router, whose way to its handlers takes about as long as what ours do.
                endpoint => Ok(shared.answer(endpoint, peer.ip(), request).await),
            };
            served.end();
            answer
        }
    });
    let connection = http1::Builder::new().max_buf_size(HEAD).serve_connection(TokioIo::new(stream), service);
    async move {
        tokio::select! {
            biased; // in order, instead of at random
            _ = watcher.watch(connection) => {} // how a connection ends is the client's business
            () = patience.lost(head_time) => {}
        }
        drop(permit);
    }
}

/// How long a client has not done its part: sent the next request's head, or taken the answer before it.
///
/// One timer for each connection, and not one for each request: starting and stopping those costs more than reading a head.
struct Patience {
    start: Instant,
    /// When the server did its part, in milliseconds after `start`; [`AT_WORK`](Self::AT_WORK) while it does.
    since: AtomicU64,
}

impl Patience {
    const AT_WORK: u64 = u64::MAX;

    fn new() -> Self {
        Self { start: Instant::now(), since: AtomicU64::new(0) }
    }

    fn begin(&self) {
        self.since.store(Self::AT_WORK, Ordering::Relaxed);
    }

    fn end(&self) {
        self.since.store(self.elapsed(), Ordering::Relaxed);
    }

    /// Ready once the client has taken at least this long, and at most twice as long.
    async fn lost(&self, most: Duration) {
        loop {
            let left = match self.since.load(Ordering::Relaxed) {
                Self::AT_WORK => most,
                since => most.saturating_sub(Duration::from_millis(self.elapsed().saturating_sub(since))),
            };
            if left.is_zero() {
                return;
            }
            sleep(left).await;
        }
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(Self::AT_WORK)
    }
}

/// Drops what has expired, for ever.
async fn keep_house(shared: &Shared) {
    let (platform, clock) = (&shared.platform, shared.platform.clock());
    loop {
        clock.sleep_until(clock.now() + HOUSEKEEPING).await;
        if platform.forget().await.is_err() {
            tracing::warn!("what has expired was not dropped; it will be tried again");
        }
    }
}

fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}
