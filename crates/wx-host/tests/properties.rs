//! Whatever a script or a file says, there is an answer and no panic.
#![allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]

use futures_util::FutureExt;
use proptest::prelude::*;
use serde_json::Value;
use wx_api::{Api, Cx, Host};
use wx_host::{Replay, Wx};

/// An API's name more often than not, else anything.
fn name() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(Api::ALL).prop_map(|api| api.name().to_owned());
    prop_oneof![3 => known, 1 => any::<String>(), 1 => "\\PC{60,80}"]
}

/// Any JSON, not too deep.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(serde_json::json!({"base64": "kAA="})),
    ];
    let key = prop_oneof![
        "[a-z]{0,3}",
        proptest::sample::select(vec!["scope", "timeout", "data", "base64", "aid_list", "lang", "challenge"])
            .prop_map(Into::into),
        proptest::sample::select(vec!["withCredentials", "requestAuthModes", "authContent", "checkAuthMode"])
            .prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(key.clone(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Calls, and looks whether the answer is what every answer is.
fn call(name: &str, args: &str) -> String {
    let wx = Wx::builder(Host::default()).build();
    let answer = wx.call_json(&Cx::new("wx4f4bc4dec97d474b"), name, args).now_or_never().expect("nothing to wait for");
    let object: Value = serde_json::from_str(answer.json()).expect("an answer is JSON");
    let message = object["errMsg"].as_str().expect("an answer has errMsg").to_owned();
    let head: String = name.chars().take(64).collect();
    assert!(message.starts_with(&head), "{message:?} does not start with {name:?}");
    assert!(!answer.is_ok(), "an empty host does nothing");
    message
}

proptest! {
    #[test]
    fn any_text_has_an_answer(name in name(), args in any::<String>()) {
        call(&name, &args);
    }

    #[test]
    fn any_json_has_an_answer(name in name(), args in json()) {
        let message = call(&name, &args.to_string());
        prop_assert!(!message.contains("cannot be read as JSON"), "{}", message);
    }

    #[test]
    fn any_json_cut_short_has_an_answer(args in json(), keep in 0.0..1.0_f64) {
        let text = args.to_string();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "any length will do")]
        let mut end = (text.len() as f64 * keep) as usize;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        call("login", &text[..end]);
    }

    #[test]
    fn any_bytes_are_a_record_or_an_error(bytes in any::<Vec<u8>>()) {
        let _ = Replay::read(&bytes[..]);
    }

    #[test]
    fn any_lines_are_a_record_or_an_error(lines in proptest::collection::vec(json(), 0..5), at in any::<proptest::sample::Index>()) {
        let known = [
            r#"{"line":"call","id":1,"api":"login","args":{}}"#,
            r#"{"line":"subscribe","id":2,"events":["onHCEMessage"]}"#,
            r#"{"line":"answer","id":1,"ok":{"code":""}}"#,
            r#"{"line":"answer","id":2,"fail":{"kind":"internal","reason":""}}"#,
            r#"{"line":"cancel","id":1}"#,
        ];
        let mut text = String::from(r#"{"wx":"record","version":1,"supported":[]}"#);
        for (i, line) in lines.iter().enumerate() {
            text = format!("{text}\n{}\n{line}", known[(at.index(known.len()) + i) % known.len()]);
        }
        let _ = Replay::read(text.as_bytes());
    }
}
