//! A desktop with its own platform, a finger in memory, a clock that a test moves, and the developer's server.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::sync::watch;
use wx_api::{
    Clock, Cx, Host, Timestamp,
    login::LoginRequest,
    soter::{AuthMode, Soter, StartSoterAuthenticationRequest, StartSoterAuthenticationResult},
};
use wx_desktop::{
    Desktop,
    soter::{MemoryFinger, SoterDevice},
};
use wx_platform::client::Client;

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
    (SoterDevice::software(folder.join("soter"), finger.clone()).unwrap(), finger)
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(|device| device).await
    }

    /// With another device, made from the usual one.
    pub(crate) async fn with(change: impl FnOnce(SoterDevice) -> SoterDevice) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (device, finger) = software(folder.path());
        let device = change(device);
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
