use bytes::{Buf, Bytes, BytesMut};

/// The longest body of a frame: who speaks, which command, a status, and 262 bytes of data.
const LONGEST: usize = 265;

/// What begins every frame. Any number of zeros may come before.
const START: [u8; 2] = [0x00, 0xFF];

/// "I have got your frame." To a chip that is at work on a command: "stop it".
pub(super) const ACK: &[u8] = &[0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00];

/// "Say that again."
pub(super) const NACK: &[u8] = &[0x00, 0x00, 0xFF, 0xFF, 0x00, 0x00];

/// What passes between the chip and its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Ack,
    Nack,
    /// The chip does not understand the command.
    Error,
    /// Who speaks, and what.
    Data(Bytes),
}

/// The bytes of a line as frames. Whatever is no frame, or one with a wrong checksum, is noise and passed over.
#[derive(Debug, Default)]
pub(super) struct Frames {
    pub(super) bytes: BytesMut,
    noise: bool,
}

impl Frames {
    /// The next frame, once it is whole.
    pub(super) fn next(&mut self) -> Option<Frame> {
        loop {
            let start = self.bytes.windows(2).position(|two| two == START);
            // The last byte may be the first of a start that is still to come.
            let before = start.unwrap_or(self.bytes.len() - usize::from(self.bytes.last() == Some(&0)));
            self.noise |= self.bytes.split_to(before).iter().any(|byte| *byte != 0);
            start?;
            match read(&self.bytes) {
                Read::Partial => return None,
                Read::Noise => {
                    self.noise = true;
                    self.bytes.advance(1);
                }
                Read::Whole(frame, length) => {
                    self.noise = false;
                    self.bytes.advance(length);
                    return Some(frame);
                }
            }
        }
    }

    /// Whether something came since the last frame that is none, or not yet one.
    pub(super) fn is_unsettled(&self) -> bool {
        self.noise || self.bytes.len() > 1 // one is a zero, and means nothing
    }

    /// Forgets what came since the last frame.
    pub(super) fn settle(&mut self) {
        *self = Self::default();
    }
}

enum Read {
    Partial,
    Noise,
    Whole(Frame, usize),
}

/// Reads a frame from its start on.
fn read(bytes: &[u8]) -> Read {
    let (length, from) = match bytes {
        [_, _, 0x00, 0xFF, ..] => return Read::Whole(Frame::Ack, 4),
        [_, _, 0xFF, 0x00, ..] => return Read::Whole(Frame::Nack, 4),
        [_, _, 0xFF, 0xFF, high, low, check, ..] if sum(&[*high, *low, *check]) == 0 => {
            (usize::from(u16::from_be_bytes([*high, *low])), 7)
        }
        [_, _, 0xFF, 0xFF, rest @ ..] if rest.len() < 3 => return Read::Partial,
        [_, _, length, check, ..] if sum(&[*length, *check]) == 0 => (usize::from(*length), 4),
        [_, _, _, _, ..] => return Read::Noise,
        _ => return Read::Partial,
    };
    if length == 0 || length > LONGEST {
        return Read::Noise;
    }
    match bytes.get(from..=from + length) {
        None => Read::Partial,
        Some(checked) if sum(checked) != 0 => Read::Noise,
        Some([0x7F, _]) => Read::Whole(Frame::Error, from + 2),
        Some([body @ .., _]) => Read::Whole(Frame::Data(Bytes::copy_from_slice(body)), from + length + 1),
        Some([]) => Read::Noise, // cannot be: there is a checksum at least
    }
}

