//! Reading a watermark out of JSON.

use super::OpenDataError;
use crate::json::{self, Fault, Keys};

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
    let (mut appid, mut timestamp) = (None, None);
    let keys = json::walk(json, |outer, key, value| match outer {
        None => !key.is("watermark") || value.starts_with('{') || value == "null",
        Some(outer) if value == "null" || !outer.is("watermark") => true,
        Some(_) if key.is("appid") => {
            appid = json::text(value);
            appid.is_some()
        }
        Some(_) if key.is("timestamp") => {
            timestamp = value.parse().ok();
            timestamp.is_some()
        }
        Some(_) => true,
    })
    .map_err(|Fault { line, column }| OpenDataError::Json { line, column })?;
    match (keys, appid, timestamp) {
        (Keys::Repeat, _, _) => Err(OpenDataError::DuplicateKey),
        (Keys::Differ, Some(appid), Some(timestamp)) => Ok(Watermark { appid: appid.into_owned(), timestamp }),
        _ => Err(OpenDataError::WatermarkMissing),
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
