//! A process that is killed at any moment has signed no number twice, and loses no key.
//!
//! `WX_SOAK_KILLS` says how often to kill; the default is short. What a test cannot do is cut the power.
#![allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
#![cfg(unix)] // a kill that cannot be caught

use std::{
    collections::BTreeMap,
    env,
    hint::spin_loop,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use wx_api::{
    Cx, Touch,
    soter::{AuthMode, StartSoterAuthenticationRequest},
};
use wx_crypto::{SoterVerifier, soter};
use wx_desktop::{
    Desktop,
    soter::{MemoryFinger, Seal, SoftwareKey, SoterDevice, SoterKeyStore as _},
};
use wx_host::TokioClock;

const DIR: &str = "WX_KILL_DIR";
/// What a line of the child's output starts with; the test harness writes there, too.
const SIGNED: &str = "signed ";

/// The process that is killed: confirms without end, and says every result.
#[tokio::test]
#[ignore = "runs as the process that the other test kills"]
async fn child() {
    let dir = env::var(DIR).unwrap();
    let finger = Arc::new(MemoryFinger::default());
    let device = SoterDevice::software(Path::new(&dir).join("soter"), finger.clone(), &Seal::none()).unwrap();
    let builder = Desktop::builder(Arc::new(TokioClock)).data_dir(Path::new(&dir).join("platform")).soter(device);
    let soter = builder.start().await.unwrap().host().soter.unwrap();
    let cx = Cx::new("wx4f4bc4dec97d474b");
    for n in 0_u64.. {
        finger.touch(Touch::Match { finger: "1".to_owned() });
        let request = StartSoterAuthenticationRequest {
            request_auth_modes: vec![AuthMode::FingerPrint],
            challenge: format!("{} {n}", std::process::id()),
            auth_content: None,
        };
        let answer = soter.start_soter_authentication(&cx, request).await.unwrap();
        let line = format!("{SIGNED}{}\n", serde_json::to_string(&answer).unwrap());
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes()).and_then(|()| out.flush()).unwrap();
    }
}

fn start(dir: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Lets a child sign `lines` times and a moment longer, kills it, and gives what it said.
fn run_and_kill(dir: &Path, lines: usize, moment: u64) -> Vec<wx_api::soter::StartSoterAuthenticationResult> {
    let mut child = start(dir);
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (mut signed, mut line) = (Vec::new(), String::new());
    // A torn last line was not said.
    let said = |line: &str| Some(serde_json::from_str(line.strip_suffix('\n')?.split_once(SIGNED)?.1).unwrap());
    while signed.len() < lines {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "the child ended by itself");
        signed.extend(said(&line));
    }
    for _ in 0..moment {
        spin_loop();
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    signed.extend(rest.split_inclusive('\n').filter_map(said));
    signed
}

#[test]
fn no_number_is_signed_twice() {
    let kills: u64 = env::var("WX_SOAK_KILLS").map_or(12, |kills| kills.parse().expect("WX_SOAK_KILLS is a number"));
    let dir = tempfile::tempdir().unwrap();
    let (mut random, mut last, mut all) = (0x9E37_79B9_7F4A_7C15_u64, 0, BTreeMap::new());
    for kill in 0..kills {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Some are killed while they begin: the first of them while it makes its key.
        let lines = usize::try_from((random >> 32) % 8).unwrap();
        let signed = run_and_kill(dir.path(), lines, (random >> 40) % 3_000_000);
        let key = SoftwareKey::open(dir.path().join("soter"), &Seal::none()).unwrap();
        let key = SoterVerifier::from_spki_pem(key.public_key()).unwrap();
        for answer in signed {
            let report =
                soter::verify(&answer.result_json, &answer.result_json_signature, &key).expect("of the one key there is");
            assert!(report.counter > last, "kill {kill}: {} came after {last}", report.counter);
            last = report.counter;
            assert_eq!(all.insert(report.counter, report.raw), None);
        }
    }
    assert!(all.len() as u64 >= kills, "{} results in {kills} lives", all.len());
    let _ = writeln!(std::io::stderr(), "{kills} kills, {} results, the last number is {last}", all.len());
}
