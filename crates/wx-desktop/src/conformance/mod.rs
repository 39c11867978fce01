//! The whole of a product as the conformance suite drives it: the backend, the platform it signs in at, and the developers' servers.

mod clock;
mod developers;
mod finger;
mod near_field;
mod network;
mod person;
mod resident;

use std::{error::Error, fmt, future, io, net::Ipv4Addr, sync::Arc};

use async_trait::async_trait;
use tokio::net::TcpListener;
use wx_api::{Cx, Host, Profile};
use wx_conformance::{Bench, Harness, World};
use wx_host::{Consent, Fault, MemoryStore, Record, Timeout, Wx};
use wx_platform::{
    platform::{Platform, Rules, UnknownApps},
    server::Server,
    store::RedbStore,
};

use self::{clock::VirtualClock, developers::Developers, network::Proxy, person::Person, resident::Resident};
pub use self::{
    finger::FingerReader,
    near_field::{Handles, NearField},
};
use crate::{Desktop, PlatformAt, hce::DesktopHce};

/// Opens a platform of its own for every case: a server over a store on disk, asked over HTTP by the backend, through a line that can
/// be cut, and by the developers' servers.
///
/// Everything runs on the runtime of the case, which must have one thread: so a case that moves time knows who has run.
#[derive(Clone)]
pub struct DesktopHarness {
    /// Makes what card emulation has outside, for one bench: a reader in memory unless told otherwise.
    pub near_field: Make<NearField>,
    /// Makes the key, the counter and the reader of SOTER, for one bench: a key in a file and a finger in memory unless told otherwise.
    pub finger: Make<FingerReader>,
}

/// Makes a part of the outside for one bench.
pub type Make<T> = Arc<dyn Fn() -> io::Result<T> + Send + Sync>;

impl fmt::Debug for DesktopHarness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DesktopHarness").finish_non_exhaustive()
    }
}

impl Default for DesktopHarness {
    fn default() -> Self {
        Self { near_field: Arc::new(NearField::in_memory), finger: Arc::new(FingerReader::in_memory) }
    }
}

const APP: &str = "wx4f4bc4dec97d474b";
/// Any number does: no layer breaks anything here.
const SEED: u64 = 1;

#[async_trait]
impl Harness for DesktopHarness {
    fn name(&self) -> &'static str {
        "desktop"
    }

    async fn open(&self, profile: Profile) -> Result<Bench, String> {
        bench(profile, self).await.map_err(|error| error.to_string())
    }
}

async fn bench(profile: Profile, harness: &DesktopHarness) -> Result<Bench, Box<dyn Error + Send + Sync>> {
    let cx = Cx::new(APP).with_profile(profile);
    let clock = Arc::new(VirtualClock::default());
    let folder = tempfile::tempdir()?;
    let rules = Rules { unknown_apps: UnknownApps::Create, ..Rules::default() };
    let platform = Arc::new(Platform::open(Arc::new(RedbStore::open(folder.path())?), clock.clone(), rules).await?);
    let host_key = platform.add_host_key("the host", false).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(Server::new(platform.clone()).serve(listener, future::pending()));

    let network = Arc::new(Proxy::before(address).await?);
    let at = PlatformAt::Url { url: format!("http://{}", network.address()), host_key };
    let (near_field, finger) = ((harness.near_field)()?, (harness.finger)()?);
    let hce = Arc::new(DesktopHce::new(near_field.transport, clock.clone()));
    let (radio, reader) = (near_field.handles)(hce.clone());
    let desktop = Desktop::builder(clock.clone()).platform(at).hce(hce).soter(finger.device).start().await?;
    let person = Arc::new(Person::default());
    let consent = Arc::new(Consent::new(person.clone(), Arc::new(MemoryStore::default())));
    let resident = Resident::new(person, consent.clone(), platform.clone(), cx.user().clone());
    resident.describe().await?;

    let wx = Wx::builder(Host { authorization: Some(consent), ..desktop.host() })
        .trace()
        .record(Record::new(io::sink()))
        .timeout(Timeout::new(clock.clone()))
        .fault(Fault::new(clock.clone(), SEED)) // without a rule it breaks nothing
        .build();
    let world = World {
        server: Some(Arc::new(Developers::new(platform, address, clock.clone(), server, folder))),
        clock: Some(clock),
        user: Some(Arc::new(resident)),
        network: Some(network),
        radio: Some(radio),
        reader: Some(reader),
        finger: Some(finger.handle),
    };
    Ok(Bench { wx, cx, world })
}
