//! Reading requests. What cannot be read is refused without being repeated: it may hold a secret.

use axum::{
    body::{Body, to_bytes},
    extract::Query,
    http::{HeaderMap, Uri, header::AUTHORIZATION},
};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::Limits;
use crate::{Errcode, platform::Refused};

pub(super) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Refused> {
    match Query::try_from_uri(uri) {
        Ok(Query(query)) => Ok(query),
        Err(_) => Err(refused("data format error: a field of the query stands twice or has the wrong type".to_owned())),
    }
}

pub(super) async fn json<T: DeserializeOwned>(body: Body, limits: &Limits) -> Result<T, Refused> {
    let bytes = timeout(limits.body_time, to_bytes(body, limits.body_bytes))
        .await
        .map_err(|_| refused(format!("data format error: the body took more than {:?}", limits.body_time)))?
        .map_err(|_| refused(format!("data format error: the body breaks off or has more than {} bytes", limits.body_bytes)))?;
    serde_json::from_slice(&bytes).map_err(|error| {
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
