//! A secret service, its user, another program of theirs, and who listens to the bus.

use std::collections::HashMap;

use futures_util::StreamExt as _;
use wx_desktop::soter::{Seal, SecretService, SecretsError};
use wx_rig::Keyring;
use zbus::{Connection, MessageStream, OwnedObjectPath, OwnedVariant, Variant, connection::Builder, fdo::MonitoringProxy};

/// A secret service whose user has logged in and has a key in it, and how to reach it.
pub(crate) async fn keyring() -> (Keyring, SecretService) {
    let keyring = Keyring::start().unwrap();
    keyring.logs_in(true).unwrap();
    let service = SecretService::at(keyring.address());
    service.seal().await.unwrap();
    (keyring, service)
}

/// Another service in place of this one, whose user has not logged in.
pub(crate) async fn lock(keyring: &Keyring) {
    keyring.logs_in(false).unwrap();
    keyring.kill().await.unwrap();
}

/// A seal, once the user has typed the password. What is typed does not always arrive (see [`Keyring::types`]), so it may take another dialog.
pub(crate) async fn typed(keyring: &Keyring, service: &SecretService) -> Seal {
    loop {
        keyring.types(Some(Keyring::PASSWORD)).unwrap();
        match service.seal().await {
            Err(SecretsError::Locked("was closed")) => {}
            sealed => return sealed.unwrap(),
        }
    }
}

/// The items of the service, as another program of the user's sees them.
pub(crate) struct Stranger {
    pub(crate) connection: Connection,
}

const SERVICE: Option<&str> = Some("org.freedesktop.secrets");

impl Stranger {
    pub(crate) async fn new(keyring: &Keyring) -> Self {
        Self { connection: Builder::address(keyring.address().as_str()).build().await.unwrap() }
    }

    pub(crate) async fn items(&self) -> Vec<OwnedObjectPath> {
        self.items_called("").await
    }

    pub(crate) async fn items_called(&self, id: &str) -> Vec<OwnedObjectPath> {
        let all: HashMap<&str, &str> = [("key", id)].into_iter().filter(|_| !id.is_empty()).collect();
        let (interface, path) = (Some("org.freedesktop.Secret.Service"), "/org/freedesktop/secrets");
        let found = self.connection.call_method(SERVICE, path, interface, "SearchItems", &(all,)).await.unwrap();
        let (unlocked, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = found.body().deserialize().unwrap();
        assert_eq!(locked, [], "the service is unlocked");
        unlocked
    }

    /// A session in which secrets are in the clear.
    async fn session(&self) -> OwnedObjectPath {
        let (interface, path) = (Some("org.freedesktop.Secret.Service"), "/org/freedesktop/secrets");
        let plain = ("plain", Variant::from(""));
        let opened = self.connection.call_method(SERVICE, path, interface, "OpenSession", &plain).await.unwrap();
        let (_, session): (OwnedVariant, OwnedObjectPath) = opened.body().deserialize().unwrap();
        session
    }

    /// The secret of the one item there is, in the clear.
    pub(crate) async fn secret(&self) -> Vec<u8> {
        let session = self.session().await;
        let [item] = self.items().await.try_into().unwrap();
        let interface = Some("org.freedesktop.Secret.Item");
        let got = self.connection.call_method(SERVICE, &item, interface, "GetSecret", &(session,)).await.unwrap();
        let (_, _, secret, _): (OwnedObjectPath, Vec<u8>, Vec<u8>, String) =
            got.body().deserialize::<((OwnedObjectPath, Vec<u8>, Vec<u8>, String),)>().unwrap().0;
        secret
    }

    /// Has the service keep this as if it were a key of ours.
    pub(crate) async fn keep(&self, id: &str, secret: &str) {
        let session = self.session().await;
        let attributes = HashMap::from([("application", "wx"), ("purpose", "soter key files"), ("key", id)]);
        let properties = HashMap::from([("org.freedesktop.Secret.Item.Attributes", Variant::from(attributes))]);
        let secret = (session, Vec::<u8>::new(), secret.as_bytes(), "text/plain");
        let (interface, path) = (Some("org.freedesktop.Secret.Collection"), "/org/freedesktop/secrets/aliases/default");
        let item = (properties, secret, false);
        self.connection.call_method(SERVICE, path, interface, "CreateItem", &item).await.unwrap();
    }

    pub(crate) async fn delete_all(&self) {
        self.delete("").await;
    }

    /// Deletes all items whose key is called so, or all there are.
    pub(crate) async fn delete(&self, id: &str) {
        for item in self.items_called(id).await {
            let interface = Some("org.freedesktop.Secret.Item");
            self.connection.call_method(SERVICE, &item, interface, "Delete", &()).await.unwrap();
        }
    }
}

/// Hears all that is said on the bus.
pub(crate) struct Listener(MessageStream);

impl Listener {
    pub(crate) async fn new(keyring: &Keyring) -> Self {
        let connection = Builder::address(keyring.address().as_str()).build().await.unwrap();
        MonitoringProxy::new(&connection).await.unwrap().become_monitor(&[], 0).await.unwrap();
        Self(MessageStream::from(&connection))
    }

    /// What is said until somebody says this.
    pub(crate) async fn until(&mut self, member: &str) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let message = self.0.next().await.expect("the bus is there").unwrap();
            all.extend_from_slice(message.data().bytes());
            if message.header().member().is_some_and(|name| name == member) {
                return all;
            }
        }
    }
}
