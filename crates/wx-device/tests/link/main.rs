//! A host and an agent over a real socket: what a link promises when all goes well, and whom it lets in.

mod pair;

use std::{sync::Arc, time::Duration};

use pair::{Pair, paired};
use wx_api::{
    Api, Call, Cx, Effect, ErrorKind, Invoke as _, Reply,
    login::{CheckSessionRequest, LoginRequest},
};

fn cx() -> Cx {
    Cx::new("wx4f4bc4dec97d474b")
}

#[tokio::test]
async fn calls_answer_as_they_would_without_a_link() {
    let pair = paired().await;
    let device = pair.connect().await;
    let error = device.invoke(&cx(), CheckSessionRequest {}.into()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Session, Some(-13001)));
    let reply = device.invoke(&cx(), LoginRequest::default().into()).await.unwrap();
    assert!(matches!(reply, Reply::Login(login) if !login.code.is_empty()));
    assert_eq!(Api::Login.facts().map(|facts| facts.effect), Some(Effect::Once), "both ways of calling were tried");
    assert_eq!(device.supported(), pair.wx.supported(&cx()));
    device.close().await;
}

#[tokio::test]
async fn a_thousand_calls_at_once_all_answer() {
    let pair = paired().await;
    let device = pair.connect().await;
    let cx = cx();
    let calls = (0..3000).map(|_| device.invoke(&cx, Call::from(LoginRequest::default())));
    let codes = futures_util::future::try_join_all(calls).await.unwrap();
    assert_eq!(codes.len(), 3000);
}

#[tokio::test]
async fn a_device_that_was_never_paired_is_told_apart_from_one_that_is_away() {
    let pair = paired().await;
    let stranger = tempfile::tempdir().unwrap();
    let keys = Arc::new(wx_device::KeyRing::open(stranger.path()).unwrap());
    let error = pair::connect(&pair.address, &keys).await.unwrap_err();
    assert!(error.to_string().contains("no device is paired at"), "{error}");
    let Pair { address, keys, agent, .. } = pair;
    agent.shutdown().await;
    drop(agent);
    let error = tokio::time::timeout(Duration::from_secs(5), pair::connect(&address, &keys)).await.unwrap().unwrap_err();
    assert!(matches!(error, wx_device::LinkError::Io(_) | wx_device::LinkError::Goodbye(_)), "{error}");
}
