//! Every code of the table has a way to it.

use std::time::Duration;

use wx_api::{
    ErrorKind, Sensor, Touch,
    soter::{AuthMode, MAX_AUTH_CONTENT, MAX_CHALLENGE, SoterCode, StartSoterAuthenticationRequest},
};
use wx_desktop::{Desktop, soter::MemoryFinger};

use crate::bench::{Bench, cx, request};

fn code(answer: wx_api::Result<impl Sized>) -> Option<i32> {
    answer.err().and_then(|error| error.code())
}

#[tokio::test]
async fn every_code_can_be_had() {
    let bench = Bench::new().await;
    let (finger, ask) = (&bench.finger, async |req| code(bench.soter.start_soter_authentication(&cx(), req).await));
    let modes = |request_auth_modes| StartSoterAuthenticationRequest { request_auth_modes, ..request("1") };
    let auth_content = Some("x".repeat(MAX_AUTH_CONTENT + 1));
    let mut had = vec![
        ask(modes(vec![AuthMode::Facial])).await,
        ask(request(&"x".repeat(MAX_CHALLENGE + 1))).await,
        ask(StartSoterAuthenticationRequest { auth_content, ..request("1") }).await,
    ];
    for change in [|sensor: &mut Sensor| sensor.allowed = false, |sensor: &mut Sensor| sensor.enrolled = false] {
        finger.change_sensor(change);
        had.push(ask(request("1")).await);
        finger.set_sensor(Some(MemoryFinger::usual_sensor()));
    }
    for touch in [Touch::Fault, Touch::Cancel, Touch::NotEnrolled] {
        finger.touch(touch);
        had.push(ask(request("1")).await);
    }
    for _ in 0..5 {
        finger.touch(Touch::NoMatch);
    }
    had.extend([ask(request("1")).await, ask(request("1")).await, ask(request("1")).await]); // 3 tries, 2 more, and frozen
    finger.set_sensor(None);
    had.push(ask(request("1")).await);
    assert_eq!(
        had.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>(),
        [90003, 90004, 90005, 90002, 90011, 90007, 90008, 90011, 90009, 90010, 90010, 90001]
    );
    assert_eq!(SoterCode::ALL.len(), 10, "a code more takes a way to it more");
}

#[tokio::test]
async fn a_dialog_that_nobody_touches_closes_after_a_minute() {
    let bench = Bench::new().await;
    let mut call = Box::pin(bench.start("1"));
    let almost = async {
        bench.finger.wait_for_dialogs(1).await;
        bench.clock.pass(Duration::from_millis(59_999));
    };
    tokio::select! {
        biased;
        answer = &mut call => panic!("too early: {answer:?}"),
        () = almost => {}
    }
    bench.clock.pass(Duration::from_millis(1));
    assert_eq!(code(call.await), Some(90008));
    assert!(bench.confirm("2").await.is_ok());
}

#[tokio::test]
async fn a_desktop_without_a_device_has_no_soter() {
    let folder = tempfile::tempdir().unwrap();
    let clock = std::sync::Arc::<crate::bench::Time>::default();
    let desktop = Desktop::builder(clock).data_dir(folder.path()).start().await.unwrap();
    let wx = wx_host::Wx::builder(desktop.host()).build();
    let error = wx.call(&cx(), request("1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
