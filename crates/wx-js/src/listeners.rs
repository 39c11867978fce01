//! `on..` and `off..`: one subscription for each event a script listens to, however many listeners it has.

use std::{
    collections::BTreeMap,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use rquickjs::{Ctx, Function, Persistent, Value};
use wx_api::{Api, Event, EventStream, Lagged};
use wx_host::edge::Argument;

use crate::{
    arguments::Passed,
    ordered::Ordered,
    results,
    shared::{Handle, Shared},
};

/// The listeners of one app.
#[derive(Default)]
pub(crate) struct Listeners(BTreeMap<Api, Listened>);

struct Listened {
    stream: EventStream,
    functions: Ordered<Persistent<Function<'static>>, ()>,
}

impl Listeners {
    pub(crate) fn len(&self) -> usize {
        self.0.values().map(|listened| listened.functions.len()).sum()
    }

    /// The next event of any, or how many of one were lost.
    pub(crate) fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<Result<Event, Lagged>> {
        let mut ended = None;
        for (&event, listened) in &mut self.0 {
            match Pin::new(&mut listened.stream).poll_next(task) {
                Poll::Ready(Some(next)) => return Poll::Ready(next),
                Poll::Ready(None) => ended = Some(event), // the backend has gone
                Poll::Pending => {}
            }
        }
        if let Some(event) = ended {
            self.0.remove(&event);
        }
        Poll::Pending
    }

    pub(crate) fn remove_all(&mut self) {
        self.0.clear();
    }
}

/// `on..`: a function that already listens is not added again.
///
/// There is no callback to tell a failure to, so the console hears of it.
pub(crate) fn on<'js>(shared: &Handle, event: Api, ctx: &Ctx<'js>, listener: Value<'js>) -> rquickjs::Result<()> {
    shared.admit(ctx)?;
    let Some(function) = listener.as_function() else {
        let kind = Passed::value(listener, &shared.hold(ctx)?).kind().name();
        let error = wx_api::Error::parameter(event, format_args!("parameter should be Function instead of {kind};"));
        shared.console.error(&error.to_string());
        return Ok(());
    };
    let function = Persistent::save(ctx, function.clone());
    let mut listeners = shared.listeners.borrow_mut();
    if let Some(listened) = listeners.0.get_mut(&event) {
        listened.functions.insert(function, ());
        return Ok(());
    }
    match shared.wx.subscribe(&shared.cx, event) {
        Ok(stream) => {
            let mut functions = Ordered::default();
            functions.insert(function, ());
            listeners.0.insert(event, Listened { stream, functions });
        }
        Err(error) => {
            drop(listeners);
            shared.console.error(&error.to_string());
        }
    }
    Ok(())
}

/// `off..`: of one listener, or of all if none is named.
pub(crate) fn off<'js>(shared: &Handle, event: Api, ctx: &Ctx<'js>, listener: Value<'js>) {
    let mut listeners = shared.listeners.borrow_mut();
    let Some(listened) = listeners.0.get_mut(&event) else { return };
    if listener.is_undefined() || listener.is_null() {
        listened.functions.clear();
    } else if let Some(function) = listener.into_function() {
        listened.functions.remove(&Persistent::save(ctx, function));
    }
    if listened.functions.len() == 0 {
        listeners.0.remove(&event);
    }
}

/// Tells every listener. Each gets an object of its own.
pub(crate) fn tell(shared: &Shared, ctx: &Ctx<'_>, next: Result<Event, Lagged>) {
    let event = match next {
        Ok(event) => event,
        Err(lagged) => return shared.console.error(&lagged.to_string()),
    };
    let functions: Vec<_> = match shared.listeners.borrow().0.get(&event.api()) {
        Some(listened) => listened.functions.keys().cloned().collect(),
        None => return,
    };
    for function in functions {
        let result = results::value(ctx, &event).map_err(|error| error.throw(ctx));
        let result = result.and_then(|value| function.restore(ctx)?.call::<_, ()>((value,)));
        shared.report(ctx, result);
    }
}
