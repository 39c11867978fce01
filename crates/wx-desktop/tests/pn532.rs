//! Card emulation on a PN532 that a test plays: every byte of it passes over a line in memory. None was ever attached.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

mod chip;

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncWriteExt, DuplexStream},
    time::{Instant, timeout},
};
use wx_api::{
    Api, Cx, Event, EventStream, Result, event_channel,
    hce::{Departure, Hce, HceMessage, SendHceMessageRequest, StartHceRequest, StopHceRequest},
};
use wx_desktop::hce::{CardState, DesktopHce, Pn532, Transport};

use self::chip::{ACK, Chip, EVER, Lines, frame, pn532, stopped};

const SELECT: &[u8] = &[0x00, 0xA4, 0x04, 0x00, 0x05, 0xF2, 0x22, 0x22, 0x22, 0x22];
const READ: &[u8] = &[0x00, 0xB0, 0x00, 0x00, 0x10];
const OK: &[u8] = &[0x90, 0x00];

/// So that two looks for the terminal fit in, and none comes at its end.
const PATIENCE: Duration = Duration::from_millis(1200);

/// A mini-program with a chip.
struct Wallet {
    hce: Arc<DesktopHce>,
    cx: Cx,
    messages: EventStream,
}

impl Wallet {
    fn over(transport: Arc<dyn Transport>) -> Self {
        let (hce, cx) = (Arc::new(DesktopHce::new(transport, stopped()).with_patience(PATIENCE)), Cx::new("wallet"));
        let (out, messages) = event_channel(Api::OnHceMessage.into());
        hce.on_hce_message(&cx, out).unwrap();
        Self { hce, cx, messages }
    }

    async fn starts(&self) -> Result<()> {
        let start = StartHceRequest { aid_list: vec!["F222222222".into()] };
        timeout(EVER, self.hce.start_hce(&self.cx, start)).await.expect("never answered").map(|_| ())
    }

    /// Started, on a chip that no terminal has found yet.
    async fn on_card() -> (Self, Chip, Lines) {
        let (transport, mut lines) = pn532();
        let wallet = Self::over(transport);
        let (started, chip) = tokio::join!(wallet.starts(), lines.card());
        started.unwrap();
        (wallet, chip, lines)
    }

    /// The same, and a terminal has selected it.
    async fn selected() -> (Self, Chip, Lines) {
        let (mut wallet, mut chip, lines) = Self::on_card().await;
        chip.is_found().await;
        chip.brings(SELECT).await;
        assert_eq!(wallet.hears().await, HceMessage::command(SELECT));
        wallet.answers(OK).await;
        chip.takes(OK).await;
        (wallet, chip, lines)
    }

    async fn hears(&mut self) -> HceMessage {
        match timeout(EVER, self.messages.next()).await.expect("nothing to hear") {
            Some(Ok(Event::HceMessage(message))) => message,
            other => panic!("heard {other:?}"),
        }
    }

    async fn answers(&self, data: &[u8]) {
        self.hce.send_hce_message(&self.cx, SendHceMessageRequest { data: data.to_vec().into() }).await.unwrap();
    }

