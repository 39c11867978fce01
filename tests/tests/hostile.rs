//! Hostile scripts: whatever one app does, the host survives it and the others on its thread go on.
//!
//! Each attack runs beside neighbours that sign in again and again; all must come to their ends, and the thread must be none the worse.
//! What each limit of one engine does exactly, `wx-js` tests itself.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use std::{cell::RefCell, fs, rc::Rc, sync::Arc};

use futures_util::future::{join, join_all};
use wx_api::{Cx, Host, Scope};
use wx_host::{Consent, MemoryStore, Wx};
use wx_js::{Engine, Fault};
use wx_mock::{Choice, World};

/// What a host that trusts nobody gives a script. One turn of a script may take 50 checks, some hundred thousand steps.
const MEMORY: usize = 16 << 20;
const STACK: usize = 192 << 10;
const BUDGET: u32 = 50;

type Lines = Rc<RefCell<Vec<String>>>;

fn engine(world: &World, app: &str) -> (Engine, Lines) {
    let consent = Consent::new(world.user().clone(), Arc::new(MemoryStore::default()));
    let wx = Wx::builder(Host { authorization: Some(Arc::new(consent)), ..world.host() }).build();
    let (lines, folder) = (Lines::default(), tempfile::tempdir().unwrap());
    fs::write(folder.path().join("inside.js"), "module.exports = 'inside'").unwrap();
    let sink = lines.clone();
    let engine = Engine::builder(wx, Cx::new(app))
        .memory_limit(MEMORY)
        .stack_limit(STACK)
        .interrupt_budget(BUDGET)
        .root(folder.path())
        .console(move |_, line| {
            let _folder = &folder; // it lives as long as the engine
            sink.borrow_mut().push(line.to_owned());
        });
    (engine.build().unwrap(), lines)
}

const NEIGHBOUR: &str = "
    (async () => {
      for (let n = 0; n < 20; n++) {
        const { code, errMsg } = await wx.login()
        if (errMsg !== 'login:ok' || typeof code !== 'string') throw new Error(errMsg)
      }
      if ({}.polluted || [].polluted || typeof leaked !== 'undefined') throw new Error('another app was here')
      console.log('well')
    })()";

/// How the attack ended, and what its console says. Its neighbours have come to their ends, during it and after it.
fn attack(script: &str) -> (Result<(), Fault>, Vec<String>) {
    attack_in(&World::new(7), script)
}

fn attack_in(world: &World, script: &str) -> (Result<(), Fault>, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (mut hostile, said) = engine(world, "wx00000000000000ff");
        let neighbours = (0..3).map(|i| neighbour(world, i));
        let (ended, _) = join(hostile.run_source("app.js", script), join_all(neighbours)).await;
        neighbour(world, 3).await;
        drop(hostile);
        neighbour(world, 4).await;
        (ended, said.take())
    })
}

async fn neighbour(world: &World, i: usize) {
    let (mut engine, said) = engine(world, &format!("wx{i:016x}"));
    assert_eq!((engine.run_source("app.js", NEIGHBOUR).await, said.take()), (Ok(()), vec!["well".to_owned()]));
}

fn says(script: &str) -> Vec<String> {
    let (ended, lines) = attack(script);
    assert_eq!(ended, Ok(()), "{script}: {lines:#?}");
    lines
}

fn thrown(script: &str) -> String {
    match attack(script) {
        (Err(Fault::Uncaught(uncaught)), _) => uncaught.message,
        other => panic!("{script}: {other:?}"),
    }
}

#[test]
fn an_endless_loop_ends() {
    for script in [
        "while (true) {}",
        "for (;;) try { while (true) {} } catch {} finally { while (true) {} }",
        "(async () => { for (;;) await 0 })()",
        "wx.login({ complete() { for (;;) {} } })",
        "setTimeout(function again() { for (;;) {} })",
        "import('./inside.js').then(() => { for (;;) {} })",
    ] {
        assert_eq!(attack(script).0, Err(Fault::Endless(BUDGET)), "{script}");
    }
}

#[test]
fn a_memory_bomb_is_refused() {
    for script in [
        "const hoard = []; for (;;) hoard.push(new ArrayBuffer(1 << 20))",
        "let text = 'x'; for (;;) text += text",
        "const hoard = []; const f = () => { hoard.push('x'.repeat(1 << 18) + hoard.length); f() }; for (;;) try { f() } catch (error) { throw error }",
        "new Array(0xffffffff).fill(new Uint8Array(1 << 16))",
        "wx.startHCE({ aid_list: new Array(1 << 20).fill('F222222222'), fail: ({ errMsg }) => { throw new Error(errMsg) } })",
    ] {
        let (ended, lines) = attack(script);
        let refused = match &ended {
            Err(Fault::Endless(_)) => true,
            Err(Fault::Uncaught(uncaught)) => {
                ["memory", "length", "too long", "invalid", "stack"].iter().any(|word| uncaught.message.contains(word))
            }
            _ => false,
        };
        assert!(refused, "{script}: {ended:?} {lines:?}");
    }
}

