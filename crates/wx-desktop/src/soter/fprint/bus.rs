//! fprintd as it is seen from the bus.

use std::time::Duration;

use wx_api::Sensor;
use zbus::{Connection, Error, OwnedObjectPath, Result, connection::Builder, proxy};

/// The longest that fprintd may take over a step in which it does not wait for a finger. Opening a reader takes it a second or two.
const LIMIT: Duration = Duration::from_secs(10);

/// The user that this process runs as, in fprintd's words.
const OURSELVES: &str = "";

/// Where fprintd is.
#[derive(Clone, Debug)]
pub(super) enum Bus {
    System,
    At(String),
}

#[proxy(
    interface = "net.reactivated.Fprint.Manager",
    default_service = "net.reactivated.Fprint",
    default_path = "/net/reactivated/Fprint/Manager"
)]
trait Manager {
    fn get_default_device(&self) -> Result<OwnedObjectPath>;
}

#[proxy(interface = "net.reactivated.Fprint.Device", default_service = "net.reactivated.Fprint")]
pub(super) trait Device {
    fn list_enrolled_fingers(&self, username: &str) -> Result<Vec<String>>;
    fn claim(&self, username: &str) -> Result<()>;
    fn release(&self) -> Result<()>;
    fn verify_start(&self, finger: &str) -> Result<()>;
    fn verify_stop(&self) -> Result<()>;
    #[zbus(signal)]
    fn verify_status(&self, result: String, done: bool) -> Result<()>;
    #[zbus(signal)]
    fn verify_finger_selected(&self, finger: String) -> Result<()>;
    #[zbus(property(emits_changed_signal = "false"), name = "name")]
    fn name(&self) -> Result<String>;
}

/// The reader, over a connection of its own: fprintd takes the reader back when that ends, whatever became of us.
pub(super) async fn device(bus: &Bus) -> Result<DeviceProxy<'static>> {
    let builder = match bus {
        Bus::System => Builder::system(),
        Bus::At(address) => Builder::address(address.as_str()),
    };
    let connection: Connection = builder.method_timeout(LIMIT).build().await?;
    let path = ManagerProxy::new(&connection).await?.get_default_device().await?;
    DeviceProxy::builder(&connection).path(path).build().await
}

/// Takes the reader for ourselves.
pub(super) async fn claim(device: &DeviceProxy<'_>) -> Result<()> {
    device.claim(OURSELVES).await
}

/// The reader as it is at this moment.
pub(super) async fn sensor(bus: &Bus) -> Result<Sensor> {
    let device = device(bus).await?;
    let (allowed, enrolled) = match device.list_enrolled_fingers(OURSELVES).await {
        Ok(fingers) => (true, !fingers.is_empty()),
        Err(error) if is(&error, "NoEnrolledPrints") => (true, false),
        Err(error) if is(&error, "PermissionDenied") => (false, false),
        Err(error) => return Err(error),
    };
    Ok(Sensor { name: device.name().await?, version: "fprintd".to_owned(), allowed, enrolled })
}

/// Whether it is this error of fprintd.
pub(super) fn is(error: &Error, name: &str) -> bool {
    matches!(error, Error::MethodError(error, ..) if error.strip_prefix("net.reactivated.Fprint.Error.") == Some(name))
}
