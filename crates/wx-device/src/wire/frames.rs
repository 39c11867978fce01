use bytes::{Buf as _, Bytes, BytesMut};

/// The longest frame either end may send.
pub(crate) const MAX_FRAME: usize = 1 << 20;

/// Cuts what arrives into frames: four bytes of length, the most significant first, and that many bytes.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    arrived: BytesMut,
}

/// The other end announced a frame that nobody may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other end sent a frame of {0} bytes; {MAX_FRAME} are the most")]
pub(crate) struct TooLong(u32);

impl Frames {
    /// Where to put what arrives.
    pub(crate) fn arrived(&mut self) -> &mut BytesMut {
        &mut self.arrived
    }

    /// The next frame, once it is whole.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, TooLong> {
        let Some(&length) = self.arrived.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(length);
        let whole = usize::try_from(length).ok().filter(|&length| length <= MAX_FRAME).ok_or(TooLong(length))?;
        if self.arrived.len() - 4 < whole {
            return Ok(None);
        }
        self.arrived.advance(4);
        Ok(Some(self.arrived.split_to(whole).freeze()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in_however_they_arrive(
            frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
            piece in 1_usize..64,
        ) {
            let mut sent = Vec::new();
            for frame in &frames {
                sent.extend_from_slice(&u32::try_from(frame.len()).unwrap().to_be_bytes());
                sent.extend_from_slice(frame);
            }
            let (mut cut, mut came) = (Frames::default(), Vec::new());
            for piece in sent.chunks(piece) {
                cut.arrived().extend_from_slice(piece);
                while let Some(frame) = cut.next().unwrap() {
                    came.push(frame.to_vec());
                }
            }
            prop_assert_eq!(came, frames);
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_by_its_length_alone() {
        let mut cut = Frames::default();
        let length = u32::try_from(MAX_FRAME).unwrap();
        cut.arrived().extend_from_slice(&length.to_be_bytes());
        assert_eq!(cut.next(), Ok(None));
        let mut cut = Frames::default();
        cut.arrived().extend_from_slice(&(length + 1).to_be_bytes());
        assert_eq!(cut.next(), Err(TooLong(length + 1)));
    }
}
