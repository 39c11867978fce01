//! From a request to its answer, within the limits, counted and logged.

use std::{
    fmt,
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, header::CONTENT_TYPE, request::Parts},
    response::Response,
};
use serde::Serialize;
use tokio::time::timeout;

use super::{
    Shared,
    endpoint::{Caller, Endpoint},
    read,
};
use crate::{
    Errcode,
    platform::Refused,
    wire::{
        Refusal,
        host::{RemoveApp, Removed},
        soter::Verdict,
    },
};

/// The number of a request: in its log line, and in the `errmsg` of a refusal.
#[derive(Clone, Copy, Debug)]
struct Rid {
    server: u32,
    request: u64,
}

impl fmt::Display for Rid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{:x}", self.server, self.request)
    }
}

/// Numbers requests, so that those of another server or another start have other numbers.
#[derive(Debug)]
pub(super) struct Rids {
    server: u32,
    next: AtomicU64,
}

impl Rids {
    pub(super) fn new() -> Self {
        // Only to tell logs apart: without random numbers all servers have the same one.
        Self { server: getrandom::u32().unwrap_or_default(), next: AtomicU64::new(1) }
    }

    fn next(&self) -> Rid {
        Rid { server: self.server, request: self.next.fetch_add(1, Ordering::Relaxed) }
    }
}

/// A body on its way in.
pub(super) trait Incoming: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static {}

impl<B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static> Incoming for B {}

impl Shared {
    /// The answer to what came from this address.
    pub(super) async fn answer<B: Incoming>(&self, endpoint: Endpoint, from: IpAddr, request: Request<B>) -> Response {
        let (started, rid, _under_way) = (Instant::now(), self.rids.next(), self.metrics.under_way());
        let outcome = self.within_limits(endpoint, from, request, rid).await;
        let took = started.elapsed();
        let code = outcome.as_ref().err().map(|refused| refused.code);
        let errcode = code.map_or(0, Errcode::number);
        self.metrics.answered(endpoint, errcode, took);

        let body = match outcome {
            Ok(body) => {
                tracing::debug!(endpoint = endpoint.path(), errcode, %rid, micros = took.as_micros(), "answered");
                body
            }
            Err(Refused { reason, .. }) => {
                tracing::info!(endpoint = endpoint.path(), errcode, %rid, micros = took.as_micros(), %reason, "refused");
                json(&Refusal { errcode, errmsg: format!("{reason}, rid: {rid}") }).unwrap_or_default()
            }
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = endpoint.status(code);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        response
    }

    async fn within_limits<B: Incoming>(
        &self,
        endpoint: Endpoint,
        from: IpAddr,
        request: Request<B>,
        rid: Rid,
    ) -> Result<Vec<u8>, Refused> {
        endpoint.check_method(request.method())?;
        let (head, body) = request.into_parts();
        let body =
            if head.method == Method::POST { Box::pin(read::body(Body::new(body), &self.limits)).await? } else { Bytes::new() };
        // Only now, so that whoever sends slowly takes nobody's place.
        let Ok(_place) = self.places.try_acquire() else {
            return Err(Refused::because(Errcode::BUSY, "system error: too many requests at once"));
        };
        timeout(self.limits.request_time, self.act(endpoint, from, &head, &body, rid))
            .await
            .unwrap_or(Err(Refused::because(Errcode::BUSY, "system error: this took too long")))
    }

    async fn act(&self, endpoint: Endpoint, from: IpAddr, head: &Parts, body: &[u8], rid: Rid) -> Result<Vec<u8>, Refused> {
        let (platform, uri) = (&*self.platform, &head.uri);
        match endpoint.caller() {
            Caller::App => {}
            caller => Box::pin(self.check_host(&head.headers, caller)).await?,
        }
        // A future is as large as its largest branch, and every request moves it about. So what most requests are for is in it, and the
        // rest has a place of its own.
        match endpoint {
            Endpoint::CodeToSession => json(&platform.code_to_session(from, &read::query(uri)?).await?),
            Endpoint::CheckSession => ok(Box::pin(platform.check_session(from, &read::query(uri)?)).await?),
            Endpoint::ResetSessionKey => json(&Box::pin(platform.reset_session_key(from, &read::query(uri)?)).await?),
            Endpoint::Token => json(&Box::pin(platform.token(from, &read::query(uri)?)).await?),
            Endpoint::StableToken => json(&Box::pin(platform.stable_token(from, &read::json(body)?)).await?),
            Endpoint::VerifySoter => {
                let verdict = Box::pin(platform.verify_soter(from, &read::query(uri)?, &read::json(body)?)).await?;
                json(&with_number(verdict, rid))
            }
            Endpoint::HostLogin => json(&Box::pin(platform.login(&read::json(body)?)).await?),
            Endpoint::HostCheckSession => json(&Box::pin(platform.session_alive(&read::json(body)?)).await?),
            Endpoint::HostUserInfo => json(&Box::pin(platform.user_info(&read::json(body)?)).await?),
            Endpoint::HostSoterKey => json(&Box::pin(platform.soter_key(&read::json(body)?)).await?),
            Endpoint::HostEnrolSoterKey => json(&Box::pin(platform.enrol_soter_key(&read::json(body)?)).await?),
            Endpoint::HostApp => json(&Box::pin(platform.set_app(&read::json(body)?)).await?),
            Endpoint::HostUser => ok(Box::pin(platform.set_user(&read::json(body)?)).await?),
            Endpoint::HostApps => json(&Box::pin(platform.apps(&read::json(body)?)).await?),
            Endpoint::HostRemoveApp => {
                let RemoveApp { app } = read::json(body)?;
                json(&Removed { removed: Box::pin(platform.remove_app(&app.into())).await? })
            }
            Endpoint::HostUsers => json(&Box::pin(platform.users(&read::json(body)?)).await?),
            Endpoint::Unknown => Err(Errcode::BAD_PATH.into()),
        }
    }

    async fn check_host(&self, headers: &HeaderMap, caller: Caller) -> Result<(), Refused> {
        let missing = "a host's key is missing: authorization: Bearer <key>";
        let key = read::bearer(headers).ok_or(Refused::because(Errcode::TOKEN_MISSING, missing))?;
        let unknown = "invalid credential: no host has this key";
        let host = self.platform.host(key).await?.ok_or(Refused::because(Errcode::INVALID_CREDENTIAL, unknown))?;
        if caller == Caller::Administrator && !host.admin {
            return Err(Refused::because(Errcode::NOT_AUTHORISED, "api unauthorized: administrators only"));
        }
        Ok(())
    }
}

fn json(answer: &impl Serialize) -> Result<Vec<u8>, Refused> {
    serde_json::to_vec(answer).map_err(|_| Refused::because(Errcode::BUSY, "system error: the answer is not JSON"))
}

fn ok((): ()) -> Result<Vec<u8>, Refused> {
    json(&Refusal { errcode: 0, errmsg: "ok".to_owned() })
}

/// A result that is not accepted is no refusal, but a developer will ask why just the same.
fn with_number(mut verdict: Verdict, rid: Rid) -> Verdict {
    if !verdict.is_ok {
        verdict.errmsg = format!("{}, rid: {rid}", verdict.errmsg);
    }
    verdict
}
