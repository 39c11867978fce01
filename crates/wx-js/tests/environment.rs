//! What a script finds beside `wx`.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

mod common;

use std::time::Duration;

use common::{block_on, builder, cx, run_in, says};
use serde::{Deserialize, Serialize};
use wx_js::{Fault, Location};
use wx_mock::World;

#[test]
fn the_console_shows_values_as_consoles_do() {
    for (value, shown) in [
        ("'text'", "text"),
        ("1, -0, 1.5, NaN, 10n", "1 0 1.5 NaN 10n"),
        ("null, undefined, true", "null undefined true"),
        ("Symbol('s'), Symbol()", "Symbol(s) Symbol()"),
        ("[1, 'a', [2, [3, [4, [5]]]]]", "[ 1, 'a', [ 2, [ 3, [Array] ] ] ]"),
        ("[], {}", "[] {}"),
        ("{ a: 1, 'b c': \"it's\" }", "{ a: 1, 'b c': \"it's\" }"),
        ("function f() {}, () => {}, class C {}", "[Function: f] [Function (anonymous)] [Function: C]"),
        ("new (class Point { x = 1 })()", "Point { x: 1 }"),
        ("Object.create(null)", "[Object: null prototype] {}"),
        ("new ArrayBuffer(3), new Uint8Array([1, 2])", "ArrayBuffer(3) Uint8Array(2) [ 1, 2 ]"),
        ("Promise.resolve(), Promise.race([])", "Promise { <fulfilled> } Promise { <pending> }"),
        ("(() => { const a = {}; a.a = a; return a })()", "{ a: [Circular] }"),
        ("{ get x() { throw 1 } }", "{ x: <unreadable> }"),
        ("new Proxy({}, { ownKeys() { throw 1 } })", "[Proxy]"),
        ("{ a: 'line\\nbreak' }", "{ a: 'line\\nbreak' }"),
    ] {
        assert_eq!(says(&format!("console.log({value})")), [shown], "{value}");
    }
    let long = says("console.log(new Array(1000).fill(7))").remove(0);
    assert!(long.len() < 400 && long.ends_with(", … ]"), "{long}");
    let wide = says("console.log(['x'.repeat(1e6)])").remove(0);
    assert!(wide.len() < 20_000);
    assert_eq!(says("console.log('x'.repeat(1e6))").remove(0).len(), 1_000_000, "what a script prints is printed whole");
}

#[test]
fn the_console_has_levels() {
    let said = says("console.debug(1); console.log(2); console.info(3); console.warn(4); console.error(5)");
    assert_eq!(said, ["D 1", "2", "3", "W 4", "E 5"]);
}

#[test]
fn an_error_is_shown_with_where_it_comes_from() {
    let said = says("console.log(new RangeError('too far'))").remove(0);
    assert!(said.starts_with("RangeError: too far\n") && said.contains("app.js:1:"), "{said}");
}

#[test]
fn timers_run_in_the_order_of_time_on_the_hosts_clock() {
    let world = World::new(7);
    let (builder, lines) = builder(&world, cx());
    let mut engine = builder.build().unwrap();
    let script = "
        const begun = Date.now();
        const told = name => () => console.log(name, Date.now() - begun);
        setTimeout(told('c'), 2000);
        setTimeout(told('b'), 1000);
        setTimeout(told('a'));
        const gone = setTimeout(told('gone'), 1500);
        clearTimeout(gone); clearTimeout(gone); clearTimeout(); clearTimeout('x'); clearTimeout(1e300);
        let ticks = 0;
        const id = setInterval((...args) => { told(args.join())(); if (++ticks === 3) clearInterval(id) }, 400, 'tick', 1);
        setTimeout((x, y) => console.log(x + y), 3000, 'x', 'y');
        console.log('end')";
    block_on(async {
        let (result, ()) = tokio::join!(engine.run_source("app.js", script), world.clock().pass(Duration::from_secs(10)));
        assert_eq!(result, Ok(()));
    });
    let expected = ["end", "a 0", "tick,1 400", "tick,1 800", "b 1000", "tick,1 1200", "c 2000", "xy"];
    assert_eq!(lines.take(), expected);
    assert_eq!(world.clock().sleepers(), 0);
}

#[test]
fn microtasks_run_before_timers() {
    let said = says(
        "setTimeout(() => console.log('timer'), 0);
         queueMicrotask(() => console.log('microtask'));
         Promise.resolve().then(() => console.log('promise'));
         console.log('script')",
    );
    assert_eq!(said, ["script", "microtask", "promise", "timer"]);
}

#[test]
fn what_is_no_function_is_no_task() {
    for call in ["setTimeout()", "setInterval('code')", "queueMicrotask({})"] {
        let said = says(&format!("try {{ {call} }} catch (error) {{ console.log(error.name) }}"));
        assert_eq!(said, ["TypeError"], "{call}");
    }
}

