//! What may be secret or personal stays out of `Debug` texts, and so out of logs and panics.

#![allow(clippy::unwrap_used)] // a test may stop at the first thing that is not there

use std::fmt::Debug;

use bytes::Bytes;
use wx_api::{
    Api, Call, Event, Reply, event_channel,
    hce::{HceMessage, SendHceMessageRequest},
    login::LoginResult,
    soter::{AuthMode, SoterResult, StartSoterAuthenticationRequest, StartSoterAuthenticationResult},
    user::{GetUserInfoResult, UserInfo},
};

/// Stands in every field that must not show, and so do these bytes in every binary one.
const SECRET: &str = "zq7x";

fn secret() -> String {
    SECRET.to_owned()
}

#[track_caller]
fn hides(value: &impl Debug) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!text.contains(SECRET) && !text.contains("4711"), "{text}");
    }
}

fn profile() -> UserInfo {
    UserInfo {
        nick_name: secret(),
        city: secret(),
        province: secret(),
        country: secret(),
        avatar_url: secret(),
        ..UserInfo::default()
    }
}

#[test]
fn calls_replies_and_events_hide_what_is_secret_or_personal() {
    let data = || Bytes::from_static(SECRET.as_bytes());
    hides(&Call::from(SendHceMessageRequest { data: data() }));
    hides(&Call::from(StartSoterAuthenticationRequest {
        request_auth_modes: vec![AuthMode::FingerPrint],
        challenge: secret(),
        auth_content: Some(secret()),
    }));
    hides(&Reply::from(LoginResult { code: secret() }));
    hides(&Reply::from(StartSoterAuthenticationResult {
        auth_mode: AuthMode::FingerPrint,
        result_json: secret(),
        result_json_signature: secret(),
    }));
    hides(&Reply::from(GetUserInfoResult {
        user_info: profile(),
        raw_data: secret(),
        signature: Some(secret()),
        encrypted_data: Some(secret()),
        iv: Some(secret()),
    }));
    hides(&Event::from(HceMessage::command(data())));
}

#[test]
fn parts_that_are_passed_on_alone_hide_it_too() {
    hides(&profile());
    hides(&SoterResult {
        raw: secret(),
        fid: Some(secret()),
        counter: 4711,
        tee_n: secret(),
        tee_v: secret(),
        fp_n: secret(),
        fp_v: secret(),
        cpu_id: secret(),
        uid: secret(),
        rsa_pss_saltlen: None,
    });
}

#[test]
fn a_stream_hides_the_events_that_wait_in_it() {
    let (sender, stream) = event_channel(Api::OnHceMessage.into());
    sender.send(HceMessage::command(SECRET).into());
    hides(&stream);
}
