//! `wx run`.

use std::process::Stdio;

use crate::{Run, Wx, wx};

/// A script in a folder of its own.
fn script(source: &str) -> Wx {
    wx(&["run", "app.js"]).file("app.js", source)
}

fn prints(source: &str) -> String {
    script(source).run().exits(0).quiet().stdout
}

fn example(name: &str, args: &[&str]) -> Run {
    let path = format!("{}/examples/{name}.js", env!("CARGO_MANIFEST_DIR"));
    wx(&[&["run"], args, &[&path]].concat()).run()
}

#[test]
fn the_console_goes_to_standard_output_and_warnings_to_standard_error() {
    let run = script("console.log('a', 1); console.info('b'); console.warn('c'); console.error('d')").run().exits(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("a 1\nb\n", "c\nd\n"));
}

#[test]
fn an_uncaught_error_is_told_with_its_place_and_exits_with_1() {
    let run = script("console.log('before')\n\n  throw new TypeError('no')").run().exits(1);
    assert_eq!(run.stdout, "before\n");
    assert!(run.stderr.starts_with("app.js:3:") && run.stderr.ends_with(": TypeError: no\n"), "{}", run.stderr);
}

#[test]
fn what_a_callback_throws_is_told_once_and_the_rest_still_runs() {
    let source = "setTimeout(() => { throw new Error('first') }, 10)\nsetTimeout(() => console.log('second'), 20)";
    let run = script(source).run().exits(1);
    assert_eq!(run.stdout, "second\n");
    assert!(run.stderr.starts_with("app.js:1:") && run.stderr.lines().count() == 1, "{}", run.stderr);
    let rejected = script("Promise.reject(new Error('nobody listens'))").run().exits(1);
    assert!(rejected.stderr.contains("app.js:1:") && rejected.stderr.contains("nobody listens"), "{}", rejected.stderr);
}

#[test]
fn a_script_that_does_not_end_is_stopped() {
    let run = script("for (;;) {}").run().exits(1);
    assert!(run.stderr.contains("does not end by itself") && run.stderr.lines().count() == 1, "{}", run.stderr);
}

#[test]
fn a_script_finds_its_arguments() {
    let wx = wx(&["run", "app.js", "--flag", "two words"]).file("app.js", "console.log(args.length, args[0], args[1])");
    assert_eq!(wx.run().exits(0).quiet().stdout, "2 --flag two words\n");
    assert_eq!(prints("console.log(args.length)"), "0\n");
}

#[test]
fn a_script_that_is_not_there_misused() {
    wx(&["run", "none.js"]).run().misused("none.js cannot be read");
    wx(&["run", "."]).run().misused("it is no file");
    wx(&["run"]).run().misused("<SCRIPT>");
    script("").env("WX", "").file("world.toml", "x = 1").run().exits(0);
    wx(&["run", "--world", "w.toml", "app.js"]).file("app.js", "").file("w.toml", "x = 1").run().misused("w.toml");
}

#[test]
fn require_finds_the_scripts_of_the_folder_and_nothing_outside() {
    let run = script("console.log(require('./b').answer)").file("b.js", "exports.answer = 42").run().exits(0);
    assert_eq!(run.stdout, "42\n");
    script("require('../secret')").run().exits(1);
}

#[test]
fn time_passes_by_itself_when_everybody_waits() {
    let source = "const t = Date.now(); setTimeout(() => console.log(Date.now() - t), 86400000)";
    assert_eq!(prints(source), "86400000\n");
}

#[test]
fn the_clock_is_moved_at_once() {
    let source = "wx.login({ success({ code }) {\n\
                  world.clock.advance(5 * 60 * 1000 + 1)\n\
                  console.log(world.server.exchange(code).errcode)\n\
                  } })";
    assert_eq!(prints(source), "40029\n");
    let awaited = "let n = 0; setTimeout(() => n++, 1000); world.clock.advance(1000).then(() => console.log(n))";
    assert_eq!(prints(awaited), "1\n");
    script("world.clock.advance(-1)").run().exits(1);
}

