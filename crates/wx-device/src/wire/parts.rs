use std::collections::HashMap;

use bytes::Bytes;

use super::{self as wire, message::Message};

/// What is longer than this is sent in parts of this length, so that it does not keep short messages waiting.
pub(crate) const PART: usize = 256 << 10;

/// How many messages may be unfinished at a time.
const OPEN: usize = 8;

/// Puts the parts of long messages together.
#[derive(Debug)]
pub(crate) struct Parts {
    open: HashMap<u64, Vec<u8>>,
    held: usize,
    limit: usize,
}

/// The parts that have arrived are more than this end takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parts of more than {OPEN} messages at a time, or of more than {0} bytes together")]
pub(crate) struct TooMuch(usize);

impl Parts {
    /// Takes so many bytes at a time, all messages together.
    pub(crate) fn new(limit: usize) -> Self {
        Self { open: HashMap::new(), held: 0, limit }
    }

    /// Adds a part; the whole message, if it was the last.
    pub(crate) fn add(&mut self, message: u64, last: bool, data: &[u8]) -> Result<Option<Bytes>, TooMuch> {
        let is_new = !self.open.contains_key(&message);
        self.held += data.len();
        if self.held > self.limit || (is_new && self.open.len() >= OPEN) {
            return Err(TooMuch(self.limit));
        }
        let whole = self.open.entry(message).or_default();
        whole.extend_from_slice(data);
        if !last {
            return Ok(None);
        }
        let whole = self.open.remove(&message).unwrap_or_default();
        self.held -= whole.len();
        Ok(Some(whole.into()))
    }
}

/// The frames of the message with this number, which is too long for one.
pub(crate) fn split(number: u64, message: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let count = message.len().div_ceil(PART).max(1);
    (0..count).map(move |place| {
        let data = &message[place * PART..message.len().min((place + 1) * PART)];
        let mut frame = Vec::with_capacity(data.len() + 32);
        Message::Part(wire::Part { message: number, last: place + 1 == count, data }).frame(&mut frame);
        frame
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use super::{super::frames::Frames, *};

    fn put_together(parts: &mut Parts, frames: impl IntoIterator<Item = Vec<u8>>) -> Vec<Bytes> {
        let (mut cut, mut whole) = (Frames::default(), Vec::new());
        for frame in frames {
            cut.arrived().extend_from_slice(&frame);
            let frame = cut.next().unwrap().unwrap();
            let Message::Part(wire::Part { message, last, data }) = minicbor::decode(&frame).unwrap() else {
                panic!("not a part")
            };
            whole.extend(parts.add(message, last, data).unwrap());
        }
        whole
    }

    #[test]
    fn long_messages_arrive_whole_also_when_their_parts_alternate() {
        let long = |fill: u8, length| vec![fill; length];
        let mut parts = Parts::new(10 * PART);
        for length in [0, 1, PART, PART + 1, 3 * PART] {
            assert_eq!(put_together(&mut parts, split(1, &long(7, length))), [long(7, length)]);
        }
        let (one, two) = (long(1, 2 * PART), long(2, 2 * PART));
        let mixed = split(1, &one).zip(split(2, &two)).flat_map(|(a, b)| [a, b]).collect::<Vec<_>>();
        assert_eq!(put_together(&mut parts, mixed), [one, two]);
        assert_eq!(parts.held, 0);
    }

    #[test]
    fn no_more_is_held_than_allowed() {
        let mut parts = Parts::new(100);
        assert_eq!(parts.add(1, false, &[0; 60]), Ok(None));
        assert_eq!(parts.add(2, false, &[0; 41]), Err(TooMuch(100)));
        let mut parts = Parts::new(100);
        assert!((0..9).any(|message| parts.add(message, false, &[]).is_err()), "no more than eight, also of nothing");
    }
}
