//! Was a result that does not verify parsed and written anew on its way?
//!
//! Such a text says the same as the one that was signed, in other bytes, and so looks like a forgery. Devices write JSON in few ways: each
//! is tried, to tell the operator where to look. What is found that way is refused all the same.

use std::borrow::Cow;

use crate::json;

/// The longest result that is written anew, in bytes. Real ones have some hundred, and a stranger must not make a server write for long.
const MAX_LEN: usize = 4 * 1024;

/// The fields in the order of the documentation, in which devices write them.
const ORDER: [&str; 9] = ["raw", "fid", "counter", "tee_n", "tee_v", "fp_n", "fp_v", "cpu_id", "uid"];

/// The texts that this one may have been before, each once and none of them this one. At most 23: three orders, two spacings, four ways to
/// write a text.
pub(super) fn originals(json: &str) -> Vec<String> {
    if json.len() > MAX_LEN {
        return Vec::new();
    }
    let Some(members) = members(json) else { return unquoted(json).into_iter().collect() };
    let mut found: Vec<String> = Vec::new();
    for members in orders(members) {
        for (colon, comma) in [(":", ","), (": ", ", ")] {
            for (slashes, ascii) in [(false, false), (true, false), (false, true), (true, true)] {
                let member = |(key, value): &(Cow<'_, str>, &str)| {
                    let value = json::text(value).map_or_else(|| (*value).to_owned(), |text| quoted(&text, slashes, ascii));
                    format!("{}{colon}{value}", quoted(key, slashes, ascii))
                };
                let text = format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(comma));
                if text != json && !found.contains(&text) {
                    found.push(text);
                }
            }
        }
    }
    found
}

/// A name, and a value as it is written.
type Member<'a> = (Cow<'a, str>, &'a str);

/// The members of an object; `None` if the text is none.
fn members(json: &str) -> Option<Vec<Member<'_>>> {
    let mut members = Vec::new();
    json::walk(json, |outer, key, value| {
        if outer.is_none() {
            members.push((key.text(), value));
        }
        true
    })
    .ok()?;
    Some(members)
}

/// As they came, as the documentation has them, and sorted.
fn orders(members: Vec<Member<'_>>) -> [Vec<Member<'_>>; 3] {
    let (mut documented, mut sorted) = (members.clone(), members.clone());
    documented.sort_by_key(|(key, _)| ORDER.iter().position(|name| name == key).unwrap_or(ORDER.len()));
    sorted.sort();
    [members, documented, sorted]
}

/// A text in JSON, with `\/` for a slash and `\u` for all that is not ASCII where somebody writes so.
fn quoted(text: &str, slashes: bool, ascii: bool) -> String {
    let mut quoted = serde_json::Value::from(text).to_string();
    if slashes {
        quoted = quoted.replace('/', "\\/");
    }
    if ascii && !quoted.is_ascii() {
        let escaped = |character: char| -> String {
            character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        };
        quoted = quoted.chars().map(|c| if c.is_ascii() { c.to_string() } else { escaped(c) }).collect();
    }
    quoted
}

/// What a text says that was made a text once more, with or without the quotes around it.
fn unquoted(json: &str) -> Option<String> {
    let text: String = serde_json::from_str(json).or_else(|_| serde_json::from_str(&format!("\"{json}\""))).ok()?;
    Some(text).filter(|text| text != json)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that unwraps an error should fail

    use super::*;

    #[test]
    fn every_way_to_write_is_tried_once_and_there_are_few() {
        let plain = originals(r#"{"raw":"r","counter":1}"#);
        // Both names are in the order of the page, and there is nothing to escape.
        assert_eq!(plain, [r#"{"raw": "r", "counter": 1}"#, r#"{"counter":1,"raw":"r"}"#, r#"{"counter": 1, "raw": "r"}"#]);

        let all = originals(r#"{"uid":"/é","counter":1,"raw":"🐼"}"#);
        assert_eq!(all.len(), 23);
        for written in [
            r#"{"uid":"\/é","counter":1,"raw":"🐼"}"#,
            r#"{"raw":"\ud83d\udc3c","counter":1,"uid":"/\u00e9"}"#,
            r#"{"counter": 1, "raw": "\ud83d\udc3c", "uid": "\/\u00e9"}"#,
        ] {
            assert!(all.iter().any(|text| text == written), "{written}");
        }
    }

    #[test]
    fn numbers_and_what_lies_deeper_stay_as_they_are() {
        let written = originals(r#"{"n" : 1.50, "x" : {"y" : "\/"} }"#);
        assert!(written.contains(&r#"{"n":1.50,"x":{"y" : "\/"}}"#.to_owned()), "{written:?}");
    }

    #[test]
    fn a_text_made_a_text_once_more_is_undone() {
        let json = r#"{"raw":"a\"b","counter":1}"#;
        let twice = serde_json::to_string(json).unwrap();
        assert_eq!(originals(&twice), [json]);
        assert_eq!(originals(&twice[1..twice.len() - 1]), [json]);
    }

    #[test]
    fn what_is_long_or_no_json_is_left_alone() {
        let long = format!(r#"{{"raw":"{}"}}"#, "/".repeat(MAX_LEN));
        for text in [long.as_str(), "", "{", "[]", "7", "\\u00"] {
            assert!(originals(text).is_empty(), "{text}");
        }
    }
}
