//! The backend: any API, answered by an agent elsewhere.

mod calls;
mod contexts;
mod driver;
mod entries;
mod heard;
mod state;

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::{oneshot, watch};
use wx_api::{Answering, Api, ApiSet, Call, Clock, Cx, Error, ErrorKind, EventSender, Invoke, Result};

use self::state::Shared;
use crate::{Address, KeyRing, LinkError};

/// A device elsewhere, as a backend. Cheap to clone; the link ends with the last clone.
///
/// Calls and subscriptions survive a link that breaks: it is made again, and each call gets exactly one answer. What may have run and may
/// not, because the agent died in between or was away for too long, answers [`OutcomeUnknown`](ErrorKind::OutcomeUnknown), and nothing
/// that may have run is ever run again, except what only reads. Subscriptions end, as if the backend had gone, when the agent has
/// restarted.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use wx_api::{Cx, login::LoginRequest};
/// use wx_device::{Device, KeyRing};
/// use wx_host::{TokioClock, Wx};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = Arc::new(KeyRing::open("/home/li/.local/state/wx/devices")?);
/// let device = Device::builder("tcp://192.168.1.7:7411".parse()?, keys, Arc::new(TokioClock)).connect().await?;
/// let wx = Wx::builder(device).build();
/// println!("{:?}", wx.call(&Cx::new("wx4f4bc4dec97d474b"), LoginRequest::default()).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Device {
    shared: Arc<Shared>,
    handle: Arc<Handle>,
}

/// A device to be connected to. Made by [`Device::builder`].
#[must_use = "a builder does nothing until it is connected"]
pub struct Builder {
    address: Address,
    keys: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
    patience: Duration,
    silence: Duration,
    give_up: Duration,
}

/// Tells the driver when nobody has the device any more.
struct Handle(watch::Sender<bool>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

impl Device {
    /// The device at this address, with which this end was paired. Time is the host's to supply: `wx_host::TokioClock`, in a product.
    pub fn builder(address: Address, keys: Arc<KeyRing>, clock: Arc<dyn Clock>) -> Builder {
        let (patience, silence) = (Duration::from_secs(10), Duration::from_secs(30));
        Builder { address, keys, clock, patience, silence, give_up: Duration::from_secs(420) }
    }

    /// Asks the device whether it is there, and waits until it has begun everything that was called before.
    ///
    /// # Errors
    ///
    /// The link is down, or broke before the device answered: why.
    pub async fn ping(&self) -> std::result::Result<(), String> {
        let pong = self.shared.ping()?;
        pong.await.map_err(|_| "the link broke".to_owned())
    }

    /// Says goodbye and waits until it was said. The device then forgets this host's calls and subscriptions; every call that has no
    /// answer yet gets none but a failure.
    pub async fn close(&self) {
        self.handle.0.send_replace(true);
        self.shared.ended().await;
    }
}

impl Builder {
    /// How long a call waits for a device that is away, before it fails, and a device is away before calls fail at once: 10 seconds,
    /// unless told otherwise.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How long the device may say nothing before the link counts as broken: 30 seconds, unless told otherwise. It is asked three times
    /// as often.
    pub fn silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// How long a call that has reached the device waits for it to come back: seven minutes, unless told otherwise, which is
    /// longer than an agent keeps what it was asked, counted from when it notices.
    pub fn give_up(mut self, give_up: Duration) -> Self {
        self.give_up = give_up;
        self
    }

    /// Connects, and keeps connected from then on. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// No device was paired at the address, or it cannot be reached now.
    pub async fn connect(self) -> std::result::Result<Device, LinkError> {
        let agent = self.keys.at(&self.address.to_string())?.key;
        let (ending, ended) = watch::channel(false);
        let shared = Shared::new(self.clock.clone())?;
        let (first, connected) = oneshot::channel();
        tokio::spawn(driver::run(shared.clone(), self, agent, ended, first));
        let device = Device { shared, handle: Arc::new(Handle(ending)) };
        match connected.await {
            Ok(connected) => connected.map(|()| device),
            Err(_) => Err(LinkError::Io(std::io::ErrorKind::Interrupted.into())), // the runtime ends
        }
    }
}

impl Invoke for Device {
    fn invoke<'s, 'c, 'a>(&'s self, cx: &'c Cx, call: Call) -> Answering<'a>
    where
        's: 'a,
        'c: 'a,
        Self: 'a,
    {
        Box::pin(calls::invoke(&self.shared, cx, call))
    }

    fn supported(&self) -> ApiSet {
        self.shared.supported()
    }

    fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {
        let supported = self.supported();
        let wanted: Vec<Api> = Api::ALL.iter().copied().filter(|&api| out.wants(api)).collect();
        if let Some(&missing) = wanted.iter().find(|&&api| !supported.contains(api)) {
            return Err(Error::unsupported(missing));
        }
        let why = self.shared.subscribe(cx, &wanted, &out);
        match (why, wanted.first()) {
            (Err(why), Some(&api)) => Err(Error::new(api, ErrorKind::Unavailable, why)),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("supported", &self.supported()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("address", &self.address).finish_non_exhaustive()
    }
}
