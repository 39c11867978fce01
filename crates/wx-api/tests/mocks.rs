//! The mocks of the feature `mock`: every trait has one, and it can stand in a `Host`.

#![cfg(feature = "mock")]
#![allow(clippy::unwrap_used)] // a test may stop at the first thing that is not there

use std::sync::Arc;

use wx_api::{
    Answer, Api, Cx, Host, Invoke, MockClock, MockInvoke, MockPrompt, Prompt, Scope, Timestamp,
    authorization::MockAuthorization,
    hce::MockHce,
    login::{LoginRequest, LoginResult, MockLogin},
    signature::MockSignature,
    soter::MockSoter,
    user::MockUser,
};

#[tokio::test]
async fn a_mock_answers_what_it_was_told() {
    let mut login = MockLogin::new();
    login.expect_supported().return_const(Api::Login);
    login.expect_login().times(1).returning(|_, _| Ok(LoginResult { code: "033".to_owned() }));
    let host = Host { login: Some(Arc::new(login)), ..Host::default() };
    assert!(host.supported().contains(Api::Login));
    assert!(host.invoke(&Cx::new("wx00000000000000a1"), LoginRequest::default().into()).await.is_ok());
}

#[tokio::test]
async fn a_layer_can_be_tried_around_a_mock() {
    let mut inner = MockInvoke::new();
    inner.expect_invoke().times(1).returning(|_, _| Ok(LoginResult { code: "033".to_owned() }.into()));
    inner.expect_supported().return_const(Api::Login);
    let inner: Arc<dyn Invoke> = Arc::new(inner);
    assert!(inner.supported().contains(Api::Login));
    let reply = inner.invoke(&Cx::new("wx00000000000000a1"), LoginRequest::default().into()).await.unwrap();
    assert_eq!(reply.api(), Api::Login);
}

#[tokio::test]
async fn what_a_host_supplies_has_mocks_too() {
    let (mut prompt, mut clock) = (MockPrompt::new(), MockClock::new());
    prompt.expect_ask().returning(|_, _| Answer::Deny);
    clock.expect_now().return_const(Timestamp::from_millis(5));
    assert_eq!(prompt.ask(&Cx::new("wx00000000000000a1"), Scope::Record).await, Answer::Deny);
    assert_eq!(wx_api::Clock::now(&clock).as_millis(), 5);
}

#[test]
fn every_domain_has_a_mock() {
    let host = Host {
        authorization: Some(Arc::new(MockAuthorization::new())),
        hce: Some(Arc::new(MockHce::new())),
        login: Some(Arc::new(MockLogin::new())),
        soter: Some(Arc::new(MockSoter::new())),
        user: Some(Arc::new(MockUser::new())),
    };
    assert!(format!("{host:?}").contains("soter: true"));
    drop(MockSignature::new());
}
