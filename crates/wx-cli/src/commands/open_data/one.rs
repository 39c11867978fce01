//! One case, and in words what is wrong with it.

use std::{env, process::ExitCode};

use wx_crypto::{Expect, OpenDataError, SessionKey, signature};

use super::{
    Decrypt, Key, Verify,
    cases::{BAD_SIGNATURE, MISMATCH, now},
    lenient::{self, Texts},
};
use crate::{commands::verdict, failure::Failure, input::Text, output, terminal};

/// Prints the JSON, or explains why there is none.
pub(super) fn decrypt(options: &Decrypt) -> Result<ExitCode, Failure> {
    let (data, iv) = (given(options.encrypted_data.as_ref(), "encrypted-data")?, given(options.iv.as_ref(), "iv")?);
    let key = options.key.text()?;
    only_one_from_stdin(&[Some(data), Some(iv), options.key.session_key.as_ref()])?;
    let (key, data, iv) = (key.read_line()?, data.read_line()?, iv.read_line()?);
    let appid = options.appid.as_deref().unwrap_or_default();
    let time = options.time;
    let expect = Expect { appid, now_s: time.now.unwrap_or_else(now), max_age_s: time.max_age, max_skew_s: time.max_skew };
    let texts = Texts { key: &key, data: &data, iv: &iv };
    let repaired = || lenient::open_repaired(texts, &expect);
    let opened = if options.lenient {
        repaired().map(|(opened, repairs)| {
            for repair in repairs {
                terminal::say(&format!("wx: repaired: {repair}"));
            }
            opened
        })
    } else {
        lenient::open(texts, &expect)
    };
    match opened {
        Ok(opened) => {
            output::line(&opened.json)?;
            Ok(verdict(true))
        }
        Err(error) => {
            explain(&error);
            if let (false, Ok((_, repairs))) = (options.lenient, repaired()) {
                terminal::say(&format!("  with --lenient it opens: {}", repairs.join("; ")));
            }
            Ok(verdict(false))
        }
    }
}

fn explain(error: &OpenDataError) {
    terminal::error(&format!("it does not open: {} {}\n  {error}", error.code(), error.reason()));
}

/// Tells whether the signature is right, and if not, what would make it so.
pub(super) fn verify(options: &Verify) -> Result<ExitCode, Failure> {
    let (raw, sent) = (given(options.raw_data.as_ref(), "raw-data")?, given(options.signature.as_ref(), "signature")?);
    let key = options.key.text()?;
    only_one_from_stdin(&[Some(raw), Some(sent), options.key.session_key.as_ref()])?;
    let (key, raw, sent) = (key.read_line()?, raw.read()?, sent.read_line()?);
    let key = match SessionKey::from_base64(&key) {
        Ok(key) => key,
        Err(error) => {
            explain(&error);
            return Ok(verdict(false));
        }
    };
    if signature::verify(raw.as_bytes(), &key, &sent) {
        output::line("the signature is right")?;
        return Ok(verdict(true));
    }
    let hint = hint(&raw, &key, &sent).unwrap_or(
        "rawData must be the exact text that travelled, not parsed and written anew; and the key that of the login before the data: a \
         later login replaces it",
    );
    terminal::error(&format!("the signature is wrong: {BAD_SIGNATURE} {MISMATCH}\n  {hint}"));
    Ok(verdict(false))
}

/// What would make a wrong signature right.
fn hint(raw: &str, key: &SessionKey, sent: &str) -> Option<&'static str> {
    let verifies = |raw: &str| signature::verify(raw.as_bytes(), key, &sent.trim().to_lowercase());
    let unquoted = serde_json::from_str::<String>(raw).ok();
    if verifies(raw) {
        Some("it would be right in lower-case hexadecimal without spaces around it: do not rewrite the signature")
    } else if verifies(raw.trim_end_matches(['\r', '\n'])) {
        Some("rawData has a line end that was not signed: save it without one")
    } else if unquoted.is_some_and(|raw| verifies(&raw)) {
        Some("rawData is quoted as a JSON string: what was signed is the text in it")
    } else if verifies(&raw.replace(r"\/", "/")) {
        Some("rawData was written anew with `\\/` for `/`: keep the text that travelled")
    } else {
        None
    }
}

impl Key {
    /// Where the key is.
    fn text(&self) -> Result<Text, Failure> {
        match (&self.session_key, env::var("WX_SESSION_KEY")) {
            (Some(text), _) => Ok(text.clone()),
            (None, Ok(key)) => Ok(Text::Here(key)),
            (None, Err(_)) => Err(Failure::misuse(
                "the session key is missing: give it as --session-key @FILE or @-, or in the environment variable WX_SESSION_KEY",
            )),
        }
    }
}

fn given<'a>(text: Option<&'a Text>, name: &str) -> Result<&'a Text, Failure> {
    text.ok_or_else(|| Failure::misuse(format!("--{name} is missing")))
}

fn only_one_from_stdin(texts: &[Option<&Text>]) -> Result<(), Failure> {
    match texts.iter().filter(|text| **text == Some(&Text::Stdin)).count() {
        0 | 1 => Ok(()),
        _ => Err(Failure::misuse("only one text can come from standard input")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_make_a_signature_right_is_found() {
        let key = SessionKey::from_bytes([7; 16]);
        let raw = r#"{"url":"http://a/b"}"#;
        let right = signature::sign(raw.as_bytes(), &key);
        let found = |raw: &str, sent: &str| hint(raw, &key, sent).unwrap_or("nothing");
        assert!(found(raw, &right.to_uppercase()).contains("lower-case"));
        assert!(found(&format!("{raw}\n"), &right).contains("line end"));
        assert!(found(r#""{\"url\":\"http://a/b\"}""#, &right).contains("quoted"));
        assert!(found(r#"{"url":"http:\/\/a\/b"}"#, &right).contains("written anew"));
        assert_eq!(found(r#"{"url": "http://a/b"}"#, &right), "nothing");
    }
}
