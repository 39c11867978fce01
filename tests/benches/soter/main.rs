//! What SOTER's keys cost beyond the bare signature: `cargo xtask bench soter`.
//!
//! Every round is a whole authentication, for what is signed comes out of a dialog only. In it, the key at work is timed, and the bare
//! library beside it on the same text: aws-lc-rs for a key in a file; for one in a TPM, counting and `TPM2_RSA_Decrypt` in another TPM of
//! the same kind. Out of bounds fails the command.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{RSA_PSS_SHA256, RsaPssSaltLength, RsaSignatureEncoding},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use wx_api::{
    Cx, Touch,
    soter::{AuthMode, Soter, StartSoterAuthenticationRequest},
};
use wx_crypto::attestation::Attestation;
use wx_desktop::{
    Desktop,
    soter::{
        MemoryFinger, MonotonicCounter, Records, Seal, Signed, SoterDevice, SoterKeyStore, Statement, StoreError, Tpm,
        WrongTries,
    },
};
use wx_host::TokioClock;
use wx_rig::{Swtpm, TPM};
use wx_tests::bench::{Bound, Figure, report, undisturbed};

mod bare_tpm;

const ROUNDS: usize = 301;
const BOUND: f64 = 1.15;

static SALT_20: RsaSignatureEncoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(20));

fn main() -> ExitCode {
    if let Some(missing) = TPM.missing() {
        let _ = writeln!(io::stderr(), "the TPM is {missing}");
        return ExitCode::from(u8::from(TPM.is_required()));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { report([software().await, tpm().await]) })
}

/// Nanoseconds of each round: ours and the bare one's.
type Rounds = Arc<Mutex<(Vec<f64>, Vec<f64>)>>;

/// Does with the bare library what the key did with this text.
type Bare = Box<dyn FnMut(&str) + Send>;

/// A device whose key is timed at work, and the bare one after it.
struct Timed {
    device: SoterDevice,
    bare: Mutex<Bare>,
    /// Whether counting is part of the figure.
    counts: bool,
    counted: Mutex<Duration>,
    rounds: Rounds,
}

impl std::fmt::Debug for Timed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Timed")
    }
}

impl MonotonicCounter for Timed {
    fn next(&self) -> Result<u64, StoreError> {
        let begun = Instant::now();
        let next = self.device.counter.next();
        *self.counted.lock().expect("nobody panicked") = if self.counts { begun.elapsed() } else { Duration::ZERO };
        next
    }
}

impl SoterKeyStore for Timed {
    fn name(&self) -> &str {
        self.device.keys.name()
    }

    fn version(&self) -> &str {
        self.device.keys.version()
    }

    fn public_key(&self) -> &str {
        self.device.keys.public_key()
    }

    fn records(&self) -> &Records {
        self.device.keys.records()
    }

    fn attest(&self, nonce: &[u8]) -> Result<Option<Attestation>, StoreError> {
        self.device.keys.attest(nonce)
    }

    fn sign(&self, statement: Statement) -> Result<Signed, StoreError> {
        let text = statement.text().to_owned();
        let begun = Instant::now();
        let signed = self.device.keys.sign(statement)?;
        let ours = begun.elapsed() + *self.counted.lock().expect("nobody panicked");
        let begun = Instant::now();
        (self.bare.lock().expect("nobody panicked"))(&text);
        let bare = begun.elapsed();
        let mut rounds = self.rounds.lock().expect("nobody panicked");
        rounds.0.push(ours.as_secs_f64() * 1e9);
        rounds.1.push(bare.as_secs_f64() * 1e9);
        Ok(signed)
    }
}

/// The figure of this device.
async fn figure(name: &str, device: SoterDevice, finger: Arc<MemoryFinger>, counts: bool, bare: Bare) -> Figure {
    let rounds = Rounds::default();
    let counted = Mutex::default();
    let timed = Arc::new(Timed { device, bare: Mutex::new(bare), counts, counted, rounds: rounds.clone() });
    let folder = tempfile::tempdir().expect("a folder");
    let wrong_tries = WrongTries::in_memory();
    let device = SoterDevice { keys: timed.clone(), counter: timed, prompt: finger.clone(), wrong_tries };
    let builder = Desktop::builder(Arc::new(TokioClock)).data_dir(folder.path()).soter(device);
    let soter: Arc<dyn Soter> = builder.start().await.expect("a desktop").host().soter.expect("it was given a device");
    for n in 0..ROUNDS {
        finger.touch(Touch::Match { finger: "1".to_owned() });
        let request = StartSoterAuthenticationRequest {
            request_auth_modes: vec![AuthMode::FingerPrint],
            challenge: format!("order {n}"),
            auth_content: None,
        };
        soter.start_soter_authentication(&Cx::new("wx4f4bc4dec97d474b"), request).await.expect("the finger matches");
    }
    let (mut ours, mut bare) = std::mem::take(&mut *rounds.lock().expect("nobody panicked"));
    let (ours, bare) = (undisturbed(&mut ours), undisturbed(&mut bare));
    Figure {
        name: name.to_owned(),
        measured: ours / bare,
        bound: Bound::AtMost(BOUND),
        unit: "x",
        detail: format!("{:.0} us, bare {:.0} us", ours / 1e3, bare / 1e3),
    }
}

async fn software() -> Figure {
    let (folder, finger) = (tempfile::tempdir().expect("a folder"), Arc::new(MemoryFinger::default()));
    let device = SoterDevice::software(&folder, finger.clone(), &Seal::none()).expect("a device");
    let key = read_key(&folder.path().join("key.pem"));
    let bare = move |text: &str| {
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&SALT_20, &SystemRandom::new(), text.as_bytes(), &mut signature).expect("the key signs");
    };
    figure("signing with a key in a file, to bare aws-lc-rs", device, finger, false, Box::new(bare)).await
}

fn read_key(path: &Path) -> KeyPair {
    let pem = fs::read_to_string(path).expect("the key was made");
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    KeyPair::from_pkcs8(&STANDARD.decode(text).expect("base64")).expect("a key")
}

async fn tpm() -> Figure {
    let (ours, theirs) = (Swtpm::start().expect("a TPM"), Swtpm::start().expect("a TPM"));
    let (folder, finger) = (tempfile::tempdir().expect("a folder"), Arc::new(MemoryFinger::default()));
    let tpm = Arc::new(Tpm::open(&folder, &ours.tcti()).expect("a key"));
    let wrong_tries = WrongTries::in_memory();
    let device = SoterDevice { keys: tpm.clone(), counter: tpm, prompt: finger.clone(), wrong_tries };
    let mut bare = bare_tpm::Bare::new(&theirs.tcti()).expect("a key");
    let bare = move |_: &str| bare.count_and_decrypt().expect("the TPM is there");
    figure("counting and signing in a TPM, to the bare commands", device, finger, true, Box::new(bare)).await
}
