//! The key of a seal, in the user's secret service.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::timeout;
use zbus::{
    Connection, Error,
    connection::Builder,
    fdo::{self, DBusProxy, RequestNameFlags, RequestNameReply},
};

use super::{
    Seal,
    service::{NOTHING, ServiceProxy},
    talk::{DEFAULT, Talk, collection, ours},
};

/// The longest that the service may take where it asks nobody. It may have to be started.
const LIMIT: Duration = Duration::from_secs(25);
/// How long the user may take over a password, unless the host says otherwise.
const PATIENCE: Duration = Duration::from_secs(120);
/// Whoever has this name on the bus may make a key: two that begin at once must not make two.
const TURN: &str = "org.wx.SoterKeyFiles";

/// The user's secret service (`org.freedesktop.secrets`): GNOME's keyring, KDE's wallet, `KeePassXC` and others.
///
/// It keeps one key for all SOTER key files of the user. A locked service asks the user for its password, in a window of its own.
///
/// ```no_run
/// use wx_desktop::soter::{SecretService, SoftwareKey};
///
/// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
/// let seal = SecretService::session().seal().await?;
/// let key = SoftwareKey::open("/home/li/.local/share/wx/soter", &seal)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SecretService {
    /// The bus it is on; the user's session's, if none is named.
    address: Option<String>,
    patience: Duration,
}

/// Why the secret service could not be used. It repeats no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// There is none, or no bus that it could be on.
    #[error("there is no secret service on the user's bus: {0}")]
    Absent(Error),
    /// It is locked, and the user did not unlock it.
    #[error("the user's secret service stays locked: its dialog {0}")]
    Locked(&'static str),
    /// It failed.
    #[error("the user's secret service cannot be used: {0}")]
    Failed(Error),
    /// It answers something else than what it was asked for.
    #[error("the user's secret service answers something strange: {0}")]
    Strange(&'static str),
    /// It does not answer.
    #[error("the user's secret service does not answer")]
    Silent,
    /// The system has no randomness for a key.
    #[error("there is no randomness for a key: {0}")]
    Random(#[from] getrandom::Error),
}

impl SecretService {
    /// The one on the bus of the user's session.
    pub fn session() -> Self {
        Self { address: None, patience: PATIENCE }
    }

    /// The one on another bus, at an address as D-Bus writes them: `unix:path=/run/test/bus`.
    pub fn at(address: impl Into<String>) -> Self {
        Self { address: Some(address.into()), patience: PATIENCE }
    }

    /// How long the user may take over a password. Two minutes unless told otherwise.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// What encrypts under the user's key, which is made if there is none. The user may be asked to unlock it.
    ///
    /// # Errors
    ///
    /// [`SecretsError::Absent`] if there is no such service; [`SecretsError::Locked`] if it was not unlocked; the others if it failed.
    pub async fn seal(&self) -> Result<Seal, SecretsError> {
        let connection = self.connect().await?;
        let talk = Talk::begin(&connection, self.patience).await?;
        let keys = talk.keys().await?;
        if !keys.is_empty() {
            return Ok(Seal::of(keys));
        }
        timeout(self.patience.max(LIMIT), turn(&connection)).await.map_err(|_| SecretsError::Silent)??;
        // Unlocked first: some services find nothing in a locked place.
        let place = talk.place().await?;
        let keys = talk.keys().await?;
        if !keys.is_empty() {
            return Ok(Seal::of(keys));
        }
        let made = talk.make_key(place).await?;
        // In another talk: what the service misunderstood in this one, it would misunderstand on the way back as well.
        let keys = Talk::begin(&connection, self.patience).await?.keys().await?;
        if !keys.iter().any(|key| key.is(&made)) {
            return Err(SecretsError::Strange("another key than it was given"));
        }
        Ok(Seal::of(keys))
    }

    /// Whether the user would have to unlock it, or to make a place for secrets. Nobody is asked, and nothing is made.
    ///
    /// # Errors
    ///
    /// As [`seal`](Self::seal).
    pub async fn is_locked(&self) -> Result<bool, SecretsError> {
        let look = async {
            let connection = self.connect().await?;
            let service = ServiceProxy::new(&connection).await?;
            let place = service.read_alias(DEFAULT).await?;
            // The place first: some services ask their user as soon as somebody searches a locked one.
            if place.as_str() == NOTHING || collection(&connection, place).await?.locked().await? {
                return Ok(true);
            }
            let (unlocked, locked) = service.search_items(&ours()).await?;
            Ok(unlocked.is_empty() && !locked.is_empty())
        };
        timeout(LIMIT, look).await.unwrap_or(Err(SecretsError::Silent))
    }

    async fn connect(&self) -> Result<Connection, SecretsError> {
        let builder = self.address.as_deref().map_or_else(Builder::session, Builder::address);
        // Within any step the service may ask its user.
        let connecting = builder.method_timeout(self.patience.max(LIMIT)).build();
        timeout(LIMIT, connecting).await.map_err(|_| SecretsError::Silent)?.map_err(SecretsError::Absent)
    }
}

impl From<Error> for SecretsError {
    /// A service that is missing, or locked, is told from one that fails.
    fn from(error: Error) -> Self {
        let is_absent = |error: &fdo::Error| matches!(error, fdo::Error::ServiceUnknown(_) | fdo::Error::NameHasNoOwner(_));
        match &error {
            Error::FDO(why) if is_absent(why) => Self::Absent(error),
            Error::MethodError(name, ..) if *name == "org.freedesktop.Secret.Error.IsLocked" => {
                Self::Locked("did not open all that was asked for")
            }
            _ => Self::Failed(error),
        }
    }
}

/// Waits until nobody else on this bus makes a key. The turn ends with the connection.
async fn turn(connection: &Connection) -> Result<(), SecretsError> {
    let mut acquired = DBusProxy::new(connection).await?.receive_name_acquired().await?;
    if connection.request_name_with_flags(TURN, RequestNameFlags::empty()).await? == RequestNameReply::InQueue {
        while let Some(signal) = acquired.next().await {
            if signal.args()?.name == TURN {
                break;
            }
        }
    }
    Ok(())
}