#[test]
fn deep_recursion_is_a_range_error() {
    for script in [
        "(function down() { down() })()",
        "let deep = {}; for (let i = 0; i < 50000; i++) deep = { deep }; wx.login({ timeout: deep }); JSON.stringify(deep)",
        "const trap = new Proxy({}, { get: (_, name) => trap[name] }); trap.x",
        "class Down { constructor() { return new Down() } }; new Down()",
        "const o = { get timeout() { wx.login(o) } }; wx.login(o)",
    ] {
        let message = thrown(script);
        assert!(message.contains("stack") || message.contains("recursion"), "{script}: {message}");
    }
}

#[test]
fn a_polluted_prototype_stays_where_it_is() {
    let said = says(
        "Object.prototype.polluted = Array.prototype.polluted = true
         globalThis.leaked = wx.leaked = true
         Object.setPrototypeOf(wx, { login() { throw new Error('not this one') } })
         wx.__proto__.constructor = null
         Object.defineProperty(Object.prototype, 'errMsg', { get: () => 'spoilt', set() { throw new Error('set') }, configurable: true })
         Object.defineProperty(Object.prototype, 'fail', { get() { throw new Error('got') }, configurable: true })
         Promise.prototype.then = Function.prototype.call = Array.prototype.push = JSON.stringify = null
         try { wx.login({ success() {} }) } catch (error) { console.log(error.message) }
         delete Object.prototype.fail
         wx.login({ success: res => console.log(res.hasOwnProperty('errMsg'), typeof res.code) })
         wx.login = () => console.log('my own business')
         wx.login()",
    );
    assert_eq!(said, ["got", "my own business", "true string"]);
}

#[test]
fn a_listener_that_throws_harms_no_other() {
    let world = World::new(7);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let script = "
            wx.onHCEMessage(() => { throw new Error('first') })
            wx.onHCEMessage(() => { throw { toString() { throw new Error('worse') }, get message() { throw 1 } } })
            wx.onHCEMessage(() => { wx.offHCEMessage(); throw null })
            wx.onHCEMessage(({ data }) => { console.log('heard'); wx.sendHCEMessage({ data: new Uint8Array([0x90, 0x00]).buffer }) })
            wx.startHCE({ aid_list: ['F222222222'], success() { console.log('started'); throw 0 }, complete() { console.log('complete') } })";
        let (mut card, said) = engine(&world, "wx00000000000000ff");
        let reader = world.reader().clone();
        let select = async move {
            let command = [0x00, 0xA4, 0x04, 0x00, 0x05, 0xF2, 0x22, 0x22, 0x22, 0x22, 0x00];
            loop {
                if let Some(response) = reader.transceive(&command).await {
                    return response;
                }
                tokio::task::yield_now().await;
            }
        };
        assert!(matches!(card.run_source("card.js", script).await, Err(Fault::Uncaught(_))));
        let answered = async {
            loop {
                let _ = card.idle().await;
                tokio::task::yield_now().await;
            }
        };
        let answer = tokio::select! {
            answer = select => answer,
            () = answered => unreachable!("it has no end"),
        };
        assert_eq!(&answer[..], [0x90, 0x00]);
        let said = said.take();
        assert!(said.iter().filter(|line| *line == "heard").count() == 1 && said.contains(&"complete".to_owned()), "{said:#?}");
        neighbour(&world, 1).await;
    });
}

#[test]
fn a_hundred_thousand_calls_wait_at_once() {
    let world = World::new(7);
    world.user().answer(Scope::Record, Choice::Ignore);
    let script = "
        let [answered, n] = [0, 0]
        const some = () => {
          for (let i = 0; i < 1000; i++, n++) {
            wx.authorize({ scope: 'scope.record', complete() { if (++answered === n && n === 100000) console.log(answered) } })
          }
          if (n < 100000) setTimeout(some); else console.log('all wait')
        }
        some()";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut engine, said) = {
        let consent = Consent::new(world.user().clone(), Arc::new(MemoryStore::default()));
        let wx = Wx::builder(Host { authorization: Some(Arc::new(consent)), ..world.host() }).build();
        let lines = Lines::default();
        let (sink, user) = (lines.clone(), world.user().clone());
        let engine = Engine::builder(wx, Cx::new("wx00000000000000ff")).console(move |_, line| {
            if line == "all wait" {
                user.answer(Scope::Record, Choice::Allow);
            }
            sink.borrow_mut().push(line.to_owned());
        });
        (engine.build().unwrap(), lines)
    };
    let ended = runtime.block_on(join(engine.run_source("app.js", script), join_all((0..3).map(|i| neighbour(&world, i)))));
    assert_eq!((ended.0, said.take()), (Ok(()), vec!["all wait".to_owned(), "100000".to_owned()]));
}

