//! The secret service as it is seen from the bus.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use zbus::{OwnedObjectPath, OwnedVariant, Result, Type, Variant, proxy};

/// What answers `prompt` where nobody has to be asked, and `item` where there is none.
pub(super) const NOTHING: &str = "/";

/// What an item is found again by.
pub(super) type Attributes<'a> = HashMap<&'a str, &'a str>;
/// What an item or a collection is made with.
pub(super) type Properties<'a> = HashMap<&'a str, Variant<'a>>;

/// A secret on its way: under the transport's key.
#[derive(Debug, Serialize, Deserialize, Type)]
pub(super) struct Secret {
    pub(super) session: OwnedObjectPath,
    pub(super) iv: Vec<u8>,
    pub(super) closed: Vec<u8>,
    pub(super) content_type: String,
}

#[proxy(
    interface = "org.freedesktop.Secret.Service",
    default_service = "org.freedesktop.secrets",
    default_path = "/org/freedesktop/secrets"
)]
pub(super) trait Service {
    fn open_session(&self, algorithm: &str, input: Variant<'_>) -> Result<(OwnedVariant, OwnedObjectPath)>;
    fn search_items(&self, attributes: &Attributes<'_>) -> Result<(Vec<OwnedObjectPath>, Vec<OwnedObjectPath>)>;
    fn unlock(&self, objects: &[OwnedObjectPath]) -> Result<(Vec<OwnedObjectPath>, OwnedObjectPath)>;
    fn read_alias(&self, name: &str) -> Result<OwnedObjectPath>;
    fn create_collection(&self, properties: &Properties<'_>, alias: &str) -> Result<(OwnedObjectPath, OwnedObjectPath)>;
}

#[proxy(interface = "org.freedesktop.Secret.Collection", default_service = "org.freedesktop.secrets")]
pub(super) trait Collection {
    fn create_item(
        &self,
        properties: &Properties<'_>,
        secret: &Secret,
        replace: bool,
    ) -> Result<(OwnedObjectPath, OwnedObjectPath)>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn locked(&self) -> Result<bool>;
}

#[proxy(interface = "org.freedesktop.Secret.Item", default_service = "org.freedesktop.secrets")]
pub(super) trait Item {
    fn get_secret(&self, session: &OwnedObjectPath) -> Result<Secret>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn attributes(&self) -> Result<HashMap<String, String>>;
}

#[proxy(interface = "org.freedesktop.Secret.Prompt", default_service = "org.freedesktop.secrets")]
pub(super) trait Prompt {
    fn prompt(&self, window: &str) -> Result<()>;
    fn dismiss(&self) -> Result<()>;
    #[zbus(signal)]
    fn completed(&self, dismissed: bool, result: OwnedVariant) -> Result<()>;
}
