//! SOTER with its key in a PKCS#11 token, which is a real one in software.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed
#![allow(dead_code)] // of what tests share, no one uses all

mod finger;
#[path = "soter/bench.rs"]
mod shared;
#[path = "finger/suite.rs"]
mod suite;

use std::{fs, io, path::Path, process::ExitCode, sync::Arc};

use shared::Bench;
use wx_api::BiometricPrompt;
use wx_crypto::Secret;
use wx_desktop::soter::{FileCounter, MemoryFinger, Seal, SoterDevice, StoreError, Token, WrongTries};
use wx_rig::{FINGERPRINTS, Softhsm, TOKENS};

fn main() -> ExitCode {
    Softhsm::around(|| {
        wx_rig::main(
            &[&TOKENS, &FINGERPRINTS],
            wx_rig::tests! {
                // In one after the other: there is one token, and one of them takes it out.
                token { everything }
            },
        )
    })
}

/// Which of the token's keys is a folder's.
const RECORD: &str = "key.pkcs11";

fn device(folder: &Path, prompt: Arc<dyn BiometricPrompt>) -> Result<SoterDevice, StoreError> {
    let counter = Arc::new(FileCounter::open(folder)?);
    let pin = Secret::from(Softhsm::PIN.to_owned());
    let keys = Arc::new(Token::open(folder, Softhsm::MODULE, Softhsm::LABEL, pin, &Seal::none())?);
    Ok(SoterDevice { keys, counter, prompt, wrong_tries: WrongTries::open(folder)? })
}

async fn bench() -> Bench {
    let (folder, finger) = (tempfile::tempdir().unwrap(), Arc::new(MemoryFinger::default()));
    let device = device(&folder.path().join("soter"), finger.clone()).unwrap();
    Bench::over(folder, device, finger).await
}

mod token {
    use super::{
        Arc, FileCounter, MemoryFinger, RECORD, Seal, Secret, Softhsm, StoreError, Token, bench, device, fs, io, shared, suite,
    };

    pub(super) async fn everything() {
        the_suite_passes().await;
        openssl_finds_its_signatures_good().await;
        the_result_says_that_a_token_made_it().await;
        a_key_is_found_again_and_not_in_another_folder();
        a_wrong_pin_a_wrong_label_and_a_lost_key_are_told();
        a_token_that_is_taken_out_is_90007_and_found_again().await;
    }

    async fn the_suite_passes() {
        let first = tempfile::tempdir().unwrap();
        device(first.path(), Arc::new(MemoryFinger::default())).unwrap();
        let kept = first.path().to_owned();
        suite::passes(move |folder, prompt| {
            let _begun = FileCounter::open(folder).map_err(io::Error::other)?;
            for name in [RECORD, "records"] {
                fs::copy(kept.join(name), folder.join(name))?; // to make keys takes longer than all the rest of a case
            }
            device(folder, prompt).map_err(io::Error::other)
        })
        .await;
    }

    async fn openssl_finds_its_signatures_good() {
        let bench = bench().await;
        let (client, openid) = bench.developer().await;
        for n in 0..20 {
            let answer = bench.confirm(&format!("order {n} \"订单\"")).await.unwrap();
            for salt in [20, 32, 0] {
                let public_key = bench.device.keys.public_key();
                assert_eq!(shared::openssl(bench.folder.path(), public_key, &answer, salt), salt == 20, "a salt of {salt}");
            }
            assert!(shared::is_accepted(&client, &openid, &answer).await);
        }
    }

    async fn the_result_says_that_a_token_made_it() {
        let bench = bench().await;
        let answer = bench.confirm("order 42").await.unwrap();
        assert!(answer.result_json.contains(r#""tee_n":"PKCS#11 SoftHSM v2","tee_v":"#), "{}", answer.result_json);
        let said = format!("{:?} {:?}", bench.device, bench.desktop);
        assert!(said.contains("Token") && !said.contains(Softhsm::PIN), "{said}");
    }

    fn a_key_is_found_again_and_not_in_another_folder() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let finger = Arc::new(MemoryFinger::default());
        let public_key =
            |folder: &tempfile::TempDir| device(folder.path(), finger.clone()).unwrap().keys.public_key().to_owned();
        assert_eq!(public_key(&one), public_key(&one));
        assert_ne!(public_key(&one), public_key(&other));
    }

    fn a_wrong_pin_a_wrong_label_and_a_lost_key_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let open = |label: &str, module: &str| {
            Token::open(&folder, module, label, Secret::from(Softhsm::PIN.to_owned()), &Seal::none()).unwrap_err().to_string()
        };
        assert_eq!(open("another", Softhsm::MODULE), "the token cannot be used: it is not there");
        assert!(open(Softhsm::LABEL, "/nowhere/module.so").starts_with("the token cannot be used: "));
        fs::write(folder.path().join(RECORD), "0".repeat(32)).unwrap();
        fs::set_permissions(folder.path().join(RECORD), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        assert_eq!(open(Softhsm::LABEL, Softhsm::MODULE), "the token cannot be used: the key is not in it");
        fs::write(folder.path().join(RECORD), "no number").unwrap();
        assert!(open(Softhsm::LABEL, Softhsm::MODULE).ends_with("key.pkcs11 is damaged: it names no key of a token"));
        // Nobody is logged in any more, so the PIN counts.
        let fresh = tempfile::tempdir().unwrap();
        let wrong = Token::open(&fresh, Softhsm::MODULE, Softhsm::LABEL, Secret::from("wrong-pin".to_owned()), &Seal::none());
        let Err(StoreError::Hardware { source, .. }) = wrong else { panic!("{wrong:?}") };
        assert!(!source.to_string().contains("wrong-pin"), "{source}");
    }

    async fn a_token_that_is_taken_out_is_90007_and_found_again() {
        let bench = bench().await;
        bench.confirm("1").await.unwrap();
        Softhsm::put_in(false).unwrap();
        let error = bench.confirm("2").await.unwrap_err();
        assert_eq!(error.code(), Some(90007));
        Softhsm::put_in(true).unwrap();
        bench.confirm("3").await.unwrap();
    }
}
