//! Where a script's own words go.

use std::rc::Rc;

/// How much a line of the console matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `console.debug`.
    Debug,
    /// `console.log` and `console.info`.
    Info,
    /// `console.warn`.
    Warn,
    /// `console.error`, and what nobody caught.
    Error,
}

/// The console of one app: the host decides what becomes of a line.
#[derive(Clone)]
pub(crate) struct Console(Rc<Sink>);

type Sink = dyn Fn(Level, &str);

impl Console {
    pub(crate) fn new(sink: impl Fn(Level, &str) + 'static) -> Self {
        Self(Rc::new(sink))
    }

    pub(crate) fn line(&self, level: Level, text: &str) {
        (self.0)(level, text);
    }

    pub(crate) fn error(&self, text: &str) {
        self.line(Level::Error, text);
    }
}
