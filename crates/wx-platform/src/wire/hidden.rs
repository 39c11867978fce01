use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use wx_crypto::Secret;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret on its way: it is serialised, because it must travel, but `Debug` hides it, it is compared in constant time and wiped on drop.
///
/// ```
/// use wx_platform::wire::Hidden;
///
/// let hidden: Hidden = serde_json::from_str("\"secret\"")?;
/// assert_eq!(format!("{hidden:?}"), "Hidden(..)");
/// assert_eq!(hidden.expose(), "secret");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Hidden(String);

impl Hidden {
    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl PartialEq for Hidden {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Hidden {}

impl From<&str> for Hidden {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&Secret> for Hidden {
    fn from(secret: &Secret) -> Self {
        Self(secret.expose().to_owned())
    }
}

impl From<&Hidden> for Secret {
    fn from(hidden: &Hidden) -> Self {
        Self::from(hidden.0.clone())
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(..)")
    }
}
