//! The Java half and the Rust half together, on the desktop's virtual machine under `-Xcheck:jni`: every test also fails if that finds
//! anything.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

mod phone;

use std::process::ExitCode;

use wx_rig::JAVA;

fn main() -> ExitCode {
    wx_rig::main(
        &[&JAVA],
        wx_rig::tests! {
            calls {
                a_call_answers_what_java_answers,
                what_goes_wrong_in_java_is_the_answer_of_its_call,
                a_call_that_nobody_waits_for_is_interrupted_and_no_other,
                ten_thousand_calls_leave_nothing_behind,
            }
            agents {
                events_reach_the_app_they_are_for,
                an_agent_that_was_stopped_says_so,
                stopping_interrupts_what_still_runs,
                a_host_that_was_revoked_is_not_served,
                what_cannot_start_says_why,
            }
        },
    )
}

mod calls {
    use std::time::Duration;

    use wx_api::{
        Call, Clock as _, Cx, ErrorKind, Invoke as _, Reply,
        hce::StartHceRequest,
        login::{CheckSessionRequest, LoginRequest},
        user::GetUserInfoRequest,
    };
    use wx_device::Device;
    use wx_host::TokioClock;

    use super::phone::Phone;

    async fn login(device: &Device, cx: &Cx) -> wx_api::Result<String> {
        let Reply::Login(login) = device.invoke(cx, LoginRequest::default().into()).await? else { panic!("not a login") };
        Ok(login.code)
    }

    pub(crate) async fn a_call_answers_what_java_answers() {
        let mut phone = Phone::start().await;
        let device = phone.device().await;
        let deadline = TokioClock.now() + Duration::from_secs(3600);
        let cx = Cx::new("echoes").with_user("lǐ 李 🎋").with_deadline(deadline);
        let request = LoginRequest { timeout: Some(5000) };
        let Ok(Reply::Login(login)) = device.invoke(&cx, request.into()).await else { panic!("no login") };
        let said = login.code.strip_prefix("login ").unwrap();
        let (context, args) = said.rsplit_once(' ').unwrap();
        let context: serde_json::Value = serde_json::from_str(context).unwrap();
        assert_eq!((&context["app"], &context["user"]), (&"echoes".into(), &"lǐ 李 🎋".into()));
        assert_eq!(context["profile"]["platform"], "android");
        let off = context["deadline"].as_u64().unwrap().abs_diff(deadline.as_millis());
        assert!(off < 60_000, "the deadline is {off} ms off");
        assert_eq!(serde_json::from_str::<serde_json::Value>(args).unwrap()["timeout"], 5000);
        let error = device.invoke(&cx, GetUserInfoRequest::default().into()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "it is not on the list");
        phone.end().await; // with the agent running: an idle one keeps no program from ending
    }

    pub(crate) async fn what_goes_wrong_in_java_is_the_answer_of_its_call() {
        let mut phone = Phone::start().await;
        let device = phone.device().await;
        let login = Call::from(LoginRequest::default());
        for (app, kind, code, text) in [
            ("refuses", ErrorKind::Session, Some(-13001), "login:fail no session here"),
            ("refuses oddly", ErrorKind::Internal, None, "login:fail internal"),
            (
                "throws",
                ErrorKind::Internal,
                None,
                "login:fail internal error: the backend threw java.lang.IllegalStateException",
            ),
            (
                "overflows",
                ErrorKind::Internal,
                None,
                "login:fail internal error: the backend threw java.lang.StackOverflowError",
            ),
            ("unknown", ErrorKind::Internal, None, "login:fail internal error: the backend threw java.lang.AssertionError"),
            ("says null", ErrorKind::Internal, None, "login:fail internal error: the backend answered null"),
            ("says garbage", ErrorKind::Internal, None, "login:fail internal error: the backend's result does not read"),
        ] {
            let error = device.invoke(&Cx::new(app), login.clone()).await.unwrap_err();
            assert_eq!((error.kind(), error.code(), error.to_string().as_str()), (kind, code, text), "{app}");
            assert_eq!(self::login(&device, &Cx::new("answers")).await.unwrap(), "calm", "after {app}");
        }
        phone.end().await;
    }

    pub(crate) async fn a_call_that_nobody_waits_for_is_interrupted_and_no_other() {
        let mut phone = Phone::start().await;
        let device = phone.device().await;
        for _ in 0..50 {
            let waits = Cx::new("waits");
            tokio::select! {
                answer = login(&device, &waits) => panic!("{answer:?}"),
                event = phone.event() => assert_eq!(event, "waiting"),
            }
            assert_eq!(phone.event().await, "interrupted");
            // In whichever thread it runs.
            assert_eq!(login(&device, &Cx::new("answers")).await.unwrap(), "calm");
        }
        phone.end().await;
    }

    pub(crate) async fn ten_thousand_calls_leave_nothing_behind() {
        let mut phone = Phone::start().await;
        let device = phone.device().await;
        let (answers, refuses) = (Cx::new("answers"), Cx::new("refuses"));
        let round = async || {
            let calls = (0..50).map(async |place| match place % 4 {
                0 => drop(login(&device, &answers).await.unwrap()),
                1 => drop(login(&device, &refuses).await.unwrap_err()),
                2 => drop(device.invoke(&answers, CheckSessionRequest {}.into()).await.unwrap()),
                _ => drop(device.invoke(&answers, StartHceRequest::default().into()).await.unwrap()),
            });
            futures_util::future::join_all(calls).await;
        };
        round().await;
        let before = phone.references().await;
        for _ in 0..200 {
            round().await;
        }
        let after = phone.references().await;
        assert!(after <= before, "{after} references after 10,000 calls, {before} before");
        phone.end().await;
    }
}

