//! The platform as this backend sees it: where it is, who we are to it, and what its failures are called.

use std::{fmt, future::Future, time::Duration};

use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};
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
    patience: Duration,
    /// What no other process, and no other backend in this one, begins the names of its launches with.
    launches: String,
    /// Ends the server in this process, if there is one, at the latest with this value.
    stop: watch::Sender<bool>,
}

impl Platform {
    /// The platform at this address, for calls that take no longer than `patience`.
    pub(crate) fn at(url: String, client: HostClient, patience: Duration) -> std::result::Result<Self, getrandom::Error> {
        let launches = format!("{:016x}{:016x}", getrandom::u64()?, getrandom::u64()?);
        Ok(Self { url, client, turns: Semaphore::new(MOST_REQUESTS), patience, launches, stop: watch::Sender::new(false) })
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

    /// Waits for a request of `api` to be answered, the wait for its turn and every try included. Dropping it takes the request back, if it is not answered yet.
    pub(crate) async fn ask<T>(
        &self,
        api: Api,
        answer: impl Future<Output = std::result::Result<T, ClientError>> + Send,
    ) -> Result<T> {
        let in_turn = async {
            let _turn = self.turns.acquire().await; // nobody closes it
            answer.await
        };
        let answer = timeout(self.patience, in_turn).await.map_err(|_| Error::timeout(api))?;
        answer.map_err(|error| self.failure(api, &error))
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

/// Host and port of a URL, without what may stand before them.
pub(crate) fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use std::{
        future::pending,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use tokio::{
        task::{JoinSet, yield_now},
        time::Instant,
    };
    use wx_crypto::Secret;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    fn platform() -> Platform {
        let key = Secret::from("key".to_owned());
        let url = "http://127.0.0.1:8099/below";
        Platform::at(url.to_owned(), HostClient::new(url, key, PATIENCE).unwrap(), PATIENCE).unwrap()
    }

    #[test]
    fn every_failure_of_the_client_becomes_one_that_a_script_understands() {
        let refused = |code| ClientError::Refused { code, errmsg: "because, rid: 5f1".to_owned() };
        for (error, kind, code, text) in [
            (refused(Errcode::NO_SESSION), ErrorKind::Session, Some(-13001), "login:fail session time out, need relogin"),
            (refused(Errcode::USER_BLOCKED), ErrorKind::Refused, Some(40226), "login:fail the platform has blocked this user"),
            (
                refused(Errcode::BUSY),
                ErrorKind::Unavailable,
                None,
                "login:fail the platform server has too much to do: try again",
            ),
            (
                refused(Errcode::BAD_APPID),
                ErrorKind::Internal,
                None,
                "login:fail internal error: the platform refused with 40013: because, rid: 5f1",
            ),
            (ClientError::Timeout, ErrorKind::Timeout, None, "login:fail timeout"),
            (
                ClientError::Unreachable("nobody listens".to_owned()),
                ErrorKind::Unavailable,
                None,
                "login:fail the platform server at 127.0.0.1:8099 cannot be reached: nobody listens",
            ),
        ] {
            let failure = platform().failure(Api::Login, &error);
            assert_eq!((failure.kind(), failure.code(), failure.to_string().as_str()), (kind, code, text));
        }
        let other = platform().failure(Api::Login, &ClientError::BadAnswer("no JSON".to_owned()));
        assert_eq!(other.kind(), ErrorKind::Internal);
        assert!(other.to_string().contains("no JSON"), "{other}");
    }

    #[tokio::test]
    async fn a_thousand_requests_are_made_a_few_at_a_time() {
        let (platform, under_way, most) = (Arc::new(platform()), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut calls = JoinSet::new();
        for _ in 0..1000 {
            let (platform, under_way, most) = (platform.clone(), under_way.clone(), most.clone());
            calls.spawn(async move {
                let request = async {
                    most.fetch_max(under_way.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                    yield_now().await;
                    under_way.fetch_sub(1, Ordering::Relaxed);
                    Ok(())
                };
                platform.ask(Api::Login, request).await
            });
        }
        assert!(calls.join_all().await.into_iter().all(|answer| answer.is_ok()));
        assert_eq!(most.load(Ordering::Relaxed), MOST_REQUESTS);
    }

    #[tokio::test(start_paused = true)]
    async fn patience_counts_the_wait_for_a_turn() {
        let platform = platform();
        let turns = platform.turns.acquire_many(u32::try_from(MOST_REQUESTS).unwrap()).await.unwrap();
        let began = Instant::now();
        for kept_waiting in [true, false] {
            let error = platform.ask::<()>(Api::CheckSession, pending()).await.unwrap_err();
            assert_eq!(error.to_string(), "checkSession:fail timeout", "for its turn: {kept_waiting}");
            platform.turns.add_permits(1);
        }
        assert_eq!(began.elapsed(), PATIENCE * 2);
        drop(turns);
    }

    #[test]
    fn of_a_url_an_error_shows_the_host_and_the_port() {
        for (url, shown) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("https://platform.example/wx", "platform.example"),
            ("http://[::1]:1/", "[::1]:1"),
            ("https://user:p@ssword@platform.example?x=1", "platform.example"),
        ] {
            assert_eq!(authority(url), shown);
        }
    }
}
