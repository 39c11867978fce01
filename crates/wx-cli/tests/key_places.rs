//! An order that a real finger confirms, with its key in each place that `wx` knows: a TPM, a token, an encrypted file.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed
#![allow(dead_code)] // of what tests share, no one uses all

mod example;

use std::{
    env, fs,
    process::{Command, ExitCode},
};

use example::{Example, NO_SESSION};
use wx_rig::{FINGERPRINTS, Fingerprints, Keyring, SECRETS, Softhsm, Swtpm, TOKENS, TPM};

fn main() -> ExitCode {
    Softhsm::around(|| {
        wx_rig::main(
            &[&FINGERPRINTS, &SECRETS, &TOKENS, &TPM],
            wx_rig::tests! {
                places {
                    a_tpm,
                    a_token,
                    an_encrypted_file,
                    a_file_that_was_there_before_the_service,
                }
            },
        )
    })
}

/// A machine with a finger on its reader and somebody at home.
struct Machine {
    fingers: Fingerprints,
    home: tempfile::TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Machine {
    async fn new(variables: Vec<(&'static str, String)>) -> Self {
        let fingers = Fingerprints::new().await.unwrap();
        fingers.start().await.unwrap();
        let bus = ("DBUS_SYSTEM_BUS_ADDRESS", fingers.address());
        Self { fingers, home: tempfile::tempdir().unwrap(), variables: [variables, vec![bus]].concat() }
    }

    fn order(&self) -> Example {
        Example::start(self.home.path(), "order", &self.variables, &[])
    }

    async fn confirms(&self) -> u64 {
        self.order().confirmed(&self.fingers).await
    }

    /// As [`confirms`](Self::confirms), with more said on standard error.
    async fn ends_confirmed(&self) -> (Option<i32>, String) {
        let mut order = self.order();
        order.touched(&self.fingers).await;
        order.ends().await
    }

    /// The order is not confirmed, and the user is told why.
    async fn refuses(&self, why: &str) {
        let mut order = self.order();
        order.says("supported: fingerPrint").await;
        let (code, stderr) = order.ends().await;
        assert!(code == Some(1) && stderr.contains(why) && stderr.contains("order 1 is not confirmed"), "{stderr}");
    }

    fn has(&self, name: &str) -> bool {
        self.file(name).exists()
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.home.path().join(".local/share/wx/soter").join(name)
    }

    /// What `wx doctor` says of the key.
    fn doctor(&self) -> String {
        let mut doctor = Command::new(env!("CARGO_BIN_EXE_wx"));
        doctor.arg("doctor").env_clear().env("HOME", self.home.path()).env(NO_SESSION.0, NO_SESSION.1);
        doctor.envs(self.variables.iter().map(|(name, value)| (*name, value.as_str())));
        let said = String::from_utf8(doctor.output().unwrap().stdout).unwrap();
        said.lines().find(|line| line.starts_with("SOTER key")).unwrap().to_owned()
    }
}

/// The session's bus, which somebody must have.
fn session(keyring: &Keyring) -> (&'static str, String) {
    ("DBUS_SESSION_BUS_ADDRESS", keyring.address())
}

mod places {
    use super::{Keyring, Machine, Softhsm, Swtpm, env, fs, session};

    pub(super) async fn a_tpm() {
        let tpm = Swtpm::start().unwrap();
        // The TPM's library says of an index that it has not found, which is what was looked for.
        let quiet = ("TSS2_LOG", "all+NONE".to_owned());
        let machine = Machine::new(vec![("WX_SOTER_KEY", format!("tpm:{}", tpm.tcti())), quiet]).await;
        let (first, second) = (machine.confirms().await, machine.confirms().await);
        assert!(second > first, "{first}, {second}");
        assert!(machine.has("key.tpm") && !machine.has("key.pem"));
        assert!(machine.doctor().contains(&format!("the TPM at {}", tpm.tcti())), "{}", machine.doctor());
    }

    pub(super) async fn a_token() {
        let (keyring, text) = (Keyring::start().unwrap(), |text: &str| text.to_owned());
        keyring.logs_in(true).unwrap();
        let machine = Machine::new(vec![
            session(&keyring),
            ("WX_SOTER_KEY", text("pkcs11")),
            ("WX_PKCS11_MODULE", text(Softhsm::MODULE)),
            ("WX_PKCS11_TOKEN", text(Softhsm::LABEL)),
            ("WX_PKCS11_PIN", text(Softhsm::PIN)),
            ("SOFTHSM2_CONF", env::var("SOFTHSM2_CONF").unwrap()),
        ]);
        let machine = machine.await;
        assert_eq!((machine.confirms().await, machine.confirms().await), (1, 2));
        assert!(machine.has("key.pkcs11") && !machine.has("key.pem"));
        let device = fs::read_to_string(machine.file("attk.pem")).unwrap();
        assert!(device.starts_with("wx-sealed-1 "), "the device's key is in a file, and encrypted: {device}");
        assert!(machine.doctor().contains("a PKCS#11 token: it was asked for"), "{}", machine.doctor());
    }

    pub(super) async fn an_encrypted_file() {
        let keyring = Keyring::start().unwrap();
        let mut machine = Machine::new(vec![session(&keyring)]).await;
        assert!(machine.doctor().contains("its key files are encrypted when they are next needed"), "{}", machine.doctor());
        keyring.kill().await.unwrap();
        keyring.logs_in(true).unwrap();
        assert_eq!(machine.confirms().await, 1);
        let key = fs::read_to_string(machine.file("key.pem")).unwrap();
        assert!(key.starts_with("wx-sealed-1 "), "{key}");
        assert!(machine.doctor().contains("its key files are encrypted under the secret service (for"), "{}", machine.doctor());
        keyring.logs_in(false).unwrap();
        keyring.kill().await.unwrap();
        assert!(
            machine.doctor().contains("the secret service is locked and will ask for its password"),
            "{}",
            machine.doctor()
        );

        // Nobody unlocks it.
        keyring.types(None).unwrap();
        machine.refuses("stays locked: its dialog was closed").await;
        // There is no service at all.
        let session = machine.variables.remove(0);
        machine.refuses("there is no secret service on the user's bus").await;
        assert!(machine.doctor().contains("is encrypted under it"), "{}", machine.doctor());
        machine.variables.push(("WX_SOTER_FILES", "plain".to_owned()));
        machine.refuses("is encrypted: leave --soter-files plain out").await;
        machine.variables.pop();
        assert_eq!(fs::read_to_string(machine.file("key.pem")).unwrap(), key, "and nothing took its place");

        machine.variables.push(session);
        keyring.logs_in(true).unwrap();
        keyring.kill().await.unwrap();
        assert_eq!(machine.confirms().await, 2);
    }

    pub(super) async fn a_file_that_was_there_before_the_service() {
        let mut machine = Machine::new(vec![]).await;
        let (code, stderr) = machine.ends_confirmed().await;
        assert_eq!(code, Some(0));
        assert!(stderr.contains("the SOTER key is not encrypted: there is no secret service"), "{stderr}");
        assert!(
            machine.doctor().contains("its key files are not encrypted: there is no secret service"),
            "{}",
            machine.doctor()
        );
        assert_eq!(machine.confirms().await, 2, "and is not said again");
        let keyring = Keyring::start().unwrap();
        machine.variables.push(session(&keyring));

        // A service that does not open is no reason to do without a key that was there before.
        keyring.types(None).unwrap();
        let (code, stderr) = machine.ends_confirmed().await;
        assert_eq!(code, Some(0));
        assert!(stderr.contains("the SOTER key is not encrypted: the user's secret service stays locked"), "{stderr}");
        let plain = fs::read_to_string(machine.file("key.pem")).unwrap();
        assert!(plain.starts_with("-----BEGIN PRIVATE KEY-----"));

        keyring.kill().await.unwrap();
        keyring.logs_in(true).unwrap();
        assert_eq!(machine.confirms().await, 4);
        let sealed = fs::read_to_string(machine.file("key.pem")).unwrap();
        assert!(sealed.starts_with("wx-sealed-1 "), "{sealed}");
    }
}
