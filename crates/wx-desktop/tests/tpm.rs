//! SOTER with its key and its counter in a TPM, which is a real one in software.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed
#![allow(dead_code)] // of what tests share, no one uses all

#[path = "tpm_attestation/mod.rs"]
mod attestation;
mod finger;
#[path = "soter/bench.rs"]
mod shared;
#[path = "finger/suite.rs"]
mod suite;

use std::{fs, io, path::Path, process::ExitCode, sync::Arc};

use shared::Bench;
use wx_api::soter::SoterResult;
use wx_desktop::soter::{MemoryFinger, SoterDevice, StoreError, Tpm, WrongTries};
use wx_rig::{FINGERPRINTS, Swtpm, TPM};

fn main() -> ExitCode {
    wx_rig::main(
        &[&TPM, &FINGERPRINTS],
        wx_rig::tests! {
            tpm {
                the_suite_passes,
                openssl_finds_its_signatures_good,
                the_result_says_that_a_tpm_made_it,
                an_older_copy_of_the_folder_brings_no_number_back,
                a_folder_without_its_tpm_is_useless,
                a_tpm_that_is_switched_off_is_90007_and_found_again,
                a_tpm_that_was_reset_between_calls_is_not_noticed,
                a_tpm_that_is_locked_out_is_90007_until_it_is_not,
                nothing_it_says_holds_its_password,
            }
            attestation {
                a_key_in_a_tpm_is_attested_and_enrolled,
                a_desktop_does_so_by_itself,
                a_nonce_is_good_once_for_its_user_and_for_five_minutes,
                what_was_tampered_with_is_refused_with_a_reason_of_its_own,
                a_counter_below_what_the_server_has_seen_is_refused,
                whoever_makes_up_a_device_is_believed_where_none_is_pinned,
            }
        },
    )
}

/// The record of a key, as it is kept, and those of who vouches for it.
const RECORD: &str = "key.tpm";
const RECORDS: &str = "records";

fn device(folder: &Path, tpm: &Swtpm) -> Result<(SoterDevice, Arc<MemoryFinger>), StoreError> {
    let (tpm, finger) = (Arc::new(Tpm::open(folder, &tpm.tcti())?), Arc::new(MemoryFinger::default()));
    let wrong_tries = WrongTries::open(folder)?;
    Ok((SoterDevice { keys: tpm.clone(), counter: tpm, prompt: finger.clone(), wrong_tries }, finger))
}

async fn bench(tpm: &Swtpm) -> Bench {
    let (folder, (device, finger)) = (tempfile::tempdir().unwrap(), device(&tpm.folder().join("keys"), tpm).unwrap());
    Bench::over(folder, device, finger).await
}

async fn count(bench: &Bench) -> u64 {
    let answer = bench.confirm("order 42").await.unwrap();
    serde_json::from_str::<SoterResult>(&answer.result_json).unwrap().counter
}

/// What a script does not see of why a call failed.
async fn failure(bench: &Bench) -> String {
    let error = bench.confirm("order 42").await.unwrap_err();
    assert_eq!(error.code(), Some(90007));
    std::error::Error::source(&error).unwrap().to_string()
}

mod tpm {
    use super::{
        Arc, Bench, RECORD, RECORDS, SoterDevice, Swtpm, Tpm, WrongTries, bench, count, device, failure, fs, io, shared, suite,
    };

    pub(super) async fn the_suite_passes() {
        // One key for all benches: to make one takes longer than all the rest of a case.
        let (tpm, first) = (Swtpm::start().unwrap(), tempfile::tempdir().unwrap());
        drop(Tpm::open(&first, &tpm.tcti()).unwrap());
        let (tcti, first) = (tpm.tcti(), first.path().to_owned());
        suite::passes(move |folder, prompt| {
            for name in [RECORD, RECORDS] {
                fs::copy(first.join(name), folder.join(name))?;
            }
            let tpm = Arc::new(Tpm::open(folder, &tcti).map_err(io::Error::other)?);
            let wrong_tries = WrongTries::open(folder).map_err(io::Error::other)?;
            Ok(SoterDevice { keys: tpm.clone(), counter: tpm, prompt, wrong_tries })
        })
        .await;
    }