/// A frame with this body, which has at most [`LONGEST`] bytes.
pub(super) fn frame(body: &[u8]) -> Vec<u8> {
    let [.., high, low] = body.len().to_be_bytes();
    let mut frame = vec![0x00, 0x00, 0xFF];
    if high == 0 {
        frame.extend([low, low.wrapping_neg()]);
    } else {
        frame.extend([0xFF, 0xFF, high, low, high.wrapping_add(low).wrapping_neg()]);
    }
    frame.extend(body);
    frame.extend([sum(body).wrapping_neg(), 0x00]);
    frame
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().copied().fold(0, u8::wrapping_add)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// What is read, in pieces of these lengths and then the rest.
    fn read_in(cuts: &[usize], bytes: &[u8]) -> (Vec<Frame>, Frames) {
        let (mut frames, mut got, mut rest) = (Frames::default(), Vec::new(), bytes);
        for cut in cuts.iter().copied().chain([usize::MAX]) {
            let (piece, later) = rest.split_at(cut.min(rest.len()));
            frames.bytes.extend_from_slice(piece);
            got.extend(std::iter::from_fn(|| frames.next()));
            rest = later;
        }
        (got, frames)
    }

    fn data(body: &[u8]) -> Frame {
        Frame::Data(Bytes::copy_from_slice(body))
    }

    #[test]
    fn frames_are_written_as_the_manual_says() {
        // SAMConfiguration, and the frame for a syntax error.
        assert_eq!(
            frame(&[0xD4, 0x14, 0x01, 0x14, 0x01]),
            [0x00, 0x00, 0xFF, 0x05, 0xFB, 0xD4, 0x14, 0x01, 0x14, 0x01, 0x02, 0x00]
        );
        assert_eq!(frame(&[0x7F]), [0x00, 0x00, 0xFF, 0x01, 0xFF, 0x7F, 0x81, 0x00]);
        assert_eq!(frame(&[0xD4; 255])[..6], [0x00, 0x00, 0xFF, 0xFF, 0x01, 0xD4]);
        assert_eq!(frame(&[0xD4; 256])[..9], [0x00, 0x00, 0xFF, 0xFF, 0xFF, 0x01, 0x00, 0xFF, 0xD4]);
    }

    #[test]
    fn frames_without_data_are_told_apart() {
        let bytes = [ACK, NACK, &frame(&[0x7F]), ACK].concat();
        let (got, frames) = read_in(&[], &bytes);
        assert_eq!(got, [Frame::Ack, Frame::Nack, Frame::Error, Frame::Ack]);
        assert!(!frames.is_unsettled());
    }

    #[test]
    fn what_is_too_long_or_empty_is_noise_and_not_waited_for() {
        for header in
            [&[0x00, 0xFF, 0xFF, 0xFF, 0x01, 0x0A, 0xF5][..], &[0x00, 0xFF, 0x00, 0x00], &[0x00, 0xFF, 0xFF, 0xFF, 1, 0, 0]]
        {
            let (got, frames) = read_in(&[], &[header, ACK].concat());
            assert_eq!(got, [Frame::Ack], "{header:02X?}");
            assert!(!frames.is_unsettled(), "{header:02X?}");
        }
    }

    proptest! {
        #[test]
        fn frames_do_not_depend_on_how_their_bytes_come(
            bodies in vec(vec(any::<u8>(), 2..=LONGEST), 0..5), cuts in vec(1_usize..50, 0..40),
        ) {
            let bytes: Vec<u8> = bodies.iter().flat_map(|body| frame(body)).collect();
            let (got, frames) = read_in(&cuts, &bytes);
            prop_assert_eq!(got, bodies.iter().map(|body| data(body)).collect::<Vec<_>>());
            prop_assert!(!frames.is_unsettled());
        }

        #[test]
        fn a_frame_with_a_changed_byte_is_not_taken_for_itself_nor_for_another(
            body in vec(1_u8..0xFF, 2..=LONGEST), at in any::<prop::sample::Index>(), by in 1_u8..,
        ) {
            let mut bytes = frame(&body);
            let at = 2 + at.index(bytes.len() - 3); // the zeros around it say nothing
            bytes[at] ^= by;
            let (got, frames) = read_in(&[], &bytes);
            prop_assert!(!got.iter().any(|frame| matches!(frame, Frame::Data(_))), "{got:?}");
            prop_assert!(frames.is_unsettled() || !got.is_empty());
        }

        #[test]
        fn no_bytes_are_too_strange_to_read(noise in vec(any::<u8>(), 0..600), body in vec(any::<u8>(), 2..=LONGEST)) {
            let (_, mut frames) = read_in(&[], &noise);
            frames.settle();
            frames.bytes.extend_from_slice(&frame(&body));
            prop_assert_eq!(frames.next(), Some(data(&body)));
        }
    }
}
