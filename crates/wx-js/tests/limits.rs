//! Hostile scripts: the host survives each, and other apps go on.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

mod common;

use common::{Lines, block_on, builder, cx, seed};
use wx_js::{Engine, Fault};
use wx_mock::World;

/// An engine with little of everything, so that its limits are soon reached.
fn small() -> (Engine, Lines) {
    let (builder, lines) = builder(&World::new(7), cx());
    let engine = builder.memory_limit(8 << 20).stack_limit(128 << 10).interrupt_budget(50).pending_limit(1000).build().unwrap();
    (engine, lines)
}

fn run(source: &str) -> (Result<(), Fault>, Vec<String>) {
    let (mut engine, lines) = small();
    let result = block_on(engine.run_source("app.js", source));
    (result, lines.take())
}

fn message(result: Result<(), Fault>) -> String {
    match result {
        Err(Fault::Uncaught(uncaught)) => uncaught.message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_endless_loop_is_stopped_wherever_it_runs() {
    for source in [
        "while (true) {}",
        "for (;;) try { while (true) {} } catch {} finally { while (true) {} }",
        "(function f() { try { f() } finally { f() } })()",
        "setTimeout(() => { while (true) {} })",
        "wx.login({ success() { while (true) {} } })",
        "wx.login({ get timeout() { while (true) {} } })",
        "(async () => { while (true) await null })()",
        "const again = () => queueMicrotask(again); again()",
        "(function again() { Promise.resolve().then(again) })()",
        "console.log({ get x() { while (true) {} } })",
        "/(a+)+b/.test('a'.repeat(40))",
        "App({ onLaunch() { while (true) {} } })",
        "new Proxy({}, { get() { while (true) {} } }).x",
    ] {
        let (mut engine, _) = small();
        assert_eq!(block_on(engine.run_source("app.js", source)), Err(Fault::Endless(50)), "{source}");
        assert_eq!(block_on(engine.run_source("b.js", "1")), Err(Fault::Endless(50)), "it runs nothing further");
    }
}

#[test]
fn a_turn_has_its_budget_to_itself() {
    let busy = "for (let i = 0; i < 100000; i++);";
    let (result, said) =
        run(&format!("let n = 0; (function again() {{ {busy} if (++n < 50) setTimeout(again); else console.log(n) }})()"));
    assert_eq!((result, said), (Ok(()), vec!["50".to_owned()]));
}

#[test]
fn deep_recursion_is_a_range_error() {
    for source in [
        "(function f() { f() })()",
        "const o = { toString() { return `${o}` } }; `${o}`",
        "const o = { get x() { return wx.login({ get timeout() { return o.x } }) } }; o.x",
        "let a = []; for (let i = 0; i < 20000; i++) a = [a]; JSON.stringify(a)",
        "JSON.parse('['.repeat(100000))",
        "eval('('.repeat(100000))",
        "new RegExp('('.repeat(100000))",
        "class A { constructor() { new A() } } new A()",
    ] {
        let (result, _) = run(source);
        let message = message(result);
        assert!(
            message.contains("stack") || message.contains("SyntaxError") || message.contains("recursion"),
            "{source}: {message}"
        );
    }
    let (result, said) = run("let depth = 0; (function f() { depth++; try { f() } catch {} })(); console.log(depth > 100)");
    assert_eq!((result, said), (Ok(()), vec!["true".to_owned()]));
}

#[test]
fn a_memory_bomb_is_an_error_and_what_it_held_is_free_again() {
    for source in [
        "const a = []; for (;;) a.push(new ArrayBuffer(1 << 16))",
        "let s = 'x'; for (;;) s += s + 'x'.repeat(1000)",
        "Promise.resolve().then(function again() { return Promise.resolve().then(again) })",
        "new ArrayBuffer(1 << 30)",
        "new Array(1 << 28).fill(0)",
        "'x'.repeat(1 << 28)",
        "const m = new Map(); for (let i = 0; ; i++) m.set(i, {})",
        "new TextEncoder().encode('x'.repeat(5 << 20))",
    ] {
        let (mut engine, lines) = small();
        let result = block_on(engine.run_source("app.js", source));
        if result != Err(Fault::Endless(50)) {
            let message = message(result);
            assert!(
                message.contains("memory") || message.contains("length") || message.contains("too long"),
                "{source}: {message}"
            );
            let again = block_on(engine.run_source("b.js", "console.log('again')"));
            assert_eq!((again, lines.take().pop()), (Ok(()), Some("again".to_owned())), "{source}");
        }
    }
}

#[test]
fn arguments_under_way_count_as_memory() {
    let (result, said) = run("const text = 'x'.repeat(1 << 20); let [refused, ended] = [0, 0];
         const call = complete => wx.authorize({ scope: text, complete(res) { complete(/memory limit/.test(res.errMsg)) } });
         for (let i = 0; i < 20; i++) call(over => {
           refused += over;
           if (++ended === 20) { console.log(refused > 10, refused < 20); call(over => console.log(over)) }
         })");
    assert_eq!((result, said), (Ok(()), vec!["true true".to_owned(), "false".to_owned()]));
}

#[test]
fn arguments_of_a_call_within_a_call_are_given_back_once() {
    let (result, said) = run("const text = 'x'.repeat(1 << 20);
         const big = complete => wx.authorize({ scope: text, complete });
         (async () => {
           for (let i = 0; i < 20; i++) await new Promise(go => {
             wx.login({ get timeout() { big(go); return 5000 }, complete() {} });
           });
           let [refused, ended] = [0, 0];
           for (let i = 0; i < 20; i++) big(({ errMsg }) => {
             refused += /memory limit/.test(errMsg);
             if (++ended === 20) console.log(refused > 10, refused < 20);
           });
         })()");
    assert_eq!((result, said), (Ok(()), vec!["true true".to_owned()]));
}

#[test]
fn a_line_of_the_console_is_no_longer_than_the_memory() {
    let (result, said) = run("console.log(...new Array(1000).fill('x'.repeat(1 << 20)));
         console.log({ a: 'y'.repeat(1 << 20) });
         console.log('z'.repeat(1 << 20))");
    assert_eq!(result, Ok(()));
    let lengths: Vec<usize> = said.iter().map(String::len).collect();
    assert!((8 << 20..10 << 20).contains(&lengths[0]) && said[0].ends_with('…'), "{lengths:?}");
    assert!(lengths[1] < 20_000 && lengths[2] == 1 << 20, "an object is shown, a text is printed whole: {lengths:?}");
    let (result, said) = run("throw new Error('x'.repeat(1 << 20))");
    assert!(message(result).len() < 20_000 && said[0].len() < 20_000);
}

#[test]
fn what_waits_is_limited() {
    for source in
        ["for (;;) wx.login({ fail() {} })", "for (;;) setTimeout(() => {}, 1000000)", "for (;;) wx.onHCEMessage(() => {})"]
    {
        let (result, _) = run(source);
        assert_eq!(message(result), "RangeError: too many calls, timers and listeners: 1000 wait already", "{source}");
    }
}

#[test]
fn lengths_that_lie_do_no_harm() {
    for source in [
        "const a = []; a.length = 4294967295; wx.startHCE({ aid_list: a, fail(res) { console.log(res.errCode) } })",
        "const a = new Proxy(['F0'], { get: (t, k) => k === 'length' ? 'x' : t[k] }); wx.startHCE({ aid_list: a, complete() { console.log(13003) } })",
        "const a = new Proxy([], { get: (t, k) => k === 'length' ? 2 ** 40 : 'F0' }); wx.startHCE({ aid_list: a, fail(res) { console.log(res.errCode) } })",
        "const b = new ArrayBuffer(4); structuredCloneIsAbsent = b.transfer(); wx.sendHCEMessage({ data: b, fail(res) { console.log(13003) } })",
        "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); try { wx.login(proxy) } catch { console.log(13003) }",
        "const u = new Uint8Array(2); Object.defineProperty(u, 'length', { value: 'x' }); console.log(u.length === 'x' && 13003); console.debug(u)",
    ] {
        let (result, said) = run(source);
        if result == Err(Fault::Endless(50)) {
            continue;
        }
        assert_eq!(result, Ok(()), "{source}");
        assert_eq!(said.first().map(String::as_str), Some("13003"), "{source}");
    }
}

#[test]
fn a_script_that_spoils_its_builtins_spoils_only_itself() {
    let (result, said) = run(
        "Object.prototype.success = 5; Object.prototype.timeout = undefined;
         Object.defineProperty(Object.prototype, 'code', { set() { throw new Error('set') }, configurable: true });
         Array.prototype.map = Array.prototype.push = Promise.prototype.then = JSON.parse = null;
         ArrayBuffer = Uint8Array = Uint32Array = String.prototype.toWellFormed = Function.prototype.call = null;
         globalThis.Object = globalThis.Map = null;
         wx.login({ success(res) { console.log(res.errMsg, typeof res.code); console.log(new TextEncoder().encode('ab').length) } })",
    );
    assert_eq!((result, said), (Ok(()), vec!["login:ok string".to_owned(), "2".to_owned()]));
}

#[test]
fn no_way_leads_out_of_the_engine() {
    let (result, said) = run(
        "const found = ['process', 'Deno', 'std', 'os', 'scriptArgs', 'print', 'native', 'fetch', 'XMLHttpRequest', 'Worker'];
         console.log(found.filter(name => name in globalThis).join());
         console.log(typeof new Function('return this')().wx, typeof eval('wx'))",
    );
    assert_eq!((result, said), (Ok(()), vec![String::new(), "object object".to_owned()]));
}

#[test]
fn a_hundred_apps_share_a_thread_and_see_nothing_of_each_other() {
    let world = World::new(7);
    block_on(async {
        let mut running = Vec::new();
        for i in 0..100 {
            let lines = Lines::default();
            let app = wx_api::Cx::new(format!("wx{i:016x}"));
            let mut engine =
                Engine::builder(common::wx(&world), app).console(lines.sink()).interrupt_budget(50).build().unwrap();
            let source = if i % 10 == 3 {
                "while (true) {}".to_owned()
            } else {
                format!(
                    "if (globalThis.mine) throw new Error('not mine'); globalThis.mine = {i}; Object.prototype.mark = {i};
                     (async () => {{ for (let n = 0; n < 50; n++) await wx.login(); console.log(mine, ({{}}).mark) }})()"
                )
            };
            running.push(async move { (i, engine.run_source("app.js", &source).await, lines.take()) });
        }
        for (i, result, said) in futures_util::future::join_all(running).await {
            if i % 10 == 3 {
                assert_eq!(result, Err(Fault::Endless(50)));
            } else {
                assert_eq!((result, said), (Ok(()), vec![format!("{i} {i}")]));
            }
        }
    });
}

#[test]
fn an_engine_dropped_half_way_leaves_nothing_behind() {
    let world = World::new(7);
    world.user().answer(wx_api::Scope::Record, wx_mock::Choice::Ignore);
    let (builder, lines) = builder(&world, seed());
    let mut engine = builder.while_listening().build().unwrap();
    block_on(async {
        let script = "
            wx.authorize({ scope: 'scope.record', complete() { console.log('answered') } });
            wx.onHCEMessage(() => {}); setTimeout(() => {}, 1000); Promise.reject(1).catch(() => {});
            console.log('begun')";
        tokio::select! {
            result = engine.run_source("app.js", script) => panic!("{result:?}"),
            () = world.user().wait_for_prompts(1) => {}
        }
    });
    assert_eq!((world.user().open_prompts().len(), world.clock().sleepers()), (1, 1));
    drop(engine);
    assert_eq!((world.user().open_prompts().len(), world.clock().sleepers()), (0, 0));
    assert_eq!(lines.take(), ["begun"]);
}

#[test]
fn an_engine_that_is_dropped_is_gone_however_it_ended() {
    for (source, memory) in [
        ("wx.authorize({ scope: 'scope.record' }); setInterval(() => {}, 1); wx.onHCEMessage(function f() { f() })", 8 << 20),
        ("const me = { wx }; me.me = me; setTimeout(() => me, 1e6); wx.login({ success: () => me }); throw me", 8 << 20),
        ("new Promise(() => {}).then(() => wx); Promise.reject(wx); globalThis.all = [wx, globalThis, setTimeout]", 8 << 20),
        ("for (;;);", 8 << 20),
        ("", 64 << 10), // too little to begin with
    ] {
        let world = World::new(7);
        world.user().answer(wx_api::Scope::Record, wx_mock::Choice::Ignore);
        let (builder, kept) = (builder(&world, cx()).0, std::rc::Rc::new(()));
        let held = kept.clone();
        let builder = builder.while_listening().interrupt_budget(50).memory_limit(memory).function("held", move |(): ()| {
            let _ = &held;
            Ok(())
        });
        let engine = builder.build();
        assert_eq!(engine.is_err(), memory < 1 << 20, "{source}");
        if let Ok(mut engine) = engine {
            let _ended = block_on(async { futures_util::FutureExt::now_or_never(engine.run_source("app.js", source)) });
        }
        assert_eq!(std::rc::Rc::strong_count(&kept), 1, "something of the engine is left: {source}");
    }
}
