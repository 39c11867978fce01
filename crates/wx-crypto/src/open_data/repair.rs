//! Undoing what web stacks do to base64.

use std::borrow::Cow;
use std::fmt;

use super::{Expect, OpenDataError, Opened, open};
use crate::SessionKey;

/// One kind of damage that was repaired. `Display` says what it was and where it usually comes from.
///
/// # Examples
///
/// ```
/// use wx_crypto::open_data::Repair;
///
/// assert!(Repair::Space.to_string().contains("`+`"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Repair {
    /// `%2B` and the like: encoded for a URL and not decoded.
    PercentEncoding,
    /// Broken into lines, as for mail.
    LineBreak,
    /// A space where `+` was: decoded as a form without having been encoded as one.
    Space,
    /// `-` and `_` for `+` and `/`.
    UrlSafe,
    /// No `=` at the end, or one too few.
    Padding,
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PercentEncoding => "was still percent-encoded: decode the URL or form that it travels in",
            Self::LineBreak => "was broken into lines: encode base64 without line breaks",
            Self::Space => "had a space for `+`: percent-encode it before it goes into a URL or a form",
            Self::UrlSafe => "used the URL-safe alphabet: pass it on as it is, or encode it in the standard one",
            Self::Padding => "lacked the `=` at its end: do not trim it",
        })
    }
}

/// A text of base64 after [`repair`].
///
/// # Examples
///
/// See [`repair`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired<'a> {
    /// The text to decode, strictly: not everything can be repaired.
    pub text: Cow<'a, str>,
    /// What was done, in this order.
    pub repairs: Vec<Repair>,
}

/// Undoes what the ways of a text through URLs, forms and mail do to base64, and says what that was.
///
/// Each kind of damage has one repair, applied once, so nothing is tried out. A text in padded standard base64 comes back as it
/// is, with no repairs.
///
/// # Examples
///
/// ```
/// use wx_crypto::{SessionKey, open_data::{Repair, repair}};
///
/// let repaired = repair("HyVFkGl5F5OQWJZZaNzBBg%3D");
/// assert_eq!(repaired.text, "HyVFkGl5F5OQWJZZaNzBBg==");
/// assert_eq!(repaired.repairs, [Repair::PercentEncoding, Repair::Padding]);
/// let key = SessionKey::from_base64(&repaired.text)?;
/// # Ok::<(), wx_crypto::OpenDataError>(())
/// ```
pub fn repair(text: &str) -> Repaired<'_> {
    let mut repaired = Repaired { text: Cow::Borrowed(text), repairs: Vec::new() };
    if text.contains('%') {
        repaired.becomes(percent_decoded(text), Repair::PercentEncoding);
    }
    if repaired.text.contains(['\r', '\n']) {
        repaired.becomes(repaired.text.replace(['\r', '\n'], ""), Repair::LineBreak);
    }
    if repaired.text.contains(' ') {
        repaired.becomes(repaired.text.replace(' ', "+"), Repair::Space);
    }
    if repaired.text.contains(['-', '_']) {
        repaired.becomes(repaired.text.replace('-', "+").replace('_', "/"), Repair::UrlSafe);
    }
    // One character alone holds no byte, so nothing can be missing behind it.
    let padding = match repaired.text.len() % 4 {
        2 => "==",
        3 => "=",
        _ => return repaired,
    };
    repaired.becomes(format!("{}{padding}", repaired.text), Repair::Padding);
    repaired
}

impl Repaired<'_> {
    fn becomes(&mut self, text: String, repair: Repair) {
        if self.text != text {
            self.text = Cow::Owned(text);
            self.repairs.push(repair);
        }
    }
}

/// Decodes `%` with two hexadecimal digits, once, to ASCII; whatever else begins with `%` stays and is refused later.
fn percent_decoded(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        decoded.push_str(before);
        let digits = after.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii);
        decoded.push(byte.map_or('%', char::from));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    decoded + rest
}

/// What [`open_lenient`] repaired, to be logged: every entry is a mistake somewhere on the way to this server.
///
/// # Examples
///
/// ```
/// use wx_crypto::open_data::Repairs;
///
/// assert!(Repairs::default().is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// Of the encrypted data.
    pub encrypted_data: Vec<Repair>,
    /// Of the iv.
    pub iv: Vec<Repair>,
}

impl Repairs {
    /// Whether everything arrived as it was sent.
    pub fn is_empty(&self) -> bool {
        self.encrypted_data.is_empty() && self.iv.is_empty()
    }
}

