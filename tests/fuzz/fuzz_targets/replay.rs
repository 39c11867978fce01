//! Records that something else wrote, or that were damaged on the way.

#![no_main]

use futures_util::FutureExt;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use wx_api::{Api, Cx};
use wx_host::{Replay, Wx};

fuzz_target!(|bytes: &[u8]| {
    let replay = match Replay::read(bytes) {
        Ok(replay) => replay,
        Err(error) => {
            assert!(!error.to_string().is_empty(), "a refusal says why");
            return;
        }
    };
    let (wx, cx) = (Wx::builder(replay.clone()).build(), Cx::new("wx4f4bc4dec97d474b"));
    let mut left = replay.remaining();
    let (mut pending, mut streams) = (Vec::new(), Vec::new());
    // The script that the record itself tells: every call and subscription in its order.
    for line in bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok()) {
        match line["line"].as_str() {
            Some("call") => {
                let (name, args) = (line["api"].as_str().unwrap_or_default().to_owned(), line["args"].to_string());
                let (wx, cx) = (wx.clone(), cx.clone());
                let mut call = Box::pin(async move { wx.call_json(&cx, &name, &args).await });
                match call.as_mut().now_or_never() {
                    Some(answer) => assert!(answer.json().contains("errMsg")),
                    None => pending.push(call), // its answer is recorded later
                }
            }
            Some("subscribe") => {
                let event = line["events"][0].as_str().and_then(Api::from_name);
                streams.extend(event.and_then(|event| wx.subscribe(&cx, event).ok()));
            }
            Some("cancel") => drop(pending.pop()),
            _ => {}
        }
        assert!(replay.remaining() <= left, "a record only goes forward");
        left = replay.remaining();
    }
});
