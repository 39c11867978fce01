//! The order of a biometric confirmation, rule by rule.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use std::time::Duration;

use wx_api::{
    Api, Error, Platform, Profile, Reply, Timestamp,
    soter::{
        AuthMode::{Facial, FingerPrint, Speech, Unknown},
        CheckIsSoterEnrolledInDeviceRequest, SoterCode, SoterResult, StartSoterAuthenticationRequest,
        StartSoterAuthenticationResult,
    },
};
use wx_rules::soter::{
    Attempt, Device, FREEZE, Failure, Finger, Lockout, Step, begin, enrolment, failure, result_text, support,
};

const START: Timestamp = Timestamp::from_millis(1_526_000_000_000);

fn phone() -> Device {
    Device { supported: true, authorized: true, modes: vec![FingerPrint], enrolled: true }
}

fn request() -> StartSoterAuthenticationRequest {
    StartSoterAuthenticationRequest { request_auth_modes: vec![FingerPrint], challenge: "123456".into(), auth_content: None }
}

fn right() -> Finger {
    Finger::Match { fid: "2".into() }
}

fn wrong(tries: usize) -> Vec<Finger> {
    vec![Finger::NoMatch; tries]
}

fn just_before(moment: Timestamp) -> Timestamp {
    Timestamp::from_millis(moment.as_millis() - 1)
}

/// Opens a dialog at `now`.
fn dialog(lockout: &Lockout, now: Timestamp) -> Result<Attempt, SoterCode> {
    begin(&request(), &phone(), lockout, now, false).map_err(|failure| failure.code)
}

/// Holds fingers out to dialogs, a new one whenever one has closed, and tells what came of each.
fn hold(fingers: &[Finger], lockout: &mut Lockout, now: Timestamp) -> Vec<Result<&'static str, SoterCode>> {
    let mut open = None;
    let hold_one = |finger: &Finger| {
        let attempt = open.take().map_or_else(|| dialog(lockout, now), Ok)?;
        match attempt.finger(finger.clone(), now, lockout) {
            Step::TryAgain(attempt) => {
                open = Some(attempt);
                Ok("again")
            }
            Step::Matched { .. } => Ok("matched"),
            Step::Failed(failure) => Err(failure.code),
        }
    };
    fingers.iter().map(hold_one).collect()
}

#[test]
fn what_is_wrong_is_told_in_a_fixed_order() {
    // Everything is wrong at first; each row puts one thing right, and the next failure shows.
    let mut lockout = Lockout::default();
    let _ = hold(&wrong(5), &mut lockout, START);
    let mut device = Device { supported: false, authorized: false, modes: vec![FingerPrint], enrolled: false };
    let mut req = StartSoterAuthenticationRequest {
        request_auth_modes: vec![Facial],
        challenge: String::new(),
        auth_content: Some("x".repeat(43)),
    };
    let mut now = START;
    let code = |device: &Device, req: &_, now| begin(req, device, &lockout, now, true).unwrap_err().code;

    assert_eq!(code(&device, &req, now), SoterCode::NoSupport);
    device.supported = true;
    assert_eq!(code(&device, &req, now), SoterCode::NotAuthorized);
    device.authorized = true;
    assert_eq!(code(&device, &req, now), SoterCode::ModeNotSupported);
    req.request_auth_modes.push(FingerPrint);
    assert_eq!(code(&device, &req, now), SoterCode::BadChallenge);
    req.challenge.push('1');
    assert_eq!(code(&device, &req, now), SoterCode::BadAuthContent);
    req.auth_content = None;
    assert_eq!(code(&device, &req, now), SoterCode::NotEnrolled);
    device.enrolled = true;
    assert_eq!(code(&device, &req, now), SoterCode::Frozen);
    now = now + FREEZE;
    assert_eq!(code(&device, &req, now), SoterCode::Internal, "busy");
    assert!(begin(&req, &device, &lockout, now, false).is_ok());
}

#[test]
fn the_first_requested_mode_that_the_device_has_is_used() {
    let both = Device { modes: vec![FingerPrint, Facial], ..phone() };
    for (requested, device, used) in [
        (vec![FingerPrint], phone(), Ok(FingerPrint)),
        (vec![Facial, FingerPrint, Speech], phone(), Ok(FingerPrint)),
        (vec![Unknown, Facial, FingerPrint], both, Ok(Facial)),
        (vec![Facial, Speech], phone(), Err(Facial)),
        (vec![], phone(), Err(FingerPrint)),
        (vec![Unknown], Device { modes: vec![Unknown], ..phone() }, Err(Unknown)),
    ] {
        let req = StartSoterAuthenticationRequest { request_auth_modes: requested, ..request() };
        let mode = begin(&req, &device, &Lockout::default(), START, false);
        let mode = mode.map(|attempt| attempt.mode()).map_err(|failure| {
            assert_eq!(failure.code, SoterCode::ModeNotSupported);
            failure.mode
        });
        assert_eq!(mode, used, "{:?}", req.request_auth_modes);
    }
}

