use std::{
    collections::VecDeque,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    sync::Notify,
};

use crate::{
    LinkError,
    secure::Sealer,
    waits::until,
    wire::{Message, PART, split},
};

/// How many bytes may wait before whoever answers stops taking more calls.
const PLENTY: usize = 4 << 20;

/// What is to be said over one connection: gathered, encrypted together and written by one task.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    waiting: Mutex<Waiting>,
    /// There is something to write, or nothing more will come.
    some: Notify,
    /// What waited has been written, or never will be.
    room: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: Vec<u8>,
    /// Frames that wait behind one another, of which only one at a time is written among the others.
    long: VecDeque<Vec<u8>>,
    long_bytes: usize,
    next_long: u64,
    is_closed: bool,
}

impl Waiting {
    fn has_room(&self) -> bool {
        self.is_closed || self.frames.len() + self.long_bytes < PLENTY
    }

    fn put_long(&mut self, frame: Vec<u8>) {
        self.long_bytes += frame.len();
        self.long.push_back(frame);
    }
}

impl Outgoing {
    /// Says it soon. What is long does not keep shorter messages waiting that are said later.
    pub(crate) fn say<'a>(&self, message: impl Into<Message<'a>>) {
        self.put(&message.into(), false);
    }

    /// Says it soon, but after all that was to be said before, long messages included.
    pub(crate) fn say_after_all<'a>(&self, message: impl Into<Message<'a>>) {
        self.put(&message.into(), true);
    }

    fn put(&self, message: &Message<'_>, after_all: bool) {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return;
        }
        let sleeps = waiting.frames.is_empty() && waiting.long.is_empty();
        let start = waiting.frames.len();
        message.frame(&mut waiting.frames);
        if waiting.frames.len() - start > PART {
            let whole = waiting.frames.split_off(start);
            let number = waiting.next_long;
            waiting.next_long += 1;
            split(number, &whole[4..]).for_each(|frame| waiting.put_long(frame));
        } else if after_all && !waiting.long.is_empty() {
            let frame = waiting.frames.split_off(start);
            waiting.put_long(frame);
        }
        drop(waiting);
        if sleeps {
            self.some.notify_one(); // else whoever spoke first did
        }
    }

    /// Nothing more is said after what waits.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.some.notify_one();
        self.room.notify_waiters();
    }

    /// Waits while too much waits.
    pub(crate) async fn room(&self) {
        until(&self.room, || self.has_room()).await;
    }

    /// Whether little enough waits.
    pub(crate) fn has_room(&self) -> bool {
        self.lock().has_room()
    }

    /// Waits until nothing more is said: somebody closed it, or writing failed.
    pub(crate) async fn closed(&self) {
        until(&self.room, || self.lock().is_closed).await;
    }

    /// Writes whatever is said, to the end.
    pub(crate) async fn write(&self, writer: impl AsyncWrite + Unpin, sealer: Sealer) -> Result<(), LinkError> {
        let written = self.write_all(writer, sealer).await;
        self.close();
        written
    }

    async fn write_all(&self, mut writer: impl AsyncWrite + Unpin, mut sealer: Sealer) -> Result<(), LinkError> {
        let (mut plain, mut sealed) = (Vec::new(), Vec::new());
        loop {
            let is_closed = self.take(&mut plain);
            if plain.is_empty() {
                if is_closed {
                    return Ok(writer.shutdown().await?);
                }
                self.some.notified().await;
                continue;
            }
            sealer.seal(&plain, &mut sealed)?;
            writer.write_all(&sealed).await?;
            writer.flush().await?;
            plain.clear();
            sealed.clear();
            self.room.notify_waiters();
        }
    }

    /// What is to be written next, in `plain`; whether nothing will come after what waits.
    fn take(&self, plain: &mut Vec<u8>) -> bool {
        let mut waiting = self.lock();
        mem::swap(plain, &mut waiting.frames);
        if let Some(frame) = waiting.long.pop_front() {
            waiting.long_bytes -= frame.len();
            plain.extend_from_slice(&frame);
        }
        waiting.is_closed
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner) // whole frames only, also after a panic elsewhere
    }
}
