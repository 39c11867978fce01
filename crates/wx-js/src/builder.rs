//! How an engine is made.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    fmt,
    future::Future,
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};

use futures_util::stream::FuturesUnordered;
use rquickjs::{Context, Persistent, Runtime};
use serde::{Serialize, de::DeserializeOwned};
use wx_api::{Clock, Cx};
use wx_host::{TokioClock, Wx};

use crate::{
    Engine, Fault, Level,
    arguments::Reading,
    console::Console,
    engine::Limits,
    environment, fault,
    folder::Folder,
    functions::{self, HostFunction, HostValue},
    listeners::Listeners,
    modules::Files,
    names::Names,
    originals::Originals,
    shared::Shared,
    timers::Timers,
};

/// Makes an [`Engine`]. Every limit has a default that suits a mini-program.
#[must_use = "a builder does nothing until it is built"]
pub struct Builder {
    wx: Wx,
    cx: Cx,
    clock: Arc<dyn Clock>,
    root: Option<PathBuf>,
    console: Console,
    limits: Limits,
    functions: Vec<(String, HostFunction)>,
    values: Vec<(String, HostValue)>,
}

impl Builder {
    pub(crate) fn new(wx: Wx, cx: Cx) -> Self {
        let limits = Limits { memory: 64 << 20, stack: 512 << 10, budget: 20_000, pending: 200_000, while_listening: false };
        Self {
            wx,
            cx,
            clock: Arc::new(TokioClock),
            root: None,
            console: Console::new(|_, _| {}),
            limits,
            functions: Vec::new(),
            values: Vec::new(),
        }
    }

    /// The clock of timers and of `Date`. Without it, the system's, on tokio's timers.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The folder of the script: what `require` and `import` can read. Without it, they find nothing.
    pub fn root(mut self, folder: impl AsRef<Path>) -> Self {
        self.root = Some(folder.as_ref().to_owned());
        self
    }

    /// Where the console writes, line by line. Without it, nowhere.
    ///
    /// What nobody caught comes here as well, as it happens.
    pub fn console(mut self, sink: impl Fn(Level, &str) + 'static) -> Self {
        self.console = Console::new(sink);
        self
    }

