//! The cases, a table per domain, and a valid call of every API.

mod authorization;
mod conventions;
mod hce;
mod login;
mod signature;
mod soter;
mod user;

use std::{future::Future, time::Duration};

use wx_api::Api;
use wx_host::Answer;

use crate::{Case, Failure};

/// A domain's cases, and a valid call of each of its APIs.
type Domain = (&'static [Case], &'static [(Api, &'static str)]);

/// The tables of the domains, in the order of the report.
pub(crate) const DOMAINS: &[Domain] = &[
    (conventions::CASES, &[]),
    (login::CASES, login::SAMPLES),
    (authorization::CASES, authorization::SAMPLES),
    (user::CASES, user::SAMPLES),
    (signature::CASES, &[]),
    (soter::CASES, soter::SAMPLES),
    (hce::CASES, hce::SAMPLES),
];

/// The parameters of a valid call of this API.
pub(crate) fn sample(api: Api) -> Option<&'static str> {
    DOMAINS.iter().flat_map(|(_, samples)| *samples).find(|(of, _)| *of == api).map(|(_, args)| *args)
}

/// The `errMsg` of an answer.
pub(crate) fn err_msg(answer: &Answer) -> Result<String, Failure> {
    match field(answer.json(), "errMsg")? {
        Some(serde_json::Value::String(text)) => Ok(text),
        _ => Err(Failure("the answer has no errMsg".to_owned())),
    }
}

/// A field of an answer.
pub(crate) fn field(json: &str, name: &str) -> Result<Option<serde_json::Value>, Failure> {
    match serde_json::from_str(json) {
        Ok(serde_json::Value::Object(mut fields)) => Ok(fields.remove(name)),
        _ => Err(Failure("the answer is no JSON object".to_owned())),
    }
}

/// How long something that needs nothing more from outside may take, in real time.
const SOON: Duration = Duration::from_secs(5);

/// Waits for what must come without any further help from outside, and says what did not come.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::time::timeout(SOON, future).await.map_err(|_| Failure(format!("{what} is still waiting")))
}