    pub(super) async fn openssl_finds_its_signatures_good() {
        let tpm = Swtpm::start().unwrap();
        let bench = bench(&tpm).await;
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

    pub(super) async fn the_result_says_that_a_tpm_made_it() {
        let tpm = Swtpm::start().unwrap();
        let bench = bench(&tpm).await;
        let answer = bench.confirm("order 42").await.unwrap();
        assert!(answer.result_json.contains(r#""tee_n":"TPM 2.0 IBM","tee_v":"#), "{}", answer.result_json);
    }

    pub(super) async fn an_older_copy_of_the_folder_brings_no_number_back() {
        let tpm = Swtpm::start().unwrap();
        let keys = tpm.folder().join("keys");
        let first = bench(&tpm).await;
        let before = count(&first).await;
        let copy = fs::read(keys.join(RECORD)).unwrap();
        let after = count(&first).await;
        drop(first);
        fs::write(keys.join(RECORD), copy).unwrap();
        let again = bench(&tpm).await;
        assert!(before < after && after < count(&again).await);
    }

    pub(super) async fn a_folder_without_its_tpm_is_useless() {
        let (tpm, other) = (Swtpm::start().unwrap(), Swtpm::start().unwrap());
        let folder = tempfile::tempdir().unwrap();
        drop(Tpm::open(&folder, &tpm.tcti()).unwrap());
        let error = Tpm::open(&folder, &other.tcti()).unwrap_err().to_string();
        assert!(error.starts_with("the TPM cannot be used: "), "{error}");
        assert!(Tpm::open(&folder, &tpm.tcti()).is_ok());
    }

    pub(super) async fn a_tpm_that_is_switched_off_is_90007_and_found_again() {
        let tpm = Swtpm::start().unwrap();
        let bench = bench(&tpm).await;
        let before = count(&bench).await;
        tpm.switch_off();
        for _ in 0..2 {
            let why = failure(&bench).await;
            assert!(why.starts_with("the TPM cannot be used: "), "{why}");
        }
        tpm.switch_on().unwrap();
        assert!(count(&bench).await > before);
    }

    pub(super) async fn a_tpm_that_was_reset_between_calls_is_not_noticed() {
        let tpm = Swtpm::start().unwrap();
        let bench = bench(&tpm).await;
        let before = count(&bench).await;
        tpm.switch_off();
        tpm.switch_on().unwrap();
        assert!(count(&bench).await > before);
    }

    pub(super) async fn a_tpm_that_is_locked_out_is_90007_until_it_is_not() {
        let tpm = Swtpm::start().unwrap();
        let keys = tpm.folder().join("keys");
        drop(device(&keys, &tpm).unwrap());
        // Somebody tries passwords: a record with another one.
        let record = fs::read_to_string(keys.join(RECORD)).unwrap();
        let (before, auth) = record.split_once(r#""auth":""#).unwrap();
        let wrong = format!(r#"{before}"auth":"AAAA{}"#, &auth[4..]);
        fs::write(keys.join(RECORD), wrong).unwrap();
        let guessing = bench(&tpm).await;
        let mut why = String::new();
        for _ in 0..40 {
            why = failure(&guessing).await;
            if why.contains("DA lockout") || why.contains("lockout") {
                break;
            }
        }
        assert!(why.contains("lockout"), "{why}");
        drop(guessing);

        fs::write(keys.join(RECORD), record).unwrap();
        let bench: Bench = bench(&tpm).await;
        let why = failure(&bench).await;
        assert!(why.contains("lockout"), "{why}");
        tpm.end_lockout().unwrap();
        count(&bench).await;
    }

    pub(super) async fn nothing_it_says_holds_its_password() {
        let tpm = Swtpm::start().unwrap();
        let keys = tpm.folder().join("keys");
        let bench = bench(&tpm).await;
        let record: serde_json::Value = serde_json::from_str(&fs::read_to_string(keys.join(RECORD)).unwrap()).unwrap();
        tpm.switch_off();
        let said = format!("{:?} {:?} {}", bench.device, bench.desktop, failure(&bench).await);
        assert!(said.contains("Tpm"), "{said}");
        for secret in ["auth", "private"] {
            assert!(!said.contains(record[secret].as_str().unwrap()), "{said}");
        }
    }
}
