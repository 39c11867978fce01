//! Reading a watermark out of JSON without building the JSON in memory.
//!
//! The text is walked once. Everything is checked to be well-formed, every object's keys are compared with each other, and only
//! the watermark's two members are kept. `serde_json` refuses more than 127 levels of nesting, which bounds the recursion here.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::OpenDataError;

/// For whom and when open data were sealed.
///
/// # Examples
///
/// ```
/// use wx_crypto::Watermark;
///
/// let watermark = Watermark { appid: "wx4f4bc4dec97d474b".into(), timestamp: 1_800_000_000 };
/// assert_eq!(watermark.timestamp, 1_800_000_000);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// The mini-program that the data belong to.
    pub appid: String,
    /// When the data were fetched, in seconds since 1970.
    pub timestamp: i64,
}

/// The watermark of the top-level object in `json`.
///
/// A `null` counts as missing, for the watermark and for its members.
pub(super) fn read(json: &str) -> Result<Watermark, OpenDataError> {
    let duplicate = Cell::new(false);
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let parts = Document(&duplicate)
        .deserialize(&mut deserializer)
        .and_then(|parts| deserializer.end().map(|()| parts))
        .map_err(|error| OpenDataError::Json { line: error.line(), column: error.column() })?;
    // Only now: a text that is not JSON at all is called so, even if a key came twice before the fault.
    if duplicate.get() {
        return Err(OpenDataError::DuplicateKey);
    }
    match parts {
        Parts { appid: Some(appid), timestamp: Some(timestamp) } => Ok(Watermark { appid, timestamp }),
        _ => Err(OpenDataError::WatermarkMissing),
    }
}

/// The members of a watermark, as far as they were found.
#[derive(Default)]
struct Parts {
    appid: Option<String>,
    timestamp: Option<i64>,
}

/// A key, borrowed from the text unless it holds escapes; compared after unescaping.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Walks an object, hands every key to `member`, which must read its value, and notes whether a key came twice.
fn walk_object<'de, A: MapAccess<'de>>(
    mut map: A,
    duplicate: &Cell<bool>,
    mut member: impl FnMut(&str, &mut A) -> Result<(), A::Error>,
) -> Result<(), A::Error> {
    let mut keys = Vec::new();
    while let Some(Key(key)) = map.next_key()? {
        member(&key, &mut map)?;
        keys.push(key);
    }
    // Sorting keeps an object of very many keys from costing the square of their number.
    keys.sort_unstable();
    if keys.windows(2).any(|pair| pair[0] == pair[1]) {
        duplicate.set(true);
    }
    Ok(())
}

/// The top level: an object, whose member `watermark` is kept.
struct Document<'f>(&'f Cell<bool>);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = Parts;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Parts, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = Parts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Parts, A::Error> {
        let mut parts = Parts::default();
        walk_object(map, self.0, |key, map| {
            if key == "watermark" {
                parts = map.next_value_seed(Mark(self.0))?;
                Ok(())
            } else {
                map.next_value_seed(Anything(self.0))
            }
        })?;
        Ok(parts)
    }
}

/// The value of `watermark`: an object or `null`.
struct Mark<'f>(&'f Cell<bool>);

impl<'de> DeserializeSeed<'de> for Mark<'_> {
    type Value = Parts;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Parts, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Mark<'_> {
    type Value = Parts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a watermark")
    }

    fn visit_unit<E>(self) -> Result<Parts, E> {
        Ok(Parts::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Parts, A::Error> {
        let mut parts = Parts::default();
        walk_object(map, self.0, |key, map| {
            match key {
                "appid" => parts.appid = map.next_value()?,
                "timestamp" => parts.timestamp = map.next_value()?,
                _ => map.next_value_seed(Anything(self.0))?,
            }
            Ok(())
        })?;
        Ok(parts)
    }
}

/// Any other value: walked for its form and its keys, and forgotten.
struct Anything<'f>(&'f Cell<bool>);

