//! The device that a command works with: a backend, the layers of a product around it, and who calls.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc};

use clap::{Args, ValueEnum};
use wx_api::{ApiSet, Clock, Cx, Host, Invoke as _, Platform, Profile, Scope, Version, authorization::Authorization};
use wx_crypto::Secret;
use wx_desktop::{
    Desktop, PlatformAt,
    hce::{DesktopHce, Vpcd},
};
use wx_host::{Consent, MemoryStore, Timeout, TokioClock, Wx};
use wx_mock::World;

use crate::{
    backend::{self, Backend},
    consent::{ForThisRun, TerminalPrompt},
    failure::Failure,
    finger,
    input::{self, Text},
    settings,
    soter_key::KeyOptions,
    world_file::WorldFile,
};

/// The appid of the official examples.
const APP: &str = "wx4f4bc4dec97d474b";
/// The user of a host that tells none apart.
const USER: &str = "default";
/// The seed of a world whose seed does not matter.
const SEED: u64 = 1;

/// Which backend, under which profile.
#[derive(Clone, Debug, Args)]
pub(crate) struct BackendOptions {
    /// What does the work: mock, a world in memory that is the same every time; or desktop, the real parts of this machine.
    #[arg(long, value_name = "BACKEND", default_value = "mock")]
    pub(crate) backend: Backend,
    /// The kind of phone that a mini-program finds.
    #[arg(long, value_enum, default_value = "android", value_name = "PLATFORM")]
    profile: Phone,
    /// Its base library, such as 1.9.94; the newest unless given.
    #[arg(long, value_name = "VERSION")]
    sdk: Option<Version>,
    /// What the world of the mock is like to begin with: see docs/wx.md.
    #[arg(long, value_name = "FILE")]
    world: Option<PathBuf>,
    /// The number that everything in the mock's world grows from; 1 unless given.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

/// Who calls, and what they may do.
#[derive(Clone, Debug, Args)]
pub(crate) struct DeviceOptions {
    #[command(flatten)]
    pub(crate) backend: BackendOptions,
    /// The mini-program's appid.
    #[arg(long, value_name = "ID", default_value = APP)]
    app_id: String,
    /// The user, by the name this host knows them; `default` unless given.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Consents to this scope for this run, whatever was decided before; may be repeated.
    #[arg(long, value_name = "SCOPE")]
    grant: Vec<Scope>,
    /// Refuses this scope for this run, whatever was decided before; may be repeated.
    #[arg(long, value_name = "SCOPE")]
    deny: Vec<Scope>,
    /// The platform server that the desktop backend signs in at; one in this process unless given.
    #[arg(long, value_name = "URL", requires = "host_key")]
    platform: Option<String>,
    /// What that server knows this host by, as @FILE or @-: arguments can be seen by other users.
    #[arg(long, value_name = "TEXT", env = "WX_HOST_KEY", hide_env_values = true)]
    host_key: Option<Text>,
    /// Where on this machine the virtual card reader listens, if not where it usually does: see docs/hce.md.
    #[arg(long, value_name = "ADDRESS", env = "WX_VPCD")]
    vpcd: Option<SocketAddr>,
    #[command(flatten)]
    soter_key: KeyOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Phone {
    Android,
    Ios,
    Devtools,
}

/// A device that is ready to be called.
pub(crate) struct Device {
    /// Its APIs.
    pub(crate) wx: Wx,
    /// Who calls.
    pub(crate) cx: Cx,
    /// Its time.
    pub(crate) clock: Arc<dyn Clock>,
    /// The world around it, if it is a fake one.
    pub(crate) world: Option<World>,
    desktop: Option<Desktop>,
}

impl BackendOptions {
    /// What a mini-program finds the phone to be.
    pub(crate) fn profile(&self) -> Profile {
        let profile = Profile::new(match self.profile {
            Phone::Android => Platform::Android,
            Phone::Ios => Platform::Ios,
            Phone::Devtools => Platform::Devtools,
        });
        match self.sdk {
            Some(sdk) => profile.with_sdk(sdk),
            None => profile,
        }
    }

    /// What it can do, without anybody to do it for: no server is started, no consent asked, and nothing kept.
    pub(crate) async fn supported(&self) -> Result<ApiSet, Failure> {
        self.world_file()?;
        Ok(supported(&self.backend).await? & self.profile().apis())
    }

