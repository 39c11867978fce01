//! What a script is promised of every call.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

mod common;

use common::{block_on, builder, cx, run_in, says, says_in, seed};
use wx_api::{Api, Profile, Scope, Version};
use wx_js::Fault;
use wx_mock::{Choice, World};

#[test]
fn success_then_complete_and_never_before_the_call_returned() {
    let said = says(
        "wx.login({
           success(res) { console.log('success', res.errMsg, typeof res.code) },
           fail() { console.log('fail') },
           complete(res) { console.log('complete', res.errMsg) },
         });
         console.log('returned')",
    );
    assert_eq!(said, ["returned", "success login:ok string", "complete login:ok"]);
}

#[test]
fn fail_then_complete_each_once() {
    let world = World::new(7);
    world.user().answer(Scope::Record, Choice::Deny);
    let said = says_in(
        &world,
        cx(),
        "const told = name => res => console.log(name, res);
         wx.authorize({ scope: 'scope.record', success: told('success'), fail: told('fail'), complete: told('complete') })",
    );
    assert_eq!(
        said,
        [
            "fail { errMsg: 'authorize:fail auth deny', errCode: -12007 }",
            "complete { errMsg: 'authorize:fail auth deny', errCode: -12007 }"
        ]
    );
}

#[test]
fn a_call_without_callbacks_is_a_promise() {
    let said = says(
        "const p = wx.getHCEState();
         console.log(p instanceof Promise);
         p.then(res => console.log(res));
         wx.authorize({ scope: 5 }).catch(res => console.log(res, res instanceof Error));
         console.log(wx.login({ success() {} }), wx.login({ fail() {} }), wx.login({ complete() {} }))",
    );
    assert_eq!(
        said,
        [
            "true",
            "undefined undefined undefined",
            "{ errMsg: 'getHCEState:ok', errCode: 0 }",
            "{ errMsg: 'authorize:fail parameter error: parameter.scope should be String instead of Number;' } false",
        ]
    );
}

#[test]
fn an_older_base_library_has_no_promises() {
    assert_eq!(says_in(&World::new(7), seed(), "console.log(wx.login())"), ["undefined"]);
    let first = cx().with_profile(Profile::default().with_sdk(Version(2, 10, 2)));
    assert_eq!(says_in(&World::new(7), first, "console.log(wx.login() instanceof Promise)"), ["true"]);
}

#[test]
fn promise_reactions_run_before_the_next_callback() {
    let said = says(
        "wx.getHCEState({
           success() { Promise.resolve().then(() => console.log('microtask of success')); console.log('success') },
           complete() { console.log('complete') },
         });
         wx.getHCEState({ success() { console.log('next') } })",
    );
    assert_eq!(said, ["success", "complete", "microtask of success", "next"]);
}

#[test]
fn bad_parameters_say_the_documented_words() {
    let bad =
        |call: &str| says(&format!("{call}.catch(res => console.log(res.errMsg.split('parameter error: ')[1], res.errCode))"));
    for (call, said) in [
        ("wx.authorize()", "parameter.scope should be String instead of Undefined; undefined"),
        ("wx.authorize(null)", "parameter.scope should be String instead of Undefined; undefined"),
        ("wx.authorize({ scope: null })", "parameter.scope should be String instead of Null; undefined"),
        ("wx.authorize({ scope: undefined })", "parameter.scope should be String instead of Undefined; undefined"),
        ("wx.authorize({ scope: {} })", "parameter.scope should be String instead of Object; undefined"),
        ("wx.authorize({ scope() {} })", "parameter.scope should be String instead of Function; undefined"),
        ("wx.authorize({ scope: Symbol('s') })", "parameter.scope should be String instead of Symbol; undefined"),
        ("wx.authorize({ scope: 5n })", "parameter.scope should be String instead of BigInt; undefined"),
        ("wx.authorize({ scope: new ArrayBuffer(1) })", "parameter.scope should be String instead of ArrayBuffer; undefined"),
        ("wx.authorize([])", "parameter should be Object instead of Array; undefined"),
        ("wx.authorize('x')", "parameter should be Object instead of String; undefined"),
        (
            "wx.login({ timeout: -1 })",
            "parameter.timeout should be a whole number from 0 to 4294967295 instead of -1; undefined",
        ),
        (
            "wx.login({ timeout: 5.5 })",
            "parameter.timeout should be a whole number from 0 to 4294967295 instead of 5.5; undefined",
        ),
        (
            "wx.login({ timeout: NaN })",
            "parameter.timeout should be a whole number from 0 to 4294967295 instead of NaN; undefined",
        ),
        (
            "wx.login({ timeout: 1e300 })",
            "parameter.timeout should be a whole number from 0 to 4294967295 instead of 1e+300; undefined",
        ),
        ("wx.getUserInfo({ lang: 'fr' })", "parameter.lang should be one of en, zh_CN, zh_TW instead of fr; undefined"),
        ("wx.startHCE({ aid_list: ['F0', 5] })", "parameter.aid_list[1] should be String instead of Number; 13003"),
        ("wx.startHCE({ aid_list: [, 'F0'] })", "parameter.aid_list[0] should be String instead of Undefined; 13003"),
        ("wx.sendHCEMessage({ data: 'kAA=' })", "parameter.data should be ArrayBuffer instead of String; 13005"),
        ("wx.sendHCEMessage({ data: { base64: 'kAA=' } })", "parameter.data should be ArrayBuffer instead of Object; 13005"),
        ("wx.sendHCEMessage({ data: new Uint8Array(2) })", "parameter.data should be ArrayBuffer instead of Object; 13005"),
        (
            "wx.sendHCEMessage({ data: Object.setPrototypeOf(new ArrayBuffer(2), Object.prototype) })",
            "parameter.data should be ArrayBuffer instead of Object; 13005",
        ),
    ] {
        assert_eq!(bad(call), [said], "{call}");
    }
}

