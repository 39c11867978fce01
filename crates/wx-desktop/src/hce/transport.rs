//! What a way to a reader must do.

use std::{fmt, io, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use wx_api::{Api, Error, hce::HceCode};
use wx_rules::hce::Radio;

/// A way to a reader: what moves commands and responses, and decides nothing.
///
/// Card emulation asks it what the machine has, and puts its one card into the reader while a mini-program plays one.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync {
    /// What the machine has of it now, found out without disturbing whoever uses it. [`Nfc::Off`](wx_rules::hce::Nfc::Off) is the
    /// user's to say, not the transport's.
    fn radio(&self) -> Radio;

    /// Puts the card into the reader, and ends once the reader has taken it. Dropping the future takes the card back.
    ///
    /// # Errors
    ///
    /// [`NotInserted`] says why the reader has no card.
    async fn insert(&self) -> Result<Link, NotInserted>;
}

/// A card in a reader.
pub struct Link {
    /// What the reader does.
    pub signals: Box<dyn Signals>,
    /// What it is answered.
    pub answers: Arc<dyn Answers>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

/// What a reader does with the card in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It sends a command and waits for its response.
    Command(Bytes),
    /// It took the card's power away or reset it: for the card, the field is lost. The card stays in the reader.
    FieldLost,
}

/// The reader's end of a link.
#[async_trait]
pub trait Signals: Send {
    /// What the reader does next; `None` once it has let the card go. A future that is dropped loses nothing.
    async fn next(&mut self) -> Option<Signal>;
}

/// The card's end of a link.
#[async_trait]
pub trait Answers: Send + Sync {
    /// Responds to the command the reader waits for. A future that is dropped half-way takes the card out of the reader, for a part
    /// of a response is worse than none.
    ///
    /// # Errors
    ///
    /// The reader has let the card go, or does not take the response: that must not last for ever, for nothing else is answered meanwhile.
    async fn answer(&self, response: &[u8]) -> io::Result<()>;

    /// Takes the card out of the reader. A reader that waits for a response is told that there is no card, and [`Signals::next`]
    /// answers `None`.
    fn close(&self);
}

/// Why a reader has no card.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotInserted {
    /// There is no reader.
    #[error("there is no reader at {at}: {source}")]
    NoReader {
        /// Where it was looked for.
        at: String,
        /// What came instead.
        source: io::Error,
    },
    /// The reader let the card go at once, or never took it.
    #[error("the reader at {at} {how}")]
    Refused {
        /// Where it is.
        at: String,
        /// What it did.
        how: &'static str,
    },
}

impl NotInserted {
    /// The code a mini-program sees: 13000 or 13006.
    pub const fn code(&self) -> HceCode {
        match self {
            Self::NoReader { .. } => HceCode::NoNfc,
            Self::Refused { .. } => HceCode::NotRegistered,
        }
    }
}

impl From<NotInserted> for Error {
    fn from(error: NotInserted) -> Self {
        error.code().error(Api::StartHce).with_detail(&error).with_source(error)
    }
}
