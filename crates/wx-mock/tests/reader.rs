//! A reader against the mini-programs of the world.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use bytes::Bytes;
use futures_util::FutureExt as _;
use wx_api::{
    Api, Cx, Event, EventStream, Platform, Profile, Result, event_channel,
    hce::{Departure, HceMessage, SendHceMessageRequest, StartHceRequest, StopHceRequest},
};
use wx_mock::{Nfc, World};

const OK: &[u8] = &[0x90, 0x00];
const READ: &[u8] = &[0x00, 0xB0, 0x00, 0x00, 0x10];
/// Selects `F222222222`.
const SELECT: &[u8] = &[0x00, 0xA4, 0x04, 0x00, 0x05, 0xF2, 0x22, 0x22, 0x22, 0x22];
/// Selects `F333333333`.
const SELECT_OTHER: &[u8] = &[0x00, 0xA4, 0x04, 0x00, 0x05, 0xF3, 0x33, 0x33, 0x33, 0x33];

/// A mini-program that has registered one AID and listens.
struct Program {
    world: World,
    cx: Cx,
    messages: EventStream,
}

impl Program {
    async fn start(world: &World, app: &str, aid: &str) -> Self {
        let cx = Cx::new(app);
        let hce = world.host().hce.unwrap();
        let (out, messages) = event_channel(Api::OnHceMessage.into());
        hce.on_hce_message(&cx, out).unwrap();
        hce.start_hce(&cx, StartHceRequest { aid_list: vec![aid.to_owned()] }).await.unwrap();
        Self { world: world.clone(), cx, messages }
    }

    async fn hear(&mut self) -> HceMessage {
        let Event::HceMessage(message) = self.messages.next().await.unwrap().unwrap() else { panic!("another event") };
        message
    }

    fn hears_nothing(&mut self) -> bool {
        self.messages.next().now_or_never().is_none()
    }

    async fn send(&self, data: &'static [u8]) -> Result<()> {
        let req = SendHceMessageRequest { data: Bytes::from_static(data) };
        self.world.host().hce.unwrap().send_hce_message(&self.cx, req).await.map(drop)
    }

    async fn stop(&self) {
        self.world.host().hce.unwrap().stop_hce(&self.cx, StopHceRequest {}).await.unwrap();
    }

    /// Answers the next command, whatever it is.
    async fn answer(&mut self, data: &'static [u8]) -> HceMessage {
        let message = self.hear().await;
        self.send(data).await.unwrap();
        message
    }
}

#[tokio::test]
async fn a_selection_and_what_follows_it_reach_the_program_and_come_back() {
    let world = World::new(1);
    let mut program = Program::start(&world, "wx1", "F222222222").await;
    let reader = async { (world.reader().transceive(SELECT).await, world.reader().transceive(READ).await) };
    let app = async { (program.answer(OK).await, program.answer(&[0x01, 0x02, 0x90, 0x00]).await) };
    let (answers, messages) = tokio::join!(reader, app);
    assert_eq!(answers, (Some(Bytes::from_static(OK)), Some(Bytes::from_static(&[0x01, 0x02, 0x90, 0x00]))));
    assert_eq!(messages, (HceMessage::command(SELECT), HceMessage::command(READ)));
}

#[tokio::test]
async fn without_a_registration_or_a_radio_there_is_no_card() {
    let world = World::new(1);
    assert_eq!(world.reader().transceive(SELECT).await, None);
    let program = Program::start(&world, "wx1", "F222222222").await;
    assert_eq!(world.reader().transceive(READ).await.as_deref(), Some(&[0x6F, 0x00][..]));
    assert_eq!(world.reader().transceive(SELECT_OTHER).await.as_deref(), Some(&[0x6A, 0x82][..]));
    world.radio().nfc(Nfc::Off);
    assert_eq!(world.reader().transceive(READ).await, None);
    world.radio().nfc(Nfc::On);
    assert!(world.reader().transceive(READ).await.is_some(), "what is registered outlives the switch");
    program.stop().await;
    assert_eq!(world.reader().transceive(SELECT).await, None);
}

