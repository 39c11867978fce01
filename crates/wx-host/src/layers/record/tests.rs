#![allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]

use bytes::Bytes;
use wx_api::{
    Error, EventStream, Profile, event_channel,
    hce::{HceMessage, SendHceMessageRequest, SendHceMessageResult},
    login::{CheckSessionRequest, LoginRequest, LoginResult, session_expired},
};

use super::*;
use crate::testing::{Script, cx, now, poll_once};

/// A destination that can be looked at.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(bytes).unwrap().lines().skip(1).map(str::to_owned).collect()
    }
}

fn recorded(script: &Script) -> (Arc<dyn Invoke>, Page) {
    let page = Page::default();
    (Record::new(page.clone()).wrap(Arc::new(script.clone())), page)
}

fn listen(wx: &dyn Invoke) -> Result<EventStream> {
    let (sender, stream) = event_channel(Api::OnHceMessage.into());
    wx.subscribe(&cx(), sender).map(|()| stream)
}

#[test]
fn the_header_names_what_the_backend_supports() {
    let page = Page::default();
    Record::new(page.clone()).wrap(Arc::new(Script::supporting(ApiSet::of(&[Api::Login, Api::OnHceMessage]))));
    let bytes = page.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(bytes, b"{\"wx\":\"record\",\"version\":1,\"supported\":[\"onHCEMessage\",\"login\"]}\n");
}

#[test]
fn calls_and_answers_are_written_as_scripts_see_them() {
    let script = Script::default();
    let (wx, page) = recorded(&script);
    script.answer(Ok(LoginResult { code: "033".into() }.into()));
    script.answer(Ok(SendHceMessageResult {}.into()));
    script.answer(Err(session_expired(Api::CheckSession)));
    script.answer(Err(Error::denied(Api::Login, &Profile::default().with_denial_separator(':'))));
    now(wx.invoke(&cx(), LoginRequest { timeout: Some(5) }.into())).unwrap();
    now(wx.invoke(&cx(), SendHceMessageRequest { data: Bytes::from_static(&[0x90, 0]) }.into())).unwrap();
    now(wx.invoke(&cx(), CheckSessionRequest {}.into())).unwrap_err();
    now(wx.invoke(&cx(), LoginRequest::default().into())).unwrap_err();
    assert_eq!(
        page.lines(),
        [
            r#"{"line":"call","id":1,"api":"login","args":{"timeout":5}}"#,
            r#"{"line":"answer","id":1,"ok":{"code":"033"}}"#,
            r#"{"line":"call","id":2,"api":"sendHCEMessage","args":{"data":{"base64":"kAA="}}}"#,
            r#"{"line":"answer","id":2,"ok":{}}"#,
            r#"{"line":"call","id":3,"api":"checkSession","args":{}}"#,
            r#"{"line":"answer","id":3,"fail":{"kind":"session","code":-13001,"reason":"session time out, need relogin"}}"#,
            r#"{"line":"call","id":4,"api":"login","args":{}}"#,
            r#"{"line":"answer","id":4,"fail":{"kind":"denied","separator":":","reason":"auth deny"}}"#,
        ]
    );
}

#[test]
fn events_are_written_when_they_are_sent() {
    let script = Script::default();
    let (wx, page) = recorded(&script);
    let stream = listen(&*wx).unwrap();
    script.subscribers()[0].send(HceMessage::command(&b"\x00\xa4"[..]).into());
    drop(stream);
    script.subscribers()[0].send(HceMessage::command(&b"unheard"[..]).into());
    assert_eq!(
        page.lines(),
        [
            r#"{"line":"subscribe","id":1,"events":["onHCEMessage"]}"#,
            r#"{"line":"event","id":1,"api":"onHCEMessage","payload":{"messageType":1,"data":{"base64":"AKQ="}}}"#,
        ]
    );
}

#[test]
fn a_refused_subscription_says_why() {
    let (wx, page) = recorded(&Script::supporting(ApiSet::NONE));
    listen(&*wx).unwrap_err();
    assert_eq!(
        page.lines(),
        [
            r#"{"line":"subscribe","id":1,"events":["onHCEMessage"]}"#,
            r#"{"line":"answer","id":1,"fail":{"of":"onHCEMessage","kind":"unsupported","reason":"not supported"}}"#,
        ]
    );
}

#[test]
fn a_call_that_is_broken_off_says_so_and_one_that_never_began_is_not_there() {
    let (wx, page) = recorded(&Script::default());
    let cx = cx();
    let mut call = wx.invoke(&cx, LoginRequest::default().into());
    assert!(poll_once(call.as_mut()).is_pending());
    drop(call);
    drop(wx.invoke(&cx, LoginRequest::default().into()));
    assert_eq!(page.lines(), [r#"{"line":"call","id":1,"api":"login","args":{}}"#, r#"{"line":"cancel","id":1}"#]);
}

#[test]
fn a_destination_that_fails_breaks_no_call_and_is_reported() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is full"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (record, script) = (Record::new(Full), Script::default());
    let wx = record.wrap(Arc::new(script.clone()));
    script.answer(Ok(LoginResult { code: "033".into() }.into()));
    assert!(now(wx.invoke(&cx(), LoginRequest::default().into())).is_ok());
    assert_eq!(record.failure().as_deref(), Some("the disk is full"));
}
