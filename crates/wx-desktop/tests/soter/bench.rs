//! A desktop with its own platform, a finger in memory, a clock that a test moves, and the developer's server.

use std::{fs, path::Path, process::Command, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tempfile::TempDir;
use tokio::sync::watch;
use wx_api::{
    Clock, Cx, Host, Timestamp,
    login::LoginRequest,
    soter::{AuthMode, Soter, StartSoterAuthenticationRequest, StartSoterAuthenticationResult},
};
use wx_desktop::{
    Desktop,
    soter::{MemoryFinger, Seal, SoterDevice},
};
use wx_platform::{client::Client, wire::soter::VerifyRequest};

pub(crate) struct Bench {
    pub(crate) desktop: Desktop,
    pub(crate) soter: Arc<dyn Soter>,
    pub(crate) finger: Arc<MemoryFinger>,
    pub(crate) device: SoterDevice,
    pub(crate) clock: Arc<Time>,
    pub(crate) folder: TempDir,
}

/// A clock that a test moves.
#[derive(Default)]
pub(crate) struct Time(watch::Sender<Timestamp>);

impl Time {
    pub(crate) fn pass(&self, by: Duration) {
        self.0.send_modify(|now| *now = *now + by);
    }
}

#[async_trait]
impl Clock for Time {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    async fn sleep_until(&self, at: Timestamp) {
        let _ = self.0.subscribe().wait_for(|now| *now >= at).await;
    }
}

pub(crate) fn cx() -> Cx {
    Cx::new("wx4f4bc4dec97d474b")
}

pub(crate) fn request(challenge: &str) -> StartSoterAuthenticationRequest {
    StartSoterAuthenticationRequest {
        request_auth_modes: vec![AuthMode::FingerPrint],
        challenge: challenge.to_owned(),
        auth_content: None,
    }
}

/// A device with a key of its own and a finger in memory.
pub(crate) fn software(folder: &Path) -> (SoterDevice, Arc<MemoryFinger>) {
    let finger = Arc::new(MemoryFinger::default());
    (SoterDevice::software(folder.join("soter"), finger.clone(), &Seal::none()).unwrap(), finger)
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(|device| device).await
    }

    /// With another device, made from the usual one.
    pub(crate) async fn with(change: impl FnOnce(SoterDevice) -> SoterDevice) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (device, finger) = software(folder.path());
        Self::over(folder, change(device), finger).await
    }

    /// Over this device, whose finger this is.
    pub(crate) async fn over(folder: TempDir, device: SoterDevice, finger: Arc<MemoryFinger>) -> Self {
        let clock = Arc::<Time>::default();
        let builder = Desktop::builder(clock.clone()).data_dir(folder.path().join("platform")).soter(device.clone());
        let desktop = builder.start().await.unwrap();
        let soter = desktop.host().soter.unwrap();
        Self { desktop, soter, finger, device, clock, folder }
    }

    pub(crate) async fn start(&self, challenge: &str) -> wx_api::Result<StartSoterAuthenticationResult> {
        self.soter.start_soter_authentication(&cx(), request(challenge)).await
    }

    /// The user confirms this challenge.
    pub(crate) async fn confirm(&self, challenge: &str) -> wx_api::Result<StartSoterAuthenticationResult> {
        self.finger.touch(wx_api::Touch::Match { finger: "7".to_owned() });
        let answer = self.start(challenge).await;
        self.finger.lift();
        answer
    }

    /// The developer's server, and its user as the app knows them.
    pub(crate) async fn developer(&self) -> (Client, String) {
        let secret = self.desktop.app_secret(cx().app()).await.unwrap();
        let client = Client::builder(self.desktop.platform_url(), cx().app().clone(), secret).build().unwrap();
        let session = client.code_to_session(&log_in(&self.desktop.host()).await).await.unwrap();
        (client, session.openid)
    }
}

async fn log_in(host: &Host) -> String {
    host.login.as_ref().unwrap().login(&cx(), LoginRequest::default()).await.unwrap().code
}

/// Whether the platform accepts what this user's device signed.
pub(crate) async fn is_accepted(client: &Client, openid: &str, answer: &StartSoterAuthenticationResult) -> bool {
    let request = VerifyRequest {
        openid: openid.to_owned(),
        json_string: answer.result_json.clone(),
        json_signature: answer.result_json_signature.clone(),
    };
    client.verify_soter(&request).await.unwrap().is_ok
}

/// Whether `openssl` finds the signature good with a salt of this many bytes.
pub(crate) fn openssl(folder: &Path, public_key: &str, answer: &StartSoterAuthenticationResult, salt: u32) -> bool {
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let signature = STANDARD.decode(&answer.result_json_signature).unwrap();
    let run = Command::new("openssl")
        .args(["dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_mgf1_md:sha256", "-sigopt"])
        .args([&format!("rsa_pss_saltlen:{salt}"), "-verify"])
        .arg(file("key.pub", public_key.as_bytes()))
        .arg("-signature")
        .arg(file("signature", &signature))
        .arg(file("text", answer.result_json.as_bytes()))
        .output()
        .expect("the openssl command is installed");
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(said.contains("Verif"), "{said} {}", String::from_utf8_lossy(&run.stderr));
    run.status.success()
}
