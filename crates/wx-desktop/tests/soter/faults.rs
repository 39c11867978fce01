//! Parts that fail, and calls that are given up: nothing is signed that must not be, and the next call works.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

use tokio::sync::Notify;
use wx_api::soter::{SoterResult, StartSoterAuthenticationResult};
use wx_crypto::attestation::Attestation;
use wx_desktop::soter::{MonotonicCounter, Records, Signed, SoterDevice, SoterKeyStore, Statement, StoreError, WrongTries};

use crate::bench::Bench;

/// A part that fails while it is told to.
#[derive(Debug)]
struct Faulty<T: ?Sized> {
    fails: Arc<AtomicBool>,
    part: Arc<T>,
}

impl<T: ?Sized> Faulty<T> {
    fn check(&self) -> Result<(), StoreError> {
        let problem = "the part has gone";
        if self.fails.load(Ordering::Relaxed) { Err(StoreError::Damaged { path: "part".into(), problem }) } else { Ok(()) }
    }
}

impl MonotonicCounter for Faulty<dyn MonotonicCounter> {
    fn next(&self) -> Result<u64, StoreError> {
        self.check()?;
        self.part.next()
    }
}

impl SoterKeyStore for Faulty<dyn SoterKeyStore> {
    fn name(&self) -> &str {
        self.part.name()
    }
    fn version(&self) -> &str {
        self.part.version()
    }
    fn public_key(&self) -> &str {
        self.part.public_key()
    }
    fn records(&self) -> &Records {
        self.part.records()
    }
    fn attest(&self, nonce: &[u8]) -> Result<Option<Attestation>, StoreError> {
        self.part.attest(nonce)
    }
    fn sign(&self, statement: Statement) -> Result<Signed, StoreError> {
        self.check()?;
        self.part.sign(statement)
    }
}

fn count(answer: &StartSoterAuthenticationResult) -> u64 {
    serde_json::from_str::<SoterResult>(&answer.result_json).unwrap().counter
}

#[tokio::test]
async fn without_a_number_nothing_is_signed() {
    let fails = Arc::<AtomicBool>::default();
    let faulty = fails.clone();
    let bench =
        Bench::with(|device| SoterDevice { counter: Arc::new(Faulty { fails: faulty, part: device.counter }), ..device });
    let bench = bench.await;
    let before = count(&bench.confirm("1").await.unwrap());
    fails.store(true, Ordering::Relaxed);
    let error = bench.confirm("2").await.unwrap_err();
    assert_eq!(error.to_string(), "startSoterAuthentication:fail internal error", "a script need not know why");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "part is damaged: the part has gone");
    fails.store(false, Ordering::Relaxed);
    assert_eq!(count(&bench.confirm("3").await.unwrap()), before + 1);
}

#[tokio::test]
async fn a_number_whose_signature_failed_does_not_come_back() {
    let fails = Arc::<AtomicBool>::default();
    let faulty = fails.clone();
    let bench =
        Bench::with(|device| SoterDevice { keys: Arc::new(Faulty { fails: faulty, part: device.keys }), ..device }).await;
    let before = count(&bench.confirm("1").await.unwrap());
    fails.store(true, Ordering::Relaxed);
    assert_eq!(bench.confirm("2").await.unwrap_err().code(), Some(90007));
    fails.store(false, Ordering::Relaxed);
    assert_eq!(count(&bench.confirm("3").await.unwrap()), before + 2);
}

#[tokio::test]
async fn a_platform_that_is_not_there_costs_nobody_a_finger() {
    let bench = Bench::new().await;
    let soter = bench.soter.clone();
    bench.confirm("1").await.unwrap();
    bench.desktop.shutdown().await.unwrap();
    let answer = soter.start_soter_authentication(&crate::bench::cx(), crate::bench::request("2")).await;
    let error = answer.unwrap_err();
    assert_eq!(error.code(), Some(90007));
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("cannot be reached"), "{source}");
    assert_eq!(bench.finger.dialogs().len(), 1);
}

/// A key that signs when it is let.
struct Slow {
    asked: Notify,
    go: Mutex<mpsc::Receiver<()>>,
    part: Arc<dyn SoterKeyStore>,
}

impl fmt::Debug for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slow")
    }
}

impl SoterKeyStore for Slow {
    fn name(&self) -> &str {
        self.part.name()
    }
    fn version(&self) -> &str {
        self.part.version()
    }
    fn public_key(&self) -> &str {
        self.part.public_key()
    }
    fn records(&self) -> &Records {
        self.part.records()
    }
    fn attest(&self, nonce: &[u8]) -> Result<Option<Attestation>, StoreError> {
        self.part.attest(nonce)
    }
    fn sign(&self, statement: Statement) -> Result<Signed, StoreError> {
        self.asked.notify_one();
        let _ = self.go.lock().unwrap().recv(); // at the latest when the test has gone
        self.part.sign(statement)
    }
}

#[test]
fn a_call_given_up_while_it_signs_keeps_its_turn_until_it_has_signed() {
    // With one thread for what blocks, whoever comes next there comes after the signature.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().max_blocking_threads(1).build().unwrap().block_on(give_up_while_it_signs());
}

async fn give_up_while_it_signs() {
    let (go, wait) = mpsc::channel();
    let mut slow = None;
    let bench = Bench::with(|device| {
        let part = Arc::new(Slow { asked: Notify::new(), go: Mutex::new(wait), part: device.keys });
        slow = Some(part.clone());
        // The one thread is the key's: to ask a file how often fingers were wrong takes another.
        SoterDevice { keys: part, wrong_tries: WrongTries::in_memory(), ..device }
    });
    let bench = bench.await;
    let slow = slow.unwrap();

    tokio::select! {
        answer = bench.confirm("1") => panic!("nobody let it sign: {answer:?}"),
        () = slow.asked.notified() => {} // and the call is dropped
    }
    bench.finger.lift();
    assert_eq!(bench.start("2").await.unwrap_err().code(), Some(90007), "the key is still at work");
    assert_eq!(bench.finger.dialogs().len(), 1, "and no second dialog shows");

    go.send(()).unwrap();
    tokio::task::spawn_blocking(|| ()).await.unwrap();
    go.send(()).unwrap();
    let answer = bench.confirm("3").await.unwrap();
    assert_eq!(count(&answer), 2);
}
