//! `wx.startHCE`: which lists of AIDs a device registers.

use wx_api::hce::HceCode;

use super::{
    answers_ok, are_parameter_errors, on_ios,
    program::{EXAMPLE, Ear, NOT_FOUND, OTHER, Program, select_aid, start, unheard},
};
use crate::{
    case::{Bench, Outcome, check, failed, failed_with},
    world::{Nfc, RadioHandle},
};

pub(super) async fn start_accepts_the_example(bench: Bench) -> Outcome {
    answers_ok(&bench, "startHCE", r#"{"aid_list":["F222222222"]}"#).await
}

async fn is_malformed(bench: &Bench, what: &str, aids: &[String]) -> Outcome {
    failed_with(what, start(bench, &bench.cx, aids).await, HceCode::BadAids.code()).map(drop)
}

pub(super) async fn short_aid_is_13003(bench: Bench) -> Outcome {
    is_malformed(&bench, "an AID of 4 bytes", &["F2222222".to_owned()]).await
}

pub(super) async fn long_aid_is_13003(bench: Bench) -> Outcome {
    is_malformed(&bench, "an AID of 17 bytes", &["F2".repeat(17)]).await
}

pub(super) async fn odd_aid_is_13003(bench: Bench) -> Outcome {
    is_malformed(&bench, "an AID of 11 digits", &["F2222222222".to_owned()]).await
}

pub(super) async fn aid_that_is_not_hex_is_13003(bench: Bench) -> Outcome {
    for aid in ["G222222222", "F2222 2222", "0xF222222222", "F222222222**"] {
        is_malformed(&bench, aid, &[aid.to_owned()]).await?;
    }
    Ok(())
}

pub(super) async fn aid_case_does_not_matter(bench: Bench) -> Outcome {
    let reader = bench.reader()?;
    for aid in ["F2AABBCCDD", "f2aabbccdd", "f2AAbbCCdd"] {
        Program::start(&bench, &[aid]).await?.hears_next(&*reader, &select_aid(aid)).await?;
    }
    Ok(())
}

pub(super) async fn bad_aid_is_told(bench: Bench) -> Outcome {
    let mut faults = Vec::new();
    for bad in ["F2222222", "F22222222G"] {
        let error = failed(bad, start(&bench, &bench.cx, &[EXAMPLE, bad, OTHER]).await)?;
        check(error.reason().contains(bad), format_args!("`{error}` does not name {bad}"))?;
        faults.push(error.reason().replace(bad, ".."));
    }
    check(faults[0] != faults[1], format_args!("two faults are told alike: `{}`", faults[0]))
}

pub(super) async fn parameter_error_of_start_is_13003(bench: Bench) -> Outcome {
    let all = ["{}", r#"{"aid_list":"F222222222"}"#, r#"{"aid_list":["F222222222",5]}"#, "[]", "not json"];
    are_parameter_errors(&bench, "startHCE", &all, HceCode::BadAids).await
}

pub(super) async fn empty_aid_list_is_13003(bench: Bench) -> Outcome {
    is_malformed(&bench, "an empty list", &[]).await
}

pub(super) async fn too_many_aids_are_13003(bench: Bench) -> Outcome {
    let aids: Vec<_> = (0..257).map(|n| format!("F22222{n:04X}")).collect();
    is_malformed(&bench, "a list of 257 AIDs", &aids).await?;
    start(&bench, &bench.cx, &aids[..256]).await?; // or a device that refuses every long list would pass
    Ok(())
}

pub(super) async fn one_bad_aid_registers_nothing(bench: Bench) -> Outcome {
    let mut ear = Ear::listen(&bench, &bench.cx)?;
    failed("a list with a bad AID", start(&bench, &bench.cx, &[EXAMPLE, "F2"]).await)?;
    let got = unheard(&mut ear, &*bench.reader()?, &select_aid(EXAMPLE)).await?;
    check(got.as_deref().is_none_or(|got| got == NOT_FOUND), format_args!("the reader got {got:?}"))
}

/// What a start answers on a device that was changed so.
async fn start_is(bench: &Bench, change: impl FnOnce(&dyn RadioHandle), code: HceCode) -> Outcome {
    change(&*bench.radio()?);
    failed_with("startHCE", start(bench, &bench.cx, &[EXAMPLE]).await, code.code()).map(drop)
}

pub(super) async fn start_without_nfc_is_13000(bench: Bench) -> Outcome {
    start_is(&bench, |radio| radio.nfc(Nfc::Absent), HceCode::NoNfc).await
}

pub(super) async fn start_with_nfc_off_is_13001(bench: Bench) -> Outcome {
    start_is(&bench, |radio| radio.nfc(Nfc::Off), HceCode::NfcOff).await
}

pub(super) async fn start_without_hce_is_13002(bench: Bench) -> Outcome {
    start_is(&bench, |radio| radio.emulation(false), HceCode::NoHce).await
}

pub(super) async fn start_without_default_app_is_13004(bench: Bench) -> Outcome {
    start_is(&bench, |radio| radio.default_app(false), HceCode::NotDefault).await
}

pub(super) async fn refused_registration_is_13006(bench: Bench) -> Outcome {
    start_is(&bench, |radio| radio.refuse_registration(true), HceCode::NotRegistered).await
}

pub(super) async fn start_on_a_platform_without_hce_is_13002(bench: Bench) -> Outcome {
    failed_with("startHCE", start(&bench, &on_ios(&bench), &[EXAMPLE]).await, HceCode::NoHce.code()).map(drop)
}

pub(super) async fn aid_of_another_app_is_13006(bench: Bench) -> Outcome {
    start(&bench, &bench.other_app(), &[EXAMPLE]).await?;
    failed_with("startHCE", start(&bench, &bench.cx, &[OTHER, EXAMPLE]).await, HceCode::NotRegistered.code()).map(drop)
}

pub(super) async fn start_again_replaces_the_list(bench: Bench) -> Outcome {
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    start(&bench, &bench.cx, &[OTHER]).await?;
    unheard(&mut program.ear, &*reader, &select_aid(EXAMPLE)).await?;
    program.hears_next(&*reader, &select_aid(OTHER)).await
}
