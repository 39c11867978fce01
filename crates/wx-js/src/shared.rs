//! What the native functions of one app and its loop share.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    rc::Rc,
};

use futures_util::stream::FuturesUnordered;
use rquickjs::{Ctx, Exception, Function, Persistent, Value};
use wx_api::Cx;
use wx_host::Wx;

use crate::{
    arguments::{Held, Reading},
    call::Landing,
    console::Console,
    engine::Limits,
    fault::Uncaught,
    folder::Folder,
    inspect,
    listeners::Listeners,
    ordered::Ordered,
    timers::Timers,
};

/// A call under way. It ends as what is to be done in the script then.
pub(crate) type UnderWay = Pin<Box<dyn Future<Output = Landing>>>;

/// Everything of one app beside the engine's own memory.
pub(crate) struct Shared {
    pub(crate) wx: Wx,
    pub(crate) cx: Cx,
    pub(crate) console: Console,
    pub(crate) limits: Limits,
    pub(crate) folder: Option<Folder>,
    /// What reading values takes, from when the engine is ready.
    pub(crate) reading: RefCell<Option<Rc<Reading>>>,
    /// Runs a main script in the environment.
    pub(crate) main: RefCell<Option<Persistent<Function<'static>>>>,
    /// Loads a script of the folder as `require` does.
    pub(crate) require: RefCell<Option<Persistent<Function<'static>>>>,
    pub(crate) calls: RefCell<FuturesUnordered<UnderWay>>,
    pub(crate) timers: RefCell<Timers>,
    pub(crate) listeners: RefCell<Listeners>,
    /// Promises that were rejected in this turn, and why, as long as nobody listens.
    pub(crate) rejections: RefCell<Ordered<Persistent<Value<'static>>, Persistent<Value<'static>>>>,
    /// The first of what nobody caught.
    pub(crate) uncaught: RefCell<Option<Uncaught>>,
    /// The scripts that run inside a function: their first line begins later than it looks.
    pub(crate) wrapped: RefCell<BTreeSet<String>>,
    /// How many more checks this turn may take.
    pub(crate) budget: Cell<u32>,
}

/// What a script is put into, so that `require`, `module` and `exports` are its own. The names of a browser are there and undefined,
/// as in the developer tools' own wrapper: packages that are made for both look at them.
pub(crate) const WRAPPER: (&str, &str) = (
    "(function (require, module, exports, window, document, self, location, navigator, localStorage, XMLHttpRequest, WebSocket) {",
    "\n})",
);

impl Shared {
    /// What reading values takes.
    pub(crate) fn reading(&self, ctx: &Ctx<'_>) -> rquickjs::Result<Rc<Reading>> {
        let reading = self.reading.borrow().clone();
        reading.ok_or_else(|| Exception::throw_internal(ctx, "the engine has ended"))
    }

    /// The room that the arguments of one call take.
    pub(crate) fn hold(&self, ctx: &Ctx<'_>) -> rquickjs::Result<Held> {
        self.reading(ctx).map(Held::new)
    }

    /// Refuses what would be one thing too many to wait for.
    pub(crate) fn admit(&self, ctx: &Ctx<'_>) -> rquickjs::Result<()> {
        let pending = self.calls.borrow().len() + self.timers.borrow().len() + self.listeners.borrow().len();
        if pending < self.limits.pending {
            return Ok(());
        }
        let limit = self.limits.pending;
        Err(Exception::throw_range(ctx, &format!("too many calls, timers and listeners: {limit} wait already")))
    }

    /// Whether anything can still happen.
    pub(crate) fn is_alive(&self) -> bool {
        let listens = self.limits.while_listening && self.listeners.borrow().len() > 0;
        listens || !self.calls.borrow().is_empty() || self.timers.borrow().len() > 0
    }

    /// Reports what a call of a script's function threw.
    pub(crate) fn report(&self, ctx: &Ctx<'_>, result: rquickjs::Result<()>) {
        match result {
            Ok(()) => {}
            Err(rquickjs::Error::Exception) => self.uncaught(&ctx.catch(), false),
            Err(error) => self.keep(Uncaught { message: error.to_string(), ..Uncaught::default() }),
        }
    }

    /// Tells the console what nobody caught, and keeps it if it is the first.
    pub(crate) fn uncaught(&self, thrown: &Value<'_>, in_promise: bool) {
        let uncaught = self.describe(thrown, in_promise);
        self.keep(uncaught);
    }

    fn keep(&self, uncaught: Uncaught) {
        self.console.error(&format!("Uncaught {uncaught}"));
        self.uncaught.borrow_mut().get_or_insert(uncaught);
    }

    pub(crate) fn describe(&self, thrown: &Value<'_>, in_promise: bool) -> Uncaught {
        let mut uncaught = Uncaught { in_promise, ..Uncaught::of(thrown, inspect::inspect) };
        if let Some(location) = &mut uncaught.location
            && location.line == 1
            && self.wrapped.borrow().contains(&location.file)
        {
            let before = u32::try_from(WRAPPER.0.len()).unwrap_or(0);
            location.column = location.column.saturating_sub(before).max(1);
        }
        uncaught
    }

    /// Lets go of all values of the engine, which must not outlive it.
    pub(crate) fn release(&self) {
        self.calls.borrow_mut().clear();
        self.timers.borrow_mut().remove_all();
        self.listeners.borrow_mut().remove_all();
        self.rejections.borrow_mut().clear();
        self.reading.take();
        self.main.take();
        self.require.take();
    }
}

/// The same, as native functions hold it: a cycle through the engine, which [`release`](Shared::release) breaks.
pub(crate) type Handle = Rc<Shared>;
