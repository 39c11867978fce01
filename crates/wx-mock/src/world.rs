//! The world: every part of the outside, and the host that lives in it.

use std::{fmt, sync::Arc};

use wx_api::{AppId, Host};

use crate::{
    clock::VirtualClock, field::Field, finger::Finger, hce::MockHce, login::MockLogin, monitor::Monitor, network::Network,
    person::Person, platform::Platform, radio::Radio, reader::Reader, seed::Seed, server::Server, soter::MockSoter,
    user::MockUser,
};

/// Everything outside a host, in memory, and a [`Host`] that lives in it.
///
/// Cheap to clone: every clone is the same world. Cheap to have: an idle world is some small structures, so a test may have
/// thousands. It serves any number of apps and users, told apart by the `Cx` of each call.
///
/// ```
/// use wx_api::{Cx, login::LoginRequest};
/// use wx_mock::World;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let code = async |seed| {
///     let login = World::new(seed).host().login.unwrap();
///     login.login(&Cx::new("wx4f4bc4dec97d474b"), LoginRequest::default()).await.unwrap().code
/// };
/// assert_eq!(code(1).await, code(1).await);
/// assert_ne!(code(1).await, code(2).await);
/// # });
/// ```
#[derive(Clone)]
pub struct World(Arc<Parts>);

struct Parts {
    seed: Seed,
    clock: Arc<VirtualClock>,
    user: Arc<Person>,
    network: Arc<Network>,
    platform: Arc<Platform>,
    finger: Arc<Finger>,
    field: Arc<Monitor<Field>>,
    radio: Arc<Radio>,
    reader: Arc<Reader>,
}

impl World {
    /// The world that grows from this seed. The same seed and the same script give the same answers, byte for byte.
    pub fn new(seed: u64) -> Self {
        let seed = Seed(seed);
        let clock = Arc::new(VirtualClock::default());
        let field = Arc::new(Monitor::new(Field::default()));
        Self(Arc::new(Parts {
            seed,
            user: Arc::default(),
            network: Arc::default(),
            platform: Arc::new(Platform::new(seed, clock.clone())),
            finger: Arc::default(),
            radio: Arc::new(Radio(field.clone())),
            reader: Arc::new(Reader(field.clone())),
            field,
            clock,
        }))
    }

    /// The backend of this world: sign-in, user data, SOTER and card emulation.
    ///
    /// Consent is left out. It belongs to the host that links this backend; `wx-host` has it, over [`user`](Self::user) as its
    /// prompt.
    pub fn host(&self) -> Host {
        let Parts { seed, clock, user, network, platform, finger, field, .. } = &*self.0;
        Host {
            login: Some(Arc::new(MockLogin { network: network.clone(), platform: platform.clone() })),
            user: Some(Arc::new(MockUser { network: network.clone(), platform: platform.clone(), person: user.clone() })),
            soter: Some(Arc::new(MockSoter { seed: *seed, clock: clock.clone(), finger: finger.clone() })),
            hce: Some(Arc::new(MockHce(field.clone()))),
            ..Host::default()
        }
    }

    /// Time.
    pub fn clock(&self) -> &Arc<VirtualClock> {
        &self.0.clock
    }

    /// The person at the device.
    pub fn user(&self) -> &Arc<Person> {
        &self.0.user
    }

    /// The server of this app's developer.
    pub fn server(&self, app: &AppId) -> Arc<Server> {
        Arc::new(Server::new(app.clone(), self.0.platform.clone()))
    }

    /// The way from the device to the platform.
    pub fn network(&self) -> &Arc<Network> {
        &self.0.network
    }

    /// The fingerprint reader and the finger on it.
    pub fn finger(&self) -> &Arc<Finger> {
        &self.0.finger
    }

    /// The NFC part of the device.
    pub fn radio(&self) -> &Arc<Radio> {
        &self.0.radio
    }

    /// A card reader next to the device.
    pub fn reader(&self) -> &Arc<Reader> {
        &self.0.reader
    }

    /// Takes the app off the device: its sessions and its codes end, its AIDs are given back, and its listeners hear the end. What
    /// consent keeps for it is the host's.
    pub fn remove_app(&self, app: &AppId) {
        self.0.platform.remove_app(app);
        self.0.field.change(|field| field.remove(app));
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("seed", &self.0.seed.0).field("clock", &self.0.clock).finish_non_exhaustive()
    }
}
