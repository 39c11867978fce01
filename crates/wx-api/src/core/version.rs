use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A base-library version such as `1.9.94`. Versions order as numbers, not as text.
///
/// ```
/// use wx_api::Version;
///
/// let old: Version = "1.9.94".parse()?;
/// assert!(old < Version(2, 10, 2));
/// assert_eq!(old.to_string(), "1.9.94");
/// # Ok::<(), wx_api::VersionError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(pub u16, pub u16, pub u16);

/// A text that is not a base-library version.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a base-library version: write three numbers with dots, such as 1.9.94")]
pub struct VersionError(String);

impl FromStr for Version {
    type Err = VersionError;

    /// # Errors
    ///
    /// [`VersionError`] for anything but three numbers from 0 to 65535 with dots between.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('.').map(str::parse::<u16>);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) => Ok(Self(major, minor, patch)),
            _ => Err(VersionError(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Version {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}
