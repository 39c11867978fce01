//! What is on the disk.

use std::{
    collections::HashMap,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::Arc,
};

use wx_desktop::soter::{MemoryFinger, Seal, SoftwareKey, SoterDevice, SoterKeyStore, StoreError};

use crate::{
    bench::{self, Bench},
    outside::{Stranger, keyring},
};

const FILES: [&str; 3] = ["key.pem", "ask.pem", "attk.pem"];

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// All that the folder keeps.
fn contents(folder: &Path) -> HashMap<String, Vec<u8>> {
    let entry = |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
    fs::read_dir(folder).unwrap().map(|found| entry(found.unwrap())).collect()
}

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
    assert!(bench::openssl(bench.folder.path(), &public_key, &answer, 20));
    assert!(bench::is_accepted(&client, &openid, &answer).await);
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
