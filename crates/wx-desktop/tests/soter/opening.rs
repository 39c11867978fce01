//! A device that is opened when something is first to be confirmed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use tokio::sync::Notify;
use wx_api::{
    BiometricPrompt,
    soter::{AuthMode, CheckIsSoterEnrolledInDeviceRequest, CheckIsSupportSoterAuthenticationRequest, Soter},
};
use wx_desktop::{
    Desktop,
    soter::{MemoryFinger, OpenSoter, SoterDevice, StoreError},
};

use crate::bench::{Time, cx, request, software};

/// Opens when it is let, or fails.
struct Opener {
    device: SoterDevice,
    begun: AtomicUsize,
    fails: AtomicBool,
    may_go_on: Option<Notify>,
    has_begun: Notify,
}

#[async_trait]
impl OpenSoter for Opener {
    fn prompt(&self) -> Arc<dyn BiometricPrompt> {
        self.device.prompt.clone()
    }

    async fn open(&self) -> Result<SoterDevice, StoreError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.has_begun.notify_one();
        if let Some(may_go_on) = &self.may_go_on {
            may_go_on.notified().await;
        }
        if self.fails.load(Ordering::SeqCst) {
            Err(StoreError::Host("the keyring is closed".into()))
        } else {
            Ok(self.device.clone())
        }
    }
}

struct Scene {
    _folder: tempfile::TempDir,
    _desktop: Desktop,
    soter: Arc<dyn Soter>,
    finger: Arc<MemoryFinger>,
    opener: Arc<Opener>,
}

async fn scene(may_go_on: Option<Notify>) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let (device, finger) = software(folder.path());
    let (begun, fails, has_begun) = (AtomicUsize::new(0), AtomicBool::new(false), Notify::new());
    let opener = Arc::new(Opener { device, begun, fails, may_go_on, has_begun });
    let builder = Desktop::builder(Arc::<Time>::default()).data_dir(folder.path().join("platform"));
    let desktop = builder.soter_when_needed(opener.clone()).start().await.unwrap();
    let soter = desktop.host().soter.unwrap();
    Scene { _folder: folder, _desktop: desktop, soter, finger, opener }
}

impl Scene {
    fn opened(&self) -> usize {
        self.opener.begun.load(Ordering::SeqCst)
    }

    async fn confirms(&self, challenge: &str) -> wx_api::Result<()> {
        self.finger.touch(wx_api::Touch::Match { finger: "7".to_owned() });
        let answer = self.soter.start_soter_authentication(&cx(), request(challenge)).await;
        self.finger.lift();
        answer.map(drop)
    }
}

#[tokio::test]
async fn nothing_is_opened_before_something_can_be_confirmed_and_then_once() {
    let scene = scene(None).await;
    let (cx, request) = (cx(), CheckIsSupportSoterAuthenticationRequest::default());
    let support = scene.soter.check_is_support_soter_authentication(&cx, request).await.unwrap();
    assert_eq!(support.support_mode, [AuthMode::FingerPrint]);
    let mode = CheckIsSoterEnrolledInDeviceRequest { check_auth_mode: AuthMode::FingerPrint };
    assert!(scene.soter.check_is_soter_enrolled_in_device(&cx, mode).await.unwrap().is_enrolled);
    assert_eq!(scene.confirms("").await.unwrap_err().code(), Some(90004));
    assert_eq!(scene.opened(), 0);

    scene.confirms("1").await.unwrap();
    scene.confirms("2").await.unwrap();
    assert_eq!(scene.opened(), 1);
}

#[tokio::test]
async fn an_opening_that_fails_is_90007_with_its_reason_and_tried_again() {
    let scene = scene(None).await;
    scene.opener.fails.store(true, Ordering::SeqCst);
    for opened in [1, 2] {
        let error = scene.confirms("1").await.unwrap_err();
        assert_eq!((error.code(), scene.opened()), (Some(90007), opened));
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the keyring is closed");
        assert!(!error.to_string().contains("keyring"), "a script need not know: {error}");
    }
    assert_eq!(scene.finger.dialogs(), Vec::<String>::new(), "no finger was asked for");
    scene.opener.fails.store(false, Ordering::SeqCst);
    scene.confirms("1").await.unwrap();
}

#[tokio::test]
async fn a_second_call_does_not_wait_while_the_first_opens() {
    let scene = Arc::new(scene(Some(Notify::new())).await);
    let first = tokio::spawn({
        let scene = scene.clone();
        async move { scene.confirms("1").await }
    });
    scene.opener.has_begun.notified().await;
    assert_eq!(scene.soter.start_soter_authentication(&cx(), request("2")).await.unwrap_err().code(), Some(90007));
    assert_eq!(scene.opened(), 1);

    // Who no longer waits leaves the next one a free reader, and a device to open.
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    scene.finger.lift();
    scene.opener.may_go_on.as_ref().unwrap().notify_one();
    scene.confirms("3").await.unwrap();
    assert_eq!(scene.opened(), 2);
}