#[test]
fn the_user_answers_as_told_and_the_prompts_are_there_to_see() {
    let source = "world.user.answer('scope.record', 'deny')\n\
                  wx.authorize({ scope: 'scope.record', fail(r) {\n\
                  console.log(r.errMsg, JSON.stringify(world.user.prompts().map((p) => p.scope)))\n\
                  world.user.setting('scope.record', true)\n\
                  wx.openSetting({ success: (r) => console.log(r.authSetting['scope.record']) })\n\
                  } })";
    assert_eq!(prints(source), "authorize:fail auth deny [\"scope.record\"]\ntrue\n");
    let wrong = script("world.user.answer('scope.recrod', 'deny')").run().exits(1);
    assert!(wrong.stderr.contains("app.js:1:"), "{}", wrong.stderr);
}

#[test]
fn an_ignored_prompt_ends_the_script_with_a_word_about_it() {
    let source = "world.user.answer('scope.record', 'ignore')\n\
                  wx.authorize({ scope: 'scope.record', complete: () => console.log('never') })\n\
                  setTimeout(() => console.log(world.user.prompts().length), 1)";
    let run = script(source).run().exits(0);
    assert_eq!(run.stdout, "1\n");
    assert!(run.stderr.contains("nobody answers"), "{}", run.stderr);
    let answered = "world.user.answer('scope.record', 'ignore')\n\
                    wx.authorize({ scope: 'scope.record', success: () => console.log('allowed') })\n\
                    setTimeout(() => world.user.answer('scope.record', 'allow'), 1000)";
    assert_eq!(prints(answered), "allowed\n");
}

#[test]
fn every_event_of_the_finger_has_its_code() {
    for (event, code) in [("match", 0), ("cancel", 90008), ("freeze", 90010), ("not-enrolled", 90011), ("fault", 90007)] {
        let source = format!(
            "world.finger.next('{event}')\n\
             wx.startSoterAuthentication({{ requestAuthModes: ['fingerPrint'], challenge: 'c',\n\
             complete: (r) => console.log(r.errCode) }})"
        );
        assert_eq!(prints(&source), format!("{code}\n"), "{event}");
    }
}

#[test]
fn the_reader_sees_no_card_until_there_is_one_and_another_card_ends_the_first() {
    assert_eq!(prints("world.reader.transceive('00A40400').then((r) => console.log(r))"), "null\n");
    let source = "wx.onHCEMessage(({ messageType, reason }) => {\n\
                  if (messageType === 2) { console.log('reason', reason); return }\n\
                  wx.sendHCEMessage({ data: new Uint8Array([0x90, 0]).buffer })\n\
                  })\n\
                  wx.startHCE({ aid_list: ['F222222222'], success: async () => {\n\
                  console.log(await world.reader.select('F222222222'))\n\
                  await world.reader.leave(1)\n\
                  } })";
    assert_eq!(prints(source), "9000\nreason 1\n");
    script("world.reader.transceive('0')").run().exits(1);
}

#[test]
fn the_world_is_the_mocks_alone_and_the_same_every_time() {
    let code = "wx.login({ success: (r) => console.log(r.code) })";
    assert_eq!(prints(code), prints(code));
    let run = wx(&["run", "--backend", "desktop", "app.js"]).file("app.js", "console.log(typeof world)").run().exits(0);
    assert_eq!(run.stdout, "undefined\n");
}

#[test]
fn old_base_libraries_have_no_promises() {
    let run = wx(&["run", "--sdk", "1.9.94", "app.js"]).file("app.js", "console.log(typeof wx.login())").run().exits(0);
    assert_eq!(run.stdout, "undefined\n");
}

