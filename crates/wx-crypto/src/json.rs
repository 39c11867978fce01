//! JSON read strictly, without building it in memory: RFC 8259, no key twice in an object, and not too deep.
//!
//! Open data are hashed, decoded and decrypted in less time than it takes to hand each of their keys and values to a general
//! deserialiser. This walk only finds where things begin and end; what matters of them is read afterwards. Tests compare it with
//! `serde_json`.

use std::borrow::Cow;

/// Levels of nesting that are still read, as in `serde_json`.
const MAX_DEPTH: usize = 127;

/// Where a text is no JSON object, or nested too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// From 1.
    pub(crate) line: usize,
    /// In bytes, from 1.
    pub(crate) column: usize,
}

/// Whether the keys of every object differ from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    Differ,
    Repeat,
}

/// Walks `text`, which must be an object and nothing else, and hands out its members and those of the objects directly in it: the
/// key of the object that a member is in, or `None` at the top; its own key; and its value as it is written. What `member` answers
/// `false` to is a fault there.
///
/// Keys count as the same after unescaping, at every level. That one repeats is told at the end, so that a text that is no JSON at
/// all is called so in any case.
pub(crate) fn walk<'a>(
    text: &'a str,
    member: impl FnMut(Option<Quoted<'a>>, Quoted<'a>, &'a str) -> bool,
) -> Result<Keys, Fault> {
    let mut walk = Walk { text, member, outer: None, keys: Vec::with_capacity(FEW_KEYS), repeat: false };
    match walk.document() {
        Ok(()) if walk.repeat => Ok(Keys::Repeat),
        Ok(()) => Ok(Keys::Differ),
        Err(at) => Err(fault(text, at)),
    }
}

/// What a value says, if it is a text.
pub(crate) fn text(value: &str) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(value).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

/// A text in quotes, seen but not read.
#[derive(Clone, Copy)]
pub(crate) struct Quoted<'a> {
    /// Without the quotes.
    inner: &'a [u8],
    escapes: bool,
}

impl Quoted<'_> {
    /// Whether it says this.
    pub(crate) fn is(self, text: &str) -> bool {
        if self.escapes { self.unescaped().is_some_and(|unescaped| unescaped == text) } else { self.inner == text.as_bytes() }
    }

    /// What it says. Half a surrogate pair says nothing.
    // Rare, and out of the way of what is not.
    #[cold]
    fn unescaped(self) -> Option<String> {
        serde_json::from_slice(&[b"\"", self.inner, b"\""].concat()).ok()
    }
}

/// Where something ends, or else where the fault is.
type End = Result<usize, usize>;

/// Each method takes where something begins and answers where it ends.
struct Walk<'a, M> {
    text: &'a str,
    member: M,
    /// The key at the top whose value is being walked.
    outer: Option<Quoted<'a>>,
    /// Keys of the objects that are open, the innermost last.
    keys: Vec<Quoted<'a>>,
    repeat: bool,
}

