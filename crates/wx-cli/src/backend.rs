//! Which backend a command is about.

use std::{fmt, str::FromStr};

/// A backend, as `--backend` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// A whole world in memory.
    Mock,
    /// The real parts of this machine.
    Desktop,
    /// A device at the other end of a link.
    Remote(String),
}

/// A name that no backend has.
#[derive(Debug)]
pub(crate) struct Unknown(String);

impl FromStr for Backend {
    type Err = Unknown;

    fn from_str(name: &str) -> Result<Self, Unknown> {
        match name {
            "mock" => Ok(Self::Mock),
            "desktop" => Ok(Self::Desktop),
            url if url.contains("://") => Ok(Self::Remote(url.to_owned())),
            other => Err(Unknown(other.to_owned())),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mock => "mock",
            Self::Desktop => "desktop",
            Self::Remote(url) => url,
        })
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no backend is called `{}`: there are {}", self.0, NAMES.join(", "))
    }
}

impl std::error::Error for Unknown {}

/// The names of the backends in this program.
pub(crate) const NAMES: &[&str] = &["mock", "desktop"];

/// Why nothing can be asked of a device at the other end of a link.
pub(crate) fn no_link(url: &str) -> String {
    format!("{url}: devices at the other end of a link are not there yet; use one of {}", NAMES.join(", "))
}
