//! One app: its engine, and the loop that runs its script turn by turn.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use futures_core::Stream;
use rquickjs::{Ctx, Module, Persistent, Promise, Runtime, Value, promise::PromiseState};
use wx_api::{Cx, Event, Lagged};
use wx_host::Wx;

use crate::{
    Builder, Fault,
    call::{self, Landing},
    environment, listeners, modules,
    shared::Shared,
    timers::Task,
};

/// How many turns are run before other tasks of the thread have theirs.
const TURNS_AT_ONCE: usize = 32;

/// What an app may use.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) memory: usize,
    pub(crate) stack: usize,
    pub(crate) budget: u32,
    pub(crate) pending: usize,
    pub(crate) while_listening: bool,
}

/// One mini-program in an engine of its own.
///
/// An engine stays on the thread it was made on. Several share a thread well: each gives way after a few turns.
pub struct Engine {
    shared: Rc<Shared>,
    /// The main module, while it may still wait at its top level.
    main: Option<(String, Persistent<Promise<'static>>)>,
    /// Which source of turns comes next.
    next: usize,
    ended: Option<Fault>,
    context: rquickjs::Context,
    runtime: Runtime,
}

/// The reason of the next turn.
enum Turn {
    Answer(Landing),
    Timer(Task),
    Event(Result<Event, Lagged>),
}

impl Engine {
    /// Makes an engine for the app that `cx` names, over `wx`.
    pub fn builder(wx: Wx, cx: Cx) -> Builder {
        Builder::new(wx, cx)
    }

    pub(crate) fn new(shared: Rc<Shared>, context: rquickjs::Context, runtime: Runtime) -> Self {
        Self { shared, main: None, next: 0, ended: None, context, runtime }
    }

    /// Runs a script of the folder until nothing is left to wait for: no call, no timer, and no listener if those
    /// [count](Builder::while_listening).
    ///
    /// A file that ends in `.mjs` is a module, and so is one that is none without `import` or `export`. Anything else is
    /// `CommonJS`. Dropping the future stops the script where it is; [`idle`](Self::idle) goes on.
    ///
    /// # Errors
    ///
    /// [`Fault::Uncaught`] at once when the script itself throws, and in the end for the first error that a callback threw or a
    /// promise was rejected with; [`Fault::Unreadable`] when there is no such script; [`Fault::Endless`] and
    /// [`Fault::Stuck`].
    pub async fn run_file(&mut self, name: &str) -> Result<(), Fault> {
        let name = self.shared.resolve("", &format!("./{name}")).map_err(Fault::Unreadable)?;
        let source = self.shared.read(&name).map_err(Fault::Unreadable)?;
        self.run_source(&name, &source).await
    }

    /// Runs a text as if it were the file `name` of the folder, which need not exist.
    ///
    /// # Errors
    ///
    /// As [`run_file`](Self::run_file).
    pub async fn run_source(&mut self, name: &str, source: &str) -> Result<(), Fault> {
        self.load(name, source)?;
        self.idle().await
    }

    /// Goes on until nothing is left to wait for.
    ///
    /// # Errors
    ///
    /// As [`run_file`](Self::run_file), of what happens from here on.
    pub async fn idle(&mut self) -> Result<(), Fault> {
        poll_fn(|task| self.poll(task)).await
    }

    /// Ends the script where it is, when the host knows that nothing of what it waits for will come.
    ///
    /// # Errors
    ///
    /// What [`idle`](Self::idle) would say if nothing were left to wait for: the first thing that nobody caught so far, or
    /// [`Fault::Stuck`].
    pub fn give_up(&mut self) -> Result<(), Fault> {
        self.shared.calls.borrow_mut().clear();
        self.shared.timers.borrow_mut().remove_all();
        self.shared.listeners.borrow_mut().remove_all();
        self.end()
    }

    /// Bytes of the engine's memory that the app uses now.
    pub fn memory_used(&self) -> usize {
        usize::try_from(self.runtime.memory_usage().malloc_size).unwrap_or_default()
    }

    /// The first turn: the script itself.
    fn load(&mut self, name: &str, source: &str) -> Result<(), Fault> {
        let shared = self.shared.clone();
        let mut main = None;
        let mut thrown = None;
        self.turn(|ctx| match start(&shared, ctx, name, source) {
            Ok(promise) => main = promise,
            Err(rquickjs::Error::Exception) => thrown = Some(shared.describe(&ctx.catch(), false)),
            Err(error) => thrown = Some(crate::Uncaught { message: error.to_string(), ..Default::default() }),
        })?;
        if let Some(thrown) = thrown {
            self.shared.console.error(&format!("Uncaught {thrown}"));
            return Err(Fault::Uncaught(thrown));
        }
        self.main = main.map(|promise| (name.to_owned(), promise));
        // A module that throws before its first await has rejected its promise by now.
        if self.main_state() == Some(PromiseState::Rejected) {
            self.main = None;
            return self.end();
        }
        Ok(())
    }

