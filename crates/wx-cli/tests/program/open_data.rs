//! `wx open-data`.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
};

use serde_json::{Value, json};

use crate::wx;

/// The vectors of `wx-crypto`: the two programs must not disagree.
const VECTORS: &str = include_str!("../../../wx-crypto/tests/vectors/open-data.json");

fn vectors(kind: &str) -> Vec<Value> {
    let mut vectors: Value = serde_json::from_str(VECTORS).unwrap();
    vectors[kind].take().as_array().unwrap().clone()
}

fn lines(cases: &[Value]) -> String {
    cases.iter().map(|case| format!("{case}\n")).collect()
}

fn official() -> Value {
    vectors("decrypt").into_iter().find(|case| case["id"] == "official-decrypt").unwrap()
}

/// The arguments for the official case, its key in a file.
fn decrypt<'a>(case: &'a Value, with: &[&'a str]) -> crate::Wx {
    let text = |name: &str| case[name].as_str().unwrap();
    let args = ["open-data", "decrypt", "--session-key", "@key", "--encrypted-data", "@data", "--iv", text("iv")];
    wx(&[&args, with].concat()).file("key", &format!("{}\n", text("session_key"))).file("data", text("encrypted_data"))
}

const OFFICIAL: &[&str] = &["--appid", "wx4f4bc4dec97d474b", "--now", "1477314247"];

#[test]
fn every_vector_is_answered_as_it_expects() {
    let cases = vectors("decrypt");
    let run = wx(&["open-data", "decrypt", "--jsonl"]).input(&lines(&cases)).run().exits(0).quiet();
    assert_eq!(run.stdout.lines().count(), cases.len());
    for (line, case) in run.stdout.lines().zip(&cases) {
        let expect = &case["expect"];
        let (id, ok, code, error) = (&case["id"], &expect["ok"], &expect["code"], &expect["error"]);
        let sha = expect.get("plaintext_sha256").map(|sha| format!(",\"plaintext_sha256\":{sha}")).unwrap_or_default();
        assert_eq!(line, format!("{{\"id\":{id},\"ok\":{ok},\"code\":{code},\"reason\":{error}{sha}}}"));
    }
}

#[test]
fn lenient_opens_the_vectors_that_are_only_damaged() {
    let cases = vectors("decrypt");
    let run = wx(&["open-data", "decrypt", "--jsonl", "--lenient"]).input(&lines(&cases)).run().exits(0).quiet();
    for (line, case) in run.stdout.lines().zip(&cases) {
        let expect = case.get("expect_lenient").unwrap_or(&case["expect"]);
        let answer: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&answer["id"], &answer["ok"], &answer["reason"]), (&case["id"], &expect["ok"], &expect["error"]));
        assert_eq!(answer.get("plaintext_sha256"), expect.get("plaintext_sha256"), "{}", case["id"]);
    }
}

#[test]
fn a_repair_that_would_help_is_named() {
    let mut case = official();
    case["encrypted_data"] = case["encrypted_data"].as_str().unwrap().replace('+', " ").into();
    let strict = decrypt(&case, OFFICIAL).run().exits(1);
    assert!(strict.stderr.contains("with --lenient it opens: the encrypted data had a space"), "{}", strict.stderr);
    let lenient = decrypt(&case, &[OFFICIAL, &["--lenient"]].concat()).run().exits(0);
    assert!(lenient.stderr.starts_with("wx: repaired: the encrypted data had a space"), "{}", lenient.stderr);
    assert_eq!(lenient.stdout.trim_end(), case["expect"]["plaintext"].as_str().unwrap());
}

