//! The check of parameters, before a call reaches the backend.

use wx_crypto::signature;

use super::{is_a_parameter_error, says_exactly};
use crate::{
    Bench, Outcome,
    cases::{login::sign_in, signature::session_key},
    check,
};

pub(super) async fn missing_parameter_is_undefined(bench: Bench) -> Outcome {
    should_be(&bench, "authorize", "{}", "parameter.scope should be String instead of Undefined;").await
}

pub(super) async fn wrong_type_is_named(bench: Bench) -> Outcome {
    for (name, args, detail) in [
        ("authorize", r#"{"scope":1}"#, "parameter.scope should be String instead of Number;"),
        ("authorize", r#"{"scope":true}"#, "parameter.scope should be String instead of Boolean;"),
        ("authorize", r#"{"scope":[]}"#, "parameter.scope should be String instead of Array;"),
        ("authorize", r#"{"scope":{}}"#, "parameter.scope should be String instead of Object;"),
        ("login", r#"{"timeout":"5000"}"#, "parameter.timeout should be Number instead of String;"),
        ("getUserInfo", r#"{"withCredentials":1}"#, "parameter.withCredentials should be Boolean instead of Number;"),
        ("startHCE", r#"{"aid_list":"F222222222"}"#, "parameter.aid_list should be Array instead of String;"),
        ("sendHCEMessage", r#"{"data":36864}"#, "parameter.data should be ArrayBuffer instead of Number;"),
    ] {
        should_be(&bench, name, args, detail).await?;
    }
    Ok(())
}

pub(super) async fn null_is_named(bench: Bench) -> Outcome {
    should_be(&bench, "authorize", r#"{"scope":null}"#, "parameter.scope should be String instead of Null;").await
}

pub(super) async fn wrong_element_type_is_named(bench: Bench) -> Outcome {
    let detail = "parameter.aid_list[1] should be String instead of Number;";
    should_be(&bench, "startHCE", r#"{"aid_list":["F222222222",5]}"#, detail).await
}

pub(super) async fn first_wrong_parameter_is_named(bench: Bench) -> Outcome {
    // The contract's order counts, not the script's.
    let args = r#"{"authContent":1,"challenge":2,"requestAuthModes":3}"#;
    let detail = "parameter.requestAuthModes should be Array instead of Number;";
    should_be(&bench, "startSoterAuthentication", args, detail).await
}

pub(super) async fn number_out_of_range_says_the_range(bench: Bench) -> Outcome {
    for args in [r#"{"timeout":-1}"#, r#"{"timeout":4294967296}"#] {
        is_a_parameter_error(&bench, "login", args, "parameter.timeout").await?;
        is_a_parameter_error(&bench, "login", args, "4294967295").await?;
    }
    Ok(())
}

pub(super) async fn arguments_must_be_an_object(bench: Bench) -> Outcome {
    for (args, ty) in [("[]", "Array"), ("5", "Number"), (r#""timeout""#, "String"), ("true", "Boolean")] {
        should_be(&bench, "login", args, &format!("parameter should be Object instead of {ty};")).await?;
    }
    Ok(())
}

pub(super) async fn malformed_json_is_a_parameter_error(bench: Bench) -> Outcome {
    for args in ["{", r#"{"timeout":}"#, "{} {}", "not json"] {
        is_a_parameter_error(&bench, "login", args, "").await?;
    }
    Ok(())
}

pub(super) async fn deep_nesting_is_refused(bench: Bench) -> Outcome {
    let depth = 100_000;
    let args = format!(r#"{{"timeout":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    is_a_parameter_error(&bench, "login", &args, "").await
}

pub(super) async fn no_arguments_are_fine(bench: Bench) -> Outcome {
    for args in ["{}", "", "null", "undefined"] {
        says_exactly(&bench, "login", args, "login:ok").await?;
    }
    Ok(())
}

pub(super) async fn unknown_fields_are_ignored(bench: Bench) -> Outcome {
    let args = r#"{"success":null,"complete":{},"noSuchField":["1",{"a":null}],"timeout":60000}"#;
    says_exactly(&bench, "login", args, "login:ok").await
}

pub(super) async fn bad_parameter_never_reaches_the_backend(bench: Bench) -> Outcome {
    let session = sign_in(&bench, &bench.cx).await?;
    bench.wx.call_json(&bench.cx, "login", r#"{"timeout":"soon"}"#).await;
    // A login that ran would have replaced the session key.
    let signed = signature::sign(b"{}", &session_key(&session)?);
    let said = bench.server()?.signature().verify(&session.openid, "{}", &signed).await;
    check(said.is_ok(), "login with a bad parameter ran all the same: the session key is another one")
}

async fn should_be(bench: &Bench, name: &str, args: &str, detail: &str) -> Outcome {
    says_exactly(bench, name, args, &format!("{name}:fail parameter error: {detail}")).await
}
