//! Functions of the host's own beside `wx`.

use std::{future::Future, rc::Rc};

use rquickjs::{Ctx, Exception, Function, Object, Result, Value, function::Rest};
use serde::{Serialize, de::DeserializeOwned};
use wx_host::edge;

use crate::{
    arguments::{Held, Passed},
    call::{self, Landing, Write},
    results,
    shared::{Handle, Shared},
};

/// A function as scripts call it.
pub(crate) type HostFunction = Rc<dyn for<'js> Fn(&Shared, &Ctx<'js>, Vec<Value<'js>>) -> Result<Value<'js>>>;

/// A value, made once the engine is there.
pub(crate) type HostValue = Box<dyn for<'js> Fn(&Ctx<'js>) -> Result<Value<'js>>>;

/// One that serialises.
pub(crate) fn value<R: Serialize + 'static>(value: R) -> HostValue {
    Box::new(move |ctx| results::value(ctx, &value).map_err(|error| error.throw(ctx)))
}

/// One that answers at once.
pub(crate) fn plain<A, R>(function: impl Fn(A) -> std::result::Result<R, String> + 'static) -> HostFunction
where
    A: DeserializeOwned,
    R: Serialize,
{
    Rc::new(move |shared: &Shared, ctx: &Ctx<'_>, passed| {
        let (args, _) = read(shared, ctx, passed)?;
        let result = function(args).map_err(|why| Exception::throw_message(ctx, &why))?;
        results::value(ctx, &result).map_err(|error| error.throw(ctx))
    })
}

/// One that answers a promise.
pub(crate) fn promising<A, R, F>(function: impl Fn(A) -> F + 'static) -> HostFunction
where
    A: DeserializeOwned,
    R: Serialize + 'static,
    F: Future<Output = std::result::Result<R, String>> + 'static,
{
    Rc::new(move |shared: &Shared, ctx: &Ctx<'_>, passed| {
        shared.admit(ctx)?;
        let (args, held) = read(shared, ctx, passed)?;
        let (answering, promise) = call::promise(ctx)?;
        let answer = function(args);
        shared.calls.borrow().push(Box::pin(async move {
            let _held = held;
            let result = answer
                .await
                .map(|result| -> Write { Box::new(move |ctx| results::value(ctx, &result).map_err(|error| error.throw(ctx))) });
            Landing::Host { answering, result }
        }));
        Ok(promise)
    })
}

/// The arguments, and the room that they take.
fn read<'js, A: DeserializeOwned>(shared: &Shared, ctx: &Ctx<'js>, passed: Vec<Value<'js>>) -> Result<(A, Held)> {
    let held = shared.hold(ctx)?;
    let args = edge::deserialize(Passed::list(passed, &held));
    args.map(|args| (args, held)).map_err(|wrong| Exception::throw_type(ctx, &wrong.to_string()))
}

/// Puts a function where its path says.
pub(crate) fn install(shared: &Handle, ctx: &Ctx<'_>, path: &str, function: HostFunction) -> Result<()> {
    let (place, name) = place(ctx, path)?;
    define(shared, ctx, &place, name, function)
}

/// Puts a value where its path says.
pub(crate) fn set(ctx: &Ctx<'_>, path: &str, value: &HostValue) -> Result<()> {
    let (place, name) = place(ctx, path)?;
    place.set(name, value(ctx)?)
}

/// The object that a path leads to, made on the way, and the name in it.
fn place<'js, 'path>(ctx: &Ctx<'js>, path: &'path str) -> Result<(Object<'js>, &'path str)> {
    let mut place = ctx.globals();
    let (folders, name) = path.rsplit_once('.').unwrap_or(("", path));
    for step in folders.split('.').filter(|step| !step.is_empty()) {
        if !place.contains_key(step)? {
            place.set(step, Object::new(ctx.clone())?)?;
        }
        place = place.get(step)?;
    }
    Ok((place, name))
}

fn define<'js>(shared: &Handle, ctx: &Ctx<'js>, place: &Object<'js>, name: &str, function: HostFunction) -> Result<()> {
    let shared = shared.clone();
    let called = move |ctx: Ctx<'js>, passed: Rest<Value<'js>>| function(&shared, &ctx, passed.0);
    place.set(name, Function::new(ctx.clone(), called)?.with_name(name)?)
}
