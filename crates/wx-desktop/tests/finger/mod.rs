//! The outside of SOTER, made of real parts: fprintd, on libfprint's virtual reader.

use std::{
    collections::VecDeque,
    io,
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::{
    select,
    sync::{OnceCell, watch},
};
use wx_api::{BiometricDialog, BiometricPrompt, Cx, FingerScreen, Sensor};
use wx_conformance::{FingerHandle, Touch};
use wx_desktop::{
    conformance::FingerReader,
    soter::{Fprint, SoterDevice},
};
use wx_rig::{Fingerprints, Progress};

/// An fprintd of a bench's own, which is only started when something needs it: most cases do not.
#[derive(Clone)]
pub(crate) struct RealFinger(Arc<Parts>);

struct Parts {
    running: OnceCell<Running>,
    wanted: Mutex<Wanted>,
    screen: Arc<Screen>,
    public_key: String,
    _folder: TempDir,
}

struct Running {
    rig: Arc<Fingerprints>,
    fprint: Fprint,
}

/// What the machine is to be like.
#[derive(Clone, Copy)]
struct Wanted {
    supported: bool,
    allowed: bool,
    enrolled: bool,
}

impl RealFinger {
    /// As a bench wants it, over this key and this counter.
    pub(crate) fn reader(
        device: impl FnOnce(&Path, Arc<dyn BiometricPrompt>) -> io::Result<SoterDevice>,
    ) -> io::Result<FingerReader> {
        let folder = tempfile::tempdir()?;
        // The key is asked for its public half before there is a prompt to put beside it.
        let unused = Arc::new(wx_desktop::soter::MemoryFinger::default());
        let device = device(folder.path(), unused)?;
        let parts = Parts {
            running: OnceCell::new(),
            wanted: Mutex::new(Wanted { supported: true, allowed: true, enrolled: true }),
            screen: Arc::default(),
            public_key: device.keys.public_key().to_owned(),
            _folder: folder,
        };
        let finger = Self(Arc::new(parts));
        Ok(FingerReader { device: SoterDevice { prompt: Arc::new(finger.clone()), ..device }, handle: Arc::new(finger) })
    }

    async fn running(&self) -> &Running {
        let start = || async {
            let rig = Arc::new(Fingerprints::new().await.expect("a finger can be enrolled"));
            let fprint = Fprint::at(rig.address(), self.0.screen.clone());
            let _ = self.0.screen.said.set(rig.progress());
            tokio::spawn(play(self.0.screen.clone(), rig.clone()));
            Running { rig, fprint }
        };
        self.0.running.get_or_init(start).await
    }

    fn want(&self, change: impl FnOnce(&mut Wanted)) {
        change(&mut self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner)); // nothing panics under the lock
    }
}

#[async_trait]
impl BiometricPrompt for RealFinger {
    async fn sensor(&self, cx: &Cx) -> Option<Sensor> {
        let Running { rig, fprint } = self.running().await;
        let Wanted { supported, allowed, enrolled } = *self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if !supported {
            rig.stop();
        } else if !rig.is_running() {
            rig.start().await.expect("the bus starts");
        }
        rig.allow(allowed);
        rig.enrol(enrolled).expect("the finger can be enrolled");
        fprint.sensor(cx).await
    }

    fn open(&self, cx: &Cx, text: &str) -> Box<dyn BiometricDialog> {
        self.0.running.get().expect("it was asked for its sensor before").fprint.open(cx, text)
    }
}

#[async_trait]
impl FingerHandle for RealFinger {
    fn touch(&self, touch: Touch) {
        self.0.screen.scene.send_modify(|scene| scene.touches.push_back(touch));
    }

    fn lift(&self) {
        self.0.screen.scene.send_modify(|scene| {
            scene.touches.clear();
            scene.lifted += 1;
        });
    }

    fn support(&self, supported: bool) {
        self.want(|wanted| wanted.supported = supported);
    }

