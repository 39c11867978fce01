//! The key of the administrator, in a file beside the server's data that only its owner can read.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use wx_crypto::Secret;
use wx_platform::{platform::Platform, store::Store};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// How the server knows the host that this program is.
const NAME: &str = "wx";
const FILE: &str = "host-key";

/// Where the key is.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// The key of the server whose data is in this folder.
pub(super) fn read(folder: &Path) -> Result<Secret, Failure> {
    let path = path(folder);
    let text = fs::read_to_string(&path).map(Zeroizing::new).map_err(|error| {
        Failure::misuse(format!(
            "{} cannot be read: {error}; give --host-key @FILE, or --data with the folder of the server",
            path.display()
        ))
    })?;
    Ok(Secret::from(text.trim().to_owned()))
}

/// Sees to it that the server knows the key in the file. A file that is lost gives a new key, and the old one ends.
pub(super) async fn provide(folder: &Path, platform: &Platform, store: &dyn Store) -> Result<(), Failure> {
    if let Ok(key) = read(folder)
        && platform.host(key.expose()).await.map_err(Failure::failed)?.is_some()
    {
        return Ok(());
    }
    store.remove_host_keys(NAME).await.map_err(Failure::failed)?;
    let key = platform.add_host_key(NAME, true).await.map_err(Failure::failed)?;
    write(folder, &key).map_err(|error| Failure::failed(format!("{} cannot be written: {error}", path(folder).display())))
}

/// Whole or not at all; `tempfile` makes files that only their owner can read.
fn write(folder: &Path, key: &Secret) -> io::Result<()> {
    let mut draft = tempfile::Builder::new().prefix(".host-key-").tempfile_in(folder)?;
    draft.write_all(key.expose().as_bytes())?;
    draft.write_all(b"\n")?;
    draft.as_file().sync_all()?;
    draft.persist(path(folder)).map_err(|error| error.error)?;
    Ok(())
}