#[test]
fn right_parameters_pass_in_every_form_scripts_have() {
    for call in [
        "wx.login({ timeout: 5000 })",
        "wx.login({ timeout: 5000.0 })",
        "wx.login({ timeout: null, more: { a: [1] } })",
        "wx.login({ timeout: undefined })",
        "wx.login(undefined)",
        "wx.login(Object.create({ timeout: 1000 }))",
        "wx.getUserInfo({ lang: 'zh_CN', withCredentials: false })",
        "wx.startHCE({ aid_list: ['F222222222'] })",
        "wx.login(new (class { get timeout() { return 5000 } })())",
        "wx.login(Object.create(null))",
    ] {
        assert_eq!(says(&format!("{call}.then(res => console.log(res.errMsg.endsWith(':ok')))")), ["true"], "{call}");
    }
}

#[test]
fn a_buffer_of_a_class_of_ones_own_is_a_buffer() {
    let data = "new (class extends ArrayBuffer {})(2)";
    let said =
        says(&format!("wx.sendHCEMessage({{ data: {data} }}).catch(res => console.log(res.errMsg.includes('parameter')))"));
    assert_eq!(said, ["false"]);
}

#[test]
fn what_a_script_adds_of_its_own_is_not_even_looked_at() {
    let said = says(
        "const deep = {}; deep.self = deep;
         let nested = []; for (let i = 0; i < 100000; i++) nested = [nested];
         wx.login({ deep, nested, get trap() { throw new Error('looked at') } }).then(res => console.log(res.errMsg))",
    );
    assert_eq!(said, ["login:ok"]);
}

#[test]
fn a_getter_that_throws_is_a_bad_parameter() {
    let said = says("wx.login({ get timeout() { throw new Error('mine') } }).catch(res => console.log(res.errMsg))");
    assert_eq!(said, ["login:fail parameter error: parameter.timeout: cannot be read: Error: mine;"]);
}

#[test]
fn half_a_character_does_no_harm() {
    let said = says("wx.authorize({ scope: 'scope.\\ud800' }).catch(res => console.log(res.errMsg))");
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("authorize:fail"), "{said:?}");
}

#[test]
fn a_callback_that_throws_breaks_no_other() {
    let (result, said) = run_in(
        &World::new(7),
        cx(),
        "wx.login({\n  success() { throw new TypeError('first') },\n  complete() { console.log('complete') } });
         wx.getHCEState({ success() { console.log('other') } })",
    );
    assert_eq!(said, ["E Uncaught app.js:2:25: TypeError: first", "complete", "other"]);
    let Err(Fault::Uncaught(uncaught)) = result else { panic!("{result:?}") };
    let location = uncaught.location.unwrap();
    assert_eq!((uncaught.message.as_str(), location.file.as_str(), location.line), ("TypeError: first", "app.js", 2));
}

