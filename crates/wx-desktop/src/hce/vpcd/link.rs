use std::{
    io,
    net::Shutdown,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    io::AsyncReadExt,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use super::{
    super::transport::{Answers, Link, Signal, Signals},
    frames::{Frame, Frames, reply},
};

/// The answer to reset of a contactless card without historical bytes, by part 3 of PC/SC.
const ATR: &[u8] = &[0x3B, 0x80, 0x80, 0x01, 0x01];

/// What a system answers to a command that is too short for any: wrong length.
const WRONG_LENGTH: &[u8] = &[0x67, 0x00];

/// pcscd looks for the card every 400 ms unless it waits for a response. Silence for so long means that it waits for one to a command
/// that cannot be told from a word of the reader's own, and would wait for ever. Nor does it take longer to read what it has waited for.
const SILENCE: Duration = Duration::from_secs(3);

/// A card on its way into vpcd ("vicc", as vsmartcard calls it).
pub(super) struct Vicc {
    reading: OwnedReadHalf,
    wire: Arc<Wire>,
    frames: Frames,
}

/// What both ends of the link share of the connection.
struct Wire {
    writing: OwnedWriteHalf,
    /// The same socket, for what tokio's does not offer.
    socket: std::net::TcpStream,
    /// Whether vpcd waits for a response, and so is silent for good reason.
    is_owed: AtomicBool,
}

impl Vicc {
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let stream = stream.into_std()?;
        let socket = stream.try_clone()?;
        let (reading, writing) = TcpStream::from_std(stream)?.into_split();
        let wire = Arc::new(Wire { writing, socket, is_owed: AtomicBool::new(false) });
        Ok(Self { reading, wire, frames: Frames::default() })
    }

    /// Waits until vpcd has taken the card, which shows in that it says something. False if it lets it go instead.
    pub(super) async fn is_taken(&mut self) -> bool {
        self.read().await.is_ok()
    }

    pub(super) fn into_link(self) -> Link {
        Link { answers: Arc::new(Reply(self.wire.clone())), signals: Box::new(self) }
    }

    /// Reads some bytes, at least one.
    async fn read(&mut self) -> io::Result<()> {
        // vpcd writes length and body apart, and its system sends the second only once the first is acknowledged: now, not 40 ms
        // later. Each time anew, for the system forgets it.
        #[cfg(target_os = "linux")]
        if !self.frames.0.is_empty() {
            std::os::linux::net::TcpStreamExt::set_quickack(&self.wire.socket, true)?;
        }
        match self.reading.read_buf(&mut self.frames.0).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    async fn read_in_time(&mut self) -> io::Result<()> {
        loop {
            match timeout(SILENCE, self.read()).await {
                Ok(read) => return read,
                Err(_) if self.wire.is_owed.load(Ordering::Acquire) => {}
                Err(_) => return Err(io::ErrorKind::TimedOut.into()),
            }
        }
    }

    async fn next_signal(&mut self) -> io::Result<Signal> {
        loop {
            let frame = self.frames.next();
            if frame.is_some() {
                self.wire.is_owed.store(false, Ordering::Release); // whoever waits for a response says nothing else
            }
            match frame {
                None => self.read_in_time().await?,
                Some(Frame::PowerOn) => {}
                Some(Frame::PowerOff) => return Ok(Signal::FieldLost),
                Some(Frame::GetAtr) => self.wire.write(ATR).await?,
                Some(Frame::Short) => self.wire.write(WRONG_LENGTH).await?,
                Some(Frame::Command(command)) => {
                    self.wire.is_owed.store(true, Ordering::Release);
                    return Ok(Signal::Command(command));
                }
            }
        }
    }
}

#[async_trait]
impl Signals for Vicc {
    async fn next(&mut self) -> Option<Signal> {
        self.next_signal().await.ok()
    }
}

impl Wire {
    async fn write(&self, body: &[u8]) -> io::Result<()> {
        let frame = reply(body).ok_or(io::ErrorKind::InvalidInput)?;
        let whole = OrNone(self);
        timeout(SILENCE, self.write_all(&frame)).await??;
        std::mem::forget(whole);
        Ok(())
    }

    async fn write_all(&self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            match self.writing.try_write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writing.writable().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn close(&self) {
        let _ = self.socket.shutdown(Shutdown::Both); // it fails only if vpcd was faster
    }
}

/// Closes the wire when it is dropped: half a frame makes nonsense of all that follow.
struct OrNone<'a>(&'a Wire);

impl Drop for OrNone<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Reply(Arc<Wire>);

#[async_trait]
impl Answers for Reply {
    async fn answer(&self, response: &[u8]) -> io::Result<()> {
        self.0.is_owed.store(false, Ordering::Release);
        self.0.write(response).await
    }

    fn close(&self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_does_not_take_its_response_loses_the_card() {
        let vpcd = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(vpcd.local_addr().unwrap()).await.unwrap();
        let Link { mut signals, answers } = Vicc::new(stream).unwrap().into_link();
        let response = vec![0; usize::from(u16::MAX)];
        let refused = loop {
            if let Err(error) = answers.answer(&response).await {
                break error; // once the system has no more room for what nobody reads
            }
        };
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        assert_eq!(signals.next().await, None);
    }
}