#[test]
fn a_closed_pipe_ends_a_script_that_prints_for_ever() {
    let mut wx = script("setInterval(() => console.log('on and on'), 1)");
    wx.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = wx.command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn output_that_cannot_be_kept_is_a_failure() {
    let mut wx = script("console.log('lost')");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = wx.command.stdin(Stdio::null()).stdout(full).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("cannot be written"), "{said}");
}

#[test]
fn the_examples_run_on_the_mock() {
    let sign_in = example("sign-in", &[]).exits(0).quiet();
    let expected = "a code to sign in with\nthe server knows the user\na second time: 40163\nsigned: true\n\
                    the server opened the data of Band for wx4f4bc4dec97d474b\n";
    assert_eq!(sign_in.stdout, expected);
    let consent = example("consent", &[]).exits(0).quiet();
    assert_eq!(consent.stdout, "authorize:fail auth deny\nafter the settings page: granted\nprompts: scope.record\n");
    let order = example("order", &[]).exits(0).quiet();
    assert_eq!(order.stdout, "supported: fingerPrint\nconfirmed: order 1, counter 1, signature of 344 characters\n");
    let world = wx(&["run", "--world", "w.toml", &format!("{}/examples/order.js", env!("CARGO_MANIFEST_DIR")), "42"]);
    let refused = world.file("w.toml", "[fingerprint]\nenrolled = false").run().exits(1);
    assert!(refused.stderr.contains("order 42 is not confirmed: ") && refused.stderr.contains("(90011)"), "{}", refused.stderr);
    let card = example("transit-card", &[]).exits(0).quiet();
    let rides = "ride 1: 019000\nride 2: 009000\nride 3: 6985\nthe reader has gone\n";
    assert_eq!(card.stdout, format!("the card is ready\nselected: 9000\n{rides}"));
}

/// Why no order is confirmed there: the backend has no SOTER yet.
const ORDER_ON_DESKTOP: &str = "order 1 is not confirmed: checkIsSupportSoterAuthentication:fail not supported";

#[test]
fn the_examples_run_on_the_desktop_as_far_as_its_apis_go() {
    let on_desktop = |name, args: &[&str]| example(name, &[&["--backend", "desktop"], args].concat());
    let sign_in = on_desktop("sign-in", &["--grant", "scope.userInfo"]).exits(0).quiet();
    assert_eq!(sign_in.stdout, "a code to sign in with\nsigned: true\n");
    let granted = on_desktop("consent", &["--grant", "scope.record"]).exits(0).quiet();
    assert_eq!(granted.stdout, "granted\n");
    let denied = on_desktop("consent", &["--deny", "scope.record"]).exits(0);
    assert_eq!(denied.stdout, "authorize:fail auth deny\nafter the settings page: still refused\n");
    assert!(denied.stderr.contains("nobody can turn a switch"), "{}", denied.stderr);
    let order = on_desktop("order", &[]).exits(1);
    assert!(order.stderr.contains(ORDER_ON_DESKTOP) && order.stderr.lines().count() == 1, "{}", order.stderr);
    // On a machine that has no reader for certain.
    let path = format!("{}/examples/transit-card.js", env!("CARGO_MANIFEST_DIR"));
    let card = wx(&["run", "--backend", "desktop", &path]).env("PCSCLITE_CSOCK_NAME", "/nowhere/pcscd.comm").run();
    assert_eq!(card.exits(0).quiet().stdout, "13000 startHCE:fail the device has no NFC\n");
}

#[test]
fn nobody_there_to_answer_is_told_with_a_hint_and_nothing_is_kept() {
    let source = "wx.authorize({ scope: 'scope.record', fail: (r) => console.log(r.errMsg) })";
    let run = wx(&["run", "--backend", "desktop", "app.js"]).file("app.js", source).run().exits(0);
    assert_eq!(run.stdout, "authorize:fail cancel\n");
    assert!(run.stderr.contains("pass --grant scope.record or --deny scope.record"), "{}", run.stderr);
}