#[test]
fn a_storm_of_promises_blows_over() {
    for script in [
        "(function storm() { Promise.resolve().then(storm); Promise.resolve().then(storm) })()",
        "for (;;) wx.login()",
        "(async function storm() { await Promise.all([storm(), storm()]) })()",
        "const thenable = { then(go) { go(thenable) } }; Promise.resolve(thenable)",
    ] {
        let (ended, _) = attack(script);
        assert!(matches!(ended, Err(Fault::Endless(_) | Fault::Uncaught(_))), "{script}: {ended:?}");
    }
    let rejected = "for (let i = 0; i < 10000; i++) Promise.reject(new Error(i))";
    assert!(
        matches!(attack(rejected), (Err(Fault::Uncaught(first)), lines) if first.message == "Error: 0" && lines.len() == 10000)
    );
}

#[test]
fn no_module_leads_outside() {
    let names = [
        "/etc/passwd",
        "../secret.js",
        "./../../../../etc/passwd",
        "file:///etc/passwd",
        "~/.ssh/id_rsa",
        "./inside.js/../../x",
        "fs",
        "node:fs",
        "std",
        "os",
    ];
    for name in names {
        let said = says(&format!(
            "try {{ require('{name}'); console.log('in') }} catch {{ console.log('refused') }}
             import('{name}').then(() => console.log('in'), () => console.log('refused'))"
        ));
        assert_eq!(said, ["refused", "refused"], "{name}");
    }
    assert_eq!(says("console.log(require('./inside'))"), ["inside"]);
    let native = "console.log(require.constructor('return typeof process + typeof native + typeof std')())";
    assert_eq!(says(native), ["undefinedundefinedundefined"]);
}

#[test]
fn what_lies_about_itself_is_refused_or_read_once() {
    let said = says(
        "const said = complete => ({ complete: ({ errMsg }) => complete(errMsg) })
         let read = 0
         wx.login({ get timeout() { return read++ ? 'x' : 5000 }, ...said(text => console.log(text)) })
         wx.login(new Proxy(said(text => console.log(text)), { get: (of, name) => name === 'timeout' ? undefined : of[name] }))
         const { proxy, revoke } = Proxy.revocable({}, {})
         revoke()
         try { wx.login(proxy) } catch (error) { console.log(error.name) }
         try { wx.login({ get success() { throw new RangeError('no') } }) } catch (error) { console.log(error.name) }
         const endless = new Proxy([], { get: (_, name) => name === 'length' ? 4294967295 : 'F222222222' })
         wx.startHCE({ aid_list: endless, ...said(text => console.log(text.slice(0, 13))) })
         wx.sendHCEMessage({ data: new ArrayBuffer(8).transfer(0), ...said(text => console.log(text.slice(0, 19))) })
         wx.authorize({ scope: { toString: () => 'scope.record' }, ...said(text => console.log(text.slice(0, 30))) })",
    );
    for line in
        ["login:ok", "TypeError", "RangeError", "startHCE:fail", "sendHCEMessage:fail", "authorize:fail parameter error"]
    {
        assert!(said.iter().any(|said| said.starts_with(line)), "{line}: {said:#?}");
    }
    assert_eq!(said.iter().filter(|line| *line == "login:ok").count(), 2, "{said:#?}");
}

#[test]
fn a_regular_expression_without_end_ends() {
    for script in [
        "/^(a+)+$/.test('a'.repeat(100) + 'b')",
        "/(x+x+)+y/.exec('x'.repeat(100))",
        "'x'.repeat(50000).replace(/(.*)*z/g, '')",
        "setTimeout(() => /^(([a-z])+.)+[A-Z]([a-z])+$/.test('a'.repeat(100)))",
    ] {
        let (ended, _) = attack(script);
        assert!(matches!(ended, Err(Fault::Endless(_) | Fault::Uncaught(_))), "{script}: {ended:?}");
    }
}

#[test]
fn fifty_attackers_at_once_leave_the_thread_to_the_others() {
    let world = World::new(7);
    let attacks = [
        "while (true) {}",
        "const hoard = []; for (;;) hoard.push(new ArrayBuffer(1 << 20))",
        "(function down() { down() })()",
        "for (;;) wx.login()",
        "(function storm() { Promise.resolve().then(storm); Promise.resolve().then(storm) })()",
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let attackers = (0..50).map(|i| {
            let (mut engine, _) = engine(&world, &format!("wx{:016x}", 0x100 + i));
            let script = attacks[i % attacks.len()];
            async move { (script, engine.run_source("app.js", script).await) }
        });
        let (attacked, _) = join(join_all(attackers), join_all((0..10).map(|i| neighbour(&world, i)))).await;
        for (script, ended) in attacked {
            assert!(ended.is_err(), "{script}: {ended:?}");
        }
    });
}
