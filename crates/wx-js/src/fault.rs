//! What ends a run badly, and where it came from.

use std::fmt;

use rquickjs::{Coerced, Ctx, Error, Value};
use thiserror::Error as ThisError;

use crate::inspect::{inspect, shortened};

/// Why a script did not run well.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum Fault {
    /// Something was thrown and nobody caught it, or a promise was rejected and nobody listened. Where several were, the first.
    #[error("{0}")]
    Uncaught(Uncaught),
    /// One turn of the script took more than its budget: an endless loop. The engine runs nothing further.
    #[error("the script does not end by itself: it was stopped after {0} checks in one turn")]
    Endless(u32),
    /// A module waits at its top level for what can no longer happen.
    #[error("{0}: its top-level await has nothing left to wait for")]
    Stuck(String),
    /// A script or its folder cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// The engine itself failed, for want of memory say.
    #[error("the engine failed: {0}")]
    Engine(String),
}

/// Something that was thrown and not caught.
///
/// It displays as one line, `pages/index.js:3:7: TypeError: not a function`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uncaught {
    /// Its name and message: `TypeError: not a function`.
    pub message: String,
    /// Where it was thrown, if it is an error that knows.
    pub location: Option<Location>,
    /// The calls that led there, one a line. Empty for what is no error.
    pub stack: String,
    /// Whether it is the reason of a rejected promise.
    pub in_promise: bool,
}

impl fmt::Display for Uncaught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        f.write_str(&self.message)?;
        if self.in_promise { f.write_str(" (in promise)") } else { Ok(()) }
    }
}

/// A place in a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The script, as a path inside its folder.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl Uncaught {
    /// What there is to tell of a thrown value. `inspected` is how the console shows one that is no error.
    pub(crate) fn of(thrown: &Value<'_>, inspected: impl FnOnce(&Value<'_>) -> String) -> Self {
        let Some(error) = thrown.as_object().filter(|_| thrown.is_error()) else {
            // The engine itself throws null when it has no memory left for an error.
            let hint = if thrown.is_null() { " (thrown as such, or for want of memory)" } else { "" };
            return Self { message: format!("{}{hint}", inspected(thrown)), ..Self::default() };
        };
        let text = |name| {
            let value = error.get::<_, Coerced<String>>(name);
            value.map_or_else(
                |_| {
                    thrown.ctx().catch();
                    String::new()
                },
                |text| shortened(text.0),
            )
        };
        let (name, message, stack) = (text("name"), text("message"), text("stack"));
        let name = if name.is_empty() { "Error" } else { &name };
        let message = if message.is_empty() { name.to_owned() } else { format!("{name}: {message}") };
        Self { message, location: stack.lines().find_map(frame), stack, in_promise: false }
    }
}

/// The place of one line of a stack, `at f (app.js:3:7)` or `at app.js:3:7`.
fn frame(line: &str) -> Option<Location> {
    let place = line.trim().strip_prefix("at ")?;
    let place = place.rsplit_once(" (").map_or(place, |(_, place)| place).trim_end_matches(')');
    let (rest, column) = place.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    if file == crate::environment::FILE {
        return None;
    }
    Some(Location { file: file.to_owned(), line: line.parse().ok()?, column: column.parse().ok()? })
}

/// Takes what was thrown, so that it is no longer thrown, and says it in a few words.
pub(crate) fn reason(ctx: &Ctx<'_>, error: &Error) -> String {
    match error {
        Error::Exception => Uncaught::of(&ctx.catch(), inspect).message,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_names_its_place() {
        let place = |file: &str, line, column| Some(Location { file: file.to_owned(), line, column });
        assert_eq!(frame("    at f (pages/index.js:3:7)"), place("pages/index.js", 3, 7));
        assert_eq!(frame("    at app.js:1:2"), place("app.js", 1, 2));
        assert_eq!((frame("    at f (native)"), frame("TypeError: x"), frame("")), (None, None, None));
    }

    #[test]
    fn an_uncaught_error_is_one_line() {
        let location = Some(Location { file: "app.js".into(), line: 3, column: 7 });
        let uncaught = Uncaught { message: "Error: x".into(), location, in_promise: true, ..Uncaught::default() };
        assert_eq!(uncaught.to_string(), "app.js:3:7: Error: x (in promise)");
    }
}
