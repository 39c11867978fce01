#![allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]

use bytes::Bytes;
use wx_api::{
    Api, Call, ErrorKind,
    authorization::AuthorizeRequest,
    hce::SendHceMessageRequest,
    login::{CheckSessionRequest, LoginRequest},
    soter::{AuthMode, StartSoterAuthenticationRequest, StartSoterAuthenticationResult},
    user::{GetUserInfoRequest, Lang},
};

use super::{Json, read_json as read};

/// What a script is told after `<api>:fail parameter error: `.
fn wrong(api: Api, args: &str) -> String {
    let error = read(api, args).expect_err(args);
    assert_eq!((error.kind(), error.api()), (ErrorKind::Parameter, api), "{args}");
    error.reason().strip_prefix("parameter error: ").unwrap().to_owned()
}

fn login(timeout: Option<u32>) -> Call {
    LoginRequest { timeout }.into()
}

#[test]
fn right_arguments_are_read() {
    assert_eq!(read(Api::Authorize, r#"{"scope":"s"}"#).unwrap(), AuthorizeRequest { scope: "s".into() }.into());
    assert_eq!(
        read(Api::GetUserInfo, r#" {"withCredentials":true,"lang":"zh_CN"} "#).unwrap(),
        GetUserInfoRequest { with_credentials: Some(true), lang: Some(Lang::ZhCn) }.into()
    );
    assert_eq!(
        read(Api::StartSoterAuthentication, r#"{"requestAuthModes":["fingerPrint","nose"],"challenge":"c"}"#).unwrap(),
        StartSoterAuthenticationRequest {
            request_auth_modes: vec![AuthMode::FingerPrint, AuthMode::Unknown],
            challenge: "c".into(),
            auth_content: None
        }
        .into()
    );
    assert_eq!(
        read(Api::SendHceMessage, r#"{"data":{"base64":"kAA="}}"#).unwrap(),
        SendHceMessageRequest { data: Bytes::from_static(&[0x90, 0x00]) }.into()
    );
}

#[test]
fn no_arguments_are_an_empty_object() {
    for args in ["", " \n", "null", "undefined", "{}", " null "] {
        assert_eq!(read(Api::Login, args).unwrap(), login(None), "{args:?}");
    }
}

#[test]
fn fields_that_are_no_parameters_are_ignored() {
    for args in [r#"{"success":{},"x":[1,{"y":null}]}"#, r#"{"x":1,"timeout":null}"#, r#"{"timeout":7.5e0,"timeout":null}"#] {
        assert_eq!(read(Api::Login, args).unwrap(), login(None), "{args}");
    }
    assert_eq!(read(Api::CheckSession, r#"{"complete":{}}"#).unwrap(), CheckSessionRequest {}.into());
}

#[test]
fn of_two_fields_of_one_name_the_last_counts_as_in_scripts() {
    assert_eq!(read(Api::Login, r#"{"timeout":"x","timeout":5}"#).unwrap(), login(Some(5)));
}

#[test]
fn a_whole_number_may_be_written_as_a_fraction() {
    for args in [r#"{"timeout":5000}"#, r#"{"timeout":5000.0}"#, r#"{"timeout":5e3}"#] {
        assert_eq!(read(Api::Login, args).unwrap(), login(Some(5000)), "{args}");
    }
}

#[test]
fn a_number_out_of_range_is_told_the_range() {
    let range = "parameter.timeout should be a whole number from 0 to 4294967295 instead of";
    for number in ["-1", "5.5", "4294967296", "-1.0", "18446744073709551615"] {
        assert_eq!(wrong(Api::Login, &format!(r#"{{"timeout":{number}}}"#)), format!("{range} {number};"));
    }
    assert_eq!(wrong(Api::Login, r#"{"timeout":1e300}"#), format!("{range} 1e+300;"));
}

#[test]
fn a_wrong_type_is_named_with_both_types() {
    for (api, args, expected) in [
        (Api::Authorize, r#"{"scope":5}"#, "parameter.scope should be String instead of Number;"),
        (Api::Authorize, r#"{"scope":true}"#, "parameter.scope should be String instead of Boolean;"),
        (Api::Authorize, r#"{"scope":["a"]}"#, "parameter.scope should be String instead of Array;"),
        (Api::Authorize, r#"{"scope":{}}"#, "parameter.scope should be String instead of Object;"),
        (Api::Authorize, r#"{"scope":{"base64":""}}"#, "parameter.scope should be String instead of ArrayBuffer;"),
        (Api::Authorize, r#"{"scope":null}"#, "parameter.scope should be String instead of Null;"),
        (Api::Authorize, "{}", "parameter.scope should be String instead of Undefined;"),
        (Api::Authorize, "", "parameter.scope should be String instead of Undefined;"),
        (Api::Login, r#"{"timeout":"5"}"#, "parameter.timeout should be Number instead of String;"),
        (Api::GetUserInfo, r#"{"withCredentials":1}"#, "parameter.withCredentials should be Boolean instead of Number;"),
        (Api::GetUserInfo, r#"{"lang":1}"#, "parameter.lang should be String instead of Number;"),
        (Api::GetUserInfo, r#"{"lang":"fr"}"#, "parameter.lang should be one of en, zh_CN, zh_TW instead of fr;"),
        (Api::StartHce, r#"{"aid_list":"F0"}"#, "parameter.aid_list should be Array instead of String;"),
        (Api::StartHce, r#"{"aid_list":["F0",5]}"#, "parameter.aid_list[1] should be String instead of Number;"),
        (Api::StartHce, r#"{"aid_list":[null]}"#, "parameter.aid_list[0] should be String instead of Null;"),
        (Api::SendHceMessage, r#"{"data":"kAA="}"#, "parameter.data should be ArrayBuffer instead of String;"),
        (Api::SendHceMessage, r#"{"data":{}}"#, "parameter.data should be ArrayBuffer instead of Object;"),
        (Api::SendHceMessage, r#"{"data":{"base64":5}}"#, "parameter.data should be ArrayBuffer instead of Object;"),
    ] {
        assert_eq!(wrong(api, args), expected, "{args}");
    }
}

#[test]
fn what_formats_without_names_allow_is_still_a_wrong_type() {
    for (api, args, expected) in [
        (Api::Authorize, r#"["scope.record"]"#, "parameter should be Object instead of Array;"),
        (Api::SendHceMessage, r#"{"data":["kAA="]}"#, "parameter.data should be ArrayBuffer instead of Array;"),
        (
            Api::CheckIsSoterEnrolledInDevice,
            r#"{"checkAuthMode":{"fingerPrint":null}}"#,
            "parameter.checkAuthMode should be String instead of Object;",
        ),
        (Api::GetUserInfo, r#"{"lang":{"en":null}}"#, "parameter.lang should be String instead of Object;"),
        (
            Api::StartSoterAuthentication,
            r#"{"requestAuthModes":[{"facial":null}],"challenge":"c"}"#,
            "parameter.requestAuthModes[0] should be String instead of Object;",
        ),
    ] {
        assert_eq!(wrong(api, args), expected, "{args}");
    }
}

#[test]
fn of_several_wrong_parameters_the_first_on_the_page_is_named() {
    let args = r#"{"challenge":5,"authContent":6}"#;
    assert_eq!(wrong(Api::StartSoterAuthentication, args), "parameter.requestAuthModes should be Array instead of Undefined;");
    let args = r#"{"authContent":6,"challenge":5,"requestAuthModes":[]}"#;
    assert_eq!(wrong(Api::StartSoterAuthentication, args), "parameter.challenge should be String instead of Number;");
}

#[test]
fn arguments_that_are_no_object_are_refused_by_their_type() {
    for (args, name) in [("[]", "Array"), ("5", "Number"), ("\"x\"", "String"), ("true", "Boolean")] {
        for api in [Api::Login, Api::Authorize, Api::CheckSession] {
            assert_eq!(wrong(api, args), format!("parameter should be Object instead of {name};"));
        }
    }
}

#[test]
fn malformed_json_says_what_and_where() {
    for args in ["{", "{}}", "{\"a\":}", "nul", "{\"scope\":\"\\ud800\"}", "{\"scope\":\"a\"} x", "\u{feff}{}", "1e999"] {
        let text = wrong(Api::Authorize, args);
        assert!(
            text.starts_with("the arguments cannot be read as JSON: ") && text.contains(" line 1 column "),
            "{args}: {text}"
        );
    }
}

#[test]
fn deep_nesting_is_refused_also_where_it_is_ignored() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        for args in [deep.clone(), format!(r#"{{"scope":{deep}}}"#), format!(r#"{{"scope":"a","x":{deep}}}"#)] {
            assert!(wrong(Api::Authorize, &args).contains("recursion limit"));
        }
    }
}

#[test]
fn too_long_arguments_are_refused() {
    let args = format!(r#"{{"scope":"{}"}}"#, "a".repeat(super::LONGEST));
    assert_eq!(wrong(Api::Authorize, &args), "the arguments are longer than 33554432 bytes");
}

#[test]
fn bad_base64_is_named() {
    let text = wrong(Api::SendHceMessage, r#"{"data":{"base64":"k!A="}}"#);
    assert!(text.starts_with("parameter.data: bad base64: "), "{text}");
}

#[test]
fn bad_parameters_of_card_emulation_have_its_codes() {
    for (api, args, code) in [
        (Api::StartHce, "{}", 13003),
        (Api::StartHce, r#"{"aid_list":"F0"}"#, 13003),
        (Api::StartHce, r#"{"aid_list":[5]}"#, 13003),
        (Api::StartHce, "[]", 13003),
        (Api::StartHce, "{", 13003),
        (Api::SendHceMessage, "", 13005),
        (Api::SendHceMessage, r#"{"data":"kAA="}"#, 13005),
        (Api::SendHceMessage, r#"{"data":{"base64":"k!A="}}"#, 13005),
        (Api::SendHceMessage, "5", 13005),
    ] {
        let error = read(api, args).expect_err(args);
        assert_eq!((error.kind(), error.code()), (ErrorKind::Parameter, Some(code)), "{args}");
        assert!(error.reason().starts_with("parameter error: "), "{error}");
    }
}

#[test]
fn bad_parameters_of_soter_have_its_codes_and_empty_results() {
    let failed = StartSoterAuthenticationResult::failed(AuthMode::FingerPrint).into();
    for (args, code) in [
        (r#"{"challenge":"c"}"#, Some(90003)),
        (r#"{"requestAuthModes":["fingerPrint",5],"challenge":5}"#, Some(90003)),
        (r#"{"requestAuthModes":["fingerPrint"]}"#, Some(90004)),
        (r#"{"requestAuthModes":[],"challenge":5,"authContent":6}"#, Some(90004)),
        (r#"{"requestAuthModes":[],"challenge":"c","authContent":6}"#, Some(90005)),
        ("[]", None),
        ("{", None),
    ] {
        let error = read(Api::StartSoterAuthentication, args).expect_err(args);
        assert_eq!((error.kind(), error.code(), error.reply()), (ErrorKind::Parameter, code, Some(&failed)), "{args}");
        assert!(error.reason().starts_with("parameter error: "), "{error}");
    }
    for args in ["{}", r#"{"checkAuthMode":5}"#] {
        let error = read(Api::CheckIsSoterEnrolledInDevice, args).expect_err(args);
        assert_eq!((error.kind(), error.code()), (ErrorKind::Parameter, Some(90003)), "{args}");
    }
}

#[test]
fn bad_parameters_of_other_apis_have_no_code() {
    for (api, args) in [(Api::Authorize, "{}"), (Api::Login, r#"{"timeout":"x"}"#), (Api::GetUserInfo, "[]"), (Api::Login, "{")]
    {
        let error = read(api, args).expect_err(args);
        assert_eq!((error.code(), error.reply()), (None, None), "{args}");
    }
}

#[test]
fn the_text_of_a_script_is_repeated_only_so_far() {
    let text = wrong(Api::GetUserInfo, &format!(r#"{{"lang":"{}"}}"#, "x".repeat(1000)));
    assert!(text.len() < 200 && text.ends_with("x…;"), "{text}");
}

#[test]
fn both_readers_agree_wherever_the_first_one_accepts() {
    for (api, args) in [
        (Api::Authorize, r#"{"scope":"s","x":{"y":[1]}}"#),
        (Api::Login, r#"{"timeout":5}"#),
        (Api::Login, r#"{"timeout":null}"#),
        (Api::StartHce, r#"{"aid_list":["F0",""]}"#),
        (Api::SendHceMessage, r#"{"data":{"base64":"kAA=","x":1}}"#),
        (Api::GetUserInfo, r#"{"lang":"en","withCredentials":false}"#),
        (Api::StartSoterAuthentication, r#"{"requestAuthModes":["speech"],"challenge":"","authContent":"é"}"#),
    ] {
        let value = serde_json::from_str(args).unwrap();
        let slow = Call::deserialize(api, super::Parameters::of(api, Json(Some(&value))).unwrap()).unwrap();
        let fast = Call::deserialize(api, super::Strict(&mut serde_json::Deserializer::from_str(args))).unwrap();
        assert_eq!(slow, fast, "{args}");
    }
}
