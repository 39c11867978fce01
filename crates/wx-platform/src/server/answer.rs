//! From a request to its answer, within the limits, counted and logged.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, header::CONTENT_TYPE},
    response::Response,
};
use serde::Serialize;
use tokio::time::timeout;

use super::{Shared, endpoint::Endpoint, read};
use crate::{
    Errcode,
    platform::Refused,
    wire::{
        Refusal,
        host::{RemoveApp, Removed},
        soter::Verdict,
    },
};

/// Where a request comes from, as an extension of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct From(pub(super) IpAddr);

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

impl Shared {
    pub(super) async fn answer(&self, endpoint: Endpoint, request: Request) -> Response {
        let (started, rid) = (Instant::now(), self.rids.next());
        let outcome = self.within_limits(endpoint, request, rid).await;
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

    async fn within_limits(&self, endpoint: Endpoint, request: Request, rid: Rid) -> Result<Vec<u8>, Refused> {
        endpoint.check_method(request.method())?;
        let Ok(_under_way) = self.under_way.try_acquire() else {
            return Err(Refused::because(Errcode::BUSY, "system error: too many requests at once"));
        };
        timeout(self.limits.request_time, self.act(endpoint, request, rid))
            .await
            .unwrap_or(Err(Refused::because(Errcode::BUSY, "system error: this took too long")))
    }

    async fn act(&self, endpoint: Endpoint, request: Request, rid: Rid) -> Result<Vec<u8>, Refused> {
        let (head, body) = request.into_parts();
        let From(from) = head.extensions.get().copied().unwrap_or(From(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
        let (platform, limits, uri) = (&*self.platform, &self.limits, &head.uri);
        match endpoint {
            Endpoint::CodeToSession => json(&platform.code_to_session(from, &read::query(uri)?).await?),
            Endpoint::CheckSession => ok(platform.check_session(from, &read::query(uri)?).await?),
            Endpoint::ResetSessionKey => json(&platform.reset_session_key(from, &read::query(uri)?).await?),
            Endpoint::Token => json(&platform.token(from, &read::query(uri)?).await?),
            Endpoint::StableToken => json(&platform.stable_token(from, &read::json(body, limits).await?).await?),
            Endpoint::VerifySoter => {
                let token = read::query(uri)?;
                let verdict = platform.verify_soter(from, &token, &read::json(body, limits).await?).await?;
                json(&with_number(verdict, rid))
            }
            Endpoint::HostLogin => {
                self.check_host(&head.headers, Role::Host).await?;
                json(&platform.login(&read::json(body, limits).await?).await?)
            }
            Endpoint::HostCheckSession => {
                self.check_host(&head.headers, Role::Host).await?;
                json(&platform.session_alive(&read::json(body, limits).await?).await?)
            }
            Endpoint::HostUserInfo => {
                self.check_host(&head.headers, Role::Host).await?;
                json(&platform.user_info(&read::json(body, limits).await?).await?)
            }
            Endpoint::HostSoterKey => {
                self.check_host(&head.headers, Role::Host).await?;
                ok(platform.enrol_soter_key(&read::json(body, limits).await?).await?)
            }
            Endpoint::HostApp => {
                self.check_host(&head.headers, Role::Administrator).await?;
                json(&platform.set_app(&read::json(body, limits).await?).await?)
            }
            Endpoint::HostUser => {
                self.check_host(&head.headers, Role::Administrator).await?;
                ok(platform.set_user(&read::json(body, limits).await?).await?)
            }
            Endpoint::HostApps => {
                self.check_host(&head.headers, Role::Administrator).await?;
                json(&platform.apps(&read::json(body, limits).await?).await?)
            }
            Endpoint::HostRemoveApp => {
                self.check_host(&head.headers, Role::Administrator).await?;
                let RemoveApp { app } = read::json(body, limits).await?;
                json(&Removed { removed: platform.remove_app(&app.into()).await? })
            }
            Endpoint::HostUsers => {
                self.check_host(&head.headers, Role::Administrator).await?;
                json(&platform.users(&read::json(body, limits).await?).await?)
            }
            Endpoint::Unknown => Err(Errcode::BAD_PATH.into()),
        }
    }

    async fn check_host(&self, headers: &HeaderMap, role: Role) -> Result<(), Refused> {
        let missing = "a host's key is missing: authorization: Bearer <key>";
        let key = read::bearer(headers).ok_or(Refused::because(Errcode::TOKEN_MISSING, missing))?;
        let unknown = "invalid credential: no host has this key";
        let host = self.platform.host(key).await?.ok_or(Refused::because(Errcode::INVALID_CREDENTIAL, unknown))?;
        if role == Role::Administrator && !host.admin {
            return Err(Refused::because(Errcode::NOT_AUTHORISED, "api unauthorized: administrators only"));
        }
        Ok(())
    }
}

/// Who may ask.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Host,
    Administrator,
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
