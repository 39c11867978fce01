//! Which backend a command is about.

use std::{fmt, str::FromStr};

use wx_device::{Address, AddressError};

/// A backend, as `--backend` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// A whole world in memory.
    Mock,
    /// The real parts of this machine.
    Desktop,
    /// A device at the other end of a link.
    Remote(Address),
}

/// A name that no backend has.
#[derive(Debug)]
pub(crate) enum Unknown {
    Name(String),
    Address(AddressError),
}

impl FromStr for Backend {
    type Err = Unknown;

    fn from_str(name: &str) -> Result<Self, Unknown> {
        match name {
            "mock" => Ok(Self::Mock),
            "desktop" => Ok(Self::Desktop),
            address if address.contains("://") => address.parse().map(Self::Remote).map_err(Unknown::Address),
            other => Err(Unknown::Name(other.to_owned())),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mock => f.write_str("mock"),
            Self::Desktop => f.write_str("desktop"),
            Self::Remote(address) => address.fmt(f),
        }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => {
                write!(
                    f,
                    "no backend is called `{name}`: there are mock, desktop, and the address of an agent, such as tcp://HOST:PORT"
                )
            }
            Self::Address(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Unknown {}
