//! Where users' decisions are kept between runs.

use std::{
    env,
    path::{Path, PathBuf},
};

use wx_host::{FileStore, StoreError};

use crate::failure::Failure;

/// Opens the decisions of this user of the system.
pub(crate) fn open() -> Result<FileStore, Failure> {
    let folder = folder()?;
    FileStore::open(&folder).map_err(|error| match error {
        StoreError::InUse { dir } => {
            Failure::failed(format!("{}: another `wx` that asks for consent is running; wait until it ends", dir.display()))
        }
        other => Failure::failed(with_source(&other)),
    })
}

/// The folder they are in.
fn folder() -> Result<PathBuf, Failure> {
    state_home(env::var_os("XDG_STATE_HOME").map(PathBuf::from), env::var_os("HOME").map(PathBuf::from))
        .map(|state| state.join("wx/consent"))
        .ok_or_else(|| Failure::misuse("there is no place for decisions: set XDG_STATE_HOME or HOME to an absolute path"))
}

/// As the XDG base directories have it: a relative path counts as none.
fn state_home(state: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| Path::is_absolute(path);
    state.filter(absolute).or_else(|| home.filter(absolute).map(|home| home.join(".local/state")))
}

/// An error of the store with what the system said to it.
pub(crate) fn with_source(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_follows_the_base_directories() {
        let at = |state: Option<&str>, home: Option<&str>| state_home(state.map(PathBuf::from), home.map(PathBuf::from));
        assert_eq!(at(Some("/s"), Some("/h")), Some("/s".into()));
        assert_eq!(at(None, Some("/h")), Some("/h/.local/state".into()));
        assert_eq!(at(Some("s"), Some("/h")), Some("/h/.local/state".into()));
        assert_eq!(at(Some(""), None), None);
    }
}
