//! Card emulation on a reader in memory: what no PC/SC stack can be made to do at will.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use std::{
    io,
    pin::pin,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::FutureExt;
use tracing_subscriber::fmt::MakeWriter;
use wx_api::{
    Api, Cx, Event, EventStream, event_channel,
    hce::{Departure, Hce, HceMessage, SendHceMessageRequest, StartHceRequest},
};
use wx_desktop::hce::{CardState, DesktopHce, MemoryReader, Trace, Transport as _, What};
use wx_host::TokioClock;
use wx_rules::hce::Radio;

const SELECT: &[u8] = &[0x00, 0xA4, 0x04, 0x00, 0x05, 0xF2, 0x22, 0x22, 0x22, 0x22];
/// What many terminals allow for an answer.
const TERMINAL: Duration = Duration::from_micros(38_700);
const READ: &[u8] = &[0x00, 0xB0, 0x00, 0x00, 0x10];

/// A mini-program that has the card in the reader.
struct Wallet {
    hce: DesktopHce,
    cx: Cx,
    messages: EventStream,
}

impl Wallet {
    async fn on(reader: &MemoryReader) -> Self {
        let (hce, cx) = (DesktopHce::new(Arc::new(reader.clone()), Arc::new(TokioClock)), Cx::new("wallet"));
        let (out, messages) = event_channel(Api::OnHceMessage.into());
        hce.on_hce_message(&cx, out).unwrap();
        hce.start_hce(&cx, StartHceRequest { aid_list: vec!["F222222222".into()] }).await.unwrap();
        Self { hce, cx, messages }
    }

    async fn hears(&mut self) -> HceMessage {
        match self.messages.next().await {
            Some(Ok(Event::HceMessage(message))) => message,
            other => panic!("heard {other:?}"),
        }
    }

    async fn answers(&self) {
        let data = Bytes::from_static(&[0x90, 0x00]);
        self.hce.send_hce_message(&self.cx, SendHceMessageRequest { data }).await.unwrap();
    }
}

#[tokio::test]
async fn a_command_that_waits_for_its_turn_goes_with_the_field() {
    let reader = MemoryReader::default();
    let mut wallet = Wallet::on(&reader).await;
    assert!(reader.transceive(SELECT).now_or_never().is_none()); // the terminal does not wait for the answer
    assert_eq!(wallet.hears().await, HceMessage::command(SELECT));

    let mut second = pin!(reader.transceive(READ));
    assert!((&mut second).now_or_never().is_none());
    reader.power_off();
    assert_eq!(second.await, None);
    // Although the first command was never answered, and long before the reader would lose patience. The second one never comes.
    let heard = tokio::time::timeout(DesktopHce::PATIENCE / 2, wallet.hears()).await;
    assert_eq!(heard, Ok(HceMessage::departure(Departure::LinkLoss)));
    wallet.answers().await;
    let (got, ()) = tokio::join!(reader.transceive(SELECT), async {
        assert_eq!(wallet.hears().await, HceMessage::command(SELECT));
        wallet.answers().await;
    });
    assert_eq!(got.as_deref(), Some(&[0x90, 0x00][..]));
}

#[tokio::test]
async fn a_reader_that_never_waits_for_an_answer_loses_the_card() {
    let reader = MemoryReader::default();
    let mut wallet = Wallet::on(&reader).await;
    let mut card = wallet.hce.card_state();
    for _ in 0..=16 {
        assert!(reader.transceive(SELECT).now_or_never().is_none());
    }
    assert_eq!(wallet.hears().await, HceMessage::command(SELECT));
    assert_eq!(*card.borrow_and_update(), CardState::Inserted(1), "one is with the mini-program, and so many may wait");
    assert!(reader.transceive(SELECT).now_or_never().is_none());
    card.wait_for(|card| *card == CardState::Inserted(2)).await.unwrap();
    assert_eq!(wallet.hears().await, HceMessage::departure(Departure::LinkLoss));
}

#[tokio::test]
async fn a_host_that_is_no_longer_the_default_has_no_card_until_it_is_again() {
    let reader = MemoryReader::default();
    let mut wallet = Wallet::on(&reader).await;
    assert!(reader.transceive(SELECT).now_or_never().is_none());
    assert_eq!(wallet.hears().await, HceMessage::command(SELECT));
    let able = reader.radio();
    reader.set_radio(Radio { default_app: false, ..able });
    assert_eq!(wallet.hears().await, HceMessage::departure(Departure::LinkLoss));
    let mut card = wallet.hce.card_state();
    assert_eq!(*card.wait_for(|card| *card != CardState::Inserted(1)).await.unwrap(), CardState::Awaited);
    let aids = || StartHceRequest { aid_list: vec!["F222222222".into()] };
    assert_eq!(wallet.hce.start_hce(&wallet.cx, aids()).await.unwrap_err().code(), Some(13004));
    assert_eq!(reader.transceive(SELECT).await, None);

    reader.set_radio(able);
    card.wait_for(|card| *card == CardState::Inserted(2)).await.unwrap(); // what was registered stayed
    let (got, ()) = tokio::join!(reader.transceive(SELECT), async {
        assert_eq!(wallet.hears().await, HceMessage::command(SELECT));
        wallet.answers().await;
    });
    assert!(got.is_some());
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_mini_program_that_would_lose_a_terminal_is_reported() {
    let log = Captured::default();
    let _capture = tracing::subscriber::set_default(tracing_subscriber::fmt().with_writer(log.clone()).finish());
    let reader = MemoryReader::default();
    let (mut wallet, trace) = (Wallet::on(&reader).await, Trace::keeping(10));
    wallet.hce.set_trace(Some(trace.clone()));
    for takes in [Duration::ZERO, TERMINAL] {
        let (got, ()) = tokio::join!(reader.transceive(SELECT), async {
            wallet.hears().await;
            // The time is what is reported, so it has to pass.
            let begin = Instant::now();
            while begin.elapsed() <= takes {
                tokio::task::yield_now().await;
            }
            wallet.answers().await;
        });
        assert!(got.is_some());
        let took = trace.entries().last().map(|entry| entry.what.clone());
        let Some(What::Response { after: Some(after), .. }) = took else { panic!("{took:?}") };
        let after = Duration::from_micros(after); // more than it takes, on a busy machine
        assert!(after >= takes);
        for text in [trace.to_string(), String::from_utf8(log.0.lock().unwrap().clone()).unwrap()] {
            assert_eq!(text.contains("a terminal may have gone"), after > TERMINAL, "after {after:?}: {text}");
        }
        if after > TERMINAL {
            break;
        }
    }
}
