//! The person at the terminal.

use std::io::{IsTerminal as _, Write as _, stderr, stdin, stdout};

use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Neither.
    Aside,
}

/// Whether there is somebody who can be asked.
pub(crate) fn is_interactive() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// The text, in colour if it goes to a terminal on standard output and `NO_COLOR` is not set.
pub(crate) fn paint(text: &str, tone: Tone) -> String {
    colored(text, tone, stdout().is_terminal() && wants_color())
}

/// Says what went wrong.
pub(crate) fn error(text: &str) {
    let label = colored("error:", Tone::Bad, stderr().is_terminal() && wants_color());
    // Whoever closed standard error does not want to hear of it.
    let _ = writeln!(stderr(), "{label} {text}");
}

/// Says something that is no result.
pub(crate) fn say(text: &str) {
    let _ = writeln!(stderr(), "{text}"); // as above
}

/// A line that the next one overwrites, on a terminal only.
pub(crate) fn progress(text: &str) {
    if stderr().is_terminal() {
        let mut out = stderr().lock();
        let _ = write!(out, "\r\x1b[K{text}").and_then(|()| out.flush()); // as above
    }
}

/// Ready when somebody interrupts or ends the program.
pub(crate) fn interrupted() -> Result<impl Future<Output = ()> + Send, Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::failed(format!("signals cannot be heard: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn wants_color() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn colored(text: &str, tone: Tone, is_colored: bool) -> String {
    let code = match tone {
        Tone::Good => "32",
        Tone::Bad => "31",
        Tone::Aside => "2",
    };
    if is_colored { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_there_only_when_it_is_wanted() {
        assert_eq!(colored("ok", Tone::Good, false), "ok");
        assert_eq!(colored("ok", Tone::Good, true), "\x1b[32mok\x1b[0m");
    }
}
