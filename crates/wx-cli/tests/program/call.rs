//! `wx call`.

use serde_json::json;

use crate::wx;

#[test]
fn a_call_that_is_ok_prints_its_answer_and_exits_with_0() {
    let run = wx(&["call", "getHCEState"]).run().exits(0).quiet();
    assert_eq!(run.stdout, "{\"errMsg\":\"getHCEState:ok\",\"errCode\":0}\n");
}

#[test]
fn the_same_seed_gives_the_same_answer_and_another_seed_another() {
    let code = |seed| wx(&["call", "login", "--seed", seed]).run().exits(0).json()["code"].clone();
    assert_eq!(code("7"), code("7"));
    assert_ne!(code("7"), code("8"));
}

#[test]
fn a_call_that_fails_prints_its_answer_and_exits_with_1() {
    let run = wx(&["call", "getHCEState", "--profile", "ios"]).run().exits(1).quiet();
    assert_eq!(run.json()["errCode"], 13002);
    let run = wx(&["call", "authorize", r#"{"scope": 5}"#]).run().exits(1);
    let expected = "authorize:fail parameter error: parameter.scope should be String instead of Number;";
    assert_eq!(run.json(), json!({ "errMsg": expected }));
}

#[test]
fn arguments_come_from_standard_input_or_a_file_too() {
    let scope = r#"{"scope": "scope.record"}"#;
    let expected = json!({ "errMsg": "authorize:ok" });
    assert_eq!(wx(&["call", "authorize", "-"]).input(scope).run().exits(0).json(), expected);
    assert_eq!(wx(&["call", "authorize", "@args.json"]).file("args.json", scope).run().exits(0).json(), expected);
    wx(&["call", "authorize", "@none.json"]).run().misused("none.json cannot be read");
}

#[test]
fn grants_and_refusals_of_the_command_line_hold() {
    let args = r#"{"scope": "scope.record"}"#;
    let denied = wx(&["call", "authorize", args, "--deny", "scope.record"]).run().exits(1);
    assert_eq!(denied.json()["errMsg"], "authorize:fail auth deny");
    wx(&["call", "getUserInfo", "--grant", "scope.userInfo"]).run().exits(0);
    let settings = wx(&["call", "getSetting", "--grant", "scope.camera", "--deny", "scope.record"]).run().exits(0);
    assert_eq!(settings.json()["authSetting"], json!({ "scope.camera": true, "scope.record": false }));
    wx(&["call", "login", "--grant", "scope.record", "--deny", "scope.record"]).run().misused("both granted and denied");
    wx(&["call", "login", "--grant", "record"]).run().misused("`record` is no scope");
}

#[test]
fn an_api_newer_than_the_base_library_fails() {
    let run = wx(&["call", "getHCEState", "--sdk", "1.6.0"]).run().exits(1);
    assert_eq!(run.json()["errMsg"], "getHCEState:fail not supported");
    wx(&["call", "login", "--sdk", "new"]).run().misused("not a base-library version");
}

#[test]
fn the_world_file_says_what_the_device_is_like() {
    let call = |api, world| wx(&["call", api, "--world", "world.toml"]).file("world.toml", world).run();
    assert_eq!(call("getHCEState", "[nfc]\nstate = 'off'").exits(1).json()["errCode"], 13001);
    assert_eq!(call("getUserInfo", "[user]\nname = 'Li'").exits(0).json()["userInfo"]["nickName"], "Li");
    assert_eq!(
        call("getUserInfo", "[grants]\n'scope.userInfo' = false").exits(1).json()["errMsg"],
        "getUserInfo:fail auth deny"
    );
    call("login", "sead = 1").misused("world.toml: TOML parse error at line 1");
    wx(&["call", "login", "--world", "none.toml"]).run().misused("none.toml");
}

#[test]
fn a_finger_of_the_world_file_confirms_and_without_one_the_wait_is_told() {
    let args = r#"{"requestAuthModes": ["fingerPrint"], "challenge": "order 42"}"#;
    let call = |world| wx(&["call", "startSoterAuthentication", args, "--world", "world.toml"]).file("world.toml", world).run();
    assert_eq!(call("[fingerprint]\nnext = ['no-match', 'match']").exits(0).json()["errCode"], 0);
    assert_eq!(call("[fingerprint]\nnext = ['freeze']").exits(1).json()["errCode"], 90010);
    let stuck = call("").exits(1);
    assert_eq!(stuck.stdout, "");
    assert!(stuck.stderr.contains("waits for what nobody does"), "{}", stuck.stderr);
}

#[test]
fn misuse_is_told_and_exits_with_2() {
    wx(&["call", "getHceState"]).run().misused("did you mean getHCEState?");
    wx(&["call", "nothing\u{1b}"]).run().misused("no API is called `nothing\\u{1b}`: `wx apis` lists them");
    wx(&["call", "onHCEMessage"]).run().misused("is an event");
    wx(&["call", "login", "{"]).run().misused("the argument is no JSON");
    wx(&["call"]).run().misused("required");
    wx(&["call", "login", "--backend", "moc"]).run().misused("no backend is called `moc`: there are mock");
    wx(&["call", "login", "--backend", "wx://phone:7000"]).run().misused("no address of an agent");
}
