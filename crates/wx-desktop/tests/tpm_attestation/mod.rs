//! What a real TPM attests, as the platform server judges it: as it is, and tampered with in every way.
//!
//! A TPM's own key signs no attestation but its own, so that most of what can be wrong would end at the signature. What lies behind that is
//! reached by a device that was made up: its key is in a file, and signs what a TPM said after it was altered. Where no device is pinned, the
//! server cannot tell the two apart; the last test says so.

use std::{future::pending, net::Ipv4Addr, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use wx_api::{Touch, soter::Soter};
use wx_crypto::{
    SaltLen, Secret, SoterSigner,
    attestation::{Attestation, Certified},
    pss,
    record::{self, KeyRecord},
};
use wx_desktop::{
    Desktop, PlatformAt,
    soter::{MemoryFinger, MonotonicCounter as _, Records, Seal, SoterDevice, SoterKeyStore as _, Tpm, WrongTries},
};
use wx_platform::{
    platform::{Platform, Rules, SoterDevices, UnknownApps},
    server::Server,
    store::MemoryStore,
    wire::host::{SoterAttestation, SoterCertified, SoterEnrolled, SoterEnrolment, SoterKey},
};
use wx_rig::Swtpm;

use super::shared::{Time, cx, request};

const APP: &str = "wx4f4bc4dec97d474b";

/// A platform server, and a clock for it.
struct Judge {
    platform: Arc<Platform>,
    clock: Arc<Time>,
}

impl Judge {
    async fn under(rules: Rules) -> Self {
        let (clock, rules) = (Arc::<Time>::default(), Rules { unknown_apps: UnknownApps::Create, ..rules });
        let platform = Platform::open(Arc::new(MemoryStore::default()), clock.clone(), rules).await.unwrap();
        Self { platform: Arc::new(platform), clock }
    }

    async fn new() -> Self {
        Self::under(Rules::default()).await
    }

    /// Something to be attested for this user.
    async fn nonce(&self, user: &str) -> Vec<u8> {
        let key = SoterKey { app: APP.into(), user: user.into(), public_key: pss::public_pem(&[0xc5; 256]).unwrap() };
        STANDARD.decode(self.platform.soter_key(&key).await.unwrap().nonce.unwrap()).unwrap()
    }

    /// What becomes of this key with the counter of another.
    async fn mixed(&self, key: &Tpm, counter_of: &Tpm) -> Result<bool, String> {
        let nonce = self.nonce("li").await;
        let counter = attest(counter_of, &nonce).counter;
        self.judge(key.records(), &nonce, Some(&Attestation { counter, ..attest(key, &nonce) })).await
    }

    /// Enrols this key for the user `li`; else why not.
    async fn judge(&self, records: &Records, nonce: &[u8], attestation: Option<&Attestation>) -> Result<bool, String> {
        let text = |bytes: &Vec<u8>| STANDARD.encode(bytes);
        let certified = |Certified { public, attest, signature }: &Certified| {
            let [public, attest, signature] = [public, attest, signature].map(text);
            SoterCertified { public, attest, signature }
        };
        let attestation = attestation.map(|Attestation { key, counter }| {
            let (nonce, key, counter) = (STANDARD.encode(nonce), certified(key), certified(counter));
            SoterAttestation { nonce, key, counter }
        });
        let [attk, ask, auth_key] = [&records.attk, &records.ask, &records.auth_key].map(text);
        let enrolment = SoterEnrolment { app: APP.into(), user: "li".into(), attk, ask, auth_key, attestation };
        match self.platform.enrol_soter_key(&enrolment).await {
            Ok(SoterEnrolled { attested }) => Ok(attested),
            Err(refused) => Err(refused.to_string()),
        }
    }
}

/// A key in this TPM, in a folder of this name. It is not loaded: without a resource manager a TPM has room for the keys of one folder.
fn key(tpm: &Swtpm, name: &str) -> Tpm {
    let key = Tpm::open(tpm.folder().join(name), &tpm.tcti()).unwrap();
    let _ended = attest(&key, b"");
    key
}

/// A key whose counter has come some way, and whose record says so.
fn well_counted(tpm: &Swtpm) -> Tpm {
    let new = key(tpm, "keys");
    for _ in 0..5 {
        new.next().unwrap();
    }
    drop(new);
    std::fs::remove_file(tpm.folder().join("keys/records")).unwrap(); // they are made anew
    key(tpm, "keys")
}

fn attest(key: &Tpm, nonce: &[u8]) -> Attestation {
    key.attest(nonce).unwrap().unwrap()
}

/// A device that was made up.
struct Forger {
    attk: SoterSigner,
    ask: SoterSigner,
}

impl Forger {
    fn new() -> Self {
        let signer = || SoterSigner::generate().unwrap();
        Self { attk: signer(), ask: signer() }
    }

    /// Vouches for this key.
    fn records(&self, public_key: &str) -> Records {
        let (cpu_id, uid, counter) = ("a TPM".to_owned(), "1".to_owned(), 0);
        let record = |public_key: &str, by: &SoterSigner, salt| {
            let (public_key, cpu_id, uid) = (public_key.to_owned(), cpu_id.clone(), uid.clone());
            let json = KeyRecord { public_key, cpu_id, counter, uid, salt }.to_json();
            record::seal(&json, &pss::sign(by, json.as_bytes(), salt).unwrap()).unwrap()
        };
        let attk = record(self.attk.public_pem(), &self.attk, SaltLen::Bytes32);
        let ask = record(self.ask.public_pem(), &self.attk, SaltLen::Bytes32);
        let auth_key = record(public_key, &self.ask, SaltLen::Bytes20);
        Records { attk, ask, auth_key, cpu_id: cpu_id.clone() }
    }

    /// What a TPM said, after it was altered.
    fn signs(&self, certified: &Certified, alter: impl FnOnce(&mut Certified)) -> Certified {
        let mut altered = certified.clone();
        alter(&mut altered);
        altered.signature = pss::sign(&self.attk, &altered.attest, SaltLen::Bytes32).unwrap();
        altered
    }

    fn signs_all(&self, genuine: &Attestation) -> Attestation {
        let Attestation { key, counter } = genuine;
        Attestation { key: self.signs(key, |_| ()), counter: self.signs(counter, |_| ()) }
    }
}

/// Alters what is attested, so that its name still fits.
fn rename(certified: &mut Certified, alter: impl FnOnce(&mut Vec<u8>)) {
    let was = Sha256::digest(&certified.public);
    alter(&mut certified.public);
    let at = certified.attest.windows(was.len()).position(|window| window == &was[..]).expect("the name is in it");
    certified.attest[at..at + was.len()].copy_from_slice(&Sha256::digest(&certified.public));
}

pub(super) async fn a_key_in_a_tpm_is_attested_and_enrolled() {
    let tpm = Swtpm::start().unwrap();
    let key = key(&tpm, "keys");
    let pinned = SoterDevices::Pinned([key.records().device().unwrap()].into());
    let judge = Judge::under(Rules { soter_devices: pinned, attested_soter_keys_only: true, ..Rules::default() }).await;
    let nonce = judge.nonce("li").await;
    assert_eq!(judge.judge(key.records(), &nonce, Some(&attest(&key, &nonce))).await, Ok(true));
    assert!(key.next().unwrap() > 1, "and the key is found again");
}

pub(super) async fn a_desktop_does_so_by_itself() {
    let tpm = Swtpm::start().unwrap();
    let key = Arc::new(key(&tpm, "keys"));
    let pinned = SoterDevices::Pinned([key.records().device().unwrap()].into());
    let judge = Judge::under(Rules { soter_devices: pinned, attested_soter_keys_only: true, ..Rules::default() }).await;
    let host_key = judge.platform.add_host_key("test", false).await.unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(Server::new(judge.platform.clone()).serve(listener, pending()));
    let soter = async |device| {
        let host_key = Secret::from(host_key.expose().to_owned());
        let at = PlatformAt::Url { url: url.clone(), host_key };
        let desktop = Desktop::builder(judge.clock.clone()).platform(at).soter(device).start().await.unwrap();
        desktop.host().soter.unwrap()
    };
    let confirm = async |soter: Arc<dyn Soter>, finger: &MemoryFinger| {
        finger.touch(Touch::Match { finger: "7".to_owned() });
        let answer = soter.start_soter_authentication(&cx(), request("order 42")).await;
        finger.lift();
        answer
    };
    let finger = Arc::new(MemoryFinger::default());
    let device = SoterDevice { keys: key.clone(), counter: key, prompt: finger.clone(), wrong_tries: WrongTries::in_memory() };
    let soter_of_tpm = soter(device).await;
    for _ in 0..2 {
        confirm(soter_of_tpm.clone(), &finger).await.unwrap();
    }

    let folder = tempfile::tempdir().unwrap();
    let in_file = soter(SoterDevice::software(&folder, finger.clone(), &Seal::none()).unwrap()).await;
    let error = confirm(in_file, &finger).await.unwrap_err();
    assert_eq!(error.code(), Some(90007));
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert!(why.contains("none of those that this server was told of"), "{why}");
}

pub(super) async fn a_nonce_is_good_once_for_its_user_and_for_five_minutes() {
    let (tpm, judge) = (Swtpm::start().unwrap(), Judge::new().await);
    let key = key(&tpm, "keys");
    let used = "48001 api unauthorized: the attestation's nonce was not given out for this user, was used before";
    let nonce = judge.nonce("li").await;
    let attestation = attest(&key, &nonce);
    assert_eq!(judge.judge(key.records(), &nonce, Some(&attestation)).await, Ok(true));
    let mut refused = vec![judge.judge(key.records(), &nonce, Some(&attestation)).await];
    let anothers = judge.nonce("wang").await;
    refused.push(judge.judge(key.records(), &anothers, Some(&attest(&key, &anothers))).await);
    refused.push(judge.judge(key.records(), &[7; 32], Some(&attest(&key, &[7; 32]))).await);
    let late = judge.nonce("li").await;
    judge.clock.pass(Duration::from_secs(300));
    refused.push(judge.judge(key.records(), &late, Some(&attest(&key, &late))).await);
    for refused in refused {
        assert!(refused.as_ref().is_err_and(|why| why.starts_with(used)), "{refused:?}");
    }
}

/// Where the first piece of the attestation's own begins: after magic, kind, the signer's name, the nonce, clock and firmware.
const NAME: usize = 4 + 2 + (2 + 34) + (2 + 32) + 25;

pub(super) async fn what_was_tampered_with_is_refused_with_a_reason_of_its_own() {
    let (tpm, judge, forger) = (Swtpm::start().unwrap(), Judge::new().await, Forger::new());
    let other = key(&tpm, "other");
    let key = well_counted(&tpm);
    let forged = forger.records(key.public_key());
    let by_tpm = async |alter: fn(&mut Attestation)| {
        let nonce = judge.nonce("li").await;
        let mut attestation = attest(&key, &nonce);
        alter(&mut attestation);
        judge.judge(key.records(), &nonce, Some(&attestation)).await.unwrap_err()
    };
    let by_forger = async |alter: &dyn Fn(&mut Attestation)| {
        let nonce = judge.nonce("li").await;
        let mut attestation = attest(&key, &nonce);
        alter(&mut attestation);
        let attestation = forger.signs_all(&attestation);
        judge.judge(&forged, &nonce, Some(&attestation)).await.unwrap_err()
    };

    // The TPM's own key signs neither what was altered nor for another.
    let signature = "it was altered, or is another TPM's";
    assert_why(&by_tpm(|all| all.key.attest[NAME] ^= 1).await, "key", signature);
    assert_why(&by_tpm(|all| all.key.signature[255] ^= 1).await, "key", signature);
    assert_why(&by_tpm(|all| all.counter.attest[NAME] ^= 1).await, "counter", signature);
    assert_why(&by_tpm(|all| all.key.public[7] ^= 1).await, "key", "the names differ");
    assert_why(&by_tpm(|all| all.counter.public[7] ^= 1).await, "counter", "the names differ");
    assert_why(
        &by_tpm(|all| std::mem::swap(&mut all.key, &mut all.counter)).await,
        "key",
        "the two attestations were exchanged",
    );
    assert_why(&by_tpm(|all| all.counter = all.key.clone()).await, "counter", "the two attestations were exchanged");
    assert_why(&by_tpm(|all| all.key.public.resize(2049, 0)).await, "key", "a structure of 2049 bytes");
    let nonces = [judge.nonce("li").await, judge.nonce("li").await];
    let old = attest(&key, &nonces[0]);
    let why = judge.judge(key.records(), &nonces[1], Some(&old)).await.unwrap_err();
    assert_why(&why, "key", "it was made for another nonce");
    let nonce = judge.nonce("li").await;
    let mixed = Attestation { counter: old.counter, ..attest(&key, &nonce) };
    assert_why(
        &judge.judge(key.records(), &nonce, Some(&mixed)).await.unwrap_err(),
        "counter",
        "it was made for another nonce",
    );

    // Another key and another counter of the same TPM, whose own key signs for them too.
    let nonce = judge.nonce("li").await;
    let others = attest(&other, &nonce);
    let why = judge.judge(key.records(), &nonce, Some(&others)).await.unwrap_err();
    assert_why(&why, "key", "another key than the one that is to be enrolled");
    let nonce = judge.nonce("li").await;
    let mixed = Attestation { counter: attest(&other, &nonce).counter, ..attest(&key, &nonce) };
    let why = judge.judge(key.records(), &nonce, Some(&mixed)).await.unwrap_err();
    assert_why(&why, "counter", "it stands below a number");

    // And what no TPM says at all.
    let no_tpm = "it is no statement of a TPM's about itself";
    assert_why(&by_forger(&|all| all.key.attest[0] = 0).await, "key", no_tpm);
    assert_why(&by_forger(&|all| all.counter.attest[0] = 0).await, "counter", no_tpm);
    assert_why(&by_forger(&|all| all.key.attest.truncate(100)).await, "key", "it is cut");
    assert_why(&by_forger(&|all| all.counter.attest.push(0)).await, "counter", "goes on after its end");
    let fixed = "the key is not fixed to its TPM, or was not made in it";
    for bit in [1, 4, 5] {
        let loose = |all: &mut Attestation| rename(&mut all.key, |public| public[7] ^= 1 << bit);
        assert_why(&by_forger(&loose).await, "key", fixed);
    }
    let another_form = |all: &mut Attestation| rename(&mut all.key, |public| public[1] = 0x23);
    assert_why(&by_forger(&another_form).await, "key", "no key of RSA");
    let another_form = |all: &mut Attestation| rename(&mut all.counter, |public| public.truncate(10));
    assert_why(&by_forger(&another_form).await, "counter", "no index of a TPM");
    let ordinary = |all: &mut Attestation| rename(&mut all.counter, |public| public[9] &= !0xf0);
    assert_why(&by_forger(&ordinary).await, "counter", "the index is no counter");
    let never_counted = |all: &mut Attestation| rename(&mut all.counter, |public| public[6] &= !(1 << 5));
    assert_why(&by_forger(&never_counted).await, "counter", "the index is no counter");

    let nonce = judge.nonce("li").await;
    assert_eq!(judge.judge(key.records(), &nonce, Some(&attest(&key, &nonce))).await, Ok(true), "as it is, it is fine");
}

fn assert_why(why: &str, of: &str, reason: &str) {
    let begin = format!("48001 api unauthorized: the attestation of the {of}: ");
    assert!(why.starts_with(&begin) && why.contains(reason), "expected {reason:?} of the {of}: {why}");
}

pub(super) async fn a_counter_below_what_the_server_has_seen_is_refused() {
    let (tpm, judge) = (Swtpm::start().unwrap(), Judge::new().await);
    let one = key(&tpm, "keys");
    let other = key(&tpm, "other");
    for _ in 0..5 {
        one.next().unwrap();
    }
    assert_eq!(judge.mixed(&one, &one).await, Ok(true));
    assert_why(&judge.mixed(&one, &other).await.unwrap_err(), "counter", "it stands below a number");
    let fresh = Judge::new().await;
    assert_eq!(fresh.mixed(&one, &other).await, Ok(true), "it is above the key's record, and that server has seen nothing");
}

pub(super) async fn whoever_makes_up_a_device_is_believed_where_none_is_pinned() {
    let (tpm, forger) = (Swtpm::start().unwrap(), Forger::new());
    let key = key(&tpm, "keys");
    let pinned = SoterDevices::Pinned([key.records().device().unwrap()].into());
    for (devices, is_believed) in [(SoterDevices::OfHosts, true), (pinned, false)] {
        let judge = Judge::under(Rules { soter_devices: devices, attested_soter_keys_only: true, ..Rules::default() }).await;
        let nonce = judge.nonce("li").await;
        let attestation = forger.signs_all(&attest(&key, &nonce));
        let judged = judge.judge(&forger.records(key.public_key()), &nonce, Some(&attestation)).await;
        assert_eq!(judged.is_ok(), is_believed, "{judged:?}");
        let unattested = judge.judge(key.records(), &nonce, None).await.unwrap_err();
        assert!(unattested.ends_with("no TPM attests the key, and this server enrols no other"), "{unattested}");
    }
}
