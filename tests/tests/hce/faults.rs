//! What can go wrong between a mini-program and a reader: nothing hangs, and what is told is told in order.

use std::time::Duration;

use wx_api::{
    Cx,
    hce::{Departure, GetHceStateRequest, Hce, HceMessage},
};
use wx_desktop::hce::{CardState, DesktopHce, Trace};

use crate::tap::{App, OK, READ, TICKET, Tap, WALLET, card, select};

fn gone() -> HceMessage {
    HceMessage::departure(Departure::LinkLoss)
}

async fn state(hce: &DesktopHce) -> Option<i32> {
    hce.get_hce_state(&Cx::new("wallet"), GetHceStateRequest {}).await.err().and_then(|error| error.code())
}

pub(crate) async fn a_handler_that_never_answers_ends_the_conversation_and_not_the_reader() {
    let tap = Tap::new();
    let mut wallet = tap.wallet().await;
    let (got, ()) = tokio::join!(tap.selects(), async {
        wallet.hears().await;
        let almost = DesktopHce::PATIENCE.saturating_sub(Duration::from_millis(1));
        tap.clock.pass(almost).await;
        assert_eq!(wallet.has_heard(), [], "it has its time");
        tap.clock.pass(Duration::from_millis(1)).await;
        assert_eq!(wallet.hears().await, gone());
    });
    assert_eq!(got, None);
    tap.settled().await;
    tap.terminal.present().await.unwrap();
    tap.works(&mut wallet).await;
}

pub(crate) async fn no_fault_of_a_handler_is_felt_by_the_next_command() {
    let tap = Tap::new();
    let mut wallet = tap.wallet().await;
    let longest: Vec<u8> = [&vec![0xA5; 65_533], OK].concat();
    let too_long = vec![0x90; 65_536];
    for illegal in [&[][..], &[0x00], &[0x90], &[0x60, 0x00], &too_long] {
        let (got, ()) = tokio::join!(tap.selects(), async {
            wallet.hears().await;
            assert_eq!(wallet.answer(illegal).await.unwrap_err().code(), Some(13005));
            wallet.answer(&longest).await.unwrap();
            wallet.answer(&[0x6F, 0x01]).await.unwrap(); // a second answer
        });
        assert!(got.is_some_and(|got| got == longest), "{} bytes before it", illegal.len());
        tap.works(&mut wallet).await;
    }
    // Late: the reader has reset the card meanwhile. A terminal does one thing after the other, so that its card is taken first.
    tap.terminal.reset().await.unwrap();
    assert_eq!(wallet.hears().await, gone());
    wallet.answer(&[0x6F, 0x02]).await.unwrap();
    tap.works(&mut wallet).await;
}

pub(crate) async fn a_card_switched_off_while_a_reader_waits_is_gone_for_it() {
    let tap = Tap::new();
    let mut wallet = tap.wallet().await;
    let (got, ()) = tokio::join!(tap.selects(), async {
        wallet.hears().await;
        tap.hce.switch(false);
        assert_eq!(wallet.hears().await, gone());
    });
    assert_eq!((got, state(&tap.hce).await), (None, Some(13001)));
    assert_eq!(wallet.start(&[WALLET]).await.unwrap_err().code(), Some(13001));
    wallet.answer(OK).await.unwrap(); // too late, and nobody's business
    tap.hce.switch(true);
    assert!(matches!(tap.settled().await, CardState::Inserted(2)));
    tap.terminal.present().await.unwrap();
    tap.works(&mut wallet).await;
}

pub(crate) async fn a_mini_program_that_stops_while_others_play_on_leaves_no_reader_waiting() {
    let tap = Tap::new();
    let mut wallet = tap.wallet().await;
    let ticket = tap.app("ticket");
    ticket.start(&[TICKET]).await.unwrap();
    let (got, ()) = tokio::join!(tap.selects(), async {
        wallet.hears().await;
        wallet.stop().await.unwrap();
    });
    assert_eq!(got.as_deref(), Some(&[0x6F, 0x00][..]));
    assert_eq!(tap.terminal.transmit(&select(WALLET)).await.as_deref(), Some(&[0x6A, 0x82][..]));
    assert_eq!(wallet.has_heard(), []);
}

pub(crate) async fn a_pcscd_that_is_killed_is_told_and_found_again() {
    let mut tap = Tap::new();
    let mut wallet = tap.wallet().await;
    for waits in [true, false] {
        if waits {
            let (got, ()) = tokio::join!(tap.selects(), async {
                wallet.hears().await;
                tap.stack.stop();
                assert_eq!(wallet.hears().await, gone());
            });
            assert_eq!(got, None);
        } else {
            tap.works(&mut wallet).await;
            tap.stack.stop();
            assert_eq!(wallet.hears().await, gone());
        }
        assert_eq!(state(&tap.hce).await, Some(13000));
        assert_eq!(wallet.answer(OK).await.unwrap_err().code(), Some(13000));

        tap.stack.start().unwrap();
        tap.terminal = tap.stack.terminal().unwrap();
        tap.settled().await; // by itself
        assert_eq!(state(&tap.hce).await, None);
        tap.terminal.present().await.unwrap();
        tap.works(&mut wallet).await;
        assert_eq!((wallet.has_heard(), tap.sockets()), (vec![], 1));
        tap.terminal.unpower().await.unwrap();
        assert_eq!(wallet.hears().await, gone());
    }
}

pub(crate) async fn a_hundred_readers_come_and_go() {
    let tap = Tap::new();
    let mut wallet = tap.wallet().await;
    for _ in 0..100 {
        tap.works(&mut wallet).await;
        tap.terminal.unpower().await.unwrap();
        assert_eq!(wallet.hears().await, gone());
    }
    assert_eq!((wallet.has_heard(), tap.sockets()), (vec![], 1));
}