    /// How many bytes the script may use, 64 MiB without this. Arguments of calls under way may take as much again, and so may a line
    /// on its way to the console.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.limits.memory = bytes;
        self
    }

    /// How many bytes of the thread's stack the script may use, 512 KiB without this. The thread needs more: what the host
    /// itself takes comes on top.
    pub fn stack_limit(mut self, bytes: usize) -> Self {
        self.limits.stack = bytes;
        self
    }

    /// How long one turn of the script may take, counted in the engine's checks, one for about 10,000 loop rounds or calls.
    /// Without this 20,000, which takes some seconds. A count rather than a time, so that a script that ran once runs again.
    ///
    /// The engine does not ask within its own functions. Most are done soon; `sort` and `join` of an array that says it has four
    /// billion elements take minutes.
    pub fn interrupt_budget(mut self, checks: u32) -> Self {
        self.limits.budget = checks.max(1);
        self
    }

    /// How many calls, timers and listeners may wait at a time, 200,000 without this. One more throws a `RangeError`.
    pub fn pending_limit(mut self, count: usize) -> Self {
        self.limits.pending = count;
        self
    }

    /// A script that listens to an event goes on until it stops listening: what a card that waits for its reader needs. Without
    /// this, listeners alone do not keep a script running; events that are there already still come.
    pub fn while_listening(mut self) -> Self {
        self.limits.while_listening = true;
        self
    }

    /// A global function of the host's own. A path with dots makes the objects on its way: `world.clock.advance`.
    ///
    /// It takes a tuple of what the script passes and answers anything that serialises. What it refuses, and arguments of other
    /// types, are thrown as an `Error`.
    pub fn function<A, R>(mut self, path: &str, function: impl Fn(A) -> Result<R, String> + 'static) -> Self
    where
        A: DeserializeOwned,
        R: Serialize,
    {
        self.functions.push((path.to_owned(), functions::plain(function)));
        self
    }

    /// A global value of the host's own: anything that serialises. A path with dots makes the objects on its way.
    pub fn value<R: Serialize + 'static>(mut self, path: &str, value: R) -> Self {
        self.values.push((path.to_owned(), functions::value(value)));
        self
    }

    /// A global function of the host's own that answers a promise. As long as it is under way, the script runs.
    ///
    /// It takes and answers what [`function`](Self::function) does; what it refuses rejects the promise.
    pub fn async_function<A, R, F>(mut self, path: &str, function: impl Fn(A) -> F + 'static) -> Self
    where
        A: DeserializeOwned,
        R: Serialize + 'static,
        F: Future<Output = Result<R, String>> + 'static,
    {
        self.functions.push((path.to_owned(), functions::promising(function)));
        self
    }

    /// The engine, with everything in it that a script expects.
    ///
    /// # Errors
    ///
    /// [`Fault::Unreadable`] when the folder is none, [`Fault::Engine`] when the limits leave no room for the engine itself.
    pub fn build(self) -> Result<Engine, Fault> {
        let Self { wx, cx, clock, root, console, limits, functions, values } = self;
        let folder = root.map(|root| Folder::new(&root, limits.memory)).transpose();
        let folder = folder.map_err(|error| Fault::Unreadable(format!("the script's folder: {error}")))?;
        let engine = |error: rquickjs::Error| Fault::Engine(error.to_string());

        let runtime = Runtime::new().map_err(engine)?;
        runtime.set_memory_limit(limits.memory);
        runtime.set_max_stack_size(limits.stack);
        let context = context(&runtime).map_err(engine)?;
        let shared = Rc::new(Shared {
            wx,
            cx,
            console,
            folder,
            reading: RefCell::default(),
            main: RefCell::default(),
            require: RefCell::default(),
            calls: RefCell::new(FuturesUnordered::new()),
            timers: RefCell::new(Timers::new(clock.clone())),
            listeners: RefCell::new(Listeners::default()),
            rejections: RefCell::default(),
            uncaught: RefCell::default(),
            wrapped: RefCell::new(BTreeSet::new()),
            budget: Cell::new(limits.budget),
            limits,
        });
        watch(&runtime, &shared);
        let room = Cell::new(shared.limits.memory);
        let engine = Engine::new(shared.clone(), context.clone(), runtime);
        context.with(|ctx| {
            let install = || {
                shared.reading.replace(Some(Rc::new(Reading {
                    originals: Originals::of(&ctx)?,
                    names: Names::of(&ctx)?,
                    room,
                })));
                environment::install(&shared, &clock, &ctx)?;
                values.iter().try_for_each(|(path, value)| functions::set(&ctx, path, value))?;
                functions.into_iter().try_for_each(|(path, function)| functions::install(&shared, &ctx, &path, function))
            };
            install().map_err(|error| Fault::Engine(fault::reason(&ctx, &error)))
        })?;
        Ok(engine)
    }
}

/// A context with all of the language but `performance`, which reads a clock of its own.
fn context(runtime: &Runtime) -> rquickjs::Result<Context> {
    use rquickjs::context::intrinsic as has;
    Context::custom::<(
        has::Date,
        has::Eval,
        has::RegExpCompiler,
        has::RegExp,
        has::Json,
        has::Proxy,
        has::MapSet,
        has::TypedArrays,
        has::Promise,
        has::WeakRef,
    )>(runtime)
}

/// Has the engine ask whether to go on, tell of rejected promises, and load modules from the folder.
fn watch(runtime: &Runtime, shared: &Rc<Shared>) {
    let asked = shared.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || {
        let left = asked.budget.get().saturating_sub(1);
        asked.budget.set(left);
        left == 0
    })));
    let told = shared.clone();
    runtime.set_host_promise_rejection_tracker(Some(Box::new(move |ctx, promise, reason, is_handled| {
        let promise = Persistent::save(&ctx, promise);
        let mut rejections = told.rejections.borrow_mut();
        if is_handled {
            rejections.remove(&promise);
        } else {
            rejections.insert(promise, Persistent::save(&ctx, reason));
        }
    })));
    runtime.set_loader(Files(shared.clone()), Files(shared.clone()));
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("app", self.cx.app()).field("limits", &self.limits).finish_non_exhaustive()
    }
}
