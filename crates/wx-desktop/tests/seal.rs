//! Key files that are encrypted under a key of a real secret service, whose user types passwords or does not.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed
#![allow(dead_code)] // of what tests share, no one uses all

#[path = "soter/bench.rs"]
mod shared;

use std::{collections::HashMap, fs, path::Path, process::ExitCode, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use shared::Bench;
use wx_desktop::soter::{MemoryFinger, Seal, SecretService, SecretsError, SoftwareKey, SoterDevice, SoterKeyStore, StoreError};
use wx_rig::{Keyring, SECRETS};
use zbus::{Connection, MessageStream, OwnedObjectPath, OwnedVariant, Variant, connection::Builder, fdo::MonitoringProxy};

fn main() -> ExitCode {
    wx_rig::main(
        &[&SECRETS],
        wx_rig::tests! {
            files {
                a_key_is_encrypted_on_the_disk_and_signs,
                what_was_kept_as_it_is_gets_encrypted_with_all_that_vouches_for_it,
                without_the_service_an_encrypted_key_is_told_and_left_alone,
                a_key_that_the_service_lost_is_told_and_no_other_takes_its_place,
                no_new_key_is_made_beside_one_that_cannot_be_opened,
                an_encrypted_key_that_others_can_read_is_refused_all_the_same,
            }
            service {
                all_seals_of_a_user_have_one_key,
                eight_that_begin_at_once_have_one_key,
                an_item_that_is_no_key_is_in_nobodys_way,
                a_locked_service_asks_its_user_and_a_closed_dialog_is_told,
                a_service_that_ends_while_it_asks_is_not_waited_for,
                a_dialog_that_nobody_answers_is_closed,
                a_user_without_a_keyring_may_refuse_to_make_one,
                where_there_is_none_that_is_told,
                nobody_who_listens_to_the_bus_hears_the_key,
            }
        },
    )
}

const FILES: [&str; 3] = ["key.pem", "ask.pem", "attk.pem"];

/// A secret service whose user has logged in and has a key in it, and how to reach it.
async fn keyring() -> (Keyring, SecretService) {
    let keyring = Keyring::start().unwrap();
    keyring.logs_in(true).unwrap();
    let service = SecretService::at(keyring.address());
    service.seal().await.unwrap();
    (keyring, service)
}

/// Another service in place of this one, whose user has not logged in.
async fn lock(keyring: &Keyring) {
    keyring.logs_in(false).unwrap();
    keyring.kill().await.unwrap();
}

/// A seal, once the user has typed the password. What is typed does not always arrive (see [`Keyring::types`]), so it may take another dialog.
async fn typed(keyring: &Keyring, service: &SecretService) -> Seal {
    loop {
        keyring.types(Some(Keyring::PASSWORD)).unwrap();
        match service.seal().await {
            Err(SecretsError::Locked("was closed")) => {}
            sealed => return sealed.unwrap(),
        }
    }
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// All that the folder keeps.
fn contents(folder: &Path) -> HashMap<String, Vec<u8>> {
    let entry = |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
    fs::read_dir(folder).unwrap().map(|found| entry(found.unwrap())).collect()
}

/// The items of the service, as another program of the user's sees them.
struct Stranger {
    connection: Connection,
}

const SERVICE: Option<&str> = Some("org.freedesktop.secrets");

impl Stranger {
    async fn new(keyring: &Keyring) -> Self {
        Self { connection: Builder::address(keyring.address().as_str()).build().await.unwrap() }
    }

    async fn items(&self) -> Vec<OwnedObjectPath> {
        let all = HashMap::<&str, &str>::new();
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
    async fn secret(&self) -> Vec<u8> {
        let session = self.session().await;
        let [item] = self.items().await.try_into().unwrap();
        let interface = Some("org.freedesktop.Secret.Item");
        let got = self.connection.call_method(SERVICE, &item, interface, "GetSecret", &(session,)).await.unwrap();
        let (_, _, secret, _): (OwnedObjectPath, Vec<u8>, Vec<u8>, String) =
            got.body().deserialize::<((OwnedObjectPath, Vec<u8>, Vec<u8>, String),)>().unwrap().0;
        secret
    }

    /// Has the service keep this as if it were a key of ours.
    async fn keep(&self, id: &str, secret: &str) {
        let session = self.session().await;
        let attributes = HashMap::from([("application", "wx"), ("purpose", "soter key files"), ("key", id)]);
        let properties = HashMap::from([("org.freedesktop.Secret.Item.Attributes", Variant::from(attributes))]);
        let secret = (session, Vec::<u8>::new(), secret.as_bytes(), "text/plain");
        let (interface, path) = (Some("org.freedesktop.Secret.Collection"), "/org/freedesktop/secrets/aliases/default");
        let item = (properties, secret, false);
        self.connection.call_method(SERVICE, path, interface, "CreateItem", &item).await.unwrap();
    }

    async fn delete_all(&self) {
        for item in self.items().await {
            let interface = Some("org.freedesktop.Secret.Item");
            self.connection.call_method(SERVICE, &item, interface, "Delete", &()).await.unwrap();
        }
    }
}

/// Hears all that is said on the bus.
struct Listener(MessageStream);

impl Listener {
    async fn new(keyring: &Keyring) -> Self {
        let connection = Builder::address(keyring.address().as_str()).build().await.unwrap();
        MonitoringProxy::new(&connection).await.unwrap().become_monitor(&[], 0).await.unwrap();
        Self(MessageStream::from(&connection))
    }

    /// What is said until somebody says this.
    async fn until(&mut self, member: &str) -> Vec<u8> {
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

mod files {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

    use super::{
        Arc, Bench, FILES, MemoryFinger, Seal, SoftwareKey, SoterDevice, SoterKeyStore, StoreError, Stranger, contents, fs,
        keyring, shared, text,
    };

    pub(super) async fn a_key_is_encrypted_on_the_disk_and_signs() {
        let (_keyring, service) = keyring().await;
        let (folder, finger) = (tempfile::tempdir().unwrap(), Arc::new(MemoryFinger::default()));
        let keys = folder.path().join("soter");
        let device = SoterDevice::software(&keys, finger.clone(), &service.seal().await.unwrap()).unwrap();
        let public_key = device.keys.public_key().to_owned();
        for name in FILES {
            assert!(text(&keys, name).starts_with("wx-sealed-1 "), "{name}: {}", text(&keys, name));
            assert_eq!(fs::metadata(keys.join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
        let bench = Bench::over(folder, device, finger).await;
        let (client, openid) = bench.developer().await;
        let answer = bench.confirm("order 42").await.unwrap();
        assert!(shared::openssl(bench.folder.path(), &public_key, &answer, 20));
        assert!(shared::is_accepted(&client, &openid, &answer).await);
        let again = SoftwareKey::open(&keys, &service.seal().await.unwrap()).unwrap();
        assert_eq!(again.public_key(), public_key, "the key is found again");
    }

    pub(super) async fn what_was_kept_as_it_is_gets_encrypted_with_all_that_vouches_for_it() {
        let (_keyring, service) = keyring().await;
        let folder = tempfile::tempdir().unwrap();
        let plain = SoftwareKey::open(&folder, &Seal::none()).unwrap();
        assert!(!Seal::is_needed(&folder).unwrap());
        let before = FILES.map(|name| text(folder.path(), name));
        let sealed = SoftwareKey::open(&folder, &service.seal().await.unwrap()).unwrap();
        assert_eq!((sealed.public_key(), sealed.records()), (plain.public_key(), plain.records()));
        for (name, bytes) in contents(folder.path()) {
            let said = String::from_utf8(bytes).unwrap();
            assert!(!said.contains("PRIVATE KEY"), "{name}");
            for line in before.iter().flat_map(|text| text.lines()).filter(|line| line.len() == 64) {
                assert!(!said.contains(line), "{name}");
            }
        }
        assert!(FILES.iter().all(|name| text(folder.path(), name).starts_with("wx-sealed-1 ")));
    }

    pub(super) async fn without_the_service_an_encrypted_key_is_told_and_left_alone() {
        let (_keyring, service) = keyring().await;
        let folder = tempfile::tempdir().unwrap();
        SoftwareKey::open(&folder, &service.seal().await.unwrap()).unwrap();
        let before = contents(folder.path());
        assert!(Seal::is_needed(&folder).unwrap() && !Seal::is_needed(folder.path().join("elsewhere")).unwrap());
        let error = SoftwareKey::open(&folder, &Seal::none()).unwrap_err();
        assert!(matches!(error, StoreError::Sealed { .. }), "{error}");
        assert!(error.to_string().contains("which was not asked for it: bring that key back"), "{error}");
        assert_eq!(contents(folder.path()), before);
    }

    pub(super) async fn a_key_that_the_service_lost_is_told_and_no_other_takes_its_place() {
        let (keyring, service) = keyring().await;
        let folder = tempfile::tempdir().unwrap();
        SoftwareKey::open(&folder, &service.seal().await.unwrap()).unwrap();
        let before = contents(folder.path());
        Stranger::new(&keyring).await.delete_all().await;
        let error = SoftwareKey::open(&folder, &service.seal().await.unwrap()).unwrap_err();
        assert!(error.to_string().contains("which does not have it, or has it locked"), "{error}");
        assert_eq!(contents(folder.path()), before);
    }

    pub(super) async fn no_new_key_is_made_beside_one_that_cannot_be_opened() {
        let (_keyring, service) = keyring().await;
        let folder = tempfile::tempdir().unwrap();
        SoftwareKey::open(&folder, &service.seal().await.unwrap()).unwrap();
        fs::remove_file(folder.path().join("key.pem")).unwrap();
        let before = contents(folder.path());
        assert!(matches!(SoftwareKey::open(&folder, &Seal::none()), Err(StoreError::Sealed { .. })));
        assert_eq!(contents(folder.path()), before);
        SoftwareKey::open(&folder, &service.seal().await.unwrap()).unwrap();
    }

    pub(super) async fn an_encrypted_key_that_others_can_read_is_refused_all_the_same() {
        let (_keyring, service) = keyring().await;
        let (folder, seal) = (tempfile::tempdir().unwrap(), service.seal().await.unwrap());
        SoftwareKey::open(&folder, &seal).unwrap();
        fs::set_permissions(folder.path().join("key.pem"), Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(SoftwareKey::open(&folder, &seal), Err(StoreError::Exposed { .. })));
    }
}

mod service {
    use super::{
        Duration, Keyring, Listener, SecretService, SecretsError, SoftwareKey, SoterKeyStore, Stranger, fs, keyring, lock,
        typed,
    };

    pub(super) async fn all_seals_of_a_user_have_one_key() {
        let (keyring, service) = keyring().await;
        let (one, other) = (service.seal().await.unwrap(), service.seal().await.unwrap());
        assert!(one.encrypts() && format!("{one:?}") == format!("{other:?}"), "{one:?} {other:?}");
        assert_eq!(Stranger::new(&keyring).await.items().await.len(), 1);
    }

    pub(super) async fn eight_that_begin_at_once_have_one_key() {
        let (keyring, service) = keyring().await;
        let stranger = Stranger::new(&keyring).await;
        stranger.delete_all().await;
        let seals = futures_util::future::join_all((0..8).map(|_| service.seal())).await;
        let seals: Vec<_> = seals.into_iter().map(|seal| format!("{:?}", seal.unwrap())).collect();
        assert!(seals.iter().all(|seal| *seal == seals[0]), "{seals:?}");
        assert_eq!(stranger.items().await.len(), 1);
    }

    pub(super) async fn an_item_that_is_no_key_is_in_nobodys_way() {
        let (keyring, service) = keyring().await;
        let stranger = Stranger::new(&keyring).await;
        let before = format!("{:?}", service.seal().await.unwrap());
        for (id, secret) in [("no number", "QUJD"), ("0123456789abcdef0123456789abcdef", "too short")] {
            stranger.keep(id, secret).await;
        }
        assert_eq!(stranger.items().await.len(), 3);
        assert_eq!(format!("{:?}", service.seal().await.unwrap()), before);
    }

    pub(super) async fn a_locked_service_asks_its_user_and_a_closed_dialog_is_told() {
        let (keyring, service) = keyring().await;
        let folder = tempfile::tempdir().unwrap();
        let key = SoftwareKey::open(&folder, &service.seal().await.unwrap()).unwrap();
        assert!(!service.is_locked().await.unwrap());

        lock(&keyring).await;
        assert!(service.is_locked().await.unwrap());
        let ring = keyring.files().join("login.keyring");
        let before = fs::read(&ring).unwrap();
        keyring.types(None).unwrap();
        let error = service.seal().await.unwrap_err();
        assert!(matches!(error, SecretsError::Locked(_)), "{error}");
        assert_eq!(error.to_string(), "the user's secret service stays locked: its dialog was closed");
        assert!(fs::read(&ring).unwrap() == before, "another key was made");

        keyring.types(Some("not the password")).unwrap();
        let seal = typed(&keyring, &service).await;
        assert_eq!(SoftwareKey::open(&folder, &seal).unwrap().public_key(), key.public_key());
        assert!(!service.is_locked().await.unwrap());
    }

    pub(super) async fn a_service_that_ends_while_it_asks_is_not_waited_for() {
        let (keyring, service) = keyring().await;
        lock(&keyring).await;
        keyring.hesitates().unwrap();
        let mut listener = Listener::new(&keyring).await;
        let end = async {
            listener.until("PerformPrompt").await;
            keyring.kill().await.unwrap();
        };
        let (sealed, ()) = tokio::join!(service.seal(), end);
        assert_eq!(
            sealed.unwrap_err().to_string(),
            "the user's secret service stays locked: its dialog ended with the service"
        );
    }

    pub(super) async fn a_dialog_that_nobody_answers_is_closed() {
        let (keyring, service) = keyring().await;
        lock(&keyring).await;
        keyring.hesitates().unwrap();
        let mut listener = Listener::new(&keyring).await;
        let hurried = service.patience(Duration::from_millis(500));
        let (sealed, _) = tokio::join!(hurried.seal(), listener.until("Dismiss"));
        assert_eq!(sealed.unwrap_err().to_string(), "the user's secret service stays locked: its dialog was not answered");
    }

    pub(super) async fn a_user_without_a_keyring_may_refuse_to_make_one() {
        let keyring = Keyring::start().unwrap();
        let service = SecretService::at(keyring.address());
        assert!(service.is_locked().await.unwrap(), "it would ask");
        keyring.types(None).unwrap();
        assert!(matches!(service.seal().await, Err(SecretsError::Locked(_))));
        assert!(typed(&keyring, &service).await.encrypts());
    }

    pub(super) async fn where_there_is_none_that_is_told() {
        let empty = Keyring::start().unwrap();
        empty.uninstall().unwrap();
        let (no_bus, no_service) = (SecretService::at("unix:path=/nowhere/bus"), SecretService::at(empty.address()));
        for error in [
            no_bus.seal().await.unwrap_err(),
            no_bus.is_locked().await.unwrap_err(),
            no_service.seal().await.unwrap_err(),
            no_service.is_locked().await.unwrap_err(),
        ] {
            assert!(matches!(error, SecretsError::Absent(_)), "{error}");
            assert!(error.to_string().starts_with("there is no secret service on the user's bus: "), "{error}");
        }
    }

    pub(super) async fn nobody_who_listens_to_the_bus_hears_the_key() {
        let (keyring, service) = keyring().await;
        let secret = Stranger::new(&keyring).await.secret().await;
        assert_eq!(secret.len(), 44, "32 bytes in base64");

        let mut listener = Listener::new(&keyring).await;
        let talk = async {
            let stranger = Stranger::new(&keyring).await;
            service.seal().await.unwrap(); // the key's way here
            stranger.delete_all().await;
            service.seal().await.unwrap(); // and a new one's way there
            stranger.connection.emit_signal(None::<&str>, "/done", "wx.rig.Test", "Done", &()).await.unwrap();
        };
        let (all, ()) = tokio::join!(listener.until("Done"), talk);
        let has = |part: &[u8]| all.windows(part.len()).any(|bytes| bytes == part);
        assert!(has(b"GetSecret") && has(b"CreateItem") && has(b"soter key files"), "it was listened to");
        let later = Stranger::new(&keyring).await.secret().await;
        assert_ne!(later, secret);
        for secret in [secret, later] {
            assert!(!has(&secret), "the bus carried the key");
        }
    }
}