#[tokio::test]
async fn commands_at_once_go_out_one_after_the_other() {
    let world = World::new(1);
    let mut program = Program::start(&world, "wx1", "F222222222").await;
    let mut select = Box::pin(world.reader().transceive(SELECT));
    let mut read = Box::pin(world.reader().transceive(READ));
    assert!(select.as_mut().now_or_never().is_none() && read.as_mut().now_or_never().is_none());
    assert_eq!(program.hear().await, HceMessage::command(SELECT));
    assert!(program.hears_nothing());
    program.send(OK).await.unwrap();
    assert!(read.as_mut().now_or_never().is_none());
    assert_eq!(program.answer(&[0x62, 0x00]).await, HceMessage::command(READ));
    assert_eq!((select.await.as_deref(), read.await.as_deref()), (Some(OK), Some(&[0x62, 0x00][..])));
}

#[tokio::test]
async fn a_lost_field_ends_every_wait_and_is_told_once() {
    let world = World::new(1);
    let mut program = Program::start(&world, "wx1", "F222222222").await;
    let mut select = Box::pin(world.reader().transceive(SELECT));
    let mut queued = Box::pin(world.reader().transceive(READ));
    assert!(select.as_mut().now_or_never().is_none() && queued.as_mut().now_or_never().is_none());
    world.reader().leave();
    assert_eq!((select.await, queued.await), (None, None));
    assert_eq!(program.hear().await, HceMessage::command(SELECT));
    assert_eq!(program.hear().await, HceMessage::departure(Departure::LinkLoss));
    program.send(OK).await.unwrap();
    world.reader().leave();
    assert!(program.hears_nothing());
    assert_eq!(world.reader().transceive(READ).await.as_deref(), Some(&[0x6F, 0x00][..]), "nothing is selected any more");
}

#[tokio::test]
async fn switching_the_radio_off_is_a_lost_field() {
    let world = World::new(1);
    let mut program = Program::start(&world, "wx1", "F222222222").await;
    let mut select = Box::pin(world.reader().transceive(SELECT));
    assert!(select.as_mut().now_or_never().is_none());
    world.radio().nfc(Nfc::Off);
    assert_eq!(select.await, None);
    program.hear().await;
    assert_eq!(program.hear().await, HceMessage::departure(Departure::LinkLoss));
}

#[tokio::test]
async fn a_host_that_is_no_longer_the_default_has_no_card_until_it_is_again() {
    let world = World::new(1);
    let mut program = Program::start(&world, "wx1", "F222222222").await;
    let mut select = Box::pin(world.reader().transceive(SELECT));
    assert!(select.as_mut().now_or_never().is_none());
    program.hear().await;
    world.radio().default_app(false);
    assert_eq!(select.await, None);
    assert_eq!(program.hear().await, HceMessage::departure(Departure::LinkLoss));
    let again = StartHceRequest { aid_list: vec!["F222222222".to_owned()] };
    let refused = world.host().hce.unwrap().start_hce(&program.cx, again).await.unwrap_err();
    assert_eq!(refused.code(), Some(13004));
    assert_eq!(world.reader().transceive(SELECT).await, None);

    world.radio().default_app(true);
    let (got, _) = tokio::join!(world.reader().transceive(SELECT), program.answer(OK)); // what was registered stayed
    assert_eq!(got.as_deref(), Some(OK));
}

#[tokio::test]
async fn selecting_another_app_departs_from_the_first_before_the_second_hears() {
    let world = World::new(1);
    let mut one = Program::start(&world, "wx1", "F222222222").await;
    let mut two = Program::start(&world, "wx2", "F333333333").await;
    tokio::join!(world.reader().transceive(SELECT), one.answer(OK));
    let (answer, _) = tokio::join!(world.reader().transceive(SELECT_OTHER), two.answer(OK));
    assert!(answer.is_some());
    assert_eq!(one.hear().await, HceMessage::departure(Departure::Deselected));
    assert!(one.hears_nothing() && two.hears_nothing());
    one.send(OK).await.unwrap();
}

#[tokio::test]
async fn a_stop_ends_the_wait_of_the_reader() {
    let world = World::new(1);
    let one = Program::start(&world, "wx1", "F222222222").await;
    let mut select = Box::pin(world.reader().transceive(SELECT));
    assert!(select.as_mut().now_or_never().is_none());
    one.stop().await;
    assert_eq!(select.await, None, "the last app took the card with it");

    let one = Program::start(&world, "wx1", "F222222222").await;
    let _two = Program::start(&world, "wx2", "F333333333").await;
    let mut select = Box::pin(world.reader().transceive(SELECT));
    assert!(select.as_mut().now_or_never().is_none());
    one.stop().await;
    assert_eq!(select.await.as_deref(), Some(&[0x6F, 0x00][..]), "the card is there for the other app");
}

