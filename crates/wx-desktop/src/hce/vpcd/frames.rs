use bytes::{Buf, Bytes, BytesMut};

/// What vpcd says to a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The reader takes the card's power away, or resets it. Not answered.
    PowerOff,
    /// The reader gives the card power. Not answered.
    PowerOn,
    /// The reader asks for the answer to reset. Comes every 400 ms, to see whether the card is still there.
    GetAtr,
    /// Nothing that vpcd says, but an answer is expected all the same: a command of one byte, too short for any.
    Short,
    /// A command.
    Command(Bytes),
}

/// The bytes of vpcd as frames: a length in two bytes, then so many bytes.
///
/// One byte is for the reader itself. A command of one byte that is written like one of those cannot be told from it.
#[derive(Debug, Default)]
pub(super) struct Frames(pub(super) BytesMut);

impl Frames {
    /// The next frame, once it is whole. A frame without bytes means nothing and is passed over.
    pub(super) fn next(&mut self) -> Option<Frame> {
        loop {
            let length = usize::from(u16::from_be_bytes([*self.0.first()?, *self.0.get(1)?]));
            if self.0.len() < 2 + length {
                return None;
            }
            self.0.advance(2);
            let body = self.0.split_to(length).freeze();
            return Some(match body[..] {
                [] => continue,
                [0x00 | 0x02] => Frame::PowerOff,
                [0x01] => Frame::PowerOn,
                [0x04] => Frame::GetAtr,
                [_] => Frame::Short,
                _ => Frame::Command(body),
            });
        }
    }
}

/// What a card says to vpcd, in one piece: it goes out in one write, for two would wait for one another's acknowledgement.
///
/// `None` when it is longer than a length can say.
pub(super) fn reply(body: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(body.len()).ok()?;
    Some([&length.to_be_bytes(), body].concat())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> (Vec<Frame>, usize) {
        let mut frames = Frames(bytes.into());
        (std::iter::from_fn(|| frames.next()).collect(), frames.0.len())
    }

    #[test]
    fn each_byte_of_the_reader_means_something() {
        for (byte, frame) in [
            (0, Frame::PowerOff),
            (1, Frame::PowerOn),
            (2, Frame::PowerOff),
            (3, Frame::Short),
            (4, Frame::GetAtr),
            (0xFF, Frame::Short),
        ] {
            assert_eq!(read(&[0, 1, byte]), (vec![frame], 0));
        }
    }

    #[test]
    fn a_frame_without_bytes_is_passed_over() {
        assert_eq!(read(&[0, 0, 0, 0, 0, 1, 4, 0, 0]), (vec![Frame::GetAtr], 0));
    }

    #[test]
    fn a_reply_says_its_length_first() {
        assert_eq!(reply(&[0x90, 0x00]), Some(vec![0, 2, 0x90, 0x00]));
        assert_eq!(reply(&vec![7; 65_535]).unwrap()[..3], [0xFF, 0xFF, 7]);
        assert_eq!(reply(&vec![7; 65_536]), None);
    }

    proptest! {
        #[test]
        fn frames_do_not_depend_on_how_their_bytes_come(
            commands in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 2..300), 0..5),
            cuts in proptest::collection::vec(1_usize..50, 0..40),
        ) {
            let bytes: Vec<u8> = commands.iter().flat_map(|command| reply(command).unwrap()).collect();
            let (mut frames, mut got, mut rest) = (Frames::default(), Vec::new(), &bytes[..]);
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (piece, later) = rest.split_at(cut.min(rest.len()));
                frames.0.extend_from_slice(piece);
                got.extend(std::iter::from_fn(|| frames.next()));
                rest = later;
            }
            let sent: Vec<_> = commands.into_iter().map(|command| Frame::Command(command.into())).collect();
            prop_assert_eq!(got, sent);
        }

        #[test]
        fn no_bytes_are_too_strange_to_read(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let (frames, left) = read(&bytes);
            prop_assert!(frames.len() * 3 + left <= bytes.len());
        }
    }
}