    fn poll(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        if let Some(fault) = &self.ended {
            return Poll::Ready(Err(fault.clone()));
        }
        for _ in 0..TURNS_AT_ONCE {
            let shared = self.shared.clone();
            let turn = match self.poll_turn(task) {
                Poll::Ready(Some(Turn::Answer(landing))) => self.turn(|ctx| call::land(&shared, ctx, landing)),
                Poll::Ready(Some(Turn::Timer(timer))) => self.turn(|ctx| timer.run(&shared, ctx)),
                Poll::Ready(Some(Turn::Event(event))) => self.turn(|ctx| listeners::tell(&shared, ctx, event)),
                Poll::Ready(None) => return Poll::Ready(self.end()),
                Poll::Pending => return Poll::Pending,
            };
            if let Err(fault) = turn {
                return Poll::Ready(Err(fault));
            }
        }
        task.waker().wake_by_ref();
        Poll::Pending
    }

    /// What happens next, taking turns among what can happen. `None` when nothing can any more.
    fn poll_turn(&mut self, task: &mut Context<'_>) -> Poll<Option<Turn>> {
        for _ in 0..3 {
            self.next = (self.next + 1) % 3;
            let turn = match self.next {
                0 => Pin::new(&mut *self.shared.calls.borrow_mut()).poll_next(task).map(|landing| landing.map(Turn::Answer)),
                1 => self.shared.timers.borrow_mut().poll_due(task).map(|timer| Some(Turn::Timer(timer))),
                _ => self.shared.listeners.borrow_mut().poll_next(task).map(|event| Some(Turn::Event(event))),
            };
            if let Poll::Ready(Some(turn)) = turn {
                return Poll::Ready(Some(turn));
            }
        }
        if self.shared.is_alive() { Poll::Pending } else { Poll::Ready(None) }
    }

    /// Runs one task of the script, then what it left for the end of the turn.
    fn turn(&mut self, task: impl FnOnce(&Ctx<'_>)) -> Result<(), Fault> {
        if let Some(fault) = &self.ended {
            return Err(fault.clone());
        }
        let budget = self.shared.limits.budget;
        self.shared.budget.set(budget);
        self.context.with(|ctx| task(&ctx));
        while self.shared.budget.get() > 0 {
            match self.runtime.execute_pending_job() {
                Ok(true) => {}
                Ok(false) => break,
                Err(job) => job.0.with(|ctx| self.shared.report(&ctx, Err(rquickjs::Error::Exception))),
            }
        }
        if self.shared.budget.get() == 0 {
            let fault = Fault::Endless(budget);
            self.shared.console.error(&fault.to_string());
            self.shared.release();
            self.ended = Some(fault.clone());
            return Err(fault);
        }
        if self.shared.rejections.borrow().len() == 0 {
            return Ok(());
        }
        self.context.with(|ctx| {
            loop {
                let Some(reason) = self.shared.rejections.borrow_mut().pop_first() else { break };
                if let Ok(reason) = reason.restore(&ctx) {
                    self.shared.uncaught(&reason, true);
                }
            }
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        if let Some(uncaught) = self.shared.uncaught.take() {
            return Err(Fault::Uncaught(uncaught));
        }
        let waits = self.main_state() == Some(PromiseState::Pending);
        match self.main.take() {
            Some((name, _)) if waits => Err(Fault::Stuck(name)),
            _ => Ok(()),
        }
    }

    fn main_state(&self) -> Option<PromiseState> {
        let (_, promise) = self.main.as_ref()?;
        self.context.with(|ctx| Some(promise.clone().restore(&ctx).ok()?.state()))
    }
}

/// Evaluates a script; a module's promise comes back.
fn start(
    shared: &Rc<Shared>,
    ctx: &Ctx<'_>,
    name: &str,
    source: &str,
) -> rquickjs::Result<Option<Persistent<Promise<'static>>>> {
    if modules::ending(name) != "mjs" {
        match environment::compile(shared, ctx, name, source) {
            Ok(compiled) => {
                let main = shared.main.borrow().clone();
                let Some(main) = main else { return Err(rquickjs::Error::Unknown) };
                main.restore(ctx)?.call::<_, Value<'_>>((name, compiled))?;
                return Ok(None);
            }
            Err(error) if !modules::looks_like_one(source) => return Err(error),
            Err(_) => drop(ctx.catch()),
        }
    }
    shared.wrapped.borrow_mut().remove(name);
    let (_, promise) = Module::declare(ctx.clone(), name, source)?.eval()?;
    Ok(Some(Persistent::save(ctx, promise)))
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.main = None;
        self.shared.release();
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("app", self.shared.cx.app()).field("ended", &self.ended).finish_non_exhaustive()
    }
}
