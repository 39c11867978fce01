use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::{
    LinkError,
    secure::Opener,
    wire::{self, Frames, Message, Parts},
};

/// What comes over one connection: decrypted, cut into messages, long ones put together.
pub(crate) struct Incoming<R> {
    reader: R,
    opener: Opener,
    sealed: BytesMut,
    frames: Frames,
    parts: Parts,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    /// Takes messages of up to `longest` bytes.
    pub(crate) fn new(reader: R, opener: Opener, longest: u32) -> Self {
        let parts = Parts::new(usize::try_from(longest).unwrap_or(usize::MAX));
        Self { reader, opener, sealed: BytesMut::new(), frames: Frames::default(), parts }
    }

    /// Waits until more has come; `false` once nothing more will. Dropping the future loses nothing.
    pub(crate) async fn more(&mut self) -> Result<bool, LinkError> {
        self.sealed.reserve(16 << 10);
        if self.reader.read_buf(&mut self.sealed).await? == 0 {
            return Ok(false);
        }
        self.opener.open(&mut self.sealed, self.frames.arrived())?;
        Ok(true)
    }

    /// The next message that is there.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, LinkError> {
        while let Some(frame) = self.frames.next().map_err(garbage)? {
            if !is_part(&frame) {
                return Ok(Some(frame));
            }
            if let Message::Part(wire::Part { message, last, data }) = read(&frame)?
                && let Some(whole) = self.parts.add(message, last, data).map_err(garbage)?
            {
                return Ok(Some(whole));
            }
        }
        Ok(None)
    }

    /// Reads on and looks at nothing, until nothing more comes: a connection that is closed with something unread in it is broken off, and the
    /// other end may lose what was said to it last.
    pub(crate) async fn drain(&mut self) {
        loop {
            self.sealed.clear();
            self.sealed.reserve(16 << 10);
            if !matches!(self.reader.read_buf(&mut self.sealed).await, Ok(1..)) {
                return;
            }
        }
    }

    /// Waits for the next message, if one comes.
    pub(crate) async fn wait(&mut self) -> Result<Option<Bytes>, LinkError> {
        loop {
            if let Some(message) = self.next()? {
                return Ok(Some(message));
            }
            if !self.more().await? {
                return Ok(None);
            }
        }
    }
}

/// Reads a message.
pub(crate) fn read(frame: &[u8]) -> Result<Message<'_>, LinkError> {
    minicbor::decode(frame).map_err(|error| garbage(format_args!("a message that does not read: {error}")))
}

pub(crate) fn garbage(what: impl std::fmt::Display) -> LinkError {
    LinkError::Garbage(what.to_string())
}

/// Whether it is a part of a longer message, told by its first bytes: an array of two, the first of which is 35.
fn is_part(frame: &[u8]) -> bool {
    frame.starts_with(&[0x82, 0x18, 0x23])
}
