//! The two sides of a conversation: the mini-program, and the commands a reader sends.

use std::{fmt::Debug, future::Future, pin::pin};

use bytes::Bytes;
use futures_util::{
    FutureExt,
    future::{Either, join, select},
};
use wx_api::{
    Api, Cx, Event, EventStream,
    hce::{HceMessage, SendHceMessageRequest, SendHceMessageResult, StartHceRequest, StartHceResult},
};
use wx_host::Wx;

use crate::{
    case::{Bench, Failure, Outcome},
    cases::soon,
    world::ReaderHandle,
};

/// The AID of the page's example.
pub(super) const EXAMPLE: &str = "F222222222";
/// Another one.
pub(super) const OTHER: &str = "F333333333";
/// Done.
pub(super) const OK: &[u8] = &[0x90, 0x00];
/// No such application.
pub(super) const NOT_FOUND: &[u8] = &[0x6A, 0x82];
/// Something to do once an application is selected: read 16 bytes.
pub(super) const READ: &[u8] = &[0x00, 0xB0, 0x00, 0x00, 0x10];

/// The command that selects an application by its AID.
pub(super) fn select_aid(aid: &str) -> Vec<u8> {
    let byte = |at| aid.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    let aid: Vec<u8> = (0..aid.len()).step_by(2).filter_map(byte).collect();
    let length = u8::try_from(aid.len()).unwrap_or(u8::MAX);
    [&[0x00, 0xA4, 0x04, 0x00, length], aid.as_slice(), &[0x00]].concat()
}

/// `wx.startHCE` with these AIDs.
pub(super) async fn start<T: ToString>(bench: &Bench, cx: &Cx, aids: &[T]) -> wx_api::Result<StartHceResult> {
    bench.wx.call(cx, StartHceRequest { aid_list: aids.iter().map(T::to_string).collect() }).await
}

/// One listener of `wx.onHCEMessage`.
pub(super) struct Ear(EventStream);

impl Ear {
    pub(super) fn listen(bench: &Bench, cx: &Cx) -> Result<Self, Failure> {
        Ok(Self(bench.wx.subscribe(cx, Api::OnHceMessage)?))
    }

    /// The next message, or how many were lost before it.
    pub(super) async fn next(&mut self) -> Result<Result<HceMessage, u64>, Failure> {
        match soon("the listener", self.0.next()).await? {
            Some(Ok(Event::HceMessage(message))) => Ok(Ok(message)),
            Some(Ok(event)) => Err(Failure(format!("heard another event than onHCEMessage: {event:?}"))),
            Some(Err(lagged)) => Ok(Err(lagged.count)),
            None => Err(Failure("the stream of messages ended".to_owned())),
        }
    }

    /// The next message.
    pub(super) async fn heard(&mut self) -> Result<HceMessage, Failure> {
        self.next().await?.map_err(|lost| Failure(format!("{lost} messages were lost")))
    }
}

/// A mini-program that has started and listens.
pub(super) struct Program {
    wx: Wx,
    cx: Cx,
    pub(super) ear: Ear,
}

impl Program {
    /// The app under test plays these AIDs.
    pub(super) async fn start(bench: &Bench, aids: &[&str]) -> Result<Self, Failure> {
        Self::start_as(bench, &bench.cx, aids).await
    }

    /// Starts, then listens, in the order of the page.
    pub(super) async fn start_as(bench: &Bench, cx: &Cx, aids: &[&str]) -> Result<Self, Failure> {
        start(bench, cx, aids).await?;
        Ok(Self { wx: bench.wx.clone(), cx: cx.clone(), ear: Ear::listen(bench, cx)? })
    }

    /// The next command, whatever else comes before it.
    pub(super) async fn command(&mut self) -> Result<Bytes, Failure> {
        loop {
            if let Some(data) = self.ear.heard().await?.data {
                return Ok(data);
            }
        }
    }

    pub(super) async fn answer(&self, response: &[u8]) -> wx_api::Result<SendHceMessageResult> {
        self.wx.call(&self.cx, SendHceMessageRequest { data: Bytes::copy_from_slice(response) }).await
    }

    /// The reader sends a command, and the mini-program answers `response`: what it heard, and what the reader got.
    pub(super) async fn exchange(
        &mut self,
        reader: &dyn ReaderHandle,
        command: &[u8],
        response: &[u8],
    ) -> Result<(Bytes, Option<Bytes>), Failure> {
        let mut waiting = reader.transceive(command);
        let heard = first(&mut waiting, self.command()).await?;
        let (got, answered) = join(waiting, self.answer(response)).await;
        answered?;
        Ok((heard, got))
    }

    /// The first message that comes of a reader's command. The reader gives up waiting for the answer.
    pub(super) async fn told(&mut self, reader: &dyn ReaderHandle, command: &[u8]) -> Result<HceMessage, Failure> {
        first(&mut reader.transceive(command), self.ear.heard()).await
    }

    /// A legal exchange, whose command must be the next thing the mini-program hears: nothing came in between.
    pub(super) async fn hears_next(&mut self, reader: &dyn ReaderHandle, command: &[u8]) -> Outcome {
        let mut waiting = reader.transceive(command);
        let message = first(&mut waiting, self.ear.heard()).await?;
        let (_, answered) = join(waiting, self.answer(OK)).await;
        answered?;
        match message.data {
            Some(data) if data == command => Ok(()),
            _ => Err(Failure(format!("before {command:02X?} the mini-program heard {message:?}"))),
        }
    }

    /// The reader selects an application of the mini-program, which answers that it is there.
    pub(super) async fn selected(&mut self, reader: &dyn ReaderHandle, aid: &str) -> Result<(), Failure> {
        self.exchange(reader, &select_aid(aid), OK).await.map(drop)
    }
}

/// What the reader gets for a command that must not reach whoever listens here. A message on its way shows later: let something
/// legal follow and see that it is [next](Program::hears_next), wherever something is registered.
pub(super) async fn unheard(ear: &mut Ear, reader: &dyn ReaderHandle, command: &[u8]) -> Result<Option<Bytes>, Failure> {
    match select(reader.transceive(command), pin!(ear.heard())).await {
        Either::Left((got, listening)) => match listening.now_or_never() {
            None => Ok(got),
            Some(message) => Err(Failure(format!("the mini-program heard of it, too: {:?}", message?))),
        },
        Either::Right((message, _)) => Err(Failure(format!("the mini-program heard of it: {:?}", message?))),
    }
}

/// What the mini-program does while a reader waits for it: the reader must not be answered before that is done.
pub(super) async fn first<G: Debug, T>(
    waiting: &mut (impl Future<Output = G> + Unpin),
    program: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match select(waiting, pin!(program)).await {
        Either::Left((got, _)) => Err(Failure(format!("the reader got {got:?} before the mini-program had a say"))),
        Either::Right((done, _)) => done,
    }
}
