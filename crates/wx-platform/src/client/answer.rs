//! What an answer of the platform says.

use std::borrow::Cow;

use reqwest::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::error::Category;

use super::ClientError;
use crate::Errcode;

/// How much of a platform's words an error repeats, in characters.
const MOST_WORDS: usize = 300;

/// The fields that tell a refusal. Borrowed where possible: a copy of a secret in `errmsg` would outlive the body.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(default)]
    errcode: i32,
    #[serde(borrow, default)]
    errmsg: Cow<'a, str>,
}

/// Reads an answer: a refusal if `errcode` is there and not 0, whatever the HTTP status and the content type are (the real service
/// answers 200 and `text/plain` to everything). `hidden` are the secrets of the request.
pub(super) fn read<A: DeserializeOwned>(status: StatusCode, body: &[u8], hidden: &[&str]) -> Result<A, ClientError> {
    if status.is_redirection() {
        let what = "is a redirect, which is not followed because the secrets would go along: check the base URL";
        return Err(bad(status, what));
    }
    // A derived type would also read an array.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(bad(status, if body.trim_ascii().is_empty() { "is empty" } else { "is no JSON object" }));
    }
    let head: Head<'_> = serde_json::from_slice(body).map_err(|error| bad(status, &fault(&error)))?;
    if head.errcode != 0 {
        return Err(ClientError::Refused { code: Errcode::new(head.errcode), errmsg: words(&head.errmsg, hidden) });
    }
    if !status.is_success() {
        return Err(bad(status, "has no errcode though it is no success"));
    }
    serde_json::from_slice(body).map_err(|error| bad(status, &fault(&error)))
}

fn bad(status: StatusCode, what: &str) -> ClientError {
    ClientError::BadAnswer(format!("HTTP {}, and the body {what}", status.as_u16()))
}

/// What is wrong with the JSON. Only what `serde_json` says of our own field names is repeated: the rest may quote the body.
fn fault(error: &serde_json::Error) -> String {
    let place = format!("(line {}, column {})", error.line(), error.column());
    match error.classify() {
        Category::Data => {
            let text = error.to_string();
            let field = ["missing field", "duplicate field"].into_iter().find(|start| text.starts_with(start));
            match field {
                Some(start) => {
                    let name = text[start.len()..].split('`').nth(1).unwrap_or_default();
                    format!("has a {start} `{name}` {place}")
                }
                None => format!("has a field of another type than documented {place}"),
            }
        }
        Category::Eof => format!("ends within the JSON {place}"),
        Category::Syntax | Category::Io => format!("is not JSON {place}"),
    }
}

fn words(errmsg: &str, hidden: &[&str]) -> String {
    if hidden.iter().any(|secret| !secret.is_empty() && errmsg.contains(secret)) {
        return "(withheld: it repeats a secret of the request)".to_owned();
    }
    errmsg.chars().take(MOST_WORDS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;
    use crate::wire::{Refusal, session::Session};

    fn session(body: &str) -> Result<Session, ClientError> {
        read(StatusCode::OK, body.as_bytes(), &[])
    }

    #[test]
    fn an_answer_without_errcode_and_one_with_0_are_successes() {
        for body in [r#"{"openid":"o1","session_key":"k"}"#, r#" {"errcode":0,"openid":"o1","session_key":"k","more":[1]}"#] {
            assert_eq!(session(body).unwrap().openid, "o1");
        }
    }

    #[test]
    fn any_other_errcode_is_a_refusal_whatever_the_status() {
        for status in [200, 401, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            let read: Result<Session, _> = read(status, br#"{"errcode":40029,"errmsg":"invalid code"}"#, &[]);
            assert_eq!(read, Err(ClientError::Refused { code: Errcode::BAD_CODE, errmsg: "invalid code".to_owned() }));
        }
        assert_eq!(session(r#"{"errcode":61451}"#).unwrap_err().errcode(), Some(Errcode::new(61451)));
    }

    #[test]
    fn a_success_needs_a_status_of_success() {
        let read: Result<Refusal, _> = read(StatusCode::BAD_GATEWAY, br#"{"errcode":0}"#, &[]);
        assert!(matches!(read, Err(ClientError::BadAnswer(what)) if what.starts_with("HTTP 502")));
    }

    #[test]
    fn what_is_wrong_is_told_without_quoting_the_body() {
        for (body, what) in [
            ("", "is empty"),
            (" \n", "is empty"),
            ("<html>hush</html>", "is no JSON object"),
            (r#"["hush","hush"]"#, "is no JSON object"),
            (r#""hush""#, "is no JSON object"),
            (r#"{"openid":"hush"}"#, "has a missing field `session_key` (line 1, column 17)"),
            (r#"{"openid":"hush","openid":"hush","session_key":""}"#, "has a duplicate field `openid` (line 1, column 25)"),
            (r#"{"openid":"o1","session_key":{"hush":1}}"#, "has a field of another type than documented (line 1, column 29)"),
            (r#"{"errcode":"hush"}"#, "has a field of another type than documented (line 1, column 17)"),
            (r#"{"errcode":40029000000}"#, "has a field of another type than documented (line 1, column 22)"),
            (r#"{"openid":"hush"#, "ends within the JSON (line 1, column 15)"),
            (r#"{"openid":"o1",hush}"#, "is not JSON (line 1, column 16)"),
        ] {
            assert_eq!(session(body), Err(ClientError::BadAnswer(format!("HTTP 200, and the body {what}"))), "{body}");
        }
    }

    #[test]
    fn a_redirect_is_refused() {
        let read: Result<Refusal, _> = read(StatusCode::FOUND, br#"{"errcode":0}"#, &[]);
        assert!(matches!(read, Err(ClientError::BadAnswer(what)) if what.contains("is a redirect")));
    }

    #[test]
    fn the_platforms_words_are_short_and_of_one_line_and_repeat_no_secret() {
        assert_eq!(words("a\r\nb\u{1b}[31m", &[""]), "a  b [31m");
        assert_eq!(words(&"é".repeat(1000), &[]), "é".repeat(MOST_WORDS));
        assert_eq!(words("bad secret hush, rid: 1", &["", "hush"]), "(withheld: it repeats a secret of the request)");
    }
}
