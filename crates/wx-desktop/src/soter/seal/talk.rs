//! A talk with the secret service: keys are found, made and read.

use std::{slice, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::StreamExt as _;
use tokio::{select, time::sleep};
use zbus::{Connection, OwnedObjectPath, OwnedVariant, Variant, proxy::CacheProperties};
use zeroize::Zeroizing;

use super::{
    Id, SealKey,
    secrets::SecretsError,
    service::{Attributes, CollectionProxy, ItemProxy, NOTHING, PromptProxy, Properties, Secret, ServiceProxy},
    transport::{ALGORITHM, Offer, Transport},
};

/// What all our items have in common, and what tells one from the other.
const OURS: [(&str, &str); 2] = [("application", "wx"), ("purpose", "soter key files")];
const KEY_ID: &str = "key";
/// What the user finds in the list of their secrets.
const LABEL: &str = "wx: the key that SOTER's key files are encrypted under";
const CONTENT_TYPE: &str = "text/plain";
/// Where new secrets go, unless the user has said otherwise.
pub(super) const DEFAULT: &str = "default";

/// A talk with the service, in which secrets are encrypted.
pub(super) struct Talk<'a> {
    connection: &'a Connection,
    patience: Duration,
    service: ServiceProxy<'a>,
    session: OwnedObjectPath,
    transport: Transport,
}

impl<'a> Talk<'a> {
    pub(super) async fn begin(connection: &'a Connection, patience: Duration) -> Result<Self, SecretsError> {
        let service = ServiceProxy::new(connection).await?;
        let offer = Offer::random()?;
        let (theirs, session) = service.open_session(ALGORITHM, offer.public().into()).await?;
        let theirs: Vec<u8> = theirs.try_into().map_err(|_| SecretsError::Strange("no half of an agreement"))?;
        let transport = offer.agree(&theirs).ok_or(SecretsError::Strange("no half of an agreement"))?;
        Ok(Self { connection, patience, service, session, transport })
    }

    /// All keys of ours that are unlocked; if none is, all that the user unlocks.
    pub(super) async fn keys(&self) -> Result<Vec<SealKey>, SecretsError> {
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
    pub(super) async fn make_key(&self, place: OwnedObjectPath) -> Result<SealKey, SecretsError> {
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
    pub(super) async fn place(&self) -> Result<OwnedObjectPath, SecretsError> {
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

/// What our items are found by.
pub(super) fn ours() -> Attributes<'static> {
    OURS.into_iter().collect()
}

/// A collection whose properties are asked for when they are needed, and not all at once before.
pub(super) async fn collection(connection: &Connection, path: OwnedObjectPath) -> zbus::Result<CollectionProxy<'static>> {
    CollectionProxy::builder(connection).path(path).cache_properties(CacheProperties::No).build().await
}
