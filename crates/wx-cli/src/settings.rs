//! Where users' decisions are kept between runs.

use wx_host::{FileStore, StoreError};

use crate::{failure::Failure, folders};

/// Opens the decisions of this user of the system.
pub(crate) fn open() -> Result<FileStore, Failure> {
    let nowhere = || Failure::misuse("there is no place for decisions: set XDG_STATE_HOME or HOME to an absolute path");
    let folder = folders::state("consent").ok_or_else(nowhere)?;
    FileStore::open(&folder).map_err(|error| match error {
        StoreError::InUse { dir } => {
            Failure::failed(format!("{}: another `wx` that asks for consent is running; wait until it ends", dir.display()))
        }
        other => Failure::failed(with_source(&other)),
    })
}

/// An error of the store with what the system said to it.
pub(crate) fn with_source(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
