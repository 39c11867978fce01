//! Application identifiers: how a mini-program registers them, and which of them a reader's selection means.

use std::{error, fmt, str::FromStr};

use wx_api::{Api, Error, hce::HceCode};

/// The fewest bytes an AID has: those that name its registered provider.
pub const MIN_AID: usize = 5;
/// The most bytes an AID has.
pub const MAX_AID: usize = 16;
/// The most AIDs one list may register.
pub const MAX_AIDS: usize = 256;

/// An application identifier: 5 to 16 bytes.
///
/// ```
/// use wx_rules::aid::Aid;
///
/// let aid: Aid = "a0000002471001".parse()?;
/// assert_eq!(aid.as_bytes(), [0xA0, 0x00, 0x00, 0x02, 0x47, 0x10, 0x01]);
/// assert_eq!(aid.to_string(), "A0000002471001");
/// # Ok::<(), wx_rules::aid::AidFault>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aid(Vec<u8>);

impl Aid {
    /// The bytes, 5 to 16 of them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<Vec<u8>> for Aid {
    type Error = AidFault;

    /// # Errors
    ///
    /// [`AidFault::Length`] unless there are 5 to 16 bytes.
    fn try_from(bytes: Vec<u8>) -> Result<Self, AidFault> {
        if is_aid_length(bytes.len()) { Ok(Self(bytes)) } else { Err(AidFault::Length(bytes.len())) }
    }
}

impl FromStr for Aid {
    type Err = AidFault;

    /// Reads hex digits of either case.
    ///
    /// # Errors
    ///
    /// Any [`AidFault`].
    fn from_str(text: &str) -> Result<Self, AidFault> {
        let digits = text.chars().map(hex_digit).collect::<Result<Vec<_>, _>>()?;
        let (pairs, rest) = digits.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(AidFault::OddDigits(digits.len()));
        }
        pairs.iter().map(|[high, low]| (high << 4) | low).collect::<Vec<_>>().try_into()
    }
}

impl fmt::Display for Aid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Aid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Aid({self})")
    }
}

fn hex_digit(letter: char) -> Result<u8, AidFault> {
    let digit = letter.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digit.ok_or(AidFault::NotHex(letter))
}

fn is_aid_length(bytes: usize) -> bool {
    (MIN_AID..=MAX_AID).contains(&bytes)
}

/// What a mini-program registers: one AID, or the AIDs around it.
///
/// ```
/// use wx_rules::aid::AidPattern;
///
/// let family: AidPattern = "F222222222*".parse()?;
/// assert!(family.matches(&[0xF2, 0x22, 0x22, 0x22, 0x22, 0x01]));
/// # Ok::<(), wx_rules::aid::AidFault>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AidPattern {
    /// This AID and no other.
    Exact(Aid),
    /// Written with `*`: this AID and every longer one that starts with it.
    Prefix(Aid),
    /// Written with `#`: this AID and every shorter one that it starts with, as readers select that know only the first bytes.
    Subset(Aid),
}

impl AidPattern {
    /// Whether a reader that selects these bytes means this pattern. Fewer than 5 bytes mean none; more than 16, which no AID has,
    /// can still mean a prefix.
    pub fn matches(&self, selected: &[u8]) -> bool {
        selected.len() >= MIN_AID
            && match self {
                Self::Exact(aid) => selected == aid.as_bytes(),
                Self::Prefix(aid) => selected.starts_with(aid.as_bytes()),
                Self::Subset(aid) => aid.as_bytes().starts_with(selected),
            }
    }

    /// Whether some selection means both patterns.
    ///
    /// ```
    /// use wx_rules::aid::AidPattern;
    ///
    /// let family: AidPattern = "F222222222*".parse()?;
    /// assert!(family.overlaps(&"F22222222201".parse()?));
    /// assert!(!family.overlaps(&"F333333333".parse()?));
    /// # Ok::<(), wx_rules::aid::AidFault>(())
    /// ```
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(aid), pattern) | (pattern, Self::Exact(aid)) => pattern.matches(aid.as_bytes()),
            (Self::Prefix(one), Self::Prefix(two)) => {
                one.as_bytes().starts_with(two.as_bytes()) || two.as_bytes().starts_with(one.as_bytes())
            }
            (Self::Prefix(short), Self::Subset(long)) | (Self::Subset(long), Self::Prefix(short)) => {
                long.as_bytes().starts_with(short.as_bytes())
            }
            // Both mean the shortest selection there is, their first five bytes, if those are the same.
            (Self::Subset(one), Self::Subset(two)) => one.as_bytes()[..MIN_AID] == two.as_bytes()[..MIN_AID],
        }
    }
}

