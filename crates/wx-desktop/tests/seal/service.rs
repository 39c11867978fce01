//! What the service and its user do.

use std::{fmt::Write as _, fs, sync::Arc, time::Duration};

use tempfile::NamedTempFile;
use wx_desktop::soter::{Seal, SecretService, SecretsError, SoftwareKey, SoterKeyStore};
use wx_rig::Keyring;

use crate::outside::{Listener, Stranger, keyring, lock, typed};

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
    assert_eq!(sealed.unwrap_err().to_string(), "the user's secret service stays locked: its dialog ended with the service");
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

pub(super) async fn nothing_printed_holds_a_key() {
    let log = NamedTempFile::new().unwrap();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE);
    let subscriber = subscriber.with_writer(Arc::new(log.reopen().unwrap())).finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    let ((keyring, service), folder) = (keyring().await, tempfile::tempdir().unwrap());
    let stranger = Stranger::new(&keyring).await;
    stranger.keep("no number", "QUJD").await;
    let seal = service.seal().await.unwrap();
    let key = SoftwareKey::open(&folder, &seal).unwrap();
    let mut said = format!("{service:?} {seal:?} {key:?} {:?}", SoftwareKey::open(&folder, &Seal::none()));
    lock(&keyring).await;
    keyring.types(None).unwrap();
    let error = service.seal().await.unwrap_err();
    write!(said, "{error} {error:?}").unwrap();
    said += &fs::read_to_string(log.path()).unwrap();
    assert!(said.contains("an item of the secret service is no key"), "the log was kept: {said}");

    keyring.logs_in(true).unwrap();
    keyring.kill().await.unwrap();
    stranger.delete("no number").await;
    let secret = String::from_utf8(stranger.secret().await).unwrap();
    let sealed = fs::read_to_string(folder.path().join("key.pem")).unwrap();
    assert!(sealed.starts_with("wx-sealed-1 "));
    SoftwareKey::open(&folder, &service.seal().await.unwrap()).unwrap();
    for secret in [secret.as_str(), "PRIVATE KEY"] {
        assert!(!said.contains(secret), "{secret} was printed");
    }
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
