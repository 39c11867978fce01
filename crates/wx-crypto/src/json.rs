//! JSON read strictly, without building it in memory: RFC 8259, no key twice in an object, and not too deep.
//!
//! Open data are hashed, decoded and decrypted in less time than it takes to hand each of their keys and values to a general
//! deserialiser. This walk only finds where things begin and end; what matters of them is read afterwards. Tests compare it with
//! `serde_json`.

use std::borrow::Cow;

use smallvec::SmallVec;

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
    let mut walk = Walk { text: Text(text), member, outer: None, keys: SmallVec::new(), repeat: false };
    match walk.document() {
        Ok(()) if walk.repeat => Ok(Keys::Repeat),
        Ok(()) => Ok(Keys::Differ),
        Err(at) => Err(fault(text, at)),
    }
}

/// What a value says, if it is a text.
pub(crate) fn text(value: &str) -> Option<Cow<'_, str>> {
    let [b'"', inner @ .., b'"'] = value.as_bytes() else { return None };
    if plain(inner) < inner.len() { serde_json::from_str(value).ok() } else { value.get(1..=inner.len()).map(Cow::Borrowed) }
}

/// A text in quotes, seen but not read: what is between them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quoted<'a>(&'a [u8]);

#[cfg(any(feature = "aws-lc-rs", feature = "rsa"))]
impl<'a> Quoted<'a> {
    /// What it says.
    pub(crate) fn text(self) -> Cow<'a, str> {
        if self.has_escapes() {
            return Cow::Owned(self.unescaped().unwrap_or_default()); // one that says nothing was not handed out
        }
        String::from_utf8_lossy(self.0)
    }
}

impl Quoted<'_> {
    /// Whether it says this. Written with escapes it is longer.
    pub(crate) fn is(self, text: &str) -> bool {
        self.0 == text.as_bytes() || self.0.len() > text.len() && self.says(text)
    }

    fn says(self, text: &str) -> bool {
        self.has_escapes() && self.unescaped().is_some_and(|unescaped| unescaped == text)
    }

    fn has_escapes(self) -> bool {
        self.0.contains(&b'\\')
    }

    /// Made of its length and its first and last byte.
    fn traits(self) -> u32 {
        let letter = |letter: Option<&u8>| letter.copied().map_or(0, u32::from);
        let [length, ..] = self.0.len().to_le_bytes();
        u32::from(length) + 5 * letter(self.0.first()) + 11 * letter(self.0.last())
    }

    /// What it says. Half a surrogate pair says nothing.
    // Rare, and out of the way of what is not.
    #[cold]
    fn unescaped(self) -> Option<String> {
        serde_json::from_slice(&[b"\"", self.0, b"\""].concat()).ok()
    }
}

/// Where something ends, or else where the fault is.
type End = Result<usize, usize>;

/// Each method takes where something begins and answers where it ends.
struct Walk<'a, M> {
    text: Text<'a>,
    member: M,
    /// The key at the top whose value is being walked.
    outer: Option<Quoted<'a>>,
    /// Keys of the objects that are open, the innermost last.
    keys: SmallVec<[Quoted<'a>; FEW_KEYS]>,
    repeat: bool,
}

impl<'a, M: FnMut(Option<Quoted<'a>>, Quoted<'a>, &'a str) -> bool> Walk<'a, M> {
    fn document(&mut self) -> Result<(), usize> {
        let start = self.text.blank(0);
        if self.text.byte(start) != Some(b'{') {
            return Err(start);
        }
        let end = self.object(start, 1)?;
        let end = self.text.blank(end);
        if end == self.text.0.len() { Ok(()) } else { Err(end) }
    }

    fn object(&mut self, start: usize, depth: usize) -> End {
        let (text, first) = (self.text, self.keys.len());
        let mut at = text.blank(start + 1);
        if text.byte(at) == Some(b'}') {
            return Ok(at + 1);
        }
        let mut escapes = false;
        loop {
            let (end, form) = text.quoted(at);
            if form == Form::Fault {
                return Err(end);
            }
            escapes |= form == Form::Escaped;
            let key = Quoted(text.0.as_bytes().get(at + 1..end - 1).ok_or(at)?);
            self.keys.push(key);
            at = text.blank(end);
            if text.byte(at) != Some(b':') {
                return Err(at);
            }
            let value = text.blank(at + 1);
            // Most values are texts, and to be called costs as much as to read a short one.
            at = if text.byte(value) == Some(b'"') {
                text.end_of_quoted(value)?
            } else {
                if depth == 1 {
                    self.outer = Some(key);
                }
                self.value(value, depth)?
            };
            if depth <= 2 {
                let outer = if depth == 1 { None } else { self.outer };
                let written = text.0.get(value..at).ok_or(value)?;
                if !(self.member)(outer, key, written) {
                    return Err(value);
                }
            }
            at = text.blank(at);
            match text.byte(at) {
                Some(b',') => at = text.blank(at + 1),
                Some(b'}') => break,
                _ => return Err(at),
            }
        }
        self.repeat |= any_repeats(&mut self.keys[first..], escapes);
        self.keys.truncate(first);
        Ok(at + 1)
    }

    fn array(&mut self, start: usize, depth: usize) -> End {
        let text = self.text;
        let mut at = text.blank(start + 1);
        if text.byte(at) == Some(b']') {
            return Ok(at + 1);
        }
        loop {
            at = self.value(at, depth)?;
            at = text.blank(at);
            match text.byte(at) {
                Some(b',') => at = text.blank(at + 1),
                Some(b']') => return Ok(at + 1),
                _ => return Err(at),
            }
        }
    }

    fn value(&mut self, at: usize, depth: usize) -> End {
        match self.text.byte(at) {
            Some(b'"') => self.text.end_of_quoted(at),
            Some(b'-' | b'0'..=b'9') => self.text.number(at),
            Some(b'{') if depth < MAX_DEPTH => self.object(at, depth + 1),
            Some(b'[') if depth < MAX_DEPTH => self.array(at, depth + 1),
            Some(b't') => self.text.word(at, "true"),
            Some(b'f') => self.text.word(at, "false"),
            Some(b'n') => self.text.word(at, "null"),
            _ => Err(at),
        }
    }
}