impl FromStr for AidPattern {
    type Err = AidFault;

    /// # Errors
    ///
    /// Any [`AidFault`] of the AID before the suffix.
    fn from_str(text: &str) -> Result<Self, AidFault> {
        if let Some(aid) = text.strip_suffix('*') {
            aid.parse().map(Self::Prefix)
        } else if let Some(aid) = text.strip_suffix('#') {
            aid.parse().map(Self::Subset)
        } else {
            text.parse().map(Self::Exact)
        }
    }
}

impl fmt::Display for AidPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(aid) => write!(f, "{aid}"),
            Self::Prefix(aid) => write!(f, "{aid}*"),
            Self::Subset(aid) => write!(f, "{aid}#"),
        }
    }
}

/// Reads the `aid_list` of `wx.startHCE`, whole or not at all.
///
/// ```
/// use wx_rules::aid::parse_aid_list;
///
/// let error = parse_aid_list(&["F222222222".into(), "F2222".into()]).unwrap_err();
/// assert_eq!(error.to_string(), "aid_list[1] (\"F2222\"): 5 hex digits, but two make a byte");
/// assert_eq!(error.code().code(), 13003);
/// ```
///
/// # Errors
///
/// [`AidError`] for an empty list, for more than 256 entries, and for the first entry that is malformed.
pub fn parse_aid_list(list: &[String]) -> Result<Vec<AidPattern>, AidError> {
    match list.len() {
        0 => return Err(AidError::Empty),
        1..=MAX_AIDS => {}
        entries => return Err(AidError::TooMany(entries)),
    }
    let entry = |(index, text): (usize, &String)| {
        text.parse().map_err(|fault| AidError::Entry { index, text: text.chars().take(SHOWN).collect(), fault })
    };
    list.iter().enumerate().map(entry).collect()
}

/// The most characters of a malformed entry that an error repeats: enough for the longest AID, and no more of what is none.
const SHOWN: usize = 40;

/// What is wrong with an `aid_list`. Becomes the failure of `wx.startHCE` with code 13003.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AidError {
    /// It has no entries.
    Empty,
    /// It has this many entries, more than 256.
    TooMany(usize),
    /// One of its entries is malformed.
    Entry {
        /// Which one, counted from 0.
        index: usize,
        /// How it begins: its first 40 characters at most.
        text: String,
        /// What is wrong with it.
        fault: AidFault,
    },
}

impl AidError {
    /// The code a mini-program sees: 13003.
    pub const fn code(&self) -> HceCode {
        HceCode::BadAids
    }
}

impl fmt::Display for AidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "aid_list is empty: register at least one AID"),
            Self::TooMany(entries) => write!(f, "aid_list has {entries} entries, but at most {MAX_AIDS} can be registered"),
            Self::Entry { index, text, fault } => write!(f, "aid_list[{index}] ({text:?}): {fault}"),
        }
    }
}

impl error::Error for AidError {}

impl From<AidError> for Error {
    fn from(error: AidError) -> Self {
        error.code().error(Api::StartHce).with_detail(&error).with_source(error)
    }
}

/// What is wrong with one AID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AidFault {
    /// It has this many bytes, not 5 to 16.
    Length(usize),
    /// It has this many digits, an odd number.
    OddDigits(usize),
    /// It has this letter, which is no hex digit and no suffix.
    NotHex(char),
}

impl fmt::Display for AidFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(bytes) => write!(f, "{bytes} bytes, but an AID has {MIN_AID} to {MAX_AID}"),
            Self::OddDigits(digits) => write!(f, "{digits} hex digits, but two make a byte"),
            Self::NotHex(letter) => write!(f, "{letter:?} is no hex digit, nor a `*` or `#` at the end"),
        }
    }
}

impl error::Error for AidFault {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    fn pattern(text: &str) -> AidPattern {
        text.parse().unwrap()
    }

    fn selects(registered: &str, selected: &str) -> bool {
        pattern(registered).matches(selected.parse::<Aid>().unwrap().as_bytes())
    }