#[tokio::test]
async fn the_answer_to_a_command_that_was_broken_off_is_not_the_next_one_s() {
    let world = World::new(1);
    let mut program = Program::start(&world, "wx1", "F222222222").await;
    assert!(world.reader().transceive(SELECT).now_or_never().is_none());
    let mut read = Box::pin(world.reader().transceive(READ));
    assert!(read.as_mut().now_or_never().is_none());
    assert_eq!(program.answer(OK).await, HceMessage::command(SELECT));
    assert!(read.as_mut().now_or_never().is_none());
    assert_eq!(program.answer(&[0x62, 0x00]).await, HceMessage::command(READ));
    assert_eq!(read.await.as_deref(), Some(&[0x62, 0x00][..]));
}

#[tokio::test]
async fn a_command_broken_off_in_the_queue_never_goes_out() {
    let world = World::new(1);
    let mut program = Program::start(&world, "wx1", "F222222222").await;
    let mut select = Box::pin(world.reader().transceive(SELECT));
    assert!(select.as_mut().now_or_never().is_none());
    assert!(world.reader().transceive(READ).now_or_never().is_none());
    program.answer(OK).await;
    assert!(select.await.is_some());
    assert!(program.hears_nothing());
}

#[tokio::test]
async fn refused_and_foreign_aids_are_13006() {
    let world = World::new(1);
    let _one = Program::start(&world, "wx1", "F222222222").await;
    let hce = world.host().hce.unwrap();
    let start = |aid: &str| hce.start_hce(&Cx::new("wx2"), StartHceRequest { aid_list: vec![aid.to_owned()] }).now_or_never();
    assert_eq!(start("F222222222").unwrap().unwrap_err().code(), Some(13006));
    world.radio().refuse_registration(true);
    assert_eq!(start("F333333333").unwrap().unwrap_err().code(), Some(13006));
    world.radio().refuse_registration(false);
    assert!(start("F333333333").unwrap().is_ok());
}

/// The codes of a start, a stop and a send, in this order; none is ok.
fn codes(world: &World, cx: &Cx) -> [Option<i32>; 3] {
    let hce = world.host().hce.unwrap();
    let data = Bytes::from_static(OK);
    let start = hce.start_hce(cx, StartHceRequest { aid_list: vec!["F222222222".to_owned()] }).map(|done| done.map(drop));
    let send = hce.send_hce_message(cx, SendHceMessageRequest { data }).map(|done| done.map(drop));
    let stop = hce.stop_hce(cx, StopHceRequest {}).map(|done| done.map(drop));
    [start.now_or_never(), stop.now_or_never(), send.now_or_never()]
        .map(|done| done.unwrap().err().and_then(|error| error.code()))
}

#[test]
fn every_call_tells_a_device_that_cannot_from_one_that_is_switched_off() {
    let (android, ios) = (Cx::new("wx1"), Cx::new("wx1").with_profile(Profile::new(Platform::Ios)));
    assert_eq!(codes(&World::new(1), &ios), [Some(13002); 3]);
    let world = World::new(1);
    assert_eq!(codes(&world, &android), [None, None, Some(13006)], "nothing is registered after a stop");
    world.radio().nfc(Nfc::Off);
    assert_eq!(codes(&world, &android), [Some(13001), None, Some(13006)]);
    world.radio().emulation(false);
    assert_eq!(codes(&world, &android), [Some(13002); 3]);
    world.radio().nfc(Nfc::Absent);
    assert_eq!(codes(&world, &android), [Some(13000); 3]);
}

#[tokio::test]
async fn an_app_that_is_removed_hears_no_more_and_its_aids_are_free() {
    let world = World::new(1);
    let mut gone = Program::start(&world, "wx1", "F222222222").await;
    let mut select = Box::pin(world.reader().transceive(SELECT));
    assert!(select.as_mut().now_or_never().is_none());
    world.remove_app(gone.cx.app());
    assert_eq!(select.await, None);
    assert_eq!(gone.hear().await, HceMessage::command(SELECT));
    assert!(gone.messages.next().await.is_none(), "the subscription has ended");
    let mut heir = Program::start(&world, "wx2", "F222222222").await;
    assert!(tokio::join!(world.reader().transceive(SELECT), heir.answer(OK)).0.is_some());
}