impl<'de> DeserializeSeed<'de> for Anything<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Anything<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<(), E> {
        // serde_json refuses numbers that no f64 holds; this says that we rely on it.
        if number.is_finite() { Ok(()) } else { Err(E::custom("number out of range")) }
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Anything(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        walk_object(map, self.0, |_, map| map.next_value_seed(Anything(self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = r#""watermark":{"appid":"wx1","timestamp":5}"#;

    fn reason(json: &str) -> &'static str {
        read(json).map_or_else(|error| error.reason(), |_| "ok")
    }

    #[test]
    fn the_same_key_twice_is_refused_at_every_level_and_however_it_is_written() {
        for json in [
            format!(r#"{{"a":1,"a":1,{MARK}}}"#),
            format!(r#"{{"a":1,"\u0061":1,{MARK}}}"#),
            format!(r#"{{"x":[{{"y":{{"k":1,"j":2,"k":3}}}}],{MARK}}}"#),
            format!("{{{MARK},{MARK}}}"),
            r#"{"watermark":{"appid":"wx1","appid":"wx1","timestamp":5}}"#.to_owned(),
            r#"{"watermark":{"appid":"wx1","timestamp":5,"z":{"k":1,"k":1}}}"#.to_owned(),
        ] {
            assert_eq!(reason(&json), "DuplicateKey", "{json}");
        }
    }

    #[test]
    fn the_same_key_in_different_objects_is_fine() {
        assert_eq!(reason(&format!(r#"{{"a":{{"a":{{}}}},"b":[{{"a":1}},{{"a":2}}],{MARK}}}"#)), "ok");
    }

    #[test]
    fn a_text_that_is_not_json_is_called_so_even_after_a_duplicate_key() {
        assert_eq!(reason(&format!(r#"{{"a":1,"a":1,{MARK}}} x"#)), "Json");
        assert_eq!(reason(r#"{"a":1,"a":"#), "Json");
    }

    #[test]
    fn a_duplicate_key_is_found_before_a_missing_watermark() {
        assert_eq!(reason(r#"{"a":1,"a":1}"#), "DuplicateKey");
    }

    #[test]
    fn an_incomplete_watermark_is_missing() {
        for json in [
            "{}",
            r#"{"watermark":null}"#,
            r#"{"watermark":{}}"#,
            r#"{"watermark":{"appid":"wx1"}}"#,
            r#"{"watermark":{"timestamp":5}}"#,
            r#"{"watermark":{"appid":null,"timestamp":5}}"#,
            r#"{"Watermark":{"appid":"wx1","timestamp":5}}"#,
        ] {
            assert_eq!(reason(json), "WatermarkMissing", "{json}");
        }
    }

    #[test]
    fn a_watermark_of_the_wrong_type_is_not_the_expected_json() {
        for json in [
            r#"{"watermark":"wx1"}"#,
            r#"{"watermark":[]}"#,
            r#"{"watermark":{"appid":1,"timestamp":5}}"#,
            r#"{"watermark":{"appid":"wx1","timestamp":"5"}}"#,
            r#"{"watermark":{"appid":"wx1","timestamp":5.5}}"#,
            r#"{"watermark":{"appid":"wx1","timestamp":9223372036854775808}}"#,
        ] {
            assert_eq!(reason(json), "Json", "{json}");
        }
    }

    #[test]
    fn only_an_object_is_accepted_at_the_top() {
        for json in ["", " ", "null", "1", r#""watermark""#, "[]", "[{}]", "\u{feff}{}"] {
            assert_eq!(reason(json), "Json", "{json:?}");
        }
    }

    #[test]
    fn every_kind_of_value_is_walked_and_kept_out_of_the_way() {
        let json = format!(
            r#" {{"a":null,"b":true,"c":-1,"d":18446744073709551615,"e":1.5e3,"f":"\ud83d\udc3c","g":[[],{{}}],{MARK}}} "#
        );
        assert_eq!(reason(&json), "ok");
    }

    #[test]
    fn deep_nesting_is_refused_and_shallow_nesting_is_not() {
        let nested = |levels: usize, open: &str, close: &str| {
            format!(r#"{{"x":{}1{},{MARK}}}"#, open.repeat(levels), close.repeat(levels))
        };
        for (open, close) in [("[", "]"), (r#"{"k":"#, "}")] {
            assert_eq!(reason(&nested(100, open, close)), "ok");
            assert_eq!(reason(&nested(128, open, close)), "Json");
            assert_eq!(reason(&nested(100_000, open, close)), "Json");
        }
        assert_eq!(reason(&r#"{"watermark":"#.repeat(50_000)), "Json");
    }

    #[test]
    fn an_object_of_very_many_keys_is_read() {
        let keys: Vec<_> = (0..50_000).map(|i| format!(r#""{i}":0"#)).collect();
        let members = keys.join(",") + ",";
        assert_eq!(reason(&format!("{{{members}{MARK}}}")), "ok");
        assert_eq!(reason(&format!(r#"{{{members}"77":1,{MARK}}}"#)), "DuplicateKey");
    }
}
