//! The façade as a runtime sees it.
#![allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{FutureExt, future::join_all};
use wx_api::{
    Api, ApiSet, Call, Clock, Cx, Error, ErrorKind, EventSender, Host, Invoke, Layer, Profile, Reply, Result, Timestamp,
    Version,
    login::{CheckSessionRequest, CheckSessionResult, Login, LoginRequest, LoginResult, session_expired},
};
use wx_host::{Callbacks, Fault, Record, Timeout, TokioClock, Trouble, Wx};

/// Answers `login` with its timeout as the code, or never when asked to wait for 13; has no session.
struct EchoLogin;

#[async_trait]
impl Login for EchoLogin {
    fn supported(&self) -> ApiSet {
        ApiSet::of(&[Api::Login, Api::CheckSession])
    }

    async fn login(&self, _: &Cx, req: LoginRequest) -> Result<LoginResult> {
        match req.timeout {
            Some(13) => std::future::pending().await,
            timeout => Ok(LoginResult { code: timeout.unwrap_or_default().to_string() }),
        }
    }

    async fn check_session(&self, _: &Cx, _: CheckSessionRequest) -> Result<CheckSessionResult> {
        Err(session_expired(Api::CheckSession))
    }
}

fn host() -> Host {
    Host { login: Some(Arc::new(EchoLogin)), ..Host::default() }
}

fn wx() -> Wx {
    Wx::builder(host()).build()
}

fn cx() -> Cx {
    Cx::new("wx4f4bc4dec97d474b")
}

/// What callbacks were run with, in order.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<(&'static str, String)>>>);

