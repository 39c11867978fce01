//! Where this program keeps what belongs to its user.

use std::{
    env,
    path::{Path, PathBuf},
};

/// This folder below `$XDG_DATA_HOME/wx`, or `~/.local/share/wx` without that variable. A relative path counts as none.
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    let variable = |name| env::var_os(name).map(PathBuf::from).filter(|path| Path::is_absolute(path));
    let base = variable("XDG_DATA_HOME").or_else(|| Some(variable("HOME")?.join(".local/share")))?;
    Some(base.join("wx").join(name))
}