#[test]
fn apis_newer_than_the_base_library_are_absent() {
    let old = cx().with_profile(Profile::default().with_sdk(Version(1, 4, 0)));
    let said = says_in(
        &World::new(7),
        old,
        "console.log(typeof wx.login, typeof wx.getHCEState, typeof wx.onHCEMessage, 'startSoterAuthentication' in wx);
         console.log(wx.canIUse('login'), wx.canIUse('getHCEState'), wx.canIUse('onHCEMessage'))",
    );
    assert_eq!(said, ["function undefined undefined false", "true false false"]);
    let said = says_in(&World::new(7), seed(), "console.log(typeof wx.onHCEMessage, typeof wx.offHCEMessage)");
    assert_eq!(said, ["function undefined"]);
}

#[test]
fn every_api_and_event_of_the_contract_is_there() {
    let names = says("console.log(Object.keys(wx).join())").remove(0);
    let names: Vec<&str> = names.split(',').collect();
    for api in Api::ALL {
        assert!(names.contains(&api.name()), "{}", api.name());
        if let Some(event) = api.event_facts() {
            assert!(names.contains(&event.off), "{}", event.off);
        }
    }
}

#[test]
fn every_api_answers_in_its_own_name() {
    for api in Api::ALL.iter().filter(|api| api.facts().is_some()) {
        let name = api.name();
        let said = says(&format!("wx.{name}({{ complete(res) {{ console.log(res.errMsg.split(':')[0]) }} }})"));
        assert_eq!(said, [name]);
    }
}

#[test]
fn can_i_use_knows_what_the_contract_knows() {
    for (schema, usable) in [
        ("login", true),
        ("login.object.timeout", true),
        ("login.object.success", true),
        ("login.object.password", false),
        ("login.success.code", true),
        ("login.success.errMsg", true),
        ("login.success.errCode", false),
        ("getHCEState.success.errCode", true),
        ("getUserInfo.object.lang.zh_CN", true),
        ("getUserInfo.object.lang.fr", false),
        ("getUserInfo.object.withCredentials", true),
        ("getUserInfo.success.userInfo", true),
        ("getUserInfo.success.userInfo.nickName", true),
        ("getUserInfo.success.userInfo.shoeSize", false),
        ("getUserInfo.success.errMsg.length", false),
        ("onHCEMessage", true),
        ("onHCEMessage.callback.messageType", true),
        ("onHCEMessage.callback.nothing", false),
        ("onHCEMessage.object.x", false),
        ("offHCEMessage", true),
        ("canIUse", true),
        ("login.return", false),
        ("login.nothing", false),
        ("button.open-type.contact", false),
        ("fly", false),
        ("", false),
        ("login.object.timeout.x", false),
        ("a.b.c.d.e", false),
    ] {
        assert_eq!(says(&format!("console.log(wx.canIUse('{schema}'))")), [usable.to_string()], "{schema}");
    }
    assert_eq!(says("console.log(wx.canIUse(), wx.canIUse(5), wx.canIUse('\\ud800'))"), ["false false false"]);
}

#[test]
fn can_i_use_knows_what_came_later_than_its_api() {
    for (sdk, usable) in [(Version(1, 9, 89), "true false"), (Version(1, 9, 90), "true true")] {
        let cx = cx().with_profile(Profile::default().with_sdk(sdk));
        let script = "console.log(wx.canIUse('login'), wx.canIUse('login.object.timeout'))";
        assert_eq!(says_in(&World::new(7), cx, script), [usable], "{sdk}");
    }
    let before_it = cx().with_profile(Profile::default().with_sdk(Version(1, 1, 0)));
    assert_eq!(says_in(&World::new(7), before_it, "console.log(typeof wx.login, typeof wx.canIUse)"), ["function undefined"]);
}

#[test]
fn a_call_under_way_keeps_the_script_running() {
    let world = World::new(7);
    world.user().answer(Scope::Record, Choice::Ignore);
    let (builder, lines) = builder(&world, cx());
    let mut engine = builder.build().unwrap();
    block_on(async {
        let script = "wx.authorize({ scope: 'scope.record', success() { console.log('allowed') } })";
        let answer = async {
            world.user().wait_for_prompts(1).await;
            world.user().answer(Scope::Record, Choice::Allow);
        };
        let (result, ()) = tokio::join!(engine.run_source("app.js", script), answer);
        assert_eq!(result, Ok(()));
    });
    assert_eq!(lines.take(), ["allowed"]);
}