#[test]
fn a_failure_before_the_modes_are_judged_names_the_mode_too() {
    let device = Device { supported: false, ..phone() };
    let req = StartSoterAuthenticationRequest { request_auth_modes: vec![Speech, FingerPrint], ..request() };
    let failed = begin(&req, &device, &Lockout::default(), START, false).unwrap_err();
    assert_eq!(failed, Failure { code: SoterCode::NoSupport, mode: FingerPrint });
}

#[test]
fn texts_are_measured_as_scripts_measure_them() {
    let begun = |challenge: String, content: String| {
        let req = StartSoterAuthenticationRequest { challenge, auth_content: Some(content), ..request() };
        begin(&req, &phone(), &Lockout::default(), START, false).map(|_| ()).map_err(|failure| failure.code)
    };
    for (letter, units) in [("a", 1), ("订", 1), ("😀", 2)] {
        let text = |length: usize| letter.repeat(length / units) + &"a".repeat(length % units);
        assert_eq!(begun(text(512), text(42)), Ok(()), "{letter}");
        assert_eq!(begun(text(513), text(42)), Err(SoterCode::BadChallenge), "{letter}");
        assert_eq!(begun(text(512), text(43)), Err(SoterCode::BadAuthContent), "{letter}");
    }
    assert_eq!(begun("1".into(), String::new()), Ok(()), "a dialog may show nothing");
}

#[test]
fn a_match_names_the_finger_and_the_mode() {
    let attempt = dialog(&Lockout::default(), START).unwrap();
    let step = attempt.finger(right(), START, &mut Lockout::default());
    assert_eq!(step, Step::Matched { mode: FingerPrint, fid: "2".into() });
}

#[test]
fn a_dialog_takes_three_tries() {
    let fingers = [Finger::NoMatch, Finger::NoMatch, Finger::NoMatch];
    let steps = hold(&fingers, &mut Lockout::default(), START);
    assert_eq!(steps, [Ok("again"), Ok("again"), Err(SoterCode::NotRecognized)]);
}

#[test]
fn the_last_try_of_a_dialog_may_be_right() {
    let steps = hold(&[Finger::NoMatch, Finger::NoMatch, right()], &mut Lockout::default(), START);
    assert_eq!(steps, [Ok("again"), Ok("again"), Ok("matched")]);
}

#[test]
fn five_wrong_tries_in_a_row_freeze_the_reader_in_the_open_dialog() {
    let mut lockout = Lockout::default();
    let steps = hold(&wrong(6), &mut lockout, START);
    let (again, refused, frozen) = (Ok("again"), Err(SoterCode::NotRecognized), Err(SoterCode::Frozen));
    assert_eq!(steps, [again, again, refused, again, frozen, frozen]);
    assert_eq!(hold(&[right()], &mut lockout, START), [frozen], "the right finger too");
}

#[test]
fn a_frozen_reader_thaws_after_thirty_seconds_with_all_its_tries() {
    let mut lockout = Lockout::default();
    let _ = hold(&wrong(5), &mut lockout, START);
    assert_eq!(dialog(&lockout, just_before(START + FREEZE)).unwrap_err(), SoterCode::Frozen);
    let steps = hold(&[Finger::NoMatch, Finger::NoMatch, right()], &mut lockout, START + FREEZE);
    assert_eq!(steps, [Ok("again"), Ok("again"), Ok("matched")]);
}

#[test]
fn a_clock_put_back_freezes_anew_and_for_no_longer() {
    let (put_back, mut lockout) = (Timestamp::default(), Lockout::default());
    let later = START + Duration::from_secs(86_400);
    let _ = hold(&wrong(5), &mut lockout, later);
    lockout.settle(put_back);
    assert!(lockout.is_frozen(just_before(put_back + FREEZE)));
    assert!(!lockout.is_frozen(put_back + FREEZE), "and not for the day that the clock went back");

    let _ = hold(&wrong(5), &mut lockout, later);
    lockout.settle(later + FREEZE);
    lockout.settle(put_back);
    assert!(!lockout.is_frozen(put_back), "a freeze that is over stays over");
}

