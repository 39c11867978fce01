//! The walk against `serde_json`.

#![allow(clippy::unwrap_used)] // a test that unwraps an error should fail

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::*;

/// How many members all objects of a text have together, counting repeated ones.
struct Members(usize);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Count;
        impl<'de> Visitor<'de> for Count {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("anything")
            }

            fn visit_unit<E>(self) -> Result<Members, E> {
                Ok(Members(0))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Members, E> {
                Ok(Members(0))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Members, E> {
                Ok(Members(0))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Members, E> {
                Ok(Members(0))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Members, E> {
                Ok(Members(0))
            }

            fn visit_str<E>(self, _: &str) -> Result<Members, E> {
                Ok(Members(0))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Members, A::Error> {
                let mut count = 0;
                while let Some(Members(inner)) = seq.next_element()? {
                    count += inner;
                }
                Ok(Members(count))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut count = 0;
                while let Some((_, Members(inner))) = map.next_entry::<String, Members>()? {
                    count += inner + 1;
                }
                Ok(Members(count))
            }
        }
        deserializer.deserialize_any(Count)
    }
}

fn distinct_members(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.len() + members.values().map(distinct_members).sum::<usize>(),
        Value::Array(elements) => elements.iter().map(distinct_members).sum(),
        _ => 0,
    }
}

/// What `serde_json` thinks of a text: whether its keys differ, if it is an object. `None` for a number that no `f64` holds, which
/// it refuses and the walk does not.
fn expected(text: &str) -> Option<Result<Keys, ()>> {
    match (serde_json::from_str::<Value>(text), serde_json::from_str::<Members>(text)) {
        (Ok(value), Ok(Members(members))) if value.is_object() => {
            Some(Ok(if members == distinct_members(&value) { Keys::Differ } else { Keys::Repeat }))
        }
        (Err(error), _) if error.to_string().contains("out of range") => None,
        _ => Some(Err(())),
    }
}

/// What a key says.
fn read(key: Quoted<'_>) -> String {
    let text = key.unescaped().unwrap();
    assert!(key.is(&text));
    text
}

fn walked(text: &str) -> Result<Keys, Fault> {
    walk(text, |_, _, _| true)
}

#[track_caller]
fn agrees(text: &str) {
    if let Some(expected) = expected(text) {
        assert_eq!(walked(text).map_err(|_| ()), expected, "{text:?}");
    }
}

#[test]
fn members_of_two_levels_are_handed_out_with_their_keys_unescaped_and_their_values_as_written() {
    let mut seen = Vec::new();
    let text = r#" {"a" : 1.50 ,"\u0062\n":{"c":[1, {"x":{}}],"\t":{"d":2}},"":"x\"y","e":[{"f":3}],"g":{}} "#;
    let keys = walk(text, |outer, key, value| {
        seen.push((outer.map(read), read(key), value));
        true
    });
    assert_eq!(keys, Ok(Keys::Differ));
    let expected = [
        (None, "a", "1.50"),
        (Some("b\n"), "c", r#"[1, {"x":{}}]"#),
        (Some("b\n"), "\t", r#"{"d":2}"#),
        (None, "b\n", r#"{"c":[1, {"x":{}}],"\t":{"d":2}}"#),
        (None, "", r#""x\"y""#),
        (None, "e", r#"[{"f":3}]"#),
        (None, "g", "{}"),
    ];
    assert_eq!(seen, expected.map(|(outer, key, value)| (outer.map(str::to_owned), key.to_owned(), value)));
}

#[test]
fn a_refused_member_is_a_fault_where_its_value_begins() {
    let refuse_b = |text| walk(text, |_, key, _| !key.is("b"));
    assert_eq!(refuse_b("{\"a\":1,\n \"b\": 2}"), Err(Fault { line: 2, column: 7 }));
    assert_eq!(refuse_b(r#"{"a":{"b":2}}"#), Err(Fault { line: 1, column: 11 }));
}

#[test]
fn faults_are_told_by_line_and_column() {
    for (text, line, column) in [("", 1, 1), ("[]", 1, 1), ("{\"a\":}", 1, 6), ("{}\n\n x", 3, 2), ("{\"a", 1, 4)] {
        assert_eq!(walked(text), Err(Fault { line, column }), "{text:?}");
    }
}

#[test]
fn texts_are_read_and_other_values_are_none() {
    assert_eq!(text(r#""""#).as_deref(), Some(""));
    assert_eq!(text(r#""plain ä""#).as_deref(), Some("plain ä"));
    assert_eq!(text(r#""\ud83d\udc3c\t""#).as_deref(), Some("🐼\t"));
    for value in ["", "\"", "1", "null", "{}", r#""\ud83d""#, r#""\x""#] {
        assert_eq!(text(value), None, "{value}");
    }
}

#[test]
fn edges_of_the_grammar_are_seen_as_serde_json_sees_them() {
    let values = [
        "0",
        "-0",
        "-",
        "+1",
        "01",
        "00",
        "1.",
        ".5",
        "1.5e",
        "1e5",
        "1E+5",
        "1e-",
        "-1.25e-7",
        "1e400",
        "0x1",
        "1 2",
        "NaN",
        "true",
        "tru",
        "True",
        "truex",
        "false",
        "null",
        "nul",
        "\"\"",
        "\"a",
        "a\"",
        "\"\\\"\"",
        "\"\\\"",
        "\"\\\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u00zz\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\\ud83d\\udc3c\"",
        "\"\t\"",
        "\"\u{1f}\"",
        "\"\u{7f}\"",
        "\"\\é\"",
        "\"é\"",
        "'a'",
        "[]",
        "[",
        "]",
        "[,]",
        "[1,]",
        "[1 1]",
        "[1,2",
        "[[],{}]",
        "{",
        "}",
        "{}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{1:1}",
        "// x",
        "/**/1",
        "",
        " ",
        "\u{feff}1",
        "\u{a0}1",
        "1\0",
    ];
    for value in values {
        agrees(value);
        agrees(&format!("{{\"k\":{value}}}"));
        agrees(&format!("{{\"k\":[{value}],\"l\" : {value} }}"));
        agrees(&format!("{{{value}:1}}"));
        agrees(&format!("{{}}{value}"));
        agrees(&format!("{value}{{}}"));
    }
}

#[test]
fn a_special_byte_is_found_wherever_it_stands() {
    for len in 0..40 {
        for at in 0..=len {
            for special in [b'"', b'\\', 0, 0x1f] {
                let mut bytes = vec![b'x'; len];
                bytes.insert(at, special);
                // What stands behind it must not matter, whichever bits it has.
                for behind in [0x80, 0xff, b'"', 0, b' ', b'!', b'#', b'[', b']'] {
                    bytes[at + 1..].fill(behind);
                    assert_eq!(plain(&bytes), at, "{bytes:x?}");
                }
            }
        }
        assert_eq!(plain(&vec![0x80; len]), len);
        assert_eq!(plain(&vec![b' '; len]), len);
    }
}

#[test]
fn nesting_ends_where_serde_json_ends_it() {
    for (open, close) in [("[", "]"), (r#"{"k":"#, "}")] {
        for levels in [1, 125, 126, 127, 128, 10_000] {
            agrees(&format!(r#"{{"x":{}1{}}}"#, open.repeat(levels), close.repeat(levels)));
        }
    }
}

#[test]
fn repeated_keys_are_found_among_few_and_many_and_however_written() {
    for count in [1, 2, FEW_KEYS, FEW_KEYS + 1, 1000] {
        let members: Vec<String> = (0..count).map(|i| format!(r#""key{i}":0"#)).collect();
        let members = members.join(",");
        assert_eq!(walked(&format!("{{{members}}}")), Ok(Keys::Differ), "{count}");
        for again in [format!("key{}", count - 1), "key0".to_owned(), r"k\u0065y0".to_owned()] {
            assert_eq!(walked(&format!(r#"{{{members},"{again}":0}}"#)), Ok(Keys::Repeat), "{count} {again}");
            assert_eq!(walked(&format!(r#"{{"x":[{{{members},"{again}":0}}]}}"#)), Ok(Keys::Repeat), "{count} {again}");
        }
    }
    assert_eq!(walked(r#"{"a":{"a":{"b":1}},"b":[{"a":1},{"a":1}]}"#), Ok(Keys::Differ));
    assert_eq!(walked(r#"{"\u0061":{"b":1,"c":1},"b":1}"#), Ok(Keys::Differ));
    // Alike in all that is looked at first, and not the same.
    assert_eq!(walked(r#"{"a1z":0,"a2z":0,"a3z":0}"#), Ok(Keys::Differ));
    assert_eq!(walked(r#"{"a1z":0,"a2z":0,"a3z":0,"a2z":0}"#), Ok(Keys::Repeat));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn garbage_made_of_the_characters_of_json_is_seen_as_serde_json_sees_it(text in r#"\{[{}\[\]",:0-9a-e.\\ u+-]{0,60}\}"#) {
        agrees(&text);
    }

    #[test]
    fn objects_of_few_keys_are_seen_as_serde_json_sees_them(
        text in r#"\{("(a|b|\\u0061|é)":(\{"(a|b)":[0-9]\}|\[\]|"[ab\\n"]{0,3}"|-?[0-9.e]{1,3}|null),?){0,4}\}"#,
    ) {
        agrees(&text);
    }

    #[test]
    fn one_byte_changed_is_seen_as_serde_json_sees_it(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let text = r#" {"a":[1,-2.5e3,"x\u00e4\n",{"b":true,"c":false,"d":null}],"watermark":{"appid":"wx1","timestamp":5}} "#;
        let mut bytes = text.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(text) = String::from_utf8(bytes) {
            agrees(&text);
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        agrees(&text);
        agrees(&format!("{{{text}}}"));
        agrees(&format!("{{\"{text}\":\"{text}\"}}"));
    }
}
