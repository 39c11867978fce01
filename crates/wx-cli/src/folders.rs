//! Where this program keeps what belongs to its user, as the XDG base directories have it.

use std::{
    env,
    path::{Path, PathBuf},
};

/// This folder below `$XDG_DATA_HOME/wx`, or `~/.local/share/wx` without that variable: what its user would miss.
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    folder("XDG_DATA_HOME", ".local/share", name)
}

/// This folder below `$XDG_STATE_HOME/wx`, or `~/.local/state/wx` without that variable: what goes on from one run to the next.
pub(crate) fn state(name: &str) -> Option<PathBuf> {
    folder("XDG_STATE_HOME", ".local/state", name)
}

fn folder(variable: &str, below_home: &str, name: &str) -> Option<PathBuf> {
    let path = |name| env::var_os(name).map(PathBuf::from);
    Some(base(path(variable), path("HOME"), below_home)?.join("wx").join(name))
}

/// A relative path counts as none.
fn base(given: Option<PathBuf>, home: Option<PathBuf>, below_home: &str) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| Path::is_absolute(path);
    given.filter(absolute).or_else(|| home.filter(absolute).map(|home| home.join(below_home)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_follows_the_base_directories() {
        let at =
            |given: Option<&str>, home: Option<&str>| base(given.map(PathBuf::from), home.map(PathBuf::from), ".local/state");
        assert_eq!(at(Some("/s"), Some("/h")), Some("/s".into()));
        assert_eq!(at(None, Some("/h")), Some("/h/.local/state".into()));
        assert_eq!(at(Some("s"), Some("/h")), Some("/h/.local/state".into()));
        assert_eq!(at(Some(""), None), None);
    }
}
