//! Scripts over a world of their own.
#![allow(clippy::unwrap_used, dead_code)] // a test that cannot set itself up has failed; no test file uses all of this

use std::{cell::RefCell, rc::Rc, sync::Arc};

use wx_api::{Cx, Host, Profile};
use wx_host::{Consent, MemoryStore, Wx};
use wx_js::{Builder, Engine, Fault, Level};
use wx_mock::World;

/// The app of all tests.
pub(crate) fn cx() -> Cx {
    Cx::new("wx4f4bc4dec97d474b")
}

/// A base library without promises.
pub(crate) fn seed() -> Cx {
    cx().with_profile(Profile::seed())
}

/// Everything of a world, behind its consent.
pub(crate) fn wx(world: &World) -> Wx {
    let consent = Consent::new(world.user().clone(), Arc::new(MemoryStore::default()));
    Wx::builder(Host { authorization: Some(Arc::new(consent)), ..world.host() }).build()
}

/// The lines of a console.
#[derive(Clone, Default)]
pub(crate) struct Lines(Rc<RefCell<Vec<String>>>);

impl Lines {
    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    pub(crate) fn sink(&self) -> impl Fn(Level, &str) + 'static {
        let lines = self.clone();
        move |level, line| {
            let mark = match level {
                Level::Error => "E ",
                Level::Warn => "W ",
                Level::Debug => "D ",
                Level::Info => "",
            };
            lines.0.borrow_mut().push(format!("{mark}{line}"));
        }
    }
}

/// An engine over this world, and its console.
pub(crate) fn builder(world: &World, cx: Cx) -> (Builder, Lines) {
    let lines = Lines::default();
    (Engine::builder(wx(world), cx).clock(world.clock().clone()).console(lines.sink()), lines)
}

/// Runs a future on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Runs a script to its end: how it ended, and what the console says.
pub(crate) fn run_in(world: &World, cx: Cx, source: &str) -> (Result<(), Fault>, Vec<String>) {
    let (builder, lines) = builder(world, cx);
    let mut engine = builder.build().unwrap();
    let result = block_on(engine.run_source("app.js", source));
    (result, lines.take())
}

/// What a script that runs well says.
pub(crate) fn says_in(world: &World, cx: Cx, source: &str) -> Vec<String> {
    let (result, lines) = run_in(world, cx, source);
    assert_eq!(result, Ok(()), "{lines:?}");
    lines
}

/// The same in a fresh world under the default profile.
pub(crate) fn says(source: &str) -> Vec<String> {
    says_in(&World::new(7), cx(), source)
}
