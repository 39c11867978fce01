//! What a script finds beside `wx`: the native side of `environment.js`, and the global `wx` itself.

use std::{sync::Arc, time::Duration};

use rquickjs::{
    ArrayBuffer, Ctx, Exception, Function, IntoJs, Object, Persistent, Result, Value, context::EvalOptions, function::Opt,
};
use wx_api::Clock;

use crate::{
    call, can_i_use,
    console::Level,
    inspect, listeners, modules,
    shared::{Handle, WRAPPER},
    timers::Task,
};

/// The name of the environment itself in stacks.
pub(crate) const FILE: &str = "<wx-js>";

const SOURCE: &str = include_str!("environment.js");

/// The longest that a timer waits: what fits 31 bits of milliseconds, as everywhere.
const LONGEST_DELAY: f64 = 2_147_483_647.0;

/// Puts everything into a new context.
pub(crate) fn install<'js>(shared: &Handle, clock: &Arc<dyn Clock>, ctx: &Ctx<'js>) -> Result<()> {
    let native = Object::new(ctx.clone())?;
    console(shared, ctx, &native)?;
    time(shared, clock, ctx, &native)?;
    text(shared, ctx, &native)?;
    files(shared, ctx, &native)?;
    let begin: Function<'js> = ctx.eval_with_options(SOURCE, named(FILE))?;
    let made: Object<'js> = begin.call((ctx.globals(), native))?;
    shared.main.replace(Some(Persistent::save(ctx, made.get::<_, Function<'js>>("main")?)));
    shared.require.replace(Some(Persistent::save(ctx, made.get::<_, Function<'js>>("load")?)));
    ctx.globals().set("wx", wx(shared, ctx)?)
}

/// A script of this name, not strict unless it says so.
fn named(name: &str) -> EvalOptions {
    let mut options = EvalOptions::default();
    options.filename = Some(name.to_owned());
    options.strict = false;
    options
}

/// The function that a `CommonJS` script is inside.
pub(crate) fn compile<'js>(shared: &Handle, ctx: &Ctx<'js>, name: &str, source: &str) -> Result<Function<'js>> {
    shared.wrapped.borrow_mut().insert(name.to_owned());
    // A first line for a shell is none of the engine's business; as a comment it keeps the lines' numbers.
    let comment = if source.starts_with("#!") { "//" } else { "" };
    ctx.eval_with_options(format!("{}{comment}{source}{}", WRAPPER.0, WRAPPER.1), named(name))
}

/// Every API and event of the contract that the base library of this app has.
fn wx<'js>(shared: &Handle, ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let wx = Object::new(ctx.clone())?;
    let profile = shared.cx.profile();
    for api in profile.apis().iter() {
        let Some(event) = api.event_facts() else {
            let shared = shared.clone();
            let function = move |ctx: Ctx<'js>, passed: Opt<Value<'js>>| call::begin(&shared, api, &ctx, given(&ctx, passed));
            wx.set(api.name(), Function::new(ctx.clone(), function)?.with_name(api.name())?)?;
            continue;
        };
        let on = shared.clone();
        let function = move |ctx: Ctx<'js>, listener: Opt<Value<'js>>| listeners::on(&on, api, &ctx, given(&ctx, listener));
        wx.set(event.on, Function::new(ctx.clone(), function)?.with_name(event.on)?)?;
        if event.off_since <= profile.sdk() {
            let off = shared.clone();
            let function =
                move |ctx: Ctx<'js>, listener: Opt<Value<'js>>| listeners::off(&off, api, &ctx, given(&ctx, listener));
            wx.set(event.off, Function::new(ctx.clone(), function)?.with_name(event.off)?)?;
        }
    }
    if profile.sdk() < can_i_use::SINCE {
        return Ok(wx);
    }
    let asked = shared.clone();
    let function = move |schema: Opt<Value<'js>>| {
        let schema = schema.0.and_then(|schema| schema.as_string().and_then(|schema| schema.to_string().ok()));
        schema.is_some_and(|schema| can_i_use::answer(&asked.wx, &asked.cx, &schema))
    };
    wx.set("canIUse", Function::new(ctx.clone(), function)?.with_name("canIUse")?)?;
    Ok(wx)
}

fn given<'js>(ctx: &Ctx<'js>, passed: Opt<Value<'js>>) -> Value<'js> {
    passed.0.unwrap_or_else(|| Value::new_undefined(ctx.clone()))
}

fn console<'js>(shared: &Handle, ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    // What is printed leaves the engine, whose own limit does not count it.
    let (console, longest) = (shared.console.clone(), shared.limits.memory);
    let print = move |level: String, values: Vec<Value<'js>>| {
        let level = match level.as_str() {
            "debug" => Level::Debug,
            "warn" => Level::Warn,
            "error" => Level::Error,
            _ => Level::Info,
        };
        console.line(level, &inspect::line(&values, longest));
    };
    native.set("print", Function::new(ctx.clone(), print)?)?;
    let told = shared.clone();
    native.set("uncaught", Function::new(ctx.clone(), move |thrown: Value<'js>| told.uncaught(&thrown, false))?)
}

fn time<'js>(shared: &Handle, clock: &Arc<dyn Clock>, ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    let timers = shared.clone();
    let set = move |ctx: Ctx<'js>, function: Function<'js>, delay: f64, again: bool, args: Vec<Value<'js>>| -> Result<u32> {
        timers.admit(&ctx)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in the range of milliseconds, NaN is none")]
        let after = Duration::from_millis(delay.clamp(0.0, LONGEST_DELAY) as u64);
        let args = args.into_iter().map(|arg| Persistent::save(&ctx, arg)).collect();
        let task = Task { function: Persistent::save(&ctx, function), args };
        Ok(timers.timers.borrow_mut().set(task, after, again))
    };
    native.set("setTimer", Function::new(ctx.clone(), set)?)?;
    let timers = shared.clone();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is no number of a timer clears none")]
    let clear = move |id: f64| timers.timers.borrow_mut().clear(id as u32);
    native.set("clearTimer", Function::new(ctx.clone(), clear)?)?;
    let clock = clock.clone();
    #[allow(clippy::cast_precision_loss, reason = "exact for the next 280,000 years")]
    let now = move || clock.now().as_millis() as f64;
    native.set("now", Function::new(ctx.clone(), now)?)?;
    native.set("queueMicrotask", Function::new(ctx.clone(), |function: Function<'js>| function.defer(()))?)
}

fn text<'js>(shared: &Handle, ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    let encoder = shared.clone();
    let encode = move |ctx: Ctx<'js>, text: rquickjs::String<'js>| {
        let text = encoder.reading(&ctx)?.originals.text(&text)?;
        ArrayBuffer::new_copy(ctx, text.as_bytes())
    };
    native.set("encode", Function::new(ctx.clone(), encode)?)?;
    let decoder = shared.clone();
    let decode = move |ctx: Ctx<'js>, buffer: ArrayBuffer<'js>, fatal: bool| -> Result<Value<'js>> {
        let bytes = decoder.reading(&ctx)?.originals.bytes(&buffer)?;
        if fatal && std::str::from_utf8(&bytes).is_err() {
            return Err(Exception::throw_type(&ctx, "the data is not UTF-8"));
        }
        String::from_utf8_lossy(&bytes).into_js(&ctx)
    };
    native.set("decode", Function::new(ctx.clone(), decode)?)?;
    let decoder = shared.clone();
    let whole = move |ctx: Ctx<'js>, buffer: ArrayBuffer<'js>| -> Result<usize> {
        let bytes = decoder.reading(&ctx)?.originals.bytes(&buffer)?;
        Ok(whole_characters(&bytes))
    };
    native.set("wholeCharacters", Function::new(ctx.clone(), whole)?)
}

