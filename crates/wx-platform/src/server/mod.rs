//! A [`Platform`] over HTTP.
//!
//! Plain HTTP/1.1: whoever faces the internet puts a proxy with TLS in front. Apps with a list of addresses then need
//! the proxy on it, because the server believes no header about where a request comes from.
//!
//! Besides the endpoints of [`wire`](crate::wire) there are two for the operator, which a proxy should keep to itself:
//!
//! - `GET /healthz`: 200 while the store answers, 503 otherwise.
//! - `GET /metrics`: figures for Prometheus, none of them about a user or an app.
//!
//! Each request is one event of `tracing`: endpoint, `errcode`, number of the request, microseconds; and why, if it was refused. Neither queries
//! nor bodies nor headers are logged: they hold secrets.

mod answer;
mod connections;
mod endpoint;
mod limits;
mod metrics;
mod query;
mod read;

use std::{io, net::Ipv4Addr, sync::Arc};

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};

pub use self::limits::Limits;
use self::{answer::Rids, endpoint::Endpoint, metrics::Metrics};
use crate::platform::Platform;

/// A server. See the example of the [crate].
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
}

/// What every request needs.
#[derive(Debug)]
struct Shared {
    platform: Arc<Platform>,
    limits: Limits,
    metrics: Metrics,
    rids: Rids,
    /// One permit for each request that may be worked on.
    places: Semaphore,
    /// One permit for each connection that may be open.
    open: Arc<Semaphore>,
    /// One permit: whoever asks for the server's health waits for the one before, so that any number costs the store one change at a time.
    health: Semaphore,
}

impl Server {
    /// A server of this platform, with the default limits.
    pub fn new(platform: Arc<Platform>) -> Self {
        Self::of(platform, Limits::default())
    }

    /// The same with these limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self::of(self.shared.platform.clone(), limits)
    }

    fn of(platform: Arc<Platform>, limits: Limits) -> Self {
        let permits = |wanted: usize| Semaphore::new(wanted.min(Semaphore::MAX_PERMITS));
        let (places, open) = (permits(limits.requests), Arc::new(permits(limits.connections)));
        let (metrics, rids, health) = (Metrics::new(), Rids::new(), permits(1));
        let shared = Shared { platform, limits, metrics, rids, places, open, health };
        Self { shared: Arc::new(shared) }
    }

    /// Serves until `stop` is ready: then no connection is accepted any more, requests under way may finish within
    /// [`Limits::drain_time`], and everything is closed.
    ///
    /// Dropping the future closes everything at once.
    ///
    /// # Errors
    ///
    /// The listener is unusable. A connection that fails is no error, and if none can be accepted for a while, the log says so.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()> + Send) -> io::Result<()> {
        connections::serve(&self.shared, self.router(), listener, stop).await
    }

    /// The routes, to serve them in another way. Limits on connections are then the business of that way, and so is where requests come
    /// from: an app with a list of addresses refuses them.
    pub fn router(&self) -> Router {
        let answer = |endpoint: Endpoint| {
            let shared = self.shared.clone();
            move |request: Request| {
                let shared = shared.clone();
                async move { shared.answer(endpoint, Ipv4Addr::UNSPECIFIED.into(), request).await }
            }
        };
        let (healthy, measured) = (self.shared.clone(), self.shared.clone());
        let router = Router::new()
            .route("/healthz", get(|| async move { healthy.health().await }))
            .route("/metrics", get(|| async move { measured.figures() }))
            .fallback(answer(Endpoint::Unknown));
        Endpoint::ALL.into_iter().fold(router, |router, endpoint| router.route(endpoint.path(), any(answer(endpoint))))
    }
}

impl Shared {
    async fn health(&self) -> (StatusCode, &'static str) {
        let healthy = async {
            let _alone = self.health.acquire().await; // nobody closes it
            self.platform.healthy().await
        };
        match timeout(self.limits.request_time, healthy).await {
            Ok(Ok(())) => (StatusCode::OK, "ok\n"),
            _ => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer, or keeps nothing\n"),
        }
    }

    fn figures(&self) -> Response {
        let connections = self.limits.connections.saturating_sub(self.open.available_permits());
        match self.metrics.text(connections) {
            Ok(text) => {
                ([("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
            }
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}