    async fn stops(&self) {
        self.hce.stop_hce(&self.cx, StopHceRequest {}).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_terminal_talks_to_the_mini_program() {
    let (mut wallet, mut chip, _lines) = Wallet::selected().await;
    chip.brings(READ).await;
    assert_eq!(wallet.hears().await, HceMessage::command(READ));
    let longest = [&[0x5A; 260], OK].concat();
    wallet.answers(&longest).await;
    chip.takes(&longest).await;
    // What no mini-program has registered is answered without one.
    chip.brings(&[0x00, 0xA4, 0x04, 0x00, 0x05, 0xF3, 0x33, 0x33, 0x33, 0x33]).await;
    chip.takes(&[0x6A, 0x82]).await;
}

#[tokio::test(start_paused = true)]
async fn a_command_comes_in_the_pieces_the_line_and_the_chip_make_of_it() {
    let (mut wallet, mut chip, _lines) = Wallet::selected().await;
    let command = [&[0x00, 0xD6, 0x00, 0x00, 0x00, 0x01, 0x2C][..], &[0xFF; 300]].concat();
    let (first, second) = command.split_at(262);
    for byte in frame(&[&[0x87, 0x40], first].concat()) {
        chip.says_bytes(&[byte]).await;
        tokio::task::yield_now().await;
    }
    chip.gets(&[0x86]).await;
    chip.says(&[&[0x87, 0x00], second].concat()).await;
    assert_eq!(wallet.hears().await, HceMessage::command(command));
}

#[tokio::test(start_paused = true)]
async fn garbage_before_a_frame_is_passed_over() {
    let (mut wallet, mut chip, _lines) = Wallet::selected().await;
    let garbage = [0x55, 0x00, 0xFF, 0x03, 0x00, 0x00, 0x00, 0xFF, 0x02, 0xFE, 0xD5];
    chip.says_bytes(&[&garbage[..], &frame(&[&[0x87, 0x00], READ].concat())].concat()).await;
    assert_eq!(wallet.hears().await, HceMessage::command(READ));
}

#[tokio::test(start_paused = true)]
async fn a_response_with_a_wrong_checksum_is_asked_for_again() {
    let (mut wallet, mut chip, _lines) = Wallet::selected().await;
    let said = frame(&[&[0x87, 0x00], READ].concat());
    for at in [2, 3, 9] {
        let mut broken = said.clone();
        broken[at] ^= 0x20;
        chip.says_bytes(&broken).await;
        chip.hears_nack().await;
        if at == 9 {
            break;
        }
        chip.says_bytes(&said).await;
        assert_eq!(wallet.hears().await, HceMessage::command(READ), "byte {at}");
        wallet.answers(OK).await;
        chip.takes(OK).await;
    }
    // Not only once, and what began like a longer frame does not swallow it.
    chip.says_bytes(&[0x00, 0xFF, 0xFF, 0xFF, 0x01, 0x09, 0xF6]).await;
    chip.hears_nack().await;
    chip.says_bytes(&said).await;
    assert_eq!(wallet.hears().await, HceMessage::command(READ));
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_not_confirmed_is_sent_again() {
    let (mut wallet, mut chip, _lines) = Wallet::selected().await;
    chip.brings(READ).await;
    wallet.hears().await;
    wallet.answers(OK).await;
    let set = [&[0x8E], OK].concat();
    assert_eq!(chip.hears().await, set);
    let refused = Instant::now();
    chip.says_bytes(&[0, 0, 0xFF, 0xFF, 0, 0]).await; // NACK
    assert_eq!(chip.hears().await, set);
    assert!(refused.elapsed().is_zero(), "waited for what the chip had said");
    chip.takes(OK).await; // the second time there was nothing at all
}

#[tokio::test(start_paused = true)]
async fn a_chip_that_sleeps_is_woken_again() {
    let (transport, mut lines) = pn532();
    let wallet = Wallet::over(transport);
    let (started, _chip) = tokio::join!(wallet.starts(), async {
        let mut chip = lines.next().await;
        chip.wakes().await;
        chip.hears().await; // it was not awake yet
        chip.wakes().await;
        chip.gets(&[0x14, 0x01, 0x14, 0x01]).await;
        chip.says(&[0x15]).await;
        chip.gets(&[0x12, 0x30]).await;
        chip.says(&[0x13]).await;
        chip.becomes_card().await;
        chip
    });
    started.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_terminal_that_leaves_between_commands_is_a_departure_and_the_next_one_finds_the_card() {
    let (mut wallet, mut chip, _lines) = Wallet::selected().await;
    chip.says(&[0x87, 0x29]).await; // released
    assert_eq!(wallet.hears().await, HceMessage::departure(Departure::LinkLoss));
    let first = chip.becomes_card().await;
    chip.says(&[0x8D, 0x04]).await; // a peer, which wants no card
    let second = chip.becomes_card().await;
    assert_ne!(first, second, "its number tells who it is");
    chip.is_found().await;
    chip.brings(SELECT).await;
    assert_eq!(wallet.hears().await, HceMessage::command(SELECT));
    assert_eq!(*wallet.hce.card_state().borrow(), CardState::Inserted(1));
}

#[tokio::test(start_paused = true)]
async fn a_terminal_that_leaves_while_the_mini_program_thinks_is_a_departure_and_the_late_answer_goes_nowhere() {
    let (mut wallet, mut chip, _lines) = Wallet::selected().await;
    chip.brings(READ).await;
    assert_eq!(wallet.hears().await, HceMessage::command(READ));
    chip.gets(&[0x8A]).await;
    chip.says(&[0x8B, 0x01, 0x00]).await; // still there
    chip.gets(&[0x8A]).await;
    chip.says(&[0x8B, 0x00, 0x00]).await;
    wallet.answers(&[0x62, 0x00]).await; // before anybody knows
    assert_eq!(wallet.hears().await, HceMessage::departure(Departure::LinkLoss));
    wallet.answers(&[0x62, 0x01]).await;
    chip.becomes_card().await;
    chip.is_found().await;
    chip.brings(SELECT).await;
    assert_eq!(wallet.hears().await, HceMessage::command(SELECT));
    wallet.answers(OK).await;
    chip.takes(OK).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_the_terminal_does_not_take_is_a_departure() {
    let (mut wallet, mut chip, _lines) = Wallet::selected().await;
    chip.brings(READ).await;
    wallet.hears().await;
    wallet.answers(OK).await;
    chip.gets(&[&[0x8E], OK].concat()).await;
    chip.says(&[0x8F, 0x29]).await;
    assert_eq!(wallet.hears().await, HceMessage::departure(Departure::LinkLoss));
    chip.becomes_card().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_longer_than_the_chip_can_say_takes_the_card_out_and_it_comes_back() {
    let (mut wallet, mut chip, mut lines) = Wallet::selected().await;
    chip.brings(READ).await;
    wallet.hears().await;
    wallet.answers(&[0x90; 263]).await;
    assert_eq!(wallet.hears().await, HceMessage::departure(Departure::LinkLoss));
    chip.goes_to_sleep().await;
    lines.card().await;
}

#[tokio::test(start_paused = true)]
async fn a_mini_program_that_never_answers_loses_its_terminal() {
    let (mut wallet, mut chip, mut lines) = Wallet::selected().await;
    chip.brings(READ).await;
    wallet.hears().await;
    for _ in 0..2 {
        chip.gets(&[0x8A]).await;
        chip.says(&[0x8B, 0x01, 0x00]).await;
    }
    assert_eq!(wallet.hears().await, HceMessage::departure(Departure::LinkLoss));
    chip.goes_to_sleep().await;
    lines.card().await;
}

#[tokio::test(start_paused = true)]
async fn a_card_that_is_taken_out_sleeps_and_can_be_put_in_again() {
    let (wallet, chip, mut lines) = Wallet::on_card().await;
    tokio::join!(wallet.stops(), chip.goes_to_sleep());
    let (started, chip) = tokio::join!(wallet.starts(), lines.card());
    started.unwrap();
    drop(wallet);
    chip.goes_to_sleep().await;
}

#[tokio::test(start_paused = true)]
async fn a_line_is_not_opened_again_before_it_is_left() {
    let (wallet, mut chip, mut lines) = Wallet::on_card().await;
    wallet.stops().await;
    let (started, _chip) = tokio::join!(wallet.starts(), async {
        chip.hears_ack().await;
        chip.gets(&[0x16, 0x10]).await;
        let early = timeout(EVER / 100, lines.next()).await; // it may still be at work
        assert!(early.is_err());
        chip.says(&[0x17, 0x00]).await;
        lines.card().await
    });
    started.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_start_that_nobody_waits_for_any_more_leaves_no_card() {
    let (transport, mut lines) = pn532();
    let wallet = Wallet::over(transport);
    let mut chip = tokio::select! {
        _ = wallet.starts() => panic!("started without a chip"),
        chip = async {
            let mut chip = lines.next().await;
            chip.wakes().await;
            chip.hears().await;
            chip
        } => chip,
    };
    chip.says_bytes(&[ACK, &frame(&[0x15])].concat()).await; // too late
    chip.hears_ack().await;
    chip.wakes().await; // for all the host knows, it still sleeps
    chip.gets(&[0x16, 0x10]).await;
    chip.says(&[0x17, 0x00]).await;
    chip.loses_line().await;
}

#[tokio::test(start_paused = true)]
async fn no_chip_is_13000_and_one_that_is_no_card_13006() {
    let open = || async { Err::<DuplexStream, io::Error>(io::ErrorKind::NotFound.into()) };
    let absent: Arc<dyn Transport> = Arc::new(Pn532::new("/dev/none", stopped(), open));
    assert_eq!(Wallet::over(absent).starts().await.unwrap_err().code(), Some(13000));

    let (transport, mut lines) = pn532();
    let wallet = Wallet::over(transport);
    let (silent, _line) = tokio::join!(wallet.starts(), lines.next());
    assert_eq!(silent.unwrap_err().code(), Some(13000));
    let (gone, ()) = tokio::join!(wallet.starts(), async {
        let mut chip = lines.next().await;
        chip.wakes().await;
        chip.line.shutdown().await.unwrap();
    });
    assert_eq!(gone.unwrap_err().code(), Some(13000));
    let (not_understood, _chip) = tokio::join!(wallet.starts(), async {
        let mut chip = lines.next().await;
        chip.wakes().await;
        chip.gets(&[0x14, 0x01, 0x14, 0x01]).await;
        chip.says_bytes(&[0, 0, 0xFF, 0x01, 0xFF, 0x7F, 0x81, 0]).await;
        chip
    });
    assert_eq!(not_understood.unwrap_err().code(), Some(13006));
}

#[tokio::test(start_paused = true)]
async fn a_chip_that_goes_away_is_a_departure_and_is_a_card_again_when_it_is_back() {
    let (mut wallet, chip, mut lines) = Wallet::selected().await;
    drop(chip);
    assert_eq!(wallet.hears().await, HceMessage::departure(Departure::LinkLoss));
    let mut chip = lines.card().await;
    chip.is_found().await;
    chip.brings(SELECT).await;
    assert_eq!(wallet.hears().await, HceMessage::command(SELECT));
    wallet.answers(OK).await;
    // A chip that says nothing any more is as good as gone: three times it does not confirm.
    for _ in 0..3 {
        assert_eq!(chip.hears().await, [&[0x8E], OK].concat());
    }
    assert_eq!(wallet.hears().await, HceMessage::departure(Departure::LinkLoss));
    lines.card().await;
}

#[tokio::test(start_paused = true)]
async fn what_answers_an_earlier_command_is_passed_over() {
    let (mut wallet, mut chip, _lines) = Wallet::selected().await;
    chip.brings(READ).await;
    wallet.hears().await;
    wallet.answers(OK).await;
    assert_eq!(chip.hears().await, [&[0x8E], OK].concat());
    chip.says_bytes(
        &[&frame(&[&[0x87, 0x00], SELECT].concat()), ACK, &frame(&[0x8B, 0x00, 0x00]), &frame(&[0x8F, 0x00])].concat(),
    )
    .await;
    chip.gets(&[0x86]).await;
    chip.brings(READ).await;
    assert_eq!(wallet.hears().await, HceMessage::command(READ));
}
