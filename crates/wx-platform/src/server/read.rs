//! Reading requests. What cannot be read is refused without being repeated: it may hold a secret.

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Uri, header::AUTHORIZATION},
};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::{Limits, query};
use crate::{Errcode, platform::Refused};

pub(super) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Refused> {
    query::parse(uri.query().unwrap_or_default())
        .map_err(|_| refused("data format error: a field of the query stands twice or has the wrong type".to_owned()))
}

pub(super) async fn body(body: Body, limits: &Limits) -> Result<Bytes, Refused> {
    timeout(limits.body_time, to_bytes(body, limits.body_bytes))
        .await
        .map_err(|_| refused(format!("data format error: the body took more than {:?}", limits.body_time)))?
        .map_err(|_| refused(format!("data format error: the body breaks off or has more than {} bytes", limits.body_bytes)))
}

pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| {
        let what = if error.is_data() { "the body has a field of the wrong type or lacks one" } else { "the body is not JSON" };
        refused(format!("data format error: {what}, line {} column {}", error.line(), error.column()))
    })
}

/// The key in `authorization: Bearer <key>`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim_start())
}

fn refused(reason: String) -> Refused {
    Refused::because(Errcode::BAD_FORMAT, reason)
}