#[test]
fn the_time_is_the_hosts() {
    let said = says(
        "console.log(Date.now(), new Date().getTime(), new Date(0).toISOString(), new Date() instanceof Date);
         console.log(typeof Date(), new Date(2020, 1, 3).getMonth(), Date.UTC(1970, 0), Date.name, typeof performance);
         class Mine extends Date {}; console.log(new Mine().getTime(), new Mine() instanceof Mine)",
    );
    assert_eq!(
        said,
        ["1526002400000 1526002400000 1970-01-01T00:00:00.000Z true", "string 1 0 Date undefined", "1526002400000 true",]
    );
}

#[test]
fn text_is_encoded_and_decoded() {
    let said = says(
        "const bytes = new TextEncoder().encode('aé€😀');
         console.log(bytes, new TextDecoder().decode(bytes), new TextDecoder('UTF-8').decode(bytes.buffer));
         console.log(new TextEncoder().encode('\\ud800').join(), new TextEncoder().encode().length);
         console.log(new TextDecoder().decode(bytes.subarray(1, 3)), new TextDecoder().decode(new Uint8Array([0xff])));
         try { new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([0xff])) } catch (error) { console.log(error.name) }
         try { new TextDecoder('gbk') } catch (error) { console.log(error.name) }
         const stream = new TextDecoder(); let text = '';
         for (const byte of bytes) text += stream.decode(new Uint8Array([byte]), { stream: true });
         console.log(text + stream.decode());
         const target = new Uint8Array(4); const { read, written } = new TextEncoder().encodeInto('aé€', target); console.log(read, written)",
    );
    assert_eq!(
        said,
        [
            "Uint8Array(10) [ 97, 195, 169, 226, 130, 172, 240, 159, 152, 128 ] aé€😀 aé€😀",
            "239,191,189 0",
            "é \u{fffd}",
            "TypeError",
            "RangeError",
            "aé€😀",
            "2 3",
        ]
    );
}

#[test]
fn an_app_launches_then_shows_then_its_first_page_opens() {
    let said = says(
        "App({
           secret: 42,
           onLaunch(options) { console.log('launch', options.scene, getApp().secret, this.secret) },
           onShow() { console.log('show'); },
         });
         Page({
           data: { list: [{ n: 1 }], title: 'a' },
           onLoad() {
             console.log('load', getCurrentPages().length, getCurrentPages()[0] === this);
             this.setData({ title: 'b', 'list[0].n': 2, 'list[1]': { n: 3 }, 'more.deep': [1] }, () => console.log('set'));
             console.log(this.data);
           },
           onShow() { console.log('page show', this.data.title) },
           onReady() { console.log('ready') },
         });
         Page({ onLoad() { console.log('second page') } });
         console.log('registered', getCurrentPages().length)",
    );
    assert_eq!(
        said,
        [
            "registered 0",
            "launch 1001 42 42",
            "show",
            "load 1 true",
            "{ list: [ { n: 2 }, { n: 3 } ], title: 'b', more: { deep: [ 1 ] } }",
            "page show b",
            "ready",
            "set",
        ]
    );
}

#[test]
fn a_path_of_set_data_leads_to_data_only() {
    let said = says(
        "Page({
           onLoad() {
             this.setData({ '__proto__.spoilt': 1, 'constructor.prototype.spoilt': 2, 'toString.name': 3 });
             console.log({}.spoilt, this.data.constructor.prototype.spoilt, this.data.toString.name);
           },
         })",
    );
    assert_eq!(said, ["undefined 2 3"]);
}

#[test]
fn a_handler_that_throws_does_not_stop_the_life_cycle() {
    let (result, said) = run_in(
        &World::new(7),
        cx(),
        "App({ onLaunch() { throw new Error('launch') }, onShow() { console.log('show') } });
         Page({ onLoad() { console.log('load') } })",
    );
    assert!(matches!(result, Err(Fault::Uncaught(_))));
    assert_eq!(said, ["E Uncaught app.js:1:30: Error: launch", "show", "load"]);
}

#[test]
fn an_app_is_made_once() {
    assert_eq!(says("App({}); try { App({}) } catch (error) { console.log(error.message) }").len(), 1);
}

#[test]
fn an_error_of_the_script_itself_ends_the_run_at_its_place() {
    for (source, message, line, column) in [
        ("nothing.at.all", "ReferenceError: nothing is not defined", 1, 1),
        ("\n\n  null.x", "TypeError: cannot read property 'x' of null", 3, 3),
        ("throw new Error('mine')", "Error: mine", 1, 11),
        ("let a = 1\nlet a = 2", "SyntaxError: invalid redefinition of lexical identifier", 2, 7),
        ("const = 1", "SyntaxError: variable name expected", 1, 7),
    ] {
        let (result, _) = run_in(&World::new(7), cx(), source);
        let Err(Fault::Uncaught(uncaught)) = result else { panic!("{source}: {result:?}") };
        assert_eq!(uncaught.message, message, "{source}");
        assert_eq!(uncaught.location, Some(Location { file: "app.js".into(), line, column }), "{source}");
    }
    let (result, _) = run_in(&World::new(7), cx(), "setInterval(() => {}, 1); throw { code: 5 }");
    let Err(Fault::Uncaught(uncaught)) = result else { panic!("{result:?}") };
    assert_eq!((uncaught.message.as_str(), uncaught.location), ("{ code: 5 }", None));
}

