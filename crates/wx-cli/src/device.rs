//! The device that a command works with: a backend, and the layers of a product around it.

use std::{collections::BTreeMap, future::pending, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use tokio::time::{Instant, interval};
use wx_api::{ApiSet, Clock, Host, Invoke, Scope, authorization::Authorization};
use wx_crypto::Secret;
use wx_desktop::{
    Desktop, PlatformAt,
    hce::{DesktopHce, Vpcd},
};
use wx_host::{Consent, MemoryStore, Timeout, TokioClock, Wx};
use wx_mock::World;

use crate::{
    backend::Backend,
    consent::{ForThisRun, TerminalPrompt},
    failure::{self, Failure},
    finger,
    input::{self, Text},
    link, settings,
    soter_key::KeyOptions,
    terminal,
    world_file::WorldFile,
};

/// The seed of a world whose seed does not matter.
const SEED: u64 = 1;
/// How far a served world may be behind.
const PACE: Duration = Duration::from_millis(10);

/// Which backend.
#[derive(Clone, Debug, Args)]
pub(crate) struct BackendOptions {
    /// What does the work: mock, a world in memory that is the same every time; desktop, the real parts of this machine; or a device
    /// elsewhere by the address of its agent, `tcp://HOST:PORT`, `unix:///PATH` or `exec://COMMAND`.
    #[arg(long, value_name = "BACKEND", default_value = "mock")]
    pub(crate) backend: Backend,
    /// What the world of the mock is like to begin with: see docs/wx.md.
    #[arg(long, value_name = "FILE")]
    world: Option<PathBuf>,
    /// The number that everything in the mock's world grows from; 1 unless given.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

/// The device, and what is decided on it.
#[derive(Clone, Debug, Args)]
pub(crate) struct DeviceOptions {
    #[command(flatten)]
    pub(crate) backend: BackendOptions,
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

/// A device that is ready to be called.
pub(crate) struct Device {
    /// Its APIs.
    pub(crate) wx: Wx,
    /// Its time.
    pub(crate) clock: Arc<dyn Clock>,
    /// The world around it, if it is a fake one.
    pub(crate) world: Option<World>,
    /// Whose it is, if its world says so.
    pub(crate) user: Option<String>,
    desktop: Option<Desktop>,
    link: Option<wx_device::Device>,
}

impl BackendOptions {
    /// What it can do under the newest base library, without anybody to do it for: no server is started, no consent asked, and nothing
    /// kept.
    pub(crate) async fn supported(&self) -> Result<ApiSet, Failure> {
        self.world_file()?;
        supported(&self.backend).await
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
        Backend::Remote(address) => {
            let link = link::connect(address).await?;
            let supported = link.supported();
            link.close().await;
            return Ok(supported);
        }
    };
    Ok(with_consent(host))
}

fn with_consent(host: Host) -> ApiSet {
    let consent = Consent::new(Arc::new(TerminalPrompt::default()), Arc::new(MemoryStore::default()));
    with(consent, host).supported()
}

fn with(consent: impl Authorization + 'static, host: Host) -> Host {
    Host { authorization: Some(Arc::new(consent)), ..host }
}

impl DeviceOptions {
    /// Gets the device ready.
    pub(crate) async fn open(&self) -> Result<Device, Failure> {
        let file = self.backend.world_file()?;
        let decided = self.decided(&file)?;
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
                let wx = stack(with(consent, world.host()), clock.clone());
                Ok(Device { world: Some(world), user: file.user.id, ..Device::new(wx, clock) })
            }
            Backend::Desktop => {
                let store = ForThisRun::new(settings::open()?, decided);
                let consent = Consent::new(Arc::new(TerminalPrompt::default()), Arc::new(store));
                let clock: Arc<dyn Clock> = Arc::new(TokioClock);
                let soter = finger::device(&self.soter_key)?;
                let mut builder = Desktop::builder(clock.clone()).platform(self.platform()?).soter_when_needed(soter);
                if let Some(address) = self.vpcd {
                    let vpcd = Vpcd::at(address).map_err(Failure::misuse)?;
                    builder = builder.hce(Arc::new(DesktopHce::new(Arc::new(vpcd), clock.clone())));
                }
                let desktop = builder.start().await.map_err(Failure::failed)?;
                let wx = stack(with(consent, desktop.host()), clock.clone());
                Ok(Device { desktop: Some(desktop), ..Device::new(wx, clock) })
            }
            Backend::Remote(_) if !decided.is_empty() => {
                Err(Failure::misuse("consent is given at the device: --grant and --deny are for `wx agent serve` there"))
            }
            Backend::Remote(address) => {
                let clock: Arc<dyn Clock> = Arc::new(TokioClock);
                let link = link::connect(address).await?;
                Ok(Device { link: Some(link.clone()), ..Device::new(stack(link, clock.clone()), clock) })
            }
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
fn stack(backend: impl Invoke + 'static, clock: Arc<dyn Clock>) -> Wx {
    Wx::builder(backend).trace().timeout(Timeout::new(clock)).build()
}

impl Device {
    fn new(wx: Wx, clock: Arc<dyn Clock>) -> Self {
        Self { wx, clock, world: None, user: None, desktop: None, link: None }
    }

    /// Runs `work` to its end. In a fake world time passes whenever everybody waits; when nothing would ever happen there again,
    /// there is no answer.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        if let Some(world) = &self.world {
            return world.clock().run(work).await;
        }
        let Some((link, interrupted)) = self.link.as_ref().zip(terminal::interrupted().ok()) else { return Some(work.await) };
        tokio::select! {
            done = work => Some(done),
            () = interrupted => {
                link.close().await; // or the device would wait for this host to come back, with its prompts on the screen
                std::process::exit(failure::INTERRUPTED.into())
            }
        }
    }

    /// Never ends. In a fake world time passes meanwhile as it does outside, for those whom nobody here knows to wait for.
    pub(crate) async fn keep_pace(&self) {
        let Some(world) = &self.world else { return pending().await };
        let (clock, begun) = (world.clock(), Instant::now());
        let start = clock.now();
        let mut ticks = interval(PACE);
        loop {
            ticks.tick().await;
            clock.advance(start + begun.elapsed() - clock.now());
        }
    }

    /// Puts away what was made ready.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        if let Some(link) = self.link {
            link.close().await;
        }
        match self.desktop {
            Some(desktop) => desktop.shutdown().await.map_err(|error| Failure::failed(format!("the platform server: {error}"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_served_world_keeps_pace_with_real_time() {
        let (world, wait) = (World::new(SEED), Duration::from_millis(50));
        let clock = world.clock().clone();
        let device = Device { world: Some(world), ..Device::new(stack(Host::default(), clock.clone()), clock.clone()) };
        let (begun, until) = (Instant::now(), clock.now() + wait);
        tokio::select! {
            () = device.keep_pace() => {}
            () = clock.sleep_until(until) => {}
        }
        assert!(begun.elapsed() >= wait && clock.now() >= until, "{:?}", begun.elapsed());
    }
}
