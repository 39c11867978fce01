//! `wx.getHCEState`: what the device can do now.

use wx_api::hce::{GetHceStateRequest, GetHceStateResult, HceCode};

use super::{answers_ok, on_ios};
use crate::{
    case::{Bench, Outcome, failed_with},
    world::{Nfc, RadioHandle},
};

async fn state(bench: &Bench) -> wx_api::Result<GetHceStateResult> {
    bench.wx.call(&bench.cx, GetHceStateRequest {}).await
}

/// What a device that was changed so answers.
async fn state_is(bench: &Bench, change: impl FnOnce(&dyn RadioHandle), code: HceCode) -> Outcome {
    change(&*bench.radio()?);
    failed_with("getHCEState", state(bench).await, code.code()).map(drop)
}

pub(super) async fn ready_device_answers_ok(bench: Bench) -> Outcome {
    answers_ok(&bench, "getHCEState", "{}").await
}

pub(super) async fn state_without_nfc_is_13000(bench: Bench) -> Outcome {
    state_is(&bench, |radio| radio.nfc(Nfc::Absent), HceCode::NoNfc).await
}

pub(super) async fn state_with_nfc_off_is_13001(bench: Bench) -> Outcome {
    state_is(&bench, |radio| radio.nfc(Nfc::Off), HceCode::NfcOff).await
}

pub(super) async fn state_without_hce_is_13002(bench: Bench) -> Outcome {
    state_is(&bench, |radio| radio.emulation(false), HceCode::NoHce).await
}

pub(super) async fn state_without_default_app_is_13004(bench: Bench) -> Outcome {
    state_is(&bench, |radio| radio.default_app(false), HceCode::NotDefault).await
}

pub(super) async fn state_follows_the_switch(bench: Bench) -> Outcome {
    let radio = bench.radio()?;
    radio.nfc(Nfc::Off);
    let _ = state(&bench).await; // the code is another case's business
    radio.nfc(Nfc::On);
    state(&bench).await?;
    Ok(())
}

pub(super) async fn platform_without_hce_is_13002(mut bench: Bench) -> Outcome {
    bench.cx = on_ios(&bench);
    failed_with("getHCEState", state(&bench).await, HceCode::NoHce.code()).map(drop)
}
