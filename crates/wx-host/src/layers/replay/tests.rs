#![allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]

use std::{io::Write, pin::pin};

use bytes::Bytes;
use futures_util::future::join;
use wx_api::{
    ErrorKind, Layer, Profile, Scope, event_channel,
    hce::{Departure, HceMessage, SendHceMessageRequest, SendHceMessageResult},
    login::{CheckSessionRequest, LoginRequest, LoginResult, session_expired},
    user::GetUserInfoRequest,
};

use super::*;
use crate::{
    Record, Wx,
    testing::{Script, cx, now, poll_once},
};

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap()
    }
}

fn replay(lines: &[&str]) -> Replay {
    Replay::read(record(lines).as_bytes()).unwrap()
}

fn record(lines: &[&str]) -> String {
    let header = r#"{"wx":"record","version":1,"supported":["authorize","onHCEMessage","login","checkSession","getUserInfo"]}"#;
    std::iter::once(&header).chain(lines).flat_map(|line| [line, "\n"]).collect()
}

fn call(wx: &dyn Invoke, call: impl Into<Call>) -> Result<Reply> {
    now(wx.invoke(&cx(), call.into()))
}

const LOGIN: &str = r#"{"line":"call","id":1,"api":"login","args":{"timeout":5}}"#;
const CODE: &str = r#"{"line":"answer","id":1,"ok":{"code":"033"}}"#;
const CHECK: &str = r#"{"line":"call","id":2,"api":"checkSession","args":{}}"#;
const CHECKED: &str = r#"{"line":"answer","id":2,"ok":{}}"#;

fn login() -> LoginRequest {
    LoginRequest { timeout: Some(5) }
}

#[test]
fn it_answers_as_recorded_with_everything_a_failure_has() {
    let failure = r#"{"line":"answer","id":2,"fail":{"kind":"denied","code":-12007,"separator":":","reason":"auth deny"}}"#;
    let replay = replay(&[LOGIN, CODE, CHECK, failure]);
    assert_eq!(call(&replay, login()).unwrap(), LoginResult { code: "033".into() }.into());
    let error = call(&replay, CheckSessionRequest {}).unwrap_err();
    assert_eq!((error.to_string().as_str(), error.code()), ("checkSession:fail:auth deny", Some(-12007)));
    assert_eq!((error.kind(), replay.remaining()), (ErrorKind::Denied, 0));
}

#[test]
fn it_supports_what_the_recorded_backend_did() {
    let events = [Api::Authorize, Api::OnHceMessage, Api::Login, Api::CheckSession, Api::GetUserInfo];
    assert_eq!(replay(&[]).supported(), ApiSet::of(&events));
}

