//! What a confirmation answers, and what is signed.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use wx_api::{
    Api, Profile,
    soter::{AuthMode, SoterResult, StartSoterAuthenticationRequest, StartSoterAuthenticationResult},
};
use wx_crypto::{SaltLen, SoterVerifier, pss};

use super::{
    confirm, confirm_as,
    device::{on_another_make, on_ios},
    json, request,
};
use crate::{
    case::{Bench, Failure, Outcome, check, check_eq},
    world::Touch,
};

/// What the device confirmed, read.
fn read(answer: &StartSoterAuthenticationResult) -> Result<SoterResult, Failure> {
    serde_json::from_str(&answer.result_json)
        .map_err(|error| Failure(format!("resultJSON {:?} cannot be read: {error}", answer.result_json)))
}

/// Whether the signature is one of `resultJSON` by the device's key, with a salt of this length.
fn is_signed(bench: &Bench, answer: &StartSoterAuthenticationResult, salt: SaltLen) -> Result<bool, Failure> {
    let key = SoterVerifier::from_spki_pem(&bench.finger()?.public_key())
        .map_err(|error| Failure(format!("the device's public key: {error}")))?;
    let signature = STANDARD
        .decode(&answer.result_json_signature)
        .map_err(|error| Failure(format!("resultJSONSignature is no base64: {error}")))?;
    Ok(pss::verify(&key, answer.result_json.as_bytes(), &signature, salt))
}

/// Fails unless it is signed, with whatever salt: how long that is, one case alone judges.
pub(super) fn verifies(bench: &Bench, answer: &StartSoterAuthenticationResult) -> Outcome {
    let signed = is_signed(bench, answer, SaltLen::Bytes20)? || is_signed(bench, answer, SaltLen::Bytes32)?;
    check(signed, format_args!("resultJSONSignature is none of {:?} by the device's key", answer.result_json))
}

pub(super) async fn matching_finger_answers_ok(bench: Bench) -> Outcome {
    bench.finger()?.touch(Touch::Match);
    let args = r#"{"requestAuthModes":["fingerPrint"],"challenge":"123456"}"#;
    let answer = json(&bench, Api::StartSoterAuthentication, args).await?;
    check_eq("errMsg", &answer["errMsg"], "startSoterAuthentication:ok")?;
    check_eq("errCode", &answer["errCode"], 0)
}

pub(super) async fn auth_mode_is_finger_print(bench: Bench) -> Outcome {
    check_eq("authMode", confirm(&bench, request()).await?.auth_mode, AuthMode::FingerPrint)
}

pub(super) async fn result_has_the_fields_of_the_page(bench: Bench) -> Outcome {
    let answer = confirm(&bench, request()).await?;
    let fields: Value = serde_json::from_str(&answer.result_json).map_err(|error| Failure(error.to_string()))?;
    for text in ["raw", "tee_n", "tee_v", "fp_n", "fp_v", "cpu_id", "uid"] {
        check(fields[text].is_string(), format_args!("{text} is {}, expected a text", fields[text]))?;
    }
    check(fields["counter"].is_u64(), format_args!("counter is {}, expected a number", fields["counter"]))
}

pub(super) async fn raw_is_the_challenge(bench: Bench) -> Outcome {
    let answer = confirm(&bench, StartSoterAuthenticationRequest { challenge: "order 42".to_owned(), ..request() }).await?;
    check_eq("raw", read(&answer)?.raw.as_str(), "order 42")
}

/// Texts that a careless hand-made JSON, a second escaping, or a terminated string would spoil.
const CHALLENGES: &[&str] = &[
    r#"{"order":"42","note":"\"quoted\""}"#,
    "back\\slash / slash",
    "line\nfeed\r\ttab",
    "nul\0inside",
    "控制台 · 指纹",
    "👍🏽 combined e\u{301}",
    "\u{2028}\u{feff}\u{7f}",
    " spaces ",
];

pub(super) async fn any_text_survives_as_challenge(bench: Bench) -> Outcome {
    for &challenge in CHALLENGES {
        let answer = confirm(&bench, StartSoterAuthenticationRequest { challenge: challenge.to_owned(), ..request() }).await?;
        check_eq("raw", read(&answer)?.raw.as_str(), challenge)?;
    }
    Ok(())
}