/// [`open`] for data that came through a stack which damages base64: [`repair`] of both texts first, and then the same checks.
///
/// For a server that cannot mend its clients. Mend them if you can: this forgives damage, not wrong keys, and what it opens
/// without any repair [`open`] opens too. A damaged key is the caller's to repair, since it should never have left the servers.
///
/// # Errors
///
/// Those of [`open`], for the repaired texts.
///
/// # Examples
///
/// ```
/// use wx_crypto::{Expect, OpenDataError, SessionKey, open_data::{self, Repair}};
///
/// let key = SessionKey::from_bytes([3; 16]);
/// let json = br#"{"watermark":{"appid":"wx-mine","timestamp":1800000000}}"#;
/// let sealed = open_data::seal(json, &key, [0xfb; 16]);
/// assert_eq!(sealed.iv, "+/v7+/v7+/v7+/v7+/v7+w==");
///
/// let expect = Expect { appid: "wx-mine", now_s: 1_800_000_000, max_age_s: 7200, max_skew_s: 300 };
/// let damaged = " /v7 /v7 /v7 /v7 /v7 w==";
/// let (opened, repairs) = open_data::open_lenient(&sealed.encrypted_data, damaged, &key, &expect)?;
/// assert_eq!(opened.json.as_bytes(), json);
/// assert_eq!(repairs.iv, [Repair::Space]);
/// # Ok::<(), OpenDataError>(())
/// ```
pub fn open_lenient(
    encrypted_data: &str,
    iv: &str,
    key: &SessionKey,
    expect: &Expect<'_>,
) -> Result<(Opened, Repairs), OpenDataError> {
    let (data, iv) = (repair(encrypted_data), repair(iv));
    let opened = open(&data.text, &iv.text, key, expect)?;
    Ok((opened, Repairs { encrypted_data: data.repairs, iv: iv.repairs }))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_kind_of_damage_is_repaired_and_told() {
        use Repair::{LineBreak, Padding, PercentEncoding, Space, UrlSafe};
        for (damaged, text, repairs) in [
            ("ab+/", "ab+/", vec![]),
            ("ab%2B%2f", "ab+/", vec![PercentEncoding]),
            ("ab /", "ab+/", vec![Space]),
            ("ab-_", "ab+/", vec![UrlSafe]),
            ("ab\r\n+/\n", "ab+/", vec![LineBreak]),
            ("abc", "abc=", vec![Padding]),
            ("ab", "ab==", vec![Padding]),
            ("ab=", "ab==", vec![Padding]),
            ("ab%20_%0A", "ab+/", vec![PercentEncoding, LineBreak, Space, UrlSafe]),
        ] {
            assert_eq!(repair(damaged), Repaired { text: text.into(), repairs }, "{damaged:?}");
        }
    }

    #[test]
    fn what_cannot_be_repaired_stays_for_the_strict_decoder_to_refuse() {
        for text in
            ["a", "abcde", "ab%2", "ab%zz", "ab%C3%A9", "%25 2B", "ab==ab==", "ab\u{a0}/", "a\tb=", "%252B%252B", "ab%+2"]
        {
            assert!(STANDARD.decode(&*repair(text).text).is_err(), "{text:?} became {:?}", repair(text).text);
        }
    }

    proptest! {
        #[test]
        fn sound_base64_comes_back_as_it_is(bytes in any::<Vec<u8>>()) {
            let text = STANDARD.encode(bytes);
            let repaired = repair(&text);
            prop_assert_eq!(&repaired.text, &text);
            prop_assert!(repaired.repairs.is_empty());
        }

        #[test]
        fn each_damage_to_any_bytes_is_undone(bytes in any::<Vec<u8>>(), at in any::<prop::sample::Index>()) {
            let text = STANDARD.encode(&bytes);
            let mut broken = text.clone();
            broken.insert_str(at.index(text.len() + 1), "\r\n");
            let percent = text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
            for damaged in [URL_SAFE_NO_PAD.encode(&bytes), text.replace('+', " "), percent, text.replace('=', ""), broken] {
                prop_assert_eq!(repair(&damaged).text, text.as_str(), "{:?}", damaged);
            }
        }

        #[test]
        fn arbitrary_text_is_repaired_without_a_panic(text in any::<String>()) {
            let repaired = repair(&text);
            prop_assert_eq!(repaired.repairs.is_empty(), repaired.text == text);
        }
    }
}