impl Heard {
    fn note(&self, who: &'static str) -> impl FnOnce(&str) + Send + 'static {
        let heard = self.0.clone();
        move |json: &str| heard.lock().unwrap_or_else(PoisonError::into_inner).push((who, json.to_owned()))
    }

    fn all_three(&self) -> Callbacks {
        Callbacks::new().success(self.note("success")).fail(self.note("fail")).complete(self.note("complete"))
    }

    fn take(&self) -> Vec<(&'static str, String)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[tokio::test]
async fn typed_calls_and_json_calls_answer_the_same() {
    let (wx, cx) = (wx(), cx());
    assert_eq!(wx.call(&cx, LoginRequest { timeout: Some(5) }).await.unwrap().code, "5");
    assert_eq!(wx.call_json(&cx, "login", r#"{"timeout":5}"#).await.json(), r#"{"errMsg":"login:ok","code":"5"}"#);
    let error = wx.call(&cx, CheckSessionRequest {}).await.unwrap_err();
    let answer = wx.call_json(&cx, "checkSession", "").await;
    assert_eq!(answer.json(), format!(r#"{{"errMsg":"{error}","errCode":-13001}}"#));
}

#[tokio::test]
async fn what_is_not_there_says_so_in_its_own_name() {
    let (wx, cx) = (wx(), cx());
    for name in ["foo", "onHCEMessage", "offHCEMessage", "getHCEState", "getUserInfo", "authorize"] {
        let answer = wx.call_json(&cx, name, r#"{"scope":"scope.record"}"#).await;
        assert_eq!(answer.json(), format!(r#"{{"errMsg":"{name}:fail not supported"}}"#));
    }
}

#[tokio::test]
async fn an_api_newer_than_the_profile_is_not_supported_whatever_its_arguments() {
    let (wx, old) = (wx(), cx().with_profile(Profile::seed().with_sdk(Version(0, 9, 0))));
    assert_eq!(wx.supported(&old), ApiSet::NONE);
    assert_eq!(wx.supported(&cx()), ApiSet::of(&[Api::Login, Api::CheckSession]));
    assert_eq!(wx.call(&old, LoginRequest::default()).await.unwrap_err().kind(), ErrorKind::Unsupported);
    let answer = wx.call_json(&old, "login", r#"{"timeout":"x"}"#).await;
    assert_eq!(answer.json(), r#"{"errMsg":"login:fail not supported"}"#);
    assert_eq!(wx.subscribe(&old, Api::OnHceMessage).unwrap_err().to_string(), "onHCEMessage:fail not supported");
}

#[test]
fn only_events_can_be_listened_to() {
    let set = ApiSet::of(&[Api::Login, Api::OnHceMessage]);
    assert_eq!(wx().subscribe(&cx(), set).unwrap_err().to_string(), "login:fail not supported");
}

#[tokio::test]
async fn the_outcome_then_complete_each_once() {
    let (wx, cx, heard) = (wx(), cx(), Heard::default());
    wx.call_back(&cx, "login", "{}", heard.all_three()).await;
    let ok = r#"{"errMsg":"login:ok","code":"0"}"#.to_owned();
    assert_eq!(heard.take(), [("success", ok.clone()), ("complete", ok.clone())]);
    wx.call_back(&cx, "checkSession", "{}", heard.all_three()).await;
    let fail = r#"{"errMsg":"checkSession:fail session time out, need relogin","errCode":-13001}"#.to_owned();
    assert_eq!(heard.take(), [("fail", fail.clone()), ("complete", fail)]);
    wx.call_back(&cx, "login", "{}", Callbacks::new().complete(heard.note("complete"))).await;
    assert_eq!(heard.take(), [("complete", ok)]);
}

#[tokio::test]
async fn a_call_broken_off_before_or_after_it_began_says_abort_once() {
    let (wx, cx, heard) = (wx(), cx(), Heard::default());
    let abort = r#"{"errMsg":"login:fail abort"}"#.to_owned();
    let expected = [("fail", abort.clone()), ("complete", abort)];

    drop(wx.call_back(&cx, "login", "{}", heard.all_three()));
    assert_eq!(heard.take(), expected);

    let mut call = Box::pin(wx.call_back(&cx, "login", r#"{"timeout":13}"#, heard.all_three()));
    assert!((&mut call).now_or_never().is_none());
    assert_eq!(heard.take(), []);
    drop(call);
    assert_eq!(heard.take(), expected);
}

#[test]
fn a_call_spawned_on_a_runtime_that_goes_away_before_its_first_poll_says_abort() {
    let (wx, cx, heard) = (wx(), cx(), Heard::default());
    // Of the current thread and never blocked on: nothing it is given is ever polled.
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.spawn(wx.call_back(&cx, "login", "{}", heard.all_three()));
    drop((wx, cx));
    assert_eq!(heard.take(), []);
    drop(runtime);
    let abort = r#"{"errMsg":"login:fail abort"}"#.to_owned();
    assert_eq!(heard.take(), [("fail", abort.clone()), ("complete", abort)]);
}

#[tokio::test]
async fn a_callback_that_panics_harms_no_other() {
    let (wx, cx, heard) = (wx(), cx(), Heard::default());
    let throws = || Callbacks::new().success(|_| panic!("thrown by a callback")).fail(|_| panic!("thrown by a callback"));
    wx.call_back(&cx, "login", "{}", throws().complete(heard.note("complete"))).await;
    wx.call_back(&cx, "checkSession", "{}", throws().complete(heard.note("complete"))).await;
    drop(wx.call_back(&cx, "login", "{}", throws().complete(heard.note("complete"))));
    assert_eq!(heard.take().len(), 3);
    wx.call_back(&cx, "login", "{}", heard.all_three()).await;
    assert_eq!(heard.take().len(), 2);
}

#[tokio::test]
async fn a_thousand_calls_at_once_each_get_their_own_answer() {
    let (wx, cx) = (wx(), cx());
    let texts: Vec<_> = (1000..2000).map(|n| format!(r#"{{"timeout":{n}}}"#)).collect();
    let answers = join_all(texts.iter().map(|args| wx.call_json(&cx, "login", args))).await;
    for (n, answer) in (1000..2000).zip(answers) {
        assert_eq!(answer.json(), format!(r#"{{"errMsg":"login:ok","code":"{n}"}}"#));
    }
}

/// Notes its name on the way in.
struct Mark(&'static str, Heard);

impl Layer for Mark {
    fn wrap(&self, inner: Arc<dyn Invoke>) -> Arc<dyn Invoke> {
        Arc::new(Marked(inner, self.0, self.1.clone()))
    }
}

struct Marked(Arc<dyn Invoke>, &'static str, Heard);

#[async_trait]
impl Invoke for Marked {
    async fn invoke(&self, cx: &Cx, call: Call) -> Result<Reply> {
        self.2.note(self.1)("");
        self.0.invoke(cx, call).await
    }
    fn supported(&self) -> ApiSet {
        self.0.supported()
    }
    fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {
        self.0.subscribe(cx, out)
    }
}

#[tokio::test]
async fn a_hosts_own_layers_are_outermost_in_the_order_they_were_added() {
    let heard = Heard::default();
    let fault = Fault::new(Arc::new(TokioClock), 1).rule(
        ApiSet::ALL,
        1.0,
        Trouble::Fail { kind: ErrorKind::Internal, code: None, reason: "broken".into() },
    );
    let wx = Wx::builder(host()).fault(fault).layer(Mark("a", heard.clone())).layer(Mark("b", heard.clone())).trace().build();
    assert_eq!(wx.call(&cx(), LoginRequest::default()).await.unwrap_err().to_string(), "login:fail broken");
    assert_eq!(heard.take().into_iter().map(|(who, _)| who).collect::<Vec<_>>(), ["a", "b"]);
}

#[tokio::test]
async fn a_parameter_error_reaches_no_layer() {
    let heard = Heard::default();
    let wx = Wx::builder(host()).layer(Mark("layer", heard.clone())).build();
    for args in [r#"{"timeout":"x"}"#, "[]", "{"] {
        assert!(!wx.call_json(&cx(), "login", args).await.is_ok());
    }
    assert_eq!(heard.take(), []);
}

/// A clock whose time is always over.
struct Late;

#[async_trait]
impl Clock for Late {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
    async fn sleep_until(&self, _: Timestamp) {}
}

#[tokio::test]
async fn the_timeout_ends_a_silent_fault_and_the_record_sees_it() {
    let record = Record::new(std::io::sink());
    let wx = Wx::builder(host())
        .timeout(Timeout::new(Arc::new(Late)).default_after(Duration::from_secs(1)))
        .record(record.clone())
        .fault(Fault::new(Arc::new(Late), 1).rule(Api::Login, 1.0, Trouble::Silence))
        .build();
    let error = wx.call(&cx(), LoginRequest::default()).await.unwrap_err();
    assert_eq!(error.to_string(), Error::timeout(Api::Login).to_string());
    assert_eq!(record.failure(), None);
}
