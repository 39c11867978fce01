//! Requests that are refused before a dialog shows: by what they ask, and by what the device is.

use wx_api::{
    Api,
    soter::{AuthMode, MAX_AUTH_CONTENT, MAX_CHALLENGE, SoterCode, StartSoterAuthenticationRequest},
};

use super::{confirm, json, refused, request, touched};
use crate::{
    case::{Bench, Outcome, check_eq},
    world::Touch,
};

fn with_modes(modes: &[AuthMode]) -> StartSoterAuthenticationRequest {
    StartSoterAuthenticationRequest { request_auth_modes: modes.to_vec(), ..request() }
}

fn with_challenge(challenge: impl Into<String>) -> StartSoterAuthenticationRequest {
    StartSoterAuthenticationRequest { challenge: challenge.into(), ..request() }
}

fn with_auth_content(auth_content: impl Into<String>) -> StartSoterAuthenticationRequest {
    StartSoterAuthenticationRequest { auth_content: Some(auth_content.into()), ..request() }
}

/// Texts of this many characters as scripts count them: of one byte each, of three, and of two units each.
fn texts(characters: usize) -> [String; 3] {
    let mut pairs = "😀".repeat(characters / 2);
    if characters % 2 == 1 {
        pairs.push('x');
    }
    ["x".repeat(characters), "单".repeat(characters), pairs]
}

pub(super) async fn unsupported_modes_are_90003(bench: Bench) -> Outcome {
    let modes = with_modes(&[AuthMode::Facial, AuthMode::Speech]);
    refused("face or voice", &bench, modes, SoterCode::ModeNotSupported.code()).await
}

pub(super) async fn no_modes_are_90003(bench: Bench) -> Outcome {
    refused("no mode", &bench, with_modes(&[]), SoterCode::ModeNotSupported.code()).await
}

pub(super) async fn unknown_modes_are_90003(bench: Bench) -> Outcome {
    bench.finger()?.touch(Touch::Match); // for a device that shows its dialog all the same
    let args = r#"{"requestAuthModes":["palm","iris"],"challenge":"123456"}"#;
    let answer = json(&bench, Api::StartSoterAuthentication, args).await?;
    check_eq("errCode", &answer["errCode"], SoterCode::ModeNotSupported.code())
}

pub(super) async fn longest_challenge_is_fine(bench: Bench) -> Outcome {
    for challenge in texts(MAX_CHALLENGE) {
        confirm(&bench, with_challenge(challenge)).await?;
    }
    Ok(())
}

pub(super) async fn longer_challenge_is_90004(bench: Bench) -> Outcome {
    for challenge in texts(MAX_CHALLENGE + 1) {
        refused("a long challenge", &bench, with_challenge(challenge), SoterCode::BadChallenge.code()).await?;
    }
    Ok(())
}

pub(super) async fn empty_challenge_is_90004(bench: Bench) -> Outcome {
    refused("an empty challenge", &bench, with_challenge(""), SoterCode::BadChallenge.code()).await
}

pub(super) async fn missing_challenge_is_90004(bench: Bench) -> Outcome {
    let answer = json(&bench, Api::StartSoterAuthentication, r#"{"requestAuthModes":["fingerPrint"]}"#).await?;
    check_eq("errCode", &answer["errCode"], SoterCode::BadChallenge.code())
}

pub(super) async fn longest_auth_content_is_fine(bench: Bench) -> Outcome {
    for auth_content in texts(MAX_AUTH_CONTENT) {
        confirm(&bench, with_auth_content(auth_content)).await?;
    }
    Ok(())
}

pub(super) async fn longer_auth_content_is_90005(bench: Bench) -> Outcome {
    for auth_content in texts(MAX_AUTH_CONTENT + 1) {
        refused("a long authContent", &bench, with_auth_content(auth_content), SoterCode::BadAuthContent.code()).await?;
    }
    Ok(())
}

pub(super) async fn without_soter_is_90001(bench: Bench) -> Outcome {
    bench.finger()?.support(false);
    refused("without SOTER", &bench, request(), SoterCode::NoSupport.code()).await
}

pub(super) async fn not_authorized_is_90002(bench: Bench) -> Outcome {
    bench.finger()?.authorize(false);
    refused("without permission", &bench, request(), SoterCode::NotAuthorized.code()).await
}

pub(super) async fn nothing_enrolled_is_90011(bench: Bench) -> Outcome {
    bench.finger()?.enroll(false);
    refused("with nothing enrolled", &bench, request(), SoterCode::NotEnrolled.code()).await
}

pub(super) async fn bad_parameters_show_no_dialog(bench: Bench) -> Outcome {
    let [long_challenge, ..] = texts(MAX_CHALLENGE + 1);
    let [long_content, ..] = texts(MAX_AUTH_CONTENT + 1);
    for bad in [
        with_modes(&[]),
        with_modes(&[AuthMode::Facial]),
        with_challenge(""),
        with_challenge(long_challenge),
        with_auth_content(long_content),
    ] {
        // The finger is for a device that shows its dialog all the same; how it fails is other cases' business.
        let _ = touched(&bench, &[Touch::Match], bad).await?;
    }
    check_eq("the number of dialogs", bench.finger()?.dialogs().len(), 0)
}