/// How many of these bytes can be decoded before more have come.
fn whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    for (i, &byte) in bytes.iter().enumerate().skip(tail).rev() {
        let length = match byte {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            0x80..=0xbf => continue,
            _ => 1,
        };
        return if i + length > bytes.len() { i } else { bytes.len() };
    }
    bytes.len()
}

fn files<'js>(shared: &Handle, ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    let place = shared.clone();
    let resolve = move |ctx: Ctx<'js>, from: String, name: String| {
        place.resolve(&from, &name).map_err(|why| Exception::throw_message(&ctx, &why))
    };
    native.set("resolve", Function::new(ctx.clone(), resolve)?)?;
    let place = shared.clone();
    let read = move |ctx: Ctx<'js>, name: String| place.read(&name).map_err(|why| Exception::throw_message(&ctx, &why));
    native.set("read", Function::new(ctx.clone(), read)?)?;
    let place = shared.clone();
    let compiled = move |ctx: Ctx<'js>, name: String| {
        let source = place.read(&name).map_err(|why| Exception::throw_message(&ctx, &why))?;
        if modules::ending(&name) == "mjs" {
            return modules::as_common(&ctx, &name);
        }
        match compile(&place, &ctx, &name, &source) {
            Err(_) if modules::looks_like_one(&source) => {
                drop(ctx.catch());
                place.wrapped.borrow_mut().remove(&name);
                modules::as_common(&ctx, &name)
            }
            compiled => compiled,
        }
    };
    native.set("compile", Function::new(ctx.clone(), compiled)?)
}

#[cfg(test)]
mod tests {
    use super::whole_characters;

    #[test]
    fn a_character_waits_for_its_last_byte() {
        for (bytes, whole) in [
            (&b""[..], 0),
            (b"ab", 2),
            ("a\u{e9}".as_bytes(), 3),
            (b"a\xc3", 1),
            (b"a\xe2\x82", 1),
            ("a€".as_bytes(), 4),
            (b"\xf0\x9f\x98", 0),
            ("😀".as_bytes(), 4),
            (b"\x80\x80\x80\x80", 4),
            (b"a\xff", 2),
        ] {
            assert_eq!(whole_characters(bytes), whole, "{bytes:x?}");
        }
    }
}