impl<'a, M: FnMut(Option<Quoted<'a>>, Quoted<'a>, &'a str) -> bool> Walk<'a, M> {
    fn document(&mut self) -> Result<(), usize> {
        let start = self.blank(0);
        if self.byte(start) != Some(b'{') {
            return Err(start);
        }
        let end = self.object(start, 1)?;
        let end = self.blank(end);
        if end == self.text.len() { Ok(()) } else { Err(end) }
    }

    fn object(&mut self, start: usize, depth: usize) -> End {
        let first = self.keys.len();
        let mut at = self.blank(start + 1);
        if self.byte(at) == Some(b'}') {
            return Ok(at + 1);
        }
        loop {
            let (key, end) = self.quoted(at)?;
            self.keys.push(key);
            at = self.blank(end);
            if self.byte(at) != Some(b':') {
                return Err(at);
            }
            let value = self.blank(at + 1);
            if depth == 1 {
                self.outer = Some(key);
            }
            at = self.value(value, depth)?;
            if depth <= 2 {
                let outer = if depth == 1 { None } else { self.outer };
                let text = self.text.get(value..at).ok_or(value)?;
                if !(self.member)(outer, key, text) {
                    return Err(value);
                }
            }
            at = self.blank(at);
            match self.byte(at) {
                Some(b',') => at = self.blank(at + 1),
                Some(b'}') => break,
                _ => return Err(at),
            }
        }
        self.repeat |= any_repeats(&mut self.keys[first..]);
        self.keys.truncate(first);
        Ok(at + 1)
    }

    fn array(&mut self, start: usize, depth: usize) -> End {
        let mut at = self.blank(start + 1);
        if self.byte(at) == Some(b']') {
            return Ok(at + 1);
        }
        loop {
            at = self.value(at, depth)?;
            at = self.blank(at);
            match self.byte(at) {
                Some(b',') => at = self.blank(at + 1),
                Some(b']') => return Ok(at + 1),
                _ => return Err(at),
            }
        }
    }

    fn value(&mut self, at: usize, depth: usize) -> End {
        match self.byte(at) {
            Some(b'"') => self.quoted(at).map(|(_, end)| end),
            Some(b'-' | b'0'..=b'9') => self.number(at),
            Some(b'{') if depth < MAX_DEPTH => self.object(at, depth + 1),
            Some(b'[') if depth < MAX_DEPTH => self.array(at, depth + 1),
            Some(b't') => self.word(at, "true"),
            Some(b'f') => self.word(at, "false"),
            Some(b'n') => self.word(at, "null"),
            _ => Err(at),
        }
    }

    #[inline(always)]
    #[allow(clippy::inline_always)] // a key that is returned through memory makes the whole walk a fifth slower
    fn quoted(&self, start: usize) -> Result<(Quoted<'a>, usize), usize> {
        if self.byte(start) != Some(b'"') {
            return Err(start);
        }
        let mut at = start + 1;
        let mut escapes = false;
        loop {
            at += plain(self.text.as_bytes().get(at..).unwrap_or_default());
            match self.byte(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escapes = true;
                    at += 2;
                }
                _ => return Err(at),
            }
        }
        let quoted = Quoted { inner: self.text.as_bytes().get(start + 1..at).ok_or(start)?, escapes };
        if escapes && quoted.unescaped().is_none() {
            return Err(start);
        }
        Ok((quoted, at + 1))
    }

    fn number(&self, start: usize) -> End {
        let mut at = start + usize::from(self.byte(start) == Some(b'-'));
        at = if self.byte(at) == Some(b'0') { at + 1 } else { self.digits(at)? };
        if self.byte(at) == Some(b'.') {
            at = self.digits(at + 1)?;
        }
        if let Some(b'e' | b'E') = self.byte(at) {
            at += 1 + usize::from(matches!(self.byte(at + 1), Some(b'+' | b'-')));
            at = self.digits(at)?;
        }
        Ok(at)
    }

    /// One or more.
    fn digits(&self, start: usize) -> End {
        let mut at = start;
        while self.byte(at).is_some_and(|byte| byte.is_ascii_digit()) {
            at += 1;
        }
        if at > start { Ok(at) } else { Err(at) }
    }

    fn word(&self, start: usize, word: &str) -> End {
        let end = start + word.len();
        if self.text.get(start..end) == Some(word) { Ok(end) } else { Err(start) }
    }

    /// White space, if any.
    fn blank(&self, start: usize) -> usize {
        let mut at = start;
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte(at) {
            at += 1;
        }
        at
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }
}

/// How many bytes of a text come before its end, an escape, or a control character, which has no business there.
///
/// Eight at once: taking `n` from each byte of a word sets the highest bit of those that were smaller. A borrow may set it in bytes
/// behind one of them too, but only the first counts.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHEST: u64 = ONES << 7;
    let below = |word: u64, n: u8| word.wrapping_sub(ONES * u64::from(n)) & !word;
    let equal = |word: u64, n: u8| below(word ^ (ONES * u64::from(n)), 1);

    let mut rest = bytes;
    while let Some((block, next)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*block);
        let special = (equal(word, b'"') | equal(word, b'\\') | below(word, b' ')) & HIGHEST;
        if special != 0 {
            return bytes.len() - rest.len() + special.trailing_zeros() as usize / 8;
        }
        rest = next;
    }
    let special = |byte: &u8| *byte == b'"' || *byte == b'\\' || *byte < b' ';
    bytes.len() - rest.len() + rest.iter().position(special).unwrap_or(rest.len())
}

/// Up to here comparing each key with each other is cheaper than sorting them.
const FEW_KEYS: usize = 16;

fn any_repeats(keys: &mut [Quoted<'_>]) -> bool {
    if keys.iter().any(|key| key.escapes) {
        return any_repeats_unescaped(keys);
    }
    if keys.len() <= FEW_KEYS {
        return (1..keys.len()).any(|i| keys[..i].iter().any(|key| key.inner == keys[i].inner));
    }
    // Comparing each with each would let a stranger's object cost the square of its size.
    keys.sort_unstable_by_key(|key| key.inner);
    keys.windows(2).any(|pair| pair[0].inner == pair[1].inner)
}

#[cold]
fn any_repeats_unescaped(keys: &[Quoted<'_>]) -> bool {
    let mut keys: Vec<_> = keys.iter().map(|key| key.unescaped()).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

fn fault(text: &str, at: usize) -> Fault {
    let before = &text.as_bytes()[..at.min(text.len())];
    let mut lines = before.split(|byte| *byte == b'\n');
    let last = lines.next_back().unwrap_or_default();
    Fault { line: 1 + lines.count(), column: 1 + last.len() }
}

#[cfg(test)]
mod tests;
