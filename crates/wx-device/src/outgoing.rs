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
    is_over: bool,
}

impl Waiting {
    fn has_room(&self) -> bool {
        self.is_closed || self.frames.len() + self.long_bytes < PLENTY
    }
}

impl Outgoing {
    /// Says it soon.
    pub(crate) fn say<'a>(&self, message: impl Into<Message<'a>>) {
        let message = message.into();
        let mut waiting = self.lock();
        if waiting.is_closed {
            return;
        }
        let start = waiting.frames.len();
        let sleeps = start == 0 && waiting.long.is_empty();
        message.frame(&mut waiting.frames);
        if waiting.frames.len() - start > PART {
            let whole = waiting.frames.split_off(start);
            let number = waiting.next_long;
            waiting.next_long += 1;
            for frame in split(number, &whole[4..]) {
                waiting.long_bytes += frame.len();
                waiting.long.push_back(frame);
            }
        }
        drop(waiting);
        if sleeps {
            self.some.notify_one(); // else whoever spoke first did
        }
    }

    /// Says it soon, but after all that was to be said before, long messages included.
    pub(crate) fn say_after_all<'a>(&self, message: impl Into<Message<'a>>) {
        let mut waiting = self.lock();
        if waiting.long.is_empty() || waiting.is_closed {
            drop(waiting);
            return self.say(message);
        }
        let mut frame = Vec::new();
        message.into().frame(&mut frame);
        waiting.long_bytes += frame.len();
        waiting.long.push_back(frame);
    }

    /// Nothing more is said after what waits.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.some.notify_one();
        self.room.notify_waiters();
    }

    /// Waits while too much waits.
    pub(crate) async fn room(&self) {
        loop {
            let written = self.room.notified();
            if self.lock().has_room() {
                return;
            }
            written.await;
        }
    }

    /// Waits until nothing is written any more: all has been, or it failed.
    pub(crate) async fn ended(&self) {
        loop {
            let written = self.room.notified();
            if self.lock().is_over {
                return;
            }
            written.await;
        }
    }

    /// Writes whatever is said, to the end.
    pub(crate) async fn write(&self, writer: impl AsyncWrite + Unpin, sealer: Sealer) -> Result<(), LinkError> {
        let written = self.write_all(writer, sealer).await;
        let mut waiting = self.lock();
        (waiting.is_closed, waiting.is_over) = (true, true);
        drop(waiting);
        self.room.notify_waiters();
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