#[test]
fn a_rejection_nobody_hears_is_reported_and_one_that_is_heard_is_not() {
    let (result, said) = run_in(
        &World::new(7),
        cx(),
        "Promise.reject(new Error('heard')).catch(() => {});
         const late = Promise.reject(new Error('heard in the same turn')); queueMicrotask(() => late.catch(() => {}));
         (async () => {\n  await null;\n  throw new Error('unheard') })();
         wx.authorize({ scope: 5 });",
    );
    let Err(Fault::Uncaught(uncaught)) = result else { panic!("{result:?}") };
    assert_eq!(uncaught.to_string(), "app.js:5:13: Error: unheard (in promise)");
    assert_eq!(said.len(), 2);
    assert_eq!(
        said[1],
        "E Uncaught { errMsg: 'authorize:fail parameter error: parameter.scope should be String instead of Number;' } (in promise)"
    );
}

#[test]
fn a_host_adds_functions_of_its_own() {
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Shown {
        scope_name: String,
        count: Option<u32>,
    }

    let (builder, lines) = builder(&World::new(7), cx());
    let mut engine = builder
        .function("world.add", |(a, b): (f64, Option<f64>)| Ok(a + b.unwrap_or(1.0)))
        .function("world.user.shown", |(): ()| Ok(vec![Shown { scope_name: "s".into(), count: None }]))
        .function("world.user.echo", |(shown,): (Shown,)| Ok(shown))
        .function("refuse", |(why,): (String,)| Err::<(), _>(why))
        .async_function("world.later", |(text,): (String,)| async move { Ok(text + "!") })
        .async_function("world.never", |(): ()| async move { Err::<(), _>("no".to_owned()) })
        .build()
        .unwrap();
    let script = "
        console.log(world.add(1, 2), world.add(1), world.user.shown(), world.user.echo({ scopeName: 'x', count: 3, more: [] }));
        try { world.add('1') } catch (error) { console.log(`${error}`) }
        try { world.add() } catch (error) { console.log(`${error}`) }
        try { refuse(5) } catch (error) { console.log(`${error}`) }
        try { world.user.echo({ scopeName: 'x', count: -1 }) } catch (error) { console.log(`${error}`) }
        try { refuse('mine') } catch (error) { console.log(`${error}`) }
        world.later('soon').then(text => console.log(text));
        world.never().catch(error => console.log(`${error}`))";
    assert_eq!(block_on(engine.run_source("app.js", script)), Ok(()));
    assert_eq!(
        lines.take(),
        [
            "3 2 [ { scopeName: 's', count: null } ] { scopeName: 'x', count: 3 }",
            "TypeError: parameter[0] should be Number instead of String;",
            "TypeError: parameter[0] should be Number instead of Undefined;",
            "TypeError: parameter[0] should be String instead of Number;",
            "TypeError: parameter[0].count should be a whole number from 0 to 4294967295 instead of -1;",
            "Error: mine",
            "soon!",
            "Error: no",
        ]
    );
}

#[test]
fn an_error_that_says_nothing_of_itself_is_told_all_the_same() {
    let script = "Error.prepareStackTrace = () => { wx.login({ complete() {} }); wx.onHCEMessage(() => {}); return {} };
         const spoilt = { get stack() { throw spoilt }, get name() { return Symbol('x') }, get message() { throw 5 } };
         setTimeout(() => { throw Object.defineProperties(new Error(), Object.getOwnPropertyDescriptors(spoilt)) });
         wx.login({ timeout: new Uint8Array(1), fail({ errMsg }) { console.log(errMsg) } })";
    let (result, said) = run_in(&World::new(7), cx(), script);
    let expected = "login:fail parameter error: parameter.timeout should be Number instead of Object;";
    assert!(said.contains(&expected.to_owned()) && said.contains(&"E Uncaught Error".to_owned()), "{said:?}");
    assert!(matches!(result, Err(Fault::Uncaught(uncaught)) if uncaught.message == "Error"));
}

#[test]
fn an_engine_runs_several_scripts_one_after_the_other() {
    let (builder, lines) = builder(&World::new(7), cx());
    let mut engine = builder.build().unwrap();
    block_on(async {
        assert_eq!(engine.run_source("a.js", "globalThis.kept = 1").await, Ok(()));
        assert!(engine.run_source("b.js", "throw new Error('b')").await.is_err());
        assert_eq!(engine.run_source("c.js", "wx.login({ success() { console.log(kept) } })").await, Ok(()));
    });
    assert_eq!(lines.take(), ["E Uncaught b.js:1:11: Error: b", "1"]);
}
