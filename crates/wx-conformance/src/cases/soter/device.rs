//! What a device can do, and whether a finger is enrolled.

use wx_api::{
    Api, Cx, Platform, Profile,
    soter::{
        AuthMode, CheckIsSoterEnrolledInDeviceRequest, CheckIsSoterEnrolledInDeviceResult,
        CheckIsSupportSoterAuthenticationRequest, SoterCode,
    },
};

use super::json;
use crate::case::{Bench, Outcome, check, check_eq, failed_with};

async fn supported_modes(bench: &Bench) -> wx_api::Result<Vec<AuthMode>> {
    Ok(bench.wx.call(&bench.cx, CheckIsSupportSoterAuthenticationRequest {}).await?.support_mode)
}

async fn enrolled(bench: &Bench, cx: &Cx, mode: AuthMode) -> wx_api::Result<CheckIsSoterEnrolledInDeviceResult> {
    bench.wx.call(cx, CheckIsSoterEnrolledInDeviceRequest { check_auth_mode: mode }).await
}

/// The same app on a phone with iOS.
pub(super) fn on_ios(bench: &Bench) -> Cx {
    bench.cx.clone().with_profile(Profile::new(Platform::Ios).with_sdk(bench.cx.profile().sdk()))
}

/// The same app on a phone of a maker with habits of its own.
pub(super) fn on_another_make(bench: &Bench, habit: fn(Profile) -> Profile) -> Cx {
    bench.cx.clone().with_profile(habit(bench.cx.profile().clone()))
}

pub(super) async fn support_lists_finger_print(bench: Bench) -> Outcome {
    let modes = supported_modes(&bench).await?;
    check(modes.contains(&AuthMode::FingerPrint), format_args!("supportMode is {modes:?}"))
}

pub(super) async fn faces_and_voices_are_not_supported_yet(bench: Bench) -> Outcome {
    let modes = supported_modes(&bench).await?;
    let neither = !modes.contains(&AuthMode::Facial) && !modes.contains(&AuthMode::Speech);
    check(neither, format_args!("supportMode is {modes:?}"))
}

pub(super) async fn support_without_soter_is_90001(bench: Bench) -> Outcome {
    bench.finger()?.support(false);
    failed_with("checkIsSupportSoterAuthentication", supported_modes(&bench).await, SoterCode::NoSupport.code()).map(drop)
}

pub(super) async fn enrolled_finger_answers_true(bench: Bench) -> Outcome {
    bench.finger()?.enroll(true);
    check_eq("isEnrolled", enrolled(&bench, &bench.cx, AuthMode::FingerPrint).await?.is_enrolled, true)
}

pub(super) async fn missing_enrolment_follows_the_profile(bench: Bench) -> Outcome {
    bench.finger()?.enroll(false);
    for cx in [bench.cx.clone(), on_ios(&bench)] {
        let answer = enrolled(&bench, &cx, AuthMode::FingerPrint).await;
        if cx.profile().missing_enrolment_fails() {
            failed_with("checkIsSoterEnrolledInDevice", answer, SoterCode::NotEnrolled.code())?;
        } else {
            check_eq(&format!("isEnrolled on {:?}", cx.profile().platform()), answer?.is_enrolled, false)?;
        }
    }
    Ok(())
}

pub(super) async fn enrolment_of_unsupported_mode_is_90003(bench: Bench) -> Outcome {
    let answer = enrolled(&bench, &bench.cx, AuthMode::Facial).await;
    failed_with("checkIsSoterEnrolledInDevice of a face", answer, SoterCode::ModeNotSupported.code()).map(drop)
}

pub(super) async fn enrolment_of_unknown_mode_is_90003(bench: Bench) -> Outcome {
    let answer = json(&bench, Api::CheckIsSoterEnrolledInDevice, r#"{"checkAuthMode":"palm"}"#).await?;
    check_eq("errCode", &answer["errCode"], SoterCode::ModeNotSupported.code())
}

pub(super) async fn enrolment_without_soter_is_90001(bench: Bench) -> Outcome {
    bench.finger()?.support(false);
    let answer = enrolled(&bench, &bench.cx, AuthMode::FingerPrint).await;
    failed_with("checkIsSoterEnrolledInDevice", answer, SoterCode::NoSupport.code()).map(drop)
}
