//! A device at the other end of a link, as the suite meets it: without handles on what is outside it.

use std::{
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::SystemTime,
};

use async_trait::async_trait;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use wx_api::{Api, ApiSet, Call, Cx, EventSender, Invoke, Profile, Reply, hce::StopHceRequest};
use wx_conformance::{Bench, Harness, World};
use wx_device::{Address, Device};
use wx_host::Wx;

use crate::{commands::block_on, failure::Failure, link};

/// One device for all benches, one after the other. Each has a mini-program and a user whom the device has not met before.
pub(super) struct Remote {
    name: String,
    device: Device,
    /// One bench has the device at a time.
    turn: Arc<Mutex<()>>,
    /// Whom the bench made a card. They stop being one before the next has its turn.
    cards: Arc<std::sync::Mutex<Vec<Cx>>>,
    /// Numbers that no earlier run had.
    next: AtomicU64,
    /// Drives the link: every case has a runtime of its own, which ends with it. It ends when the sender is dropped.
    driver: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Remote {
    /// Connects to the device at this address.
    pub(super) fn connect(address: &Address) -> Result<Self, Failure> {
        let (connected, connecting) = mpsc::channel();
        let (end, ended) = oneshot::channel::<()>();
        let at = address.clone();
        let drive = thread::spawn(move || {
            let driven = block_on(async {
                let device = link::connect(&at).await?;
                let _ = connected.send(Ok(device.clone())); // who waits for it is there
                let _ = ended.await; // it comes by the sender being dropped
                device.close().await;
                Ok(())
            });
            if let Err(failure) = driven {
                let _ = connected.send(Err(failure)); // as above
            }
        });
        let device = connecting.recv().map_err(|_| Failure::failed(format!("{address}: nothing drives the link")))??;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let next = AtomicU64::new(u64::try_from(now.as_micros()).unwrap_or_default());
        Ok(Self {
            name: address.to_string(),
            device,
            turn: Arc::default(),
            cards: Arc::default(),
            next,
            driver: Some((end, drive)),
        })
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        if let Some((end, drive)) = self.driver.take() {
            drop(end);
            let _ = drive.join(); // once the goodbye was said
        }
    }
}

#[async_trait]
impl Harness for Remote {
    fn name(&self) -> &str {
        &self.name
    }

    async fn open(&self, profile: Profile) -> Result<Bench, String> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let cx = Cx::new(format!("wx{number:016x}")).with_user(format!("suite-{number}")).with_profile(profile);
        let turn = self.turn.clone().lock_owned().await;
        let cards = std::mem::take(&mut *self.cards.lock().unwrap_or_else(PoisonError::into_inner)); // whole entries come and go
        for card in cards {
            let _ = self.device.invoke(&card, StopHceRequest {}.into()).await; // it may have stopped by itself
        }
        let wx = Wx::builder(Turn { device: self.device.clone(), cards: self.cards.clone(), _guard: turn }).build();
        Ok(Bench { wx, cx, world: World::default() })
    }
}

/// The device, for as long as one bench has it.
struct Turn {
    device: Device,
    cards: Arc<std::sync::Mutex<Vec<Cx>>>,
    _guard: OwnedMutexGuard<()>,
}

#[async_trait]
impl Invoke for Turn {
    async fn invoke(&self, cx: &Cx, call: Call) -> wx_api::Result<Reply> {
        if call.api() == Api::StartHce {
            self.cards.lock().unwrap_or_else(PoisonError::into_inner).push(cx.clone()); // as above
        }
        self.device.invoke(cx, call).await
    }

    fn supported(&self) -> ApiSet {
        self.device.supported()
    }

    fn subscribe(&self, cx: &Cx, out: EventSender) -> wx_api::Result<()> {
        self.device.subscribe(cx, out)
    }
}
