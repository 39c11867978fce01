//! `wx.sendHCEMessage`: what goes back to the reader, and what does not.

use std::pin::pin;

use futures_util::{FutureExt, future::join};
use wx_api::{
    ErrorKind,
    hce::{HceCode, SendHceMessageRequest},
};

use super::{
    are_parameter_errors, on_ios,
    program::{EXAMPLE, OK, OTHER, Program, READ, first, select_aid},
};
use crate::{
    case::{Bench, Outcome, check, check_eq, failed_with},
    cases::{err_msg, field, soon},
};

/// A response that is legal and unlike any other here.
const FILE: &[u8] = &[0x00, 0xFF, 0x42, 0x91, 0x0A];

pub(super) async fn answer_reaches_the_reader(bench: Bench) -> Outcome {
    let (reader, select) = (bench.reader()?, select_aid(EXAMPLE));
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let mut waiting = reader.transceive(&select);
    first(&mut waiting, program.command()).await?;
    let answer = bench.wx.call_json(&bench.cx, "sendHCEMessage", r#"{"data":{"base64":"AP9CkQo="}}"#);
    let (got, answer) = join(soon("the reader", waiting), answer).await;
    check_eq("errMsg", err_msg(&answer)?.as_str(), "sendHCEMessage:ok")?;
    check_eq("errCode", field(answer.json(), "errCode")?, Some(0.into()))?;
    check_eq("what the reader gets", got?.as_deref(), Some(FILE))
}

/// What the mini-program is told of each of these as the answer to a selection.
async fn are_illegal(bench: &Bench, responses: &[&[u8]]) -> Outcome {
    let (reader, select) = (bench.reader()?, select_aid(EXAMPLE));
    let mut program = Program::start(bench, &[EXAMPLE]).await?;
    let mut waiting = reader.transceive(&select);
    first(&mut waiting, program.command()).await?;
    for response in responses {
        failed_with(&format!("{response:02X?}"), program.answer(response).await, HceCode::BadResponse.code())?;
    }
    Ok(())
}

pub(super) async fn one_byte_response_is_13005(bench: Bench) -> Outcome {
    are_illegal(&bench, &[&[0x00], &[0x90]]).await
}

pub(super) async fn empty_response_is_13005(bench: Bench) -> Outcome {
    are_illegal(&bench, &[&[]]).await
}

pub(super) async fn response_without_status_is_13005(bench: Bench) -> Outcome {
    are_illegal(&bench, &[&[0x00, 0x00], &[0x60, 0x00], &[0x12, 0x34], &[0xFF, 0xFF], &[0x90, 0x00, 0x00]]).await
}

pub(super) async fn reader_still_waits_after_illegal_response(bench: Bench) -> Outcome {
    let (reader, select) = (bench.reader()?, select_aid(EXAMPLE));
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let mut waiting = reader.transceive(&select);
    first(&mut waiting, program.command()).await?;
    let _ = program.answer(&[0x00]).await; // the code is another case's business
    let (got, answered) = join(soon("the reader", waiting), program.answer(FILE)).await;
    answered?;
    check_eq("what the reader gets", got?.as_deref(), Some(FILE))
}

pub(super) async fn late_answer_is_dropped(bench: Bench) -> Outcome {
    let (reader, select) = (bench.reader()?, select_aid(EXAMPLE));
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let mut waiting = reader.transceive(&select);
    first(&mut waiting, program.command()).await?;
    join(soon("the reader", waiting), reader.leave()).await.0?;
    let _ = program.answer(FILE).await;
    let (_, got) = program.exchange(&*reader, &select, OK).await?;
    check_eq("what the reader gets when it is back", got.as_deref(), Some(OK))
}

pub(super) async fn second_answer_is_dropped(bench: Bench) -> Outcome {
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    program.selected(&*reader, EXAMPLE).await?;
    let _ = program.answer(FILE).await;
    let (_, got) = program.exchange(&*reader, READ, OK).await?;
    check_eq("what the next command gets", got.as_deref(), Some(OK))
}

pub(super) async fn answer_of_a_deselected_app_is_dropped(bench: Bench) -> Outcome {
    let (reader, select) = (bench.reader()?, select_aid(OTHER));
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let mut other = Program::start_as(&bench, &bench.other_app(), &[OTHER]).await?;
    program.selected(&*reader, EXAMPLE).await?;
    let mut waiting = reader.transceive(&select);
    first(&mut waiting, other.command()).await?;
    let _ = program.answer(FILE).await; // the reader waits, but for the other app
    let (got, answered) = join(soon("the reader", waiting), other.answer(OK)).await;
    answered?;
    check_eq("what the reader gets", got?.as_deref(), Some(OK))
}

pub(super) async fn one_command_at_a_time(bench: Bench) -> Outcome {
    let (reader, select) = (bench.reader()?, select_aid(EXAMPLE));
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let mut both = pin!(join(reader.transceive(&select), reader.transceive(READ)));
    first(&mut both, program.command()).await?;
    check((&mut both).now_or_never().is_none(), "the reader was answered before the mini-program had a say")?;
    let early = program.ear.heard().now_or_never();
    check(early.is_none(), format_args!("before the first command was answered came {early:?}"))?;
    program.answer(OK).await?;
    first(&mut both, program.command()).await?;
    Ok(())
}

pub(super) async fn send_before_start_is_13006(bench: Bench) -> Outcome {
    let req = SendHceMessageRequest { data: OK.into() };
    let answer = bench.wx.call(&bench.cx, req).await;
    let error = failed_with("sendHCEMessage before startHCE", answer, HceCode::NotRegistered.code())?;
    check_eq("the kind", error.kind(), ErrorKind::Refused)
}

pub(super) async fn send_on_a_platform_without_hce_is_13002(bench: Bench) -> Outcome {
    let req = SendHceMessageRequest { data: OK.into() };
    failed_with("sendHCEMessage", bench.wx.call(&on_ios(&bench), req).await, HceCode::NoHce.code()).map(drop)
}

pub(super) async fn parameter_error_of_send_is_13005(bench: Bench) -> Outcome {
    let all = ["{}", r#"{"data":"kAA="}"#, r#"{"data":{"base64":"!!!!"}}"#, "[]", "not json"];
    are_parameter_errors(&bench, "sendHCEMessage", &all, HceCode::BadResponse).await
}

pub(super) async fn longest_response_passes_whole(bench: Bench) -> Outcome {
    /// A command that expects as many bytes as a length can say.
    const READ_ALL: &[u8] = &[0x00, 0xB0, 0x00, 0x00, 0x00, 0x00, 0x00];
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    program.selected(&*reader, EXAMPLE).await?;
    // With its status 65,535 bytes: reader stacks count responses in 16 bits.
    let longest: Vec<u8> = (0..=0xFF).cycle().take(65_533).chain(OK.iter().copied()).collect();
    let (_, got) = program.exchange(&*reader, READ_ALL, &longest).await?;
    check_eq("how many bytes the reader gets", got.as_ref().map(bytes::Bytes::len), Some(longest.len()))?;
    check(got.is_some_and(|got| got == longest), "the reader gets other bytes")
}
