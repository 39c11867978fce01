//! One call of an API: from the object a script passes to the callbacks it gets its answer by.

use rquickjs::{Ctx, Exception, Function, Object, Persistent, Value};
use wx_api::{Api, Result};
use wx_host::edge::{self, Outcome};

use crate::{
    arguments::{Held, Passed},
    names::{Name, Names},
    results::{self, Unwritable},
    shared::{Handle, Shared},
};

type Callback = Option<Persistent<Function<'static>>>;

/// How a script wants its answer.
pub(crate) enum Answering {
    /// By the functions it gave, if any.
    Callbacks { success: Callback, fail: Callback, complete: Callback },
    /// By a promise.
    Promise { resolve: Persistent<Function<'static>>, reject: Persistent<Function<'static>> },
}

/// Writes the result of a host's own function.
pub(crate) type Write = Box<dyn for<'js> FnOnce(&Ctx<'js>) -> rquickjs::Result<Value<'js>>>;

/// What a call under way ends as.
pub(crate) enum Landing {
    /// The answer of an API.
    Answer { answering: Answering, outcome: Outcome },
    /// The answer of a function of the host.
    Host { answering: Answering, result: std::result::Result<Write, String> },
}

/// Begins a call, and answers what the script gets at once: a promise, or nothing.
pub(crate) fn begin<'js>(shared: &Handle, api: Api, ctx: &Ctx<'js>, passed: Value<'js>) -> rquickjs::Result<Value<'js>> {
    shared.admit(ctx)?;
    let reading = shared.reading(ctx)?;
    let (answering, returned) = answering(shared, ctx, &reading.names, &passed)?;
    let held = Held::new(reading);
    let call = edge::read(api, Passed::value(passed, &held));
    let (wx, cx) = (shared.wx.clone(), shared.cx.clone());
    let under_way = Box::pin(async move {
        let _held = held;
        let result: Result<_> = match call {
            Ok(call) => wx.invoke(&cx, call).await,
            Err(error) => Err(error),
        };
        Landing::Answer { answering, outcome: Outcome::new(api, result) }
    });
    shared.calls.borrow().push(under_way);
    Ok(returned)
}

/// The callbacks of a script, or a promise if it gave none and its base library has promises.
fn answering<'js>(
    shared: &Shared,
    ctx: &Ctx<'js>,
    names: &Names,
    passed: &Value<'js>,
) -> rquickjs::Result<(Answering, Value<'js>)> {
    let nothing = Value::new_undefined(ctx.clone());
    let [success, fail, complete] = match passed.as_object() {
        Some(object) => [
            callback(ctx, object, &names.success)?,
            callback(ctx, object, &names.fail)?,
            callback(ctx, object, &names.complete)?,
        ],
        None => [None, None, None],
    };
    if success.is_none() && fail.is_none() && complete.is_none() && shared.cx.profile().has_promises() {
        return promise(ctx);
    }
    Ok((Answering::Callbacks { success, fail, complete }, nothing))
}

/// A promise, and how to settle it.
pub(crate) fn promise<'js>(ctx: &Ctx<'js>) -> rquickjs::Result<(Answering, Value<'js>)> {
    let (promise, resolve, reject) = ctx.promise()?;
    let (resolve, reject) = (Persistent::save(ctx, resolve), Persistent::save(ctx, reject));
    Ok((Answering::Promise { resolve, reject }, promise.into_value()))
}

fn callback<'js>(ctx: &Ctx<'js>, object: &Object<'js>, name: &Name) -> rquickjs::Result<Callback> {
    let function: Value<'js> = object.get(name.atom(ctx)?)?;
    Ok(function.into_function().map(|function| Persistent::save(ctx, function)))
}

/// Gives a script its answer.
pub(crate) fn land(shared: &Shared, ctx: &Ctx<'_>, landing: Landing) {
    match landing {
        Landing::Answer { answering, outcome } => {
            let value = shared.reading(ctx).map_err(Unwritable::from);
            match value.and_then(|reading| results::outcome(ctx, &reading.names, &outcome)) {
                Ok(value) => answer(shared, ctx, answering, outcome.is_ok(), &value),
                Err(error) => shared.report(ctx, Err(error.throw(ctx))),
            }
        }
        Landing::Host { answering, result } => {
            let ok = result.is_ok();
            let value = match result {
                Ok(write) => write(ctx),
                Err(why) => Exception::from_message(ctx.clone(), &why).map(|error| error.into_object().into_value()),
            };
            match value {
                Ok(value) => answer(shared, ctx, answering, ok, &value),
                Err(error) => shared.report(ctx, Err(error)),
            }
        }
    }
}

/// Runs the callback of the outcome, then `complete`. What one throws is reported and keeps no other from running.
fn answer<'js>(shared: &Shared, ctx: &Ctx<'js>, answering: Answering, ok: bool, value: &Value<'js>) {
    let functions = match answering {
        Answering::Callbacks { success, fail, complete } => [if ok { success } else { fail }, complete],
        Answering::Promise { resolve, reject } => [Some(if ok { resolve } else { reject }), None],
    };
    for function in functions.into_iter().flatten() {
        let result = function.restore(ctx).and_then(|function| function.call::<_, ()>((value.clone(),)));
        shared.report(ctx, result);
    }
}