#[test]
fn every_signature_is_answered_as_it_expects() {
    let cases = vectors("signature");
    let run = wx(&["open-data", "verify", "--jsonl"]).input(&lines(&cases)).run().exits(0).quiet();
    assert_eq!(run.stdout.lines().count(), cases.len());
    for (line, case) in run.stdout.lines().zip(&cases) {
        let (id, answer) = (&case["id"], serde_json::from_str::<Value>(line).unwrap());
        assert_eq!(answer["ok"], case["expect"], "{id}");
        let expected = if case["expect"] == true {
            format!(r#"{{"id":{id},"ok":true,"code":0,"reason":null}}"#)
        } else {
            format!(r#"{{"id":{id},"ok":false,"code":87009,"reason":"SignatureMismatch"}}"#)
        };
        assert_eq!(line, expected);
    }
}

#[test]
fn a_line_that_is_no_case_is_answered_and_the_others_too() {
    let input = format!("nonsense\n\n{{\"id\":\"half\",\"appid\":\"a\"}}\n[1]\n{}", official());
    let run = wx(&["open-data", "decrypt", "--jsonl"]).input(&input).run().exits(2);
    let answers: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let no_case = |id: Value| json!({ "id": id, "ok": false, "code": null, "reason": "NotACase" });
    assert_eq!(answers[..3], [no_case(Value::Null), no_case("half".into()), no_case(Value::Null)]);
    assert_eq!((answers.len(), &answers[3]["ok"]), (4, &true.into()));
    assert!(run.stderr.contains("line 3 is no case: `session_key` is missing"), "{}", run.stderr);
}

#[test]
fn a_line_without_end_is_refused_and_the_next_one_read() {
    let input = format!("{{\"id\":\"{}\"}}\n{}", "x".repeat(100_000_000), official());
    let run = wx(&["open-data", "decrypt", "--jsonl"]).input(&input).run().exits(2);
    let answers: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(answers[0], r#"{"id":null,"ok":false,"code":null,"reason":"LineTooLong"}"#);
    assert!(answers[1].starts_with(r#"{"id":"official-decrypt","ok":true,"code":0,"reason":null,"#));
}

#[test]
fn each_line_is_answered_before_the_next_is_read() {
    let mut wx = wx(&["open-data", "decrypt", "--jsonl"]);
    wx.command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = wx.command.spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for id in ["one", "two"] {
        let mut case = official();
        case["id"] = id.into();
        writeln!(stdin, "{case}").unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap(); // waits for ever if the answer waits for more input
        assert!(answer.starts_with(&format!("{{\"id\":\"{id}\",\"ok\":true")), "{answer}");
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn one_case_opens_and_prints_its_json() {
    let case = official();
    let run = decrypt(&case, OFFICIAL).run().exits(0).quiet();
    assert_eq!(run.stdout.trim_end(), case["expect"]["plaintext"].as_str().unwrap());
}

#[test]
fn one_case_that_does_not_open_says_why_and_what_to_do() {
    let case = official();
    let stale = decrypt(&case, &["--appid", "wx4f4bc4dec97d474b"]).run().exits(1);
    assert_eq!(stale.stdout, "");
    assert!(stale.stderr.contains("-41003 Stale") && stale.stderr.contains("fetch the data again"), "{}", stale.stderr);
    let other = decrypt(&case, &["--appid", "wx-other", "--now", "1477314247"]).run().exits(1);
    assert!(other.stderr.contains("AppIdMismatch"), "{}", other.stderr);
}

#[test]
fn the_key_comes_from_a_file_from_standard_input_or_from_the_environment_and_is_never_repeated() {
    let case = official();
    let key = case["session_key"].as_str().unwrap();
    let rest = ["--encrypted-data", case["encrypted_data"].as_str().unwrap(), "--iv", case["iv"].as_str().unwrap()];
    let args = |key: &[&'static str]| {
        let start = [&["open-data", "decrypt"], key].concat();
        [&start[..], &rest[..], OFFICIAL].concat().iter().map(|&arg| arg.to_owned()).collect::<Vec<String>>()
    };
    let run = |args: Vec<String>| wx(&args.iter().map(String::as_str).collect::<Vec<_>>());
    run(args(&["--session-key", "@-"])).input(&format!("{key}\r\n")).run().exits(0).quiet();
    run(args(&[])).env("WX_SESSION_KEY", key).run().exits(0).quiet();
    run(args(&[])).run().misused("WX_SESSION_KEY");
    let secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQ=";
    let refused = run(args(&[])).env("WX_SESSION_KEY", secret).run().exits(1);
    assert!(refused.stderr.contains("-41001 IllegalAesKey") && !refused.stderr.contains(secret), "{}", refused.stderr);
}

#[test]
fn what_is_missing_misused() {
    wx(&["open-data", "decrypt", "--iv", "a"]).run().misused("--encrypted-data");
    wx(&["open-data", "decrypt", "--jsonl", "--iv", "a"]).run().misused("cannot be used with");
    let both = ["open-data", "verify", "--session-key", "@-", "--raw-data", "@-", "--signature", "a"];
    wx(&both).run().misused("only one text can come from standard input");
    wx(&["open-data"]).run().misused("Usage: wx open-data");
}

#[test]
fn one_signature_is_right_or_says_what_would_make_it_so() {
    let case = vectors("signature").into_iter().find(|case| case["id"] == "official-signature").unwrap();
    let (key, signature) = (case["session_key"].as_str().unwrap(), case["signature"].as_str().unwrap());
    let verify = |raw: &str, signature: &str| {
        let args = ["open-data", "verify", "--raw-data", "@raw", "--signature", signature];
        wx(&args).file("raw", raw).env("WX_SESSION_KEY", key).run()
    };
    let raw = case["raw_data"].as_str().unwrap();
    verify(raw, signature).exits(0).quiet();
    let newline = verify(&format!("{raw}\n"), signature).exits(1);
    assert!(newline.stderr.contains("87009") && newline.stderr.contains("line end"), "{}", newline.stderr);
    let upper = verify(raw, &signature.to_uppercase()).exits(1);
    assert!(upper.stderr.contains("lower-case"), "{}", upper.stderr);
    let other = verify("{}", signature).exits(1);
    assert!(other.stderr.contains("exact text that travelled"), "{}", other.stderr);
}
