//! A line as a case, and what becomes of it.

use std::{
    fmt::Write as _,
    mem,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use wx_crypto::{Expect, OpenDataError, SessionKey, signature};
use zeroize::Zeroizing;

use super::{
    lenient::{self, Texts},
    lines::{Answer, NoCase},
};

/// The platform's number for a signature that does not match.
pub(super) const BAD_SIGNATURE: i32 = 87009;
/// What it is called here.
pub(super) const MISMATCH: &str = "SignatureMismatch";

/// What a case has that does not say so itself.
#[derive(Debug)]
pub(super) struct Defaults {
    pub(super) appid: Option<String>,
    pub(super) now_s: Option<i64>,
    pub(super) max_age_s: u64,
    pub(super) max_skew_s: u64,
    /// Whether damage is repaired.
    pub(super) lenient: bool,
}

/// Opens the data of a case.
pub(super) fn decrypt(line: &[u8], defaults: &Defaults) -> Result<Answer, NoCase> {
    let mut case = Case::read(line)?;
    let appid = match &defaults.appid {
        Some(appid) if !case.has("appid") => Zeroizing::new(appid.clone()),
        _ => case.text("appid")?,
    };
    let (key, data, iv) = (case.text("session_key")?, case.text("encrypted_data")?, case.text("iv")?);
    let now_s = case.number("now", Value::as_i64)?.or(defaults.now_s).unwrap_or_else(now);
    let max_age_s = case.number("max_age_s", Value::as_u64)?.unwrap_or(defaults.max_age_s);
    let max_skew_s = case.number("max_skew_s", Value::as_u64)?.unwrap_or(defaults.max_skew_s);

    let expect = Expect { appid: &appid, now_s, max_age_s, max_skew_s };
    let texts = Texts { key: &key, data: &data, iv: &iv };
    let opened = if defaults.lenient {
        lenient::open_repaired(texts, &expect).map(|(opened, _)| opened)
    } else {
        lenient::open(texts, &expect)
    };
    Ok(match opened {
        Ok(opened) => Answer { plaintext_sha256: Some(sha256(opened.json.as_bytes())), ..good(case.id) },
        Err(error) => refused(case.id, &error),
    })
}

/// Checks the signature of a case.
pub(super) fn verify(line: &[u8]) -> Result<Answer, NoCase> {
    let mut case = Case::read(line)?;
    let (raw_data, key, sent) = (case.text("raw_data")?, case.text("session_key")?, case.text("signature")?);
    Ok(match SessionKey::from_base64(&key) {
        Ok(key) if signature::verify(raw_data.as_bytes(), &key, &sent) => good(case.id),
        Ok(_) => Answer { ok: false, code: Some(BAD_SIGNATURE), reason: Some(MISMATCH), ..good(case.id) },
        Err(error) => refused(case.id, &error),
    })
}

fn good(id: Value) -> Answer {
    Answer { id, ok: true, code: Some(0), reason: None, plaintext_sha256: None }
}

fn refused(id: Value, error: &OpenDataError) -> Answer {
    Answer { ok: false, code: Some(error.code()), reason: Some(error.reason()), ..good(id) }
}

/// This moment, in seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn sha256(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(hex, "{byte:02x}"); // a string takes everything
    }
    hex
}

/// A line that is a JSON object.
struct Case {
    id: Value,
    fields: Map<String, Value>,
}

impl Case {
    fn read(line: &[u8]) -> Result<Self, NoCase> {
        let read: Result<Value, _> = serde_json::from_slice(line);
        match read {
            Ok(Value::Object(mut fields)) => Ok(Self { id: fields.remove("id").unwrap_or(Value::Null), fields }),
            Ok(_) => Err(NoCase { id: Value::Null, why: "it is no JSON object".to_owned() }),
            // The position only: serde_json's own message may quote the line.
            Err(error) => Err(NoCase { id: Value::Null, why: format!("it is no JSON (column {})", error.column()) }),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// A field that must be a text. It is taken out, and wiped when it is done with.
    fn text(&mut self, name: &str) -> Result<Zeroizing<String>, NoCase> {
        match self.fields.get_mut(name) {
            Some(Value::String(text)) => Ok(Zeroizing::new(mem::take(text))),
            Some(_) => Err(self.no_case(format!("`{name}` is no string"))),
            None => Err(self.no_case(format!("`{name}` is missing"))),
        }
    }

    /// A field that is a whole number, if it is there.
    fn number<T>(&self, name: &str, read: fn(&Value) -> Option<T>) -> Result<Option<T>, NoCase> {
        match self.fields.get(name) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(number) => Ok(Some(number)),
                None => Err(self.no_case(format!("`{name}` is no whole number in its range"))),
            },
        }
    }

    fn no_case(&self, why: String) -> NoCase {
        NoCase { id: self.id.clone(), why }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use wx_crypto::open_data;

    use super::*;

    const DEFAULTS: Defaults = Defaults { appid: None, now_s: Some(1000), max_age_s: 7200, max_skew_s: 300, lenient: false };

    fn case(appid: &str) -> String {
        let json = r#"{"watermark":{"appid":"wx1","timestamp":1000}}"#;
        let key = SessionKey::from_bytes([7; 16]);
        let sealed = open_data::seal(json.as_bytes(), &key, [1; 16]);
        let (key, data, iv) = (key.expose_base64(), sealed.encrypted_data, sealed.iv);
        format!(r#"{{"id":5,{appid}"session_key":"{}","encrypted_data":"{data}","iv":"{iv}"}}"#, *key)
    }

    #[test]
    fn a_case_says_what_options_leave_open() {
        let with = decrypt(case(r#""appid":"wx1","#).as_bytes(), &DEFAULTS).unwrap();
        assert!(with.ok && with.id == 5 && with.plaintext_sha256.as_ref().unwrap().len() == 64, "{with:?}");
        let defaults = Defaults { appid: Some("wx1".to_owned()), ..DEFAULTS };
        assert!(decrypt(case("").as_bytes(), &defaults).unwrap().ok);
        assert_eq!(decrypt(case(r#""appid":"wx2","#).as_bytes(), &defaults).unwrap().reason, Some("AppIdMismatch"));
        assert_eq!(decrypt(case(r#""appid":"wx1","now":9000,"#).as_bytes(), &DEFAULTS).unwrap().reason, Some("Stale"));
    }

    #[test]
    fn what_is_no_case_says_why_and_keeps_its_id() {
        let why = |line: &str| decrypt(line.as_bytes(), &DEFAULTS).map_err(|no| (no.id, no.why)).unwrap_err();
        assert_eq!(why("[]").1, "it is no JSON object");
        assert_eq!(why("{\"id\":\"a\"}"), ("a".into(), "`appid` is missing".to_owned()));
        assert_eq!(why(r#"{"id":"a","appid":1}"#).1, "`appid` is no string");
        let max_age = case(r#""appid":"wx1","max_age_s":-1,"#);
        assert_eq!(why(&max_age).1, "`max_age_s` is no whole number in its range");
    }

    #[test]
    fn a_message_repeats_nothing_of_the_line() {
        let error = decrypt(br#"{"session_key": secret}"#, &DEFAULTS).unwrap_err();
        assert!(!error.why.contains("secret"), "{}", error.why);
    }
}