mod agents {
    use wx_api::{Api, Cx, Event, Invoke as _, event_channel, login::LoginRequest};
    use wx_device::LinkError;

    use super::phone::{ALL, Phone};

    pub(crate) async fn events_reach_the_app_they_are_for() {
        let mut phone = Phone::start().await;
        let device = phone.device().await;
        let (sender, mut stream) = event_channel(Api::OnHceMessage.into());
        device.subscribe(&Cx::new("listens"), sender).unwrap();
        device.ping().await.unwrap(); // the subscription has begun
        assert_eq!(phone.tell(&["emit", "another", "onHCEMessage", r#"{"messageType":2,"reason":2}"#]).await, "");
        assert_eq!(phone.tell(&["emit", "listens", "onHCEMessage", r#"{"messageType":1,"data":{"base64":"AKQ="}}"#]).await, "");
        let Some(Ok(Event::HceMessage(message))) = stream.next().await else { panic!("no message") };
        assert_eq!((message.message_type, message.data.as_deref()), (1, Some(&[0x00, 0xA4][..])));
        for (event, payload) in [("onHCEMessage", "{"), ("onHCEMessage", "{}"), ("login", "{}"), ("onNothing", "{}")] {
            let thrown = phone.tell(&["emit", "listens", event, payload]).await;
            assert!(thrown.starts_with("threw java.lang.IllegalArgumentException: "), "{thrown}");
        }
        phone.end().await;
    }

    pub(crate) async fn an_agent_that_was_stopped_says_so() {
        let mut phone = Phone::start().await;
        assert_eq!(phone.tell(&["stop"]).await, "");
        let payload = r#"{"messageType":2,"reason":2}"#;
        let methods: [&[&str]; 5] = [
            &["stop"],
            &["address"],
            &["pair", "tcp://127.0.0.1:1", "60"],
            &["revoke", "a host"],
            &["emit", "an app", "onHCEMessage", payload],
        ];
        for method in methods {
            assert_eq!(phone.tell(method).await, "threw java.lang.IllegalStateException: the agent was stopped", "{method:?}");
        }
        // What it kept is there for the next one.
        let link = phone.link();
        assert!(phone.tell(&["start", ALL, &link, "tcp://127.0.0.1:0"]).await.starts_with("tcp://"));
        phone.device().await;
        assert_eq!(phone.tell(&["stop"]).await, "");
        phone.end().await;
    }

    pub(crate) async fn stopping_interrupts_what_still_runs() {
        let mut phone = Phone::start().await;
        let device = phone.device().await;
        let call = tokio::spawn(async move { device.invoke(&Cx::new("waits"), LoginRequest::default().into()).await });
        assert_eq!(phone.event().await, "waiting");
        assert_eq!(phone.tell(&["stop"]).await, "");
        assert_eq!(phone.event().await, "interrupted");
        call.await.unwrap().unwrap_err();
        phone.end().await;
    }

    pub(crate) async fn a_host_that_was_revoked_is_not_served() {
        let mut phone = Phone::start().await;
        let keys = phone.paired().await;
        drop(phone.connect(&keys).await.unwrap());
        assert_eq!(phone.tell(&["revoke", "somebody"]).await, "0");
        assert_eq!(phone.tell(&["revoke", "a host"]).await, "1");
        let error = phone.connect(&keys).await.unwrap_err();
        assert!(matches!(error, LinkError::Refused), "{error}");
        phone.end().await;
    }

    pub(crate) async fn what_cannot_start_says_why() {
        let mut phone = Phone::switch_on().await;
        let link = phone.link();
        for (supported, folder, listen, thrown) in [
            ("login fly", &*link, "tcp://127.0.0.1:0", "IllegalArgumentException: `fly` is no API and no event"),
            ("login", &*link, "here", "IllegalArgumentException: `here` is no address of an agent"),
            ("login", &*link, "exec://sh", "IllegalArgumentException: an agent listens at tcp:// or unix://"),
            ("login", &*link, "unix:///nowhere/at/all", "IllegalStateException: unix:///nowhere/at/all: No such file"),
            ("login", "/dev/null/link", "tcp://127.0.0.1:0", "IllegalStateException: /dev/null/link: "),
        ] {
            let said = phone.tell(&["start", supported, folder, listen]).await;
            assert!(said.starts_with(&format!("threw java.lang.{thrown}")), "{said}");
        }
        let running = phone.tell(&["start", "login", &link, "tcp://127.0.0.1:0"]).await;
        let said = phone.tell(&["pair", "nowhere", "60"]).await;
        assert!(running.starts_with("tcp://") && said.starts_with("threw java.lang.IllegalArgumentException"), "{said}");
        let said = phone.tell(&["pair", &running, "-1"]).await;
        assert!(said.ends_with("an invitation is good for a second at least"), "{said}");
        phone.end().await;
    }
}