    fn authorize(&self, allowed: bool) {
        self.want(|wanted| wanted.allowed = allowed);
    }

    fn enroll(&self, enrolled: bool) {
        self.want(|wanted| wanted.enrolled = enrolled);
    }

    fn dialogs(&self) -> Vec<String> {
        self.0.screen.scene.borrow().dialogs.clone()
    }

    async fn wait_for_dialogs(&self, count: usize) {
        self.0.screen.until(|scene| scene.dialogs.len() >= count).await;
        // A dialog that is given up earlier would leave a search behind that looks like the next one's.
        self.0.screen.searched().await;
    }

    fn public_key(&self) -> String {
        self.0.public_key.clone()
    }
}

/// The screen, and what the person at it is about to do.
#[derive(Default)]
struct Screen {
    scene: watch::Sender<Scene>,
    /// What fprintd says.
    said: OnceLock<watch::Receiver<Progress>>,
}

#[derive(Default)]
struct Scene {
    dialogs: Vec<String>,
    /// What fprintd had said when the dialog opened that is on the screen.
    open: Option<Progress>,
    touches: VecDeque<Touch>,
    /// How often the finger was taken away.
    lifted: u64,
}

impl Screen {
    async fn until(&self, is_so: impl FnMut(&Scene) -> bool) {
        // It can only fail once the sender is gone, which `self` has.
        let _ = self.scene.subscribe().wait_for(is_so).await;
    }
}

impl Screen {
    /// Waits until fprintd looks for a finger for the dialog that is on the screen, if one is, and answers what it had said then.
    async fn searched(&self) -> Option<Progress> {
        let search = |said: &Progress| {
            let open = self.scene.borrow().open;
            open.is_none_or(|before| said.begun - before.begun > said.judged - before.judged)
        };
        self.said.get()?.clone().wait_for(search).await.ok().map(|said| *said)
    }
}

#[async_trait]
impl FingerScreen for Screen {
    async fn show(&self, _: &Cx, text: &str) {
        struct Shown<'a>(&'a Screen);
        impl Drop for Shown<'_> {
            fn drop(&mut self) {
                self.0.scene.send_modify(|scene| scene.open = None);
            }
        }
        let _shown = Shown(self);
        let said = self.said.get().map(|said| *said.borrow()).unwrap_or_default();
        self.scene.send_modify(|scene| {
            scene.open = Some(said);
            scene.dialogs.push(text.to_owned());
        });
        self.until(|scene| scene.open.is_none()).await;
    }
}

/// Does one thing after the other on the reader. A finger that the reader did not judge, because the dialog it was for had just gone, is
/// there for the next dialog.
async fn play(screen: Arc<Screen>, rig: Arc<Fingerprints>) {
    let mut progress = rig.progress();
    loop {
        let mut next = None;
        screen
            .until(|scene| {
                next = scene.touches.front().map(|touch| (*touch, scene.lifted));
                next.is_some()
            })
            .await;
        let Some((touch, lifted)) = next else { continue };
        let done = async {
            let command = match touch {
                Touch::Match => "SCAN finger-A",
                Touch::NoMatch => "SCAN finger-B",
                Touch::Fault => "ERROR 0",
                Touch::Cancel => {
                    screen.until(|scene| scene.open.is_some()).await;
                    screen.searched().await;
                    screen.scene.send_modify(|scene| scene.open = None);
                    return;
                }
            };
            loop {
                screen.until(|scene| scene.open.is_some()).await;
                let Some(before) = screen.searched().await else { return };
                let _ = rig.tell(command).await; // or the reader was closed just now
                match progress.wait_for(|said| *said != before).await {
                    Ok(said) if said.judged == before.judged => {} // it looks for another finger than ours was for
                    _ => return,
                }
            }
        };
        select! {
            () = done => screen.scene.send_modify(|scene| {
                if scene.lifted == lifted {
                    scene.touches.pop_front();
                }
            }),
            () = screen.until(|scene| scene.lifted != lifted) => {}
        }
    }
}