    #[test]
    fn an_aid_has_5_to_16_bytes() {
        for (bytes, ok) in [(0, false), (4, false), (5, true), (16, true), (17, false)] {
            let read = "0a".repeat(bytes).parse::<Aid>();
            assert_eq!(read.is_ok(), ok, "{bytes} bytes: {read:?}");
        }
    }

    #[test]
    fn both_cases_of_letters_are_hex() {
        assert_eq!(pattern("a0aaAAffFF"), pattern("A0AAAAFFFF"));
    }

    #[test]
    fn what_is_not_hex_is_named() {
        for (text, fault) in [
            ("F22222222", AidFault::OddDigits(9)),
            ("F22222222*", AidFault::OddDigits(9)),
            ("F2222222 2", AidFault::NotHex(' ')),
            ("0xF222222222", AidFault::NotHex('x')),
            ("F222222222*#", AidFault::NotHex('*')),
            ("F222*22222", AidFault::NotHex('*')),
            ("F222222222é", AidFault::NotHex('é')),
            ("１２３４５６７８９０", AidFault::NotHex('１')), // digits, but not ASCII
            ("", AidFault::Length(0)),
            ("*", AidFault::Length(0)),
        ] {
            assert_eq!(text.parse::<AidPattern>(), Err(fault), "{text:?}");
        }
    }

    /// What Android routes where: exact, prefix and subset registrations against whole, longer and shortened selections.
    #[test]
    fn a_selection_means_what_android_says() {
        for (registered, selected, means) in [
            ("A000000003101012", "A000000003101012", true),
            ("A000000003101012", "A00000000310101200", false),
            ("A000000003101012", "A0000000031010", false), // shortened by the reader
            ("A0000000031010*", "A0000000031010", true),
            ("A0000000031010*", "A000000003101012", true),
            ("A0000000031010*", "A000000003", false),
            ("A0000000031010*", "A0000000041010", false),
            ("A0000000031010#", "A0000000031010", true),
            ("A0000000031010#", "A000000003", true),
            ("A0000000031010#", "A00000000310", true),
            ("A0000000031010#", "A000000003101012", false),
            ("A0000000031010#", "A000000004", false),
        ] {
            assert_eq!(selects(registered, selected), means, "{registered} registered, {selected} selected");
        }
    }

    #[test]
    fn a_selection_shorter_than_any_aid_means_nothing() {
        assert!(!pattern("A0000000031010#").matches(&[0xA0, 0, 0, 0]));
        assert!(!pattern("A0000000031010#").matches(&[]));
    }

    #[test]
    fn a_selection_longer_than_any_aid_can_mean_a_prefix_only() {
        let longest = "00".repeat(MAX_AID);
        for (registered, means) in [("0000000000*", true), (longest.as_str(), false), (&format!("{longest}#"), false)] {
            assert_eq!(pattern(registered).matches(&[0; MAX_AID + 1]), means, "{registered}");
        }
    }

    #[test]
    fn a_list_has_1_to_256_entries() {
        let list = |entries: usize| vec!["F222222222".to_owned(); entries];
        assert_eq!(parse_aid_list(&list(0)), Err(AidError::Empty));
        assert_eq!(parse_aid_list(&list(1)).unwrap(), [pattern("F222222222")]);
        assert_eq!(parse_aid_list(&list(256)).unwrap().len(), 256);
        assert_eq!(parse_aid_list(&list(257)), Err(AidError::TooMany(257)));
    }

    #[test]
    fn one_bad_entry_spoils_the_list_and_is_pointed_at() {
        let list = ["F222222222", "F2222222", "XYZ"].map(str::to_owned);
        let fault = AidFault::Length(4);
        assert_eq!(parse_aid_list(&list), Err(AidError::Entry { index: 1, text: "F2222222".to_owned(), fault }));
    }

    #[test]
    fn a_long_bad_entry_is_not_repeated_whole() {
        let error = parse_aid_list(&["é\n".repeat(100_000)]).unwrap_err();
        assert!(error.to_string().len() < 200, "{error}");
        assert!(!error.to_string().contains('\n'), "an errMsg is one line");
    }

    #[test]
    fn a_bad_list_is_a_failure_of_start_hce() {
        let error = Error::from(AidError::Empty);
        assert_eq!((error.api(), error.code()), (Api::StartHce, Some(13003)));
        assert_eq!(error.to_string(), "startHCE:fail invalid aid_list: aid_list is empty: register at least one AID");
        assert!(error::Error::source(&error).is_some());
    }
}
