//! What the way through JavaScript costs: `cargo xtask bench js`.
//!
//! Every figure is a ratio or a bound measured in this one run, so a slow machine changes both sides. A figure out of bounds fails
//! the command.

use std::{cell::Cell, hint::black_box, process::ExitCode, rc::Rc, sync::Arc, time::Instant};

use async_trait::async_trait;
use wx_api::{
    Api, ApiSet, Cx, Host, Result,
    hce::{GetHceStateRequest, GetHceStateResult, Hce},
    login::{Login, LoginRequest, LoginResult},
};
use wx_host::Wx;
use wx_js::{Engine, Level};
use wx_tests::bench::{Bound, Figure, report, resident_kib, undisturbed};

const ROUNDS: usize = 201;
const CALLS: u32 = 1_000;

fn main() -> ExitCode {
    // Not all arguments are ours: `cargo bench` adds `--bench`.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime starts");
    let figures = runtime.block_on(async {
        let [used, resident, start_up] = apps().await;
        let (state, code) = ("errCode: 0", "code: '033aB2cD4eF6gH8iJ0kL2mN4oP6qR8sT'");
        [
            call("getHCEState with callbacks / Promise with the same ones", "getHCEState", &with_answer("getHCEState", state))
                .await,
            call("login with callbacks / Promise with the same ones", "login", &with_answer("login", code)).await,
            call("getHCEState with callbacks / Promise that brings nothing", "getHCEState", BARE).await,
            used,
            resident,
            start_up,
        ]
    });
    report(figures)
}

/// A backend that does nothing, so that only the way to it is measured.
struct Nothing;

#[async_trait]
impl Hce for Nothing {
    fn supported(&self) -> ApiSet {
        Api::GetHceState.into()
    }

    async fn get_hce_state(&self, _: &Cx, _: GetHceStateRequest) -> Result<GetHceStateResult> {
        Ok(GetHceStateResult {})
    }
}

#[async_trait]
impl Login for Nothing {
    fn supported(&self) -> ApiSet {
        Api::Login.into()
    }

    async fn login(&self, _: &Cx, _: LoginRequest) -> Result<LoginResult> {
        Ok(LoginResult { code: "033aB2cD4eF6gH8iJ0kL2mN4oP6qR8sT".to_owned() })
    }
}

fn engine(app: u32) -> (Engine, Rc<Cell<u32>>) {
    let host = Host { hce: Some(Arc::new(Nothing)), login: Some(Arc::new(Nothing)), ..Host::default() };
    let done = Rc::new(Cell::new(0));
    let told = done.clone();
    let engine = Engine::builder(Wx::builder(host).build(), Cx::new(format!("wx{app:016x}")))
        .console(|level, line| assert!(level < Level::Error, "{line}"))
        .function("done", move |(count,): (u32,)| {
            told.set(told.get() + count);
            Ok(())
        });
    (engine.build().expect("the limits are generous"), done)
}

/// What a script would do in place of a call: the same callbacks with the same object, brought by one of the engine's own promises.
fn with_answer(api: &str, fields: &str) -> String {
    format!(
        "args => {{ Promise.resolve().then(() => {{
           const res = {{ errMsg: '{api}:ok', {fields} }}; args.success?.(res); args.complete?.(res)
         }}) }}"
    )
}

/// The least that a promise can do: one callback, without an object. A call does more, and has to be as good all the same.
const BARE: &str = "args => { Promise.resolve().then(args.complete) }";

/// One call after the other, each from the callback of the one before it, through `wx`, and through what the script does by itself.
async fn call(name: &str, api: &str, alone: &str) -> Figure {
    let success = if alone == BARE { "" } else { "success: res => { if (!res.errMsg.endsWith(':ok')) throw res }, " };
    let begin = |call: &str| {
        format!(
            "let n = 0; const call = {call};
             (function next() {{ if (n++ < {CALLS}) call({{ {success}complete: next }}); else done(n - 1) }})()"
        )
    };
    let (ours, theirs) = (begin(&format!("wx.{api}")), begin(alone));
    let (mut engine, done) = engine(0);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (script, times) in [(&ours, &mut a), (&theirs, &mut b)] {
            done.set(0);
            let start = Instant::now();
            engine.run_source("app.js", script).await.expect("the script runs well");
            times.push(start.elapsed().as_secs_f64() / f64::from(CALLS) * 1e9);
            assert_eq!(done.get(), CALLS, "every call is answered");
        }
    }
    let (ours, theirs) = (undisturbed(&mut a), undisturbed(&mut b));
    Figure {
        name: name.to_owned(),
        measured: ours / theirs,
        bound: Bound::AtMost(1.5),
        unit: "x",
        detail: format!("{ours:.0} ns against {theirs:.0} ns, the script's own share in both"),
    }
}

/// A thousand apps in one process, each with an engine, the whole `wx`, and a call behind it: what an engine says it uses, what the
/// process has grown by, and how long it takes.
async fn apps() -> [Figure; 3] {
    const APPS: u32 = 1_000;
    drop(engine(0)); // what the first one sets up for all is not counted
    let (before, start) = (resident_kib(), Instant::now());
    let (mut apps, mut used) = (Vec::new(), 0);
    for i in 0..APPS {
        let (mut engine, done) = engine(i);
        used = used.max(engine.memory_used());
        engine.run_source("app.js", "wx.login({ success: res => done(res.code.length) })").await.expect("the script runs well");
        assert_eq!(done.get(), 32, "the call is answered");
        apps.push(engine);
    }
    let (elapsed, after) = (start.elapsed(), resident_kib());
    assert_eq!(black_box(&apps).len(), 1_000);
    #[allow(clippy::cast_precision_loss, reason = "some hundred thousand bytes")]
    let used = used as f64 / 1024.0;
    let detail = "what the engine has allocated, before a script runs".to_owned();
    [
        Figure {
            name: "memory of a context with the whole wx".to_owned(),
            measured: used,
            bound: Bound::AtMost(256.0),
            unit: "KiB",
            detail,
        },
        Figure {
            name: "resident memory of an app, 1,000 in one process".to_owned(),
            measured: (after - before) / f64::from(APPS),
            bound: Bound::AtMost(256.0),
            unit: "KiB",
            detail: "each with an engine and a call behind it".to_owned(),
        },
        Figure {
            name: "start of an app, its first call answered".to_owned(),
            measured: elapsed.as_secs_f64() * 1000.0 / f64::from(APPS),
            bound: Bound::AtMost(10.0),
            unit: "ms",
            detail: format!("{APPS} one after the other, all alive at the end"),
        },
    ]
}
