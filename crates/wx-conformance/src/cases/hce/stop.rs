//! `wx.stopHCE`: the AIDs are given back.

use futures_util::future::join;
use wx_api::{
    Cx,
    hce::{HceCode, StopHceRequest, StopHceResult},
};

use super::{
    answers_ok, on_ios,
    program::{EXAMPLE, NOT_FOUND, Program, first, select_aid, start, unheard},
};
use crate::{
    case::{Bench, Outcome, check, failed_with},
    cases::soon,
    world::Nfc,
};

async fn stop(bench: &Bench) -> wx_api::Result<StopHceResult> {
    stop_as(bench, &bench.cx).await
}

async fn stop_as(bench: &Bench, cx: &Cx) -> wx_api::Result<StopHceResult> {
    bench.wx.call(cx, StopHceRequest {}).await
}

pub(super) async fn stop_answers_ok(bench: Bench) -> Outcome {
    start(&bench, &bench.cx, &[EXAMPLE]).await?;
    answers_ok(&bench, "stopHCE", "{}").await
}

pub(super) async fn stop_without_start_is_ok(bench: Bench) -> Outcome {
    stop(&bench).await?;
    Ok(())
}

pub(super) async fn stop_without_nfc_is_13000(bench: Bench) -> Outcome {
    bench.radio()?.nfc(Nfc::Absent);
    failed_with("stopHCE", stop(&bench).await, HceCode::NoNfc.code()).map(drop)
}

pub(super) async fn stop_without_hce_is_13002(bench: Bench) -> Outcome {
    bench.radio()?.emulation(false);
    failed_with("stopHCE", stop(&bench).await, HceCode::NoHce.code()).map(drop)
}

pub(super) async fn stop_on_a_platform_without_hce_is_13002(bench: Bench) -> Outcome {
    failed_with("stopHCE", stop_as(&bench, &on_ios(&bench)).await, HceCode::NoHce.code()).map(drop)
}

pub(super) async fn stop_with_nfc_off_is_ok(bench: Bench) -> Outcome {
    start(&bench, &bench.cx, &[EXAMPLE]).await?;
    bench.radio()?.nfc(Nfc::Off);
    stop(&bench).await?;
    Ok(())
}

pub(super) async fn stopped_app_is_not_found(bench: Bench) -> Outcome {
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    stop(&bench).await?;
    let got = unheard(&mut program.ear, &*bench.reader()?, &select_aid(EXAMPLE)).await?;
    check(got.as_deref().is_none_or(|got| got == NOT_FOUND), format_args!("the reader got {got:?}"))
}

pub(super) async fn start_works_after_stop(bench: Bench) -> Outcome {
    start(&bench, &bench.cx, &[EXAMPLE]).await?;
    stop(&bench).await?;
    start(&bench, &bench.cx, &[EXAMPLE]).await?;
    Ok(())
}

pub(super) async fn stop_ends_the_wait_of_a_reader(bench: Bench) -> Outcome {
    let (reader, select) = (bench.reader()?, select_aid(EXAMPLE));
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let mut waiting = reader.transceive(&select);
    first(&mut waiting, program.command()).await?;
    let (ended, stopped) = join(soon("the reader", waiting), stop(&bench)).await;
    stopped?;
    ended.map(drop)
}