/// How a text in quotes is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Escaped,
    Fault,
}

/// What is walked. By value, so that where it is stays at hand.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

impl Text<'_> {
    /// A text in quotes.
    #[inline(always)]
    #[allow(clippy::inline_always)] // to be called for each key and value costs what is saved elsewhere
    fn quoted(self, start: usize) -> (usize, Form) {
        let Some((b'"', inner)) = self.0.as_bytes().get(start..).unwrap_or_default().split_first() else {
            return (start, Form::Fault);
        };
        let len = plain(inner);
        if inner.get(len) == Some(&b'"') { (start + len + 2, Form::Plain) } else { self.escaped(start, start + 1 + len) }
    }

    /// A text in quotes that has an escape here, if it is one.
    #[cold]
    fn escaped(self, start: usize, mut at: usize) -> (usize, Form) {
        let bytes = self.0.as_bytes();
        loop {
            match self.byte(at) {
                Some(b'"') => break,
                Some(b'\\') => at += 2,
                _ => return (at, Form::Fault),
            }
            at += plain(bytes.get(at..).unwrap_or_default());
        }
        match bytes.get(start + 1..at).and_then(|inner| Quoted(inner).unescaped()) {
            Some(_) => (at + 1, Form::Escaped),
            None => (start, Form::Fault),
        }
    }

    fn end_of_quoted(self, start: usize) -> End {
        let (end, form) = self.quoted(start);
        if form == Form::Fault { Err(end) } else { Ok(end) }
    }

    fn number(self, start: usize) -> End {
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
    fn digits(self, start: usize) -> End {
        let mut at = start;
        while self.byte(at).is_some_and(|byte| byte.is_ascii_digit()) {
            at += 1;
        }
        if at > start { Ok(at) } else { Err(at) }
    }

    fn word(self, start: usize, word: &str) -> End {
        let end = start + word.len();
        if self.0.get(start..end) == Some(word) { Ok(end) } else { Err(start) }
    }

    /// White space, if any. Where nobody made the text pretty there is none.
    fn blank(self, start: usize) -> usize {
        if self.byte(start).is_none_or(|byte| byte > b' ') { start } else { self.blanks(start) }
    }

    #[inline(never)]
    fn blanks(self, start: usize) -> usize {
        let mut at = start;
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte(at) {
            at += 1;
        }
        at
    }

    fn byte(self, at: usize) -> Option<u8> {
        self.0.as_bytes().get(at).copied()
    }
}

/// How many bytes of a text come before its end, an escape, or a control character, which has no business there.
///
/// Eight at once: taking `n` from each byte of a word sets the highest bit of those that were smaller, and of some that had it set before.
/// A borrow may set it in bytes behind one of them too, but only the first counts.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHEST: u64 = ONES << 7;
    let below = |word: u64, n: u8| word.wrapping_sub(ONES * u64::from(n));
    let equal = |word: u64, n: u8| below(word ^ (ONES * u64::from(n)), 1);

    let mut at = 0;
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*block);
        let special = (equal(word, b'"') | equal(word, b'\\') | below(word, b' ')) & !word & HIGHEST;
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    plain_one_by_one(bytes, at)
}

#[cold]
fn plain_one_by_one(bytes: &[u8], from: usize) -> usize {
    let special = |byte: &u8| *byte == b'"' || *byte == b'\\' || *byte < b' ';
    bytes.iter().skip(from).position(special).map_or(bytes.len(), |behind| from + behind)
}

/// Up to here comparing each key with each other is cheaper than sorting them.
const FEW_KEYS: usize = 16;

fn any_repeats(keys: &mut [Quoted<'_>], escapes: bool) -> bool {
    if escapes {
        return any_repeats_unescaped(keys);
    }
    // Comparing each with each would let a stranger's object cost the square of its size.
    if keys.len() > FEW_KEYS {
        keys.sort_unstable_by_key(|key| key.0);
        return keys.windows(2).any(|pair| pair[0] == pair[1]);
    }
    // Two keys that are the same have the same length and letters at their ends. Most that differ do so in these, so few are compared.
    let mut seen = 0_u64;
    (0..keys.len()).any(|i| {
        let bit = 1 << (keys[i].traits() % u64::BITS);
        let is_seen = seen & bit != 0;
        seen |= bit;
        is_seen && keys[..i].contains(&keys[i])
    })
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