#[test]
fn another_call_is_told_what_was_expected_and_the_right_one_still_works() {
    let replay = replay(&[LOGIN, CODE]);
    let error = call(&replay, CheckSessionRequest {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(
        error.reason(),
        r#"internal error: the record expects a call of login with {"timeout":5} (line 2), and checkSession was called with {}"#
    );
    let error = call(&replay, LoginRequest::default()).unwrap_err();
    assert!(error.reason().ends_with(r#"with {"timeout":5} (line 2), and login was called with {}"#), "{error}");
    assert!(call(&replay, login()).is_ok());
    let error = call(&replay, login()).unwrap_err();
    assert!(error.reason().contains("the record expects no more, and login was called"), "{error}");
}

#[test]
fn an_answer_comes_at_its_place_among_later_calls() {
    let replay = replay(&[LOGIN, CHECK, CHECKED, CODE]);
    let cx = cx();
    let mut first = pin!(replay.invoke(&cx, login().into()));
    assert!(poll_once(first.as_mut()).is_pending());
    assert!(call(&replay, CheckSessionRequest {}).is_ok());
    assert!(poll_once(first).is_ready());
}

#[test]
fn a_script_that_waits_for_ever_can_see_what_for() {
    let replay = replay(&[LOGIN, CHECK, CHECKED, CODE]);
    let cx = cx();
    let mut first = pin!(replay.invoke(&cx, login().into()));
    assert!(poll_once(first.as_mut()).is_pending());
    let text = format!("{replay:?}");
    assert!(text.contains("remaining: 3") && text.contains("a call of checkSession with {} (line 3)"), "{text}");
}

#[test]
fn a_call_that_looks_often_whether_it_is_its_turn_waits_once() {
    let replay = replay(&[LOGIN, CODE, CHECK, CHECKED]);
    let cx = cx();
    let mut second = replay.invoke(&cx, CheckSessionRequest {}.into());
    // The first call is in the play and has yet to take its answer, as on another thread.
    replay.play(|stage| stage.enter(&login().into(), &mut None, &Context::from_waker(Waker::noop())));
    for _ in 0..100 {
        assert!(poll_once(second.as_mut()).is_pending());
    }
    assert_eq!(replay.play(|stage| stage.queue.len()), 1);
    drop(second);
    assert_eq!(replay.play(|stage| stage.queue.len()), 0);
}

#[tokio::test]
async fn calls_are_woken_in_the_order_of_their_answers() {
    let replay = replay(&[LOGIN, CHECK, CODE, CHECKED]);
    let (cx, order) = (cx(), Mutex::new(vec![]));
    let done = |name, result: Result<Reply>| {
        result.unwrap();
        order.lock().unwrap_or_else(PoisonError::into_inner).push(name);
    };
    let first = async { done("login", replay.invoke(&cx, login().into()).await) };
    let second = async { done("checkSession", replay.invoke(&cx, CheckSessionRequest {}.into()).await) };
    join(first, second).await;
    assert_eq!(order.into_inner().unwrap_or_else(PoisonError::into_inner), ["login", "checkSession"]);
}

#[test]
fn a_call_broken_off_early_is_not_waited_for() {
    let replay = replay(&[LOGIN, CHECK, r#"{"line":"cancel","id":1}"#, CHECKED]);
    let cx = cx();
    let mut first = replay.invoke(&cx, login().into());
    assert!(poll_once(first.as_mut()).is_pending());
    let mut second = pin!(replay.invoke(&cx, CheckSessionRequest {}.into()));
    assert!(poll_once(second.as_mut()).is_pending(), "the record breaks the first call off before this answer");
    let error = call(&replay, login()).unwrap_err();
    assert!(error.reason().contains("expects call 1 to be broken off (line 4)"), "{error}");
    drop(first);
    assert!(matches!(poll_once(second), Poll::Ready(Ok(_))));
}

#[test]
fn the_gate_may_ask_before_a_recorded_call() {
    let denied = r#"{"line":"answer","id":1,"fail":{"kind":"denied","code":-12007,"reason":"auth deny"}}"#;
    let replay = replay(&[r#"{"line":"call","id":1,"api":"getUserInfo","args":{}}"#, denied]);
    let error = call(&replay, AuthorizeRequest::new(Scope::Record)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "another scope is no question of the gate");
    let wx = Wx::builder(replay.clone()).build();
    let error = now(wx.call(&cx(), GetUserInfoRequest::default())).unwrap_err();
    assert_eq!((error.to_string().as_str(), replay.remaining()), ("getUserInfo:fail auth deny", 0));
}

/// A run with everything a record can hold. `play` makes the backend do its part; a replay does it by itself.
fn everything(wx: &Wx, play: impl Fn(usize)) -> String {
    let cx = cx();
    let mut seen = String::new();
    let mut stream = wx.subscribe(&cx, Api::OnHceMessage).unwrap();
    let mut note = |what: &dyn fmt::Debug| writeln!(seen, "{what:?}").unwrap();
    play(0);
    note(&now(wx.call(&cx, login())).map(|login| login.code));
    play(1);
    note(&now(stream.next()));
    let (mut first, mut second) = (Box::pin(wx.call(&cx, login())), Box::pin(wx.call(&cx, CheckSessionRequest {})));
    assert!(poll_once(first.as_mut()).is_pending() && poll_once(second.as_mut()).is_pending());
    play(2);
    drop(first);
    note(&poll_once(second.as_mut()));
    play(3);
    note(&now(stream.next()));
    let reply = SendHceMessageRequest { data: Bytes::from_static(&[0, 255, 0x90, 0]) };
    note(&now(wx.call(&cx, reply)));
    drop(stream);
    let mut last = pin!(wx.call(&cx, LoginRequest::default()));
    note(&poll_once(last.as_mut()));
    seen
}

#[test]
fn a_replay_recorded_again_gives_the_same_bytes() {
    let (script, first) = (Script::default(), Page::default());
    let wx = Wx::builder(script.clone()).record(Record::new(first.clone())).build();
    let seen = everything(&wx, |part| match part {
        0 => script.answer(Ok(LoginResult { code: "0\"33\u{1F600}".into() }.into())),
        1 => script.subscribers()[0].send(HceMessage::command(Bytes::from_static(&[0, 0xA4, 0xFF])).into()),
        2 => script.answer(Err(session_expired(Api::CheckSession))),
        _ => {
            script.subscribers()[0].send(HceMessage::departure(Departure::LinkLoss).into());
            script.answer(Ok(SendHceMessageResult {}.into()));
        }
    });

    let again = Page::default();
    let replay = Replay::read(first.text().as_bytes()).unwrap();
    let wx = Wx::builder(replay.clone()).trace().record(Record::new(again.clone())).build();
    assert_eq!(everything(&wx, |_| {}), seen);
    assert_eq!(again.text(), first.text());
    assert_eq!((first.text().lines().count(), replay.remaining()), (14, 0), "{}", first.text());
}

#[test]
fn a_refused_subscription_is_refused_again() {
    let (sender, _stream) = event_channel(Api::OnHceMessage.into());
    let lines = [
        r#"{"line":"subscribe","id":1,"events":["onHCEMessage"]}"#,
        r#"{"line":"answer","id":1,"fail":{"of":"onHCEMessage","kind":"unsupported","reason":"not supported"}}"#,
    ];
    let page = Page::default();
    let wx = Record::new(page.clone()).wrap(Arc::new(replay(&lines)));
    assert_eq!(wx.subscribe(&cx(), sender).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(page.text(), record(&lines));
}

#[test]
fn an_unexpected_subscription_is_told_what_was_expected() {
    let (sender, _stream) = event_channel(Api::OnHceMessage.into());
    let error = replay(&[LOGIN, CODE]).subscribe(&cx(), sender).unwrap_err();
    assert!(error.reason().contains("a call of login") && error.reason().contains("listened to onHCEMessage"), "{error}");
}

#[test]
fn a_failure_that_names_other_apis_comes_back_whole() {
    let (script, page) = (Script::default(), Page::default());
    let wx = Record::new(page.clone()).wrap(Arc::new(script.clone()));
    let reply = LoginResult { code: "033".into() };
    script.answer(Err(Error::denied(Api::Login, &Profile::default()).with_reply(reply.clone())));
    script.answer(Ok(reply.clone().into()));
    assert!(call(&*wx, CheckSessionRequest {}).is_err() && call(&*wx, CheckSessionRequest {}).is_ok());

    let replay = Replay::read(page.text().as_bytes()).unwrap();
    let error = call(&replay, CheckSessionRequest {}).unwrap_err();
    assert_eq!((error.api(), error.reply()), (Api::Login, Some(&reply.clone().into())));
    assert_eq!(call(&replay, CheckSessionRequest {}).unwrap(), reply.into());
}

#[test]
fn what_is_no_record_is_refused_with_its_line() {
    let problem = |text: &str| Replay::read(text.as_bytes()).unwrap_err().to_string();
    assert!(problem("").starts_with("line 1 of the record: no header"));
    assert!(problem("{\"wx\":\"film\",\"version\":1,\"supported\":[]}").contains("not a record of version 1, but film"));
    assert!(problem("{\"wx\":\"record\",\"version\":2,\"supported\":[]}").contains("of version 2"));
    assert!(problem("{\"wx\":\"record\",\"version\":1,\"supported\":[\"fly\"]}").contains("no API `fly`"));
    for (lines, line, what) in [
        (&["x"][..], 2, "expected value"),
        (&[LOGIN, "{\"line\":\"call\",\"id\":2"], 3, "EOF"),
        (&[r#"{"line":"dance"}"#], 2, "unknown variant"),
        (&[r#"{"line":"call","id":1,"api":"fly","args":{}}"#], 2, "no API `fly`"),
        (&[r#"{"line":"call","id":1,"api":"login","args":{"timeout":"x"}}"#], 2, "arguments of login"),
        (&[r#"{"line":"call","id":1,"api":"onHCEMessage","args":{}}"#], 2, "is an event"),
        (&[LOGIN, LOGIN], 3, "1 was there before"),
        (&[CODE], 2, "1 waits for no answer"),
        (&[LOGIN, CODE, CODE], 4, "1 waits for no answer"),
        (&[LOGIN, r#"{"line":"answer","id":1}"#], 3, "either `ok` or `fail`"),
        (&[LOGIN, r#"{"line":"answer","id":1,"ok":{"cod":"x"}}"#], 3, "result of login"),
        (&[LOGIN, r#"{"line":"answer","id":1,"fail":{"kind":"mood","reason":""}}"#], 3, "unknown variant"),
        (&[r#"{"line":"cancel","id":1}"#], 2, "1 is no call under way"),
        (&[r#"{"line":"event","id":1,"api":"onHCEMessage","payload":{"messageType":1}}"#], 2, "does not listen"),
    ] {
        let text = problem(&record(lines));
        assert!(text.starts_with(&format!("line {line} of the record: ")) && text.contains(what), "{lines:?}: {text}");
    }
}
