//! One request, asked again only where that is safe.

use std::time::Duration;

use reqwest::{RequestBuilder, Response, StatusCode, Url, redirect, retry};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{ClientError, Transport, answer, base::Base};

/// The longest answer that is read, in bytes. Real ones have some hundred; the longest page of apps or users is as long as
/// [`PAGE`](crate::wire::host::PAGE) of the longest requests that a server takes, and some more.
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// The pause before the second try; every further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long an idle connection is kept. Less than servers keep theirs, so that seldom one closes just as a request is sent on it.
const IDLE: Duration = Duration::from_secs(20);

/// When a request that failed may be sent again. One that was never sent may be in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// Not once it was sent: it changes something, and nobody knows whether it did.
    No,
    /// Also after silence, a broken connection, or "busy": asking twice does no more than asking once.
    Yes,
}

/// A request, apart from its query and its body.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) path: &'static str,
    pub(super) again: Again,
    /// The secrets in it, which no error may repeat.
    pub(super) hidden: &'a [&'a str],
}

/// The way to one platform.
pub(super) struct Http {
    client: reqwest::Client,
    base: Base,
    retries: u32,
}

/// A try that failed.
struct Failure {
    error: ClientError,
    sent: bool,
}

impl Http {
    pub(super) fn new(base_url: &str, transport: &Transport) -> Result<Self, ClientError> {
        let base = Base::parse(base_url, transport.plain_http)?;
        let mut client = reqwest::Client::builder()
            .timeout(transport.timeout)
            // A quarter of the whole, so that a connection that never came about is known as one, and with two retries before the time of
            // one try is over.
            .connect_timeout(transport.timeout / 4)
            .pool_idle_timeout(IDLE)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .user_agent(concat!("wx-platform/", env!("CARGO_PKG_VERSION")));
        if !base.is_https() {
            client = client.no_proxy(); // it would read the secrets, where it only passes on what https seals
        }
        let client = client.build().map_err(|error| ClientError::Setup(cause(error)))?;
        Ok(Self { client, base, retries: transport.retries })
    }

    /// Scheme, host and port of the platform.
    pub(super) fn origin(&self) -> String {
        self.base.origin()
    }

    /// Asks, and again where the question allows it. `make` gives a URL its method, its query and its body.
    pub(super) async fn ask<A: DeserializeOwned>(
        &self,
        question: Question<'_>,
        make: impl Fn(&reqwest::Client, Url) -> RequestBuilder,
    ) -> Result<A, ClientError> {
        let url = self.base.at(question.path);
        let (mut left, mut pause) = (self.retries, FIRST_PAUSE);
        loop {
            let tried = match send(make(&self.client, url.clone())).await {
                Ok((status, body)) => {
                    answer::read(status, &body, question.hidden).map_err(|error| Failure { error, sent: true })
                }
                Err(failure) => Err(failure),
            };
            match tried {
                Err(failure) if left > 0 && question.again.allows(&failure) => {
                    tracing::debug!(path = question.path, error = %failure.error, left, "asking the platform again");
                    tokio::time::sleep(pause).await;
                    (left, pause) = (left - 1, (pause * 2).min(LONGEST_PAUSE));
                }
                Err(failure) => return Err(failure.error),
                Ok(answer) => return Ok(answer),
            }
        }
    }
}

impl Again {
    fn allows(self, failure: &Failure) -> bool {
        let transient = match &failure.error {
            ClientError::Timeout | ClientError::Unreachable(_) => true,
            ClientError::Refused { code, .. } => *code == crate::Errcode::BUSY,
            ClientError::BadAnswer(_) | ClientError::Setup(_) => false,
        };
        transient && (!failure.sent || self == Self::Yes)
    }
}

async fn send(request: RequestBuilder) -> Result<(StatusCode, Zeroizing<Vec<u8>>), Failure> {
    let response = request.send().await.map_err(failure)?;
    let status = response.status();
    Ok((status, body(response).await?))
}

async fn body(mut response: Response) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let too_long =
        || Failure { error: ClientError::BadAnswer(format!("the body has more than {MOST_BYTES} bytes")), sent: true };
    let announced = response.content_length().unwrap_or(0);
    let announced = usize::try_from(announced).ok().filter(|length| *length <= MOST_BYTES).ok_or_else(too_long)?;
    // Of its final length at once, as a rule: growing leaves copies behind.
    let mut body = Zeroizing::new(Vec::with_capacity(announced));
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn failure(error: reqwest::Error) -> Failure {
    let sent = !(error.is_connect() || error.is_builder());
    let error = if error.is_builder() {
        ClientError::Setup(cause(error))
    } else if sent && error.is_timeout() {
        ClientError::Timeout
    } else if sent {
        ClientError::Unreachable(format!("the connection broke before the answer was there: {}", cause(error)))
    } else {
        ClientError::Unreachable(cause(error))
    };
    Failure { error, sent }
}

/// The innermost reason. The outer ones tell the URL, query and all.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
