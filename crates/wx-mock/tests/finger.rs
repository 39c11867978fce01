//! Dialogs, touches and what gets signed.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::FutureExt as _;
use wx_api::{
    Cx, Platform, Profile, Reply, Result,
    soter::{AuthMode, Soter, SoterResult, StartSoterAuthenticationRequest, StartSoterAuthenticationResult},
};
use wx_crypto::{SaltLen, SoterVerifier, pss};
use wx_mock::{Touch, World};

fn soter(world: &World) -> Arc<dyn Soter> {
    world.host().soter.unwrap()
}

fn request() -> StartSoterAuthenticationRequest {
    StartSoterAuthenticationRequest {
        request_auth_modes: vec![AuthMode::FingerPrint],
        challenge: "order 42".to_owned(),
        auth_content: Some("Pay".to_owned()),
    }
}

/// One authentication whose touches are there already.
async fn confirm(world: &World, cx: &Cx) -> Result<StartSoterAuthenticationResult> {
    soter(world).start_soter_authentication(cx, request()).await
}

fn code(result: Result<StartSoterAuthenticationResult>) -> Option<i32> {
    result.unwrap_err().code()
}

#[tokio::test]
async fn a_match_is_signed_with_the_published_key_and_a_salt_of_20_bytes() {
    let (world, cx) = (World::new(1), Cx::new("wx1"));
    world.finger().touch(Touch::Match);
    let result = confirm(&world, &cx).await.unwrap();
    let verifier = SoterVerifier::from_spki_pem(world.finger().public_key()).unwrap();
    let signature = STANDARD.decode(&result.result_json_signature).unwrap();
    let verifies = |len| pss::verify(&verifier, result.result_json.as_bytes(), &signature, len);
    assert!(verifies(SaltLen::Bytes20) && !verifies(SaltLen::Bytes32));

    let fields: SoterResult = serde_json::from_str(&result.result_json).unwrap();
    assert_eq!((fields.raw.as_str(), fields.fid.as_deref(), fields.counter), ("order 42", Some("1"), 1));
    assert_eq!((fields.tee_n.as_str(), fields.fp_n.as_str()), ("wx-mock", "wx-mock"));
    assert_eq!(world.finger().dialogs(), ["Pay"]);
}

#[tokio::test]
async fn the_finger_is_named_on_android_only() {
    let (world, cx) = (World::new(1), Cx::new("wx1").with_profile(Profile::new(Platform::Ios)));
    world.finger().touch(Touch::Match);
    assert!(!confirm(&world, &cx).await.unwrap().result_json.contains("fid"));
}

#[tokio::test]
async fn touches_wait_for_their_dialogs_in_order() {
    let (world, cx) = (World::new(1), Cx::new("wx1"));
    for touch in [Touch::Cancel, Touch::NoMatch, Touch::Match, Touch::Fault] {
        world.finger().touch(touch);
    }
    assert_eq!(code(confirm(&world, &cx).await), Some(90008));
    assert!(confirm(&world, &cx).await.is_ok(), "a wrong finger, then the right one");
    assert_eq!(code(confirm(&world, &cx).await), Some(90007));
    assert_eq!(world.finger().dialogs().len(), 3);
}

#[tokio::test]
async fn a_dialog_waits_for_a_touch_and_another_call_does_not() {
    let (world, cx) = (World::new(1), Cx::new("wx1"));
    let soter = soter(&world);
    let mut first = soter.start_soter_authentication(&cx, request());
    assert!(first.as_mut().now_or_never().is_none());
    assert_eq!(code(confirm(&world, &Cx::new("wx2")).await), Some(90007));
    assert_eq!(world.finger().dialogs().len(), 1, "the second call shows none");
    let (result, ()) = tokio::join!(first, async { world.finger().touch(Touch::Match) });
    assert!(result.is_ok());
}

#[tokio::test]
async fn a_dropped_call_frees_the_reader_and_leaves_the_touch_to_the_next() {
    let (world, cx) = (World::new(1), Cx::new("wx1"));
    assert!(confirm(&world, &cx).now_or_never().is_none());
    world.finger().touch(Touch::Match);
    assert!(confirm(&world, &cx).now_or_never().unwrap().is_ok());
}

#[tokio::test]
async fn a_lifted_finger_leaves_no_touch_to_the_next_dialog() {
    let (world, cx) = (World::new(1), Cx::new("wx1"));
    world.finger().touch(Touch::NoMatch);
    world.finger().touch(Touch::Cancel);
    world.finger().lift();
    world.finger().touch(Touch::Match);
    assert!(confirm(&world, &cx).now_or_never().unwrap().is_ok());
}

#[tokio::test]
async fn five_wrong_fingers_freeze_the_reader_for_a_while() {
    let (world, cx) = (World::new(1), Cx::new("wx1"));
    for _ in 0..5 {
        world.finger().touch(Touch::NoMatch);
    }
    assert_eq!(code(confirm(&world, &cx).await), Some(90009));
    assert_eq!(code(confirm(&world, &cx).await), Some(90010));
    world.finger().touch(Touch::Match);
    assert_eq!(code(confirm(&world, &cx).await), Some(90010));
    world.clock().advance(Duration::from_secs(60));
    assert!(confirm(&world, &cx).await.is_ok(), "the touch is still there");
}

#[tokio::test]
async fn a_finger_removed_while_the_dialog_is_open_is_not_recognised() {
    let (world, cx) = (World::new(1), Cx::new("wx1"));
    let soter = soter(&world);
    let mut call = soter.start_soter_authentication(&cx, request());
    assert!(call.as_mut().now_or_never().is_none());
    world.finger().enroll(false);
    world.finger().touch(Touch::Match);
    let error = call.await.unwrap_err();
    assert_eq!(error.code(), Some(90011));
    let failed = StartSoterAuthenticationResult::failed(AuthMode::FingerPrint);
    assert!(matches!(error.reply(), Some(Reply::StartSoterAuthentication(reply)) if **reply == failed));
}

#[tokio::test]
async fn the_counter_rises_over_apps_and_life_cycles() {
    let world = World::new(1);
    let cx = Cx::new("wx1");
    let mut counters = Vec::new();
    for cx in [cx.clone(), cx.relaunch(), Cx::new("wx2")] {
        world.finger().touch(Touch::Match);
        let result = confirm(&world, &cx).await.unwrap();
        counters.push(serde_json::from_str::<SoterResult>(&result.result_json).unwrap().counter);
    }
    assert_eq!(counters, [1, 2, 3]);
}

#[tokio::test]
async fn a_freeze_ends_its_dialog_and_refuses_the_next_until_it_thaws() {
    let (world, cx) = (World::new(1), Cx::new("wx1"));
    world.finger().touch(Touch::Freeze);
    assert_eq!(code(confirm(&world, &cx).await), Some(90010));
    world.finger().touch(Touch::Match);
    assert_eq!(code(confirm(&world, &cx).await), Some(90010));
    world.clock().advance(Duration::from_secs(30));
    assert!(confirm(&world, &cx).await.is_ok());
}

#[tokio::test]
async fn a_reader_that_finds_nothing_enrolled_fails_that_dialog_only() {
    let (world, cx) = (World::new(1), Cx::new("wx1"));
    world.finger().touch(Touch::NotEnrolled);
    world.finger().touch(Touch::Match);
    assert_eq!(code(confirm(&world, &cx).await), Some(90011));
    assert!(confirm(&world, &cx).await.is_ok());
}
