//! Biometric confirmation: what a device can do, what it signs, and how it says no.
//!
//! How many tries a dialog takes, and how many freeze the reader, is the device's affair: these cases hold fingers out until it
//! happens.

mod attempts;
mod device;
mod parameters;
mod result;

use std::future::Future;

use futures_util::future::{Either, select};
use serde_json::Value;
use wx_api::{
    Api, Cx,
    soter::{AuthMode, StartSoterAuthenticationRequest, StartSoterAuthenticationResult},
};

#[allow(clippy::wildcard_imports)] // the table below names every one of them
use self::{attempts::*, device::*, parameters::*, result::*};
use crate::{
    case::{Bench, Case, Failure, Outcome, case, failed_with},
    cases::soon,
    world::{FingerHandle, Touch},
};

pub(crate) const SAMPLES: &[(Api, &str)] = &[
    (Api::CheckIsSupportSoterAuthentication, "{}"),
    (Api::CheckIsSoterEnrolledInDevice, r#"{"checkAuthMode":"fingerPrint"}"#),
    (
        Api::StartSoterAuthentication,
        r#"{"requestAuthModes":["fingerPrint"],"challenge":"123456","authContent":"请用指纹解锁"}"#,
    ),
];

pub(crate) const CASES: &[Case] = &[
    case!(soter::support_lists_finger_print, [CheckIsSupportSoterAuthentication], [Finger]),
    case!(soter::faces_and_voices_are_not_supported_yet, [CheckIsSupportSoterAuthentication], [Finger]),
    case!(soter::support_without_soter_is_90001, [CheckIsSupportSoterAuthentication], [Finger]),
    case!(soter::enrolled_finger_answers_true, [CheckIsSoterEnrolledInDevice], [Finger]),
    case!(soter::missing_enrolment_follows_the_profile, [CheckIsSoterEnrolledInDevice], [Finger]),
    case!(soter::enrolment_of_unsupported_mode_is_90003, [CheckIsSoterEnrolledInDevice], [Finger]),
    case!(soter::enrolment_of_unknown_mode_is_90003, [CheckIsSoterEnrolledInDevice], [Finger]),
    case!(soter::enrolment_without_soter_is_90001, [CheckIsSoterEnrolledInDevice], [Finger]),
    case!(soter::matching_finger_answers_ok, [StartSoterAuthentication], [Finger]),
    case!(soter::auth_mode_is_finger_print, [StartSoterAuthentication], [Finger]),
    case!(soter::result_has_the_fields_of_the_page, [StartSoterAuthentication], [Finger]),
    case!(soter::raw_is_the_challenge, [StartSoterAuthentication], [Finger]),
    case!(soter::any_text_survives_as_challenge, [StartSoterAuthentication], [Finger]),
    case!(soter::finger_is_named_on_android_only, [StartSoterAuthentication], [Finger]),
    case!(soter::finger_ends_in_nul_where_the_profile_says, [StartSoterAuthentication], [Finger]),
    case!(soter::counter_rises, [StartSoterAuthentication], [Finger]),
    case!(soter::counter_survives_a_relaunch, [StartSoterAuthentication], [Finger]),
    case!(soter::signature_verifies, [StartSoterAuthentication], [Finger]),
    case!(soter::salt_is_20_bytes, [StartSoterAuthentication], [Finger]),
    case!(soter::declared_salt_follows_the_profile, [StartSoterAuthentication], [Finger]),
    case!(soter::signature_covers_the_exact_text, [StartSoterAuthentication], [Finger]),
    case!(soter::dialog_shows_auth_content, [StartSoterAuthentication], [Finger]),
    case!(soter::uses_a_mode_the_device_has, [StartSoterAuthentication], [Finger]),
    case!(soter::unsupported_modes_are_90003, [StartSoterAuthentication], [Finger]),
    case!(soter::no_modes_are_90003, [StartSoterAuthentication], [Finger]),
    case!(soter::unknown_modes_are_90003, [StartSoterAuthentication], [Finger]),
    case!(soter::longest_challenge_is_fine, [StartSoterAuthentication], [Finger]),
    case!(soter::longer_challenge_is_90004, [StartSoterAuthentication], [Finger]),
    case!(soter::empty_challenge_is_90004, [StartSoterAuthentication], [Finger]),
    case!(soter::missing_challenge_is_90004, [StartSoterAuthentication], []),
    case!(soter::longest_auth_content_is_fine, [StartSoterAuthentication], [Finger]),
    case!(soter::longer_auth_content_is_90005, [StartSoterAuthentication], [Finger]),
    case!(soter::without_soter_is_90001, [StartSoterAuthentication], [Finger]),
    case!(soter::not_authorized_is_90002, [StartSoterAuthentication], [Finger]),
    case!(soter::nothing_enrolled_is_90011, [StartSoterAuthentication], [Finger]),
    case!(soter::reader_fault_is_90007, [StartSoterAuthentication], [Finger]),
    case!(soter::user_cancel_is_90008, [StartSoterAuthentication], [Finger]),
    case!(soter::wrong_finger_may_try_again, [StartSoterAuthentication], [Finger]),
    case!(soter::wrong_finger_is_90009, [StartSoterAuthentication], [Finger]),
    case!(soter::too_many_tries_are_90010, [StartSoterAuthentication], [Finger]),
    case!(soter::frozen_reader_refuses_the_right_finger, [StartSoterAuthentication], [Finger]),
    case!(soter::frozen_reader_thaws, [StartSoterAuthentication], [Finger, Clock]),
    case!(soter::failure_carries_empty_results, [StartSoterAuthentication], [Finger]),
    case!(soter::parameter_error_carries_empty_results, [StartSoterAuthentication], []),
    case!(soter::bad_parameters_show_no_dialog, [StartSoterAuthentication], [Finger]),
    case!(soter::one_dialog_at_a_time, [StartSoterAuthentication], [Finger]),
    case!(soter::broken_off_call_frees_the_reader, [StartSoterAuthentication], [Finger]),
    case!(soter::next_success_after_failures_verifies, [StartSoterAuthentication], [Finger]),
];

/// The request of the page.
fn request() -> StartSoterAuthenticationRequest {
    StartSoterAuthenticationRequest {
        request_auth_modes: vec![AuthMode::FingerPrint],
        challenge: "123456".to_owned(),
        auth_content: Some("请用指纹解锁".to_owned()),
    }
}

async fn start(bench: &Bench, req: StartSoterAuthenticationRequest) -> wx_api::Result<StartSoterAuthenticationResult> {
    bench.wx.call(&bench.cx, req).await
}

/// Starts what these touches must bring to an end. Those it did not take are gone afterwards.
async fn touched(
    bench: &Bench,
    touches: &[Touch],
    req: StartSoterAuthenticationRequest,
) -> Result<wx_api::Result<StartSoterAuthenticationResult>, Failure> {
    let finger = bench.finger()?;
    for &touch in touches {
        finger.touch(touch);
    }
    let answer = soon("the call", start(bench, req)).await;
    finger.lift();
    answer
}

/// The user confirms this request with the enrolled finger.
async fn confirm(bench: &Bench, req: StartSoterAuthenticationRequest) -> Result<StartSoterAuthenticationResult, Failure> {
    confirm_as(bench, &bench.cx, req).await
}

async fn confirm_as(
    bench: &Bench,
    cx: &Cx,
    req: StartSoterAuthenticationRequest,
) -> Result<StartSoterAuthenticationResult, Failure> {
    bench.finger()?.touch(Touch::Match);
    Ok(soon("the call that a finger confirmed", bench.wx.call(cx, req)).await??)
}

/// Fails unless this request fails with this code before a finger counts. The finger is there all the same: a device that shows
/// its dialog then answers at once rather than never.
async fn refused(what: &str, bench: &Bench, req: StartSoterAuthenticationRequest, code: i32) -> Outcome {
    failed_with(what, touched(bench, &[Touch::Match], req).await?, code).map(drop)
}

/// The object that a script's callback gets.
async fn json(bench: &Bench, api: Api, args: &str) -> Result<Value, Failure> {
    let answer = bench.wx.call_json(&bench.cx, api.name(), args).await;
    serde_json::from_str(answer.json()).map_err(|error| Failure(format!("the answer {} is no JSON: {error}", answer.json())))
}

/// Drives a call until this many dialogs were shown since the beginning; it must not answer before a finger does.
async fn until_dialog(call: &mut (impl Future + Unpin), finger: &dyn FingerHandle, dialogs: usize) -> Outcome {
    match select(call, finger.wait_for_dialogs(dialogs)).await {
        Either::Left(_) => Err(Failure("the call answered before a finger was there".to_owned())),
        Either::Right(_) => Ok(()),
    }
}
