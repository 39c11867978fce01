//! Devices at the other end of a link, as this host has them.

use std::{path::PathBuf, sync::Arc};

use wx_device::{Address, Device, KeyRing, LinkError};
use wx_host::TokioClock;

use crate::{failure::Failure, folders};

/// The folder of this host's key, and of the devices it knows.
pub(crate) fn folder() -> Result<PathBuf, Failure> {
    folders::state("devices").ok_or_else(nowhere)
}

/// What there is to say where neither folder can be.
pub(crate) fn nowhere() -> Failure {
    Failure::misuse("there is no place for the keys of links: set XDG_STATE_HOME or HOME to an absolute path")
}

/// What is in it; made if it is not there.
pub(crate) fn keys() -> Result<KeyRing, Failure> {
    KeyRing::open(folder()?).map_err(Failure::failed)
}

/// Connects to the device at this address.
pub(crate) async fn connect(address: &Address) -> Result<Device, Failure> {
    let keys = Arc::new(keys()?);
    let device = Device::builder(address.clone(), keys, Arc::new(TokioClock)).connect().await;
    device.map_err(|error| Failure::failed(explain(address, &error)))
}

/// Why there is no link, and what to do about it.
pub(crate) fn explain(address: &Address, error: &LinkError) -> String {
    let hint = match address {
        Address::Exec(_) => "does that command start `wx agent serve --stdio`, and does it say more above?",
        _ => "is `wx agent serve` running there?",
    };
    match error {
        LinkError::Io(_) | LinkError::Silent(_) => format!("{address}: the device is away: {error}; {hint}"),
        LinkError::Unpaired(_) | LinkError::Keys { .. } => error.to_string(),
        _ => format!("{address}: {error}"),
    }
}
