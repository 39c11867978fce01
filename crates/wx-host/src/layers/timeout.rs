use std::{
    fmt,
    future::{poll_fn, ready},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use futures_util::future::{Either, select};
use wx_api::{Answering, Api, ApiSet, Call, Clock, Cx, Error, EventSender, Invoke, Layer, Reply, Result, Timestamp};

/// Ends a call that takes too long with `<api>:fail timeout`, and tells the backend the deadline.
///
/// A call ends at the earlier of two moments: when its limit is over, and at the deadline its `Cx` came with. The limit is what
/// the caller itself said, as in `wx.login({timeout})`; failing that, the host's for the API; failing that, the host's default.
/// A call with neither waits as long as the backend takes; one that comes after its deadline never begins.
///
/// **A limit also ends calls that wait for a person**: at a prompt for consent, on the settings page, at a reader. What the person
/// then does comes too late, and a prompt nobody else waits for goes. A host that sets a default gives such APIs a limit of their
/// own; an API with a scope is one of them whenever it is the first to ask.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use wx_api::Api;
/// use wx_host::{Timeout, TokioClock};
///
/// let timeout = Timeout::new(Arc::new(TokioClock))
///     .default_after(Duration::from_secs(60))
///     .after(Api::StartSoterAuthentication, Duration::from_secs(300)) // a person is at work
///     .after(Api::Authorize, Duration::from_secs(300))
///     .after(Api::OpenSetting, Duration::MAX);
/// ```
#[derive(Clone)]
pub struct Timeout {
    clock: Arc<dyn Clock>,
    default: Option<Duration>,
    by_api: Vec<(Api, Duration)>,
}

impl Timeout {
    /// Honours what callers say, by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, default: None, by_api: Vec::new() }
    }

    /// The limit of calls whose caller says nothing, those that wait for a person included.
    #[must_use]
    pub fn default_after(mut self, limit: Duration) -> Self {
        self.default = Some(limit);
        self
    }

    /// The limit of calls of `api` whose caller says nothing.
    #[must_use]
    pub fn after(mut self, api: Api, limit: Duration) -> Self {
        self.by_api.retain(|(other, _)| *other != api);
        self.by_api.push((api, limit));
        self
    }

    fn limit(&self, call: &Call) -> Option<Duration> {
        call.timeout().or_else(|| {
            let api = call.api();
            self.by_api.iter().find(|(other, _)| *other == api).map(|(_, limit)| *limit).or(self.default)
        })
    }
}

impl fmt::Debug for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("default", &self.default).field("by_api", &self.by_api).finish_non_exhaustive()
    }
}

impl Layer for Timeout {
    fn wrap(&self, inner: Arc<dyn Invoke>) -> Arc<dyn Invoke> {
        Arc::new(Timed { timeout: self.clone(), inner })
    }
}

struct Timed {
    timeout: Timeout,
    inner: Arc<dyn Invoke>,
}

impl Invoke for Timed {
    fn invoke<'s, 'c, 'a>(&'s self, cx: &'c Cx, call: Call) -> Answering<'a>
    where
        's: 'a,
        'c: 'a,
        Self: 'a,
    {
        let clock = &*self.timeout.clock;
        let limit = self.timeout.limit(&call);
        if limit.is_none() && cx.deadline().is_none() {
            return self.inner.invoke(cx, call);
        }
        let now = clock.now();
        let limited = limit.map_or_else(|| cx.clone(), |limit| cx.clone().with_deadline(now + limit));
        let Some(deadline) = limited.deadline() else { return self.inner.invoke(cx, call) };
        if deadline < now {
            return Box::pin(ready(Err(Error::timeout(call.api()))));
        }
        Box::pin(async move {
            let api = call.api();
            let mut answering = self.inner.invoke(&limited, call);
            // Most calls answer at once, and need no timer: what is only for the others stays out of their way.
            match poll_fn(|task| Poll::Ready(answering.as_mut().poll(task))).await {
                Poll::Ready(answer) => answer,
                Poll::Pending => Box::pin(race(answering, clock, deadline, api)).await,
            }
        })
    }

    fn supported(&self) -> ApiSet {
        self.inner.supported()
    }

    fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {
        self.inner.subscribe(cx, out)
    }
}

