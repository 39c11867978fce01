//! What the derived router, the events and binary in JSON do.

#![allow(clippy::unwrap_used)] // a test may stop at the first thing that is not there

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use wx_api::{
    Api, ApiSet, Call, Cx, Error, ErrorKind, Event, EventHub, Host, Invoke, Lagged, Profile, Reply, Timestamp, event_channel,
    hce::{Departure, HceMessage, SendHceMessageRequest},
    login::{CheckSessionResult, LoginRequest, LoginResult},
};

fn cx() -> Cx {
    Cx::new("wx00000000000000a1")
}

/// A call of every API with parameters that fit.
fn calls() -> Vec<Call> {
    let args = serde_json::json!({
        "scope": "scope.record", "aid_list": ["F222222222"], "data": { "base64": "kAA=" },
        "checkAuthMode": "fingerPrint", "requestAuthModes": ["fingerPrint"], "challenge": "c",
    });
    Api::ALL.iter().filter(|api| api.facts().is_some()).map(|&api| Call::deserialize(api, args.clone()).unwrap()).collect()
}

#[tokio::test]
async fn an_empty_host_supports_nothing_and_says_so_for_every_api() {
    let host = Host::default();
    assert!(host.supported().is_empty());
    for call in calls() {
        let api = call.api();
        let error = host.invoke(&cx(), call).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Unsupported, format!("{}:fail not supported", api.name())));
    }
}

#[test]
fn an_empty_host_has_no_events() {
    let (sender, _stream) = event_channel(Api::OnHceMessage.into());
    let error = Host::default().subscribe(&cx(), sender).unwrap_err();
    assert_eq!(error.to_string(), "onHCEMessage:fail not supported");
}

#[test]
fn a_reply_of_another_api_is_an_internal_error() {
    let error = LoginResult::try_from(Reply::from(CheckSessionResult {})).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(error.to_string(), "login:fail internal error: the backend answered with a result of checkSession");
}

#[test]
fn an_event_cannot_be_called() {
    assert!(Call::deserialize(Api::OnHceMessage, serde_json::json!({})).is_err());
}

#[test]
fn some_versions_write_a_colon() {
    let profile = Profile::default().with_denial_separator(':');
    assert_eq!(Error::denied(Api::Authorize, &profile).to_string(), "authorize:fail:auth deny");
    assert_eq!(Error::denied(Api::Authorize, &Profile::default()).to_string(), "authorize:fail auth deny");
}

#[test]
fn a_deadline_only_moves_forward() {
    let (early, late) = (Timestamp::from_millis(10), Timestamp::from_millis(20));
    assert_eq!(cx().with_deadline(early).with_deadline(late).deadline(), Some(early));
    assert_eq!(cx().with_deadline(late).with_deadline(early).deadline(), Some(early));
}

#[tokio::test]
async fn a_hub_reaches_everybody_who_still_listens() {
    let hub = EventHub::default();
    let (first, mut stays) = event_channel(Api::OnHceMessage.into());
    let (second, leaves) = event_channel(Api::OnHceMessage.into());
    let (third, mut hears_nothing) = event_channel(ApiSet::NONE);
    for sender in [first, second, third] {
        hub.add(sender);
    }
    drop(leaves);
    let event = Event::from(HceMessage::departure(Departure::LinkLoss));
    hub.send(&event);
    drop(hub);
    assert_eq!(stays.next().await, Some(Ok(event)));
    assert_eq!(stays.next().await, None, "the hub has gone");
    assert_eq!(hears_nothing.next().await, None);
}

#[tokio::test]
async fn a_subscriber_that_does_not_read_is_told_how_much_it_missed() {
    let (sender, mut stream) = event_channel(Api::OnHceMessage.into());
    for _ in 0..300 {
        sender.send(HceMessage::departure(Departure::LinkLoss).into());
    }
    for _ in 0..256 {
        assert!(matches!(stream.next().await, Some(Ok(_))));
    }
    assert_eq!(stream.next().await, Some(Err(Lagged { event: Api::OnHceMessage, count: 44 })));
}

#[tokio::test]
async fn a_tap_sees_what_the_subscriber_gets() {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (sender, mut stream) = event_channel(Api::OnHceMessage.into());
    let into = seen.clone();
    let sender = sender.tap(move |event| into.lock().unwrap().push(event.clone()));
    let event = Event::from(HceMessage::command(vec![1, 2]));
    sender.send(event.clone());
    assert_eq!(stream.next().await, Some(Ok(event.clone())));
    assert_eq!(*seen.lock().unwrap(), [event]);
}

#[tokio::test]
async fn a_tap_may_use_the_hub_it_is_called_by() {
    let hub = Arc::new(EventHub::default());
    let (sender, mut stream) = event_channel(Api::OnHceMessage.into());
    let (later, mut hears_the_next) = event_channel(Api::OnHceMessage.into());
    let (of_tap, later) = (hub.clone(), std::sync::Mutex::new(Some(later)));
    hub.add(sender.tap(move |_| {
        if let Some(later) = later.lock().unwrap().take() {
            of_tap.add(later);
        }
    }));
    let [first, second] = [Departure::LinkLoss, Departure::Deselected].map(|reason| Event::from(HceMessage::departure(reason)));
    hub.send(&first);
    hub.send(&second);
    assert_eq!(stream.next().await, Some(Ok(first)));
    assert_eq!(stream.next().await, Some(Ok(second.clone())));
    assert_eq!(hears_the_next.next().await, Some(Ok(second)));
}

#[test]
fn unknown_scopes_and_modes_do_not_stop_a_call_from_being_read() {
    let call = Call::deserialize(Api::CheckIsSoterEnrolledInDevice, serde_json::json!({ "checkAuthMode": "smell" })).unwrap();
    assert_eq!(call.api(), Api::CheckIsSoterEnrolledInDevice);
}

#[test]
fn parameters_that_are_left_out_are_not_written() {
    assert_eq!(serde_json::to_string(&Call::from(LoginRequest::default())).unwrap(), "{}");
}

proptest! {
    #[test]
    fn binary_survives_json(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        let call = Call::from(SendHceMessageRequest { data: Bytes::from(data) });
        let text = serde_json::to_string(&call).unwrap();
        let back = Call::deserialize(Api::SendHceMessage, &mut serde_json::Deserializer::from_str(&text)).unwrap();
        prop_assert_eq!(back, call);
    }

    #[test]
    fn an_api_set_is_a_set(picks in proptest::collection::vec(0..Api::ALL.len(), 0..40)) {
        let set: ApiSet = picks.iter().map(|&i| Api::ALL[i]).collect();
        for (i, &api) in Api::ALL.iter().enumerate() {
            prop_assert_eq!(set.contains(api), picks.contains(&i));
            prop_assert_eq!((ApiSet::ALL - set).contains(api), !picks.contains(&i));
        }
    }
}
