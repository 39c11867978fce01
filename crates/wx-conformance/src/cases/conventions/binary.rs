//! Binary in JSON.

use wx_api::hce::StartHceRequest;

use super::{is_a_parameter_error, says_exactly};
use crate::{Bench, Outcome};

pub(super) async fn binary_is_base64_in_an_object(bench: Bench) -> Outcome {
    bench.wx.call(&bench.cx, StartHceRequest { aid_list: vec!["F222222222".to_owned()] }).await?;
    // 9000: the shortest legal response, which only its right bytes are. No reader waits for it, so it is dropped.
    says_exactly(&bench, "sendHCEMessage", r#"{"data":{"base64":"kAA="}}"#, "sendHCEMessage:ok").await
}

pub(super) async fn string_is_no_array_buffer(bench: Bench) -> Outcome {
    let expected = "sendHCEMessage:fail parameter error: parameter.data should be ArrayBuffer instead of String;";
    says_exactly(&bench, "sendHCEMessage", r#"{"data":"kAA="}"#, expected).await
}

pub(super) async fn bad_base64_is_a_parameter_error(bench: Bench) -> Outcome {
    for text in ["!!!!", "kAA", "kAB=", " kAA="] {
        is_a_parameter_error(&bench, "sendHCEMessage", &format!(r#"{{"data":{{"base64":"{text}"}}}}"#), "base64").await?;
    }
    Ok(())
}
