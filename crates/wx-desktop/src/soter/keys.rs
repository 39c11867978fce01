//! Where the key is, and why it could not be used.

use std::{fmt, io, path::PathBuf};

use wx_crypto::{PssError, RecordError, attestation::Attestation, record::ChainError};

use super::{Records, Signed, Statement};

/// A key of RSA-2048 that does not leave its place. Its methods may block: they are called where that is fine.
pub trait SoterKeyStore: Send + Sync + fmt::Debug {
    /// What holds the key, as results tell it (`tee_n`). It claims no more protection than there is.
    fn name(&self) -> &str;

    /// Its version (`tee_v`).
    fn version(&self) -> &str;

    /// The public half as SPKI in PEM.
    fn public_key(&self) -> &str;

    /// Who vouches for the key.
    fn records(&self) -> &Records;

    /// What the hardware itself says of the key and its counter, for this nonce; `None` where nothing does.
    ///
    /// # Errors
    ///
    /// The hardware cannot be used at this moment.
    fn attest(&self, nonce: &[u8]) -> Result<Option<Attestation>, StoreError>;

    /// Signs what was confirmed: SHA256withRSA/PSS over [`Statement::text`], with a salt of [`Statement::salt`].
    ///
    /// # Errors
    ///
    /// The key cannot be used at this moment. The next call may find it again.
    fn sign(&self, statement: Statement) -> Result<Signed, StoreError>;
}

/// Why a key or a counter could not be used. It repeats no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The system refused.
    #[error("{path} could not be {doing}: {source}")]
    Io {
        /// What was to be done.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others than its owner can read a key, so it is not used.
    #[error(
        "others can read {path}, so nothing is signed with it: remove it for a new key, \
         or take their rights away (`chmod 600`) if you know that nobody has read it"
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
    /// A file says what it must not. It is left as it is.
    #[error("{path} is damaged: {problem}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// In what way.
        problem: &'static str,
    },
    /// A key file is encrypted under a key that is not at hand. It is left as it is, and no other key takes its place.
    #[error(
        "{path} is encrypted under the key {key} of the user's secret service, which {problem}: bring that key back, or remove \
         the `.pem` files and `records` beside it for a new device"
    )]
    Sealed {
        /// Which file.
        path: PathBuf,
        /// The name of the key that opens it.
        key: String,
        /// Why that key is not at hand.
        problem: &'static str,
    },
    /// The hardware with the key is not there, or refuses.
    #[error("the {part} cannot be used: {source}")]
    Hardware {
        /// What it is.
        part: &'static str,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The host that was to open the key did not.
    #[error(transparent)]
    Host(Box<dyn std::error::Error + Send + Sync>),
    /// The key is none, or its arithmetic failed.
    #[error(transparent)]
    Key(#[from] PssError),
    /// The key's records cannot be made.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The key's records were made and do not hold together: the part that signed them does so in another way than SOTER's.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The process ends, and the work was not begun or not finished.
    #[error("the work was stopped: {0}")]
    Stopped(#[from] tokio::task::JoinError),
}
