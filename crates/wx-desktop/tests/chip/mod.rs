//! A PN532 as its manual describes it, played by a test: it says what the test tells it to, and panics at what the test does not expect.

use std::{future::ready, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::mpsc,
    time::{Instant, timeout},
};
use wx_api::{Clock, Timestamp};
use wx_desktop::hce::{Pn532, Transport};

pub(crate) const ACK: &[u8] = &[0, 0, 0xFF, 0, 0xFF, 0];

/// Longer than anything takes, on tokio's clock that is stopped.
pub(crate) const EVER: Duration = Duration::from_secs(60);

/// The host's end of every line that is opened, as the chip has it.
pub(crate) struct Lines(mpsc::UnboundedReceiver<DuplexStream>);

/// A way to a chip, and the chip's ends of its lines.
pub(crate) fn pn532() -> (Arc<dyn Transport>, Lines) {
    let (lines, opened) = mpsc::unbounded_channel();
    let open = move || {
        let (host, chip) = duplex(4096);
        ready(lines.send(chip).map(|()| host).map_err(|_| io::ErrorKind::NotFound.into()))
    };
    (Arc::new(Pn532::new("/dev/chip", stopped(), open)), Lines(opened))
}

/// The clock that tokio stops in tests.
pub(crate) fn stopped() -> Arc<dyn Clock> {
    Arc::new(Stopped(Instant::now()))
}

struct Stopped(Instant);

#[async_trait]
impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0) + self.0.elapsed()
    }

    async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep(at - self.now()).await;
    }
}

impl Lines {
    /// The next line that the host opens.
    pub(crate) async fn next(&mut self) -> Chip {
        Chip { line: timeout(EVER, self.0.recv()).await.expect("the line is never opened").unwrap() }
    }

    /// The next line, up to where the chip is a card that no terminal has found.
    pub(crate) async fn card(&mut self) -> Chip {
        let mut chip = self.next().await;
        chip.wakes().await;
        for command in [&[0x14, 0x01, 0x14, 0x01][..], &[0x12, 0x30]] {
            chip.gets(command).await;
            chip.says(&[command[0] + 1]).await;
        }
        chip.becomes_card().await;
        chip
    }
}

pub(crate) struct Chip {
    pub(crate) line: DuplexStream,
}

impl Chip {
    async fn byte(&mut self) -> u8 {
        timeout(EVER, self.line.read_u8()).await.expect("the host says nothing").unwrap()
    }

    /// What the host says next, from its start on to the end of its first checksum.
    async fn header(&mut self) -> [u8; 2] {
        assert_eq!([self.byte().await, self.byte().await, self.byte().await], [0, 0, 0xFF]);
        [self.byte().await, self.byte().await]
    }

    /// The bytes that wake it up.
    pub(crate) async fn wakes(&mut self) {
        assert_eq!([self.byte().await, self.byte().await], [0x55, 0x55]);
        for _ in 0..14 {
            assert_eq!(self.byte().await, 0);
        }
    }

    /// The next command, which is not confirmed yet.
    pub(crate) async fn hears(&mut self) -> Vec<u8> {
        let length = match self.header().await {
            [0xFF, 0xFF] => {
                let [high, low, check] = [self.byte().await, self.byte().await, self.byte().await];
                assert_eq!(high.wrapping_add(low).wrapping_add(check), 0);
                u16::from_be_bytes([high, low])
            }
            [0, 0xFF] => panic!("an ACK instead of a command"),
            [0xFF, 0] => panic!("a NACK instead of a command"),
            [length, check] => {
                assert_eq!(length.wrapping_add(check), 0);
                length.into()
            }
        };
        let mut body = Vec::new();
        for _ in 0..length {
            body.push(self.byte().await);
        }
        let sum = body.iter().fold(self.byte().await, |sum, byte| sum.wrapping_add(*byte));
        assert_eq!((sum, self.byte().await, body.remove(0)), (0, 0, 0xD4));
        body
    }

    /// Takes this command and confirms it.
    #[track_caller]
    pub(crate) fn gets(&mut self, command: &[u8]) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            assert_eq!(self.hears().await, command, "at {at}");
            self.says_bytes(ACK).await;
        }
    }

    pub(crate) async fn hears_ack(&mut self) {
        assert_eq!((self.header().await, self.byte().await), ([0, 0xFF], 0));
    }

    pub(crate) async fn hears_nack(&mut self) {
        assert_eq!((self.header().await, self.byte().await), ([0xFF, 0], 0));
    }

    pub(crate) async fn says_bytes(&mut self, bytes: &[u8]) {
        self.line.write_all(bytes).await.unwrap();
    }

    /// A response: a code, and what belongs to it.
    pub(crate) async fn says(&mut self, response: &[u8]) {
        self.says_bytes(&frame(response)).await;
    }

    /// Is told to be a card, at which no terminal has looked yet. Answers its number.
    pub(crate) async fn becomes_card(&mut self) -> [u8; 3] {
        let init = self.hears().await;
        self.says_bytes(ACK).await;
        assert_eq!((init.len(), &init[..4], init[7]), (38, &[0x8C, 0x05, 0x04, 0x00][..], 0x20));
        assert_eq!(init[8..], [0; 30]);
        [init[4], init[5], init[6]]
    }

    /// A terminal finds the card.
    pub(crate) async fn is_found(&mut self) {
        self.says(&[0x8D, 0x08, 0xE0, 0x80]).await;
        self.gets(&[0x86]).await;
    }

    /// The terminal, for which the host waits, sends a command.
    pub(crate) async fn brings(&mut self, command: &[u8]) {
        self.says(&[&[0x87, 0x00], command].concat()).await;
    }

    /// The host answers the terminal, and waits for its next command.
    pub(crate) async fn takes(&mut self, response: &[u8]) {
        self.gets(&[&[0x8E], response].concat()).await;
        self.says(&[0x8F, 0x00]).await;
        self.gets(&[0x86]).await;
    }

    /// The host takes the card out, and leaves the line.
    pub(crate) async fn goes_to_sleep(mut self) {
        self.hears_ack().await;
        self.gets(&[0x16, 0x10]).await;
        self.says(&[0x17, 0x00]).await;
        self.loses_line().await;
    }

    pub(crate) async fn loses_line(mut self) {
        let mut rest = Vec::new();
        timeout(EVER, self.line.read_to_end(&mut rest)).await.expect("the line stays open").unwrap();
        assert_eq!(rest, [0; 0]);
    }
}

/// A response as the chip frames it.
pub(crate) fn frame(response: &[u8]) -> Vec<u8> {
    let length = response.len() + 1;
    let mut frame = vec![0, 0, 0xFF];
    if let Ok(length) = u8::try_from(length) {
        frame.extend([length, 0_u8.wrapping_sub(length)]);
    } else {
        let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
        frame.extend([0xFF, 0xFF, high, low, 0_u8.wrapping_sub(high.wrapping_add(low))]);
    }
    frame.push(0xD5);
    frame.extend(response);
    frame.push(response.iter().fold(0_u8.wrapping_sub(0xD5), |check, byte| check.wrapping_sub(*byte)));
    frame.push(0);
    frame
}
