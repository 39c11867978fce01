//! The platform as this backend sees it: where it is, who we are to it, and what its failures are called.

use std::{fmt, future::Future};

use tokio::sync::{Semaphore, watch};
use wx_api::{Api, Cx, Error, ErrorKind, Result, login::session_expired};
use wx_platform::{
    Errcode,
    client::{ClientError, HostClient},
};

/// How many requests are under way at once. The others wait for their turn, in the order in which they came: a mini-program that makes a thousand
/// calls must not open a thousand connections.
const MOST_REQUESTS: usize = 32;

/// The platform, and the way there.
pub(crate) struct Platform {
    url: String,
    client: HostClient,
    turns: Semaphore,
    /// What no other process, and no other backend in this one, begins the names of its launches with.
    launches: String,
    /// Ends the server in this process, if there is one, at the latest with this value.
    stop: watch::Sender<bool>,
}

impl Platform {
    /// The platform at this address.
    pub(crate) fn at(url: String, client: HostClient) -> std::result::Result<Self, getrandom::Error> {
        let launches = format!("{:016x}{:016x}", getrandom::u64()?, getrandom::u64()?);
        Ok(Self { url, client, turns: Semaphore::new(MOST_REQUESTS), launches, stop: watch::Sender::new(false) })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn client(&self) -> &HostClient {
        &self.client
    }

    /// How the platform knows this life cycle.
    pub(crate) fn launch(&self, cx: &Cx) -> String {
        format!("{}-{}", self.launches, cx.launch())
    }

    /// Waits for a request of `api` to be answered. Dropping it takes the request back, if it is not answered yet.
    pub(crate) async fn ask<T>(
        &self,
        api: Api,
        answer: impl Future<Output = std::result::Result<T, ClientError>> + Send,
    ) -> Result<T> {
        let _turn = self.turns.acquire().await; // nobody closes it
        answer.await.map_err(|error| self.failure(api, &error))
    }

    /// Completes when the server in this process is to end: when it is told to, or when nobody has this value any more.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stop = self.stop.subscribe();
        async move {
            let _ = stop.wait_for(|stop| *stop).await; // an error says that the sender has gone
        }
    }

    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    fn failure(&self, api: Api, error: &ClientError) -> Error {
        match error {
            ClientError::Refused { code: Errcode::NO_SESSION, .. } => session_expired(api),
            ClientError::Refused { code: Errcode::BUSY, .. } => {
                Error::new(api, ErrorKind::Unavailable, "the platform server has too much to do: try again")
            }
            ClientError::Refused { code: Errcode::USER_BLOCKED, .. } => {
                Error::new(api, ErrorKind::Refused, "the platform has blocked this user")
                    .with_code(Errcode::USER_BLOCKED.number())
            }
            ClientError::Refused { code, errmsg } => {
                Error::internal(api, format_args!("the platform refused with {}: {errmsg}", code.number()))
            }
            ClientError::Timeout => Error::timeout(api),
            ClientError::Unreachable(reason) => {
                let reason = format!("the platform server at {} cannot be reached: {reason}", authority(&self.url));
                Error::new(api, ErrorKind::Unavailable, reason)
            }
            other => Error::internal(api, other),
        }
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform").field("at", &authority(&self.url)).finish_non_exhaustive()
    }
}

/// Host and port of a URL.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_an_error_shows_the_host_and_the_port() {
        for (url, shown) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("https://platform.example/wx", "platform.example"),
            ("http://[::1]:1/", "[::1]:1"),
        ] {
            assert_eq!(authority(url), shown);
        }
    }
}