pub(crate) async fn cards_come_and_go() {
    let tap = Tap::new();
    let mut wallet = tap.app("wallet");
    for time in 1..=5 {
        wallet.start(&[WALLET]).await.unwrap();
        assert_eq!(tap.settled().await, CardState::Inserted(time));
        tap.terminal.present().await.unwrap();
        tap.works(&mut wallet).await;
        assert_eq!(tap.sockets(), 1);
        wallet.stop().await.unwrap();
        assert_eq!(tap.settled().await, CardState::NotWanted);
        tap.terminal.absent().await.unwrap();
        assert_eq!(tap.sockets(), 0, "the old card's is closed");
    }
    assert_eq!(wallet.has_heard(), [], "whoever stops hears of no departure");
}

pub(crate) async fn a_command_too_short_for_any_hangs_nobody() {
    let tap = Tap::new();
    let mut wallet = tap.wallet().await;
    tap.works(&mut wallet).await;
    assert_eq!(tap.terminal.transmit(&[0x05]).await.as_deref(), Some(&[0x67, 0x00][..]));
    // vpcd cannot tell this one from its own "power off", and waits for an answer all the same.
    assert_eq!(tap.terminal.transmit(&[0x00]).await, None);
    assert_eq!(wallet.hears().await, gone());
    let mut state = tap.hce.card_state();
    state.wait_for(|state| *state == CardState::Inserted(2)).await.unwrap();
    tap.terminal.present().await.unwrap();
    tap.works(&mut wallet).await;
}

pub(crate) async fn a_card_of_another_program_is_13004() {
    let tap = Tap::new();
    let mut wallet = tap.wallet().await;
    let other = card(&tap.stack, tap.clock.clone());
    assert_eq!((state(&tap.hce).await, state(&other).await), (None, Some(13004)));
    let app = App::of(std::sync::Arc::new(other), "another host's");
    assert_eq!(app.start(&[TICKET]).await.unwrap_err().code(), Some(13004));
    tap.works(&mut wallet).await;
}

pub(crate) async fn two_mini_programs_that_start_at_once_share_the_card() {
    let tap = Tap::new();
    let (mut wallet, mut ticket) = (tap.app("wallet"), tap.app("ticket"));
    let (one, two) = tokio::join!(wallet.start(&[WALLET]), ticket.start(&[TICKET]));
    one.unwrap();
    two.expect("the card on its way is their own");
    tap.terminal.present().await.unwrap();
    tap.works(&mut wallet).await;
    assert_eq!(ticket.has_heard(), []);
}

pub(crate) async fn a_reader_that_another_program_took_is_13004_until_it_is_free() {
    let tap = Tap::new();
    let mut wallet = tap.wallet().await;
    tap.works(&mut wallet).await;
    tap.hce.switch(false);
    assert_eq!(wallet.hears().await, gone());
    tap.terminal.absent().await.unwrap();
    let other = std::net::TcpStream::connect(tap.stack.vpcd()).unwrap();
    tap.hce.switch(true);
    assert_eq!(*tap.hce.card_state().borrow(), CardState::Awaited);
    for _ in 0..3 {
        tokio::task::yield_now().await; // our own card is on its way by now, and not to be taken for the other
        assert_eq!(state(&tap.hce).await, Some(13004));
    }
    drop(other);
    assert!(matches!(tap.settled().await, CardState::Inserted(2)));
    assert_eq!(state(&tap.hce).await, None);
    tap.terminal.present().await.unwrap();
    tap.works(&mut wallet).await;
}

pub(crate) async fn dropping_it_takes_the_card_out() {
    let Tap { hce, terminal, stack, clock, trace } = Tap::new();
    let wallet = App::of(hce.clone(), "wallet");
    wallet.start(&[WALLET]).await.unwrap();
    terminal.present().await.unwrap();
    drop((wallet, hce));
    terminal.absent().await.unwrap();
    assert_eq!(state(&card(&stack, clock)).await, None, "the reader is free again: {trace}");
}

pub(crate) async fn what_happened_reads_and_replays() {
    let tap = Tap::new();
    let mut wallet = tap.wallet().await;
    tap.terminal.transmit(READ).await;
    tap.works(&mut wallet).await;
    tap.terminal.transmit(&select("F444444444")).await;
    wallet.answer(OK).await.unwrap();
    wallet.answer(&[0x00]).await.unwrap_err();
    tap.terminal.unpower().await.unwrap();
    assert_eq!(wallet.hears().await, gone());

    let text = tap.trace.to_string();
    for line in [
        "wallet  has registered F222222222",
        "reader  > 00B0000010  answered 6F00: nothing is selected, and this selects nothing (instruction B0, no SELECT)",
        "reader  > 00A4040005F22222222200  to wallet",
        "wallet  < 9000  sent after ",
        "reader  > 00A4040005F44444444400  answered 6A82: nobody has registered F444444444",
        "wallet  < 9000  dropped: the command was answered before",
        "wallet  < 00  refused: no legal response, and the reader still waits",
        "field lost: the reader took the power away; wallet was told",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let read = Trace::from_json_lines(&tap.trace.to_json_lines().unwrap()).unwrap();
    assert_eq!(read.entries(), tap.trace.entries());
    assert_eq!(read.replay(), Ok(()));
    let other = tap.trace.to_json_lines().unwrap().replace("\"answer\":\"6A82\"", "\"answer\":\"9000\"");
    assert_eq!(Trace::from_json_lines(&other).unwrap().replay().unwrap_err().now.to_string().matches("6A82").count(), 1);
}