#[test]
fn what_is_kept_of_wrong_fingers_is_all_of_it() {
    let mut lockout = Lockout::default();
    for tries in 0..6 {
        let kept: Lockout = serde_json::from_str(&serde_json::to_string(&lockout).unwrap()).unwrap();
        assert_eq!(kept, lockout, "after {tries}");
        let _ = hold(&wrong(1), &mut lockout, START);
    }
    assert!(lockout.is_frozen(START));
    let mut most: Lockout = serde_json::from_str(r#"{"wrong":4294967295,"frozen_at":18446744073709551615}"#).unwrap();
    assert!(most.is_frozen(START));
    most.settle(START);
    let _ = hold(&wrong(1), &mut most, START + FREEZE);
}

#[test]
fn a_dialog_open_on_a_reader_that_freezes_recognises_nobody() {
    let mut lockout = Lockout::default();
    let open = dialog(&lockout, START).unwrap();
    let _ = hold(&wrong(5), &mut lockout, START);
    let step = open.finger(right(), START, &mut lockout);
    assert_eq!(step, Step::Failed(Failure { code: SoterCode::Frozen, mode: FingerPrint }));
    assert!(lockout.is_frozen(START), "a refused match thaws nothing");
}

#[test]
fn a_match_forgives_the_wrong_tries_before_it() {
    let mut lockout = Lockout::default();
    let four = wrong(4);
    let _ = hold(&four, &mut lockout, START);
    let _ = hold(&[right()], &mut lockout, START);
    let _ = hold(&four, &mut lockout, START);
    assert!(!lockout.is_frozen(START));
}

#[test]
fn only_wrong_fingers_count_as_wrong_tries() {
    let mut lockout = Lockout::default();
    let _ = hold(&wrong(4), &mut lockout, START);
    let others = [Finger::Cancel, Finger::Fault, Finger::NotEnrolled];
    let steps = hold(&others, &mut lockout, START);
    assert_eq!(steps, [Err(SoterCode::Cancelled), Err(SoterCode::Internal), Err(SoterCode::NotEnrolled)]);
    assert_eq!(hold(&[Finger::NoMatch], &mut lockout, START), [Err(SoterCode::Frozen)], "and they forgive nothing");
}

#[test]
fn a_failure_carries_its_mode_and_empty_results() {
    for &code in SoterCode::ALL {
        let error = Error::from(Failure { code, mode: Speech });
        assert_eq!((error.api(), error.code()), (Api::StartSoterAuthentication, Some(code.code())));
        let carried = Reply::from(StartSoterAuthenticationResult::failed(Speech));
        assert_eq!(error.reply(), Some(&carried));
        assert_eq!(error.to_string(), failure(code, FingerPrint).to_string());
    }
}

#[test]
fn support_lists_what_the_device_has() {
    let listed = |device: &Device| support(device).map(|result| result.support_mode).map_err(|error| error.code());
    assert_eq!(listed(&phone()), Ok(vec![FingerPrint]));
    assert_eq!(listed(&Device { modes: vec![Unknown, FingerPrint], ..phone() }), Ok(vec![FingerPrint]));
    assert_eq!(listed(&Device { supported: false, ..phone() }), Err(Some(90001)));
}

#[test]
fn enrolment_follows_device_and_profile() {
    let asked = |check_auth_mode, device: &Device, platform| {
        let req = CheckIsSoterEnrolledInDeviceRequest { check_auth_mode };
        let answer = enrolment(&req, device, &Profile::new(platform));
        answer.map(|result| result.is_enrolled).map_err(|error| error.code().unwrap())
    };
    let bare = Device { enrolled: false, ..phone() };
    let plain = Device { supported: false, ..phone() };
    for (mode, device, platform, answer) in [
        (FingerPrint, &phone(), Platform::Android, Ok(true)),
        (FingerPrint, &phone(), Platform::Ios, Ok(true)),
        (FingerPrint, &bare, Platform::Android, Err(90011)),
        (FingerPrint, &bare, Platform::Ios, Ok(false)),
        (Facial, &bare, Platform::Ios, Err(90003)),
        (Unknown, &phone(), Platform::Android, Err(90003)),
        (Facial, &plain, Platform::Android, Err(90001)),
    ] {
        assert_eq!(asked(mode, device, platform), answer, "{mode:?} of {device:?} on {platform:?}");
    }
}

#[test]
fn the_result_text_is_that_of_the_page_without_spaces() {
    let mut result = SoterResult {
        raw: "\"msg\"\n订单😀".into(),
        fid: Some("2".into()),
        counter: 123,
        tee_n: "TEE Name".into(),
        tee_v: "TEE Version".into(),
        fp_n: "Fingerprint Sensor Name".into(),
        fp_v: "Fingerprint Sensor Version".into(),
        cpu_id: "CPU Id".into(),
        uid: "21".into(),
        rsa_pss_saltlen: None,
    };
    let rest = r#""counter":123,"tee_n":"TEE Name","tee_v":"TEE Version","fp_n":"Fingerprint Sensor Name","fp_v":"Fingerprint Sensor Version","cpu_id":"CPU Id","uid":"21"}"#;
    assert_eq!(result_text(&result), format!(r#"{{"raw":"\"msg\"\n订单😀","fid":"2",{rest}"#));
    result.fid = None;
    assert_eq!(result_text(&result), format!(r#"{{"raw":"\"msg\"\n订单😀",{rest}"#));
    result.rsa_pss_saltlen = Some(32);
    assert!(result_text(&result).ends_with(r#""uid":"21","rsa_pss_saltlen":32}"#), "what a maker declares comes last");
}
