//! Connections: accepted, limited, and drained when the server stops.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::OwnedSemaphorePermit,
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::ServiceExt as _;

use super::{Shared, answer::From};

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
    shared: &Shared,
    router: &Router,
    stream: TcpStream,
    peer: SocketAddr,
    watcher: Watcher,
    permit: OwnedSemaphorePermit,
) -> impl Future<Output = ()> + Send + use<> {
    let service = router.clone().map_request(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(From(peer.ip()));
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.limits.head_time)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    async move {
        // How a connection ends is the client's business.
        let _ = watcher.watch(connection).await;
        drop(permit);
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
