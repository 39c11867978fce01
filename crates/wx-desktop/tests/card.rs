//! Card emulation on a reader in memory: what no PC/SC stack can be made to do at will.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use std::{
    fs, io,
    pin::pin,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use tempfile::NamedTempFile;
use tokio::sync::{Notify, mpsc};
use wx_api::{
    Api, Cx, Event, EventStream, event_channel,
    hce::{Departure, Hce, HceMessage, SendHceMessageRequest, StartHceRequest},
};
use wx_desktop::hce::{
    Answers, CardState, DesktopHce, Link, MemoryReader, NotInserted, Signal, Signals, Trace, Transport, What,
};
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
        Self::over(Arc::new(reader.clone())).await
    }

    async fn over(reader: Arc<dyn Transport>) -> Self {
        let (hce, cx) = (DesktopHce::new(reader, Arc::new(TokioClock)), Cx::new("wallet"));
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
        self.answers_with(Bytes::from_static(&[0x90, 0x00])).await;
    }

    async fn answers_with(&self, data: Bytes) {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_answer_goes_to_its_command_on_however_many_threads() {
    let reader = MemoryReader::default();
    let mut wallet = Wallet::on(&reader).await;
    tokio::join!(reader.transceive(SELECT), async {
        wallet.hears().await;
        wallet.answers().await;
    });
    let terminals = (0..4_u8).map(|terminal| {
        let reader = reader.clone();
        tokio::spawn(async move {
            for number in 0..=250 {
                let command = [&[0x80, 0x10, terminal, number][..], SELECT].concat();
                if number % 3 == 0 {
                    let _ = reader.transceive(&command).now_or_never(); // a terminal that does not wait for the answer
                } else {
                    let answer = [command.as_slice(), &[0x90, 0x00]].concat();
                    assert_eq!(reader.transceive(&command).await.as_deref(), Some(&answer[..]));
                }
            }
        })
    });
    let terminals: Vec<_> = terminals.collect();
    let all = async {
        for terminal in terminals {
            terminal.await.unwrap();
        }
    };
    tokio::select! {
        () = all => {}
        never = async {
            loop {
                let HceMessage { data: Some(command), .. } = wallet.hears().await else { break "a departure" };
                wallet.answers_with([&command, &[0x90, 0x00][..]].concat().into()).await;
            }
        } => panic!("heard of {never}"),
    }
}

/// A reader that does not wait for answers and takes each when it likes.
#[derive(Debug)]
struct Stubborn {
    sends: Mutex<Option<mpsc::UnboundedReceiver<Signal>>>,
    takes: Arc<Notify>,
}

#[async_trait]
impl Transport for Stubborn {
    fn radio(&self) -> Radio {
        MemoryReader::default().radio()
    }

    async fn insert(&self) -> Result<Link, NotInserted> {
        let sends = self.sends.lock().unwrap().take().unwrap();
        Ok(Link { signals: Box::new(Sends(sends)), answers: Arc::new(Takes(self.takes.clone())) })
    }
}

struct Sends(mpsc::UnboundedReceiver<Signal>);

#[async_trait]
impl Signals for Sends {
    async fn next(&mut self) -> Option<Signal> {
        self.0.recv().await
    }
}

struct Takes(Arc<Notify>);

#[async_trait]
impl Answers for Takes {
    async fn answer(&self, _: &[u8]) -> io::Result<()> {
        self.0.notified().await;
        Ok(())
    }

    fn close(&self) {}
}

#[tokio::test]
async fn no_command_goes_out_before_the_answer_to_the_one_before_has() {
    let (send, sends) = mpsc::unbounded_channel();
    let takes = Arc::new(Notify::new());
    let reader = Arc::new(Stubborn { sends: Mutex::new(Some(sends)), takes: takes.clone() });
    let Wallet { hce, cx, mut messages } = Wallet::over(reader).await;
    send.send(Signal::Command(Bytes::from_static(SELECT))).unwrap();
    send.send(Signal::Command(Bytes::from_static(READ))).unwrap();
    messages.next().await.unwrap().unwrap();
    let data = Bytes::from_static(&[0x90, 0x00]);
    let mut answer = pin!(hce.send_hce_message(&cx, SendHceMessageRequest { data }));
    assert!((&mut answer).now_or_never().is_none(), "the reader does not take it yet");
    send.send(Signal::Command(Bytes::from_static(READ))).unwrap();
    for _ in 0..10 {
        tokio::task::yield_now().await; // the card's task goes as far as it can
    }
    assert!(messages.next().now_or_never().is_none());
    takes.notify_one();
    answer.await.unwrap();
    messages.next().await.unwrap().unwrap();
}

#[test]
fn a_runtime_that_ends_takes_the_card_out() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let reader = MemoryReader::default();
    let first = runtime();
    let wallet = first.block_on(Wallet::on(&reader));
    drop(first);
    runtime().block_on(async {
        assert_eq!(*wallet.hce.card_state().borrow(), CardState::Awaited);
        assert_eq!(
            reader.transceive(SELECT).now_or_never(),
            Some(None),
            "a reader finds no card instead of one that is silent"
        );
        let again = StartHceRequest { aid_list: vec!["F222222222".into()] };
        wallet.hce.start_hce(&wallet.cx, again).await.unwrap();
        assert_eq!(*wallet.hce.card_state().borrow(), CardState::Inserted(2));
    });
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

#[tokio::test]
async fn a_mini_program_that_would_lose_a_terminal_is_reported() {
    let log = NamedTempFile::new().unwrap();
    let subscriber = tracing_subscriber::fmt().with_writer(Arc::new(log.reopen().unwrap())).finish();
    let _capture = tracing::subscriber::set_default(subscriber);
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
        for text in [trace.to_string(), fs::read_to_string(log.path()).unwrap()] {
            assert_eq!(text.contains("a terminal may have gone"), after > TERMINAL, "after {after:?}: {text}");
        }
        if after > TERMINAL {
            break;
        }
    }
}
