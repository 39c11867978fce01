//! Calls as scripts make them: a name in the first line, any text after it as arguments.

#![no_main]

use futures_util::FutureExt;
use libfuzzer_sys::fuzz_target;
use wx_api::{Cx, Host};
use wx_host::Wx;

fuzz_target!(|call: &str| {
    let (name, args) = call.split_once('\n').unwrap_or((call, ""));
    let wx = Wx::builder(Host::default()).build();
    let cx = Cx::new("wx4f4bc4dec97d474b");
    let answer = wx.call_json(&cx, name, args).now_or_never().expect("an empty host answers at once");
    assert!(!answer.is_ok(), "an empty host does nothing");
    let json: serde_json::Value = serde_json::from_str(answer.json()).expect("an answer is JSON");
    let message = json["errMsg"].as_str().expect("an answer has an errMsg");
    assert!(message.contains(":fail "), "{message}");
});
