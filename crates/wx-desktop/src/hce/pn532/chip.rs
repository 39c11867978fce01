use std::{future::pending, io, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use wx_api::{Clock, Timestamp};

use super::frames::{ACK, Frame, Frames, NACK, frame};

/// Who speaks.
const HOST: u8 = 0xD4;
const CHIP: u8 = 0xD5;

/// What wakes a chip up that sleeps: edges on its line, then time, in which nobody says anything.
const WAKE_UP: &[u8] = &[0x55, 0x55, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// The chip confirms a command within 15 ms; a serial line over USB may keep that to itself for a while.
const CONFIRMED: Duration = Duration::from_millis(100);

/// How long the chip may take for what does not depend on a terminal.
const SOON: Duration = Duration::from_secs(1);

/// Silence for so long after noise: whoever made it has finished.
const QUIET: Duration = Duration::from_millis(50);

/// How often the same thing is said or asked for before a line is given up.
const TRIES: usize = 3;

/// A PN532 at the other end of a line, which does one command at a time.
pub(super) struct Chip<S> {
    line: S,
    frames: Frames,
    clock: Arc<dyn Clock>,
    is_asleep: bool,
}

/// What comes from the chip.
enum Heard {
    Frame(Frame),
    /// Something that is no frame.
    Noise,
    /// Nothing, and it was time.
    Nothing,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Chip<S> {
    pub(super) fn new(line: S, clock: Arc<dyn Clock>) -> Self {
        Self { line, frames: Frames::default(), clock, is_asleep: true }
    }

    /// Has a command done that the chip does by itself.
    pub(super) async fn ask(&mut self, command: &[u8]) -> io::Result<Bytes> {
        self.send(command).await?;
        let until = self.clock.now() + SOON;
        self.response(command, Some(until)).await
    }

    /// Sends a command, and ends once the chip has confirmed it. A frame that is lost or confirmed by noise is sent again: to the chip a
    /// second one is the same command anew.
    pub(super) async fn send(&mut self, command: &[u8]) -> io::Result<()> {
        let frame = frame(&[&[HOST], command].concat());
        for _ in 0..TRIES {
            if self.is_asleep {
                self.write(WAKE_UP).await?;
            }
            self.write(&frame).await?;
            let until = self.clock.now() + CONFIRMED;
            loop {
                match self.hear(Some(until)).await? {
                    Heard::Frame(Frame::Ack) => {
                        self.is_asleep = false;
                        return Ok(());
                    }
                    Heard::Frame(Frame::Error) => return Err(not_understood()),
                    Heard::Frame(Frame::Data(_)) => {} // of an earlier command, which nobody waits for any more
                    Heard::Frame(Frame::Nack) | Heard::Noise | Heard::Nothing => break,
                }
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    /// The chip's response to a command that it has confirmed, without its code. What is noise is asked for again.
    pub(super) async fn response(&mut self, command: &[u8], until: Option<Timestamp>) -> io::Result<Bytes> {
        let expected = [CHIP, command.first().map_or(0, |code| code + 1)];
        for _ in 0..TRIES {
            loop {
                match self.hear(until).await? {
                    Heard::Frame(Frame::Data(body)) if body.starts_with(&expected) => {
                        return Ok(body.slice(2..));
                    }
                    Heard::Frame(Frame::Error) => return Err(not_understood()),
                    Heard::Frame(_) => {}
                    Heard::Noise => break,
                    Heard::Nothing => return Err(io::ErrorKind::TimedOut.into()),
                }
            }
            self.write(NACK).await?;
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    /// Ends the command that the chip is at, if it is.
    pub(super) async fn stop(&mut self) -> io::Result<()> {
        self.write(ACK).await
    }

    async fn hear(&mut self, until: Option<Timestamp>) -> io::Result<Heard> {
        loop {
            if let Some(frame) = self.frames.next() {
                return Ok(Heard::Frame(frame));
            }
            let quiet = self.frames.is_unsettled().then(|| self.clock.now() + QUIET);
            let read = self.line.read_buf(&mut self.frames.bytes);
            match within(&*self.clock, quiet.or(until), read).await {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() != io::ErrorKind::TimedOut => return Err(error),
                Err(_) if quiet.is_some() => {
                    self.frames.settle();
                    return Ok(Heard::Noise);
                }
                Err(_) => return Ok(Heard::Nothing),
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let until = self.clock.now() + SOON;
        let write = async {
            self.line.write_all(bytes).await?;
            self.line.flush().await
        };
        within(&*self.clock, Some(until), write).await
    }
}

/// What the chip answers to what it has no way to do.
fn not_understood() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the chip does not understand")
}

/// Ends with an error when it is time.
pub(super) async fn within<T>(
    clock: &dyn Clock,
    until: Option<Timestamp>,
    done: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let time = async {
        match until {
            Some(until) => clock.sleep_until(until).await,
            None => pending().await,
        }
    };
    tokio::select! {
        biased;
        done = done => done,
        () = time => Err(io::ErrorKind::TimedOut.into()),
    }
}
