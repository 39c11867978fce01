//! Cases that come one a line and are answered one a line, as they come.

use std::{
    io::{self, BufRead, stdin},
    process::ExitCode,
};

use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    failure::{Failure, MISUSE},
    output, terminal,
};

/// The longest line that is read: some times the longest data that could open.
const LONGEST_LINE: usize = 8 * 1024 * 1024;

/// What a line is answered with. The order of the fields is the order in the answer.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Answer {
    pub(super) id: Value,
    pub(super) ok: bool,
    /// The official number; none where a line is no case.
    pub(super) code: Option<i32>,
    pub(super) reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plaintext_sha256: Option<String>,
}

/// Why a line is no case. The text repeats nothing of the line, which may hold a secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoCase {
    pub(super) id: Value,
    pub(super) why: String,
}

/// The reason of a line that is no case.
const NO_CASE: &str = "NotACase";
/// The reason of a line that is too long to be one.
const TOO_LONG: &str = "LineTooLong";

/// A line of input.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Text(Zeroizing<Vec<u8>>),
    TooLong,
    End,
}

/// Answers every line of standard input.
pub(super) fn answer(judge: impl Fn(&[u8]) -> Result<Answer, NoCase>) -> Result<ExitCode, Failure> {
    let mut input = stdin().lock();
    let mut all_are_cases = true;
    for number in 1_u64.. {
        let refused = |id, reason| Answer { id, ok: false, code: None, reason: Some(reason), plaintext_sha256: None };
        let line = read_line(&mut input, LONGEST_LINE);
        let answer = match line.map_err(|error| Failure::failed(format!("standard input cannot be read: {error}")))? {
            Line::End => break,
            Line::Text(text) if text.trim_ascii().is_empty() => continue,
            Line::Text(text) => judge(&text).unwrap_or_else(|NoCase { id, why }| {
                all_are_cases = false;
                terminal::error(&format!("line {number} is no case: {why}"));
                refused(id, NO_CASE)
            }),
            Line::TooLong => {
                all_are_cases = false;
                terminal::error(&format!("line {number} is longer than {LONGEST_LINE} bytes"));
                refused(Value::Null, TOO_LONG)
            }
        };
        output::json(&answer)?;
        output::flush()?; // whoever feeds us may wait for this answer before the next line
    }
    Ok(if all_are_cases { ExitCode::SUCCESS } else { ExitCode::from(MISUSE) })
}

/// The next line without its end. One that is too long is read to its end and not kept.
fn read_line(input: &mut impl BufRead, longest: usize) -> io::Result<Line> {
    let mut line = Zeroizing::new(Vec::new());
    let (mut is_too_long, mut is_empty) = (false, true);
    loop {
        let piece = match input.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if piece.is_empty() {
            break;
        }
        is_empty = false;
        let end = piece.iter().position(|&byte| byte == b'\n');
        let content = &piece[..end.unwrap_or(piece.len())];
        is_too_long |= line.len() + content.len() > longest;
        if !is_too_long {
            line.extend_from_slice(content);
        }
        let used = end.map_or(piece.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            break;
        }
    }
    Ok(match (is_empty, is_too_long) {
        (true, _) => Line::End,
        (_, true) => Line::TooLong,
        _ => Line::Text(line),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use std::io::BufReader;

    use super::*;

    fn lines(text: &str, longest: usize) -> Vec<Line> {
        // A small buffer, so that lines lie across its ends.
        let mut input = BufReader::with_capacity(3, text.as_bytes());
        let mut lines = Vec::new();
        loop {
            match read_line(&mut input, longest).unwrap() {
                Line::End => return lines,
                line => lines.push(line),
            }
        }
    }

    fn text(text: &str) -> Line {
        Line::Text(Zeroizing::new(text.as_bytes().to_vec()))
    }

    #[test]
    fn lines_are_split_whatever_the_buffer() {
        assert_eq!(lines("abcd\n\nef", 10), [text("abcd"), text(""), text("ef")]);
        assert!(lines("", 10).is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_one_read() {
        assert_eq!(lines("abcde\nabcd\n", 4), [Line::TooLong, text("abcd")]);
    }

    #[test]
    fn the_fields_of_an_answer_keep_their_order() {
        let answer = Answer { id: "a".into(), ok: false, code: Some(-41003), reason: Some("Padding"), plaintext_sha256: None };
        assert_eq!(serde_json::to_string(&answer).unwrap(), r#"{"id":"a","ok":false,"code":-41003,"reason":"Padding"}"#);
    }
}