    /// What the world is like, for a backend that has one.
    fn world_file(&self) -> Result<WorldFile, Failure> {
        if self.backend != Backend::Mock && (self.world.is_some() || self.seed.is_some()) {
            return Err(Failure::misuse("--world and --seed are for the mock: other backends have no world to set"));
        }
        self.world.as_deref().map_or_else(|| Ok(WorldFile::default()), WorldFile::read)
    }
}

/// What a backend can do under the newest base library, with the consent that this program adds to it.
pub(crate) async fn supported(backend: &Backend) -> Result<ApiSet, Failure> {
    let host = match backend {
        Backend::Mock => World::new(SEED).host(),
        Backend::Desktop => {
            let at = PlatformAt::Url { url: "http://127.0.0.1:1".to_owned(), host_key: Secret::from("none".to_owned()) };
            let desktop = Desktop::builder(Arc::new(TokioClock)).platform(at).start().await;
            let host = desktop.map_err(Failure::failed)?.host();
            // What the user of this program confirms with is not made before it is needed.
            let soter = ApiSet::ALL.iter().filter(|api| api.domain() == "soter").collect();
            return Ok(with_consent(host) | soter);
        }
        Backend::Remote(url) => return Err(Failure::misuse(backend::no_link(url))),
    };
    Ok(with_consent(host))
}

fn with_consent(host: Host) -> ApiSet {
    let consent = Consent::new(Arc::new(TerminalPrompt::default()), Arc::new(MemoryStore::default()));
    Host { authorization: Some(Arc::new(consent)), ..host }.supported()
}

impl DeviceOptions {
    /// Gets the device ready.
    pub(crate) async fn open(&self) -> Result<Device, Failure> {
        let file = self.backend.world_file()?;
        let decided = self.decided(&file)?;
        let user = self.user.as_deref().or(file.user.id.as_deref()).unwrap_or(USER);
        let cx = Cx::new(&self.app_id).with_user(user).with_profile(self.backend.profile());
        if self.platform.is_some() && self.backend.backend != Backend::Desktop {
            return Err(Failure::misuse("--platform is for the desktop backend: others have no platform server to sign in at"));
        }
        match &self.backend.backend {
            Backend::Mock => {
                let world = World::new(self.backend.seed.or(file.seed).unwrap_or(SEED));
                file.apply(&world);
                let store = ForThisRun::new(MemoryStore::default(), decided);
                let consent = Consent::new(world.user().clone(), Arc::new(store));
                let clock: Arc<dyn Clock> = world.clock().clone();
                Ok(Device { wx: stack(world.host(), consent, clock.clone()), cx, clock, world: Some(world), desktop: None })
            }
            Backend::Desktop => {
                let store = ForThisRun::new(settings::open()?, decided);
                let consent = Consent::new(Arc::new(TerminalPrompt::default()), Arc::new(store));
                let clock: Arc<dyn Clock> = Arc::new(TokioClock);
                let mut builder =
                    Desktop::builder(clock.clone()).platform(self.platform()?).soter(finger::device(&self.soter_key).await?);
                if let Some(address) = self.vpcd {
                    let vpcd = Vpcd::at(address).map_err(Failure::misuse)?;
                    builder = builder.hce(Arc::new(DesktopHce::new(Arc::new(vpcd), clock.clone())));
                }
                let desktop = builder.start().await.map_err(Failure::failed)?;
                let wx = stack(desktop.host(), consent, clock.clone());
                Ok(Device { wx, cx, clock, world: None, desktop: Some(desktop) })
            }
            Backend::Remote(url) => Err(Failure::misuse(backend::no_link(url))),
        }
    }

    /// Where the desktop signs in.
    fn platform(&self) -> Result<PlatformAt, Failure> {
        let Some(url) = &self.platform else { return Ok(PlatformAt::Here) };
        let key = self.host_key.as_ref().map(Text::read_line).transpose()?;
        let host_key = input::secret(&key.unwrap_or_default());
        Ok(PlatformAt::Url { url: url.clone(), host_key })
    }

    /// What is decided before anybody is asked: by the file, and above it by the command line.
    fn decided(&self, file: &WorldFile) -> Result<BTreeMap<Scope, bool>, Failure> {
        if let Some(scope) = self.grant.iter().find(|scope| self.deny.contains(scope)) {
            return Err(Failure::misuse(format!("{scope} is both granted and denied")));
        }
        let mut decided = file.grants.clone();
        decided.extend(self.grant.iter().map(|scope| (*scope, true)));
        decided.extend(self.deny.iter().map(|scope| (*scope, false)));
        Ok(decided)
    }
}

/// The layers of a product around a backend.
fn stack(host: Host, consent: impl Authorization + 'static, clock: Arc<dyn Clock>) -> Wx {
    Wx::builder(Host { authorization: Some(Arc::new(consent)), ..host }).trace().timeout(Timeout::new(clock)).build()
}

impl Device {
    /// Runs `work` to its end. In a fake world time passes whenever everybody waits; when nothing would ever happen there again,
    /// there is no answer.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        match &self.world {
            Some(world) => world.clock().run(work).await,
            None => Some(work.await),
        }
    }

    /// Puts away what was made ready.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        match self.desktop {
            Some(desktop) => desktop.shutdown().await.map_err(|error| Failure::failed(format!("the platform server: {error}"))),
            None => Ok(()),
        }
    }
}
