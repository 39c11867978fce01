//! `wx.onHCEMessage`: which of a reader's doings reach the mini-program, and how.

use super::program::{EXAMPLE, Ear, NOT_FOUND, OK, OTHER, Program, READ, first, select_aid, unheard};
use crate::case::{Bench, Outcome, check_eq};

pub(super) async fn select_reaches_the_program(bench: Bench) -> Outcome {
    Program::start(&bench, &[EXAMPLE]).await?.selected(&*bench.reader()?, EXAMPLE).await
}

pub(super) async fn commands_follow_the_selection(bench: Bench) -> Outcome {
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    program.selected(&*reader, EXAMPLE).await?;
    for _ in 0..3 {
        program.exchange(&*reader, READ, OK).await?;
    }
    Ok(())
}

pub(super) async fn commands_arrive_byte_for_byte(bench: Bench) -> Outcome {
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let select = select_aid(EXAMPLE);
    let (heard, _) = program.exchange(&*reader, &select, OK).await?;
    check_eq("the selection", &heard[..], &select[..])?;
    for bytes in [0..=0x7F, 0x80..=0xFF] {
        let command = [&[0x80, 0x10, 0x00, 0x00, 0x80], bytes.collect::<Vec<u8>>().as_slice()].concat();
        let (heard, _) = program.exchange(&*reader, &command, OK).await?;
        check_eq("the command", &heard[..], &command[..])?;
    }
    Ok(())
}

/// One command of extended length, and one in two parts, which class 10 says belong together: both are the mini-program's to read.
pub(super) async fn long_commands_are_left_to_the_program(bench: Bench) -> Outcome {
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    program.exchange(&*reader, &select_aid(EXAMPLE), OK).await?;
    let extended = [&[0x00, 0xD6, 0x00, 0x00, 0x00, 0x10, 0x00][..], &[0x5A; 0x1000]].concat();
    for command in [extended.as_slice(), &[0x10, 0xDA, 0x00, 0x00, 0x02, 0x12, 0x34], &[0x00, 0xDA, 0x00, 0x00, 0x01, 0x56]] {
        let (heard, _) = program.exchange(&*reader, command, OK).await?;
        check_eq("the command", &heard[..], command)?;
    }
    Ok(())
}

pub(super) async fn command_has_type_1_and_data(bench: Bench) -> Outcome {
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let message = program.told(&*bench.reader()?, &select_aid(EXAMPLE)).await?;
    check_eq("messageType", message.message_type, 1)?;
    check_eq("whether there is data", message.data.is_some(), true)?;
    check_eq("the reason", message.reason, None)
}

pub(super) async fn leaving_has_type_2_and_reason(bench: Bench) -> Outcome {
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    program.selected(&*reader, EXAMPLE).await?;
    reader.leave().await;
    let message = program.ear.heard().await?;
    check_eq("messageType", message.message_type, 2)?;
    check_eq("whether there is a reason", message.reason.is_some(), true)?;
    check_eq("the data", message.data, None)
}

pub(super) async fn lost_field_is_reason_0(bench: Bench) -> Outcome {
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    program.selected(&*reader, EXAMPLE).await?;
    reader.leave().await;
    check_eq("the reason", program.ear.heard().await?.reason, Some(0))
}

pub(super) async fn selection_of_another_app_is_reason_1(bench: Bench) -> Outcome {
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let mut other = Program::start_as(&bench, &bench.other_app(), &[OTHER]).await?;
    program.selected(&*reader, EXAMPLE).await?;
    other.selected(&*reader, OTHER).await?;
    check_eq("the reason", program.ear.heard().await?.reason, Some(1))
}

pub(super) async fn leaving_without_selection_says_nothing(bench: Bench) -> Outcome {
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    unheard(&mut program.ear, &*reader, READ).await?; // a reader was there
    reader.leave().await;
    program.hears_next(&*reader, &select_aid(EXAMPLE)).await
}

pub(super) async fn unknown_aid_answers_6a82(bench: Bench) -> Outcome {
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let reader = bench.reader()?;
    let got = unheard(&mut program.ear, &*reader, &select_aid(OTHER)).await?;
    check_eq("what the reader gets", got.as_deref(), Some(NOT_FOUND))?;
    program.hears_next(&*reader, &select_aid(EXAMPLE)).await
}

pub(super) async fn unknown_aid_keeps_the_selection(bench: Bench) -> Outcome {
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    program.selected(&*reader, EXAMPLE).await?;
    unheard(&mut program.ear, &*reader, &select_aid(OTHER)).await?;
    program.hears_next(&*reader, READ).await // not a departure either
}

pub(super) async fn command_before_selection_answers_6f00(bench: Bench) -> Outcome {
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let reader = bench.reader()?;
    let got = unheard(&mut program.ear, &*reader, READ).await?;
    check_eq("what the reader gets", got.as_deref(), Some(&[0x6F, 0x00][..]))?;
    program.hears_next(&*reader, &select_aid(EXAMPLE)).await
}

pub(super) async fn another_own_aid_is_no_departure(bench: Bench) -> Outcome {
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE, OTHER]).await?;
    program.selected(&*reader, EXAMPLE).await?;
    program.hears_next(&*reader, &select_aid(OTHER)).await
}

pub(super) async fn select_of_another_class_is_data(bench: Bench) -> Outcome {
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    program.selected(&*reader, EXAMPLE).await?;
    let mut command = select_aid(OTHER);
    command[0] = 0x80;
    program.exchange(&*reader, &command, OK).await.map(drop)
}

pub(super) async fn prefix_matches_longer_aids(bench: Bench) -> Outcome {
    Program::start(&bench, &["F222222222*"]).await?.selected(&*bench.reader()?, "F222222222AB01").await
}

pub(super) async fn subset_matches_shorter_aids(bench: Bench) -> Outcome {
    Program::start(&bench, &["F222222222AB01#"]).await?.selected(&*bench.reader()?, "F222222222").await
}

pub(super) async fn shortened_aid_does_not_match(bench: Bench) -> Outcome {
    const WHOLE: &str = "F222222222AB01";
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[WHOLE]).await?;
    unheard(&mut program.ear, &*reader, &select_aid("F222222222")).await?;
    program.hears_next(&*reader, &select_aid(WHOLE)).await
}

pub(super) async fn ping_is_answered_by_the_system(bench: Bench) -> Outcome {
    /// "Android" and "HCE" under its own provider.
    const PING: &str = "A000000476416E64726F6964484345";
    /// What Android answers it.
    const PONG: &[u8] = &[0x14, 0x81, 0x00, 0x00, 0x90, 0x00];
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let got = unheard(&mut program.ear, &*reader, &select_aid(PING)).await?;
    check_eq("what the reader gets", got.as_deref(), Some(PONG))?;
    program.hears_next(&*reader, &select_aid(EXAMPLE)).await
}

pub(super) async fn listener_may_come_before_start(bench: Bench) -> Outcome {
    let reader = bench.reader()?;
    let mut early = Ear::listen(&bench, &bench.cx)?;
    super::program::start(&bench, &bench.cx, &[EXAMPLE]).await?;
    let select = select_aid(EXAMPLE);
    first(&mut reader.transceive(&select), early.heard()).await.map(drop)
}
