//! Several listeners of one mini-program.

use wx_api::{EventType, Policy, hce::HceMessage};

use super::program::{EXAMPLE, Ear, OK, Program, READ, select_aid};
use crate::case::{Bench, Failure, Outcome, check, check_eq};

pub(super) async fn every_listener_hears(bench: Bench) -> Outcome {
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let mut others = [Ear::listen(&bench, &bench.cx)?, Ear::listen(&bench, &bench.cx)?];
    program.selected(&*bench.reader()?, EXAMPLE).await?;
    for other in &mut others {
        other.heard().await?;
    }
    Ok(())
}

pub(super) async fn messages_come_in_order(bench: Bench) -> Outcome {
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let mut later = Ear::listen(&bench, &bench.cx)?; // reads when everything has happened
    program.selected(&*reader, EXAMPLE).await?;
    let commands = [0xB0, 0xB2, 0xCA, 0xD6].map(|instruction| [0x00, instruction, 0x00, 0x00, 0x10]);
    for command in &commands {
        program.exchange(&*reader, command, OK).await?;
    }
    let mut heard = Vec::new();
    while heard.len() <= commands.len() {
        heard.extend(later.heard().await?.data);
    }
    let sent: Vec<_> = [select_aid(EXAMPLE)].into_iter().chain(commands.map(Vec::from)).collect();
    check_eq("what was heard", heard, sent)
}

pub(super) async fn off_ends_a_subscription(bench: Bench) -> Outcome {
    /// A command unlike [`READ`].
    const MISSED: &[u8] = &[0x00, 0xB2, 0x01, 0x04, 0x00];
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let mut taken_off = Ear::listen(&bench, &bench.cx)?;
    program.selected(&*reader, EXAMPLE).await?;
    taken_off.heard().await?; // it was on
    drop(taken_off);
    program.exchange(&*reader, MISSED, OK).await?; // as if it had never been there
    // Nothing was kept for it: who listens now hears what comes now, and no more.
    let mut later = Ear::listen(&bench, &bench.cx)?;
    program.exchange(&*reader, READ, OK).await?;
    let message = later.heard().await?;
    check_eq("the first message of a later listener", message.data.as_deref(), Some(READ))
}

pub(super) async fn off_of_one_leaves_the_others(bench: Bench) -> Outcome {
    let reader = bench.reader()?;
    let before = Ear::listen(&bench, &bench.cx)?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let after = Ear::listen(&bench, &bench.cx)?;
    drop(before);
    program.selected(&*reader, EXAMPLE).await?;
    drop(after);
    program.exchange(&*reader, READ, OK).await.map(drop)
}

pub(super) async fn slow_listener_is_told_and_delays_nobody(bench: Bench) -> Outcome {
    const MISSED: usize = 10;
    let Policy::Lossless(kept) = HceMessage::FACTS.policy else {
        return Err(Failure("no message may replace another, says the contract".to_owned()));
    };
    let reader = bench.reader()?;
    let mut program = Program::start(&bench, &[EXAMPLE]).await?;
    let mut slow = Ear::listen(&bench, &bench.cx)?;
    program.selected(&*reader, EXAMPLE).await?;
    for _ in 1..kept + MISSED {
        program.exchange(&*reader, READ, OK).await?;
    }
    for heard in 0..=kept {
        if let Err(missed) = slow.next().await? {
            return check_eq("what it heard and missed", heard as u64 + missed, (kept + MISSED) as u64);
        }
    }
    check(false, format_args!("the slow listener heard more than {kept} messages and was told of no loss"))
}
