//! When the agent ends and another takes its place, with the same journal.

use wx_api::{ErrorKind, Invoke as _, login::CheckSessionRequest};

use crate::{code, cx, linked, login, pending_once};

#[tokio::test]
async fn what_had_begun_is_of_unknown_outcome_and_never_run_again() {
    let (held, mut pair, device) = linked().await;
    let cx = cx();
    let mut call = device.invoke(&cx, login());
    assert!(pending_once(&mut call).await);
    held.wait_for_begun(1).await;
    pair.restart(held.host()).await;
    let error = call.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(error.to_string(), "login:fail outcome unknown: the device's agent ended before it had an answer");
    assert_eq!(held.begun(), 1);
    held.answer(1);
    assert_eq!(code(device.invoke(&cx, login()).await.unwrap()), "code 2", "the next call is as any other");
}

#[tokio::test]
async fn what_only_reads_is_simply_asked_again() {
    let (held, mut pair, device) = linked().await;
    pair.restart(held.host()).await;
    device.invoke(&cx(), CheckSessionRequest {}.into()).await.unwrap();
    assert_eq!(held.reads(), 1);
}