pub(super) async fn finger_is_named_on_android_only(bench: Bench) -> Outcome {
    for cx in [bench.cx.clone(), on_ios(&bench)] {
        let answer = confirm_as(&bench, &cx, request()).await?;
        let what = format!("whether {:?} names the finger", cx.profile().platform());
        check_eq(&what, read(&answer)?.fid.is_some(), cx.profile().names_finger())?;
    }
    Ok(())
}

pub(super) async fn finger_ends_in_nul_where_the_profile_says(bench: Bench) -> Outcome {
    for cx in [bench.cx.clone(), on_another_make(&bench, Profile::with_nul_ended_finger)] {
        let fid = read(&confirm_as(&bench, &cx, request()).await?)?.fid.unwrap_or_default();
        check_eq("whether fid ends in a NUL", fid.ends_with('\0'), cx.profile().ends_finger_in_nul())?;
    }
    Ok(())
}

pub(super) async fn counter_rises(bench: Bench) -> Outcome {
    let first = read(&confirm(&bench, request()).await?)?.counter;
    let second = read(&confirm(&bench, request()).await?)?.counter;
    check(second > first, format_args!("the counter went from {first} to {second}"))
}

pub(super) async fn counter_survives_a_relaunch(bench: Bench) -> Outcome {
    let before = read(&confirm(&bench, request()).await?)?.counter;
    let after = read(&confirm_as(&bench, &bench.cx.relaunch(), request()).await?)?.counter;
    check(after > before, format_args!("over a relaunch the counter went from {before} to {after}"))
}

pub(super) async fn signature_verifies(bench: Bench) -> Outcome {
    verifies(&bench, &confirm(&bench, request()).await?)
}

pub(super) async fn salt_is_20_bytes(bench: Bench) -> Outcome {
    let answer = confirm(&bench, request()).await?;
    check(is_signed(&bench, &answer, SaltLen::Bytes20)?, "the signature does not verify with a salt of 20 bytes")?;
    check(!is_signed(&bench, &answer, SaltLen::Bytes32)?, "the signature verifies with a salt of 32 bytes")
}

pub(super) async fn declared_salt_follows_the_profile(bench: Bench) -> Outcome {
    for cx in [bench.cx.clone(), on_another_make(&bench, Profile::with_long_soter_salt)] {
        let answer = confirm_as(&bench, &cx, request()).await?;
        let declared = read(&answer)?.rsa_pss_saltlen;
        check_eq("rsa_pss_saltlen", declared, cx.profile().declared_soter_salt())?;
        if declared.is_some() {
            check(
                is_signed(&bench, &answer, SaltLen::Bytes32)?,
                "the signature does not verify with the declared salt of 32 bytes",
            )?;
        }
    }
    Ok(())
}

pub(super) async fn signature_covers_the_exact_text(bench: Bench) -> Outcome {
    // Many JSON texts mean this challenge, so a text written anew after it was signed shows.
    let challenge = "\"/\\ 订单\u{7f}\u{2028}<é>".to_owned();
    let mut answer = confirm(&bench, StartSoterAuthenticationRequest { challenge, ..request() }).await?;
    verifies(&bench, &answer)?;
    answer.result_json.push(' '); // the same JSON, another text
    check(verifies(&bench, &answer).is_err(), "the signature verifies another text too")
}

pub(super) async fn dialog_shows_auth_content(bench: Bench) -> Outcome {
    let auth_content = Some("confirm order 42".to_owned());
    confirm(&bench, StartSoterAuthenticationRequest { auth_content, ..request() }).await?;
    check_eq("the dialog", bench.finger()?.dialogs().last().map(String::as_str), Some("confirm order 42"))
}

pub(super) async fn uses_a_mode_the_device_has(bench: Bench) -> Outcome {
    let request_auth_modes = vec![AuthMode::Facial, AuthMode::FingerPrint, AuthMode::Speech];
    let answer = confirm(&bench, StartSoterAuthenticationRequest { request_auth_modes, ..request() }).await?;
    check_eq("authMode", answer.auth_mode, AuthMode::FingerPrint)
}
