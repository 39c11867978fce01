//! Everything that would be random elsewhere: derived from one number.

/// The number a world grows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// The bytes that belong to this label and these parts, and to no others. Nothing is remembered between two calls, so one
    /// part of a world cannot shift the numbers of another.
    pub(crate) fn stream(self, label: &str, parts: &[&[u8]]) -> Stream {
        let mut state = absorb(self.0, label.as_bytes());
        for part in parts {
            state = absorb(state, part);
        }
        Stream { state }
    }
}

/// Takes the bytes into the state, their number first, so that `ab`, `c` and `a`, `bc` lead to different states.
fn absorb(state: u64, bytes: &[u8]) -> u64 {
    let mut state = mix(state ^ bytes.len() as u64);
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = mix(state ^ u64::from_le_bytes(word));
    }
    state
}

/// A splitmix64 generator. Predictable, which is what a test wants and nobody else may have.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    state: u64,
}

impl Stream {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        finish(self.state)
    }

    /// The next bytes.
    pub(crate) fn bytes<const N: usize>(mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        bytes
    }

    /// As many letters as `prefix` leaves of `length`, after it: letters, digits, `-` and `_`.
    pub(crate) fn text(mut self, prefix: &str, length: usize) -> String {
        let mut text = prefix.to_owned();
        while text.len() < length {
            text.push(char::from(LETTERS[usize::from(self.next().to_le_bytes()[7] & 63)]));
        }
        text
    }
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(state: u64) -> u64 {
    finish(state.wrapping_add(GOLDEN))
}

fn finish(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        // The first two numbers of the reference implementation for the state 1234567.
        let mut stream = Stream { state: 1_234_567 };
        assert_eq!([stream.next(), stream.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn seed_label_and_every_part_count_and_nothing_else_does() {
        let draw = |seed, label, parts: &[&[u8]]| Seed(seed).stream(label, parts).bytes::<16>();
        let first = draw(1, "iv", &[b"ab", b"c"]);
        assert_eq!(first, draw(1, "iv", &[b"ab", b"c"]));
        for other in [
            draw(2, "iv", &[b"ab", b"c"]),
            draw(1, "key", &[b"ab", b"c"]),
            draw(1, "iv", &[b"a", b"bc"]),
            draw(1, "iv", &[b"abc"]),
            draw(1, "iv", &[b"ab", b"c\0"]),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn a_text_has_the_length_asked_for_and_is_url_safe() {
        let text = Seed(1).stream("openid", &[]).text("o", 28);
        assert_eq!(text.len(), 28);
        assert!(text.starts_with('o') && text.bytes().all(|letter| LETTERS.contains(&letter)), "{text}");
    }
}