async fn race(answering: Answering<'_>, clock: &dyn Clock, deadline: Timestamp, api: Api) -> Result<Reply> {
    match select(answering, clock.sleep_until(deadline)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(((), _)) => Err(Error::timeout(api)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use std::pin::pin;

    use wx_api::{
        ErrorKind,
        login::{CheckSessionRequest, CheckSessionResult, LoginRequest, LoginResult},
    };

    use super::*;
    use crate::testing::{Script, Still, cx, now, poll_once};

    const SECOND: Duration = Duration::from_secs(1);

    fn login(timeout: Option<u32>) -> Call {
        LoginRequest { timeout }.into()
    }

    fn timed(timeout: &Timeout, script: &Script) -> Arc<dyn Invoke> {
        timeout.wrap(Arc::new(script.clone()))
    }

    #[test]
    fn a_call_that_takes_too_long_answers_timeout() {
        let (clock, script) = (Still::default(), Script::default());
        let (wx, cx) = (timed(&Timeout::new(Arc::new(clock.clone())), &script), cx());
        let mut call = pin!(wx.invoke(&cx, login(Some(5000))));
        assert!(poll_once(call.as_mut()).is_pending());
        clock.advance(Duration::from_millis(4999));
        assert!(poll_once(call.as_mut()).is_pending());
        clock.advance(Duration::from_millis(1));
        let Poll::Ready(Err(error)) = poll_once(call) else { panic!("the deadline has passed") };
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Timeout, "login:fail timeout"));
        assert_eq!(script.deadlines(), [Some(Timestamp::from_millis(5000))]);
    }

    #[test]
    fn an_answer_in_time_is_the_answer_even_at_the_last_moment() {
        let (clock, script) = (Still::default(), Script::default());
        let (wx, cx) = (timed(&Timeout::new(Arc::new(clock.clone())), &script), cx());
        let mut call = pin!(wx.invoke(&cx, login(Some(5000))));
        assert!(poll_once(call.as_mut()).is_pending());
        clock.advance(5 * SECOND);
        script.answer(Ok(LoginResult { code: "c".into() }.into()));
        assert!(matches!(poll_once(call), Poll::Ready(Ok(_))));
    }

    #[test]
    fn a_call_that_answers_at_once_needs_no_timer() {
        let (clock, script) = (Still::default(), Script::default());
        let wx = timed(&Timeout::new(Arc::new(clock.clone())), &script);
        script.answer(Ok(LoginResult { code: "c".into() }.into()));
        assert!(now(wx.invoke(&cx(), login(Some(0)))).is_ok());
        assert_eq!(clock.sleeps(), 0);
    }

    #[test]
    fn a_call_without_a_limit_has_no_deadline() {
        let script = Script::default();
        script.answer(Ok(CheckSessionResult {}.into()));
        let wx = timed(&Timeout::new(Arc::new(Still::default())), &script);
        assert!(now(wx.invoke(&cx(), CheckSessionRequest {}.into())).is_ok());
        assert_eq!(script.deadlines(), [None]);
    }

    #[test]
    fn the_caller_goes_before_the_api_and_the_api_before_the_default() {
        let script = Script::default();
        let timeout = Timeout::new(Arc::new(Still::default())).default_after(SECOND).after(Api::Login, 2 * SECOND);
        let wx = timed(&timeout, &script);
        for call in [CheckSessionRequest {}.into(), login(None), login(Some(3000))] {
            script.answer(Ok(CheckSessionResult {}.into()));
            assert!(now(wx.invoke(&cx(), call)).is_ok());
        }
        assert_eq!(script.deadlines(), [1000, 2000, 3000].map(|at| Some(Timestamp::from_millis(at))));
    }

    #[test]
    fn a_call_that_comes_after_its_deadline_never_begins() {
        let (clock, script) = (Still::default(), Script::default());
        let wx = timed(&Timeout::new(Arc::new(clock.clone())), &script);
        let cx = cx().with_deadline(Timestamp::from_millis(700));
        clock.advance(SECOND);
        for request in [login(Some(5000)), CheckSessionRequest {}.into()] {
            script.answer(Ok(CheckSessionResult {}.into()));
            assert_eq!(now(wx.invoke(&cx, request)).unwrap_err().kind(), ErrorKind::Timeout);
        }
        assert_eq!(script.calls(), []);
    }

    #[test]
    fn the_longest_limit_there_is_ends_nothing() {
        let (clock, script) = (Still::default(), Script::default());
        let (wx, cx) = (timed(&Timeout::new(Arc::new(clock.clone())).default_after(Duration::MAX), &script), cx());
        clock.advance(SECOND);
        let mut call = pin!(wx.invoke(&cx, login(None)));
        assert!(poll_once(call.as_mut()).is_pending());
        clock.advance(1_000_000 * SECOND);
        assert!(poll_once(call).is_pending());
    }

    #[test]
    fn an_earlier_deadline_of_the_caller_stays() {
        let cx = cx().with_deadline(Timestamp::from_millis(700));
        for request in [login(Some(5000)), CheckSessionRequest {}.into()] {
            let (clock, script) = (Still::default(), Script::default());
            let wx = timed(&Timeout::new(Arc::new(clock.clone())), &script);
            let mut call = pin!(wx.invoke(&cx, request));
            assert!(poll_once(call.as_mut()).is_pending());
            clock.advance(SECOND);
            let Poll::Ready(Err(error)) = poll_once(call) else { panic!("the deadline has passed") };
            assert_eq!(error.kind(), ErrorKind::Timeout);
            assert_eq!(script.deadlines(), [Some(Timestamp::from_millis(700))]);
        }
    }
}
