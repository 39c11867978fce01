//! The key of a seal, in the user's secret service.

use std::{slice, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::StreamExt as _;
use tokio::{
    select,
    time::{sleep, timeout},
};
use zbus::{
    Connection, Error, OwnedObjectPath, OwnedVariant, Variant,
    connection::Builder,
    fdo::{self, DBusProxy, RequestNameFlags, RequestNameReply},
    proxy::CacheProperties,
};
use zeroize::Zeroizing;

use super::{
    Id, Seal, SealKey,
    service::{Attributes, CollectionProxy, ItemProxy, NOTHING, PromptProxy, Properties, Secret, ServiceProxy},
    transport::{ALGORITHM, Offer, Transport},
};

/// The longest that the service may take where it asks nobody. It may have to be started.
const LIMIT: Duration = Duration::from_secs(25);
/// How long the user may take over a password, unless the host says otherwise.
const PATIENCE: Duration = Duration::from_secs(120);
/// Whoever has this name on the bus may make a key: two that begin at once must not make two.
const TURN: &str = "org.wx.SoterKeyFiles";

/// What all our items have in common, and what tells one from the other.
const OURS: [(&str, &str); 2] = [("application", "wx"), ("purpose", "soter key files")];
const KEY_ID: &str = "key";
/// What the user finds in the list of their secrets.
const LABEL: &str = "wx: the key that SOTER's key files are encrypted under";
const CONTENT_TYPE: &str = "text/plain";
/// Where new secrets go, unless the user has said otherwise.
const DEFAULT: &str = "default";

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

fn ours() -> Attributes<'static> {
    OURS.into_iter().collect()
}

/// A collection whose properties are asked for when they are needed, and not all at once before.
async fn collection(connection: &Connection, path: OwnedObjectPath) -> zbus::Result<CollectionProxy<'static>> {
    CollectionProxy::builder(connection).path(path).cache_properties(CacheProperties::No).build().await
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

/// A talk with the service, in which secrets are encrypted.
struct Talk<'a> {
    connection: &'a Connection,
    patience: Duration,
    service: ServiceProxy<'a>,
    session: OwnedObjectPath,
    transport: Transport,
}

impl<'a> Talk<'a> {
    async fn begin(connection: &'a Connection, patience: Duration) -> Result<Self, SecretsError> {
        let service = ServiceProxy::new(connection).await?;
        let offer = Offer::random()?;
        let (theirs, session) = service.open_session(ALGORITHM, offer.public().into()).await?;
        let theirs: Vec<u8> = theirs.try_into().map_err(|_| SecretsError::Strange("no half of an agreement"))?;
        let transport = offer.agree(&theirs).ok_or(SecretsError::Strange("no half of an agreement"))?;
        Ok(Self { connection, patience, service, session, transport })
    }

    /// All keys of ours that are unlocked; if none is, all that the user unlocks.
    async fn keys(&self) -> Result<Vec<SealKey>, SecretsError> {
        let (unlocked, locked) = self.service.search_items(&ours()).await?;
        let keys = self.read(unlocked).await?;
        if !keys.is_empty() || locked.is_empty() {
            return Ok(keys);
        }
        self.unlock(&locked).await?;
        self.read(locked).await
    }

    /// The keys in these items. Files name the key they need, so an item that is none is in nobody's way.
    async fn read(&self, items: Vec<OwnedObjectPath>) -> Result<Vec<SealKey>, SecretsError> {
        let mut keys = Vec::new();
        for item in items {
            match self.key(&item).await {
                Ok(key) => keys.push(key),
                Err(SecretsError::Strange(what)) => tracing::debug!(%item, what, "an item of the secret service is no key"),
                Err(error) => return Err(error),
            }
        }
        Ok(keys)
    }

