//! The records of three keys, each signed by the one before.

use std::fmt;

use super::{KeyRecord, RecordError, verify, verify_own};

/// The records of a device, of a host application on it, and of the key with which that one signs results.
///
/// # Examples
///
/// ```
/// use wx_crypto::{RecordError, record::{Chain, Link}};
///
/// let error = Chain { attk: b"", ask: b"", auth_key: b"" }.verify().unwrap_err();
/// assert_eq!((error.link, error.error), (Link::Attk, RecordError::TooShort { bytes: 0 }));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    /// The device's key.
    pub attk: &'a [u8],
    /// The host application's.
    pub ask: &'a [u8],
    /// The one that signs results.
    pub auth_key: &'a [u8],
}

/// The two ends of a chain that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedChain {
    /// The device's key.
    pub attk: KeyRecord,
    /// The one that signs results.
    pub auth_key: KeyRecord,
}

/// Which record of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The device's key.
    Attk,
    /// The host application's.
    Ask,
    /// The one that signs results.
    AuthKey,
}

/// Why a chain does not hold: the first record that is not as it should be.
///
/// # Examples
///
/// See [`Chain`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record of the {link}: {error}")]
pub struct ChainError {
    /// Which record.
    pub link: Link,
    /// What is wrong with it.
    pub error: RecordError,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attk => "ATTK",
            Self::Ask => "ASK",
            Self::AuthKey => "AuthKey",
        })
    }
}

impl Chain<'_> {
    /// Verifies each record with the key before it, and that all three are of one device, the last two of one host application.
    ///
    /// # Errors
    ///
    /// The first record, from the top, that is not as it should be.
    ///
    /// # Examples
    ///
    /// See [`Chain`].
    pub fn verify(&self) -> Result<VerifiedChain, ChainError> {
        let at = |link| move |error| ChainError { link, error };
        let attk = verify_own(self.attk).map_err(at(Link::Attk))?;
        let ask = below(self.ask, &attk).map_err(at(Link::Ask))?;
        let auth_key = below(self.auth_key, &ask).map_err(at(Link::AuthKey))?;
        if ask.uid == auth_key.uid {
            Ok(VerifiedChain { attk, auth_key })
        } else {
            Err(at(Link::AuthKey)(RecordError::OtherHost))
        }
    }
}

fn below(record: &[u8], above: &KeyRecord) -> Result<KeyRecord, RecordError> {
    let key = verify(record, &above.key()?)?;
    if key.cpu_id == above.cpu_id { Ok(key) } else { Err(RecordError::OtherDevice) }
}
