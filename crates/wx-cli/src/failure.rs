//! Why a command ends without what it was asked for.

use std::{
    fmt::{self, Display},
    io,
};

use crate::terminal;

/// The exit code of [`Failure::Failed`].
pub(crate) const FAILED: u8 = 1;
/// The exit code of [`Failure::Misuse`]; clap's own, too.
pub(crate) const MISUSE: u8 = 2;
/// The exit code of a program that was interrupted and said goodbye first, as shells count it.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why a command ends without what it was asked for. The texts are for the person at the terminal and hold no secret.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was asked rightly and did not work.
    Failed(String),
    /// It was asked wrongly.
    Misuse(String),
    /// Nobody reads the output any more: no reason for a word.
    BrokenPipe,
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed(text) | Self::Misuse(text) => text,
            Self::BrokenPipe => "nobody reads the output any more",
        })
    }
}

impl Failure {
    /// It was asked rightly and did not work.
    pub(crate) fn failed(text: impl Display) -> Self {
        Self::Failed(text.to_string())
    }

    /// It was asked wrongly.
    pub(crate) fn misuse(text: impl Display) -> Self {
        Self::Misuse(text.to_string())
    }

    /// Says it to the person at the terminal, and answers the exit code.
    pub(crate) fn tell(&self) -> u8 {
        match self {
            Self::Failed(text) => {
                terminal::error(text);
                FAILED
            }
            Self::Misuse(text) => {
                terminal::error(text);
                MISUSE
            }
            // Whoever read the output has what they wanted.
            Self::BrokenPipe => 0,
        }
    }

    /// The output could not be written.
    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::Failed(format!("the output cannot be written: {error}")),
        }
    }
}