    async fn key(&self, item: &OwnedObjectPath) -> Result<SealKey, SecretsError> {
        let item = ItemProxy::builder(self.connection).path(item).cache_properties(CacheProperties::No).build().await?;
        let attributes = item.attributes().await?;
        let id = attributes.get(KEY_ID).and_then(|id| Id::parse(id)).ok_or(SecretsError::Strange("a key without a name"))?;
        let Secret { iv, closed, .. } = item.get_secret(&self.session).await?;
        let text = self.transport.open(&iv, closed).ok_or(SecretsError::Strange("a secret under another key than agreed"))?;
        let key = from_text(&text).ok_or(SecretsError::Strange("a key of another length"))?;
        Ok(SealKey { id, key })
    }

    /// Makes a key, and has it kept in this collection.
    async fn make_key(&self, place: OwnedObjectPath) -> Result<SealKey, SecretsError> {
        let key = SealKey::random()?;
        let id = key.id.to_string();
        let mut attributes = ours();
        attributes.insert(KEY_ID, &id);
        let properties = Properties::from([
            ("org.freedesktop.Secret.Item.Label", Variant::from(LABEL)),
            ("org.freedesktop.Secret.Item.Attributes", Variant::from(attributes)),
        ]);
        let closed = self.transport.close(to_text(&key.key).as_bytes());
        let (iv, closed) = closed.map_err(|_| SecretsError::Strange("no key to encrypt with"))?;
        let secret = Secret { session: self.session.clone(), iv, closed, content_type: CONTENT_TYPE.to_owned() };
        let (_, prompt) = collection(self.connection, place).await?.create_item(&properties, &secret, false).await?;
        self.ask(prompt).await?;
        Ok(key)
    }

    /// Where new secrets go, unlocked; a new place, if the user has none.
    async fn place(&self) -> Result<OwnedObjectPath, SecretsError> {
        let place = self.service.read_alias(DEFAULT).await?;
        if place.as_str() != NOTHING {
            self.unlock(slice::from_ref(&place)).await?;
            return Ok(place);
        }
        let properties = Properties::from([("org.freedesktop.Secret.Collection.Label", Variant::from("Default keyring"))]);
        let (made, prompt) = self.service.create_collection(&properties, DEFAULT).await?;
        let place = match self.ask(prompt).await? {
            Some(made) => made.try_into().map_err(|_| SecretsError::Strange("no place for secrets"))?,
            None => made,
        };
        if place.as_str() == NOTHING { Err(SecretsError::Strange("no place for secrets")) } else { Ok(place) }
    }

    async fn unlock(&self, objects: &[OwnedObjectPath]) -> Result<(), SecretsError> {
        let (_, prompt) = self.service.unlock(objects).await?;
        self.ask(prompt).await.map(drop)
    }

    /// Has the service ask the user, if it has to, and answers what came of it.
    async fn ask(&self, prompt: OwnedObjectPath) -> Result<Option<OwnedVariant>, SecretsError> {
        if prompt.as_str() == NOTHING {
            return Ok(None);
        }
        let prompt = PromptProxy::builder(self.connection).path(prompt).build().await?;
        let mut ends = prompt.receive_completed().await?;
        let mut owners = prompt.inner().receive_owner_changed().await?;
        prompt.prompt("").await?;
        let end = select! {
            end = ends.next() => end.ok_or(SecretsError::Strange("a dialog without an end"))?,
            _ = owners.next() => return Err(SecretsError::Locked("ended with the service")),
            () = sleep(self.patience) => {
                let _ = prompt.dismiss().await; // it may have ended at this moment
                return Err(SecretsError::Locked("was not answered"));
            }
        };
        let end = end.args()?;
        if end.dismissed { Err(SecretsError::Locked("was closed")) } else { Ok(Some(end.result)) }
    }
}

/// The key as it is kept: a text, because some services keep nothing else.
fn to_text(key: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(44)); // or growing would leave parts of it behind
    STANDARD.encode_string(key, &mut text);
    text
}

fn from_text(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = Zeroizing::new(STANDARD.decode(text).ok()?);
    (key.len() == SealKey::LEN).then_some(key)
}
